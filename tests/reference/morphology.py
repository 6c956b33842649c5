"""Extremes under a footprint, looked up pixel by pixel."""

import numpy as np


def erosion(image, footprint, mode="reflect", cval=0.0):
    return extremes(image, footprint, min, mode, cval)


def dilation(image, footprint, mode="reflect", cval=0.0):
    return extremes(image, footprint, max, mode, cval)


def opening(image, footprint, mode="reflect", cval=0.0):
    return extremes(erosion(image, footprint, mode, cval), footprint, max, mode, cval, turned=True)


def closing(image, footprint, mode="reflect", cval=0.0):
    return extremes(dilation(image, footprint, mode, cval), footprint, min, mode, cval, turned=True)


def extremes(image, footprint, extreme, mode, cval, turned=False):
    height, width = image.shape
    rows, columns = footprint.shape
    up, left = (rows - 1) // 2, (columns - 1) // 2
    if turned:
        footprint, up, left = footprint[::-1, ::-1], rows - 1 - up, columns - 1 - left
    out = np.empty_like(image)
    for r in range(height):
        for c in range(width):
            values = []
            for k in range(rows):
                for m in range(columns):
                    if not footprint[k, m]:
                        continue
                    i, j = place(r + k - up, height, mode), place(c + m - left, width, mode)
                    if i is not None and j is not None:
                        values.append(image[i, j])
                    elif mode == "constant":
                        values.append(image.dtype.type(cval))
                    elif mode in ("max", "min"):
                        values.append(limit(image.dtype, mode == "max"))
            out[r, c] = extreme(values) if values else limit(image.dtype, extreme is min)
    return out


def place(i, n, mode):
    """Where a line is read beyond its ends; None where nothing is."""
    if 0 <= i < n:
        return i
    if mode == "nearest":
        return min(max(i, 0), n - 1)
    if mode == "wrap":
        return i % n
    if mode == "reflect":
        i %= 2 * n
        return min(i, 2 * n - 1 - i)
    if mode == "mirror":
        period = max(2 * n - 2, 1)
        i %= period
        return min(i, period - i) if n > 1 else 0
    return None


def limit(dtype, greatest):
    if dtype.kind == "b":
        return greatest
    if dtype.kind == "f":
        return np.inf if greatest else -np.inf
    return np.iinfo(dtype).max if greatest else np.iinfo(dtype).min
