"""Convolution of windows of 3 x 3 that stand at every pixel, with 16 products in place of 36.

Two by two outputs y of one window w over four by four pixels d are

    y = A' [(G w G') * (B' d B)] A          ' transposes, * multiplies element by element

    B' = 1  0 -1  0     G =  1    0    0     A' = 1  1  1  0
         0  1  1  0         1/2  1/2  1/2         0  1 -1 -1
         0 -1  1  0         1/2 -1/2  1/2
         0  1  0 -1          0    0    1

(Winograd's F(2 x 2, 3 x 3): Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", CVPR 2016, section
4.1). Channels are summed before A is applied, so that the products are sixteen of matrices, (tiles, C_in) by (C_in,
C_out).

Rounding errors are no larger than those of the sums as they are defined, which have nine times as many terms. But an
infinity, or a NaN, makes NaN of all outputs whose four by four pixels hold it, one pixel further than its windows are.

Time O(N OH OW C_in C_out); memory: 16 C_in C_out for the windows, and for each thread what it works on.
"""

import functools
import math

import numpy as np

from ._jit import helper
from ._parallel import chunk_size, chunked
from ._product import (
    LEAST_ROWS,
    aligned_empty,
    offsets,
    pack,
    pad_start,
    padded,
    panel_vectors,
    product,
    scratch,
    segment_table,
    unit,
)
from ._simd import lanes, load, store
from ._windows import copy_padded, under_tap

_SCRATCH_BYTES = 1 << 19  # of tiles before and after the products, so that they stay in the second-level cache
_LEAST_CHANNELS = 32  # fewer are not worth their transformations,
_LEAST_PIXELS = 512  # nor are fewer pixels those of the windows
_OVERHEAD = 1.4  # time of a product with its transformations, compared with one of a convolution as it is defined


