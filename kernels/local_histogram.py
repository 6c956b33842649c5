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
    """Add a row of bins to the histograms of the columns, or take it away; bins below 0 count nowhere."""
    for j in range(row.size):
        if row[j] >= 0:
            columns[j, row[j]] += sign
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
    """Requires: bins (H, W) int32, below out.shape[2]."""
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
    bins : (H, W) array of int
        The number of each pixel's value, such as its quantised colour or its texture, from 0 to n_bins - 1.
    n_bins : int
    radius : int
        The window reaches as many pixels to each side, as far as the picture goes.
    mask : (H, W) array of bool, optional
        Pixels that count. Where the window holds none, the result is 0.

    Returns
    -------
    (H, W, n_bins) float32 array, each pixel's sum 1

    Raises
    ------
    TypeError, ValueError
        If a shape does not fit, or a value is out of range.
    """
    name = "local_histogram"
    bins = check.as_labels(name, "bins", bins)
    n_bins = check.integer(name, "n_bins", n_bins, low=1)
    radius = check.integer(name, "radius", radius, low=0)
    mask = check.as_mask(name, mask, bins.shape)
    if bins.size and (bins.min() < 0 or bins.max() >= n_bins):
        raise ValueError(f"{name}: bins must be from 0 to {n_bins - 1}, got {bins.min()} to {bins.max()}")
    if mask is not None:
        bins = np.where(mask, bins, np.int32(-1))
    out = np.empty((*bins.shape, n_bins), np.float32)
    if out.size:
        grain = max(4 * radius + 1, chunk_size(bins.shape[1] * (5 + 0.3 * n_bins)))
        _local_histogram_rows(bins.shape[0], bins, radius, out, grain=grain)
    return out
