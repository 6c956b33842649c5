"""Watershed: regions flood from their markers, lowest pixels first.

Meyer's flooding ("Un algorithme optimal pour la ligne de partage des eaux", 1991; Vincent and Soille, "Watersheds in
digital spaces", IEEE PAMI 13(6), 1991, for the picture of the flood): the labelled pixel that is lowest, and among
equals has waited longest, gives its label to its neighbours that have none, which then wait in turn. Plateaus are
thus divided first come, first served, as by breadth-first search from their rims.

Where a flood spills into lower ground, all of that takes its label before anything else is served, in whatever order:
pixels that come to wait one after the other and have the same label may change places. So lower ground needs no queue,
and the others are served in ascending order.

The queue. All pixels in ascending order take as many places, those of equal height a block of them (`_order.py`). A
pixel that comes to wait goes to the next free place of its block, and sets the bit of that place. With compactness
there is another queue (`_compact_flood.py`).

Time O(H W); memory beside the result 13 bytes a pixel, and to sort float32 12 more, float64 20; with compactness 20 or,
for float64, 28 and 16 for each pixel that waits.
"""

import numpy as np

from . import _validate as check
from ._bits import trailing_zeros
from ._compact_flood import flood_compactly
from ._framed import neighbours
from ._jit import EXACT, helper, kernel
from ._order import ascending_places
from ._parallel import chunk_size, chunked
from ._simd import prefetch
from .label import label

_MOST_PIXELS = 2**30  # numbers of places and blocks, together half as many again, fit into int32
_ONE = np.uint64(1)


@helper
def _height(code, free, n):
    """A place that stands for the height of a pixel: lower for lower ones."""
    place = np.int64(~code)
    return place if place < n else np.int64(free[place - n])


@helper
def _wait(p, code, free, pixels, waiting):
    """Pixel p takes the next free place of its height."""
    place = np.int64(~code)
    block = place - pixels.size
    if block >= 0:
        place = np.int64(free[block])
        free[block] += 1
        pixels[place] = p
    waiting[place >> 6] |= _ONE << np.uint64(place & 63)


@helper
def _fetch(waiting, word, pixels, labels, width):
    """Bring what is around the pixels that wait there into the caches, their neighbours' neighbours, too."""
    places = waiting[word] if word < waiting.size else np.uint64(0)
    while places != 0:
        p = np.int64(pixels[64 * word + trailing_zeros(places)])
        for line in range(-2, 3):
            prefetch(labels, p + line * width)
        places &= places - _ONE


@kernel(fastmath=EXACT)
def _flood(seeds, connectivity, labels, width, free, pixels, waiting, pool):
    """Flood `labels` in place from `seeds`, lowest first.

    Requires: seeds and labels flat over a picture in a frame, with lines of `width`; labels, free and pixels as from
    `ascending_places`, but for labels 0 wherever the flood may not go, where seeds are 0; waiting a bit for each place,
    0; pool as long as pixels.
    """
    steps, n_neighbours = neighbours(connectivity, width)
    for p in range(labels.size):
        if seeds[p] > 0:
            _wait(p, labels[p], free, pixels, waiting)
            labels[p] = seeds[p]
    for word in range(waiting.size):
        _fetch(waiting, word + 1, pixels, labels, width)
        while waiting[word] != 0:
            level = 64 * word + trailing_zeros(waiting[word])
            waiting[word] &= waiting[word] - _ONE
            pool[0], n = pixels[level], 1
            mine = labels[pool[0]]
            while n > 0:
                n -= 1
                p = np.int64(pool[n])
                for k in range(n_neighbours):
                    q = p + steps[k]
                    code = labels[q]
                    if code >= 0:
                        continue
                    labels[q] = mine
                    if _height(code, free, pixels.size) < level:
                        pool[n] = q
                        n += 1
                    else:
                        _wait(q, code, free, pixels, waiting)


@chunked(fastmath=EXACT)
def _find_lower(lo, hi, codes, free, connectivity, plateaus, has_lower):
    """Note the plateaus that have a lower neighbour. All writers of an element write the same.

    Requires: rows of pictures in frames; codes and free as labels and free for `_flood`.
    """
    width = codes.shape[1]
    steps, n_neighbours = neighbours(connectivity, width)
    flat_codes, flat_plateaus = codes.reshape(-1), plateaus.reshape(-1)
    n = (codes.shape[0] - 2) * (width - 2)
    for r in range(lo, hi):
        for p in range((r + 1) * width + 1, (r + 2) * width - 1):
            if flat_codes[p] == 0:
                continue
            height = _height(flat_codes[p], free, n)
            for k in range(n_neighbours):
                other = flat_codes[p + steps[k]]
                if other < 0 and _height(other, free, n) < height:
                    has_lower[flat_plateaus[p]] = True


def _local_minima(codes, free, connectivity):
    """The plateaus without a lower neighbour, numbered in raster order."""
    plateaus, n = label(codes, connectivity=connectivity, return_num=True)
    has_lower = np.zeros(n + 1, np.bool_)
    has_lower[0] = True
    height, width = codes.shape
    _find_lower(height - 2, codes, free, connectivity, plateaus, has_lower, grain=chunk_size(5.0 * width))
    numbers = np.where(has_lower, 0, np.cumsum(~has_lower)).astype(np.int32)
    return numbers[plateaus]


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
    if height * width >= _MOST_PIXELS:
        raise ValueError(
            f"watershed: image must have fewer than {_MOST_PIXELS} pixels with its frame, got shape {image.shape}"
        )
    allowed = check.as_mask("watershed", mask, image.shape)
    if markers is None or compactness == 0:
        labels, free, pixels = ascending_places(image)
    else:
        labels = np.zeros((height, width), np.int32)
        labels[1:-1, 1:-1] = -1
    inner = labels[1:-1, 1:-1]
    if allowed is not None:
        inner[~allowed] = 0
    if markers is None:
        seeds = _local_minima(labels, free, connectivity)
    else:
        seeds = np.zeros_like(labels)
        seeds[1:-1, 1:-1] = _given_seeds(markers, image.shape, allowed)
    if not seeds.any():
        where = "" if mask is None else " within the mask"
        raise ValueError(f"watershed: markers must not all be 0{where}")
    if compactness == 0:
        waiting, pool = np.zeros((image.size >> 6) + 1, np.uint64), np.empty_like(pixels)
        _flood(seeds.reshape(-1), connectivity, labels.reshape(-1), width, free, pixels, waiting, pool)
    else:
        flood_compactly(image, compactness, connectivity, seeds, labels)
    out = np.maximum(inner, 0)
    if watershed_line:
        _draw_lines(len(out), labels, seeds, connectivity, out, grain=chunk_size(5.0 * width))
    return out


def _given_seeds(markers, shape, allowed):
    """Markers as an array or a count, within the mask."""
    if np.ndim(markers) == 0:
        count = check.integer("watershed", "markers", markers, low=1)
        share = 1 if allowed is None else max(np.count_nonzero(allowed), 1) / allowed.size
        seeds = _regular_seeds(shape, int(count / share))
    else:
        seeds = check.as_labels("watershed", "markers", markers, shape=shape)
        if seeds.min() < 0:
            raise ValueError(f"watershed: markers must be at least 0, got {seeds.min()}")
    return seeds if allowed is None else np.where(allowed, seeds, 0)
