"""Laplacian by second differences, 1, -2, 1 along each of the two axes, in one read:

    out[i, j] = x[i - 1, j] + x[i + 1, j] + x[i, j - 1] + x[i, j + 1] - 4 x[i, j]

Four rows are made together, so that each line is fetched from memory once. O(H W) time; for each thread four lines.
"""

import numpy as np

from . import _validate as check
from ._image import AHEAD, MODES, border_index, channels_last, float_dtype, is_large, load_up_to, scratch, write_line
from ._jit import helper
from ._parallel import chunk_size, chunked
from ._simd import fma, lanes, prefetch, splat, store

_ROWS = 4  # rows that are made together


@helper
def _load(image, place, j, n, like, cval):
    """The vector from column j of line `place` of which n elements exist, or for -1 one of `cval`."""
    return splat(like, cval) if place < 0 else load_up_to(image, place * image.shape[1] + j, n)


@helper
def _pixel(image, row, column, c, channels, like, cval):
    if row < 0 or column < 0:
        return cval
    return like.dtype.type(image[row, column * channels + c])


@helper
def _put(image, place, j, n, channels, above, here, below, cval, lines, at):
    left = _load(image, place, j - channels, n, lines, cval)
    right = _load(image, place, j + channels, n, lines, cval)
    store(lines, at, fma(splat(lines, -4.0), here, (above + below) + (left + right)))


@chunked
def _laplace(lo, hi, image, places, columns, channels, cval, large, out):
    # Requires: image, out (H, W C); places, columns from border_index with borders of 1, places with _ROWS - 1
    # entries to spare.
    length, step = image.shape[1], lanes(out)
    begin = -channels % step  # what lies right of the first pixel begins at a whole vector
    pitch = begin + -(-length // step) * step + step
    lines = scratch(_ROWS * pitch, out)
    for i in range(lo, hi, _ROWS):
        p0, p1, p2 = places[i], places[i + 1], places[i + 2]
        p3, p4, p5 = places[i + 3], places[i + 4], places[i + 5]
        for j in range(channels, length - channels, step):
            n = length - channels - j
            l0, l1 = _load(image, p0, j, n, out, cval), _load(image, p1, j, n, out, cval)
            l2, l3 = _load(image, p2, j, n, out, cval), _load(image, p3, j, n, out, cval)
            l4, l5 = _load(image, p4, j, n, out, cval), _load(image, p5, j, n, out, cval)
            if large:
                for p in (p2, p3, p4, p5):  # the lines that were not read for the rows above
                    prefetch(image, p * length + j + AHEAD * step)
            at = begin + j
            _put(image, p1, j, n, channels, l0, l1, l2, cval, lines, at)
            _put(image, p2, j, n, channels, l1, l2, l3, cval, lines, at + pitch)
            _put(image, p3, j, n, channels, l2, l3, l4, cval, lines, at + 2 * pitch)
            _put(image, p4, j, n, channels, l3, l4, l5, cval, lines, at + 3 * pitch)
        width = length // channels
        for q in range(min(_ROWS, hi - i)):
            for column in range(0, width, max(1, width - 1)):  # the first and the last
                for c in range(channels):
                    here = _pixel(image, places[i + q + 1], column, c, channels, out, cval)
                    around = (
                        _pixel(image, places[i + q], column, c, channels, out, cval)
                        + _pixel(image, places[i + q + 2], column, c, channels, out, cval)
                        + _pixel(image, places[i + q + 1], columns[column], c, channels, out, cval)
                        + _pixel(image, places[i + q + 1], columns[column + 2], c, channels, out, cval)
                    )
                    lines[q * pitch + begin + column * channels + c] = around - 4 * here
            write_line(lines, q * pitch + begin, out, (i + q) * length, length, large)


def laplace(image, *, mode="reflect", cval=0.0, channel_axis=None):
    """The second derivatives of a picture along its two axes, added.

    Parameters
    ----------
    image : array of shape (H, W) or (H, W, C)
        uint8, uint16, float32 or float64, taken as they are. Each channel is filtered by itself.
    mode : {"reflect", "constant", "nearest", "mirror", "wrap"}
        How the picture goes on beyond its border, in the words of scipy.ndimage.
    cval : float
        What lies beyond the border in mode "constant".
    channel_axis : int, optional
        Which axis of a picture with three counts the channels; the last one where it is not given.

    Returns
    -------
    array of the shape of `image`
        float64 for float64, otherwise float32. NaN where the pixel or one of its four neighbours is NaN.

    Raises
    ------
    TypeError, ValueError
        For anything but real numbers in two or three axes, and for an empty picture.

    Notes
    -----
    As ``scipy.ndimage.laplace``, with two differences: the third axis of an array is always channels and never
    filtered, and integer pictures give float32.
    """
    image = check.as_image("laplace", image)
    mode = check.one_of("laplace", "mode", mode, MODES)
    cval = check.real("laplace", "cval", cval)
    image, axis = channels_last("laplace", image, channel_axis)
    out = np.empty(image.shape, float_dtype(image.dtype))
    height, width = image.shape[:2]
    lines = (height, image[0].size)
    _laplace(
        height, image.reshape(lines), border_index(height, 1, _ROWS, mode), border_index(width, 1, 1, mode),
        image[0, 0].size, out.dtype.type(cval), is_large(out), out.reshape(lines),
        grain=_ROWS * chunk_size(_ROWS * 0.15 * lines[1]),
    )  # fmt: skip
    return np.moveaxis(out, 2, axis) if image.ndim == 3 else out
