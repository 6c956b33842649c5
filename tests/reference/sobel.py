"""Slow twin: the gradients of Sobel, Scharr and Prewitt, pixel by pixel in float64."""

import numpy as np

from .gaussian import source

WEIGHTS = {"sobel": (1 / 4, 1 / 2, 1 / 4), "scharr": (3 / 16, 10 / 16, 3 / 16), "prewitt": (1 / 3, 1 / 3, 1 / 3)}


def gradient(operator, image, mask=None, axis=None, mode="reflect", cval=0.0):
    scale = {"uint8": 255.0, "uint16": 65535.0}.get(image.dtype.name, 1.0)
    values = image.astype(np.float64) / scale
    height, width = image.shape[:2]
    out = np.zeros(image.shape)

    def pixel(i, j):
        i, j = source(i, height, mode), source(j, width, mode)
        return np.full(image.shape[2:], cval) if i is None or j is None else values[i, j]

    for i in range(height):
        for j in range(width):
            by_row, by_column = 0.0, 0.0
            for k, w in zip((-1, 0, 1), WEIGHTS[operator], strict=True):
                by_row = by_row + w * (pixel(i + 1, j + k) - pixel(i - 1, j + k))
                by_column = by_column + w * (pixel(i + k, j + 1) - pixel(i + k, j - 1))
            magnitude = np.sqrt((by_row**2 + by_column**2) / 2)
            out[i, j] = by_row if axis == 0 else by_column if axis == 1 else magnitude
            if mask is not None:
                inside = 0 < i < height - 1 and 0 < j < width - 1
                if not inside or not mask[i - 1 : i + 2, j - 1 : j + 2].all():
                    out[i, j] = 0
    return out
