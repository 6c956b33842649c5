"""k-means: centres that minimise the inertia, the weighted sum of squared distances to the nearest centre.

Lloyd's iteration (Lloyd, "Least squares quantization in PCM", IEEE Trans. Information Theory 28 (1982) 129-137)
assigns each point to its nearest centre and moves each centre to the mean of its points; neither step can raise
the inertia. It starts from greedy k-means++ (Arthur and Vassilvitskii, "k-means++: the advantages of careful
seeding", SODA 2007, section 2.2, with the several trials of its section 5).

Distances are taken in tiles of points (`_points.py`). The sums of each cluster are kept from one iteration to
the next, and only points that changed their cluster are moved between them; each sum is a pair of float64
(Knuth's two-sum, The Art of Computer Programming vol. 2, section 4.2.2, theorem B), so that what was added can
be taken away again without a trace. Sums belong to chunks of points and are combined in order: the same bits for
any number of threads.

Time O(N k C) for one iteration, O(N k C log k) for k-means++; memory 2 N (C + 1) elements of the points' dtype.
"""

import math
from typing import NamedTuple

import numpy as np

from ._bits import mask_bits, trailing_zeros
from ._jit import EXACT, ORDERED, helper
from ._parallel import chunked
from ._points import TILE, Points, distances_to, nearest
from ._simd import hsum, lanes, load, store, vmin
from ._validate import as_array, as_rng, integer, one_of, real

_ONE = np.uint64(1)
_LARGEST = 1e150


class KMeansResult(NamedTuple):
    """What `kmeans` returns."""

    labels: np.ndarray
    centers: np.ndarray
    inertia: float
    n_iter: int

    def predict(self, X):
        """The nearest centre of each of other points (N, C), the first of equally near ones; (N,) int32."""
        X = _as_points("predict", X)
        if X.shape[1] != self.centers.shape[1]:
            raise ValueError(f"predict: X must have shape (any, {self.centers.shape[1]}), got {X.shape}")
        X = X.astype(np.result_type(X, self.centers), copy=False)
        points = Points(X, None, len(self.centers), reach=float(np.abs(self.centers).max()))
        points.measure((self.centers / points.scale).astype(X.dtype))
        return points.labels.reshape(-1)[: len(X)].astype(np.int32)


@helper(fastmath=EXACT)
def _add(sums, chunk, label, c, value):
    """Two-sum: add to one float of a sum, and to the other what the first had to round off."""
    old = sums[chunk, label, 0, c]
    new = old + value
    part = new - old
    sums[chunk, label, 0, c] = new
    sums[chunk, label, 1, c] += (old - (new - part)) + (value - part)


@chunked(fastmath=ORDERED)
def _assign(lo, hi, tiles, weights, centers, labels, sums, members, moved, grain):
    """Assign the points of tiles lo..hi-1 to their nearest centres, and move those that changed between sums.

    Requires: labels, of the points' dtype, as the last call left them, or all -1 with zeros in sums
    (n_chunks, k, 2, C + 1) and members (n_chunks, k). moved (n_chunks,) counts.
    """
    step = lanes(tiles)
    fresh, changes = np.empty((hi - lo, TILE), labels.dtype), np.zeros(hi - lo, np.uint64)
    # All labels first, then what changed: a branch on changes here would hold up the vectors.
    for t in range(lo, hi):
        old, new = labels[t], fresh[t - lo]
        for p in range(0, TILE, 4 * step):
            _, _, _, _, l0, l1, l2, l3 = nearest(tiles[t], p, centers)
            store(new, p, l0)
            store(new, p + step, l1)
            store(new, p + 2 * step, l2)
            store(new, p + 3 * step, l3)
            bits = mask_bits(l0 != load(old, p)) | mask_bits(l1 != load(old, p + step)) << step
            more = mask_bits(l2 != load(old, p + 2 * step)) | mask_bits(l3 != load(old, p + 3 * step)) << step
            changes[t - lo] |= (bits | more << (2 * step)) << p
    chunk, n_features, n_moved = lo // grain, tiles.shape[1], 0
    for t in range(lo, hi):
        changed = changes[t - lo]
        while changed != 0:
            q = trailing_zeros(changed)
            changed &= changed - _ONE
            old_label, new_label = int(labels[t, q]), int(fresh[t - lo, q])
            labels[t, q] = new_label
            weight = np.float64(weights[t, q])
            if weight == 0:
                continue
            n_moved += 1
            members[chunk, new_label] += 1
            for c in range(n_features):
                _add(sums, chunk, new_label, c, weight * tiles[t, c, q])
            _add(sums, chunk, new_label, n_features, weight)
            if old_label >= 0:
                members[chunk, old_label] -= 1
                for c in range(n_features):
                    _add(sums, chunk, old_label, c, -weight * tiles[t, c, q])
                _add(sums, chunk, old_label, n_features, -weight)
    moved[chunk] = n_moved


