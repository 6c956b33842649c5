"""Slow twin: maxima, window by window and pixel by pixel."""

import math

import numpy as np

from .pooling import empty_result, windows


def _maximum(x, n, rows, columns, channel):
    """The first pixel, in reading order, that no other exceeds; of those that are NaN the last."""
    best = n, rows[0], columns[0], channel
    for h in rows:
        for w in columns:
            value = x[n, h, w, channel]
            if value > x[best] or math.isnan(value):
                best = n, h, w, channel
    return best


def max_pool2d(x, pool_size, stride, padding):
    """The maxima, and the index of the pixel of each of them."""
    places = windows(x.shape[1:3], pool_size, stride, padding)
    y = empty_result(x, places)
    indices = np.zeros(y.shape, int)
    for (r, c), window in places.items():
        for n, channel in np.ndindex(len(x), x.shape[3]):
            _, h, w, _ = best = _maximum(x, n, *window, channel)
            y[n, r, c, channel] = x[best]
            indices[n, r, c, channel] = h * x.shape[2] + w
    return y, indices


def max_pool2d_backward(dy, x, pool_size, stride, padding):
    dx = np.zeros(x.shape)
    for (r, c), window in windows(x.shape[1:3], pool_size, stride, padding).items():
        for n, channel in np.ndindex(len(x), x.shape[3]):
            dx[_maximum(x, n, *window, channel)] += dy[n, r, c, channel]
    return dx
