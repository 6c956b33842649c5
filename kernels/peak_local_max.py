"""Peaks: pixels that are the greatest of those around them.

A peak equals the greatest value of the (2 d + 1) x (2 d + 1) pixels around it, d the least distance, or of those under
another footprint, and is above a threshold. Of two that are nearer than d, which then are equally high, the first in
reading order stays. To find them, the picture is divided into cells of d x d pixels: a cell holds one peak at most, so
that only nine cells need be looked at. O(H W log d) time, and O(P log P) to sort P peaks; two pictures of memory.
"""

import math

import numpy as np

from . import _validate as check
from ._jit import EXACT, kernel
from ._morphology import comparable, extremes, footprints
from .opening import opening


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


def _candidates(image, footprint, threshold, inside=None):
    """The pixels above a threshold that are the greatest under the footprint; of a label, those `inside` count."""
    if footprint.size == 1 or image.size == 1:
        return image > threshold
    origin = tuple(n // 2 for n in footprint.shape)
    is_peak = image == extremes("peak_local_max", image, footprint, origin, True, "nearest", 0)
    if is_peak.all() if inside is None else is_peak[inside].all():  # a plain: no peak, but for single pixels of a label
        is_peak = np.zeros_like(is_peak) if inside is None else inside & ~opening(inside, mode="constant")
    return is_peak & (image > threshold)


def _highest(image, is_peak, most, distance):
    """(P, 2) places of the highest peaks that are so far apart, the highest first."""
    rows, columns = np.divmod(np.flatnonzero(is_peak), image.shape[1])
    heights = image[rows, columns]
    highest_first = len(heights) - 1 - np.argsort(heights[::-1], kind="stable")[::-1]
    rows, columns = rows[highest_first], columns[highest_first]
    kept = slice(min(most, len(rows)))
    if distance > 1:
        cells = np.full([n // distance + 3 for n in image.shape], -1, np.int64)
        numbers = np.empty(len(rows), np.int64)
        kept = numbers[: _keep_apart(rows, columns, distance, min(most, len(rows)), cells, numbers)]
    return np.stack([rows[kept], columns[kept]], axis=1)


def _boxes(labels):
    """(label, top, bottom, left, right) of each label above 0."""
    places = np.flatnonzero(labels > 0)
    values = labels.reshape(-1)[places]
    order = np.argsort(values, kind="stable")
    values, (rows, columns) = values[order], np.divmod(places[order], labels.shape[1])
    starts = np.flatnonzero(np.diff(values, prepend=0))
    if not starts.size:
        return ()
    least = (np.minimum.reduceat(a, starts) for a in (rows, columns))
    last = (np.maximum.reduceat(a, starts) + 1 for a in (rows, columns))
    (top, left), (bottom, right) = least, last
    return zip(*(a.tolist() for a in (values[starts], top, bottom, left, right)), strict=True)


def peak_local_max(
    image, min_distance=1, threshold_abs=None, threshold_rel=None, exclude_border=True, num_peaks=math.inf,
    footprint=None, labels=None, num_peaks_per_label=math.inf,
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
    footprint : (KH, KW) array, optional
        What is not 0 are the pixels around a peak, which lies on (KH // 2, KW // 2), that are no higher; the square
        that reaches `min_distance` far by default.
    labels : (H, W) integer array, optional
        Peaks are sought in each region of a label above 0 by itself, as if there were nothing around it.
    num_peaks_per_label : int
        And of each region only so many of the highest are given.

    Returns
    -------
    (P, 2) int64 array
        Row and column of each peak, the highest first, equally high ones in reading order; with labels region after
        region, unless there were more than `num_peaks`. None for a constant picture.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as said.

    Notes
    -----
    As `skimage.feature.peak_local_max` with its distance, the greater of those in rows and in columns.
    """
    name = "peak_local_max"
    image, _ = comparable(name, image)
    distance = check.integer(name, "min_distance", min_distance, low=0)
    borders = _borders(exclude_border, distance)
    num_peaks, num_peaks_per_label = (
        n if n == math.inf else check.integer(name, argument, n, low=0)
        for argument, n in (("num_peaks", num_peaks), ("num_peaks_per_label", num_peaks_per_label))
    )
    check.check_finite(name, "image", image)
    threshold = image.min() if threshold_abs is None else check.real(name, "threshold_abs", threshold_abs)
    if threshold_rel is not None:
        threshold = max(threshold, check.real(name, "threshold_rel", threshold_rel) * image.max())
    if footprint is None:
        reach = min(distance, max(image.shape))  # beyond there is nothing
        footprint = np.ones((2 * reach + 1,) * 2, bool)
    else:
        (footprint,) = footprints(name, np.asarray(footprint))

    if labels is None:
        is_peak = _candidates(image, footprint, threshold)
        _clear_borders(is_peak, borders)
        return _highest(image, is_peak, num_peaks, distance)
    labels = check.as_labels(name, "labels", labels, shape=image.shape)
    counted = labels.copy()
    _clear_borders(counted, borders)
    lowest = np.finfo(image.dtype).min if image.dtype.kind == "f" else np.iinfo(image.dtype).min
    found = [np.empty((0, 2), np.int64)]
    for label, top, bottom, left, right in _boxes(counted):
        inside = labels[top:bottom, left:right] == label
        region = np.where(inside, image[top:bottom, left:right], lowest)
        is_peak = _candidates(region, footprint, threshold, inside)
        found.append(_highest(region, is_peak, num_peaks_per_label, distance) + (top, left))
    peaks = np.concatenate(found)
    if len(peaks) > num_peaks:
        is_peak = np.zeros(image.shape, bool)
        is_peak[tuple(peaks.T)] = True
        peaks = _highest(image, is_peak, num_peaks, distance)
    return peaks


def _clear_borders(picture, borders):
    for axis, border in enumerate(borders):
        lines = picture.swapaxes(0, axis)
        lines[:border] = lines[max(0, len(lines) - border) :] = 0


def _borders(exclude_border, distance):
    if isinstance(exclude_border, (bool, np.bool_)):
        return (distance if exclude_border else 0,) * 2
    borders = exclude_border if isinstance(exclude_border, tuple) else (exclude_border,) * 2
    if len(borders) != 2:
        raise ValueError(f"peak_local_max: exclude_border must be a bool, an int or a pair, got {exclude_border!r}")
    return tuple(check.integer("peak_local_max", "exclude_border", b, low=0) for b in borders)
