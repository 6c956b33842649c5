"""The graph of the regions of a label map: who touches whom, along how much, and what each region holds.

Pairs of neighbouring pixels of different regions are listed row by row, then brought into the order of their regions by
two counting sorts, the higher region first, the lower next (a radix sort with two digits; Knuth, "The Art of
Computer Programming" 3, section 5.2.5), so that equal pairs come to lie side by side. Sums are taken in raster
order and in float64: they do not depend on the number of threads.

Time O(H W + pairs + regions); memory: 12 or 20 bytes for each pair of pixels.
"""

from typing import NamedTuple

import numpy as np

from . import _validate as check
from ._jit import EXACT, ORDERED, helper, kernel
from ._parallel import chunk_size, chunked

_DOWN = ((0, 1), (1, 0), (1, 1), (1, -1))  # half of a pixel's neighbours; the first two share an edge with it


class RegionGraph(NamedTuple):
    """Regions and their neighbourhoods, as `region_adjacency` gives them; N regions, E pairs of neighbours.

    Attributes
    ----------
    edges : (E, 2) int32
        Neighbouring regions a < b, each pair once, in ascending order.
    length : (E,) int64
        Pairs of touching pixels along each boundary.
    strength : (E,) float64
        Mean of `boundary` along each boundary; 0 where none was given.
    area : (N,) int64
        Pixels of each region.
    sums : (N, C) float64
        Sums of the channels of `image` over each region; C is 0 where none was given.
    histograms : (N, B, K) int64
        Counts of each value of `bins` in each region; B is 0 where none were given.
    """

    edges: np.ndarray
    length: np.ndarray
    strength: np.ndarray
    area: np.ndarray
    sums: np.ndarray
    histograms: np.ndarray


@helper(fastmath=EXACT)
def _pairs_of_row(labels, r, boundary, reach, number, list_them, low, high, strength):
    """Count the pairs of row r with its neighbours, and list them from `number` on. Returns the number after."""
    height, width = labels.shape
    weighted = boundary.size > 0
    for c in range(width):
        mine = labels[r, c]
        if mine < 0:
            continue
        for k in range(reach):
            down, right = _DOWN[k]
            i, j = r + down, c + right
            if i >= height or j < 0 or j >= width:
                continue
            other = labels[i, j]
            if other < 0 or other == mine:
                continue
            if list_them:
                low[number], high[number] = min(mine, other), max(mine, other)
                if weighted:
                    strength[number] = 0.5 * (boundary[r, c] + boundary[i, j])
            number += 1
    return number


@chunked(fastmath=EXACT)
def _count_pairs(lo, hi, labels, boundary, reach, counts, low, high, strength):
    for r in range(lo, hi):
        counts[r] = _pairs_of_row(labels, r, boundary, reach, 0, False, low, high, strength)


@chunked(fastmath=EXACT)
def _list_pairs(lo, hi, labels, boundary, reach, starts, low, high, strength):
    for r in range(lo, hi):
        _pairs_of_row(labels, r, boundary, reach, starts[r], True, low, high, strength)


@helper(allocates=True)
def _sort_by(keys, n, order, result):
    """A stable counting sort: `result` becomes `order` by ascending keys[order], which are below n."""
    starts = np.zeros(n + 1, np.int64)
    for p in range(keys.size):
        starts[keys[p] + 1] += 1
    for k in range(n):
        starts[k + 1] += starts[k]
    for p in order:
        result[starts[keys[p]]] = p
        starts[keys[p]] += 1


@kernel(fastmath=ORDERED)
def _unite_pairs(low, high, pair_strength, n, edges, length, strength):
    """Put the pairs into order and unite equal ones. Returns how many differ."""
    by_high, order = np.empty(low.size, np.int64), np.empty(low.size, np.int64)
    _sort_by(high, n, np.arange(low.size), by_high)
    _sort_by(low, n, by_high, order)
    e = -1
    for p in order:
        if e < 0 or edges[e, 0] != low[p] or edges[e, 1] != high[p]:
            e += 1
            edges[e, 0], edges[e, 1] = low[p], high[p]
            length[e], strength[e] = 0, 0.0
        length[e] += 1
        if pair_strength.size > 0:
            strength[e] += pair_strength[p]
    for k in range(e + 1):
        strength[k] /= length[k]
    return e + 1


