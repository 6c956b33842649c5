"""Histograms of windows, each pixel by itself."""

import numpy as np


def local_histogram(bins, n_bins, radius, mask=None):
    height, width = bins.shape
    mask = np.ones(bins.shape, bool) if mask is None else mask
    out = np.zeros((height, width, n_bins))
    for i in range(height):
        for j in range(width):
            window = np.s_[max(i - radius, 0) : i + radius + 1, max(j - radius, 0) : j + radius + 1]
            values = bins[window][mask[window]]
            if values.size:
                out[i, j] = np.bincount(values, minlength=n_bins) / values.size
    return out
