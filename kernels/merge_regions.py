"""Greedy hierarchical merging of regions: always the two neighbours that differ least.

The cost of a boundary between regions a and b is a weighted sum of

==============  =================================================================================
``color``       |mean(a) - mean(b)|, the distance of their mean channels
``ward``        |a| |b| / (|a| + |b|) |mean(a) - mean(b)|**2: what uniting them adds to the sum of squares
``boundary``    the mean strength of their common boundary
``histogram``   1/2 sum (g - h)**2 / (g + h) of their histograms g, h with sum 1, averaged over the sets of bins
==============  =================================================================================

multiplied by (min(|a|, |b|) / |all|)**area_exponent, which lets small regions go first. Uniting two regions adds up
their pixels, sums, histograms and boundaries, so that the cost of any pair is always that of its actual regions.

The boundaries stand in a binary heap in which each knows its place (Cormen et al., "Introduction to Algorithms",
section 6.5), in a hash table by the regions that they divide, and those of one region in a linked list. The smaller of
two regions hands its boundaries over to the larger. With `growth` 0, all boundaries of a united region have their costs
computed anew. One with many small neighbours, such as a sky, would do so at each of many merges; with `growth` g it
does so once it has grown by this part, and in between for boundaries that are new or longer.

Ward (1963); for boundaries: Arbelaez, Maire, Fowlkes and Malik, "Contour detection and hierarchical image
segmentation", IEEE PAMI 33(5), 2011, section 4.

Time O(sum over merges of the united region's neighbours * log E), with `growth` of the smaller region's, and of the
united region's each time its area is multiplied by 1 + g; memory O(N + E).
"""

from typing import NamedTuple

import numpy as np

from . import _validate as check
from ._jit import ORDERED, helper, kernel
from .region_adjacency import RegionGraph

CRITERIA = ("color", "ward", "boundary", "histogram")


class Merges(NamedTuple):
    """The merges of N regions, in order, as `merge_regions` gives them.

    Attributes
    ----------
    pairs : (M, 2) int32
        What each merge unites: regions below N, or the results of earlier merges, that of number i being N + i.
        M is N less the number of connected parts of the graph.
    heights : (M,) float64
        Cost of each merge, or of a costlier one before it: never descending.
    n_regions : int
        N.
    """

    pairs: np.ndarray
    heights: np.ndarray
    n_regions: int

    def cut(self, n_regions=None, threshold=None):
        """The united region of each region, with merges undone.

        Parameters
        ----------
        n_regions : int, optional
            At most so many united regions; more only where the graph has more connected parts.
        threshold : float, optional
            Undo the merges at this height and above. Give one of the two.

        Returns
        -------
        (N,) int32 array
            United regions counted from 0 by their first region; ``cut(...)[labels]`` is the label map.
        """
        if (n_regions is None) == (threshold is None):
            raise TypeError("Merges.cut: give either n_regions or threshold")
        if n_regions is not None:
            n_regions = check.integer("Merges.cut", "n_regions", n_regions, low=1)
            count = max(0, min(len(self.pairs), self.n_regions - n_regions))
        else:
            threshold = check.real("Merges.cut", "threshold", threshold)
            count = int(np.searchsorted(self.heights, threshold))
        united = np.empty(self.n_regions + count, np.int32)
        _number_united(self.pairs, count, self.n_regions, united)
        return united[: self.n_regions]

    def separation(self, edges):
        """The height at which the regions of each of `edges` (E, 2) come together; infinity where they never do."""
        edges = check.as_labels("Merges.separation", "edges", edges)
        heights = np.empty(len(edges))
        _separations(self.pairs, self.heights, self.n_regions, edges, heights)
        return heights


@kernel
def _number_united(pairs, count, n, united):
    """For regions and merges below n + count the number of the united region that they are part of."""
    parent = np.arange(n + count)
    for i in range(count):
        parent[pairs[i, 0]] = parent[pairs[i, 1]] = n + i
    for node in range(n + count - 1, -1, -1):
        parent[node] = parent[parent[node]]  # a parent comes later than its parts, and is settled already
    number = np.full(n + count, -1, np.int32)
    found = 0
    for region in range(n):
        root = parent[region]
        if number[root] < 0:
            number[root] = found
            found += 1
        united[region] = number[root]


@kernel
def _separations(pairs, heights, n, edges, out):
    parent = np.full(n + heights.size, -1, np.int64)
    for i in range(heights.size):
        parent[pairs[i, 0]] = parent[pairs[i, 1]] = n + i
    for e in range(edges.shape[0]):
        a, b = np.int64(edges[e, 0]), np.int64(edges[e, 1])
        while a != b and a >= 0 and b >= 0:  # the earlier node cannot hold the later one
            if a < b:
                a = parent[a]
            else:
                b = parent[b]
        out[e] = heights[a - n] if a == b and a >= n else (np.inf if a != b else 0.0)


# The heap: `heap` lists edges, the cheapest first; `place` tells where each edge stands, -1 if it does not.


