"""Slow twin: correlation and convolution, pixel by pixel in float64."""

import numpy as np

from .gaussian import source


def correlate(image, weights, mode="reflect", cval=0.0, origin=(0, 0)):
    """Of an (H, W) or (H, W, C) image."""
    (height, width), (rows, columns) = image.shape[:2], weights.shape
    values, out = image.astype(np.float64), np.zeros(image.shape)
    for i in range(height):
        for j in range(width):
            for k, m in zip(*np.nonzero(weights), strict=True):
                r = source(i + k - rows // 2 - origin[0], height, mode)
                c = source(j + m - columns // 2 - origin[1], width, mode)
                out[i, j] += weights[k, m] * (cval if r is None or c is None else values[r, c])
    return out


def convolve(image, weights, mode="reflect", cval=0.0, origin=(0, 0)):
    """The kernel is turned around and so is its origin; the middle of an even one is the element before."""
    turned = [-o - (n % 2 == 0) for o, n in zip(origin, weights.shape, strict=True)]
    return correlate(image, weights[::-1, ::-1], mode, cval, turned)
