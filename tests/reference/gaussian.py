"""Slow twin: Gaussian filter as two passes of plain sums in float64."""

import math

import numpy as np


def source(i, n, mode):
    """Where pixel i of a line of n pixels is taken from; None outside in mode "constant"."""
    if mode == "constant":
        return i if 0 <= i < n else None
    if mode == "nearest":
        return min(max(i, 0), n - 1)
    while not 0 <= i < n:
        if mode == "wrap":
            i += n if i < 0 else -n
        elif mode == "reflect":  # d c b a | a b c d | d c b a
            i = -1 - i if i < 0 else 2 * n - 1 - i
        elif n == 1:
            i = 0
        else:  # mirror: d c b | a b c d | c b a
            i = -i if i < 0 else 2 * n - 2 - i
    return i


def weights(sigma, truncate):
    radius = int(truncate * sigma + 0.5)
    if radius == 0:
        return np.ones(1)
    w = np.array([math.exp(-0.5 * (k / sigma) ** 2) for k in range(-radius, radius + 1)])
    return w / w.sum()


def filter_lines(image, w, mode, cval):
    """Correlate along axis 0."""
    radius, out = len(w) // 2, np.zeros(image.shape)
    for i in range(image.shape[0]):
        for k in range(-radius, radius + 1):
            j = source(i + k, image.shape[0], mode)
            out[i] += w[k + radius] * (cval if j is None else image[j])
    return out


def gaussian(image, sigma=1.0, mode="nearest", cval=0.0, truncate=4.0, preserve_range=False):
    """Rows then columns of an (H, W) or (H, W, C) image; `sigma` a number or one for rows and one for columns."""
    scale = {"uint8": 255.0, "uint16": 65535.0}.get(image.dtype.name, 1.0)
    values = image.astype(np.float64) / (1.0 if preserve_range else scale)
    by_row, by_column = (sigma, sigma) if np.isscalar(sigma) else sigma
    values = filter_lines(values, weights(by_row, truncate), mode, cval)
    values = filter_lines(values.swapaxes(0, 1), weights(by_column, truncate), mode, cval)
    return values.swapaxes(0, 1)
