"""One-to-one matching of boundary pixels within a distance, as many as possible.

Pixels of two boundary maps that are no farther apart than `max_distance` are the edges of a bipartite graph. Each pixel
takes the nearest free one, all pairs in ascending order of their distance; then the algorithm of Hopcroft and Karp ("An
n^(5/2) algorithm for maximum matchings in bipartite graphs", SIAM J. Computing 2 (1973) 225-231, section 2) makes the
matching as large as any can be, by rounds of shortest augmenting paths. A pixel that has a partner keeps one.

This is how Martin, Fowlkes and Malik, "Learning to detect natural image boundaries using local brightness, color, and
texture cues", IEEE PAMI 26(5), 2004, section 3.2, score boundaries, but for their matching of least total distance.
Time O(E sqrt(V)) in the worst case, and a few passes over the E edges in practice; memory O(H W + E).
"""

import numpy as np

from . import _validate as check
from ._jit import EXACT, helper
from ._parallel import chunked


@helper(fastmath=EXACT, allocates=True)
def _edges(pixels, numbers, offsets):
    """The edges of all pixels: those of pixel k, nearest first, are ends[first[k]:first[k + 1]].

    Requires: numbers (flat) has -1 where there is no pixel, and a border of those as wide as any offset.
    """
    first = np.zeros(pixels.size + 1, np.int64)
    for k in range(pixels.size):
        degree = 0
        for offset in offsets:
            degree += numbers[pixels[k] + offset] >= 0
        first[k + 1] = first[k] + degree
    ends = np.empty(first[-1], np.int32)
    for k in range(pixels.size):
        edge = first[k]
        for offset in offsets:
            number = numbers[pixels[k] + offset]
            if number >= 0:
                ends[edge] = number
                edge += 1
    return first, ends


@helper(fastmath=EXACT, allocates=True)
def _match_nearest(pixels, numbers, offsets, partners, owners):
    """Match what is free in ascending order of distance. Partners number the other map's pixels, owners these."""
    free, n_free = np.empty(pixels.size, np.int64), pixels.size
    for k in range(n_free):
        free[k] = k
    for offset in offsets:
        kept = 0
        for j in range(n_free):
            k = free[j]
            number = numbers[pixels[k] + offset]
            if number >= 0 and owners[number] < 0:
                partners[k], owners[number] = number, k
            else:
                free[kept] = k
                kept += 1
        n_free = kept


@helper(fastmath=EXACT)
def _layers(first, ends, partners, owners, level, queue):
    """Breadth first from the free pixels along alternating paths; returns whether any path augments."""
    filled = 0
    for k in range(partners.size):
        level[k] = -1
        if partners[k] < 0 and first[k] < first[k + 1]:
            level[k] = 0
            queue[filled] = k
            filled += 1
    done, last = 0, partners.size
    while done < filled and level[queue[done]] <= last:
        k = queue[done]
        done += 1
        for edge in range(first[k], first[k + 1]):
            owner = owners[ends[edge]]
            if owner < 0:
                last = level[k]  # paths are as short as can be: no deeper layer is needed
            elif level[owner] < 0:
                level[owner] = level[k] + 1
                queue[filled] = owner
                filled += 1
    return last < partners.size


@helper(fastmath=EXACT)
def _augment(root, first, ends, partners, owners, level, following, path):
    """Depth first along the layers from a free pixel; turns the path over where it ends at a free one."""
    path[0], depth = root, 0
    while depth >= 0:
        k = path[depth]
        if following[k] == first[k + 1]:
            level[k] = -1  # a dead end for all others, too
            depth -= 1
            continue
        end = ends[following[k]]
        following[k] += 1
        owner = owners[end]
        if owner < 0:
            for step in range(depth, -1, -1):
                k = path[step]
                end = ends[following[k] - 1]
                partners[k], owners[end] = end, k
            return
        if level[owner] == level[k] + 1:
            depth += 1
            path[depth] = owner


