"""The maximum of each channel over windows of a picture, and its gradient.

    y[n, r, c, f] = max over i, j of x[n, r s + i - p, c s + j - p, f],   pixels outside of the picture left out

The gradient of a result goes to the pixel that it was taken from, of equal ones to the first in reading order; its
index is kept. What a pixel gets is added up in reading order of the windows.

Vectors lie along the channels. Where windows overlap much, each pixel looks at the gradients of all windows that cover
it, and takes of every channel those whose index says so: every vector is written once. Otherwise the picture is divided
into bands of its rows, which stay in the cache while gradients are brought there: a vector of them is offered to every
pixel of its window, which is faster than to go to one place after the other; unless there are few channels.

Time O(N OH OW KH KW C); memory: the result and the indices.
"""

import math

import numpy as np

from . import _validate as check
from ._image import is_large, load_up_to, store_up_to
from ._jit import helper
from ._memory import aligned_empty
from ._parallel import chunk_size, chunked
from ._pooling import batch_shape, pooling, ranges
from ._product import goes_past_caches, padded
from ._simd import lanes, load_part_as, prefetch, select, splat, stream

_BAND_BYTES = 1 << 16
_TAP = 0.1  # nanoseconds for one pixel of a window in one channel
_OVERLAP = 4  # windows that cover a pixel, from which on it pays to look at them for each pixel
_EXACT = 1 << 24  # a float32 holds smaller integers exactly


@chunked
def _max_pool(lo, hi, x, tops, bottoms, lefts, rights, large, y, indices):
    # Requires: x (N, H, W, C); ranges of pixels as from `ranges`; y (N, OH, OW, C); indices of its shape, or empty if
    # not wanted. Items are rows of y.
    height, width, channels = x.shape[1:]
    oh, ow = y.shape[1:3]
    for item in range(lo, hi):
        n, row = item // oh, item % oh
        top, bottom = tops[row], bottoms[row]
        for column in range(ow):
            left, right = lefts[column], rights[column]
            for c in range(0, channels, lanes(x)):
                largest, index = splat(x, -np.inf), splat(x, float(top * width + left))
                if large:  # the next row of windows will need it
                    prefetch(x, ((n * height + bottom) * width + right - 1) * channels + c)
                for h in range(top, bottom):
                    for w in range(left, right):
                        pixel = h * width + w
                        value = load_up_to(x, (n * height * width + pixel) * channels + c, channels - c)
                        better = (value > largest) | (value != value)
                        largest = select(better, value, largest)
                        index = select(better, splat(x, float(pixel)), index)
                o = (item * ow + column) * channels + c
                store_up_to(y, o, largest, channels - c)
                if indices.size:
                    store_up_to(indices, o, index, channels - c)


