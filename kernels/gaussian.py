"""Gaussian smoothing, as two passes of sums that never leave the cache.

    g[k] = exp(-k**2 / (2 sigma**2)) / sum,  |k| <= radius = int(truncate * sigma + 0.5)
    out[i, j] = sum over k, l of g[k] g[l] image[i + k, j + l]

The truncated, renormalised sampled Gaussian of scipy.ndimage. The filter separates: four rows at a time are summed
down the columns, each pixel read once for all four, into lines of the working dtype; those get their borders and are
summed along the row. The picture is read once from memory and the result written once. O(H W C radius) time, four
lines of memory for each thread.
"""

import numpy as np

from . import _validate as check
from ._image import (
    MODES,
    border_index,
    channels_last,
    extend_line,
    float_dtype,
    is_large,
    load_up_to,
    scratch,
    unit_scale,
    write_line,
)
from ._jit import helper
from ._parallel import chunk_size, chunked
from ._simd import fma, lanes, load, prefetch, splat, store

_ROWS = 4  # rows that are summed together
_AHEAD = 16  # vectors; on its own the processor foresees the way through so many lines badly


@helper
def _sum_columns(image, places, weights, i, cval, lines, begin, width):
    """lines[q * width + begin + j] = sum over k of weights[k] * image[places[i + q + k], j] for four rows q.

    Requires: places has weights.size + 3 entries from i, below 0 for lines of `cval`.
    """
    length, taps, step = image.shape[1], weights.size, lanes(lines)
    for j in range(0, length, 2 * step):
        n = length - j
        zero = splat(lines, 0.0)
        a0, a1, a2, a3 = zero, zero, zero, zero
        b0, b1, b2, b3 = zero, zero, zero, zero
        for s in range(taps + _ROWS - 1):
            place = places[i + s]
            if place < 0:
                u = v = splat(lines, cval)
            else:
                u = load_up_to(image, place * length + j, n)
                v = load_up_to(image, place * length + j + step, n - step)
                if s >= taps - 1:  # the lines that were not read for the rows above
                    prefetch(image, place * length + j + _AHEAD * step)
                    prefetch(image, place * length + j + (_AHEAD + 1) * step)
            # Row q takes the line with weight s - q, if there is one: a weight of 0 would let NaN through.
            if _ROWS - 1 <= s < taps:
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
def _sum_row(lines, start, weights, channels, length, row):
    """row[j] = sum over k of weights[k] * lines[start + j + k * channels]"""
    taps, step = weights.size, lanes(lines)
    for j in range(0, length, 4 * step):
        zero = splat(lines, 0.0)
        a, b, c, d = zero, zero, zero, zero
        at = start + j
        for k in range(taps):
            w = splat(lines, weights[k])
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
def _gaussian(lo, hi, image, places, row_weights, columns, column_weights, channels, cval, raw_cval, large, out):
    # Requires: image, out (H, W C); places, columns as from border_index, places with _ROWS - 1 entries to spare;
    # raw_cval is cval before scaling.
    length, step = image.shape[1], lanes(out)
    border = column_weights.size // 2 * channels
    begin = -(-border // step) * step  # a line without its border begins at a whole vector
    width = begin + -(-(length + border) // step) * step + 4 * step
    lines, row = scratch(_ROWS * width, out), scratch(length + 4 * step, out)
    for i in range(lo, hi, _ROWS):
        _sum_columns(image, places, row_weights, i, raw_cval, lines, begin, width)
        for q in range(min(_ROWS, hi - i)):
            start = q * width + begin - border
            extend_line(lines, start, length, columns, channels, cval)
            _sum_row(lines, start, column_weights, channels, length, row)
            write_line(row, 0, out, (i + q) * length, length, large)


def gaussian_weights(sigma, truncate=4.0):
    """The normalised weights of the taps -radius..radius, in float64."""
    taps = np.arange(-int(truncate * sigma + 0.5), int(truncate * sigma + 0.5) + 1)
    weights = np.exp(-0.5 * (taps / max(sigma, 1e-100)) ** 2)
    return weights / weights.sum()


def gaussian(
    image, sigma=1.0, *, mode="nearest", cval=0.0, preserve_range=False, truncate=4.0, channel_axis=None
):  # fmt: skip
    """Smooth a picture with a Gaussian.

    Parameters
    ----------
    image : array of shape (H, W) or (H, W, C)
        uint8, uint16, float32 or float64. Each channel is smoothed by itself.
    sigma : float or sequence of float
        Standard deviation in pixels, or one for the rows and one for the columns. 0 leaves an axis as it is. A third
        number, for the channels, must be 0.
    mode : {"nearest", "reflect", "constant", "mirror", "wrap"}
        How the picture goes on beyond its border, in the words of scipy.ndimage.
    cval : float
        What lies beyond the border in mode "constant", in units of the result.
    preserve_range : bool
        Take the values of uint8 and uint16 as they are; otherwise they are scaled to [0, 1].
    truncate : float
        Radius of the filter in standard deviations. The filter may be larger than the picture.
    channel_axis : int, optional
        Which axis of a picture with three counts the channels; the last one where it is not given.

    Returns
    -------
    array of the shape of `image`
        float64 for float64, otherwise float32. A pixel that has a NaN in reach is NaN.

    Raises
    ------
    TypeError, ValueError
        For anything but real numbers in two or three axes, for an empty picture, and for a sigma or truncate
        that is negative or not finite.

    Notes
    -----
    As ``skimage.filters.gaussian``, with two differences: the third axis of an array is always channels and
    is never smoothed, and integer pictures give float32.
    """
    image = check.as_image("gaussian", image)
    mode = check.one_of("gaussian", "mode", mode, MODES)
    cval = check.real("gaussian", "cval", cval)
    truncate = check.real("gaussian", "truncate", truncate, low=0)
    image, axis = channels_last("gaussian", image, channel_axis)
    sigmas = list(sigma) if np.iterable(sigma) and not isinstance(sigma, str) else [sigma, sigma]
    if len(sigmas) == 3 == image.ndim:
        if sigmas.pop(axis) != 0:
            raise ValueError(f"gaussian: sigma must be 0 for the channels, got {tuple(sigma)}")
    if len(sigmas) != 2:
        raise ValueError(f"gaussian: sigma must be one number or one for each of 2 axes, got {len(sigmas)}")
    sigmas = [check.real("gaussian", "sigma", s, low=0) for s in sigmas]

    dtype = float_dtype(image.dtype)
    scale = 1.0 if preserve_range else unit_scale(image.dtype)
    height, width = image.shape[:2]
    lines = (height, image[0].size)
    row_weights, column_weights = (gaussian_weights(s, truncate) for s in sigmas)
    reach, column_reach = len(row_weights) // 2, len(column_weights) // 2
    out = np.empty(image.shape, dtype)
    _gaussian(
        height, image.reshape(lines), border_index(height, reach, reach + _ROWS - 1, mode),
        (row_weights * scale).astype(dtype), border_index(width, column_reach, column_reach, mode),
        column_weights.astype(dtype), image[0, 0].size, dtype.type(cval), dtype.type(cval / scale), is_large(out),
        out.reshape(lines),         grain=_ROWS * chunk_size(_ROWS * lines[1] * (0.1 + 0.02 * (reach + column_reach))),
    )  # fmt: skip
    return np.moveaxis(out, 2, axis) if image.ndim == 3 else out
