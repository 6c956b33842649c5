"""Merging of small regions, each into the neighbour that it resembles most.

Regions are taken in ascending order of their size. One that is still too small when its turn comes is united with
the neighbour whose mean features are nearest to its own, and hands on its pixels, its sums and its neighbours.

Time O(H W) for the neighbourhoods; a small region looks at each neighbour once.
"""

import numpy as np

from . import _validate as check
from ._jit import EXACT, ORDERED, kernel
from ._sets import root
from .region_adjacency import region_adjacency


@kernel(fastmath=ORDERED)
def _merge(order, edges, min_size, sizes, sums, parents):
    """Unite the small regions; `parents` becomes the root of each.

    Requires: edges (E, 2) of different regions, each once; parents[i] = i.
    """
    n, n_features = sums.shape
    # Each region's neighbours are a linked list of half edges, so that uniting two lists costs nothing.
    first, last = np.full(n, -1, np.int64), np.full(n, -1, np.int64)
    following = np.full(2 * edges.shape[0], -1, np.int64)
    for half in range(2 * edges.shape[0]):
        region = edges[half >> 1, half & 1]
        if first[region] < 0:
            first[region] = half
        else:
            following[last[region]] = half
        last[region] = half
    for region in order:
        if parents[region] != region or sizes[region] >= min_size:
            continue
        best, least = np.int64(-1), np.inf
        half = first[region]
        while half >= 0:
            other = root(parents, edges[half >> 1, 1 - (half & 1)])
            if other != region:
                distance = 0.0
                for k in range(n_features):
                    difference = sums[region, k] / sizes[region] - sums[other, k] / sizes[other]
                    distance += difference * difference
                if distance < least or (distance == least and other < best):
                    best, least = other, distance
            half = following[half]
        if best < 0:
            continue
        parents[region] = best
        sizes[best] += sizes[region]
        for k in range(n_features):
            sums[best, k] += sums[region, k]
        if first[best] < 0:
            first[best] = first[region]
        else:
            following[last[best]] = first[region]
        last[best] = last[region]
    for region in range(n):
        parents[region] = root(parents, region)


def merge_small(labels, features, min_size):
    """Merge regions of fewer than `min_size` pixels into their most similar neighbours.

    Parameters
    ----------
    labels : (H, W) array of int
        Regions counted from 0; pixels below 0 belong to none and are left alone.
    features : (H, W, C) or (H, W) array of float
        Similar is what is near in the mean of these.
    min_size : int
        In pixels. A region without neighbours stays, however small.

    Returns
    -------
    (H, W) int32 array
        Regions counted from 0 without gaps, in raster order of their first pixels.

    Raises
    ------
    TypeError, ValueError
        If shapes do not fit together, or a feature is not finite.
    """
    labels = check.as_labels("merge_small", "labels", labels)
    features = check.as_array("merge_small", "features", features, ndim=(2, 3), finite=True)
    if features.shape[:2] != labels.shape:
        raise ValueError(f"merge_small: features must have shape {(*labels.shape, 'C')}, got {features.shape}")
    min_size = check.integer("merge_small", "min_size", min_size, low=0)
    graph = region_adjacency(labels, features)
    if len(graph.area) == 0:
        return labels.copy()
    parents = np.arange(len(graph.area))
    if min_size > 1:
        order = np.argsort(graph.area, kind="stable")
        _merge(order, graph.edges, min_size, graph.area, graph.sums, parents)
    merged = np.where(labels >= 0, parents[labels], -1)
    return number_in_order(merged)


@kernel(fastmath=EXACT)
def _number(labels, numbers, out):
    count = 0
    for p in range(labels.size):
        region = labels[p]
        if region < 0:
            out[p] = -1
            continue
        if numbers[region] < 0:
            numbers[region] = count
            count += 1
        out[p] = numbers[region]


def number_in_order(labels):
    """Labels counted from 0 without gaps, in raster order of first pixels; negative ones become -1."""
    labels = np.ascontiguousarray(labels, dtype=np.int32)
    out = np.empty_like(labels)
    _number(labels.reshape(-1), np.full(int(labels.max(initial=-1)) + 1, -1, np.int32), out.reshape(-1))
    return out
