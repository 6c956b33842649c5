"""Watershed: regions flood from their markers, lowest pixels first.

Meyer's flooding ("Un algorithme optimal pour la ligne de partage des eaux", 1991; Vincent and Soille, "Watersheds in
digital spaces", IEEE PAMI 13(6), 1991, for the picture of the flood): the labelled pixel that is lowest, and among
equals has waited longest, gives its label to its neighbours that have none, which then wait in turn. Plateaus are
thus divided first come, first served, as by breadth-first search from their rims.

The queue is a list for each level, in the order of arrival, and a bitmap of the lists that are not empty: constant
time for a pixel. Levels are the numbers of an integer picture of 8 or 16 bits, and otherwise the ranks of the
numbers, from a radix sort of their bits.

Time O(H W); memory 9 bytes a pixel, or 33 where numbers are ranked.
"""

import numpy as np

from . import _validate as check
from ._bits import trailing_zeros
from ._jit import EXACT, helper, kernel
from ._parallel import chunk_size, chunked
from .label import label

_ONE = np.uint64(1)
_DIGIT = 11  # bits of a number that one pass of the radix sort looks at


@helper
def _neighbours(connectivity):
    """Row and column steps to the neighbours, in raster order, and how many they are."""
    rows, columns = (-1, 0, 0, 1, 0, 0, 0, 0), (0, -1, 1, 0, 0, 0, 0, 0)
    if connectivity == 2:
        rows, columns = (-1, -1, -1, 0, 0, 1, 1, 1), (-1, 0, 1, -1, 1, -1, 0, 1)
    return rows, columns, 4 * connectivity


@helper
def _queue(pixel, level, heads, tails, following, words, groups):
    """Put a pixel at the end of the list of its level."""
    following[pixel] = -1
    if heads[level] < 0:
        heads[level] = pixel
        words[level >> 6] |= _ONE << np.uint64(level & 63)
        groups[level >> 12] |= _ONE << np.uint64((level >> 6) & 63)
    else:
        following[tails[level]] = pixel
    tails[level] = pixel


@kernel(fastmath=EXACT)
def _flood(levels, n_levels, allowed, connectivity, labels):
    """Flood `labels` in place, markers to begin with.

    Requires: levels (H, W) of unsigned integers below n_levels; allowed (H, W) of bool; labels (H, W) of int32, 0
    where not allowed.
    """
    height, width = levels.shape
    rows, columns, n_neighbours = _neighbours(connectivity)
    following = np.empty(height * width, np.int32)  # next pixel of the same list
    heads = np.full(n_levels, -1, np.int32)
    tails = np.empty(n_levels, np.int32)
    words = np.zeros((n_levels >> 6) + 1, np.uint64)  # a bit for each list that is not empty,
    groups = np.zeros((n_levels >> 12) + 1, np.uint64)  # and one for each word that is not 0
    waiting = 0
    for r in range(height):
        for c in range(width):
            if labels[r, c] != 0:
                _queue(r * width + c, np.int64(levels[r, c]), heads, tails, following, words, groups)
                waiting += 1
    group = 0
    while waiting > 0:
        while groups[group] == 0:
            group += 1
        word = group * 64 + trailing_zeros(groups[group])
        lowest = word * 64 + trailing_zeros(words[word])
        pixel = heads[lowest]
        heads[lowest] = following[pixel]
        waiting -= 1
        if following[pixel] < 0:
            words[word] &= ~(_ONE << np.uint64(lowest & 63))
            if words[word] == 0:
                groups[group] &= ~(_ONE << np.uint64(word & 63))
        r, c = pixel // width, pixel % width
        mine = labels[r, c]
        for k in range(n_neighbours):
            i, j = r + rows[k], c + columns[k]
            if i < 0 or i >= height or j < 0 or j >= width or labels[i, j] != 0 or not allowed[i, j]:
                continue
            labels[i, j] = mine
            level = np.int64(levels[i, j])
            _queue(i * width + j, level, heads, tails, following, words, groups)
            waiting += 1
            group = min(group, level >> 12)  # the flood may spill into a lower basin


@kernel(fastmath=EXACT)
def _rank(keys, ranks):
    """ranks[i]: how many different keys are less than keys[i]; returns how many there are. Both flat, of one length."""
    n, bits = keys.size, 8 * keys.itemsize
    order, sorted_order = np.arange(n).astype(np.int32), np.empty(n, np.int32)
    places = np.empty((1 << _DIGIT) + 1, np.int64)
    shift = 0
    while shift < bits:
        places[:] = 0
        for i in range(n):
            places[((np.int64(keys[i]) >> shift) & ((1 << _DIGIT) - 1)) + 1] += 1
        for digit in range(1 << _DIGIT):
            places[digit + 1] += places[digit]
        for i in range(n):
            digit = (np.int64(keys[order[i]]) >> shift) & ((1 << _DIGIT) - 1)
            sorted_order[places[digit]] = order[i]
            places[digit] += 1
        order, sorted_order = sorted_order, order
        shift += _DIGIT
    rank = 0
    for i in range(n):
        if i > 0 and keys[order[i]] != keys[order[i - 1]]:
            rank += 1
        ranks[order[i]] = rank
    return rank + 1


@chunked(fastmath=EXACT)
def _draw_lines(lo, hi, labels, seeds, connectivity, lines):
    """Mark, but for the seeds, the pixels next to a region of lower number or to a seed of any other."""
    height, width = labels.shape
    rows, columns, n_neighbours = _neighbours(connectivity)
    for r in range(lo, hi):
        for c in range(width):
            mine, beside = labels[r, c], False
            for k in range(n_neighbours):
                i, j = r + rows[k], c + columns[k]
                if 0 <= i < height and 0 <= j < width:
                    other = labels[i, j]
                    beside |= 0 < other < mine or (other > mine and seeds[i, j])
            lines[r, c] = beside and mine > 0 and not seeds[r, c]


