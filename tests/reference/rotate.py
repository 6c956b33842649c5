"""Slow twin: rotating, one pixel after the other, in float64."""

import math

import numpy as np

from .gaussian import source
from .resize import MODES, clipped


def places(shape, angle, resize=False, center=None):
    """(rows, columns) of the picture where the pixels of the result lie."""
    height, width = shape[:2]
    u, v = ((width - 1) / 2, (height - 1) / 2) if center is None else center
    quarters, rest = divmod(angle, 90)
    turn = np.exp(1j * math.radians(rest)) * 1j**quarters  # j-th powers of i are exact
    cosine, sine = turn.real, turn.imag
    out_height, out_width, left, top = height, width, -u, -v
    if resize:
        corners = [(i - v, j - u) for i in (0, height - 1) for j in (0, width - 1)]
        x = [j * cosine + i * sine for i, j in corners]
        y = [i * cosine - j * sine for i, j in corners]
        out_height, out_width, left, top = round(max(y) - min(y) + 1), round(max(x) - min(x) + 1), min(x), min(y)
    i, j = np.mgrid[:out_height, :out_width]
    i, j = i + top, j + left
    return v + j * sine + i * cosine, u + j * cosine - i * sine


def weight(order, distance):
    if order == 1:
        return max(0.0, 1 - distance)
    if distance <= 1:
        return 1.5 * distance**3 - 2.5 * distance**2 + 1
    return -0.5 * distance**3 + 2.5 * distance**2 - 4 * distance + 2 if distance <= 2 else 0.0


def sample(image, y, x, order, mode, cval):
    """The pixel at row y and column x."""
    height, width = image.shape[:2]

    def pixel(i, j):
        i, j = source(i, height, mode), source(j, width, mode)
        return np.full(image.shape[2:], cval) if i is None or j is None else image[i, j]

    if order == 0:
        return pixel(math.floor(y + 0.5), math.floor(x + 0.5))
    total = np.zeros(image.shape[2:])
    reach = (order + 1) // 2
    if mode == "constant" and not (-reach < y < height - 1 + reach and -reach < x < width - 1 + reach):
        return total + cval
    for i in range(math.floor(y) - 1, math.floor(y) + 3):
        for j in range(math.floor(x) - 1, math.floor(x) + 3):
            factor = weight(order, abs(i - y)) * weight(order, abs(j - x))
            total = total + (factor * pixel(i, j) if factor else 0)
    return total


def rotate(image, angle, resize=False, center=None, order=1, mode="constant", cval=0.0, clip=True):
    """An (H, W) or (H, W, C) image turned counter-clockwise by so many degrees about the (column, row) `center`."""
    if order > 0:
        image = image.astype(np.float64) / {"uint8": 255.0, "uint16": 65535.0}.get(image.dtype.name, 1.0)
    rows, columns = places(image.shape, angle, resize, center)
    out = np.empty(rows.shape + image.shape[2:], image.dtype)
    for place in np.ndindex(rows.shape):
        out[place] = sample(image, rows[place], columns[place], order, MODES[mode], cval)
    if clip and order > 0:
        out = clipped(out, image.min(), image.max(), cval if mode == "constant" else image.min())
    return out
