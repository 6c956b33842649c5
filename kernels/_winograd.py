"""Convolution of windows of 3 x 3 that stand at every pixel, and its gradients, with 16 products in place of 36.

Two by two outputs y of one window w over four by four pixels d are

    y = A' [(G w G') * (B' d B)] A          ' transposes, * multiplies element by element

    B' = 1  0 -1  0     G =  1    0    0     A' = 1  1  1  0
         0  1  1  0         1/2  1/2  1/2         0  1 -1 -1
         0 -1  1  0         1/2 -1/2  1/2
         0  1  0 -1          0    0    1

(Winograd's F(2 x 2, 3 x 3): Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", CVPR 2016, section
4.1). Channels are summed before A is applied, so that the products are sixteen of matrices, (tiles, C_in) by (C_in,
C_out).

All of this is linear in w, so that the gradient of the windows is G' [(A y A') * (B' d B)] G, with the products summed
over all tiles: sixteen of matrices, (C_in, tiles) by (tiles, C_out).

Rounding errors are of the size of those of the sums as they are defined, which have nine times as many terms: 0.6 to
1.4 of them for random numbers. But an infinity, or a NaN, makes NaN of all outputs whose four by four pixels hold it,
one pixel further than its windows are.

Time O(N OH OW C_in C_out); memory: 16 C_in C_out for the windows, and for each thread what it works on.
"""

import functools
import math

import numpy as np

from ._jit import helper
from ._memory import aligned_empty
from ._parallel import chunk_size, chunked
from ._product import (
    LEAST_ROWS,
    offsets,
    pack,
    pad_start,
    padded,
    panel_vectors,
    product,
    segment_table,
    unit,
)
from ._simd import lanes, load, splat, store
from ._windows import copy_padded, under_tap

_SCRATCH_BYTES = 1 << 19  # of tiles before and after the products, so that they stay in the second-level cache
_CHUNKS = 32  # at most, each of which has memory to work in
_LEAST_CHANNELS = 32  # fewer are not worth their transformations,
_LEAST_PIXELS = 512  # nor are fewer pixels those of the windows
_MOST_WEIGHTS = 256 * 256  # of one tap, for whose gradient the sums of sixteen still stay near the core
_PARTS, _PARTS_BYTES = 16, 1 << 23  # sums of a gradient: at least a fourth of so many, and all, if they fit
_OVERHEAD = 1.4  # time of a product with its transformations, compared with one of a convolution as it is defined


