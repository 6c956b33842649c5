"""Rotating by sampling: each pixel of the result looks its place up in the picture.

With the centre (u, v), the pixel in row i and column j of the result lies in the picture at the column and row

    x = u + (j - u) cos a - (i - v) sin a,    y = v + (j - u) sin a + (i - v) cos a,

which turns the picture counter-clockwise by a. Order 0 takes the nearest pixel. Order 1 interpolates between the 2 x 2
pixels around the place, and order 3 between 4 x 4, with weights that are a product of those for columns and rows:

    order 1   w(t) = 1 - t,  t = |distance|
    order 3   w(t) = (1.5 t - 2.5) t**2 + 1 for t <= 1,   w(t) = ((2.5 - 0.5 t) t - 4) t + 2 for 1 <= t <= 2.

A row of the result runs along a straight line through the picture. The part of it around which all pixels exist is
found beforehand: its places are computed in vectors, and its pixels fetched without a test. Near the border they are
looked up in tables. Quarters of a turn that take pixels to pixels are copies. O(OH OW C (order + 1)**2) time, three
short lines of memory for each thread.

Source: R. Keys, "Cubic convolution interpolation for digital image processing", IEEE Transactions on Acoustics,
Speech, and Signal Processing 29 (1981) 1153-1160, equation (15) with a = -1/2.
"""

import math

import numpy as np

from . import _validate as check
from ._blend import blend, spare_pixels
from ._image import NUMPY_MODES, border_index, clip_to_range, float_dtype, unit_scale, value_range
from ._jit import helper
from ._parallel import chunked
from ._reorder import ELEMENTS, reordered

_BAND, _SPAN = 32, 1024  # rows and columns made together: what they need of the picture stays in the cache
_MARGIN = 1e-6  # pixels: more than the rounding errors of a place


@helper
def _within(start, step, low, high, lo, hi):
    """(a, b): of the columns j from lo to hi - 1 those with low <= start + j * step < high, up to roundings."""
    if step == 0.0:
        return (lo, hi) if low <= start < high else (lo, lo)
    first, last = (low - start) / step, (high - start) / step
    if step < 0.0:
        first, last = last, first
    first = min(max(first, float(lo)), float(hi))  # an integer may not hold it before
    last = min(max(last, first), float(hi))
    return math.ceil(first), math.ceil(last)


@helper
def _inside(x, y, cosine, sine, before, after, height, width, lo, hi):
    """(a, b): the columns whose place is at least `before` pixels after the first and `after` before the end."""
    a, b = _within(x, cosine, before, width - after, lo, hi)
    return _within(y, sine, before, height - after, a, b)


@helper
def _fill(line, begin, end, value):
    for o in range(begin, end):
        line[o] = value


@helper
def _find_places(x, y, cosine, sine, j, n, pitch, channels, index, dx, dy):
    """Of n places from column j of the result on: the pixel before, as a flat index, and how far beyond it they are."""
    for k in range(n):
        x_k, y_k = x + (j + k) * cosine, y + (j + k) * sine
        left, above = math.floor(x_k), math.floor(y_k)
        index[k] = above * pitch + left * channels
        dx[k], dy[k] = x_k - left, y_k - above


@helper
def _find_weights(order, beyond, n, scale, weights):
    """weights[s, k]: `scale` times that of neighbour s of a place that is beyond[k] pixels beyond the pixel before."""
    if order == 1:
        for k in range(n):
            t = beyond[k]
            weights[0, k], weights[1, k] = (1 - t) * scale, t * scale
    else:
        half = scale / 2
        for k in range(n):
            t, u = beyond[k], 1 - beyond[k]
            weights[0, k], weights[3, k] = -half * t * u * u, -half * t * t * u
            weights[1, k] = half * ((3 * t - 5) * t * t + 2)
            weights[2, k] = half * ((3 * u - 5) * u * u + 2)