@chunked(fastmath=ORDERED)
def _seed(lo, hi, tiles, weights, candidates, keep, distances, potentials, grain):
    """Sums (n_chunks, n_candidates) of the squared distances that a candidate as further centre would leave.

    With `keep`, for a single candidate, `distances` becomes those.
    """
    step = lanes(tiles)
    for j in range(candidates.shape[0]):
        total = 0.0
        for t in range(lo, hi):
            near, weight = distances[t], weights[t]
            for p in range(0, TILE, 4 * step):
                d0, d1, d2, d3 = distances_to(tiles[t], p, candidates[j])
                d0, d1 = vmin(d0, load(near, p)), vmin(d1, load(near, p + step))
                d2, d3 = vmin(d2, load(near, p + 2 * step)), vmin(d3, load(near, p + 3 * step))
                total += hsum(d0 * load(weight, p) + d1 * load(weight, p + step))
                total += hsum(d2 * load(weight, p + 2 * step) + d3 * load(weight, p + 3 * step))
                if keep:
                    store(near, p, d0)
                    store(near, p + step, d1)
                    store(near, p + 2 * step, d2)
                    store(near, p + 3 * step, d3)
        potentials[lo // grain, j] = total


def _plus_plus(points, rng):
    """Greedy k-means++: each new centre is the best of several drawn with chances as their squared distances."""
    n_trials = 2 + int(math.log(points.k))
    centers = np.empty((points.k, points.tiles.shape[1]), points.tiles.dtype)
    points.distances[...] = 1
    sums = np.add.reduceat(points.weights.sum(axis=1, dtype=np.float64), range(0, len(points.tiles), points.grain))
    for j in range(points.k):
        candidates = points.take(_draw(points, sums, rng.random(n_trials if j else 1)))
        if j == 0:
            points.distances[...] = 64 * candidates.shape[1] + 1  # farther than any two points
            best = 0
        else:
            potentials = np.empty((points.n_chunks, n_trials))
            points.launch(_seed, points.tiles, points.weights, candidates, False, points.distances, potentials)
            best = int(potentials.sum(axis=0).argmin())
        centers[j] = candidates[best]
        potentials = np.empty((points.n_chunks, 1))
        points.launch(_seed, points.tiles, points.weights, centers[j : j + 1], True, points.distances, potentials)
        sums = potentials[:, 0]
    return centers


def _draw(points, sums, chances):
    """Numbers of points, drawn with probabilities as weight times distance; `sums` are those of each chunk."""
    ends = np.cumsum(sums)
    size = points.grain * TILE
    drawn = np.empty(len(chances), np.int64)
    for i, target in enumerate(chances * ends[-1]):
        chunk = min(int(np.searchsorted(ends, target, side="right")), len(ends) - 1)
        tiles = slice(chunk * points.grain, (chunk + 1) * points.grain)
        inner = np.cumsum(points.weights[tiles].astype(np.float64) * points.distances[tiles])
        target = (target - (ends[chunk] - sums[chunk])) / max(sums[chunk], 1e-300) * inner[-1]
        place = int(np.searchsorted(inner, target, side="right"))
        if place == inner.size:  # rounding, or nothing left to draw: the last that has a chance, or any
            place = int(np.searchsorted(inner, inner[-1], side="left"))
        drawn[i] = chunk * size + place
    return drawn


def _lloyd(points, centers, max_iter, tol):
    """Iterate; returns centres and the number of iterations."""
    k, n_features = centers.shape
    points.labels[...] = -1
    sums = np.zeros((points.n_chunks, k, 2, n_features + 1))
    members, moved = np.zeros((points.n_chunks, k), np.int64), np.empty(points.n_chunks, np.int64)
    n_iter, settled = 0, False
    while n_iter < max_iter and not settled:
        n_iter += 1
        points.launch(_assign, points.tiles, points.weights, centers, points.labels, sums, members, moved)
        totals = sums.sum(axis=0).sum(axis=1)
        empty = members.sum(axis=0) == 0
        new = centers.copy()
        new[~empty] = totals[~empty, :-1] / totals[~empty, -1:]
        relocated = empty.any() and _relocate(points, centers, new, np.flatnonzero(empty))
        shift = float(np.sum((new.astype(np.float64) - centers) ** 2))
        centers = new
        settled = not relocated and (not moved.any() or shift <= tol * points.variance)
    return centers, n_iter


def _relocate(points, centers, new, empty):
    """Put empty clusters onto the points farthest from their centres. Returns whether there were any apart."""
    points.measure(centers)
    distances = np.where(points.weights > 0, points.distances, 0).reshape(-1)
    farthest = np.argsort(-distances, kind="stable")[: len(empty)]
    farthest = farthest[distances[farthest] > 0]
    new[empty[: len(farthest)]] = points.take(farthest)
    return len(farthest) > 0


def _as_points(function, X):
    """Points as floats, with finite squares."""
    X = as_array(function, "X", X, ndim=2, finite=True)
    if X.dtype == np.float64 and max(-X.min(), X.max()) > _LARGEST:
        raise ValueError(f"{function}: X must be at most {_LARGEST:g} in magnitude, for squares to be finite")
    return X


def kmeans(X, n_clusters, *, init="k-means++", n_init=1, max_iter=300, tol=1e-4, sample_weight=None, rng=None):
    """Cluster points around `n_clusters` centres.

    Parameters
    ----------
    X : (N, C) array
        N points of C features. float64 is worked in float64, all else in float32 (wide integers in float64).
    n_clusters : int
        From 1 to N.
    init : {"k-means++", "random"} or (n_clusters, C) array, optional
        Where centres start: drawn by greedy k-means++, on different points, or where given.
    n_init : int, optional
        Runs from different starts, of which the one of least inertia is returned. A given `init` is run once.
    max_iter : int, optional
        The most iterations of one run.
    tol : float, optional
        A run ends when the centres' squared shifts sum to at most this times the mean variance of the features,
        or when no point changes its cluster.
    sample_weight : (N,) array, optional
        Weights of the points, at least 0; by default each has 1.
    rng : int, numpy.random.Generator or None, optional
        Source of chance.

    Returns
    -------
    labels : (N,) int32 array
        The nearest of `centers` for each point, the first of equally near ones.
    centers : (n_clusters, C) array
        Of the dtype worked in.
    inertia : float
        Weighted sum of squared distances of the points to their centres.
    n_iter : int
        Iterations of the run returned.

    The result is a named tuple of these; its ``predict(X)`` labels other points.

    Raises
    ------
    TypeError
        If an argument is of a wrong type.
    ValueError
        If `X`, `init` or `sample_weight` have a wrong shape, hold NaN, infinity or numbers beyond 1e150, or if there
        are fewer points (of positive weight) than clusters.

    Notes
    -----
    As `sklearn.cluster.KMeans`. A cluster that loses all its points is put onto the point farthest from its
    centre. Where there are fewer *distinct* points than clusters, each of them becomes a centre, the inertia is
    0, and the further clusters stay empty: their numbers do not occur in `labels`.
    """
    X = _as_points("kmeans", X)
    k = integer("kmeans", "n_clusters", n_clusters, low=1, high=2**24)  # float32 labels are exact up to there
    n_init = integer("kmeans", "n_init", n_init, low=1)
    max_iter = integer("kmeans", "max_iter", max_iter, low=1)
    tol = real("kmeans", "tol", tol, low=0)
    rng = as_rng("kmeans", rng)
    n_points = len(X)
    weight = None
    if sample_weight is not None:
        weight = as_array("kmeans", "sample_weight", sample_weight, dtypes=(np.float64,), shape=(len(X),), finite=True)
        if weight.min() < 0:
            raise ValueError(f"kmeans: sample_weight must be at least 0, got {weight.min()}")
        n_points = int(np.count_nonzero(weight))
    if k > n_points:
        raise ValueError(f"kmeans: n_clusters must be at most the number of points, {n_points}, got {k}")
    if not isinstance(init, str):
        init = as_array("kmeans", "init", init, shape=(k, X.shape[1]), finite=True)
        n_init = 1
    else:
        one_of("kmeans", "init", init, ("k-means++", "random"))

    points = Points(X, weight, k)
    best = None
    for _ in range(n_init):
        if not isinstance(init, str):
            centers = (init / points.scale).astype(X.dtype)
        elif init == "random":
            chances = None if weight is None else weight / weight.sum()
            centers = points.take(rng.choice(len(X), k, replace=False, p=chances))
        else:
            centers = _plus_plus(points, rng)
        centers, n_iter = _lloyd(points, centers, max_iter, tol)
        inertia = points.measure(centers)
        if best is None or inertia < best.inertia:
            labels = points.labels.reshape(-1)[: len(X)].astype(np.int32)
            best = KMeansResult(labels, centers, inertia, n_iter)
    inertia = best.inertia * points.scale**2 * points.weight_scale
    centers = best.centers * X.dtype.type(points.scale)
    return best._replace(centers=centers, inertia=inertia)
