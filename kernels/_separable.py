"""Sums of separable filters, as two passes that never leave the cache.

    out[i, j] = sum over terms t of  sum over k, l of down[t, k] along[t, l] image[i + k - before, j + l - before']

Four rows at a time are summed down the columns, each pixel read once for all four, into lines of the working dtype;
those get their borders and are summed along the row, all terms into one sum. The picture is read once from memory and
the result written once. What a filter holds beyond twice the picture is folded back onto the rest. O(H W C (KH + KW))
time for each term, four lines of memory for each term and thread.
"""

import numpy as np

from ._image import AHEAD, border_index, extend_line, is_large, load_up_to, scratch, write_line
from ._jit import helper
from ._parallel import chunk_size, chunked
from ._simd import fma, lanes, load, prefetch, splat, store

ROWS = 4  # rows that are summed together


@helper
def sum_columns(image, places, weights, i, cval, lines, begin, width):
    """lines[begin + q * width + j] = sum over k of weights[k] * image[places[i + q + k], j] for four rows q.

    Requires: places has weights.size + 3 entries from i, below 0 for lines of `cval`.
    """
    length, taps, step = image.shape[1], weights.size, lanes(lines)
    for j in range(0, length, 2 * step):
        n = length - j
        zero = splat(lines, 0.0)
        a0, a1, a2, a3 = zero, zero, zero, zero
        b0, b1, b2, b3 = zero, zero, zero, zero
        for s in range(taps + ROWS - 1):
            place = places[i + s]
            if place < 0:
                u = v = splat(lines, cval)
            else:
                u = load_up_to(image, place * length + j, n)
                v = load_up_to(image, place * length + j + step, n - step)
                if s >= taps - 1:  # the lines that were not read for the rows above
                    prefetch(image, place * length + j + AHEAD * step)
                    prefetch(image, place * length + j + (AHEAD + 1) * step)
            # Row q takes the line with weight s - q, if there is one: a weight of 0 would let NaN through.
            if ROWS - 1 <= s < taps:
                w0, w1 = splat(u, weights[s]), splat(u, weights[s - 1])
                w2, w3 = splat(u, weights[s - 2]), splat(u, weights[s - 3])
                a0, b0 = fma(w0, u, a0), fma(w0, v, b0)
                a1, b1 = fma(w1, u, a1), fma(w1, v, b1)
                a2, b2 = fma(w2, u, a2), fma(w2, v, b2)
                a3, b3 = fma(w3, u, a3), fma(w3, v, b3)
                continue
            if s < taps:
                w0 = splat(u, weights[s])
                a0, b0 = fma(w0, u, a0), fma(w0, v, b0)
            if 0 <= s - 1 < taps:
                w1 = splat(u, weights[s - 1])
                a1, b1 = fma(w1, u, a1), fma(w1, v, b1)
            if 0 <= s - 2 < taps:
                w2 = splat(u, weights[s - 2])
                a2, b2 = fma(w2, u, a2), fma(w2, v, b2)
            if 0 <= s - 3:
                w3 = splat(u, weights[s - 3])
                a3, b3 = fma(w3, u, a3), fma(w3, v, b3)
        at = begin + j
        store(lines, at, a0)
        store(lines, at + step, b0)
        store(lines, at + width, a1)
        store(lines, at + width + step, b1)
        store(lines, at + 2 * width, a2)
        store(lines, at + 2 * width + step, b2)
        store(lines, at + 3 * width, a3)
        store(lines, at + 3 * width + step, b3)


@helper
def _sum_row(lines, start, pitch, weights, channels, length, row):
    """row[j] = sum over t, k of weights[t, k] * lines[start + t * pitch + j + k * channels]"""
    (terms, taps), step = weights.shape, lanes(lines)
    for j in range(0, length, 4 * step):
        zero = splat(lines, 0.0)
        a, b, c, d = zero, zero, zero, zero
        for t in range(terms):
            at = start + t * pitch + j
            for k in range(taps):
                w = splat(lines, weights[t, k])
                a = fma(w, load(lines, at), a)
                b = fma(w, load(lines, at + step), b)
                c = fma(w, load(lines, at + 2 * step), c)
                d = fma(w, load(lines, at + 3 * step), d)
                at += channels
        store(row, j, a)
        store(row, j + step, b)
        store(row, j + 2 * step, c)
        store(row, j + 3 * step, d)


@chunked
def _separable(lo, hi, image, places, down, columns, skipped, along, channels, cval, edges, large, out):
    # Requires: image, out (H, W C); down, along (terms, taps); places, columns from border_index, places with ROWS - 1
    # entries to spare, columns with equal borders, of which the first `skipped` pixels are not reached.
    length, terms, step = image.shape[1], down.shape[0], lanes(out)
    border = (columns.size * channels - length) // 2
    begin = -(-border // step) * step  # a line without its border begins at a whole vector
    width = begin + -(-(length + border) // step) * step + 4 * step
    lines, row = scratch(terms * ROWS * width, out), scratch(length + 4 * step, out)
    for i in range(lo, hi, ROWS):
        for t in range(terms):
            sum_columns(image, places, down[t], i, cval, lines, t * ROWS * width + begin, width)
        for q in range(min(ROWS, hi - i)):
            start = q * width + begin - border
            for t in range(terms):
                extend_line(lines, start + t * ROWS * width, length, columns, channels, edges[t])
            _sum_row(lines, start + skipped * channels, ROWS * width, along, channels, length, row)
            write_line(row, 0, out, (i + q) * length, length, large)


def _folded(weights, before, n, mode):
    """The same filter for lines of n pixels, with no more taps than reach from each pixel to all others and beyond."""
    if weights.shape[1] <= 2 * n + 1:
        return weights, before
    reach = np.arange(weights.shape[1]) - before
    if mode in ("nearest", "constant"):
        reach = reach.clip(-n, n)
    else:
        period = {"wrap": n, "reflect": 2 * n, "mirror": max(2 * n - 2, 1)}[mode]
        reach = (reach + n) % period - n
    before = -reach.min()
    return np.stack([np.bincount(reach + before, line) for line in weights]), before


def separable(image, down, along, before, mode, cval, edges, out):
    """Write into `out` the sum of the filters that are each `down[t]` down the columns, then `along[t]` along the rows.

    Requires: a clean picture (H, W) or (H, W, C) and `out` of its shape, float32 or float64; down (terms, KH), along
    (terms, KW), and the pair `before` of the taps of each that come before the pixel itself. In mode "constant" `cval`
    lies beyond the picture and `edges[t]` beyond what has been summed down the columns.
    """
    (height, width), channels = image.shape[:2], image[0, 0].size
    lines = (height, width * channels)
    down, above = _folded(down, before[0], height, mode)
    along, left = _folded(along, before[1], width, mode)
    (terms, row_taps), column_taps, dtype = down.shape, along.shape[1], out.dtype
    border = max(left, column_taps - 1 - left)
    _separable(
        height, image.reshape(lines), border_index(height, above, row_taps - above + ROWS - 2, mode),
        down.astype(dtype), border_index(width, border, border, mode), border - left, along.astype(dtype),
        channels, dtype.type(cval), np.asarray(edges, dtype), is_large(out), out.reshape(lines),
        grain=ROWS * chunk_size(ROWS * lines[1] * (0.08 + 0.01 * terms * (row_taps + column_taps))),
    )  # fmt: skip
