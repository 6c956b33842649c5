"""The graph of the regions of a label map: who touches whom, along how much, and what each region holds.

Pairs of neighbouring pixels of different regions are listed row by row, then brought into the order of their regions
by two counting sorts, the higher region first, the lower next (a radix sort with two digits; Knuth, "The Art of
Computer Programming" 3, section 5.2.5), so that equal pairs come to lie side by side, in raster order.

The strength of a boundary may depend on its direction. The direction at a pair of pixels is that of the line through
the middles of the pairs of the same two regions nearby: the principal axis of their scatter. Taking the strength in
that direction keeps a strong boundary from lending its strength to others that only touch it (Arbelaez, Maire,
Fowlkes and Malik, "Contour detection and hierarchical image segmentation", IEEE PAMI 33(5), 2011, section 4.1).

Time O(H W + pairs + regions); memory: 24 bytes for each pair of pixels. No result depends on the number of threads.
"""

import math
from typing import NamedTuple

import numpy as np

from . import _validate as check
from ._jit import EXACT, ORDERED, helper, kernel
from ._parallel import chunk_size, chunked

_DOWN = ((0, 1), (1, 0), (1, 1), (1, -1))  # half of a pixel's neighbours; the first two share an edge with it
_NEARBY = 5  # pixels within which pairs tell the direction of a boundary


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
def _pairs_of_row(labels, r, reach, number, list_them, low, high, place):
    """Count the pairs of row r with its neighbours, and list them from `number` on. Returns the number after."""
    height, width = labels.shape
    for c in range(width):
        mine = labels[r, c]
        if mine < 0:
            continue
        if r + 1 < height and 0 < c < width - 1:  # within a region, as most pixels are
            differs = (labels[r, c + 1] != mine) | (labels[r + 1, c] != mine)
            if reach > 2:
                differs |= (labels[r + 1, c + 1] != mine) | (labels[r + 1, c - 1] != mine)
            if not differs:
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
                place[number] = (r * width + c) * len(_DOWN) + k
            number += 1
    return number


@chunked(fastmath=EXACT)
def _count_pairs(lo, hi, labels, reach, counts, low, high, place):
    for r in range(lo, hi):
        counts[r] = _pairs_of_row(labels, r, reach, 0, False, low, high, place)


@chunked(fastmath=EXACT)
def _list_pairs(lo, hi, labels, reach, starts, low, high, place):
    for r in range(lo, hi):
        _pairs_of_row(labels, r, reach, starts[r], True, low, high, place)


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


@kernel(fastmath=EXACT)
def _sort_pairs(low, high, place, n, sorted_place, edges, starts):
    """Put the pairs into order; those of edge e are sorted_place[starts[e]:starts[e + 1]]. Returns how many edges."""
    by_high, order = np.empty(low.size, np.int64), np.empty(low.size, np.int64)
    _sort_by(high, n, np.arange(low.size), by_high)
    _sort_by(low, n, by_high, order)
    e = -1
    for i in range(low.size):
        p = order[i]
        sorted_place[i] = place[p]
        if e < 0 or edges[e, 0] != low[p] or edges[e, 1] != high[p]:
            e += 1
            edges[e, 0], edges[e, 1] = low[p], high[p]
            starts[e] = i
    starts[e + 1] = low.size
    return e + 1


