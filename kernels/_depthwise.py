"""Convolution of every channel by itself (as many groups as channels), and its gradients.

    y[n, r, c, f] = b[f] + sum over i, j of x[n, r s + i d - p, c s + j d - p, f] w[i, j, f]

No sum goes over channels, so there is no matrix product in it: vectors lie along the channels, four of them at a time
where there are as many, and each output is written once. The gradient with respect to the input is the same sum with
other taps; which taps an output meets, and where, stands in a table for each axis, in equal steps.

Time O(N OH OW KH KW C); memory: the gradient of `w` once for each of its parts.
"""

import functools
import math

import numpy as np

from ._image import load_up_to, store_up_to
from ._jit import helper
from ._memory import aligned_empty
from ._parallel import chunk_size, chunked
from ._product import goes_past_caches, pad_start
from ._simd import fma, lanes, load, load_part, prefetch, splat, store, stream
from ._windows import under_tap

_TAP = 0.05  # nanoseconds for one tap in one channel
_PARTS = 16  # sums of a gradient, if there is enough to do
_LEAST_ROWS = 4  # of a part


def fits(groups, c_in, c_out):
    """Whether every channel is convolved by itself."""
    return 1 < groups == c_in == c_out


def convolve(x, w, b, geometry, y):
    """Into `y` the convolution of x (N, H, W, C) with w (KH, KW, 1, C)."""
    _gather(x, w, b, _axes(geometry, False), y)


def input_gradient(dy, w, b, geometry, dx):
    """Into `dx` its gradient with respect to the input; `b`, if any, is added to every pixel."""
    _gather(dy, w, b, _axes(geometry, True), dx)