@helper
def _clip(line, begin, end, low, high):
    for o in range(begin, end):
        value = line[o]
        value = low if value < low else value
        line[o] = high if value > high else value


@helper
def _nearest_pixels(image, channels, index, n, out, o):
    """n pixels of the result from flat index `o` of out, which exist. Unsigned indices are not tested for wrapping."""
    one, two, at = np.uint64(1), np.uint64(2), np.uint64(o)
    for k in range(n):
        pixel = np.uint64(index[k])
        out[at] = image[pixel]
        if channels == 3:
            out[at + one], out[at + two] = image[pixel + one], image[pixel + two]
        else:
            for c in range(one, np.uint64(channels)):
                out[at + c] = image[pixel + c]
        at += np.uint64(channels)


@helper
def _blended_pixels(image, pitch, channels, order, index, wx, wy, n, out, o):
    """n pixels of the result from flat index `o` of out, all neighbours of which exist."""
    before = order // 2 * (pitch + channels)
    for k in range(n):
        if order == 1 and channels == 1:
            blend(image, index[k], pitch, wx, wy, k, out, o + k, 2, 1)
        elif order == 1:
            blend(image, index[k], pitch, wx, wy, k, out, o + 3 * k, 2, 3)
        elif channels == 1:
            blend(image, index[k] - before, pitch, wx, wy, k, out, o + k, 4, 1)
        else:
            blend(image, index[k] - before, pitch, wx, wy, k, out, o + 3 * k, 4, 3)


