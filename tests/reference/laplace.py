"""Slow twin: the Laplacian, pixel by pixel in float64."""

import numpy as np

from .gaussian import source


def laplace(image, mode="reflect", cval=0.0):
    """Of an (H, W) or (H, W, C) image."""
    height, width = image.shape[:2]
    values, out = image.astype(np.float64), np.zeros(image.shape)
    for i in range(height):
        for j in range(width):
            for k, m, w in ((-1, 0, 1), (0, -1, 1), (0, 0, -4), (0, 1, 1), (1, 0, 1)):
                r, c = source(i + k, height, mode), source(j + m, width, mode)
                out[i, j] += w * (cval if r is None or c is None else values[r, c])
    return out
