"""k-means: centres that minimise the inertia, the weighted sum of squared distances to the nearest centre.

Lloyd's iteration (Lloyd, "Least squares quantization in PCM", IEEE Trans. Information Theory 28 (1982) 129-137)
assigns each point to its nearest centre and moves each centre to the mean of its points; neither step can raise
the inertia. It starts from greedy k-means++ (Arthur and Vassilvitskii, "k-means++: the advantages of careful
seeding", SODA 2007, section 2.2, with the several trials of its section 5).

Distances are taken in tiles of points, of which most need few of the centres (`_points.py`). Each tile keeps a margin,
by how much all its points are nearer to their centres than to any other at least; as long as the centres have moved
less than that, nothing changes there and the tile is passed over (the bounds of Hamerly, "Making k-means even faster",
SIAM Data Mining 2010, section 3, for tiles in place of points).

The sums of each cluster are kept from one iteration to the next, and only points that changed their cluster are moved
between them; each sum is a pair of float64 (Knuth's two-sum, The Art of Computer Programming vol. 2, section 4.2.2,
theorem B), so that what was added can be taken away again without a trace. Sums belong to chunks of points and are
combined in order: the same bits for any number of threads.

In mini-batches (Sculley, "Web-scale k-means clustering", WWW 2010, algorithm 1) each iteration draws a few points, and
a centre is the mean of all points that were ever assigned to it.

Time O(N k C) for one iteration, O(N k C log k) for k-means++; memory N (C + 3) elements of the points' dtype, and 3 N
where they are of many features. In mini-batches of b points O(b k C) and, for the labels of all, O(N k C); memory 4
bytes a point.
"""

import math
from typing import NamedTuple

import numpy as np

from ._bits import mask_bits, trailing_zeros
from ._colours import Colours, are_colours
from ._jit import EXACT, ORDERED, helper
from ._parallel import chunked
from ._points import TILE, Points, by_feature, distances_to, extremes, largest, nearest, possible, rounding
from ._simd import WIDTH, hmax, hsum, lanes, load, splat, store, vmax, vmin
from ._validate import as_array, as_rng, check_finite, integer, one_of, real

_ONE = np.uint64(1)
_LARGEST = 1e150
_BLOCK = 2**20  # points that are labelled at a time


class KMeansResult(NamedTuple):
    """What `kmeans` returns."""

    labels: np.ndarray
    centers: np.ndarray
    inertia: float
    n_iter: int

    def predict(self, X):
        """The nearest centre of each of other points (N, C), the first of equally near ones; (N,) int32."""
        X, ends = _as_points("predict", X)
        if X.shape[1] != self.centers.shape[1]:
            raise ValueError(f"predict: X must have shape (any, {self.centers.shape[1]}), got {X.shape}")
        dtype = np.result_type(X, self.centers)
        return _label(X.astype(dtype, copy=False), None, ends.astype(dtype, copy=False), self.centers)[0]


@helper(fastmath=EXACT)
def _add(total, rest, value):
    """Two-sum: the new total, and `rest` with what this had to round off."""
    new = total + value
    part = new - total
    return new, rest + ((total - (new - part)) + (value - part))


@helper(fastmath=EXACT)
def _add_to(sums, at, size, total, rest):
    new, more = _add(load(sums, at), load(sums, at + size), total)
    store(sums, at, new)
    store(sums, at + size, more + rest)


@helper(fastmath=EXACT)
def _move(rows, n, source, target, sums):
    """Move n points between the sums of two clusters; from none if `source` is negative."""
    size = rows.shape[1]
    for f in range(0, size, lanes(rows)):
        total = rest = splat(rows, 0.0)
        for i in range(n):
            total, rest = _add(total, rest, load(rows, i * size + f))
        _add_to(sums, 2 * target * size + f, size, total, rest)
        if source >= 0:
            _add_to(sums, 2 * source * size + f, size, -total, -rest)


@helper
def _are_equal(line):
    different, step, first = np.uint64(0), lanes(line), splat(line, line[0])
    for p in range(0, line.size, step):
        different |= mask_bits(load(line, p) != first)
    return different == 0