@chunked(fastmath=EXACT)
def _match(lo, hi, boundaries, n_found, numbers, n_truth, offsets, counts):
    """Requires: boundaries (T, P) bool with n_found (T,) pixels; numbers (A, P) int32, the n_truth (A,) pixels of each
    truth counted from 0, else -1; both with a border of none as wide as any of the flat offsets, which come in
    ascending order of their distance. counts (T, 4) zeros."""
    for t in range(lo, hi):
        n = n_found[t]
        pixels, matched = np.empty(n, np.int64), np.zeros(n, np.bool_)
        partners, level, following = np.empty(n, np.int64), np.empty(n, np.int64), np.empty(n, np.int64)
        queue, path = np.empty(n, np.int64), np.empty(n, np.int64)
        k = 0
        for p in range(boundaries.shape[1]):
            if boundaries[t, p]:
                pixels[k] = p
                k += 1
        for a in range(numbers.shape[0]):
            owners = np.empty(n_truth[a], np.int64)
            for k in range(owners.size):
                owners[k] = -1
            for k in range(n):
                partners[k] = -1
            _match_nearest(pixels, numbers[a], offsets, partners, owners)
            first, ends = _edges(pixels, numbers[a], offsets)
            while _layers(first, ends, partners, owners, level, queue):
                for k in range(n):
                    following[k] = first[k]
                for k in range(n):
                    if partners[k] < 0 and level[k] == 0:
                        _augment(k, first, ends, partners, owners, level, following, path)
            for k in range(n):
                if partners[k] >= 0:
                    counts[t, 0] += 1
                    matched[k] = True
            counts[t, 1] += n_truth[a]
        for k in range(n):
            counts[t, 2] += matched[k]
        counts[t, 3] = n


def match_boundaries(boundaries, truths, max_distance):
    """Count the boundary pixels that lie where true ones do, each used once.

    Parameters
    ----------
    boundaries : (T, H, W) array of bool
        T boundary maps of one picture, thin ones.
    truths : (A, H, W) array of bool
        What A people drew.
    max_distance : float
        How far apart matched pixels may be, in pixels.

    Returns
    -------
    (T, 4) int64 array
        For each map: true pixels matched, true pixels (both summed over people), own pixels matched by any of the
        people's, own pixels.

    Raises
    ------
    TypeError, ValueError
        If shapes do not fit together, or `max_distance` is negative or not finite.
    """
    boundaries = check.as_array("match_boundaries", "boundaries", boundaries, dtypes=(np.bool_,), ndim=3, empty=True)
    shape = (None, *boundaries.shape[1:])
    truths = check.as_array("match_boundaries", "truths", truths, dtypes=(np.bool_,), shape=shape, empty=True)
    max_distance = check.real("match_boundaries", "max_distance", max_distance, low=0)
    reach = min(int(max_distance), max(shape[1:]))
    height, width = shape[1] + 2 * reach, shape[2] + 2 * reach
    border = ((0, 0), (reach, reach), (reach, reach))
    boundaries = np.pad(boundaries, border).reshape(-1, height * width)
    truths = np.pad(truths, border).reshape(-1, height * width)
    down, right = np.mgrid[-reach : reach + 1, -reach : reach + 1].reshape(2, -1)
    distances = down**2 + right**2
    order = np.argsort(distances, kind="stable")
    order = order[distances[order] <= max_distance**2]
    offsets = down[order] * width + right[order]
    numbers = np.full(truths.shape, -1, np.int32)
    for number, truth in zip(numbers, truths, strict=True):
        number[truth] = np.arange(np.count_nonzero(truth))
    n_found, n_truth = np.count_nonzero(boundaries, axis=1), np.count_nonzero(truths, axis=1)
    counts = np.zeros((len(boundaries), 4), np.int64)
    _match(len(boundaries), boundaries, n_found, numbers, n_truth, offsets, counts, grain=1)
    return counts
