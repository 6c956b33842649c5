"""Histogram of the values in a square window around each pixel.

    h[i, j, k] = |{p in window of (i, j): bins[p] = k}| / |window of (i, j)|

where the window is what of the square of side 2 radius + 1 lies inside the picture (and the mask). Each column keeps
the histogram of its pixels between the window's top and bottom; from row to row one pixel enters it and one leaves,
from pixel to pixel one column enters the window's histogram and one leaves (Perreault and Hebert, "Median filtering in
constant time", IEEE TIP 16(9), 2007, section II). All counts are integers, so that no error adds up.

Time O(H W n_bins) whatever the radius, bins side by side in vectors; memory: the result, and for each thread the
histograms of the columns.
"""

import numpy as np

from . import _validate as check
from ._jit import EXACT, helper
from ._parallel import chunk_size, chunked


@helper(fastmath=EXACT)
def _count_row(row, sign, columns):
    """Add a row of bins (W, C) to the histograms of the columns, or take it away; bins below 0 count nowhere."""
    for j in range(row.shape[0]):
        if row[j, 0] >= 0:
            for c in range(row.shape[1]):
                columns[j, row[j, c]] += sign
            columns[j, columns.shape[1] - 1] += sign  # the number of pixels


@helper(fastmath=EXACT)
def _add(column, sign, window):
    for k in range(window.size):
        window[k] += sign * column[k]


@helper(fastmath=EXACT)
def _exchange(entering, leaving, window):
    for k in range(window.size):
        window[k] += entering[k] - leaving[k]


@helper(fastmath=EXACT)
def _shares(window, scale, out):
    for k in range(out.size):
        out[k] = np.float32(window[k]) * scale


@chunked(fastmath=EXACT)
def _local_histogram_rows(lo, hi, bins, radius, out):
    """Requires: bins (H, W, C) int32, below out.shape[2]; all of a pixel's or none are below 0."""
    height, width, n_bins = out.shape
    columns = np.zeros((width, n_bins + 1), np.int32)
    window = np.empty(n_bins + 1, np.int32)
    for r in range(max(lo - radius, 0), min(lo + radius, height)):
        _count_row(bins[r], 1, columns)
    for i in range(lo, hi):
        if i + radius < height:
            _count_row(bins[i + radius], 1, columns)
        if i > lo and i - radius - 1 >= 0:
            _count_row(bins[i - radius - 1], -1, columns)
        window[:] = 0
        for j in range(min(radius, width)):
            _add(columns[j], 1, window)
        for j in range(width):
            if radius < j < width - radius:
                _exchange(columns[j + radius], columns[j - radius - 1], window)
            else:
                if j + radius < width:
                    _add(columns[j + radius], 1, window)
                if j > radius:
                    _add(columns[j - radius - 1], -1, window)
            n = window[n_bins]
            _shares(window, np.float32(1.0) / np.float32(max(n, 1)), out[i, j])


def local_histogram(bins, n_bins, *, radius, mask=None):
    """The share of each value in the square window around each pixel.

    Parameters
    ----------
    bins : (H, W) or (H, W, C) array of int
        The number of each pixel's value, such as its quantised colour or its texture, from 0 to n_bins - 1. Several
        channels have histograms of their own.
    n_bins : int or sequence of C ints
        How many values each channel has.
    radius : int
        The window reaches as many pixels to each side, as far as the picture goes.
    mask : (H, W) array of bool, optional
        Pixels that count. Where the window holds none, the result is 0.

    Returns
    -------
    (H, W, sum of n_bins) float32 array
        One channel's histogram after the other's, each with the sum 1.

    Raises
    ------
    TypeError, ValueError
        If a shape does not fit, or a value is out of range.
    """
    name = "local_histogram"
    bins = check.as_labels(name, "bins", bins, ndim=(2, 3))
    height, width = bins.shape[:2]
    bins = bins.reshape(height, width, 1 if bins.ndim == 2 else bins.shape[2])
    n_channels = bins.shape[2]
    if np.ndim(n_bins) == 0:
        n_bins = [n_bins] * n_channels
    n_bins = [check.integer(name, "n_bins", n, low=1) for n in n_bins]
    if len(n_bins) != n_channels or not n_bins:
        raise ValueError(f"{name}: n_bins must be one for each channel of bins, {n_channels}, got {len(n_bins)}")
    radius = check.integer(name, "radius", radius, low=0)
    mask = check.as_mask(name, mask, (height, width))
    for channel, n in enumerate(n_bins if bins.size else ()):
        low, high = bins[..., channel].min(), bins[..., channel].max()
        if low < 0 or high >= n:
            raise ValueError(f"{name}: bins must be from 0 to {n - 1}, got {low} to {high}")
    bins = bins + np.cumsum([0, *n_bins[:-1]], dtype=np.int32)  # their places in all histograms
    if mask is not None:
        bins[~mask] = -1
    out = np.empty((height, width, sum(n_bins)), np.float32)
    if out.size:
        grain = max(4 * radius + 1, chunk_size(width * (5 * n_channels + 0.3 * out.shape[2])))
        _local_histogram_rows(height, bins, radius, out, grain=grain)
    return out