@functools.lru_cache(maxsize=512)
def pays(n, geometry, made, depth, columns, dtype, of_weights=False):
    """Whether this is quicker to make pictures of size `made` from `depth` channels, or the gradient of the windows."""
    image, kernel, stride, dilation, pad, output = geometry
    if kernel != (3, 3) or stride != (1, 1) or dilation != (1, 1) or dtype != np.float32:
        return False
    if (
        any(c < _LEAST_CHANNELS or c != padded(c, dtype) for c in (depth, columns))
        or n * math.prod(made) < _LEAST_PIXELS
    ):
        return False
    if of_weights and depth * columns > _MOST_WEIGHTS:
        return False
    met = (under_tap(i, 1, 1, p, size, o) for size, p, o in zip(image, pad, output, strict=True) for i in range(3))
    down, right = np.reshape([high - low for low, high in met], (2, 3)).sum(axis=1)
    return _OVERHEAD * 16 * math.prod(-(-size // 2) for size in made) < down * right


def convolve(x, w, turned, bias, pad, y):
    """The convolution of x (N, H, W, C) and the windows w (3, 3, C, F) into `y`.

    If `turned`, w is (3, 3, F, C) and its windows are turned by half a turn, as for the gradient of a convolution. Of x
    so many rows and columns of zeros are seen before the first as `pad` says, which may be negative.
    """
    n, oh, ow, columns = y.shape
    depth = x.shape[3]
    source = w.reshape(-1)
    if turned:
        source = pack(w, _turned_rows(depth, columns), depth, depth, columns, x.dtype)
    windows = aligned_empty((16 * depth * columns,), x.dtype)
    _transform_windows(depth, source, turned, depth, columns, windows, grain=chunk_size(columns * 1.5))
    items, images, rows, sizes, *tables = _plan(n, oh, ow, depth, columns, x.itemsize)
    zeros, start = pad_start(None, columns, x.dtype), pad_start(bias, columns, x.dtype)
    grain = -(-items // _CHUNKS)
    work = aligned_empty((-(-items // grain), sum(sizes)), x.dtype)
    _convolve_items(
        items, x, windows, zeros, start, *pad, images, rows, *tables, grain, *sizes, work.reshape(-1), y, grain=grain
    )


@functools.lru_cache(maxsize=512)
def _turned_rows(depth, columns):
    return offsets(np.arange(8, -1, -1) * (columns * depth), np.arange(depth))


@functools.lru_cache(maxsize=512)
def _plan(n, oh, ow, depth, columns, itemsize):
    """The number of work items, the pictures and rows of tiles of one, the sizes of what it works on, and the tables of
    its products: their rows before and after, and their segments."""
    down, right = -(-oh // 2), -(-ow // 2)
    images, rows = unit(n, down, right, max(LEAST_ROWS // 2, _SCRATCH_BYTES / (16 * (depth + columns) * itemsize)))
    items, most = -(-n // images) * -(-down // rows), images * rows * right
    line = 64 // itemsize
    # Of the sixteen each begins a cache line further, as else all would meet in the same places of the cache.
    sizes = images * (2 * rows + 2) * (2 * right + 2) * depth, 16 * (most * depth + line), 16 * (most * columns + line)
    tables = np.arange(most) * depth, np.arange(most) * columns, segment_table([(0, 0, depth)])
    return items, images, rows, tuple(-(-size // line) * line for size in sizes), *tables


def weight_gradient(dy, x, pad, dw):
    """Into `dw` (3, 3, C, F) the gradient of the windows; `pad` and `x` (N, H, W, C) as for `convolve`."""
    n, oh, ow, columns = dy.shape
    depth = x.shape[3]
    units, images, rows, sizes, tile_rows, *_ = _plan(n, oh, ow, depth, columns, x.itemsize)
    size = 16 * depth * columns
    parts = min(units, max(_PARTS // 4, min(_PARTS, _PARTS_BYTES // (size * x.itemsize))))
    sums = aligned_empty((parts, size), x.dtype)
    zeros, channels = pad_start(None, columns, x.dtype), np.arange(depth)
    work = aligned_empty((parts, sum(sizes)), x.dtype)
    _correlate_items(
        parts, x, dy, zeros, *pad, units, images, rows, tile_rows.size, channels, channels * columns, *sizes,
        work.reshape(-1), sums, grain=1,
    )  # fmt: skip
    _transform_sums(depth, sums, depth, columns, dw.reshape(-1), grain=chunk_size(columns * parts * 2.0))


@helper
def _before(a, b, c, d):
    return a - c, b + c, c - b, b - d


@helper
def _after(a, b, c, d):
    return a + b + c, b - c - d


@helper
def _before_sums(a, b):
    return a, a + b, a - b, -b


@helper
def _after_sums(a, b, c, d):
    half = (b + c) * 0.5
    return a + half, (b - c) * 0.5, half + d


@helper
def _of_window(a, b, c):
    half = (a + c) * 0.5
    return a, half + b * 0.5, half - b * 0.5, c


@chunked
def _transform_windows(lo, hi, source, is_packed, depth, columns, windows):
    """G w G' of the channels lo <= k < hi into column panels of each of the 16, from column panels of all taps, or, not
    packed, from the matrices of the taps."""
    step = lanes(source)
    size = depth * columns
    j = 0
    while j < columns:
        width = panel_vectors(columns - j, step) * step
        first, row = (9 * depth * j, width) if is_packed else (j, columns)
        tap = depth * row
        for k in range(lo, hi):
            for e in range(0, width, step):
                i = first + k * row + e
                a = _of_window(load(source, i), load(source, i + 3 * tap), load(source, i + 6 * tap))
                b = _of_window(load(source, i + tap), load(source, i + 4 * tap), load(source, i + 7 * tap))
                c = _of_window(load(source, i + 2 * tap), load(source, i + 5 * tap), load(source, i + 8 * tap))
                for r in range(4):
                    line = _of_window(a[r], b[r], c[r])
                    for q in range(4):
                        store(windows, (4 * r + q) * size + depth * j + k * width + e, line[q])
        j += width


@chunked
def _convolve_items(
    lo, hi, x, windows, zeros, start, top, left, images, rows, tile_rows, sum_rows, segments, grain, copy_size, size,
    sum_size, work, y,
):  # fmt: skip
    n, oh, ow, columns = y.shape
    depth = x.shape[3]
    down, right = -(-oh // 2), -(-ow // 2)
    bands = -(-down // rows)
    in_rows, in_columns = 2 * rows + 2, 2 * right + 2
    pitch, sum_pitch = size // 16, sum_size // 16
    copy = work[lo // grain * (copy_size + size + sum_size) :]
    tiles = copy[copy_size:]
    sums = tiles[size:]
    flat = y.reshape(-1)
    for item in range(lo, hi):
        n0, t0 = (item // bands) * images, (item % bands) * rows
        count, t_count = min(images, n - n0), min(rows, down - t0)
        copy_padded(x, n0, count, 2 * t0 - top, -left, in_rows, in_columns, copy)
        place = _transform_tiles(copy, count, t_count, right, in_rows, depth, tiles, pitch)
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


@chunked
def _correlate_items(
    lo, hi, x, dy, zeros, top, left, units, images, rows, most, channels, sum_rows, copy_size, size, dy_size, work, sums
):  # fmt: skip
    """For each of lo <= part < hi the sums over its share of the units, for each of the 16 a (C_in, C_out) matrix."""
    n, oh, ow, columns = dy.shape
    depth = x.shape[3]
    down, right = -(-oh // 2), -(-ow // 2)
    bands = -(-down // rows)
    in_rows, in_columns = 2 * rows + 2, 2 * right + 2
    pitch, dy_pitch = size // 16, dy_size // 16
    flat, sums_flat = dy.reshape(-1), sums.reshape(-1)
    segments = np.zeros((1, 3), np.int64)
    for part in range(lo, hi):
        copy = work[part * (copy_size + size + dy_size) :]
        tiles = copy[copy_size:]
        gradients = tiles[size:]
        first, last = part * units // sums.shape[0], (part + 1) * units // sums.shape[0]
        for item in range(first, last):
            n0, t0 = (item // bands) * images, (item % bands) * rows
            count, t_count = min(images, n - n0), min(rows, down - t0)
            copy_padded(x, n0, count, 2 * t0 - top, -left, in_rows, in_columns, copy)
            segments[0, 2] = _transform_tiles(copy, count, t_count, right, in_rows, depth, tiles, pitch)
            place = 0
            for i in range(count):
                for r in range(2 * t0, 2 * (t0 + t_count), 2):
                    for c in range(0, ow, 2):
                        pixel, room = (((n0 + i) * oh + r) * ow + c) * columns, (r + 1 < oh, c + 1 < ow)
                        _transform_gradient(flat, pixel, ow * columns, columns, room, gradients, place, most, dy_pitch)
                        place += 1
            for k in range(16):
                product(
                    tiles, k * pitch, channels, depth, depth, gradients[k * dy_pitch :], most, 0, segments, zeros,
                    sums_flat, (part * 16 + k) * depth * columns, sum_rows, 0, columns, item == first,
                )  # fmt: skip


@helper
def _transform_gradient(dy, pixel, row, columns, room, gradients, place, most, pitch):
    """A y A' of the pixel at flat index `pixel` of dy and its neighbours, where there is room, into column panels."""
    zero = splat(dy, 0.0)
    step = lanes(dy)
    j = 0
    while j < columns:
        width = panel_vectors(columns - j, step) * step
        for e in range(0, width, step):
            at = pixel + j + e
            a, b, c, d = load(dy, at), zero, zero, zero
            if room[1]:
                b = load(dy, at + columns)
            if room[0]:
                c = load(dy, at + row)
            if room[0] and room[1]:
                d = load(dy, at + row + columns)
            left, right = _before_sums(a, c), _before_sums(b, d)
            for r in range(4):
                line = _before_sums(left[r], right[r])
                for q in range(4):
                    store(gradients, (4 * r + q) * pitch + most * j + place * width + e, line[q])
        j += width


@chunked
def _transform_sums(lo, hi, sums, depth, columns, dw):
    """Of the parts' sums m, added up, G' m G for the input channels lo <= g < hi."""
    size = depth * columns
    flat = sums.reshape(-1)
    for g in range(lo, hi):
        for f in range(g * columns, (g + 1) * columns, lanes(dw)):
            a, b = _column_of_sums(flat, sums.shape[0], f, size), _column_of_sums(flat, sums.shape[0], f + size, size)
            c = _column_of_sums(flat, sums.shape[0], f + 2 * size, size)
            d = _column_of_sums(flat, sums.shape[0], f + 3 * size, size)
            for r in range(3):
                line = _after_sums(a[r], b[r], c[r], d[r])
                for q in range(3):
                    store(dw, (3 * r + q) * size + f, line[q])


@helper
def _column_of_sums(sums, parts, at, size):
    a, b, c, d = load(sums, at), load(sums, at + 4 * size), load(sums, at + 8 * size), load(sums, at + 12 * size)
    for p in range(1, parts):
        i = at + p * 16 * size
        a, b, c, d = (
            a + load(sums, i), b + load(sums, i + 4 * size), c + load(sums, i + 8 * size), d + load(sums, i + 12 * size)
        )  # fmt: skip
    return _after_sums(a, b, c, d)


@helper
def _transform_tiles(x, images, down, right, rows, depth, tiles, pitch):
    """B' d B of all tiles of padded pictures of so many `rows`; gives how many they are."""
    row = (2 * right + 2) * depth
    place = 0
    for i in range(images):
        for t in range(down):
            for v in range(right):
                _transform_tile(x, (i * rows + 2 * t) * row + 2 * v * depth, row, depth, tiles, place * depth, pitch)
                place += 1
    return place


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
