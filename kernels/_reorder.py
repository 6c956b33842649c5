"""Copies of pictures that are flipped or turned by quarters, pixel by pixel.

Such a picture is a view of the one it was made of, with other strides; what is slow is NumPy's copy of it. Rows that
keep their direction are copied whole, rows that run backwards are reversed, and rows that were columns are copied
in square tiles, so that each line of both pictures is in the cache until all of it is done.
"""

import numpy as np

from ._jit import helper
from ._parallel import chunk_size, chunked
from ._simd import copy, lanes, reverse, transpose

_BAND = 64  # rows that are made together from columns: their bytes fill whole cache lines of the source

ELEMENTS = {n: np.dtype(name) for n, name in ((1, "u1"), (2, "u2"), (4, "f4"), (8, "f8"))}
"""What pixels are moved as, by their bytes: one compiled variant for all dtypes of a size."""


@helper
def _reverse_row(source, begin, out, o, length, channels):
    step = lanes(out) * channels
    done = 0
    while done + step <= length:
        if channels == 1:
            reverse(source, begin + length - step - done, out, o + done, 1)
        elif channels == 3:
            reverse(source, begin + length - step - done, out, o + done, 3)
        else:
            break
        done += step
    last, rest = np.uint64(begin + max(length - done - channels, 0)), np.uint64((length - done) // channels)
    _copy_pixels(source, last, -np.int64(channels), out, np.uint64(o + done), rest, channels)


@helper
def _copy_pixels(source, at, step, out, o, width, channels):
    """`width` pixels from unsigned flat index `at` of source, `step` apart, to those from flat index `o` of out."""
    one, two = np.uint64(1), np.uint64(2)
    if channels == 3:
        for _ in range(width):
            out[o], out[o + one], out[o + two] = source[at], source[at + one], source[at + two]
            at, o = np.uint64(at + step), o + np.uint64(3)
    else:
        for _ in range(width):
            for c in range(np.uint64(channels)):
                out[o + c] = source[at + c]
            at, o = np.uint64(at + step), o + np.uint64(channels)


@helper
def _turn_tile(source, start, row_step, column_step, i, j, n, channels, out):
    """n x n pixels of out, the first of which is pixel (i, j)."""
    pitch = out.shape[1]
    if channels == 1 and n == lanes(out):
        if row_step > 0:
            transpose(source, start + i + j * column_step, column_step, out, i * pitch + j, pitch)
        else:
            k = i + n - 1
            transpose(source, start - k + j * column_step, column_step, out, k * pitch + j, -pitch)
    else:
        _turn_part(source, start, row_step, column_step, i, i + n, j, n, channels, out)


@helper
def _turn_part(source, start, row_step, column_step, top, bottom, left, width, channels, out):
    flat = out.reshape(-1)
    for i in range(top, bottom):
        at, o = start + i * row_step + left * column_step, i * out.shape[1] + left * channels
        _copy_pixels(source, np.uint64(at), np.int64(column_step), flat, np.uint64(o), np.uint64(width), channels)


@chunked
def _reorder(lo, hi, source, start, row_step, column_step, channels, out):
    # Requires: source flat; out (OH, OW C), the pixel (i, j) of which begins at start + i row_step + j column_step of
    # source.
    flat, length, n = out.reshape(-1), out.shape[1], lanes(out)
    width = length // channels
    if column_step == channels:
        for i in range(lo, hi):
            copy(source, start + i * row_step, flat, i * length, length)
    elif column_step == -channels:
        for i in range(lo, hi):
            _reverse_row(source, start + i * row_step + channels - length, flat, i * length, length, channels)
    elif hi - lo < n or width < n:
        _turn_part(source, start, row_step, column_step, lo, hi, 0, width, channels, out)
    else:
        for top in range(lo, hi, _BAND):
            for j in range(0, width, n):
                for i in range(top, min(top + _BAND, hi), n):  # the last tiles overlap with those before
                    _turn_tile(
                        source, start, row_step, column_step, min(i, hi - n), min(j, width - n), n, channels, out
                    )


def reordered(view, image):
    """A C-contiguous copy of `view`, which is the C-contiguous `image` with its rows and columns flipped or swapped."""
    out = np.empty(view.shape, image.dtype)
    element = ELEMENTS[image.itemsize]
    start, row_step, column_step = (
        n // image.itemsize for n in (view.ctypes.data - image.ctypes.data, *view.strides[:2])
    )
    channels = image[0, 0].size
    _reorder(
        len(out), image.reshape(-1).view(element), start, row_step, column_step, channels,
        out.view(element).reshape(len(out), -1), grain=_BAND * chunk_size(_BAND * out[0].nbytes * 0.05),
    )  # fmt: skip
    return out
