"""Majority filter: each pixel takes the label that most of the pixels around it have.

Smooths the boundaries of a label map: of the shapes thinner than half the footprint nothing is left, corners are
rounded, straight boundaries stay where they are.

Time O(H W K) for K pixels in the footprint where few labels meet, as nearly everywhere; memory: the picture twice.
"""

import numpy as np

from . import _validate as check
from ._jit import EXACT
from ._parallel import chunk_size, chunked


@chunked(fastmath=EXACT)
def _vote(lo, hi, bordered, first, pitch, steps, out):
    """Requires: bordered flat, its lines of length pitch, with -1 around the picture, whose first pixel is number
    `first`; steps from a pixel to those that vote.
    """
    values, votes = np.empty(steps.size, np.int32), np.empty(steps.size, np.int32)
    for r in range(lo, hi):
        for c in range(out.shape[1]):
            pixel = first + r * pitch + c
            own = bordered[pixel]
            out[r, c] = own
            if own < 0:
                continue
            n_own = n_none = 0
            for step in steps:
                value = bordered[np.uint64(pixel + step)]  # no number from the end
                n_own += value == own
                n_none += value < 0
            if 2 * n_own >= steps.size - n_none:
                continue
            n_values = 0
            for step in steps:
                value = bordered[np.uint64(pixel + step)]
                if value == own or value < 0:
                    continue
                place = 0
                while place < n_values and values[place] != value:
                    place += 1
                if place == n_values:
                    values[place], votes[place] = value, 0
                    n_values += 1
                votes[place] += 1
            best, most = own, n_own
            for place in range(n_values):
                if votes[place] > most or (votes[place] == most and best != own and values[place] < best):
                    best, most = values[place], votes[place]
            out[r, c] = best


def majority(labels, footprint=None):
    """Give each pixel the label that most pixels around it have.

    Parameters
    ----------
    labels : (H, W) array of int
        Pixels below 0 belong to no region: they stay as they are, and have no vote.
    footprint : 2-D array of bool, optional
        Which pixels around each one vote; sides must be odd. By default 3 x 3 pixels.

    Returns
    -------
    (H, W) int32 array
        Where several labels have the most votes, a pixel keeps its own if that is one of them, otherwise it takes the
        least.

    Raises
    ------
    TypeError, ValueError
        If `labels` are no such array, or `footprint` has an even side or no pixel.

    Notes
    -----
    As `skimage.filters.rank.majority`, for any labels. Of several with the most votes that takes the least, even where
    another is the pixel's own.
    """
    name = "majority"
    labels = check.as_labels(name, "labels", labels)
    footprint = np.ones((3, 3), bool) if footprint is None else np.asarray(footprint) != 0
    if footprint.ndim != 2 or not all(side % 2 for side in footprint.shape):
        raise ValueError(f"{name}: footprint must have two odd sides, got shape {footprint.shape}")
    if not footprint.any():
        raise ValueError(f"{name}: footprint must have a pixel, got none")
    (height, width), (down, across) = labels.shape, (side // 2 for side in footprint.shape)
    bordered = np.pad(labels, ((down, down), (across, across)), constant_values=-1)
    pitch = width + 2 * across
    rows, columns = np.nonzero(footprint)
    steps = (rows - down) * pitch + columns - across
    out = np.empty_like(labels)
    grain = chunk_size(0.5 * len(steps) * max(1, width))
    _vote(height, bordered.reshape(-1), down * pitch + across, pitch, steps, out, grain=grain)
    return out
