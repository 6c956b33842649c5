"""The mean of each channel over windows of a picture, and its gradient.

    y[n, r, c, f] = 1 / k sum over i, j of x[n, r s + i - p, c s + j - p, f],   pixels outside of the picture being 0
    dx[n, h, w, f] = sum over the windows (r, c) that cover the pixel (h, w) of dy[n, r, c, f] / k

where k is the number of pixels of the window, or only of those within the picture, or given; 1 / k is the product of a
number for its rows and one for its columns. Both are sums over a range of rows and one of columns, done by the same
kernels. One sums each result by itself, with vectors along the channels. The other first sums over rows, a whole line
of the picture at a time, then over columns: where windows overlap much these are fewer terms, and where there are few
channels its vectors are full.

Time O(N OH OW KH KW C), or O(N OH (KH W + KW OW) C); memory: the result.
"""

import functools

import numpy as np

from . import _validate as check
from ._image import load_up_to, scratch, store_up_to
from ._memory import aligned_empty
from ._parallel import chunk_size, chunked
from ._pooling import batch_shape, pooling, ranges
from ._product import padded
from ._simd import fma, lanes, load, prefetch, splat, store

_TERM = 0.1  # nanoseconds for one term of a sum in one channel
_SEPARATE_TERM = 1.3  # how much longer one takes where rows and columns are summed separately


@functools.lru_cache(maxsize=256)
def _axes(geometry, divisors, dtype):
    """(range, weights) of the pixels of each window, of the rows and of the columns; then of the windows of each pixel.

    A range is (first, last), two arrays; of the weights the first is that of a term, the second that of the sum. A
    divisor is None for the number of pixels.
    """
    axes = []
    for size, divisor, (pixels, covering) in zip(geometry.image, divisors, ranges(geometry), strict=True):
        first, last = pixels
        share = (1 / (last - first if divisor is None else np.full(len(first), divisor))).astype(dtype)
        ones = np.ones(size, dtype)
        axes.append(((*pixels, ones, share), (*covering, share, ones)))
    return tuple(zip(*axes, strict=True))


def _divisors(function, geometry, count_include_pad, divisor_override):
    if divisor_override is not None:
        return check.integer(function, "divisor_override", divisor_override, low=1), 1
    return geometry.kernel if count_include_pad else (None, None)


@chunked
def _sums(lo, hi, x, top, bottom, row_weights, row_scales, left, right, column_weights, column_scales, y):
    # Requires: x (N, H, W, C), y (N, OH, OW, C); the others as from _axes. Items are rows of y.
    height, width, channels = x.shape[1:]
    oh, ow = y.shape[1:3]
    for item in range(lo, hi):
        n, row = item // oh, item % oh
        first_row, last_row = top[row], bottom[row]
        for column in range(ow):
            first, last, scale = left[column], right[column], row_scales[row] * column_scales[column]
            for c in range(0, channels, lanes(x)):
                total = splat(x, 0.0)
                for h in range(first_row, last_row):
                    line = (n * height + h) * width * channels + c
                    for w in range(first, last):
                        value = load_up_to(x, line + w * channels, channels - c)
                        total = fma(value, splat(x, row_weights[h] * column_weights[w]), total)
                store_up_to(y, (item * ow + column) * channels + c, total * scale, channels - c)


@chunked
def _sums_over_lines(lo, hi, x, top, bottom, row_weights, row_scales, left, right, column_weights, column_scales, y):
    # Requires: as _sums.
    height, width, channels = x.shape[1:]
    oh, ow = y.shape[1:3]
    step, length = lanes(x), ow * channels
    line = scratch(width * channels + step, x)  # and room for the last vector
    for item in range(lo, hi):
        n, row = item // oh, item % oh
        for i in range(0, width * channels, step):
            total = splat(x, 0.0)
            prefetch(x, (n * height + bottom[row]) * width * channels + i)  # the next line will need it
            for h in range(top[row], bottom[row]):
                value = load_up_to(x, (n * height + h) * width * channels + i, width * channels - i)
                total = fma(value, splat(x, row_weights[h]), total)
            store(line, i, total * row_scales[row])
        for column in range(ow):
            for c in range(0, channels, step):
                total = splat(x, 0.0)
                for w in range(left[column], right[column]):
                    total = fma(load(line, w * channels + c), splat(x, column_weights[w]), total)
                # What is beyond the last channel belongs to the next column, which is written after this one.
                i = column * channels + c
                store_up_to(y, item * length + i, total * column_scales[column], length - i)


