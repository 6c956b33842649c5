"""Boundaries of regions drawn over a picture."""

import numpy as np

from ._image import float_dtype, unit_scale
from ._jit import EXACT
from ._parallel import chunk_size, chunked
from ._validate import as_array, as_image, one_of
from .find_boundaries import MODES, find_boundaries

_NANOSECONDS = 2.0  # for a pixel


@chunked(fastmath=EXACT)
def _paint(lo, hi, image, scale, boundaries, color, outlined, outline_color, out):
    """Requires: image (H, W, 1 or 3), out (H, W, 3)."""
    height, width, channels = image.shape
    for r in range(lo, hi):
        pixels, painted, marked = image[r].reshape(-1), out[r].reshape(-1), boundaries[r]
        if channels == 3:
            for i in range(3 * width):
                painted[i] = pixels[i] * scale
        else:
            for c in range(width):
                painted[3 * c] = painted[3 * c + 1] = painted[3 * c + 2] = pixels[c] * scale
        if outlined:
            for c in range(width):
                beside = False
                for i in range(max(r - 1, 0), min(r + 2, height)):
                    for j in range(max(c - 1, 0), min(c + 2, width)):
                        beside |= boundaries[i, j]
                if beside:
                    for k in range(3):
                        painted[3 * c + k] = outline_color[k]
        for c in range(width):
            if marked[c]:
                for k in range(3):
                    painted[3 * c + k] = color[k]


def mark_boundaries(image, label_img, color=(1, 1, 0), outline_color=None, mode="outer", background_label=0):
    """Draw the boundaries of regions over a picture.

    Parameters
    ----------
    image : (H, W) or (H, W, 3) array
        Gray or RGB: uint8 and uint16, or floats as they are.
    label_img : (H, W) array of int or bool
        Regions.
    color : sequence of three floats
        RGB of the boundaries.
    outline_color : sequence of three floats, optional
        RGB of a line on each side of a boundary; by default there is none.
    mode : {"thick", "inner", "outer"}
        Where the boundaries are drawn, as in `find_boundaries`.
    background_label : int
        The label that is no region.

    Returns
    -------
    (H, W, 3) array
        RGB, integers scaled to [0, 1]; float64 for a float64 picture, otherwise float32.

    Raises
    ------
    TypeError, ValueError
        If shapes do not fit together or an argument is none of those named.

    Notes
    -----
    As ``skimage.segmentation.mark_boundaries``, but that integers give float32 there float64, and without its mode
    ``"subpixel"``, which enlarges the picture.
    """
    image = as_image("mark_boundaries", image)
    if image.ndim == 3 and image.shape[2] != 3:
        raise ValueError(f"mark_boundaries: image must have shape (H, W) or (H, W, 3), got {image.shape}")
    mode = one_of("mark_boundaries", "mode", mode, MODES[:3])
    dtype = float_dtype(image.dtype)
    color = as_array("mark_boundaries", "color", color, shape=(3,)).astype(dtype)
    outlined = outline_color is not None
    if outlined:
        outline_color = as_array("mark_boundaries", "outline_color", outline_color, shape=(3,)).astype(dtype)
    else:
        outline_color = color
    boundaries = find_boundaries(label_img, mode=mode, background=background_label)
    if boundaries.shape != image.shape[:2]:
        raise ValueError(f"mark_boundaries: label_img must have shape {image.shape[:2]}, got {boundaries.shape}")
    height, width = boundaries.shape
    out = np.empty((height, width, 3), dtype)
    pixels, scale = image.reshape(height, width, -1), dtype.type(unit_scale(image.dtype))
    grain = chunk_size(_NANOSECONDS * width)
    _paint(height, pixels, scale, boundaries, color, outlined, outline_color, out, grain=grain)
    return out
