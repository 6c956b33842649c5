"""Softmax over the last axis, and its gradient.

    y[j] = exp(x[j] - m) / sum over k of exp(x[k] - m),   m = max x        dx = y (dy - sum over k of dy[k] y[k])

Subtracting the maximum changes nothing and keeps the exponentials within (0, 1]. Time O(n); memory: the result.
"""

import numpy as np

from ._image import load_up_to, store_up_to
from ._jit import helper
from ._memory import aligned_empty
from ._parallel import chunk_size, chunked
from ._simd import hmax, hsum, lanes, load, splat, vmax
from ._simd_math import vexp
from ._validate import as_array

_EXP, _COPY = 2.0, 0.5  # nanoseconds for one element


@helper
def exponentials(x, start, n, out):
    """Write exp(x - m) of the n elements from flat index `start` to the same place of out; gives m and their sum."""
    step, end = lanes(x), start + n
    vector, i = splat(x, -np.inf), start
    while i + step <= end:
        vector = vmax(load(x, i), vector)
        i += step
    largest = hmax(vector)
    for j in range(i, end):
        largest = max(largest, x[j])
    vector = splat(x, 0.0)
    for j in range(start, end, step):
        store_up_to(out, j, vexp(load_up_to(x, j, end - j) - largest), end - j)
        vector = vector + load_up_to(out, j, end - j)
    return largest, hsum(vector)


@chunked
def _softmax(lo, hi, x, n, y):
    # Requires: x, y flat. Items are rows of n elements.
    for row in range(lo, hi):
        _, total = exponentials(x, row * n, n, y)
        line = y[row * n : (row + 1) * n]
        scale = 1 / total
        for j in range(n):
            line[j] *= scale


@chunked
def _softmax_backward(lo, hi, dy, y, dx):
    # Requires: dy, y, dx (M, C). Items are rows.
    for row in range(lo, hi):
        gradient, result, out = dy[row], y[row], dx[row]
        mean = y.dtype.type(0)
        for j in range(result.size):
            mean += gradient[j] * result[j]
        for j in range(result.size):
            out[j] = result[j] * (gradient[j] - mean)


def softmax(x):
    """Exponentials over the last axis, divided by their sum.

    Parameters
    ----------
    x : (..., C) array of float32 or float64

    Returns
    -------
    array of the shape and dtype of `x`
        Positive, with sums 1 over the last axis; NaN where a row holds NaN or infinity.
    """
    x = as_array("softmax", "x", x)
    y, n = aligned_empty(x.shape, x.dtype), x.shape[-1] if x.ndim else 1
    _softmax(x.size // n, x.reshape(-1), n, y.reshape(-1), grain=chunk_size(_EXP * n))
    return y


def softmax_backward(dy, y):
    """Gradient with respect to x, from the gradient `dy` of the result and the result `y` of `softmax`."""
    y = as_array("softmax_backward", "y", y)
    dy = as_array("softmax_backward", "dy", dy, dtypes=(y.dtype.type,), shape=y.shape)
    dx, n = aligned_empty(y.shape, y.dtype), y.shape[-1] if y.ndim else 1
    rows = (a.reshape(-1, n) for a in (dy, y, dx))
    _softmax_backward(y.size // n, *rows, grain=chunk_size(_COPY * n))
    return dx
