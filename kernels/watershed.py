"""Watershed: regions flood from their markers, lowest pixels first.

Meyer's flooding ("Un algorithme optimal pour la ligne de partage des eaux", 1991; Vincent and Soille, "Watersheds in
digital spaces", IEEE PAMI 13(6), 1991, for the picture of the flood): the labelled pixel that is lowest, and among
equals has waited longest, gives its label to its neighbours that have none, which then wait in turn. Plateaus are
thus divided first come, first served, as by breadth-first search from their rims.

The queue. All pixels in ascending order take as many places, those of equal height a block of them (`_order.py`). A
pixel that comes to wait goes to the next free place of its block, and the next to be served is at the lowest place
taken, which a bitmap tells (`_bitmap.py`). Where most heights are different, as in a picture of floats, every place
is known beforehand, and the bitmap, which fits into the cache, is all there is to look up. With compactness there is
another queue (`_compact_flood.py`).

Time O(H W), with compactness O(H W log(H W)) at worst; memory beside the result 13 bytes a pixel, and to sort float32
12 more, float64 20; with compactness 45.
"""

import numpy as np

from . import _validate as check
from ._bitmap import empty_bitmap, leave_lowest, take_place
from ._compact_flood import flood_compactly
from ._framed import BLOCKED, neighbours, prefetch_around
from ._jit import EXACT, helper, kernel
from ._order import ascending_places
from ._parallel import chunk_size, chunked
from .label import label


@helper
def _next_place(block, free):
    """Where a pixel of this block, as in `_flood`, comes to wait."""
    if block >= 0:
        return np.int64(block)
    place = free[~block]
    free[~block] += 1
    return np.int64(place)


@kernel(fastmath=EXACT)
def _flood(blocks, free, pixels, width, connectivity, labels):
    """Flood `labels` in place, markers to begin with.

    Requires: labels and blocks flat over a picture in a frame, with lines of `width`; labels 0 where the flood may go
    and `BLOCKED` where not, the frame included; blocks, free and pixels as from `ascending_places`.
    """
    steps, n_neighbours = neighbours(connectivity, width)
    words, groups, supergroups = empty_bitmap(pixels.size)
    none = lowest = supergroups.size << 18
    for p in range(labels.size):
        if labels[p] > 0:
            place = _next_place(blocks[p], free)
            pixels[place] = p
            take_place(place, words, groups, supergroups)
            lowest = min(lowest, place)
    while lowest < none:
        p = np.int64(pixels[lowest])
        lowest = leave_lowest(lowest, words, groups, supergroups)
        if lowest < none:
            prefetch_around(labels, pixels[lowest], width)
            prefetch_around(blocks, pixels[lowest], width)
        mine = labels[p]
        for k in range(n_neighbours):
            q = p + steps[k]
            if labels[q] == 0:
                labels[q] = mine
                place = _next_place(blocks[q], free)
                pixels[place] = q
                take_place(place, words, groups, supergroups)
                lowest = min(lowest, place)  # the flood may spill into a lower basin


@chunked(fastmath=EXACT)
def _find_lower(lo, hi, blocks, free, labels, connectivity, plateaus, has_lower):
    """Note the plateaus that have a lower neighbour. All writers of an element write the same.

    Requires: rows of pictures in frames; blocks, free and labels as for `_flood`, before it.
    """
    width = labels.shape[1]
    steps, n_neighbours = neighbours(connectivity, width)
    flat_blocks, flat_labels, flat_plateaus = blocks.reshape(-1), labels.reshape(-1), plateaus.reshape(-1)
    for r in range(lo, hi):
        for p in range((r + 1) * width + 1, (r + 2) * width - 1):
            if flat_labels[p] < 0:
                continue
            block = flat_blocks[p]
            height = block if block >= 0 else free[~block]
            for k in range(n_neighbours):
                q = p + steps[k]
                block = flat_blocks[q]
                other = block if block >= 0 else free[~block]
                if other < height and flat_labels[q] >= 0:
                    has_lower[flat_plateaus[p]] = True


def _mark_local_minima(blocks, free, connectivity, labels):
    """Number the plateaus without a lower neighbour, in raster order."""
    outside = np.iinfo(np.int32).min
    plateaus, n = label(
        np.where(labels < 0, outside, blocks), connectivity=connectivity, background=outside, return_num=True
    )
    has_lower = np.zeros(n + 1, np.bool_)
    has_lower[0] = True
    height, width = labels.shape
    _find_lower(height - 2, blocks, free, labels, connectivity, plateaus, has_lower, grain=chunk_size(5.0 * width))
    numbers = np.where(has_lower, 0, np.cumsum(~has_lower)).astype(np.int32)
    np.copyto(labels, numbers[plateaus], where=labels == 0)


