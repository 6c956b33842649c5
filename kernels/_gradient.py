"""Gradient of a picture by 3x3 differences, in one read: what Sobel, Scharr and Prewitt share.

    across rows     v[i, j] = s[i + 1, j] - s[i - 1, j],   s[i, j] = a x[i, j - 1] + b x[i, j] + a x[i, j + 1]
    across columns  h[i, j] = t[i, j + 1] - t[i, j - 1],   t[i, j] = a x[i - 1, j] + b x[i, j] + a x[i + 1, j]
    magnitude       sqrt((v**2 + h**2) / 2)

with weights 2 a + b = 1. The kernel sums with the weights 1, b / a, 1, and scales once, at the end. The lines go with
their borders through a ring of six in the cache, and the sums along each line serve all three rows that it touches.
O(H W) time, six lines of memory for each thread.
"""

import math

import numpy as np

from . import _validate as check
from ._image import MODES, border_index, fetch_line, float_dtype, is_large, scratch, unit_scale, write_line
from ._jit import helper
from ._parallel import chunk_size, chunked
from ._simd import fma, lanes, load, splat, store, vsqrt

_ROWS = 4  # rows that are made together
_MAGNITUDE = 2


@helper
def _along_line(lines, at, middle, channels):
    """Smoothed and differenced along a line, from its element `at` with its left neighbour there."""
    left, here, right = load(lines, at), load(lines, at + channels), load(lines, at + 2 * channels)
    return fma(middle, here, left + right), right - left


@helper
def _put(smooth_above, smooth_below, above, here, below, middle, scale, axis, rows, at):
    v = smooth_below - smooth_above
    h = fma(middle, here, above + below)
    if axis == _MAGNITUDE:
        v = vsqrt(v * v + h * h)
    elif axis == 1:
        v = h
    store(rows, at, v * scale)


@chunked
def _gradient(lo, hi, image, places, columns, channels, cval, ratio, scale, axis, large, out):
    # Requires: image, out (H, W C); places, columns from border_index with borders of 1, places with _ROWS - 1
    # entries to spare; cval before scaling.
    length, step = image.shape[1], lanes(out)
    begin = -(-channels // step) * step  # a line without its border begins at a whole vector
    width = begin + -(-(length + channels) // step) * step + step
    lines, rows = scratch((_ROWS + 2) * width, out), scratch(_ROWS * width, out)
    middle = splat(out, ratio)
    left, fetched = begin - channels, lo
    for i in range(lo, hi, _ROWS):
        for p in range(fetched, i + _ROWS + 2):
            fetch_line(image, places[p], columns, channels, cval, lines, p % (_ROWS + 2) * width + left)
        fetched = i + _ROWS + 2
        l0, l1, l2 = i % 6 * width + left, (i + 1) % 6 * width + left, (i + 2) % 6 * width + left
        l3, l4, l5 = (i + 3) % 6 * width + left, (i + 4) % 6 * width + left, (i + 5) % 6 * width + left
        for j in range(0, length, step):
            s0, t0 = _along_line(lines, l0 + j, middle, channels)
            s1, t1 = _along_line(lines, l1 + j, middle, channels)
            s2, t2 = _along_line(lines, l2 + j, middle, channels)
            s3, t3 = _along_line(lines, l3 + j, middle, channels)
            s4, t4 = _along_line(lines, l4 + j, middle, channels)
            s5, t5 = _along_line(lines, l5 + j, middle, channels)
            _put(s0, s2, t0, t1, t2, middle, scale, axis, rows, j)
            _put(s1, s3, t1, t2, t3, middle, scale, axis, rows, width + j)
            _put(s2, s4, t2, t3, t4, middle, scale, axis, rows, 2 * width + j)
            _put(s3, s5, t3, t4, t5, middle, scale, axis, rows, 3 * width + j)
        for q in range(min(_ROWS, hi - i)):
            write_line(rows, q * width, out, (i + q) * length, length, large)


@chunked
def _clear_outside(lo, hi, mask, out):
    # Requires: mask (H, W), out (H, W, C). Zero where a pixel or one of its eight neighbours is masked out or missing.
    height, width, channels = out.shape
    for i in range(lo, hi):
        for j in range(width):
            keep = 0 < i < height - 1 and 0 < j < width - 1
            if keep:
                for k in range(i - 1, i + 2):
                    keep = keep and mask[k, j - 1] and mask[k, j] and mask[k, j + 1]
            if not keep:
                for c in range(channels):
                    out[i, j, c] = 0.0


def _checked_axis(function, axis):
    axes = list(axis) if isinstance(axis, (tuple, list)) else [0, 1] if axis is None else [axis]
    axes = [check.integer(function, "axis", a, low=0, high=1) for a in axes]
    if sorted(axes) not in ([0], [1], [0, 1]):
        raise ValueError(f"{function}: axis must be None, 0, 1 or (0, 1), got {axis}")
    return axes[0] if len(axes) == 1 else _MAGNITUDE


def gradient(function, smoothing, image, mask, axis, mode, cval):
    """The public functions, of which `function` is the name and `smoothing` the pair (a, b) of weights."""
    image = check.as_image(function, image)
    mask = check.as_mask(function, mask, image.shape[:2])
    mode = check.one_of(function, "mode", mode, MODES)
    cval = check.real(function, "cval", cval)
    axis = _checked_axis(function, axis)
    dtype, scale = float_dtype(image.dtype), unit_scale(image.dtype)
    height, width = image.shape[:2]
    lines = (height, image[0].size)
    side, middle = smoothing
    factor = scale * side / (math.sqrt(2) if axis == _MAGNITUDE else 1)
    out = np.empty(image.shape, dtype)
    _gradient(
        height, image.reshape(lines), border_index(height, 1, _ROWS, mode), border_index(width, 1, 1, mode),
        image[0, 0].size, dtype.type(cval / scale), dtype.type(middle / side), dtype.type(factor),
        axis, is_large(out), out.reshape(lines), grain=_ROWS * chunk_size(_ROWS * 0.3 * lines[1]),
    )  # fmt: skip
    if mask is not None:
        _clear_outside(height, mask, out.reshape(height, width, -1), grain=chunk_size(1.0 * lines[1]))
    return out
