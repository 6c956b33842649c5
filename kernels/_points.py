"""Points in tiles: squared distances of many points to few centres.

Points lie in tiles of 64, one row of a tile for each feature, so that a vector holds one feature of many points
and a centre's feature is broadcast to it. Three operations a point, centre and feature; a centre's dimension
may be anything. Points beyond the last have weight 0.
"""

import math

import numpy as np

from ._jit import ORDERED, helper
from ._parallel import chunked
from ._simd import fma, hsum, lanes, load, select, splat, store, vmin

TILE = 64  # points; four vectors of the widest registers


@chunked
def _pack(lo, hi, X, scale, tiles, moments, grain):
    """Copy points of tiles lo..hi-1, times `scale`; moments (n_chunks, 2, C): sums of values and of squares."""
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
def nearest(tile, p, centers):
    """For four vectors of points the distances to their nearest centres, and which these are (the first of equals)."""
    b0, b1, b2, b3 = distances_to(tile, p, centers[0])
    l0 = l1 = l2 = l3 = splat(tile, 0.0)
    for j in range(1, centers.shape[0]):
        d0, d1, d2, d3 = distances_to(tile, p, centers[j])
        this = splat(tile, float(j))
        l0, l1 = select(d0 < b0, this, l0), select(d1 < b1, this, l1)
        l2, l3 = select(d2 < b2, this, l2), select(d3 < b3, this, l3)
        b0, b1, b2, b3 = vmin(d0, b0), vmin(d1, b1), vmin(d2, b2), vmin(d3, b3)
    return b0, b1, b2, b3, l0, l1, l2, l3


@chunked(fastmath=ORDERED)
def _measure(lo, hi, tiles, weights, centers, labels, distances, inertia, grain):
    """Nearest centres and squared distances to them of the points of tiles lo..hi-1; inertia (n_chunks,)."""
    step = lanes(tiles)
    total = 0.0
    for t in range(lo, hi):
        near, number, weight = distances[t], labels[t], weights[t]
        for p in range(0, TILE, 4 * step):
            b0, b1, b2, b3, l0, l1, l2, l3 = nearest(tiles[t], p, centers)
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
    inertia[lo // grain] = total


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
        self.scale = power_above(max(abs(float(X.min())), abs(float(X.max())), reach), X.dtype)
        self.tiles = np.empty((n_tiles, n_features, TILE), X.dtype)
        self.weights = np.zeros((n_tiles, TILE), X.dtype)
        self.weight_scale = 1.0 if weight is None else power_above(float(weight.max()), weight.dtype)
        self.weights.reshape(-1)[:n] = 1 if weight is None else weight / self.weight_scale
        moments = np.zeros((self.n_chunks, 2, n_features))
        self.launch(_pack, X, X.dtype.type(1 / self.scale), self.tiles, moments)
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
        self.launch(_measure, self.tiles, self.weights, centers, self.labels, self.distances, inertia)
        return float(inertia.sum())


def power_above(value, dtype):
    """The power of two next above a magnitude (1 for 0), as far as `dtype` holds it and its inverse."""
    limits = np.finfo(dtype)
    return 2.0 ** min(max(math.frexp(value)[1], limits.minexp), limits.maxexp - 2)