@helper(fastmath=ORDERED)
def _find_changes(
    lo, hi, values, factor, boxes, centers, columns, drifts, labels, owners, margins, gaps, numbers, line, fresh,
    changes,
):  # fmt: skip
    """The nearest centres of the points of each tile, and a bit for each point whose label differs.

    `owners` are the labels that all points of a tile have, or k.
    """
    step, k = lanes(values), centers.shape[0]
    relative, absolute = rounding(centers.shape[1], values)
    for t in range(lo, hi):
        owner = owners[t]
        margins[t] = (margins[t] - drifts[owner]) * (1 - relative)
        changes[t - lo] = 0
        if margins[t] > 0:
            continue
        n, margin = possible(t, boxes, columns, k, gaps, numbers)
        margins[t] = margin
        if n == 1 and owner == numbers[0]:
            continue
        old, new, changed = labels[t], fresh[t - lo], np.uint64(0)
        for p in range(0, TILE, 4 * step):
            l0 = l1 = l2 = l3 = splat(labels, float(numbers[0]))
            if n > 1:
                _, _, _, _, l0, l1, l2, l3, gain, second = nearest(values, factor, t, p, centers, numbers, n, line)
                gain -= 2 * (second * relative + absolute)
                margins[t] = min(margins[t], gain / (2 * math.sqrt(second)) if gain > 0 else 0)
            store(new, p, l0)
            store(new, p + step, l1)
            store(new, p + 2 * step, l2)
            store(new, p + 3 * step, l3)
            bits = mask_bits(l0 != load(old, p)) | mask_bits(l1 != load(old, p + step)) << step
            more = mask_bits(l2 != load(old, p + 2 * step)) | mask_bits(l3 != load(old, p + 3 * step)) << step
            changed |= (bits | more << (2 * step)) << p
        changes[t - lo] = changed
        if changed != 0:
            owners[t] = int(new[0]) if _are_equal(new) else k


@helper(fastmath=ORDERED)
def _weigh(values, factor, t, q, weight, row):
    """A point as it enters sums: its features, times the weight, the weight, and 1 if it has any."""
    n_features = values.shape[1]
    if values.ndim == 3:
        for c in range(n_features):
            row[c] = weight * values[t, c, q]
    else:
        i = min(t * TILE + q, values.shape[0] - 1)
        for c in range(n_features):
            row[c] = weight * (values[i, c] * factor)
    row[n_features], row[n_features + 1] = weight, weight > 0


@helper(fastmath=ORDERED)
def _move_changed(lo, hi, values, factor, weights, labels, fresh, changes, rows, sums):
    """Move the points whose bits are set between sums; labels become `fresh`."""
    for t in range(lo, hi):
        changed = changes[t - lo]
        old, new, weight = labels[t], fresh[t - lo], weights[t]
        n, source, target = 0, -1, 0
        while changed != 0:
            q = trailing_zeros(changed)
            changed &= changed - _ONE
            if int(old[q]) != source or int(new[q]) != target:
                if n > 0:
                    _move(rows, n, source, target, sums)
                n, source, target = 0, int(old[q]), int(new[q])
            old[q] = new[q]
            _weigh(values, factor, t, q, np.float64(weight[q]), rows[n])
            n += 1
        if n > 0:
            _move(rows, n, source, target, sums)