@helper
def _before(cost, e, f):
    return cost[e] < cost[f] or (cost[e] == cost[f] and e < f)


@helper
def _settle(heap, place, cost, size, e, p):
    """Put edge `e` where it belongs, from place `p`, which is free."""
    while p > 0 and _before(cost, e, heap[(p - 1) // 2]):
        heap[p] = heap[(p - 1) // 2]
        place[heap[p]] = p
        p = (p - 1) // 2
    while 2 * p + 1 < size:
        child = 2 * p + 1
        if child + 1 < size and _before(cost, heap[child + 1], heap[child]):
            child += 1
        if not _before(cost, heap[child], e):
            break
        heap[p] = heap[child]
        place[heap[p]] = p
        p = child
    heap[p] = e
    place[e] = p


@helper
def _remove(heap, place, cost, size, e):
    """Take edge `e` out; returns the size that is left."""
    size -= 1
    p, last = place[e], heap[size]
    place[e] = -1
    if last != e:
        _settle(heap, place, cost, size, last, p)
    return size


# The table: `slots` holds edges by their ends, -1 where it is free; it is at most half full. Linear probing, and
# algorithm R for taking out: Knuth, "The Art of Computer Programming" 3, section 6.4.


@helper
def _home(slots, a, b):
    mixed = min(a, b) * 73856093 ^ max(a, b) * 19349663
    return (mixed ^ mixed >> 15) & (slots.size - 1)


@helper
def _slot(slots, ends, a, b):
    """Where the edge between a and b stands; a free place if there is none."""
    i = _home(slots, a, b)
    while slots[i] >= 0:
        first, second = ends[slots[i], 0], ends[slots[i], 1]
        if (first == a and second == b) or (first == b and second == a):
            break
        i = (i + 1) & (slots.size - 1)
    return i


@helper
def _vacate(slots, ends, i):
    """Free a slot, and move up those that have been pushed away from it."""
    j, mask = i, slots.size - 1
    while True:
        j = (j + 1) & mask
        if slots[j] < 0:
            break
        home = _home(slots, ends[slots[j], 0], ends[slots[j], 1])
        if (j - home) & mask >= (j - i) & mask:
            slots[i] = slots[j]
            i = j
    slots[i] = -1


@helper
def _distance(g, per_g, h, per_h):
    total = 0.0
    for i in range(g.size):
        x, y = g[i] * per_g, h[i] * per_h
        total += (x - y) * (x - y) / max(x + y, 1e-300)  # 0 where both are 0
    return total


@helper(fastmath=ORDERED)
def _cost(a, b, strength, weights, exponent, total, area, sums, histograms):
    """Cost of the boundary between a and b."""
    color, ward, boundary, texture = weights
    cost = boundary * strength
    n_a, n_b = float(area[a]), float(area[b])
    if color != 0 or ward != 0:
        square = 0.0
        for k in range(sums.shape[1]):
            difference = sums[a, k] / n_a - sums[b, k] / n_b
            square += difference * difference
        cost += color * np.sqrt(square) + ward * square * (n_a * n_b / (n_a + n_b))
    if texture != 0:
        distance = 0.0
        for k in range(histograms.shape[1]):
            distance += _distance(histograms[a, k], 1 / n_a, histograms[b, k], 1 / n_b)
        cost += texture * 0.5 * distance / histograms.shape[1]
    if exponent != 0:
        cost *= (min(n_a, n_b) / total) ** exponent
    return cost


@kernel(fastmath=ORDERED)
def _merge(ends, length, strength, weights, exponent, growth, area, sums, histograms, pairs, heights):
    """Merge until nothing touches. Returns the number of merges.

    All arrays but the last two, which are the result, are worked upon and hold nothing of use afterwards.

    Requires: ends (E, 2) of different regions, each pair once; the area of every end is not 0.
    """
    n, n_edges = area.size, ends.shape[0]
    total = float(area.sum())
    # Half edge 2 e + k belongs to end k of edge e.
    first, last, following = np.full(n, -1, np.int64), np.full(n, -1, np.int64), np.full(2 * n_edges, -1, np.int64)
    cost, heap, place = np.empty(n_edges), np.empty(n_edges, np.int64), np.empty(n_edges, np.int64)
    capacity = 2
    while capacity < 2 * n_edges:
        capacity *= 2
    slots = np.full(capacity, -1, np.int64)
    for e in range(n_edges):
        for k in range(2):
            region = ends[e, k]
            if first[region] < 0:
                last[region] = 2 * e + k
            following[2 * e + k] = first[region]
            first[region] = 2 * e + k
        slots[_slot(slots, ends, ends[e, 0], ends[e, 1])] = e
        cost[e] = _cost(ends[e, 0], ends[e, 1], strength[e], weights, exponent, total, area, sums, histograms)
        _settle(heap, place, cost, e, e, e)
    node = np.arange(n)  # what each region has become part of
    known = area.astype(np.float64)  # when all of its costs were last computed
    size, count, height = n_edges, 0, -np.inf
    while size > 0:
        e = heap[0]
        a, b = ends[e, 0], ends[e, 1]
        if area[a] < area[b]:
            a, b = b, a
        size = _remove(heap, place, cost, size, e)
        _vacate(slots, ends, _slot(slots, ends, a, b))
        height = max(height, cost[e])
        pairs[count, 0], pairs[count, 1] = min(node[a], node[b]), max(node[a], node[b])
        heights[count] = height
        node[a] = n + count
        count += 1
        area[a] += area[b]
        for k in range(sums.shape[1]):
            sums[a, k] += sums[b, k]
        for k in range(histograms.shape[1]):
            for i in range(histograms.shape[2]):
                histograms[a, k, i] += histograms[b, k, i]

        grown = area[a] > (1 + growth) * known[a]
        # Region a takes over b's edges; those to a common neighbour become one.
        half = first[b]
        while half >= 0:
            after, e = following[half], half >> 1
            if place[e] >= 0:
                other = ends[e, 1 - (half & 1)]
                _vacate(slots, ends, _slot(slots, ends, b, other))
                slot = _slot(slots, ends, a, other)
                same = slots[slot]
                if same >= 0:
                    joint = length[same] + length[e]
                    strength[same] = (strength[same] * length[same] + strength[e] * length[e]) / joint
                    length[same] = joint
                    size = _remove(heap, place, cost, size, e)
                else:
                    same = e
                    ends[e, half & 1] = a
                    slots[slot] = e
                    following[half] = -1
                    if first[a] < 0:
                        first[a] = half
                    else:
                        following[last[a]] = half
                    last[a] = half
                if not grown:
                    cost[same] = _cost(a, other, strength[same], weights, exponent, total, area, sums, histograms)
                    _settle(heap, place, cost, size, same, place[same])
            half = after
        if grown:
            known[a] = area[a]
            half, kept = first[a], np.int64(-1)
            while half >= 0:
                after, e = following[half], half >> 1
                if place[e] >= 0:  # edges that are gone leave the list
                    cost[e] = _cost(
                        ends[e, 0], ends[e, 1], strength[e], weights, exponent, total, area, sums, histograms
                    )
                    _settle(heap, place, cost, size, e, place[e])
                    if kept < 0:
                        last[a] = half
                    following[half] = kept
                    kept = half
                half = after
            first[a] = kept
    return count


def merge_regions(graph, criterion="color", *, area_exponent=0.0, growth=0.0):
    """Merge regions hierarchically, always the two neighbours that differ least.

    Parameters
    ----------
    graph : RegionGraph
        From `region_adjacency`, made with the `image`, `boundary` or `bins` that the criterion looks at.
    criterion : {"color", "ward", "boundary", "histogram"} or dict of these to float
        What makes regions differ: one of them, or weights of several, which are added up.
    area_exponent : float
        At least 0. The greater, the sooner small regions are merged.
    growth : float
        At least 0. A united region is compared with all of its neighbours anew once it has grown by this part since it
        was the last time; 0 for always, which takes long where regions have thousands of neighbours.

    Returns
    -------
    Merges
        Every number of regions can be cut from it.

    Raises
    ------
    TypeError, ValueError
        If a criterion is unknown, its weight negative, or the graph made without what it looks at.

    Notes
    -----
    ``merge_regions(region_adjacency(labels, image, connectivity=2)).cut(threshold=t)`` gives the regions of
    `skimage.graph.merge_hierarchical` with mean colours and thresh=t.
    """
    name = "merge_regions"
    if not isinstance(graph, RegionGraph):
        raise TypeError(f"{name}: graph must be a RegionGraph, got {type(graph).__name__}")
    if not isinstance(criterion, dict):
        criterion = {check.one_of(name, "criterion", criterion, CRITERIA): 1.0}
    for key in criterion:
        check.one_of(name, "criterion", key, CRITERIA)
    weights = tuple(check.real(name, f"weight of {k!r}", criterion.get(k, 0.0), low=0) for k in CRITERIA)
    exponent = check.real(name, "area_exponent", area_exponent, low=0)
    growth = check.real(name, "growth", growth, low=0)
    needs = {"image": (weights[0] or weights[1], graph.sums.shape[1]), "bins": (weights[3], graph.histograms.shape[1])}
    for what, (is_needed, given) in needs.items():
        if is_needed and not given:
            raise ValueError(f"{name}: this criterion needs a graph made with {what}, got one without")
    n, n_edges = len(graph.area), len(graph.edges)
    pairs, heights = np.empty((max(0, n - 1), 2), np.int32), np.empty(max(0, n - 1))
    count = _merge(
        graph.edges.copy(), graph.length.copy(), graph.strength.copy(), weights, exponent, growth, graph.area.copy(),
        graph.sums.copy(), graph.histograms.copy(), pairs, heights,
    ) if n_edges else 0  # fmt: skip
    return Merges(pairs[:count], heights[:count], n)
