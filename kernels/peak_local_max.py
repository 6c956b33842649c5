"""Peaks: pixels that are the greatest of the square around them.

A peak equals the greatest value of the (2 d + 1) x (2 d + 1) pixels around it, d the least distance, and is above a
threshold. Of two that are nearer than d, which then are equally high, the first in reading order stays. To find them,
the picture is divided into cells of d x d pixels: a cell holds one peak at most, so that only nine cells need be looked
at. O(H W log d) time, and O(P log P) to sort P peaks; two pictures of memory.
"""

import math

import numpy as np

from . import _validate as check
from ._jit import EXACT, kernel
from ._morphology import comparable, extremes


@kernel(fastmath=EXACT)
def _keep_apart(rows, columns, spacing, most, cells, kept):
    """The first points of which no two are nearer than `spacing`, up to `most`: their numbers to kept; how many.

    Requires: cells (H // spacing + 3, W // spacing + 3), filled with -1.
    """
    count = 0
    for k in range(rows.size):
        if count == most:
            break
        i, j = rows[k] // spacing + 1, columns[k] // spacing + 1
        is_apart = True
        for a in range(i - 1, i + 2):
            for b in range(j - 1, j + 2):
                other = cells[a, b]
                if other >= 0 and max(abs(rows[k] - rows[other]), abs(columns[k] - columns[other])) < spacing:
                    is_apart = False
        if is_apart:
            cells[i, j] = k
            kept[count] = k
            count += 1
    return count


def peak_local_max(
    image, min_distance=1, threshold_abs=None, threshold_rel=None, exclude_border=True, num_peaks=math.inf
):  # fmt: skip
    """Find the peaks of a picture.

    Parameters
    ----------
    image : (H, W) array
        Of bool, integers or floats without NaN.
    min_distance : int
        How far peaks are apart at least, in rows or in columns. At 0 every pixel above the threshold is a peak.
    threshold_abs : float, optional
        Peaks are higher than this; the least value of the picture by default.
    threshold_rel : float, optional
        And higher than this share of the greatest value.
    exclude_border : bool, int or pair of int
        How many rows and columns at the border hold no peak; True is `min_distance`, False is 0.
    num_peaks : int
        Of more peaks only so many of the highest are given.

    Returns
    -------
    (P, 2) int64 array
        Row and column of each peak, the highest first, equally high ones in reading order. None for a constant picture.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as said.

    Notes
    -----
    As `skimage.feature.peak_local_max` without `footprint`, `labels` and another norm than the greatest.
    """
    image, _ = comparable("peak_local_max", image)
    distance = check.integer("peak_local_max", "min_distance", min_distance, low=0)
    borders = _borders(exclude_border, distance)
    if num_peaks != math.inf:
        num_peaks = check.integer("peak_local_max", "num_peaks", num_peaks, low=0)
    check.check_finite("peak_local_max", "image", image)
    least, greatest = image.min(), image.max()
    threshold = least if threshold_abs is None else check.real("peak_local_max", "threshold_abs", threshold_abs)
    if threshold_rel is not None:
        threshold = max(threshold, check.real("peak_local_max", "threshold_rel", threshold_rel) * greatest)

    is_peak = image > threshold
    if distance > 0 and image.size > 1:
        if least == greatest:
            return np.empty((0, 2), np.int64)
        square = np.ones((2 * distance + 1,) * 2, bool)
        is_peak &= image == extremes("peak_local_max", image, square, (distance, distance), True, "nearest", 0)
    for axis, border in enumerate(borders):
        lines = is_peak.swapaxes(0, axis)
        lines[:border] = lines[max(0, len(lines) - border) :] = False
    rows, columns = np.divmod(np.flatnonzero(is_peak), image.shape[1])
    heights = image[rows, columns]
    highest_first = len(heights) - 1 - np.argsort(heights[::-1], kind="stable")[::-1]
    rows, columns = rows[highest_first], columns[highest_first]
    kept = slice(min(num_peaks, len(rows)))
    if distance > 1:
        cells = np.full([n // distance + 3 for n in image.shape], -1, np.int64)
        numbers = np.empty(len(rows), np.int64)
        kept = numbers[: _keep_apart(rows, columns, distance, min(num_peaks, len(rows)), cells, numbers)]
    return np.stack([rows[kept], columns[kept]], axis=1)


def _borders(exclude_border, distance):
    if isinstance(exclude_border, (bool, np.bool_)):
        return (distance if exclude_border else 0,) * 2
    borders = exclude_border if isinstance(exclude_border, tuple) else (exclude_border,) * 2
    if len(borders) != 2:
        raise ValueError(f"peak_local_max: exclude_border must be a bool, an int or a pair, got {exclude_border!r}")
    return tuple(check.integer("peak_local_max", "exclude_border", b, low=0) for b in borders)
