"""Slow twin: resizing by sampling along one axis after the other, in float64."""

import math

import numpy as np

from .gaussian import filter_lines, source, weights

MODES = {"constant": "constant", "edge": "nearest", "symmetric": "reflect", "reflect": "mirror", "wrap": "wrap"}


def sample(image, size, order, mode, cval):
    """`size` samples along axis 0; the first and last pixel areas of both grids line up."""
    n = image.shape[0]
    out = np.empty((size, *image.shape[1:]), image.dtype)

    def line(i):
        i = source(i, n, mode)
        return np.full(image.shape[1:], cval) if i is None else image[i]

    for o in range(size):
        place = (n / size) * (o + 0.5) - 0.5
        if order == 0:
            out[o] = line(math.floor(place + 0.5))
        else:
            low = math.floor(place)
            out[o] = (1 - (place - low)) * line(low) + (place - low) * line(low + 1)
    return out


def resize(image, shape, order=1, mode="reflect", cval=0.0, preserve_range=False, anti_aliasing=False):
    """An (H, W) or (H, W, C) image as shape[0] x shape[1] pixels."""
    mode = MODES[mode]
    if order > 0 or anti_aliasing:
        scale = {"uint8": 255.0, "uint16": 65535.0}.get(image.dtype.name, 1.0)
        image = image.astype(np.float64) / (1.0 if preserve_range else scale)
    low, high = image.min(), image.max()
    for axis in (0, 1):
        lines = image.swapaxes(0, axis)
        if anti_aliasing:
            sigma = max(0.0, (lines.shape[0] / shape[axis] - 1) / 2)
            lines = filter_lines(lines, weights(sigma, 4.0), mode, cval)
        image = sample(lines, shape[axis], order, mode, cval).swapaxes(0, axis)
    if mode == "constant" and order > 0:
        image = clipped(image, low, high, cval)
    return image


def clipped(image, low, high, cval):
    """To the range [low, high], which `cval` widens only where the result reaches it."""
    if not low <= cval <= high and image.min() <= cval <= image.max():
        low, high = min(low, cval), max(high, cval)
    return image.clip(low, high)