def _pool(x, rows, columns, shape):
    """Sums over ranges of rows and columns, each as `_axes` gives them."""
    y = aligned_empty(shape, x.dtype)
    of_row, of_column = (np.mean(last - first) for first, last, *_ in (rows, columns))
    together = of_row * of_column * shape[2]  # terms of the sums of a line, in each channel
    separate = of_row * x.shape[2] + of_column * shape[2]
    is_separate = shape[3] < padded(1, x.dtype) or _SEPARATE_TERM * separate < together
    sums, terms = (_sums_over_lines, separate) if is_separate else (_sums, together)
    sums(shape[0] * shape[1], x, *rows, *columns, y, grain=chunk_size(_TERM * terms * shape[3]))
    return y


def avg_pool2d(x, pool_size, *, stride=None, padding=0, count_include_pad=True, divisor_override=None):
    """Mean of each channel over windows of pictures.

    Parameters
    ----------
    x : (N, H, W, C) array of float32 or float64
    pool_size : int or (rows, columns)
        The window.
    stride : int or (rows, columns), optional
        From window to window; `pool_size` if not given.
    padding : int, (rows, columns), "same" or "valid"
        How far windows reach beyond the picture: at most half of `pool_size`. "same" gives ceil(H / stride) rows, the
        odd row below; "valid" is 0.
    count_include_pad : bool
        Whether what lies beyond the picture counts, as zeros. If not, the mean is of the pixels alone.
    divisor_override : int, optional
        What every sum is divided by instead; 1 gives the sums.

    Returns
    -------
    (N, OH, OW, C) array of the dtype of `x`, with OH = (H + 2 padding - KH) // stride + 1

    Raises
    ------
    ValueError, TypeError
        If the window does not fit into the padded picture, the padding is too wide, or `x` is no batch of pictures.

    Notes
    -----
    As ``torch.nn.functional.avg_pool2d``, channels last; Keras leaves out what lies beyond the picture.
    """
    x = check.as_array("avg_pool2d", "x", x, ndim=4)
    g = pooling("avg_pool2d", x.shape[1:3], pool_size, stride, padding)
    forward, _ = _axes(g, _divisors("avg_pool2d", g, count_include_pad, divisor_override), x.dtype)
    return _pool(x, *forward, (x.shape[0], *g.output, x.shape[3]))


def avg_pool2d_backward(
    dy, input_shape, pool_size, *, stride=None, padding=0, count_include_pad=True, divisor_override=None
):
    """Gradient of `avg_pool2d` with respect to `x`.

    Parameters
    ----------
    dy : (N, OH, OW, C) array of float32 or float64
        Gradient of the result.
    input_shape : (N, H, W, C)
        Shape of `x`.
    pool_size, stride, padding, count_include_pad, divisor_override
        As given to `avg_pool2d`.

    Returns
    -------
    (N, H, W, C) array of the dtype of `dy`

    Raises
    ------
    ValueError, TypeError
        As `avg_pool2d`, and if `dy` has another shape than its result.
    """
    name = "avg_pool2d_backward"
    n, height, width, channels = batch_shape(name, input_shape)
    g = pooling(name, (height, width), pool_size, stride, padding)
    dy = check.as_array(name, "dy", dy, shape=(n, *g.output, channels))
    _, backward = _axes(g, _divisors(name, g, count_include_pad, divisor_override), dy.dtype)
    return _pool(dy, *backward, (n, height, width, channels))
