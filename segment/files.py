"""Reading pictures from files that may be anything, and writing files whole or not at all.

Every failure is a ValueError or OSError of one line that names the file and what is wrong with it.
"""

import contextlib
import os
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm")


def read_image(path):
    """A picture file as (H, W, 1) or (H, W, 3) uint8; transparent parts lie on white, as the camera was held."""
    path = Path(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            warnings.simplefilter("ignore", UserWarning)  # odd metadata
            with Image.open(path) as file:
                file.load()
                image = _upright(file)
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: no such file") from None
    except IsADirectoryError:
        raise ValueError(f"{path}: is a folder, not an image") from None
    except PermissionError:
        raise PermissionError(f"{path}: no permission to read it") from None
    except UnidentifiedImageError:
        raise ValueError(f"{path}: not an image that can be read") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise ValueError(f"{path}: more than {Image.MAX_IMAGE_PIXELS} pixels, refused") from None
    except (OSError, ValueError, SyntaxError, EOFError, struct.error, zlib.error, MemoryError) as error:
        raise ValueError(f"{path}: damaged image: {one_line(error)}") from None
    array = np.asarray(image)
    return array.reshape(*array.shape[:2], -1)


def _upright(file):
    """The picture in mode L or RGB, turned as its EXIF orientation says."""
    turns = {2: "FLIP_LEFT_RIGHT", 3: "ROTATE_180", 4: "FLIP_TOP_BOTTOM", 5: "TRANSPOSE", 6: "ROTATE_270",
             7: "TRANSVERSE", 8: "ROTATE_90"}  # fmt: skip
    turn = turns.get(file.getexif().get(0x0112, 1))
    if file.mode.startswith("I") or file.mode == "F":  # 16 bits (or more): Pillow would clip them
        wide = np.asarray(file)
        scale = 255 if file.mode == "F" and wide.max(initial=0) <= 1 else 1 / 257
        image = Image.fromarray(np.rint(wide * scale).clip(0, 255).astype(np.uint8))
    else:
        image = file
        if "A" in file.getbands() or "transparency" in file.info:
            image = Image.new("RGBA", file.size, "white")
            image.alpha_composite(file.convert("RGBA"))
        image = image.convert("L" if file.mode in ("1", "L", "LA") else "RGB")
    return image.transpose(Image.Transpose[turn]) if turn else image


def one_line(error):
    """What an exception says, on one line."""
    return " ".join(str(error).split()) or type(error).__name__


@contextlib.contextmanager
def atomic(path):
    """A binary file to write that appears under `path` only when it is complete; an OSError names `path`."""
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with open(temporary, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        if isinstance(error, OSError):
            raise OSError(error.errno, error.strerror or str(error), str(path)) from None
        raise