@helper
def _scatter(dy, indices, first, channels, band):
    """Add each gradient where its index says, if that lies in the band of pixels from `first` on."""
    # Unsigned: one comparison will do, and no index counts from behind.
    c, one, step, pixels = np.uint64(0), np.uint64(1), np.uint64(channels), np.uint64(band.size // channels)
    for i in range(dy.size):
        pixel = np.uint64(indices[i] - first)
        if pixel < pixels:
            band[pixel * step + c] += dy[i]
        c = c + one if c + one < step else np.uint64(0)


@chunked
def _scatter_gradients(
    lo, hi, dy, indices, tops, bottoms, first_rows, last_rows, lefts, rights, rows, one_by_one, dx
):  # fmt: skip
    # Requires: dy, indices (N, OH, OW, C), dx (N, H, W, C); ranges as from `ranges`. Items are bands of `rows` rows of
    # dx.
    height, width, channels = dx.shape[1:]
    oh, ow = dy.shape[1:3]
    bands = (height + rows - 1) // rows
    dx_flat, dy_flat, indices_flat = dx.reshape(-1), dy.reshape(-1), indices.reshape(-1)
    for item in range(lo, hi):
        n, begin = item // bands, item % bands * rows
        end = min(begin + rows, height)
        picture = n * height * width * channels
        band = dx_flat[picture + begin * width * channels : picture + end * width * channels]
        for i in range(band.size):
            band[i] = 0
        for row in range(first_rows[begin], last_rows[end - 1]):
            o = (n * oh + row) * ow * channels
            if one_by_one:
                _scatter(dy_flat[o : o + ow * channels], indices_flat[o:], begin * width, channels, band)
                continue
            top, bottom = max(tops[row], begin), min(bottoms[row], end)
            for column in range(ow):
                left, right = lefts[column], rights[column]
                for c in range(0, channels, lanes(dx)):
                    i, rest = o + column * channels + c, channels - c
                    gradient, index = load_up_to(dy, i, rest), load_part_as(dy, indices, i, rest)
                    for h in range(top, bottom):
                        for w in range(left, right):
                            i = picture + (h * width + w) * channels + c
                            part = select(index == float(h * width + w), gradient, splat(dx, 0.0))
                            store_up_to(dx, i, load_up_to(dx, i, rest) + part, rest)


@chunked
def _gather_gradients(lo, hi, dy, indices, first_rows, last_rows, first_columns, last_columns, past_caches, dx):
    # Requires: dy, indices (N, OH, OW, C), dx (N, H, W, C), aligned to vectors if `past_caches`; ranges of windows as
    # from `ranges`. Items are rows of dx.
    height, width, channels = dx.shape[1:]
    oh, ow = dy.shape[1:3]
    for item in range(lo, hi):
        n, h = item // height, item % height
        first_row, last_row = first_rows[h], last_rows[h]
        for w in range(width):
            first, last, pixel = first_columns[w], last_columns[w], float(h * width + w)
            for c in range(0, channels, lanes(dx)):
                rest, total = channels - c, splat(dx, 0.0)
                ahead = ((n * oh + last_row) * ow + first) * channels + c  # what the next row of pixels will need
                prefetch(dy, ahead)
                prefetch(indices, ahead)
                for row in range(first_row, last_row):
                    for column in range(first, last):
                        i = ((n * oh + row) * ow + column) * channels + c
                        taken = load_part_as(dy, indices, i, rest) == pixel
                        total = total + select(taken, load_up_to(dy, i, rest), splat(dx, 0.0))
                if past_caches:
                    stream(dx, (item * width + w) * channels + c, total)
                else:
                    store_up_to(dx, (item * width + w) * channels + c, total, rest)


def max_pool2d(x, pool_size, *, stride=None, padding=0, return_indices=False):
    """Maximum of each channel over windows of pictures.

    Parameters
    ----------
    x : (N, H, W, C) array of float32 or float64
    pool_size : int or (rows, columns)
        The window.
    stride : int or (rows, columns), optional
        From window to window; `pool_size` if not given.
    padding : int, (rows, columns), "same" or "valid"
        How far windows reach beyond the picture, where there is nothing: at most half of `pool_size`. "same" gives
        ceil(H / stride) rows, the odd row below; "valid" is 0.
    return_indices : bool
        Return also where the maxima are, for `max_pool2d_backward`.

    Returns
    -------
    y : (N, OH, OW, C) array of the dtype of `x`, with OH = (H + 2 padding - KH) // stride + 1
        NaN where there is one in the window.
    indices : (N, OH, OW, C) array of int32
        Only if wanted: for each maximum h * W + w of its pixel, the first in reading order if there are several.

    Raises
    ------
    ValueError, TypeError
        If the window does not fit into the padded picture, the padding is too wide, or `x` is no batch of pictures;
        if indices are wanted of float32 pictures of more than 2**24 pixels.

    Notes
    -----
    As ``torch.nn.functional.max_pool2d``, channels last.
    """
    x = check.as_array("max_pool2d", "x", x, ndim=4)
    n, height, width, channels = x.shape
    g = pooling("max_pool2d", (height, width), pool_size, stride, padding)
    if return_indices and height * width > _EXACT and x.dtype == np.float32:
        raise ValueError(f"max_pool2d: indices reach {_EXACT} pixels of a float32 picture, got {height}x{width}")
    shape = (n, *g.output, channels)
    y = aligned_empty(shape, x.dtype)
    indices = aligned_empty(shape if return_indices else (0, 0, 0, 0), np.int32)
    grain = chunk_size(_TAP * g.output[1] * g.kernel[0] * g.kernel[1] * padded(channels, x.dtype))
    (rows, _), (columns, _) = ranges(g)
    _max_pool(n * g.output[0], x, *rows, *columns, is_large(x), y, indices, grain=grain)
    return (y, indices) if return_indices else y


def max_pool2d_backward(dy, indices, input_shape, pool_size, *, stride=None, padding=0):
    """Gradient of `max_pool2d` with respect to `x`.

    Parameters
    ----------
    dy : (N, OH, OW, C) array of float32 or float64
        Gradient of the result.
    indices : (N, OH, OW, C) array of int32
        From `max_pool2d`. Pixels outside of their window are ignored, or may be.
    input_shape : (N, H, W, C)
        Shape of `x`.
    pool_size, stride, padding
        As given to `max_pool2d`.

    Returns
    -------
    (N, H, W, C) array of the dtype of `dy`

    Raises
    ------
    ValueError, TypeError
        As `max_pool2d`, and if `dy` or `indices` have another shape than its result.
    """
    name = "max_pool2d_backward"
    n, height, width, channels = batch_shape(name, input_shape)
    g = pooling(name, (height, width), pool_size, stride, padding)
    shape = (n, *g.output, channels)
    dy = check.as_array(name, "dy", dy, shape=shape)
    indices = check.as_labels(name, "indices", indices, shape=shape, ndim=4)
    dx = aligned_empty((n, height, width, channels), dy.dtype)
    one_by_one = channels < g.kernel[0] * g.kernel[1] or height * width > _EXACT
    (windows_down, covering_down), (windows_across, covering_across) = ranges(g)
    covering = math.prod(g.kernel) / math.prod(g.stride)  # windows that cover a pixel
    if not one_by_one and covering >= _OVERLAP:
        grain = chunk_size(_TAP * width * channels * covering)
        past_caches = goes_past_caches(dx, channels)
        _gather_gradients(n * height, dy, indices, *covering_down, *covering_across, past_caches, dx, grain=grain)
        return dx
    # Windows across the edge of two bands are looked at for both: bands are much higher than windows.
    rows = max(4 * g.kernel[0], _BAND_BYTES // (width * channels * dx.itemsize))
    rows = min(height, -(-rows // g.stride[0]) * g.stride[0])
    bands = n * -(-height // rows)
    over = *windows_down, *covering_down, *windows_across
    _scatter_gradients(bands, dy, indices, *over, rows, one_by_one, dx, grain=1)
    return dx