@kernel(fastmath=ORDERED)
def _sum_regions(labels, image, area, sums):
    """Pixels of each region and the sums of its channels (P, C)."""
    for p in range(labels.size):
        region = labels[p]
        if region >= 0:
            area[region] += 1
            for k in range(sums.shape[1]):
                sums[region, k] += image[p, k]


@kernel(fastmath=EXACT)
def _count_bins(labels, bins, histograms):
    for p in range(labels.size):
        region = labels[p]
        if region >= 0:
            for k in range(histograms.shape[1]):
                histograms[region, k, bins[p, k]] += 1


def region_adjacency(labels, image=None, *, boundary=None, bins=None, connectivity=1):
    """The graph of the regions of a label map.

    Parameters
    ----------
    labels : (H, W) array of int
        Regions counted from 0; pixels below 0 belong to none. A number that does not occur is a region of no pixels
        and no neighbours.
    image : (H, W) or (H, W, C) array, optional
        What to sum over each region, as it is: integers are not scaled.
    boundary : (H, W) array of float, optional
        Strength of a boundary at each pixel. That between two pixels is the mean of theirs.
    bins : (H, W) or (H, W, B) array of int, optional
        Values from 0 to K - 1 to count in each region, such as the number of a colour or of a texture.
    connectivity : {1, 2}
        1: pixels touch by an edge. 2: by an edge or a corner, and a pair that touches by a corner counts as much
        in `length` and `strength`.

    Returns
    -------
    RegionGraph
        Its arrays are named there.

    Raises
    ------
    TypeError, ValueError
        If a shape does not fit, a value is not finite, or a bin is negative.

    Notes
    -----
    With connectivity=2 its edges are those of `skimage.graph.rag_mean_color`, and ``sums / area`` its mean colours.
    """
    name = "region_adjacency"
    labels = check.as_labels(name, "labels", labels)
    check.integer(name, "connectivity", connectivity, low=1, high=2)
    if boundary is None:
        boundary = np.empty((0, 0), np.float32)
    else:
        boundary = check.as_array(name, "boundary", boundary, shape=labels.shape, finite=True)
    n = int(labels.max(initial=-1)) + 1
    pixels = labels.reshape(-1)

    none, no_strength = np.empty(0, np.int32), np.empty(0)
    reach, grain = 2 * connectivity, chunk_size(2.0 * max(1, labels.shape[1]))
    starts = np.zeros(labels.shape[0] + 1, np.int64)
    _count_pairs(labels.shape[0], labels, boundary, reach, starts[1:], none, none, no_strength, grain=grain)
    np.cumsum(starts, out=starts)
    n_pairs = int(starts[-1])
    low, high = np.empty(n_pairs, np.int32), np.empty(n_pairs, np.int32)
    pair_strength = np.empty(n_pairs if boundary.size else 0)
    _list_pairs(labels.shape[0], labels, boundary, reach, starts, low, high, pair_strength, grain=grain)
    edges, length, strength = np.empty((n_pairs, 2), np.int32), np.empty(n_pairs, np.int64), np.empty(n_pairs)
    n_edges = _unite_pairs(low, high, pair_strength, n, edges, length, strength)

    area = np.zeros(n, np.int64)
    channels = np.empty((labels.size, 0), np.float32)
    if image is not None:
        image = _as_planes(name, "image", check.as_image(name, image, finite=True), labels.shape)
        channels = image.reshape(labels.size, image.shape[2])
    sums = np.zeros((n, channels.shape[1]))
    _sum_regions(pixels, channels, area, sums)

    histograms = np.zeros((n, 0, 0), np.int64)
    if bins is not None:
        bins = _as_planes(name, "bins", check.as_labels(name, "bins", bins, ndim=(2, 3)), labels.shape)
        if bins.min(initial=0) < 0:
            raise ValueError(f"{name}: bins must be at least 0, got {bins.min()}")
        histograms = np.zeros((n, bins.shape[2], int(bins.max(initial=-1)) + 1), np.int64)
        _count_bins(pixels, bins.reshape(labels.size, bins.shape[2]), histograms)
    return RegionGraph(
        edges[:n_edges].copy(), length[:n_edges].copy(), strength[:n_edges].copy(), area, sums, histograms
    )


def _as_planes(function, name, array, shape):
    """(H, W) or (H, W, C) as (H, W, C)."""
    if array.shape[:2] != shape:
        raise ValueError(f"{function}: {name} must have shape {shape} or {(*shape, 'C')}, got {array.shape}")
    return array.reshape(*shape, -1 if array.ndim == 3 else 1)
