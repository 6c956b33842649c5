"""Which pixels the windows of a pooling hold, one by one."""

import math

import numpy as np


def windows(shape, pool_size, stride, padding):
    """For each place of a result (row, column): the pixels of its window that lie within the picture."""
    axes = []
    for i, (n, k, s) in enumerate(zip(shape, pool_size, stride, strict=True)):
        if padding == "same":
            count = math.ceil(n / s)
            p = max(0, (count - 1) * s + k - n) // 2
        else:
            p = padding[i]
            count = (n + 2 * p - k) // s + 1
        axes.append([[at for at in range(o * s - p, o * s - p + k) if 0 <= at < n] for o in range(count)])
    return {(r, c): (rows, columns) for r, rows in enumerate(axes[0]) for c, columns in enumerate(axes[1])}


def empty_result(x, places):
    return np.zeros((len(x), *(1 + max(place[i] for place in places) for i in (0, 1)), x.shape[3]))
