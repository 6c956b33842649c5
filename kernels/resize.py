"""Resizing by one linear operator for each axis.

The pixel areas of both pictures fill the same rectangle, so that output o of an axis samples the input at

    p(o) = n / size * (o + 1/2) - 1/2.

Order 0 takes the nearest pixel. Order 1 interpolates, x[floor p] (1 - t) + x[floor p + 1] t with t = p - floor p.
Order 3 draws the cubic spline through the pixels: a sum of B-splines, the coefficients of which are the pixels filtered
with sqrt(3) z**|k|, z = sqrt(3) - 2, cut off where nothing of it is left in the working type. Area is the mean over the
area of the output pixel. Anti-aliasing smooths the input first, with a Gaussian of sigma = (n / size - 1) / 2.
Interpolation after smoothing is one banded matrix for each axis, and the matrices for rows and columns commute, hence

    out = A_rows image A_columns^T

with precomputed bands, of 2 radius + 2 taps for order 1. For order 3 the filter of the coefficients is part of a band
only where the input is smoothed. Elsewhere it runs as Unser's two recursions, forwards and backwards,

    f[k] = x[k] + z f[k - 1],   c[k] = z (c[k + 1] - f[k]),   times 6 in the B-splines,

that begin as far outside as the filter reaches, and the band has four taps. As many rows as a vector has lanes are
worked on together along their columns: transposed, so that a vector holds one column of all these rows, and the result
transposed back. The rows are summed before, or after where the recursion runs down the columns: in tiles that stay in
the cache.
O(H W_out taps + H_out W taps) time or less; for each thread one line of the input for each lane, or one tile.

Source: the geometry of scipy.ndimage.zoom with grid_mode=True, which scikit-image uses. M. Unser, A. Aldroubi, M. Eden,
"B-spline signal processing: part I, theory", IEEE Transactions on Signal Processing 41 (1993) 821-833, section III.
"""

import math

import numpy as np

from . import _validate as check
from ._image import (
    NUMPY_MODES,
    border_index,
    clip_to_range,
    extend_line,
    float_dtype,
    is_large,
    load_up_to,
    scratch,
    unit_scale,
    value_range,
    write_line,
)
from ._jit import EXACT, helper, kernel
from ._parallel import chunk_size, chunked
from ._simd import WIDTH, fma, lanes, load, load_part, prefetch, splat, store, transpose, vmax, vmin
from .gaussian import gaussian_weights, sigma_of_axes

_POLE = math.sqrt(3) - 2  # of the filter that gives the coefficients of a cubic spline
_TILE, _TILE_ROWS = 1024, 128  # elements of a row and rows of the input that are enlarged at a time, in the cache
_CUBIC = 4  # B-splines that overlap
_PANEL = 256  # columns that are summed and transposed at a time: a panel of 16 rows stays in the first-level cache


@chunked
def _nearest(lo, hi, image, rows, places, out):
    # Requires: image (H, W C), out (OH, OW C); rows and unsigned places within the lines of image.
    for i in range(lo, hi):
        line, result = image[rows[i]], out[i]
        for j in range(result.size):
            result[j] = line[places[j]]


@helper
def _sum_vectors(image, places, start, weights, row, j, n, cval, panel, to):
    """Four vectors from column j of one output row; only n columns exist."""
    length, step = image.shape[1], lanes(panel)
    zero = splat(panel, 0.0)
    a, b, c, d = zero, zero, zero, zero
    for tap in range(weights.shape[1]):
        w = splat(panel, weights[row, tap])
        place = places[start + tap]
        at = place * length + j
        if place < 0:
            constant = w * cval
            a, b, c, d = a + constant, b + constant, c + constant, d + constant
        elif n >= 4 * step:
            for k in range(4):  # for the next panel
                prefetch(image, at + _PANEL + k * step)
            a = fma(w, load(image, at), a)
            b = fma(w, load(image, at + step), b)
            c = fma(w, load(image, at + 2 * step), c)
            d = fma(w, load(image, at + 3 * step), d)
        else:
            a = fma(w, load_part(image, at, n), a)
            b = fma(w, load_part(image, at + step, n - step), b)
            c = fma(w, load_part(image, at + 2 * step, n - 2 * step), c)
            d = fma(w, load_part(image, at + 3 * step, n - 3 * step), d)
    store(panel, to, a)
    store(panel, to + step, b)
    store(panel, to + 2 * step, c)
    store(panel, to + 3 * step, d)