def _regular_seeds(shape, count):
    """About `count` markers at equal distances, as ``skimage.util.regular_seeds``."""
    seeds = np.zeros(shape, np.int32)
    steps = np.full(2, np.sqrt(seeds.size / count))
    if seeds.size <= count:
        steps[:] = 1
    elif min(shape) < steps[0]:
        steps[np.argmin(shape)] = min(shape)
        steps[1 - np.argmin(shape)] = max(shape) / count
    places = tuple(slice(int(step // 2), None, round(step)) for step in steps)
    seeds[places] = np.arange(1, seeds[places].size + 1).reshape(seeds[places].shape)
    return seeds


@chunked(fastmath=EXACT)
def _draw_lines(lo, hi, labels, seeds, connectivity, out):
    """Make 0, but for the seeds, the pixels next to a region of lower number or to a seed of any other.

    Requires: labels and seeds in frames; out without one.
    """
    width = labels.shape[1]
    steps, n_neighbours = neighbours(connectivity, width)
    flat_labels, flat_seeds = labels.reshape(-1), seeds.reshape(-1)
    for r in range(lo, hi):
        for c in range(out.shape[1]):
            p = (r + 1) * width + c + 1
            mine, beside = flat_labels[p], False
            for k in range(n_neighbours):
                other = flat_labels[p + steps[k]]
                beside |= 0 < other < mine or (other > mine and flat_seeds[p + steps[k]])
            if beside and not flat_seeds[p]:
                out[r, c] = 0


def watershed(image, markers=None, connectivity=1, *, mask=None, compactness=0, watershed_line=False):
    """Divide a picture into the basins of its markers.

    Parameters
    ----------
    image : (H, W) array of real numbers
        Low values are flooded first; typically a gradient. NaN is refused.
    markers : (H, W) array of int, int or None
        Seeds: 0 where there is none. A number stands for about so many markers on a regular grid within the mask,
        None for the local minima of the picture, plateaus among them.
    connectivity : {1, 2}
        1: floods pass across edges of pixels (4 neighbours). 2: also across corners (8).
    mask : (H, W) array of bool, optional
        Only pixels where it is True are labelled, and flooded.
    compactness : float, optional
        How much each pixel of distance from the marker adds to the height of a pixel, in units of `image`, whatever
        its dtype. The greater, the rounder are the regions.
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
        If shapes differ, the picture is empty or not finite, a marker or `compactness` is negative, or there are no
        markers within the mask.

    Notes
    -----
    As ``skimage.segmentation.watershed``, but for markers of equal height (which here start in raster order), for
    local minima within a mask (outside of which nothing is looked at here), and for `watershed_line`, which there
    moves regions.
    """
    image = check.as_array("watershed", "image", image, dtypes=check.PIXELS, ndim=2, finite=True)
    connectivity = check.integer("watershed", "connectivity", connectivity, low=1, high=2)
    compactness = check.real("watershed", "compactness", compactness, low=0)
    height, width = (side + 2 for side in image.shape)
    if height * width >= 2**31:
        raise ValueError(f"watershed: image must have fewer than 2**31 pixels, got shape {image.shape}")
    allowed = check.as_mask("watershed", mask, image.shape)
    labels = np.full((height, width), BLOCKED, np.int32)
    inner = labels[1:-1, 1:-1]
    if markers is None:
        inner[...] = 0
    elif np.ndim(markers) == 0:
        count = check.integer("watershed", "markers", markers, low=1)
        share = 1 if allowed is None else max(np.count_nonzero(allowed), 1) / image.size
        inner[...] = _regular_seeds(image.shape, int(count / share))
    else:
        inner[...] = check.as_labels("watershed", "markers", markers, shape=image.shape)
        if inner.min() < 0:
            raise ValueError(f"watershed: markers must be at least 0, got {inner.min()}")
    if allowed is not None:
        inner[~allowed] = BLOCKED
    if markers is None or compactness == 0:
        blocks, free, pixels = ascending_places(image)
    if markers is None:
        _mark_local_minima(blocks, free, connectivity, labels)
    seeds = labels > 0
    if not seeds.any():
        where = "" if mask is None else " within the mask"
        raise ValueError(f"watershed: markers must not all be 0{where}")
    if compactness == 0:
        _flood(blocks.reshape(-1), free, pixels, width, connectivity, labels.reshape(-1))
    else:
        flood_compactly(image, compactness, connectivity, labels)
    out = np.maximum(inner, 0)
    if watershed_line:
        _draw_lines(len(out), labels, seeds, connectivity, out, grain=chunk_size(5.0 * width))
    return out
