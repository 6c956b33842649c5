"""Reading data sets from files that may be anything.

Every failure is a ValueError or OSError of one line that names the file and what is wrong with it. Sizes claimed by
a header are compared with the file before memory is taken for them.

IDX: two zero bytes, a byte for the type, a byte for the number of axes, each axis as a big-endian uint32, the data
(LeCun, "The MNIST database", file formats).
"""

import contextlib
import gzip
import math
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np

from ..segment.files import IMAGE_SUFFIXES, one_line, read_image

_IDX_TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_DEFLATE_LIMIT = 1032  # deflate cannot expand more than this


def images_in(folder):
    """The images of a folder, by name."""
    return sorted(p for p in folder.iterdir() if p.suffix.lower() in IMAGE_SUFFIXES and p.is_file())


def read_folder(folder, fit=None):
    """All images of a folder, or of its sub-folders as classes; `fit` brings each to one shape."""
    folder = Path(folder)
    classes = {p.name: images_in(p) for p in sorted(folder.iterdir()) if p.is_dir() and not p.name.startswith(".")}
    classes = {name: paths for name, paths in classes.items() if paths}
    paths, labels = images_in(folder), None
    if paths and classes:
        raise ValueError(f"{folder}: holds images beside sub-folders of images; classes need sub-folders alone")
    if classes:
        paths = [path for members in classes.values() for path in members]
        labels = np.repeat(np.arange(len(classes)), [len(members) for members in classes.values()])
    if not paths:
        raise ValueError(f"{folder}: holds no images ({' '.join(IMAGE_SUFFIXES)})")
    images = []
    for path in paths:
        image = read_image(path)
        images.append(image if fit is None else fit(image))
        first, shape = images[0].shape, images[-1].shape
        if shape[:2] != first[:2]:
            raise ValueError(
                f"{path}: {shape[0]} x {shape[1]} pixels, but {paths[0].name} has {first[0]} x {first[1]}; "
                "give an image size to crop and resize all"
            )
    channels = max(image.shape[2] for image in images)
    return np.stack([np.broadcast_to(image, (*first[:2], channels)) for image in images]), labels


@contextlib.contextmanager
def npz(path):
    """An .npz file to read, without pickle; any failure to do so is a ValueError that names the file."""
    try:
        with open(path, "rb") as file:
            if not zipfile.is_zipfile(file):
                raise ValueError("it is no whole zip archive")
            file.seek(0)
            with np.load(file, allow_pickle=False) as archive:
                yield archive
    except FileNotFoundError:
        raise
    except MemoryError:
        raise ValueError(f"{path}: the arrays do not fit into memory") from None
    except (OSError, ValueError, EOFError, SyntaxError, zipfile.BadZipFile, zlib.error, struct.error) as error:
        raise ValueError(f"{path}: not a readable .npz file: {one_line(error)}") from None


def read_npz(path):
    """Pictures and classes (or None) of an .npz file."""
    with npz(path) as archive:
        names = archive.files
        key = next((k for k in ("x", "images", "x_train") if k in names), names[0] if len(names) == 1 else None)
        label_key = next((k for k in ("y", "labels", "y_train") if k in names), None)
        if key is not None:
            return archive[key], None if label_key is None else archive[label_key]
    raise ValueError(f"{path}: holds no array named x, images or x_train, only {', '.join(names) or 'nothing'}")


def read_idx(path):
    """Pictures of an IDX file (gzipped or not) and the classes from the file beside it, or None."""
    path = Path(path)
    images = _read_idx(path)
    if images.ndim not in (3, 4):
        raise ValueError(f"{path}: an IDX file of pictures must have 3 or 4 axes, got shape {images.shape}")
    beside = path.with_name(path.name.replace("images", "labels").replace("idx3", "idx1"))
    return images, _read_idx(beside) if beside != path and beside.is_file() else None


def _read_idx(path):
    size = path.stat().st_size
    try:
        with open(path, "rb") as raw:
            zipped = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            with gzip.open(raw) if zipped else contextlib.nullcontext(raw) as file:
                head = file.read(4)
                if len(head) < 4 or head[:2] != b"\0\0" or head[2] not in _IDX_TYPES or not head[3]:
                    raise ValueError(
                        f"{path}: not a dataset: no .npz, no IDX (begins with {head!r}), no folder of images"
                    )
                axes = file.read(4 * head[3])
                if len(axes) < 4 * head[3]:
                    raise ValueError(f"{path}: truncated IDX file: the header ends early")
                shape = struct.unpack(f">{head[3]}I", axes)
                dtype = np.dtype(_IDX_TYPES[head[2]])
                expected = math.prod(shape) * dtype.itemsize
                if expected > size * (_DEFLATE_LIMIT if zipped else 1):
                    raise ValueError(f"{path}: truncated IDX file: shape {shape} needs {expected} bytes")
                if zipped:
                    data = np.frombuffer(file.read(expected + 1), np.uint8)
                else:  # mapped, so that a large file is read as it is needed
                    data = np.memmap(path, np.uint8, "r", offset=file.tell())
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ValueError(f"{path}: truncated or damaged gzip file: {one_line(error)}") from None
    if len(data) != expected:
        wrong = "truncated" if len(data) < expected else "too long"
        raise ValueError(f"{path}: {wrong} IDX file: shape {shape} needs {expected} bytes of data")
    return data.view(dtype).reshape(shape).astype(dtype.newbyteorder("="), copy=False)
