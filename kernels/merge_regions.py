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
section 6.5), those of one region in a linked list of half edges. Ward (1963); for boundaries: Arbelaez, Maire, Fowlkes
and Malik, "Contour detection and hierarchical image segmentation", IEEE PAMI 33(5), 2011, section 4.

Time O(sum over merges of the united region's neighbours * log E); memory O(N + E).
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
            for i in range(histograms.shape[2]):
                g, h = histograms[a, k, i] / n_a, histograms[b, k, i] / n_b
                if g + h > 0:
                    distance += (g - h) * (g - h) / (g + h)
        cost += texture * 0.5 * distance / histograms.shape[1]
    if exponent != 0:
        cost *= (min(n_a, n_b) / total) ** exponent
    return cost


@kernel(fastmath=ORDERED)
def _merge(ends, length, strength, weights, exponent, area, sums, histograms, pairs, heights):
    """Merge until nothing touches. Returns the number of merges.

    All arrays but the last two, which are the result, are worked upon and hold nothing of use afterwards.

    Requires: ends (E, 2) of different regions, each pair once; the area of every end is not 0.
    """
    n, n_edges = area.size, ends.shape[0]
    total = float(area.sum())
    first, following = np.full(n, -1, np.int64), np.empty(2 * n_edges, np.int64)
    for half in range(2 * n_edges):  # half edge 2 e + k belongs to end k of edge e
        region = ends[half >> 1, half & 1]
        following[half] = first[region]
        first[region] = half
    cost, heap, place = np.empty(n_edges), np.empty(n_edges, np.int64), np.empty(n_edges, np.int64)
    for e in range(n_edges):
        cost[e] = _cost(ends[e, 0], ends[e, 1], strength[e], weights, exponent, total, area, sums, histograms)
        _settle(heap, place, cost, e, e, e)
    node = np.arange(n)  # what each region has become part of
    edge_to = np.full(n, -1, np.int64)
    size, count, height = n_edges, 0, -np.inf
    while size > 0:
        e = heap[0]
        a, b = ends[e, 0], ends[e, 1]
        size = _remove(heap, place, cost, size, e)
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

        # Region a takes over b's edges. Those to a common neighbour become one; edges that are gone leave the list.
        half, kept = first[a], np.int64(-1)
        while half >= 0:
            after = following[half]
            if place[half >> 1] >= 0:
                edge_to[ends[half >> 1, 1 - (half & 1)]] = half >> 1
                following[half] = kept
                kept = half
            half = after
        half = first[b]
        while half >= 0:
            after, e = following[half], half >> 1
            if place[e] >= 0:
                other = ends[e, 1 - (half & 1)]
                same = edge_to[other]
                if same >= 0:
                    joint = length[same] + length[e]
                    strength[same] = (strength[same] * length[same] + strength[e] * length[e]) / joint
                    length[same] = joint
                    size = _remove(heap, place, cost, size, e)
                else:
                    ends[e, half & 1] = a
                    following[half] = kept
                    kept = half
            half = after
        first[a] = half = kept
        while half >= 0:
            e = half >> 1
            edge_to[ends[e, 1 - (half & 1)]] = -1
            new = _cost(ends[e, 0], ends[e, 1], strength[e], weights, exponent, total, area, sums, histograms)
            if new != cost[e]:
                cost[e] = new
                _settle(heap, place, cost, size, e, place[e])
            half = following[half]
    return count


def merge_regions(graph, criterion="color", *, area_exponent=0.0):
    """Merge regions hierarchically, always the two neighbours that differ least.

    Parameters
    ----------
    graph : RegionGraph
        From `region_adjacency`, made with the `image`, `boundary` or `bins` that the criterion looks at.
    criterion : {"color", "ward", "boundary", "histogram"} or dict of these to float
        What makes regions differ: one of them, or weights of several, which are added up.
    area_exponent : float
        At least 0. The greater, the sooner small regions are merged.

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
        criterion = {criterion: 1.0}
    for key in criterion:
        check.one_of(name, "criterion", key, CRITERIA)
    weights = tuple(check.real(name, f"weight of {k!r}", criterion.get(k, 0.0), low=0) for k in CRITERIA)
    exponent = check.real(name, "area_exponent", area_exponent, low=0)
    needs = {"image": (weights[0] or weights[1], graph.sums.shape[1]), "bins": (weights[3], graph.histograms.shape[1])}
    for what, (is_needed, given) in needs.items():
        if is_needed and not given:
            raise ValueError(f"{name}: this criterion needs a graph made with {what}, got one without")
    n, n_edges = len(graph.area), len(graph.edges)
    pairs, heights = np.empty((max(0, n - 1), 2), np.int32), np.empty(max(0, n - 1))
    count = _merge(
        graph.edges.copy(), graph.length.copy(), graph.strength.copy(), weights, exponent, graph.area.copy(),
        graph.sums.copy(), graph.histograms.copy(), pairs, heights,
    ) if n_edges else 0  # fmt: skip
    return Merges(pairs[:count], heights[:count], n)