@chunked(fastmath=ORDERED)
def _assign(
    lo, hi, values, factor, boxes, weights, centers, columns, drifts, labels, owners, margins, sums, grain
):  # fmt: skip
    """Assign the points of tiles lo..hi-1 to their nearest centres, and move those that changed between sums.

    Requires: `labels`, of the points' dtype, `owners`, `margins` and `sums` (n_chunks, k * 2 * size) as the last call
    left them, or `_unassigned`; `drifts` of the centres since then.
    """
    gaps, numbers = np.empty(columns.shape[1], columns.dtype), np.empty(centers.shape[0], np.int64)
    fresh, changes = np.empty((hi - lo, TILE), labels.dtype), np.empty(hi - lo, np.uint64)
    line, chunk = np.empty(TILE, labels.dtype), sums[lo // grain]
    rows = np.zeros((TILE, chunk.size // (2 * centers.shape[0])))
    # All labels first, then what changed: a branch on changes there would hold up the vectors.
    state, scratch = (labels, owners, margins), (gaps, numbers, line, fresh, changes)
    _find_changes(lo, hi, values, factor, boxes, centers, columns, drifts, *state, *scratch)
    _move_changed(lo, hi, values, factor, weights, labels, fresh, changes, rows, chunk)


@helper(fastmath=ORDERED)
def _is_beyond(t, boxes, center, reach):
    """Whether a place is no nearer to any point of a tile than `reach`, squared."""
    if boxes.shape[0] == 0:
        return False
    box, gap = boxes[t], 0.0
    for c in range(center.size):
        outside = max(box[0, c] - center[c], center[c] - box[1, c], 0)
        gap += outside * outside
    relative, absolute = rounding(center.size, box)
    return gap * (1 - relative) - absolute >= reach


@helper(fastmath=ORDERED)
def _seed_tile(t, values, factor, boxes, weights, candidate, keep, distances, reaches, shares, line):
    if _is_beyond(t, boxes, candidate, reaches[t]):
        return shares[t]
    step, near, weight, share = lanes(values), distances[t], weights[t], 0.0
    farthest = splat(near, 0.0)
    for p in range(0, TILE, 4 * step):
        d0, d1, d2, d3 = distances_to(values, factor, t, p, candidate, line)
        d0, d1 = vmin(d0, load(near, p)), vmin(d1, load(near, p + step))
        d2, d3 = vmin(d2, load(near, p + 2 * step)), vmin(d3, load(near, p + 3 * step))
        share += hsum(d0 * load(weight, p) + d1 * load(weight, p + step))
        share += hsum(d2 * load(weight, p + 2 * step) + d3 * load(weight, p + 3 * step))
        if keep:
            farthest = vmax(farthest, vmax(vmax(d0, d1), vmax(d2, d3)))
            store(near, p, d0)
            store(near, p + step, d1)
            store(near, p + 2 * step, d2)
            store(near, p + 3 * step, d3)
    if keep:
        reaches[t], shares[t] = hmax(farthest), share
    return share


@chunked(fastmath=ORDERED)
def _seed(
    lo, hi, values, factor, boxes, weights, candidates, keep, distances, reaches, shares, potentials, grain
):  # fmt: skip
    """Sums (n_chunks, n_candidates) of the squared distances that a candidate as further centre would leave.

    With `keep`, for a single candidate, `distances` becomes those; of each tile `reaches` is the largest of them, and
    `shares` their weighted sum.
    """
    line, chunk = np.empty(TILE, distances.dtype), potentials[lo // grain]
    chunk[:] = 0
    for t in range(lo, hi):
        for j in range(candidates.shape[0]):
            arrays = (values, factor, boxes, weights, candidates[j], keep, distances, reaches, shares, line)
            chunk[j] += _seed_tile(t, *arrays)


def _plus_plus(points, rng):
    """Greedy k-means++: each new centre is the best of several drawn with chances as their squared distances."""
    n_trials = 2 + int(math.log(points.k))
    centers = np.empty((points.k, points.n_features), points.dtype)
    reaches, shares = np.full(points.n_tiles, np.inf), np.empty(points.n_tiles)

    def seed(candidates, keep):
        potentials = np.empty((points.n_chunks, len(candidates)))
        points.launch(_seed, *points.arrays, candidates, keep, points.distances, reaches, shares, potentials)
        return potentials

    points.distances[...] = 1
    sums = np.add.reduceat(points.weights.sum(axis=1, dtype=np.float64), range(0, points.n_tiles, points.grain))
    for j in range(points.k):
        candidates = points.take(_draw(points, sums, rng.random(n_trials if j else 1)))
        if j == 0:
            points.distances[...] = 64 * candidates.shape[1] + 1  # farther than any two points
            best = 0
        else:
            best = int(seed(candidates, False).sum(axis=0).argmin())
        centers[j] = candidates[best]
        if j < points.k - 1:
            sums = seed(centers[j : j + 1], True)[:, 0]
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


def _start(points, init, rng):
    """The first centres, scaled as the points are."""
    if not isinstance(init, str):
        return (init / points.scale).astype(points.dtype)
    if init == "k-means++":
        return _plus_plus(points, rng)
    weights = points.weights.reshape(-1)[: points.n].astype(np.float64)
    return points.take(rng.choice(points.n, points.k, replace=False, p=weights / weights.sum()))


def _lloyd(points, init, max_iter, tol, rng):
    """One run over all points."""
    centers = _start(points, init, rng)
    state, drifts = _unassigned(points), _drifts(centers, centers)
    n_iter, shift = 0, math.inf
    while n_iter < max_iter and shift > tol * points.variance:
        n_iter += 1
        totals = _sum_clusters(points, centers, drifts, *state)
        old = centers
        centers, shift = _means(points, old, totals)
        drifts = _drifts(old, centers)
    inertia = points.measure(centers) * points.scale**2 * points.weight_scale
    centers = centers * centers.dtype.type(points.scale)
    return KMeansResult(points.labels_by_number(), centers, inertia, n_iter)


def _mini_batches(X, weight, ends, k, batch_size, init, max_iter, tol, rng):
    """One run over points drawn anew for each iteration, with chances as their weights."""
    shares = None if weight is None else np.cumsum(weight)
    totals = np.zeros((k, X.shape[1] + 2))
    n_iter, shift, variance = 0, math.inf, 0.0
    while n_iter < max_iter and shift > tol * variance:
        n_iter += 1
        if shares is None:
            drawn = rng.integers(0, len(X), batch_size)
        else:
            drawn = np.searchsorted(shares, rng.random(batch_size) * shares[-1], side="right")
        points = Points(X[np.sort(drawn)], None, k, ends)
        if n_iter == 1:
            centers, variance = _start(points, init, rng), points.variance
        totals += _sum_clusters(points, centers, _drifts(centers, centers), *_unassigned(points))
        centers, shift = _means(points, centers, totals)
    centers = centers * centers.dtype.type(points.scale)
    labels, inertia = _label(X, weight, ends, centers)
    return KMeansResult(labels, centers, inertia, n_iter)


def _unassigned(points):
    """For `_assign`: the owners and margins of tiles, and the sums of each chunk and cluster."""
    points.labels[...] = -1
    step = WIDTH // 64
    size = -(-(points.n_features + 2) // step) * step
    sums = np.zeros((points.n_chunks, points.k * 2 * size))
    return np.full(points.n_tiles, points.k), np.zeros(points.n_tiles, points.dtype), sums


def _sum_clusters(points, centers, drifts, owners, margins, sums):
    """Assign all points; returns the sums (k, C + 2) of the clusters' points and weights, and their numbers."""
    arrays = (*points.arrays, centers, by_feature(centers), drifts, points.labels, owners, margins, sums)
    points.launch(_assign, *arrays)
    return sums.sum(axis=0).reshape(points.k, 2, -1).sum(axis=1)[:, : points.n_features + 2]


def _drifts(old, new):
    """By how much a centre and any other one can have come closer to each other, or to a point; last, any two."""
    moved = np.sqrt(((new.astype(np.float64) - old) ** 2).sum(axis=1))
    second, first = np.sort(np.append(moved, 0))[-2:]
    others = np.where(np.arange(len(moved)) == moved.argmax(), second, first)
    return (np.append(moved + others, first + second) * (1 + 1e-6)).astype(new.dtype)


def _means(points, centers, totals):
    """The means of the clusters, from sums (k, C + 2) of points, weights and members; and the square of how far they
    moved.

    Empty clusters are put onto the points farthest from their centres, which counts as infinitely far.
    """
    new, empty = centers.copy(), totals[:, -1] == 0
    new[~empty] = totals[~empty, :-2] / totals[~empty, -2:-1]
    shift = float(np.sum((new.astype(np.float64) - centers) ** 2))
    if empty.any():
        labels = points.labels.copy()
        points.measure(centers)
        points.labels[...] = labels  # those that the sums are of
        distances = np.where(points.weights > 0, points.distances, 0).reshape(-1)
        farthest = np.argsort(-distances, kind="stable")[: np.count_nonzero(empty)]
        farthest = farthest[distances[farthest] > 0]
        if len(farthest):
            new[np.flatnonzero(empty)[: len(farthest)]] = points.take(farthest)
            shift = math.inf
    return new, shift


def _label(X, weight, ends, centers):
    """Labels of the points (N,) int32, and the inertia; a block of points at a time."""
    labels, inertia = np.empty(len(X), np.int32), 0.0
    ends = extremes(np.concatenate([ends, centers]))
    for start in range(0, len(X), _BLOCK):
        block = slice(start, start + _BLOCK)
        points = Points(X[block], None if weight is None else weight[block], len(centers), ends)
        inertia += points.measure((centers / points.scale).astype(X.dtype)) * points.scale**2 * points.weight_scale
        labels[block] = points.labels_by_number()
    return labels, inertia


def _as_points(function, X, name="X", shape=(None, None)):
    """Points as floats, with finite squares, and their `extremes`."""
    X = as_array(function, name, X, ndim=2, shape=shape)
    ends = extremes(X)
    if not np.isfinite(ends).all():
        check_finite(function, name, X)
    if X.dtype == np.float64 and largest(ends) > _LARGEST:
        raise ValueError(f"{function}: {name} must be at most {_LARGEST:g} in magnitude, for squares to be finite")
    return X, ends


def kmeans(
    X, n_clusters, *, init="k-means++", n_init=1, max_iter=300, tol=1e-4, sample_weight=None, batch_size=None, rng=None
):
    """Cluster points around `n_clusters` centres.

    Parameters
    ----------
    X : (N, C) array
        N points of C features. float64 is worked in float64, all else in float32 (wide integers in float64). Of many
        uint8 points of up to three features, such as the pixels of a picture, each different one is worked on once,
        with the weight of all its like.
    n_clusters : int
        From 1 to N.
    init : {"k-means++", "random"} or (n_clusters, C) array, optional
        Where centres start: drawn by greedy k-means++, on different points, or where given.
    n_init : int, optional
        Runs from different starts, of which the one of least inertia is returned. A given `init` is run once.
    max_iter : int, optional
        The most iterations of one run.
    tol : float, optional
        A run ends when the centres' squared shifts sum to at most this times the mean variance of the features.
    sample_weight : (N,) array, optional
        Weights of the points, at least 0; by default each has 1.
    batch_size : int, optional
        Points that are drawn for each iteration, and for the start, at least `n_clusters`. By default all are used.
        For huge inputs, which may be memory-mapped: the result is nearly as good after a small part of the work.
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
    As `sklearn.cluster.KMeans`, and with `batch_size` as its `MiniBatchKMeans`. A cluster that loses all its points is
    put onto the point farthest from its centre. Where there are fewer *distinct* points than clusters, each of them
    becomes a centre, the inertia is 0, and the further clusters stay empty: their numbers do not occur in `labels`.
    """
    colours = as_array("kmeans", "X", X, dtypes=(np.uint8,)) if are_colours(X) else None
    X, ends = _as_points("kmeans", X) if colours is None else (colours, None)
    k = integer("kmeans", "n_clusters", n_clusters, low=1, high=2**24)  # float32 labels are exact up to there
    n_init = integer("kmeans", "n_init", n_init, low=1)
    max_iter = integer("kmeans", "max_iter", max_iter, low=1)
    tol = real("kmeans", "tol", tol, low=0)
    rng = as_rng("kmeans", rng)
    n_points, weight = len(X), None
    if sample_weight is not None:
        weight = as_array("kmeans", "sample_weight", sample_weight, dtypes=(np.float64,), shape=(len(X),), finite=True)
        if weight.min() < 0:
            raise ValueError(f"kmeans: sample_weight must be at least 0, got {weight.min()}")
        n_points = int(np.count_nonzero(weight))
    if k > n_points:
        raise ValueError(f"kmeans: n_clusters must be at most the number of points, {n_points}, got {k}")
    if batch_size is not None:
        batch_size = integer("kmeans", "batch_size", batch_size, low=k)
    if not isinstance(init, str):
        init, _ = _as_points("kmeans", init, "init", shape=(k, X.shape[1]))
        n_init = 1
    else:
        one_of("kmeans", "init", init, ("k-means++", "random"))

    if colours is not None:
        colours = Colours(X, weight)
        if np.count_nonzero(colours.weights) >= k:
            X, weight = colours.values.astype(np.float32), colours.weights
        else:
            X, colours = X.astype(np.float32), None
        ends = extremes(X)
    if batch_size is None:
        points = Points(X, weight, k, ends, sort=colours is None)
        runs = (_lloyd(points, init, max_iter, tol, rng) for _ in range(n_init))
    else:
        runs = (_mini_batches(X, weight, ends, k, batch_size, init, max_iter, tol, rng) for _ in range(n_init))
    best = min(runs, key=lambda run: run.inertia)
    return best if colours is None else best._replace(labels=colours.paint(best.labels))