@chunked(fastmath=EXACT)
def _spoil(lo, hi, image, plateaus, connectivity, allowed, has_lower):
    """Note the plateaus that have a lower neighbour. All writers of an element write the same."""
    height, width = image.shape
    rows, columns, n_neighbours = _neighbours(connectivity)
    for r in range(lo, hi):
        for c in range(width):
            for k in range(n_neighbours):
                i, j = r + rows[k], c + columns[k]
                if 0 <= i < height and 0 <= j < width and allowed[i, j] and image[i, j] < image[r, c]:
                    has_lower[plateaus[r, c]] = True


def _local_minima(levels, allowed, connectivity):
    """Number the plateaus without a lower neighbour, in raster order."""
    # Neighbouring pixels of one level have one number; what is not allowed has a level of its own.
    _, compact = np.unique(levels, return_inverse=True)
    compact = np.where(allowed, compact.reshape(levels.shape), -1).astype(np.int32)
    plateaus, n = label(compact, connectivity=connectivity, background=-1, return_num=True)
    has_lower = np.zeros(n + 1, np.bool_)
    has_lower[0] = True
    _spoil(len(levels), compact, plateaus, connectivity, allowed, has_lower, grain=chunk_size(5.0 * levels.shape[1]))
    numbers = np.where(has_lower, 0, np.cumsum(~has_lower)).astype(np.int32)
    return numbers[plateaus]


def _grid(shape, count):
    """About `count` markers at equal distances."""
    height, width = shape
    down = max(1, min(height, round(np.sqrt(count * height / width))))
    across = max(1, min(width, round(count / down)))
    rows = ((np.arange(down) + 0.5) * height / down).astype(int)
    columns = ((np.arange(across) + 0.5) * width / across).astype(int)
    markers = np.zeros(shape, np.int32)
    markers[np.ix_(rows, columns)] = np.arange(1, down * across + 1).reshape(down, across)
    return markers


def _levels(image):
    """The order of the pixels as unsigned integers, and what these are less than."""
    if image.dtype.kind == "u":
        return image, int(np.iinfo(image.dtype).max) + 1
    # The bits of floats are in the order of their magnitudes, and adding 0 turns -0 into 0.
    signed, unsigned = (np.int32, np.uint32) if image.dtype == np.float32 else (np.int64, np.uint64)
    bits = (image + image.dtype.type(0)).view(signed)
    keys = np.where(bits < 0, ~bits, bits | np.iinfo(signed).min).view(unsigned)
    ranks = np.empty(image.shape, np.uint32)
    return ranks, _rank(keys.reshape(-1), ranks.reshape(-1))


def watershed(image, markers=None, connectivity=1, *, mask=None, watershed_line=False):
    """Divide a picture into the basins of its markers.

    Parameters
    ----------
    image : (H, W) array of real numbers
        Low values are flooded first; typically a gradient. NaN is refused.
    markers : (H, W) array of int, int or None
        Seeds: 0 where there is none. A number stands for so many markers on a regular grid, None for the local
        minima of the picture, plateaus among them.
    connectivity : {1, 2}
        1: floods pass across edges of pixels (4 neighbours). 2: also across corners (8).
    mask : (H, W) array of bool, optional
        Only pixels where it is True are labelled, and flooded.
    watershed_line : bool
        Whether to draw a line of zeros between regions: of two pixels that touch it takes that of the higher number,
        or the other if that is a marker's. Markers stay whole, so no region is lost, and markers that touch are not
        separated. Nothing else is taken away from any region.

    Returns
    -------
    (H, W) int32 array
        The number of the marker that each pixel belongs to; 0 outside the mask, and where no marker reaches.

    Raises
    ------
    TypeError, ValueError
        If shapes differ, the picture is empty or not finite, a marker is negative, or there are no markers.

    Notes
    -----
    As ``skimage.segmentation.watershed``, but for its `compactness`, for markers of equal height (which here start
    in raster order), and for `watershed_line`, which there moves regions.
    """
    image = check.as_array("watershed", "image", image, dtypes=check.PIXELS, ndim=2, finite=True)
    connectivity = check.integer("watershed", "connectivity", connectivity, low=1, high=2)
    if image.size >= 2**31:
        raise ValueError(f"watershed: image must have fewer than 2**31 pixels, got shape {image.shape}")
    allowed = check.as_mask("watershed", mask, image.shape)
    if allowed is None:
        allowed = np.ones(image.shape, bool)
    levels, n_levels = _levels(image)
    if markers is None:
        labels = _local_minima(levels, allowed, connectivity)
    elif np.ndim(markers) == 0:
        labels = _grid(image.shape, check.integer("watershed", "markers", markers, low=1))
    else:
        labels = check.as_labels("watershed", "markers", markers, shape=image.shape).copy()
        if labels.min() < 0:
            raise ValueError(f"watershed: markers must be at least 0, got {labels.min()}")
    labels[~allowed] = 0
    if not labels.any():
        where = "" if mask is None else " within the mask"
        raise ValueError(f"watershed: markers must not all be 0{where}")
    seeds = labels > 0
    _flood(levels, n_levels, allowed, connectivity, labels)
    if watershed_line:
        lines = np.empty(labels.shape, np.bool_)
        _draw_lines(len(labels), labels, seeds, connectivity, lines, grain=chunk_size(5.0 * labels.shape[1]))
        labels[lines] = 0
    return labels
