"""Slow twin: means, window by window and pixel by pixel."""

import numpy as np

from .pooling import empty_result, windows


def _weights(pool_size, window, count_include_pad, divisor):
    rows, columns = window
    if divisor is not None:
        return 1 / divisor
    return 1 / (pool_size[0] * pool_size[1] if count_include_pad else len(rows) * len(columns))


def avg_pool2d(x, pool_size, stride, padding, count_include_pad=True, divisor=None):
    places = windows(x.shape[1:3], pool_size, stride, padding)
    y = empty_result(x, places)
    for (r, c), window in places.items():
        y[:, r, c] = _weights(pool_size, window, count_include_pad, divisor) * sum(
            x[:, h, w].astype(np.float64) for h in window[0] for w in window[1]
        )
    return y


def avg_pool2d_backward(dy, input_shape, pool_size, stride, padding, count_include_pad=True, divisor=None):
    dx = np.zeros(input_shape)
    for (r, c), window in windows(input_shape[1:3], pool_size, stride, padding).items():
        for h in window[0]:
            for w in window[1]:
                dx[:, h, w] += _weights(pool_size, window, count_include_pad, divisor) * dy[:, r, c]
    return dx