@helper
def _middle(place, width):
    """Twice the row and twice the column of the point between the two pixels of a pair."""
    down, right = _DOWN[place % len(_DOWN)]
    pixel = place // len(_DOWN)
    return 2 * (pixel // width) + down, 2 * (pixel % width) + right


@helper(fastmath=EXACT)
def _direction(place, p, first, last, width):
    """The angle to a row, from 0 to pi, of the boundary at pair p of those from `first` to `last`."""
    row, column = _middle(place[p], width)
    n, sum_r, sum_c, sum_rr, sum_cc, sum_rc = 0, 0, 0, 0, 0, 0
    for step in (-1, 1):  # pairs are in raster order: those nearby are found up and down the list
        q = p if step < 0 else p + 1
        while first <= q < last:
            r, c = _middle(place[q], width)
            r, c = r - row, c - column
            if abs(r) > 2 * _NEARBY + 1:  # one more, since a middle may lie half a row below its place in the order
                break
            if r * r + c * c <= 4 * _NEARBY * _NEARBY:
                n, sum_r, sum_c = n + 1, sum_r + r, sum_c + c
                sum_rr, sum_cc, sum_rc = sum_rr + r * r, sum_cc + c * c, sum_rc + r * c
            q += step
    # n**2 times the covariances, in whole numbers, so that equal ones are equal
    difference = n * (sum_cc - sum_rr) - (sum_c * sum_c - sum_r * sum_r)
    mixed = n * sum_rc - sum_r * sum_c
    if difference == 0 and mixed == 0:  # no line: across the step from pixel to pixel
        down, right = _DOWN[place[p] % len(_DOWN)]
        angle = math.atan2(float(right), float(-down))
    else:
        angle = 0.5 * math.atan2(float(2 * mixed), float(difference))
    return angle + math.pi if angle < 0 else angle


@chunked(fastmath=ORDERED)
def _average_strengths(lo, hi, place, starts, boundary, strength):
    n_directions, height, width = boundary.shape
    flat = boundary.reshape(n_directions, height * width)
    for e in range(lo, hi):
        total = 0.0
        for p in range(starts[e], starts[e + 1]):
            down, right = _DOWN[place[p] % len(_DOWN)]
            here = place[p] // len(_DOWN)
            there = here + down * width + right
            if n_directions == 1:
                total += 0.5 * (flat[0, here] + flat[0, there])
            else:
                turn = _direction(place, p, starts[e], starts[e + 1], width) * (n_directions / math.pi)
                before = int(turn)
                share = turn - before
                before, after = before % n_directions, (before + 1) % n_directions
                total += 0.5 * (1 - share) * (flat[before, here] + flat[before, there])
                total += 0.5 * share * (flat[after, here] + flat[after, there])
        strength[e] = total / (starts[e + 1] - starts[e])


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
    boundary : (H, W) or (D, H, W) array of float, optional
        Strength of a boundary at each pixel, or of one in each of D directions, number d at the angle pi d / D to a
        row, clockwise as the picture is seen. That between two pixels is the mean of theirs, in the direction in
        which the boundary runs there.
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
    n = int(labels.max(initial=-1)) + 1
    pixels = labels.reshape(-1)

    none, no_place = np.empty(0, np.int32), np.empty(0, np.int64)
    reach, grain = 2 * connectivity, chunk_size(2.0 * max(1, labels.shape[1]))
    row_starts = np.zeros(labels.shape[0] + 1, np.int64)
    _count_pairs(labels.shape[0], labels, reach, row_starts[1:], none, none, no_place, grain=grain)
    np.cumsum(row_starts, out=row_starts)
    n_pairs = int(row_starts[-1])
    low, high, place = np.empty(n_pairs, np.int32), np.empty(n_pairs, np.int32), np.empty(n_pairs, np.int64)
    _list_pairs(labels.shape[0], labels, reach, row_starts, low, high, place, grain=grain)
    edges, starts, sorted_place = (
        np.empty((n_pairs, 2), np.int32),
        np.zeros(n_pairs + 1, np.int64),
        np.empty_like(place),
    )
    n_edges = _sort_pairs(low, high, place, n, sorted_place, edges, starts)
    edges, starts = edges[:n_edges].copy(), starts[: n_edges + 1].copy()

    strength = np.zeros(n_edges)
    if boundary is not None:
        boundary = check.as_array(name, "boundary", boundary, ndim=(2, 3), finite=True)
        if boundary.shape[-2:] != labels.shape:
            expected = f"{labels.shape} or {('D', *labels.shape)}".replace("'", "")
            raise ValueError(f"{name}: boundary must have shape {expected}, got {boundary.shape}")
        boundary = boundary.reshape(-1, *labels.shape)
        _average_strengths(n_edges, sorted_place, starts, boundary, strength, grain=chunk_size(500))

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
    return RegionGraph(edges, np.diff(starts), strength, area, sums, histograms)


def _as_planes(function, name, array, shape):
    """(H, W) or (H, W, C) as (H, W, C)."""
    if array.shape[:2] != shape:
        raise ValueError(f"{function}: {name} must have shape {shape} or {(*shape, 'C')}, got {array.shape}")
    return array.reshape(*shape, -1 if array.ndim == 3 else 1)