@helper
def _sum_columns(image, places, start, weights, row, j, cval, panel, to):
    """Columns j..j + _PANEL - 1 of one output row."""
    for k in range(0, min(_PANEL, image.shape[1] - j), 4 * lanes(panel)):
        _sum_vectors(image, places, start, weights, row, j + k, image.shape[1] - j - k, cval, panel, to + k)


@helper
def _recur(lines, pitch, n, width):
    """Filter n elements that are `pitch` apart, for each of `width` neighbours, whole vectors: up to the factor 6 to
    the coefficients of the spline through them."""
    step = lanes(lines)
    pole, zero = splat(lines, _POLE), splat(lines, 0.0)
    for j in range(0, width, step):
        value = zero
        for k in range(j, j + n * pitch, pitch):
            value = fma(pole, value, load(lines, k))
            store(lines, k, value)
        value = zero
        for k in range(j + (n - 1) * pitch, j - pitch, -pitch):
            value = pole * (value - load(lines, k))
            store(lines, k, value)


@helper
def _sum_along(lines, origin, starts, weights, channels, j, n, block):
    """Rows k < n of block: element j + k of as many output rows as it has columns, from lines, which begins at column
    `origin`."""
    step, taps = lanes(lines), weights.shape[1]
    pixel = channels * step
    o, c = np.uint64(j // channels), j % channels  # unsigned: not tested for wrapping
    for k in range(n):
        at = (starts[o] - origin) * pixel + c * step
        total = weights[o, 0] * load(lines, at)
        if taps == 2:  # the usual cases, without a loop
            total = fma(splat(lines, weights[o, 1]), load(lines, at + pixel), total)
        elif taps == _CUBIC:
            total = fma(splat(lines, weights[o, 1]), load(lines, at + pixel), total)
            total = fma(splat(lines, weights[o, 2]), load(lines, at + 2 * pixel), total)
            total = fma(splat(lines, weights[o, 3]), load(lines, at + 3 * pixel), total)
        else:
            for tap in range(1, taps):
                total = fma(splat(lines, weights[o, tap]), load(lines, at + tap * pixel), total)
        store(block, k * step, total)
        c += 1
        if c == channels:
            o, c = o + np.uint64(1), 0


@helper
def _clip(line, n, low, high):
    for j in range(0, n, lanes(line)):
        value = vmin(splat(line, high), vmax(splat(line, low), load(line, j)))  # NaN stays
        store(line, j, value)


@chunked
def _rows_first(
    lo, hi, image, places, row_starts, row_weights, columns, column_starts, column_weights, reach, channels, raw_cval,
    cval, low, high, large, out,
):  # fmt: skip
    # Requires: image (H, W C), out (OH, OW C); items are groups of `lanes` output rows; places and columns from
    # border_index; starts are indices into them; reach > 0 where columns are filtered first; raw_cval is cval before
    # scaling.
    height, length, step = out.shape[0], image.shape[1], lanes(out)
    border = (columns.size - length // channels) // 2 * channels
    panel, block = scratch(step * _PANEL, out), scratch(step * step, out)
    lines = scratch((length + 2 * border + _PANEL) * step, out)  # one vector for each column
    for group in range(lo, hi):
        first = group * step
        n_rows = min(step, height - first)
        for j in range(0, length, _PANEL):
            for q in range(step):
                i = min(first + q, height - 1)
                _sum_columns(image, places, row_starts[i], row_weights, i, j, raw_cval, panel, q * _PANEL)
            for k in range(0, min(_PANEL, length - j), step):
                transpose(panel, k, _PANEL, lines, (border + j + k) * step, step)
        extend_line(lines, 0, length * step, columns, channels * step, cval)
        if reach > 0:
            _recur(lines, channels * step, columns.size, channels * step)
        for j in range(0, out.shape[1], step):
            _sum_along(lines, 0, column_starts, column_weights, channels, j, min(step, out.shape[1] - j), block)
            transpose(block, 0, step, panel, j % _PANEL, _PANEL)
            if j % _PANEL == _PANEL - step or j + step >= out.shape[1]:
                k = j // _PANEL * _PANEL
                n = min(_PANEL, out.shape[1] - k)
                for q in range(n_rows):
                    line = panel[q * _PANEL : (q + 1) * _PANEL]
                    _clip(line, n, low, high)
                    write_line(line, 0, out, (first + q) * out.shape[1] + k, n, large)


@helper
def _fetch_tile(image, places, top, bottom, columns, left, right, channels, cval, tile, pitch):
    """Rows top..bottom-1 and columns left..right-1 of the picture with its borders, to rows of `pitch` of tile.

    Requires: room for one more vector.
    """
    length = image.shape[1]
    border = (columns.size - length // channels) // 2
    first = min(max(left, border), right)  # of the columns that lie side by side
    last = max(first, min(right, border + length // channels))
    n = (last - first) * channels
    for p in range(top, bottom):
        at, place = (p - top) * pitch, places[p]
        for j in range(0, n, lanes(tile)):
            value = splat(tile, cval)
            if place >= 0:
                value = load_up_to(image, place * length + (first - border) * channels + j, n - j)
            store(tile, at + (first - left) * channels + j, value)
        for part in range(2):
            for column in range(left if part == 0 else last, first if part == 0 else right):
                for c in range(channels):
                    value = cval
                    if place >= 0 and columns[column] >= 0:
                        value = tile.dtype.type(image[place, columns[column] * channels + c])
                    tile[at + (column - left) * channels + c] = value


@helper
def _sum_down(rows, offsets, weights, i, n, line):
    """line[j] = sum over taps of weights[i, tap] * rows[offsets[tap] + j]; writes up to four vectors more."""
    step = lanes(line)
    zero = splat(line, 0.0)
    for j in range(0, n, 4 * step):
        a, b, c, d = zero, zero, zero, zero
        for tap in range(offsets.size):
            w, at = splat(line, weights[i, tap]), offsets[tap] + j
            a = fma(w, load(rows, at), a)
            b = fma(w, load(rows, at + step), b)
            c = fma(w, load(rows, at + 2 * step), c)
            d = fma(w, load(rows, at + 3 * step), d)
        store(line, j, a)
        store(line, j + step, b)
        store(line, j + 2 * step, c)
        store(line, j + 3 * step, d)


@chunked
def _columns_first(
    lo, hi, image, places, row_starts, row_weights, row_reach, columns, column_starts, column_weights, column_reach,
    channels, cval, low, high, band, block, large, out,
):  # fmt: skip
    # Requires: as `_rows_first`, with cval before scaling; items are tiles of `band` output rows and `block` columns;
    # _CUBIC weights for each row, no more than a vector has lanes; rows reach further than 0, columns perhaps.
    height, width, step = out.shape[0], out.shape[1] // channels, lanes(out)
    across = -(-width // block)
    offsets, pitch = np.empty(_CUBIC, np.int64), (block * channels // (4 * step) + 1) * 4 * step
    square, line = scratch(step * step, out), scratch(pitch, out)
    stretched = scratch(2 * step * pitch, out)  # the rows of two groups in turn
    for item in range(lo, hi):
        begin, end = item // across * band, min((item // across + 1) * band, height)
        first, last = item % across * block, min((item % across + 1) * block, width)
        top, bottom = row_starts[begin], row_starts[end - 1] + _CUBIC
        left = column_starts[first] - column_reach
        n_columns = column_starts[last - 1] + column_weights.shape[1] + column_reach - left
        tile_pitch = (n_columns * channels // step + 1) * step
        tile = scratch((bottom - top + 2 * row_reach + step) * tile_pitch + step, out)
        lines = scratch(tile_pitch * step, out)
        _fetch_tile(
            image, places, top - row_reach, bottom + row_reach, columns, left, left + n_columns, channels, cval, tile,
            tile_pitch,
        )  # fmt: skip
        _recur(tile, tile_pitch, bottom - top + 2 * row_reach, tile_pitch)
        i, n = begin, (last - first) * channels
        for group in range(0, bottom - top, step):
            for k in range(0, n_columns * channels, step):
                transpose(tile, (row_reach + group) * tile_pitch + k, tile_pitch, lines, k * step, step)
            if column_reach > 0:
                _recur(lines, channels * step, n_columns, channels * step)
            for j in range(0, n, step):
                _sum_along(
                    lines, left, column_starts, column_weights, channels, first * channels + j, min(step, n - j),
                    square,
                )  # fmt: skip
                transpose(square, 0, step, stretched, group % (2 * step) * pitch + j, pitch)
            while i < end and row_starts[i] + _CUBIC <= top + group + step:
                for tap in range(_CUBIC):
                    offsets[tap] = (row_starts[i] - top + tap) % (2 * step) * pitch
                _sum_down(stretched, offsets, row_weights, i, n, line)
                _clip(line, n, low, high)
                write_line(line, 0, out, i * out.shape[1] + first * channels, n, large)
                i += 1


@kernel(fastmath=EXACT)
def _fill_taps(n, clamp, constant, gauss, first, shares, weights):
    """The taps of smoothing and of what follows it, in one.

    Requires: first (size,), shares (size, taps), weights (size, len(gauss) + taps - 1), zero.
    """
    for o in range(first.size):
        for tap in range(shares.shape[1]):
            at = first[o] + tap
            if clamp:  # beyond the border lies what the border's pixel has become by smoothing
                at = min(max(at, 0), n - 1)
            shift = at - first[o]
            if constant and not 0 <= at < n:  # and the constant stays what it is
                weights[o, shift + gauss.size // 2] += shares[o, tap]
            else:
                for k in range(gauss.size):
                    weights[o, shift + k] += shares[o, tap] * gauss[k]


def _reach(dtype):
    """How far the filter of a spline's coefficients reaches before nothing of it is left in the working type."""
    return math.ceil(math.log(np.finfo(dtype).eps / 8, -_POLE))


def _shares(n, size, order, reach):
    """(first, shares): before smoothing, output o is the sum over k of shares[o, k] * x[first[o] + k].

    Of order 3 those of the pixels within `reach`, or for 0 those of the coefficients.
    """
    step = n / size
    if order == "area":
        begin = step * np.arange(size)
        first = np.floor(begin).astype(np.int64)
        pixel = first[:, None] + np.arange(math.ceil(step) + 1)
        overlap = np.minimum(pixel + 1, (begin + step)[:, None]) - np.maximum(pixel, begin[:, None])
        return first, overlap.clip(0) / step
    place = step * (np.arange(size) + 0.5) - 0.5
    first = np.floor(place + 0.5 if order == 0 else place).astype(np.int64)
    if order == 0:
        return first, np.ones((size, 1))
    t = (place - first)[:, None]
    if order == 1 or n == size:
        return first, np.hstack([1 - t, t])
    splines = (1 - t) ** 3, 4 - 3 * t**2 * (2 - t), 4 - 3 * (1 - t) ** 2 * (1 + t), t**3
    if reach == 0:
        return first - 1, np.hstack(splines)
    k = np.arange(-reach - 1, reach + 3)
    shares = sum(spline / 6 * math.sqrt(3) * _POLE ** abs(k - m) for m, spline in enumerate(splines, -1))
    return first + k[0], shares


def _axis_taps(n, size, order, mode, sigma, dtype=np.float64, recursive=False):
    """(table, starts, weights, reach): output o is the sum over k of weights[o, k] * x[table[starts[o] + k]].

    Of splines the x are what `_recur` makes of the pixels and those up to `reach` outside, if `recursive`.
    """
    gauss = gaussian_weights(sigma) if sigma > 0 else np.ones(1)
    reach = _reach(dtype) if order == 3 and n != size else 0
    outside = reach if recursive else 0
    first, shares = _shares(n, size, order, reach - outside)
    weights = np.zeros((size, len(gauss) + shares.shape[1] - 1))
    _fill_taps(n, sigma > 0 and mode == "nearest", mode == "constant", gauss, first, shares, weights)
    # Where the input is smoothed, nothing is left of the outer taps of a spline.
    counts = np.flatnonzero(abs(weights).max(axis=0) > (np.finfo(dtype).eps / 64 if order == 3 and sigma > 0 else 0))
    weights = np.ascontiguousarray(weights[:, counts[0] : counts[-1] + 1])
    first += counts[0] - len(gauss) // 2
    border = max(0, -int(first[0]), int(first[-1]) + weights.shape[1] - n) + outside
    return border_index(n, border, border, mode), first + border, weights, outside


def resize(
    image, output_shape, order=None, mode="reflect", cval=0.0, clip=True, preserve_range=False, anti_aliasing=None,
    anti_aliasing_sigma=None,
):  # fmt: skip
    """Resize a picture.

    Parameters
    ----------
    image : array of shape (H, W) or (H, W, C)
        For order 0 without anti-aliasing of any real dtype, otherwise uint8, uint16, float32 or float64.
    output_shape : sequence of int
        (OH, OW), or (OH, OW, C).
    order : {None, 0, 1, 3, "area"}
        0 takes the nearest pixel, 1 interpolates linearly, 3 by a cubic spline, and "area" gives the mean over what the
        pixel covers. None is 0 for bool, otherwise 1.
    mode : {"reflect", "symmetric", "edge", "wrap", "constant"}
        How the picture goes on beyond its border, in the words of numpy.pad.
    cval : float
        What lies beyond the border in mode "constant", in units of the result.
    clip : bool
        Keep the result within the range of the picture, where cubic interpolation or `cval` has led it out of it.
    preserve_range : bool
        Take the values of uint8 and uint16 as they are; otherwise they are scaled to [0, 1].
    anti_aliasing : bool, optional
        Smooth before an axis gets shorter. By default yes, but not for "area" or bool, nor for integers and order 0.
    anti_aliasing_sigma : float or sequence of float, optional
        Standard deviation of that smoothing for each axis, 0 for that of the channels if there are three; by default
        (H / OH - 1) / 2 and (W / OW - 1) / 2.

    Returns
    -------
    array of shape (OH, OW) or (OH, OW, C)
        For order 0 without anti-aliasing of the dtype of `image`, so that labels stay labels; otherwise float64 for
        float64 and else float32. A result is NaN where a NaN is among its taps; a spline may carry it further, up
        to all of the result.

    Raises
    ------
    TypeError, ValueError
        For an empty picture or other than two or three axes, for output shapes that are not positive or change the
        number of channels, for another order, and for bool or order 0 of integers with anti-aliasing.

    Notes
    -----
    As ``skimage.transform.resize`` with orders 0, 1 and 3; channels are never interpolated, and integer pictures give
    float32. Order "area" is added, without smoothing the ``INTER_AREA`` of OpenCV where the picture gets smaller.
    """
    kept = check.as_array("resize", "image", image, dtypes=check.REAL, ndim=(2, 3))
    mode = NUMPY_MODES[check.one_of("resize", "mode", mode, NUMPY_MODES)]
    cval = check.real("resize", "cval", cval)
    shape = _checked_shape(kept, output_shape)
    is_integer = kept.dtype.kind in "ui"
    default = int(kept.dtype.kind != "b")
    order = default if order is None else check.one_of("resize", "order", order, (0, 1, 3, "area"))
    if anti_aliasing is None:
        exact = kept.dtype.kind == "b" or (is_integer and order == 0) or order == "area"
        anti_aliasing = not exact and (shape[0] < kept.shape[0] or shape[1] < kept.shape[1])
    if (kept.dtype.kind == "b" and (order or anti_aliasing)) or (is_integer and order == 0 and anti_aliasing):
        raise ValueError(f"resize: {kept.dtype} of order {order} with anti_aliasing={anti_aliasing} is not defined")
    factors = [n / size for n, size in zip(kept.shape, shape[:2], strict=False)]
    sigmas = [0.0, 0.0]
    if anti_aliasing:
        sigmas = [max(0.0, (f - 1) / 2) for f in factors]
        if anti_aliasing_sigma is not None:
            sigmas = sigma_of_axes("resize", anti_aliasing_sigma, kept.ndim, 2)
            sigmas = [check.real("resize", "anti_aliasing_sigma", s, low=0) for s in sigmas]

    if order == 0 and not anti_aliasing:
        return _resize_nearest(kept, shape)
    picture = check.as_image("resize", kept)
    dtype = float_dtype(picture.dtype)
    scale = 1.0 if preserve_range else unit_scale(picture.dtype)
    channels, step = picture[0, 0].size, WIDTH // 8 // dtype.itemsize
    columns_first = order == 3 and shape[0] > kept.shape[0] and sigmas[0] == 0 and step >= _CUBIC
    places, row_starts, row_weights, row_reach = _axis_taps(
        kept.shape[0], shape[0], order, mode, sigmas[0], dtype, columns_first
    )
    columns, column_starts, column_weights, column_reach = _axis_taps(
        kept.shape[1], shape[1], order, mode, sigmas[1], dtype, sigmas[1] == 0
    )
    low, high = -math.inf, math.inf
    if clip and order == 3 and mode != "constant":
        low, high = (limit * scale for limit in value_range(picture))
    out = np.empty(shape, dtype)
    lines, result = picture.reshape(len(picture), -1), out.reshape(shape[0], -1)
    along_rows = places, row_starts, (row_weights * scale).astype(dtype)
    along_columns = columns, column_starts, column_weights.astype(dtype), column_reach
    low, high, raw_cval = (dtype.type(x) for x in (low, high, cval / scale))
    if columns_first:
        band = max(1, int((_TILE_ROWS - _CUBIC) / factors[0]))
        block = max(1, int(_TILE / channels / max(1, factors[1])))
        _columns_first(
            -(-shape[0] // band) * -(-shape[1] // block), lines, *along_rows, row_reach, *along_columns, channels,
            raw_cval, low, high, band, block, is_large(out), result,
            grain=chunk_size(0.2 * min(band, shape[0]) * min(block, shape[1]) * channels),
        )  # fmt: skip
    else:
        work = picture[0].size * (1 + row_weights.shape[1] / 4) + out[0].size * (1 + column_weights.shape[1] / 2)
        _rows_first(
            -(-shape[0] // step), lines, *along_rows, *along_columns, channels, raw_cval, dtype.type(cval), low, high,
            is_large(out), result, grain=chunk_size(0.1 * step * work),
        )  # fmt: skip
    if clip and mode == "constant":
        clip_to_range(out, picture, scale, cval)
    return out


def _checked_shape(image, output_shape):
    if not np.iterable(output_shape):
        raise TypeError(f"resize: output_shape must be a sequence of ints, got {output_shape!r}")
    shape = [check.integer("resize", "output_shape", s, low=1) for s in output_shape]
    if len(shape) == 2:
        shape += image.shape[2:]
    if len(shape) != image.ndim or tuple(shape[2:]) != image.shape[2:]:
        expected = "(OH, OW)" if image.ndim == 2 else f"(OH, OW) or (OH, OW, {image.shape[2]})"
        raise ValueError(f"resize: output_shape must be {expected}, got {tuple(output_shape)}")
    return tuple(shape)


def _resize_nearest(image, shape):
    rows, columns = (_axis_taps(image.shape[a], shape[a], 0, "nearest", 0.0)[1] for a in (0, 1))
    channels = image[0, 0].size
    places = (columns[:, None] * channels + np.arange(channels)).astype(np.uint32).ravel()
    out = np.empty(shape, image.dtype)
    bits = np.dtype(f"u{image.itemsize}")  # one compiled variant for all dtypes of a size
    lines = image.view(bits).reshape(len(image), -1)
    _nearest(shape[0], lines, rows, places, out.view(bits).reshape(shape[0], -1), grain=chunk_size(0.4 * len(places)))
    return out