def pays(n, geometry, made, depth, columns, dtype):
    """Whether this is the quicker way to make pictures of size `made`, by windows over so many channels `depth`."""
    image, kernel, stride, dilation, pad, output = geometry
    if kernel != (3, 3) or stride != (1, 1) or dilation != (1, 1) or dtype != np.float32:
        return False
    if (
        any(c < _LEAST_CHANNELS or c != padded(c, dtype) for c in (depth, columns))
        or n * math.prod(made) < _LEAST_PIXELS
    ):
        return False
    met = (under_tap(i, 1, 1, p, size, o) for size, p, o in zip(image, pad, output, strict=True) for i in range(3))
    down, right = np.reshape([high - low for low, high in met], (2, 3)).sum(axis=1)
    return _OVERHEAD * 16 * math.prod(-(-size // 2) for size in made) < down * right


def convolve(x, w, k_start, run, j_step, bias, pad, y):
    """The convolution of x (N, H, W, C) and the windows b(k, j) = w.flat[k_start[k] + j * j_step] into `y`.

    The rows k of b are the channels of the first tap, then those of the second, and so on; they count up by ones
    within each `run` of rows. Of x so many rows and columns of zeros are seen before the first as `pad` says, which may
    be negative.
    """
    n, oh, ow, columns = y.shape
    depth = x.shape[3]
    packed = pack(w, k_start, run, j_step, columns, x.dtype)
    windows = aligned_empty((16 * depth * columns,), x.dtype)
    _transform_windows(depth, packed, depth, columns, windows, grain=chunk_size(columns * 1.5))
    items, *tables = _plan(n, oh, ow, depth, columns, x.itemsize)
    zeros, start = pad_start(None, columns, x.dtype), pad_start(bias, columns, x.dtype)
    _convolve_items(items, x, windows, zeros, start, *pad, *tables, y, grain=1)


@functools.lru_cache(maxsize=512)
def _plan(n, oh, ow, depth, columns, itemsize):
    """The number of work items, the pictures or rows of tiles of one, and its tables before and after the products."""
    down, right = -(-oh // 2), -(-ow // 2)
    images, rows = unit(n, down, right, max(LEAST_ROWS // 2, _SCRATCH_BYTES / (16 * (depth + columns) * itemsize)))
    tiles = np.arange(images * rows * right)
    items = -(-n // images) * -(-down // rows)
    return items, images, rows, offsets(tiles * depth), offsets(tiles * columns), segment_table([(0, 0, depth)])


@helper
def _before(a, b, c, d):
    return a - c, b + c, c - b, b - d


@helper
def _after(a, b, c, d):
    return a + b + c, b - c - d


@helper
def _of_window(a, b, c):
    half = (a + c) * 0.5
    return a, half + b * 0.5, half - b * 0.5, c


@chunked
def _transform_windows(lo, hi, packed, depth, columns, windows):
    """G w G' of the channels lo <= k < hi, from column panels of all taps to column panels of each of the 16."""
    step = lanes(packed)
    size = depth * columns
    j = 0
    while j < columns:
        width = panel_vectors(columns - j, step) * step
        tap = depth * width
        for e in range(lo * width, hi * width, step):
            i = 9 * depth * j + e
            a = _of_window(load(packed, i), load(packed, i + 3 * tap), load(packed, i + 6 * tap))
            b = _of_window(load(packed, i + tap), load(packed, i + 4 * tap), load(packed, i + 7 * tap))
            c = _of_window(load(packed, i + 2 * tap), load(packed, i + 5 * tap), load(packed, i + 8 * tap))
            for r in range(4):
                row = _of_window(a[r], b[r], c[r])
                for q in range(4):
                    store(windows, (4 * r + q) * size + depth * j + e, row[q])
        j += width


@chunked
def _convolve_items(
    lo, hi, x, windows, zeros, start, top, left, images, rows, tile_rows, sum_rows, segments, y
):  # fmt: skip
    n, oh, ow, columns = y.shape
    depth = x.shape[3]
    down, right = -(-oh // 2), -(-ow // 2)
    bands = -(-down // rows)
    in_rows, in_columns = 2 * rows + 2, 2 * right + 2
    step = lanes(x)
    # A cache line more from one of the 16 to the next, which else would all meet in the same places of the cache.
    pitch, sum_pitch = tile_rows.size * depth + step, tile_rows.size * columns + step
    copy = scratch(images * in_rows * in_columns * depth, x)
    tiles, sums = scratch(16 * pitch, x), scratch(16 * sum_pitch, x)
    flat = y.reshape(-1)
    for item in range(lo, hi):
        n0, t0 = (item // bands) * images, (item % bands) * rows
        count, t_count = min(images, n - n0), min(rows, down - t0)
        copy_padded(x, n0, count, 2 * t0 - top, -left, in_rows, in_columns, copy)
        place = 0
        for i in range(count):
            for t in range(t_count):
                for v in range(right):
                    pixel = ((i * in_rows + 2 * t) * in_columns + 2 * v) * depth
                    _transform_tile(copy, pixel, in_columns * depth, depth, tiles, place * depth, pitch)
                    place += 1
        for k in range(16):
            product(
                tiles, k * pitch, tile_rows, place, 1, windows[k * depth * columns :], depth, 0, segments, zeros, sums,
                k * sum_pitch, sum_rows, 0, columns, True,
            )  # fmt: skip
        place = 0
        for i in range(count):
            for r in range(2 * t0, 2 * (t0 + t_count), 2):
                for c in range(0, ow, 2):
                    pixel, room = (((n0 + i) * oh + r) * ow + c) * columns, (r + 1 < oh, c + 1 < ow)
                    _store_outputs(sums, place * columns, sum_pitch, start, flat, pixel, ow * columns, columns, room)
                    place += 1


@helper
def _transform_tile(x, pixel, row, depth, tiles, place, pitch):
    """B' d B of the four by four pixels from flat index `pixel` on, `row` from one row of them to the next."""
    for g in range(0, depth, lanes(x)):
        at = pixel + g
        a = _columns_before(x, at, row)
        b = _columns_before(x, at + depth, row)
        c = _columns_before(x, at + 2 * depth, row)
        d = _columns_before(x, at + 3 * depth, row)
        for r in range(4):
            line = _before(a[r], b[r], c[r], d[r])
            for q in range(4):
                store(tiles, place + g + (4 * r + q) * pitch, line[q])


@helper
def _columns_before(x, at, row):
    return _before(load(x, at), load(x, at + row), load(x, at + 2 * row), load(x, at + 3 * row))


@helper
def _store_outputs(sums, place, pitch, start, y, pixel, row, columns, room):
    """A' m A and the bias, from flat index `pixel` of y on, and below and beside it where there is room."""
    for f in range(0, columns, lanes(sums)):
        at = place + f
        a = _columns_after(sums, at, pitch)
        b = _columns_after(sums, at + pitch, pitch)
        c = _columns_after(sums, at + 2 * pitch, pitch)
        d = _columns_after(sums, at + 3 * pitch, pitch)
        bias = load(start, f)
        for r in range(2):
            if r == 0 or room[0]:
                left, right = _after(a[r], b[r], c[r], d[r])
                store(y, pixel + r * row + f, left + bias)
                if room[1]:
                    store(y, pixel + r * row + columns + f, right + bias)


@helper
def _columns_after(sums, at, pitch):
    return _after(load(sums, at), load(sums, at + 4 * pitch), load(sums, at + 8 * pitch), load(sums, at + 12 * pitch))
