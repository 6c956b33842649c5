"""Merging of small regions, each into the neighbour that it resembles most.

Regions are taken in ascending order of their size. One that is still too small when its turn comes is united with
the neighbour whose mean features are nearest to its own, and hands on its pixels, its sums and its neighbours.

Time O(H W) for the neighbourhoods and O(E log E) for their E edges; a small region looks at each neighbour once.
"""

import numpy as np

from . import _validate as check
from ._jit import EXACT, ORDERED, helper, kernel


@kernel(fastmath=EXACT)
def _touching_pairs(labels, n, pairs):
    """Pairs a * n + b, a < b, of regions that share an edge of a pixel; some of them often. Returns their number."""
    height, width = labels.shape
    count = 0
    for r in range(height):
        last_right = last_down = np.int64(-1)
        for c in range(width):
            mine = np.int64(labels[r, c])
            if c + 1 < width and labels[r, c + 1] != mine:
                other = np.int64(labels[r, c + 1])
                pair = min(mine, other) * n + max(mine, other)
                if pair != last_right and min(mine, other) >= 0:
                    pairs[count] = pair
                    count += 1
                    last_right = pair
            if r + 1 < height and labels[r + 1, c] != mine:
                other = np.int64(labels[r + 1, c])
                pair = min(mine, other) * n + max(mine, other)
                if pair != last_down and min(mine, other) >= 0:
                    pairs[count] = pair
                    count += 1
                    last_down = pair
    return count


@kernel(fastmath=ORDERED)
def _region_sums(labels, features, sizes, sums):
    """Pixels of each region and the sums of their features (P, C), in order."""
    for p in range(labels.size):
        region = labels[p]
        if region >= 0:
            sizes[region] += 1
            for k in range(features.shape[1]):
                sums[region, k] += features[p, k]


@helper
def _root(parents, region):
    while parents[region] != region:
        parents[region] = parents[parents[region]]
        region = parents[region]
    return region


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
            other = _root(parents, edges[half >> 1, 1 - (half & 1)])
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
        parents[region] = _root(parents, region)


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
    n = int(labels.max(initial=-1)) + 1
    if n == 0:
        return labels.copy()
    sizes, sums = np.zeros(n, np.int64), np.zeros((n, features[0, 0].size))
    _region_sums(labels.reshape(-1), features.reshape(labels.size, -1), sizes, sums)
    parents = np.arange(n)
    if min_size > 1 and n > 1:
        pairs = np.empty(2 * labels.size, np.int64)
        pairs = np.unique(pairs[: _touching_pairs(labels, n, pairs)])
        edges = np.stack([pairs // n, pairs % n], axis=1)
        _merge(np.argsort(sizes, kind="stable"), edges, min_size, sizes, sums, parents)
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
