"""DBSCAN: clusters are where points lie dense.

Ester, Kriegel, Sander and Xu, "A density-based algorithm for discovering clusters in large spatial databases with
noise", KDD 1996, section 3: a core point has at least `min_samples` points, itself included, within `eps`. Core
points within `eps` of each other belong to one cluster; a point that is no core but within `eps` of one is at the
border of its cluster; all else is noise.

The points are put into a tree of cliques (`_cliques.py`). Nothing but the partition of the core points depends on
pairs of these, so that a clique's core points are one cluster to begin with, and of two cliques that belong together
already, or of which one pair lies within `eps`, no other pair is looked at (as the cells of Gunawan, "A faster
algorithm for DBSCAN", 2013, chapter 3). No neighbourhood is ever written down: memory is linear, however dense the
points.

Clusters are joined by all threads at once, in a forest of disjoint sets whose roots are their first points: whichever
thread comes first, the sets and their roots are the same in the end (Jayanti and Tarjan, "Concurrent disjoint set
union", Distributed Computing 34, 2021, section 3, linked by number).

Time O(N (C log N + m)) where m counts the points of the leaves around a point, memory about 8 C + 50 bytes a point.
"""

import numpy as np

from ._bits import bit_count, trailing_zeros
from ._cliques import build, greatest_to_box, least_to_box, leaves_within, neighbours_of
from ._jit import EXACT, helper, kernel
from ._parallel import atomic_replace, chunked
from ._sets import root
from ._simd import lanes
from ._validate import as_array, integer, real

_ONE = np.uint64(1)
_LARGEST = 1e150
_GRAIN = 32  # leaves


@helper(fastmath=EXACT)
def _is_core(tree, p, leaf, found, n, reach, min_samples):
    """Whether point p of a leaf has so many points around, in the n leaves found."""
    points, step, count = tree.points, lanes(tree.points), 0
    for i in range(n):
        other = found[i]
        first, last = tree.starts[other], tree.starts[other + 1]
        box = tree.boxes[tree.leaf_nodes[other]]
        if other == leaf and tree.is_clique[leaf]:
            count += last - first
        elif least_to_box(points, p, box) <= reach:
            if greatest_to_box(points, p, box) <= reach:
                count += last - first
            else:
                while first < last and count < min_samples:
                    count += bit_count(neighbours_of(points, p, first, last, reach))
                    first += step
        if count >= min_samples:
            return True
    return False


@chunked(fastmath=EXACT)
def _find_core(lo, hi, tree, reach, min_samples, is_core, parents, first_core):
    """Which points of leaves lo..hi-1 are core; the first of each leaf, or -1. A clique's are joined to its first."""
    found, stack = np.empty(tree.leaf_nodes.size, np.int32), np.empty(tree.stack_size, np.int32)
    for leaf in range(lo, hi):
        first, last, clique = tree.starts[leaf], tree.starts[leaf + 1], tree.is_clique[leaf]
        dense = clique and last - first >= min_samples
        n = 0 if dense else leaves_within(tree, leaf, reach, stack, found)
        first_core[leaf] = -1
        for p in range(first, last):
            is_core[p] = dense or _is_core(tree, p, leaf, found, n, reach, min_samples)
            parents[p] = p
            if is_core[p]:
                if first_core[leaf] < 0:
                    first_core[leaf] = p
                if clique:
                    parents[p] = first_core[leaf]


@helper
def _join(parents, a, b):
    """Unite two sets, whatever other threads do; the first root becomes the root of both."""
    while True:
        a, b = root(parents, a), root(parents, b)
        if a == b:
            return
        if a < b:
            a, b = b, a
        if atomic_replace(parents, a, a, b):
            return


@helper(fastmath=EXACT)
def _join_point(tree, p, other, reach, is_core, parents, first_core):
    """Unite core point p with what it is near to in another leaf. Returns whether it was near to anything."""
    points, step = tree.points, lanes(tree.points)
    if least_to_box(points, p, tree.boxes[tree.leaf_nodes[other]]) > reach:
        return False
    near = False
    first, last = max(tree.starts[other], first_core[other]), tree.starts[other + 1]
    for i in range(first, last, step):
        bits = neighbours_of(points, p, i, last, reach)
        while bits != 0:
            q = i + trailing_zeros(bits)
            bits &= bits - _ONE
            if is_core[q]:
                near = True
                _join(parents, p, q)
                if tree.is_clique[other]:
                    return True
    return near


@chunked(fastmath=EXACT)
def _join_leaves(lo, hi, tree, near, reach, is_core, parents, first_core):
    """Unite core points of leaves lo..hi-1 with those of earlier leaves whose boxes lie within `near`."""
    found, stack = np.empty(tree.leaf_nodes.size, np.int32), np.empty(tree.stack_size, np.int32)
    for leaf in range(lo, hi):
        if first_core[leaf] < 0:
            continue
        for i in range(leaves_within(tree, leaf, near, stack, found)):
            a, b = leaf, found[i]
            if b > a or first_core[b] < 0 or (a == b and tree.is_clique[a]):
                continue
            if tree.is_clique[a] and not tree.is_clique[b]:
                a, b = b, a
            for p in range(first_core[a], tree.starts[a + 1]):
                if not is_core[p]:
                    continue
                if tree.is_clique[b] and root(parents, p) == root(parents, first_core[b]):
                    joined = True
                else:
                    joined = _join_point(tree, p, b, reach, is_core, parents, first_core)
                if joined and tree.is_clique[a] and tree.is_clique[b]:
                    break