def weight_gradient(dy, x, geometry):
    """The parts of its gradient with respect to `w`, which are to be added up: (parts, KH KW C)."""
    n, oh, _, channels = dy.shape
    rows = max(_LEAST_ROWS, -(-n * oh // _PARTS))
    sums = aligned_empty((-(-n * oh // rows), math.prod(geometry.kernel) * channels), dy.dtype)
    image, _, stride, dilation, pad, output = geometry
    axes = zip(geometry.kernel, stride, dilation, pad, image, output, strict=True)
    over = [np.array([under_tap(i, *axis) for i in range(k)]) for k, *axis in axes]
    _correlate_rows(n * oh, x, dy, *stride, *dilation, *pad, *over, rows, sums, grain=rows)
    return sums


@functools.lru_cache(maxsize=256)
def _axes(geometry, is_gradient):
    """`_met` of the rows and of the columns."""
    axes = zip(
        geometry.image, geometry.output, geometry.kernel, geometry.stride, geometry.dilation, geometry.pad, strict=True
    )
    return [part for axis in axes for part in _met(*axis, is_gradient)]


def _met(image, output, taps, stride, dilation, pad, is_gradient):
    """The taps that each output of an axis meets, and the pixels where it does; for the gradient the other way round.

    Gives the steps from one to the next of those taps and of those pixels, and a table of the first tap, the first
    pixel, how many there are, and the pixel behind them.
    """
    common = math.gcd(stride, dilation)
    size, limit, steps = output, image, (1, dilation)
    if is_gradient:
        size, limit, steps = image, output, (stride // common, -dilation // common)
    table = []
    for t in range(size):
        if is_gradient:
            places = [divmod(t + pad - i * dilation, stride) for i in range(taps)]
        else:
            places = [(t * stride + i * dilation - pad, 0) for i in range(taps)]
        met = [(i, place) for i, (place, rest) in enumerate(places) if rest == 0 and 0 <= place < limit]
        table.append((*met[0], len(met), max(place for _, place in met) + 1) if met else (0, 0, 0, 0))
    return *steps, np.array(table, np.int64)


def _gather(x, w, b, axes, y):
    n, height, width, channels = y.shape
    kh, kw = w.shape[:2]
    start = pad_start(b, channels, y.dtype)
    grain = chunk_size(_TAP * width * kh * kw * start.size)
    past_caches = goes_past_caches(y, channels)
    _convolve_rows(n * height, x, w.reshape(-1), kw, start, *axes, past_caches, y, grain=grain)


@chunked
def _convolve_rows(
    lo, hi, x, w, kw, start, tap_down, down, rows, tap_right, right, columns, past_caches, y
):  # fmt: skip
    # Requires: x (N, H, W, C), w of rows of C, y (N, OH, OW, C); steps and tables as from _axes. Items are rows of y.
    height, width, channels = x.shape[1:]
    oh, ow = y.shape[1:3]
    step = lanes(x)
    for item in range(lo, hi):
        n, r = item // oh, item % oh
        tap_row, row, count_down, row_ahead = rows[r, 0], n * height + rows[r, 1], rows[r, 2], n * height + rows[r, 3]
        for column in range(ow):
            tap, place, count_right = tap_row * kw + columns[column, 0], columns[column, 1], columns[column, 2]
            ahead = (row_ahead * width + columns[column, 3] - 1) * channels  # what the next row of outputs will need
            first, first_tap, pixel = (row * width + place) * channels, tap * channels, (item * ow + column) * channels
            c = 0
            while c + 4 * step <= channels:
                s0, s1 = load(start, c), load(start, c + step)
                s2, s3 = load(start, c + 2 * step), load(start, c + 3 * step)
                for k in range(4):
                    prefetch(x, ahead + c + k * step)
                for a in range(count_down):
                    i, k = first + a * down * width * channels + c, first_tap + a * tap_down * kw * channels + c
                    for _ in range(count_right):
                        s0 = fma(load(x, i), load(w, k), s0)
                        s1 = fma(load(x, i + step), load(w, k + step), s1)
                        s2 = fma(load(x, i + 2 * step), load(w, k + 2 * step), s2)
                        s3 = fma(load(x, i + 3 * step), load(w, k + 3 * step), s3)
                        i += right * channels
                        k += tap_right * channels
                if past_caches:
                    stream(y, pixel + c, s0)
                    stream(y, pixel + c + step, s1)
                    stream(y, pixel + c + 2 * step, s2)
                    stream(y, pixel + c + 3 * step, s3)
                else:
                    store(y, pixel + c, s0)
                    store(y, pixel + c + step, s1)
                    store(y, pixel + c + 2 * step, s2)
                    store(y, pixel + c + 3 * step, s3)
                c += 4 * step
            while c < channels:
                total, rest = load(start, c), channels - c
                for a in range(count_down):
                    i, k = first + a * down * width * channels + c, first_tap + a * tap_down * kw * channels + c
                    for _ in range(count_right):
                        total = fma(load_up_to(x, i, rest), load_up_to(w, k, rest), total)
                        i += right * channels
                        k += tap_right * channels
                store_up_to(y, pixel + c, total, rest)
                c += step


@chunked
def _correlate_rows(lo, hi, x, dy, sh, sw, dh, dw, ph, pw, rows_over, columns_over, rows, sums):
    """Items are rows of dy; the sums of the chunk of `rows` of them go to one row of `sums`.

    Requires: rows_over, columns_over the ranges of outputs that meet a pixel under each tap.
    """
    height, width, channels = x.shape[1:]
    oh, ow = dy.shape[1:3]
    kw, step = columns_over.shape[0], lanes(x)
    total = sums[lo // rows]
    for i in range(total.size):
        total[i] = 0
    for item in range(lo, hi):
        n, r = item // oh, item % oh
        for i in range(rows_over.shape[0]):
            if not rows_over[i, 0] <= r < rows_over[i, 1]:
                continue
            line = (n * height + r * sh + i * dh - ph) * width - pw
            for j in range(kw):
                first, last = columns_over[j, 0], columns_over[j, 1]
                for c in range(0, channels, step):
                    p, q = (line + first * sw + j * dw) * channels + c, (item * ow + first) * channels + c
                    rest, place = channels - c, (i * kw + j) * channels + c
                    more = _product_sums(x, p, sw * channels, dy, q, channels, last - first, rest)
                    store_up_to(total, place, load_up_to(total, place, rest) + more, rest)


@helper
def _product_sums(x, p, x_step, dy, q, dy_step, count, rest):
    """Sums of `count` products of vectors, of which the first `rest` lanes exist."""
    s0 = s1 = s2 = s3 = splat(x, 0.0)
    if rest < lanes(x):
        for _ in range(count):
            s0 = fma(load_part(x, p, rest), load_part(dy, q, rest), s0)
            p, q = p + x_step, q + dy_step
        return s0
    for _ in range(count // 4):  # four sums at a time: each waits for the one before
        s0 = fma(load(x, p), load(dy, q), s0)
        s1 = fma(load(x, p + x_step), load(dy, q + dy_step), s1)
        s2 = fma(load(x, p + 2 * x_step), load(dy, q + 2 * dy_step), s2)
        s3 = fma(load(x, p + 3 * x_step), load(dy, q + 3 * dy_step), s3)
        p, q = p + 4 * x_step, q + 4 * dy_step
    for _ in range(count % 4):
        s0 = fma(load(x, p), load(dy, q), s0)
        p, q = p + x_step, q + dy_step
    return (s0 + s1) + (s2 + s3)
