"""Points in tiles: squared distances of many points to few centres.

Points lie in tiles of 64, one row of a tile for each feature, so that a vector holds one feature of many points
and a centre's feature is broadcast to it. Three operations a point, centre and feature; a centre's dimension
may be anything. Points beyond the last have weight 0.

Each tile has a box, the lowest and highest number of each feature. A centre that is farther from all of the box than
another is from any place in it is not the nearest of its points, and is passed over (as in Kanungo et al., "An
efficient k-means clustering algorithm: analysis and implementation", IEEE Trans. Pattern Analysis and Machine
Intelligence 24 (2002) 881-892, section 2, with tiles in place of a tree). Pixels that follow each other are alike,
which leaves few centres; where points come in no order, the test costs a thirtieth of what it could have spared.
"""

import math

import numpy as np

from ._bits import mask_bits, trailing_zeros
from ._jit import ORDERED, helper
from ._parallel import chunked
from ._simd import WIDTH, fma, hmax, hmin, hsum, is_double, lanes, load, select, splat, store, vabs, vmax, vmin

TILE = 64  # points; four vectors of the widest registers

_ONE = np.uint64(1)


@chunked
def _pack(lo, hi, X, scale, tiles, boxes, moments, grain):
    """Copy points of tiles lo..hi-1, times `scale`; moments (n_chunks, 2, C): sums of values and of squares."""
    step = lanes(tiles)
    for t in range(lo, hi):
        first, n = TILE * t, min(TILE, X.shape[0] - TILE * t)
        points = X[first : first + n]
        for c in range(X.shape[1]):
            row = tiles[t, c]
            total, squares = 0.0, 0.0
            for p in range(n):
                value = points[p, c] * scale
                row[p] = value
                total += value
                squares += np.float64(value) * value
            row[n:] = 0
            moments[lo // grain, 0, c] += total
            moments[lo // grain, 1, c] += squares
            low = high = load(row, 0)
            for p in range(step, TILE, step):
                low, high = vmin(low, load(row, p)), vmax(high, load(row, p))
            boxes[t, 0, c], boxes[t, 1, c] = hmin(low), hmax(high)


@helper(fastmath=ORDERED)
def rounding(box):
    """How far a squared distance may be off: a part of it, and what underflows."""
    epsilon, least = 1.2e-7, 1.2e-38
    if is_double(box):
        epsilon, least = 2.3e-16, 2.3e-308
    return 8 * (box.shape[1] + 4) * epsilon, box.shape[1] * least


@helper(fastmath=ORDERED)
def possible(box, columns, k, gaps, numbers):
    """The numbers of the centres that may be the nearest ones of points in a box, ascending; returns how many.

    Requires: columns (C, K) the centres by features, K >= k a multiple of the lanes, with copies of one beyond; gaps
    (K,) for scratch; numbers (k,).
    """
    step, size = lanes(gaps), gaps.size
    zero, reach = splat(gaps, 0.0), splat(gaps, np.inf)
    for j in range(0, size, step):
        gap = across = zero
        for c in range(box.shape[1]):
            center = load(columns, c * size + j)
            below, above = box[0, c] - center, center - box[1, c]
            outside, far = vmax(vmax(below, above), zero), vmax(vabs(below), vabs(above))
            gap, across = fma(outside, outside, gap), fma(far, far, across)
        store(gaps, j, gap)
        reach = vmin(across, reach)
    relative, absolute = rounding(box)
    limit = hmin(reach) * (1 + relative) + absolute
    n = 0
    for j in range(0, k, step):
        bits = mask_bits(load(gaps, j) <= limit)
        if k - j < step:
            bits &= (_ONE << np.uint64(k - j)) - _ONE
        while bits != 0:
            numbers[n] = j + trailing_zeros(bits)
            n += 1
            bits &= bits - _ONE
    return n


@helper(fastmath=ORDERED)
def distances_to(tile, p, center):
    """Squared distances of four vectors of points, from point p of a tile, to one centre."""
    step = lanes(tile)
    d0 = d1 = d2 = d3 = splat(tile, 0.0)
    for c in range(center.size):
        i = c * TILE + p
        e0, e1 = load(tile, i) - center[c], load(tile, i + step) - center[c]
        e2, e3 = load(tile, i + 2 * step) - center[c], load(tile, i + 3 * step) - center[c]
        d0, d1, d2, d3 = fma(e0, e0, d0), fma(e1, e1, d1), fma(e2, e2, d2), fma(e3, e3, d3)
    return d0, d1, d2, d3


@helper(fastmath=ORDERED)
def nearest(tile, p, centers, numbers, n):
    """For four vectors of points the distances to the nearest of n numbers' centres, and its number (the first's)."""
    b0, b1, b2, b3 = distances_to(tile, p, centers[numbers[0]])
    l0 = l1 = l2 = l3 = splat(tile, float(numbers[0]))
    for j in range(1, n):
        d0, d1, d2, d3 = distances_to(tile, p, centers[numbers[j]])
        this = splat(tile, float(numbers[j]))
        l0, l1 = select(d0 < b0, this, l0), select(d1 < b1, this, l1)
        l2, l3 = select(d2 < b2, this, l2), select(d3 < b3, this, l3)
        b0, b1, b2, b3 = vmin(d0, b0), vmin(d1, b1), vmin(d2, b2), vmin(d3, b3)
    return b0, b1, b2, b3, l0, l1, l2, l3


@helper(fastmath=ORDERED)
def _measure_tiles(lo, hi, tiles, boxes, weights, centers, columns, gaps, numbers, labels, distances):
    step, total = lanes(tiles), 0.0
    for t in range(lo, hi):
        near, number, weight = distances[t], labels[t], weights[t]
        n = possible(boxes[t], columns, centers.shape[0], gaps, numbers)
        for p in range(0, TILE, 4 * step):
            b0, b1, b2, b3, l0, l1, l2, l3 = nearest(tiles[t], p, centers, numbers, n)
            store(near, p, b0)
            store(near, p + step, b1)
            store(near, p + 2 * step, b2)
            store(near, p + 3 * step, b3)
            store(number, p, l0)
            store(number, p + step, l1)
            store(number, p + 2 * step, l2)
            store(number, p + 3 * step, l3)
            total += hsum(b0 * load(weight, p) + b1 * load(weight, p + step))
            total += hsum(b2 * load(weight, p + 2 * step) + b3 * load(weight, p + 3 * step))
    return total


@chunked(fastmath=ORDERED)
def _measure(lo, hi, tiles, boxes, weights, centers, columns, labels, distances, inertia, grain):
    """Nearest centres and squared distances to them of the points of tiles lo..hi-1; inertia (n_chunks,)."""
    gaps, numbers = np.empty(columns.shape[1], columns.dtype), np.empty(centers.shape[0], np.int64)
    arrays = (tiles, boxes, weights, centers, columns, gaps, numbers, labels, distances)
    inertia[lo // grain] = _measure_tiles(lo, hi, *arrays)


class Points:
    """Points and weights in tiles, scaled by powers of two to lie within [-4, 4] (which is exact).

    Numbers up to `reach` will lie there, too.
    """

    def __init__(self, X, weight, k, reach=0.0):
        n, n_features = X.shape
        self.n, self.k = n, k
        n_tiles = -(-n // TILE)
        # A chunk's sums should not outweigh its points.
        self.grain = max(TILE, k // 4)
        self.n_chunks = -(-n_tiles // self.grain)
        self.scale = power_above(max(largest(X), reach), X.dtype)
        self.tiles = np.empty((n_tiles, n_features, TILE), X.dtype)
        self.boxes = np.empty((n_tiles, 2, n_features), X.dtype)
        self.weights = np.zeros((n_tiles, TILE), X.dtype)
        self.weight_scale = 1.0 if weight is None else power_above(float(weight.max()), weight.dtype)
        self.weights.reshape(-1)[:n] = 1 if weight is None else weight / self.weight_scale
        moments = np.zeros((self.n_chunks, 2, n_features))
        self.launch(_pack, X, X.dtype.type(1 / self.scale), self.tiles, self.boxes, moments)
        mean, square = moments.sum(axis=0) / n
        self.variance = max(0.0, float(np.mean(square - mean**2)))
        self.labels = np.empty((n_tiles, TILE), X.dtype)
        self.distances = np.empty((n_tiles, TILE), X.dtype)

    def launch(self, kernel, *args):
        kernel(len(self.tiles), *args, self.grain, grain=self.grain)

    def take(self, indices):
        """Points by number, as rows."""
        return np.ascontiguousarray(self.tiles[indices // TILE, :, indices % TILE])

    def measure(self, centers):
        """Set labels and distances to the nearest of the centres; returns the inertia."""
        inertia = np.empty(self.n_chunks)
        arrays = (self.tiles, self.boxes, self.weights, centers, by_feature(centers), self.labels, self.distances)
        self.launch(_measure, *arrays, inertia)
        return float(inertia.sum())

    def labels_by_number(self):
        """The labels as (N,) int32."""
        return self.labels.reshape(-1)[: self.n].astype(np.int32)


def by_feature(centers):
    """The transposed centres for `possible`."""
    extra = -len(centers) % (WIDTH // 8 // centers.itemsize)
    return np.ascontiguousarray(np.concatenate([centers, np.repeat(centers[:1], extra, axis=0)]).T)


def largest(X):
    """The largest magnitude."""
    return max(abs(float(X.min())), abs(float(X.max())))


def power_above(value, dtype):
    """The power of two next above a magnitude (1 for 0), as far as `dtype` holds it and its inverse."""
    limits = np.finfo(dtype)
    return 2.0 ** min(max(math.frexp(value)[1], limits.minexp), limits.maxexp - 2)