@helper
def _border_pixel(image, pitch, channels, order, x, y, rows, columns, wx, wy, k, cval, raw_cval, out, o):
    """The pixel of the result from flat index `o` of out, the neighbours of which are looked up."""
    before = order // 2
    i = (rows.size - image.size // pitch) // 2 + math.floor(y) - before
    j = (columns.size - pitch // channels) // 2 + math.floor(x) - before
    zero = raw_cval - raw_cval
    for c in range(channels):
        if order == 0:
            exists = rows[i] >= 0 and columns[j] >= 0
            out[o + c] = image[rows[i] * pitch + columns[j] * channels + c] if exists else cval
            continue
        total = zero
        for r in range(order + 1):
            line = zero
            for s in range(order + 1):
                exists = rows[i + r] >= 0 and columns[j + s] >= 0
                value = image[rows[i + r] * pitch + columns[j + s] * channels + c] if exists else raw_cval
                line += wx[s, k] * value
            total += wy[r, k] * line
        out[o + c] = total


@chunked
def _rotate(
    lo, hi, image, height, width, x0, y0, cosine, sine, rows, columns, order, spare, constant, cval, raw_cval, scale,
    low, high, like, out,
):  # fmt: skip
    # Requires: image flat, of (height, width, C); out (OH, OW, C); (x0, y0) the place of the first pixel, 1/2 further
    # for order 0; rows, columns from border_index with borders that hold all places and their neighbours; spare from
    # spare_pixels; raw_cval is cval before scaling; like an array of the dtype of weights.
    channels = out.shape[2]
    pitch = width * channels
    before, after = order // 2 + _MARGIN, (order + 1) // 2 + _MARGIN
    index, dx, dy = np.empty(_SPAN, np.int64), np.empty(_SPAN, like.dtype), np.empty(_SPAN, like.dtype)
    wx, wy = np.empty((4, _SPAN), like.dtype), np.empty((4, _SPAN), like.dtype)
    for first in range(0, out.shape[1], _SPAN):
        last = min(first + _SPAN, out.shape[1])
        for i in range(lo, hi):
            line = out[i].reshape(-1)
            x, y = x0 - i * sine, y0 + i * cosine
            begin, end = first, last
            if constant:  # outside of these no neighbour exists
                begin, end = _inside(x, y, cosine, sine, -after, -before, height, width, first, last)
            a, b = _inside(x, y, cosine, sine, before, after + spare, height, width, begin, end)
            _fill(line, first * channels, begin * channels, cval)
            _fill(line, end * channels, last * channels, cval)
            for part in range(3):
                j, stop = (begin, a, b)[part], (a, b, end)[part]
                if j == stop:
                    continue
                n, o = stop - j, j * channels
                _find_places(x, y, cosine, sine, j, n, pitch, channels, index, dx, dy)
                if order > 0:
                    _find_weights(order, dx, n, scale, wx)
                    _find_weights(order, dy, n, like.dtype.type(1), wy)
                if part == 1 and order == 0:
                    _nearest_pixels(image, channels, index, n, line, o)
                elif part == 1 and (channels == 1 or channels == 3):
                    _blended_pixels(image, pitch, channels, order, index, wx, wy, n, line, o)
                else:
                    for k in range(n):
                        _border_pixel(
                            image, pitch, channels, order, x + (j + k) * cosine, y + (j + k) * sine, rows, columns,
                            wx, wy, k, cval, raw_cval, line, o + k * channels,
                        )  # fmt: skip
            if order == 3:
                _clip(line, begin * channels, end * channels, low, high)


def rotate(
    image, angle, resize=False, center=None, order=None, mode="constant", cval=0.0, clip=True, preserve_range=False
):  # fmt: skip
    """Rotate a picture about a point.

    Parameters
    ----------
    image : array of shape (H, W) or (H, W, C)
        For order 0 of any real dtype, otherwise uint8, uint16, float32 or float64.
    angle : float
        In degrees, counter-clockwise.
    resize : bool
        Make the result as large as the rotated picture; otherwise it is as large as the picture, and what is rotated
        out of it is lost.
    center : pair of float, optional
        The column and the row of the point that stays where it is; the middle of the picture by default.
    order : {None, 0, 1, 3}
        0 takes the nearest pixel, 1 interpolates linearly, 3 cubically (Catmull-Rom). None is 0 for bool, otherwise 1.
    mode : {"constant", "edge", "symmetric", "reflect", "wrap"}
        How the picture goes on beyond its border, in the words of numpy.pad.
    cval : float
        What lies beyond the border in mode "constant", in units of the result.
    clip : bool
        Keep the result within the range of the picture, where cubic interpolation or `cval` has led it out of it.
    preserve_range : bool
        Take the values of uint8 and uint16 as they are; otherwise they are scaled to [0, 1].

    Returns
    -------
    array of shape (OH, OW) or (OH, OW, C)
        For order 0 of the dtype of `image`, otherwise float64 for float64 and else float32. A result is NaN where a NaN
        is among its neighbours that count.

    Raises
    ------
    TypeError, ValueError
        For an empty picture or other than two or three axes, for another order, and for bool with another order than 0.

    Notes
    -----
    As ``skimage.transform.rotate`` with orders 0, 1 and 3, with two differences: a multiple of 90 degrees that takes
    pixels to pixels is a copy of them without rounding, and integer pictures give float32.
    """
    image = check.as_array("rotate", "image", image, dtypes=check.REAL, ndim=(2, 3))
    angle = check.real("rotate", "angle", angle)
    is_bool = image.dtype.kind == "b"
    order = int(not is_bool) if order is None else check.one_of("rotate", "order", order, (0, 1, 3))
    mode = NUMPY_MODES[check.one_of("rotate", "mode", mode, NUMPY_MODES)]
    cval = check.real("rotate", "cval", cval)
    if is_bool and order > 0:
        raise ValueError(f"rotate: order must be 0 for a picture of bool, got {order}")
    scale = 1.0
    if order > 0:
        image = check.as_image("rotate", image)
        scale = 1.0 if preserve_range else unit_scale(image.dtype)
    dtype = float_dtype(image.dtype) if order > 0 else image.dtype
    height, width = image.shape[:2]
    cosine, sine = _cosine_and_sine(angle)
    shape, x0, y0 = _grid(height, width, cosine, sine, _checked_center(center, height, width), resize)
    turned = _turned_by_quarters(image, angle, shape, x0, y0)
    if turned is not None:
        return turned if turned.dtype == dtype else turned * dtype.type(scale)

    corners = [(i, j) for i in (0, shape[0] - 1) for j in (0, shape[1] - 1)]
    y, x = [y0 + j * sine + i * cosine for i, j in corners], [x0 + j * cosine - i * sine for i, j in corners]
    rows, columns = _table(height, y, mode), _table(width, x, mode)
    shows_cval = mode == "constant" and (min(x + y) < -3 or max(x) > width + 2 or max(y) > height + 2)
    may_reach_cval = mode == "constant" and not shows_cval
    low, high = -math.inf, math.inf
    if clip and order == 3 and not may_reach_cval:
        low, high = (limit * scale for limit in value_range(image))
        if shows_cval:
            low, high = min(low, cval), max(high, cval)
    out, fill = np.empty(shape + image.shape[2:], dtype), np.array(cval).astype(dtype)
    pixels, target, half = image, out, 0.0
    if order == 0:  # nothing is computed with the pixels: one compiled variant for all dtypes of a size
        pixels, target, fill = (a.view(ELEMENTS[dtype.itemsize]) for a in (image, out, fill))
        half = 0.5
    like = np.empty(0, float_dtype(pixels.dtype))
    number, spare = like.dtype.type, spare_pixels(order + 1, image[0, 0].size)
    _rotate(
        shape[0], pixels.reshape(-1), height, width, x0 + half, y0 + half, cosine, sine, rows, columns, order, spare,
        mode == "constant", fill[()], number(cval / scale), number(scale), number(low), number(high), like,
        target.reshape(*shape, -1), grain=_BAND,
    )  # fmt: skip
    if clip and order > 0 and may_reach_cval:
        clip_to_range(out, image, scale, cval)
    return out


def _checked_center(center, height, width):
    if center is None:
        return (width - 1) / 2, (height - 1) / 2
    if not np.iterable(center) or len(center) != 2:
        raise ValueError(f"rotate: center must be a column and a row, got {center!r}")
    return tuple(check.real("rotate", "center", c) for c in center)


def _cosine_and_sine(angle):
    """Of an angle in degrees; exact for multiples of 90."""
    quarters, rest = divmod(angle, 90)
    c, s = math.cos(math.radians(rest)), math.sin(math.radians(rest))
    return ((c, s), (-s, c), (-c, -s), (s, -c))[int(quarters % 4)]


def _grid(height, width, cosine, sine, center, resize):
    """The shape of the result, and the column and row of the picture where its first pixel lies."""
    u, v = center
    if not resize:
        return (height, width), u - u * cosine + v * sine, v - u * sine - v * cosine
    corners = [(i - v, j - u) for i in (0, height - 1) for j in (0, width - 1)]
    x = [j * cosine + i * sine for i, j in corners]
    y = [i * cosine - j * sine for i, j in corners]
    left, top = min(x), min(y)
    shape = round(max(y) - top + 1), round(max(x) - left + 1)
    return shape, u + left * cosine - top * sine, v + left * sine + top * cosine


def _turned_by_quarters(image, angle, shape, x0, y0):
    """The rotated picture where that is all of its pixels, or None."""
    quarters = int(angle // 90 % 4)
    height, width = image.shape[:2]
    corner = (width - 1) * (quarters in (1, 2)), (height - 1) * (quarters in (2, 3))
    if angle % 90 == 0 and (x0, y0) == corner and shape == (height, width)[:: -1 if quarters % 2 else 1]:
        return reordered(np.rot90(image, quarters), image)
    return None


def _table(n, places, mode):
    border = 4 + math.ceil(max(0.0, -min(places), max(places) - n))
    return border_index(n, border, border, mode)
