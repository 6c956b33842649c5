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


def spline(image, size, mode, cval):
    """`size` samples along axis 0 of the cubic spline through the pixels and what lies beyond them."""
    n, border = image.shape[0], 50
    lines = [source(i, n, mode) for i in range(-border, n + border)]
    lines = np.stack([np.full(image.shape[1:], cval) if i is None else image[i] for i in lines])
    matrix = (
        np.diag(np.full(len(lines), 4.0)) + np.diag(np.ones(len(lines) - 1), 1) + np.diag(np.ones(len(lines) - 1), -1)
    )
    coefficients = np.linalg.solve(matrix / 6, lines.reshape(len(lines), -1)).reshape(lines.shape)
    out = np.zeros((size, *image.shape[1:]))
    for o in range(size):
        place = (n / size) * (o + 0.5) - 0.5
        for i in range(math.floor(place) - 1, math.floor(place) + 3):
            d = abs(i - place)
            b = 2 / 3 - d**2 + d**3 / 2 if d <= 1 else max(0.0, 2 - d) ** 3 / 6
            out[o] += b * coefficients[i + border]
    return out


def area(image, size):
    """`size` means along axis 0."""
    n = image.shape[0]
    out = np.zeros((size, *image.shape[1:]))
    for o in range(size):
        for i in range(n):
            overlap = min(i + 1, (o + 1) * n / size) - max(i, o * n / size)
            out[o] += max(0.0, overlap) * size / n * image[i]
    return out


def resize(image, shape, order=1, mode="reflect", cval=0.0, preserve_range=False, anti_aliasing=False):
    """An (H, W) or (H, W, C) image as shape[0] x shape[1] pixels."""
    mode = MODES[mode]
    if order != 0 or anti_aliasing:
        scale = {"uint8": 255.0, "uint16": 65535.0}.get(image.dtype.name, 1.0)
        image = image.astype(np.float64) / (1.0 if preserve_range else scale)
    low, high = image.min(), image.max()
    for axis in (0, 1):
        lines = image.swapaxes(0, axis)
        if anti_aliasing:
            sigma = max(0.0, (lines.shape[0] / shape[axis] - 1) / 2)
            lines = filter_lines(lines, weights(sigma, 4.0), mode, cval)
        if order == 3:
            lines = spline(lines, shape[axis], mode, cval)
        else:
            lines = area(lines, shape[axis]) if order == "area" else sample(lines, shape[axis], order, mode, cval)
        image = lines.swapaxes(0, axis)
    if order == 3 and mode != "constant":
        image = image.clip(low, high)
    elif order != 0 and mode == "constant":
        image = clipped(image, low, high, cval)
    return image


def clipped(image, low, high, cval):
    """To the range [low, high], which `cval` widens only where the result reaches it."""
    if not low <= cval <= high and image.min() <= cval <= image.max():
        low, high = min(low, cval), max(high, cval)
    return image.clip(low, high)
