"""Slow twin: flipping, one pixel after the other."""

import numpy as np


def flip(image, axes):
    """An (H, W) or (H, W, C) image, flipped along `axes`, a collection of 0 and 1."""
    height, width = image.shape[:2]
    out = np.empty_like(image)
    for i in range(height):
        for j in range(width):
            out[i, j] = image[height - 1 - i if 0 in axes else i, width - 1 - j if 1 in axes else j]
    return out