@kernel(fastmath=EXACT)
def _number(order, is_core, parents, clusters):
    """Number the clusters by their first points in the order of the input; -1 for what is no core.

    Returns how many there are.
    """
    place = np.empty(order.size, np.int32)
    for p in range(order.size):
        place[order[p]] = p
        clusters[p] = -1
    n = 0
    for i in range(order.size):
        p = np.int64(place[i])
        if is_core[p]:
            first = root(parents, p)
            if clusters[first] < 0:
                clusters[first] = n
                n += 1
            clusters[p] = clusters[first]
    return n


@helper(fastmath=EXACT)
def _first_cluster(tree, p, found, n, reach, is_core, first_core, clusters, n_clusters):
    """The first of the clusters around point p, which is no core, or -1."""
    points, step, best = tree.points, lanes(tree.points), n_clusters
    for i in range(n):
        other = found[i]
        if first_core[other] < 0 or least_to_box(points, p, tree.boxes[tree.leaf_nodes[other]]) > reach:
            continue
        if tree.is_clique[other] and clusters[first_core[other]] >= best:
            continue
        last = tree.starts[other + 1]
        for j in range(first_core[other], last, step):
            bits = neighbours_of(points, p, j, last, reach)
            while bits != 0:
                q = j + trailing_zeros(bits)
                bits &= bits - _ONE
                if is_core[q]:
                    best = min(best, clusters[q])
    return best if best < n_clusters else -1


@chunked(fastmath=EXACT)
def _label(lo, hi, tree, reach, is_core, first_core, clusters, n_clusters, labels):
    """Labels of the points of leaves lo..hi-1, in the order of the input."""
    found, stack = np.empty(tree.leaf_nodes.size, np.int32), np.empty(tree.stack_size, np.int32)
    for leaf in range(lo, hi):
        n = -1
        for p in range(tree.starts[leaf], tree.starts[leaf + 1]):
            cluster = np.int64(clusters[p])
            if not is_core[p]:
                if n < 0:
                    n = leaves_within(tree, leaf, reach, stack, found)
                cluster = _first_cluster(tree, p, found, n, reach, is_core, first_core, clusters, n_clusters)
            labels[tree.order[p]] = cluster


def dbscan(X, eps, *, min_samples=5):
    """Cluster points by their density.

    Parameters
    ----------
    X : (N, C) array
        N points of C features. All distances are computed in float64.
    eps : float
        Two points at most so far apart are neighbours.
    min_samples : int
        A point with so many neighbours, itself included, is a core point.

    Returns
    -------
    (N,) int32 array
        The cluster of each point, counted from 0 by first core points; -1 for noise.

    Raises
    ------
    TypeError, ValueError
        If `X` is empty, holds NaN, infinity or numbers beyond 1e150, or has more than 2**31 - 1 points; if `eps` is not
        greater than 0 or `min_samples` is less than 1.

    Notes
    -----
    As ``sklearn.cluster.DBSCAN``, whose labels these are. A point at the border of several clusters belongs to the
    first of them, whichever of their points is nearest.
    """
    X = as_array("dbscan", "X", X, ndim=2, finite=True)
    if max(-float(X.min()), float(X.max())) > _LARGEST:
        raise ValueError(f"dbscan: X must be at most {_LARGEST:g} in magnitude, for squares to be finite")
    if len(X) >= 2**31:
        raise ValueError(f"dbscan: X must have fewer than 2**31 points, got shape {X.shape}")
    eps = real("dbscan", "eps", eps, above=0, high=_LARGEST)
    min_samples = integer("dbscan", "min_samples", min_samples, low=1)
    reach = eps * eps
    tree = build(X, reach)
    n_points, n_leaves = len(X), len(tree.leaf_nodes)
    is_core, parents = np.empty(n_points, np.bool_), np.empty(n_points, np.int64)
    first_core = np.empty(n_leaves, np.int32)
    _find_core(n_leaves, tree, reach, min_samples, is_core, parents, first_core, grain=_GRAIN)
    # Nearest leaves first: those farther apart belong together already, most of them.
    for near in (reach / 16, reach):
        _join_leaves(n_leaves, tree, near, reach, is_core, parents, first_core, grain=_GRAIN)
    clusters, labels = np.empty(n_points, np.int32), np.empty(n_points, np.int32)
    n_clusters = _number(tree.order, is_core, parents, clusters)
    _label(n_leaves, tree, reach, is_core, first_core, clusters, n_clusters, labels, grain=_GRAIN)
    return labels
