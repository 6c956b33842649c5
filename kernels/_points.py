"""Points: squared distances of many of them to few centres.

Points are taken 64 at a time, a *tile*. Those of few features are laid out anew: a tile has one line for each feature,
so that a vector holds one feature of many points and a centre's feature is broadcast to it. Points of many features
stay where they are, and a vector holds many features of one point. Either way three operations a point, centre and
feature; points beyond the last have weight 0.

Each tile of few features has a box, the lowest and highest number of each feature. The centre nearest to its middle is
compared with each other one: if no corner of the box lies on the other's side of the plane halfway between the two, the
other is not the nearest of any of its points, and is passed over (as in Kanungo et al., "An efficient k-means
clustering algorithm: analysis and implementation", IEEE Trans. Pattern Analysis and Machine Intelligence 24 (2002)
881-892, section 2, with tiles in place of a tree). Points that are to be compared often are sorted first, in blocks
that fit into the caches, along a curve that fills space (Morton, "A computer oriented geodetic data base", IBM, 1966):
boxes are small then, and most have one centre left.
"""

import math

import numpy as np

from ._bits import mask_bits, trailing_zeros
from ._jit import EXACT, ORDERED, helper
from ._parallel import chunk_size, chunked
from ._simd import (
    WIDTH,
    fma,
    hmax,
    hmin,
    hsum,
    is_double,
    lanes,
    load,
    load_part,
    select,
    splat,
    store,
    vabs,
    vmax,
    vmin,
    vsqrt,
)

TILE = 64  # points; four vectors of the widest registers

_ONE = np.uint64(1)
_MANY = 32  # features from which on points stay where they are
_ROW = 512  # numbers that loops should be long
_BLOCK = 1024  # tiles that are sorted by themselves; their points are counted in 16 bits
_CODE = 15  # bits of a place on the curve


@helper(fastmath=EXACT, allocates=True)
def _sort(begin, end, X, factor, lowest, cells, spread, order):
    """Sort points begin..end-1 along the curve: a counting sort; `order` gets their numbers, counted from begin.

    Requires: (X * factor - lowest) * cells from 0 to less than the length of spread, which holds numbers with their
    bits so far apart as there are features.
    """
    codes, places = np.empty(end - begin, np.uint16), np.zeros(1 << _CODE, np.int32)
    for i in range(begin, end):
        code = 0
        for c in range(X.shape[1]):
            code |= spread[np.uint64((X[i, c] * factor - lowest[c]) * cells)] << c
        codes[i - begin] = code
        places[np.uint64(code)] += 1
    total = 0
    for code in range(places.size):
        count = places[code]
        places[code] = total
        total += count
    for i in range(codes.size):
        order[begin + places[codes[i]]] = i
        places[codes[i]] += 1


@chunked
def _lay_out(lo, hi, X, factor, lowest, cells, spread, order, tiles, boxes, moments, grain):
    """Copy points, times a factor, to tiles lo..hi-1, sorted if `order` (N,) is to be filled, and sum their moments.

    Requires: grain no more than a block.
    """
    step, (n_points, n_features) = lanes(tiles), X.shape
    flat, size, sources = X.reshape(-1), np.uint64(n_features), np.empty(TILE, np.uint64)
    begin = TILE * lo
    if order.size > 0:
        _sort(begin, min(TILE * hi, n_points), X, factor, lowest, cells, spread, order)
    for t in range(lo, hi):
        first = TILE * t
        n = min(TILE, n_points - first)
        for p in range(TILE):
            i = first + min(p, n - 1)  # those beyond the last are its copies
            sources[p] = np.uint64(begin + order[i] if order.size > 0 else i) * size
        for c in range(n_features):
            line = tiles[t, c]
            for p in range(TILE):
                line[p] = flat[sources[p] + np.uint64(c)] * factor
            low = high = load(line, 0)
            total = squares = splat(line, 0.0)
            for p in range(0, TILE, step):
                value = load(line, p)
                low, high = vmin(low, value), vmax(high, value)
                value = value - X[0, c] * factor
                total, squares = total + value, fma(value, value, squares)
            boxes[t, 0, c], boxes[t, 1, c] = hmin(low), hmax(high)
            moments[lo // grain, 0, c] += hsum(total)
            moments[lo // grain, 1, c] += hsum(squares)


@chunked
def _sum_moments(lo, hi, X, factor, moments, grain):
    """Sums (n_chunks, 2, C) of the points of tiles lo..hi-1 and of their squares, seen from the first point."""
    step, (n, n_features) = lanes(X), X.shape
    whole = n_features // step * step
    rest = n_features - whole
    totals, squares = np.zeros(n_features + step, X.dtype), np.zeros(n_features + step, X.dtype)
    for i in range(TILE * lo, min(TILE * hi, n)):
        for c in range(0, whole, step):
            value = (load(X, i * n_features + c) - load(X, c)) * factor
            store(totals, c, load(totals, c) + value)
            store(squares, c, fma(value, value, load(squares, c)))
        if rest > 0:
            value = (load_part(X, i * n_features + whole, rest) - load_part(X, whole, rest)) * factor
            store(totals, whole, load(totals, whole) + value)
            store(squares, whole, fma(value, value, load(squares, whole)))
    for c in range(n_features):
        moments[lo // grain, 0, c], moments[lo // grain, 1, c] = totals[c], squares[c]


@chunked
def _find_extremes(lo, hi, X, lows, highs, grain):
    """The lowest and the highest number in each column of rows lo..hi-1, NaN somewhere if any of them is not finite.

    Requires: at least a vector's columns; lows and highs (n_chunks, C).
    """
    step, width = lanes(X), X.shape[1]
    low, high = lows[lo // grain], highs[lo // grain]
    low[:], high[:] = np.inf, -np.inf
    nothing = splat(X, 0.0)
    for i in range(lo, hi):
        for column in range(0, width, step):
            c = min(column, width - step)
            value = load(X, i * width + c)
            store(low, c, vmin(value, load(low, c)))
            store(high, c, vmax(value, load(high, c)))
            nothing = fma(value, splat(X, 0.0), nothing)
    if not hsum(nothing) == 0:
        low[0] = np.nan


@helper(fastmath=ORDERED)
def rounding(n_features, like):
    """How far a squared distance may be off: a part of it, and what underflows."""
    epsilon, least = 1.2e-7, 1.2e-38
    if is_double(like):
        epsilon, least = 2.3e-16, 2.3e-308
    return 8 * (n_features + 4) * epsilon, n_features * least


@helper(fastmath=ORDERED)
def _nearest_to_middle(box, columns, gaps):
    step, size = lanes(gaps), gaps.size
    least = splat(gaps, np.inf)
    for j in range(0, size, step):
        gap = splat(gaps, 0.0)
        for c in range(box.shape[1]):
            difference = load(columns, c * size + j) - (box[0, c] + box[1, c]) / 2
            gap = fma(difference, difference, gap)
        store(gaps, j, gap)
        least = vmin(gap, least)
    limit = hmin(least)
    for j in range(0, size, step):
        bits = mask_bits(load(gaps, j) <= limit)
        if bits != 0:
            return j + trailing_zeros(bits)
    return 0


@helper(fastmath=ORDERED)
def possible(t, boxes, columns, k, gaps, numbers):
    """The numbers of the centres that may be the nearest ones of points of a tile, ascending.

    Returns how many there are, and by how much any other centre is farther than the nearest of them from each point.

    Requires: columns (C, K) the centres by features, K >= k a multiple of the lanes, with copies of one beyond; gaps
    (K,) for scratch; numbers (k,).
    """
    step, size = lanes(gaps), gaps.size
    if boxes.shape[0] == 0:  # points of many features
        for j in range(k):
            numbers[j] = j
        return k, np.inf
    box = boxes[t]
    relative, absolute = rounding(box.shape[1], box)
    own = _nearest_to_middle(box, columns, gaps)
    own_far = 0.0
    for c in range(box.shape[1]):
        far = max(abs(box[0, c] - columns[c, own]), abs(box[1, c] - columns[c, own]))
        own_far += far * far
    margin, n = splat(gaps, np.inf), 0
    for j in range(0, size, step):
        gain = far = splat(gaps, 0.0)
        for c in range(box.shape[1]):
            center, mine = load(columns, c * size + j), columns[c, own]
            below, above = center - box[0, c], center - box[1, c]
            is_higher = center > mine
            to_corner = select(is_higher, above, below)
            from_own = select(is_higher, splat(gaps, mine - box[1, c]), splat(gaps, mine - box[0, c]))
            gain = fma(to_corner, to_corner, gain - from_own * from_own)
            across = vmax(vabs(below), vabs(above))
            far = fma(across, across, far)
        gain = gain - ((far + own_far) * relative + absolute)
        margin = vmin(select(gain > 0.0, gain / (vsqrt(far) + math.sqrt(own_far)), margin), margin)
        existing = (_ONE << np.uint64(min(step, k - j))) - _ONE
        bits = existing & mask_bits(gain > 0.0) ^ existing  # gain may be NaN, of centres far off
        while bits != 0:
            numbers[n] = j + trailing_zeros(bits)
            n += 1
            bits &= bits - _ONE
    return n, hmin(margin)


@helper(fastmath=ORDERED)
def _distances_in_tile(tiles, t, p, center):
    step, size = lanes(tiles), center.size
    d0 = d1 = d2 = d3 = splat(tiles, 0.0)
    for c in range(size):
        i = (t * size + c) * TILE + p
        e0, e1 = load(tiles, i) - center[c], load(tiles, i + step) - center[c]
        e2, e3 = load(tiles, i + 2 * step) - center[c], load(tiles, i + 3 * step) - center[c]
        d0, d1, d2, d3 = fma(e0, e0, d0), fma(e1, e1, d1), fma(e2, e2, d2), fma(e3, e3, d3)
    return d0, d1, d2, d3


@helper(fastmath=ORDERED)
def _distances_of_rows(X, t, p, center, factor, line):
    step, (n, size) = lanes(X), X.shape
    whole = size // step * step
    rest, scale = size - whole, splat(X, factor)
    for q in range(0, 4 * step, 4):
        first = t * TILE + p + q
        i0, i1 = min(first, n - 1) * size, min(first + 1, n - 1) * size
        i2, i3 = min(first + 2, n - 1) * size, min(first + 3, n - 1) * size
        d0 = d1 = d2 = d3 = splat(X, 0.0)
        for c in range(0, whole, step):
            minus = -load(center, c)
            e0, e1 = fma(load(X, i0 + c), scale, minus), fma(load(X, i1 + c), scale, minus)
            e2, e3 = fma(load(X, i2 + c), scale, minus), fma(load(X, i3 + c), scale, minus)
            d0, d1, d2, d3 = fma(e0, e0, d0), fma(e1, e1, d1), fma(e2, e2, d2), fma(e3, e3, d3)
        if rest > 0:
            minus = -load_part(center, whole, rest)
            e0 = fma(load_part(X, i0 + whole, rest), scale, minus)
            e1 = fma(load_part(X, i1 + whole, rest), scale, minus)
            e2 = fma(load_part(X, i2 + whole, rest), scale, minus)
            e3 = fma(load_part(X, i3 + whole, rest), scale, minus)
            d0, d1, d2, d3 = fma(e0, e0, d0), fma(e1, e1, d1), fma(e2, e2, d2), fma(e3, e3, d3)
        line[q], line[q + 1], line[q + 2], line[q + 3] = hsum(d0), hsum(d1), hsum(d2), hsum(d3)
    return load(line, 0), load(line, step), load(line, 2 * step), load(line, 3 * step)


@helper(fastmath=ORDERED)
def distances_to(values, factor, t, p, center, line):
    """Squared distances of four vectors of points, from point p of a tile, to one centre; line (TILE,) for scratch."""
    if values.ndim == 3:
        return _distances_in_tile(values, t, p, center)
    return _distances_of_rows(values, t, p, center, factor, line)


@helper(fastmath=ORDERED)
def nearest(values, factor, t, p, centers, numbers, n, line):
    """For four vectors of points, the nearest of n numbers' centres.

    Returns the distances to it, and its number (the first's); and bounds for all the points: how much nearer than the
    second it is at least, in squares, and how far the second is at most.
    """
    b0, b1, b2, b3 = distances_to(values, factor, t, p, centers[numbers[0]], line)
    l0 = l1 = l2 = l3 = splat(line, float(numbers[0]))
    s0 = s1 = s2 = s3 = splat(line, np.inf)
    for j in range(1, n):
        d0, d1, d2, d3 = distances_to(values, factor, t, p, centers[numbers[j]], line)
        this = splat(line, float(numbers[j]))
        l0, l1 = select(d0 < b0, this, l0), select(d1 < b1, this, l1)
        l2, l3 = select(d2 < b2, this, l2), select(d3 < b3, this, l3)
        s0, s1, s2, s3 = vmin(vmax(d0, b0), s0), vmin(vmax(d1, b1), s1), vmin(vmax(d2, b2), s2), vmin(vmax(d3, b3), s3)
        b0, b1, b2, b3 = vmin(d0, b0), vmin(d1, b1), vmin(d2, b2), vmin(d3, b3)
    gain = hmin(vmin(vmin(s0 - b0, s1 - b1), vmin(s2 - b2, s3 - b3)))
    second = hmax(vmax(vmax(s0, s1), vmax(s2, s3)))
    return b0, b1, b2, b3, l0, l1, l2, l3, gain, second


@helper(fastmath=ORDERED)
def _measure_tiles(
    lo, hi, values, factor, boxes, weights, centers, columns, gaps, numbers, line, labels, distances
):  # fmt: skip
    step, total = lanes(values), 0.0
    for t in range(lo, hi):
        near, number, weight = distances[t], labels[t], weights[t]
        n, _ = possible(t, boxes, columns, centers.shape[0], gaps, numbers)
        for p in range(0, TILE, 4 * step):
            b0, b1, b2, b3, l0, l1, l2, l3, _, _ = nearest(values, factor, t, p, centers, numbers, n, line)
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
def _measure(lo, hi, values, factor, boxes, weights, centers, columns, labels, distances, inertia, grain):
    """Nearest centres and squared distances to them of the points of tiles lo..hi-1; inertia (n_chunks,)."""
    gaps, numbers = np.empty(columns.shape[1], columns.dtype), np.empty(centers.shape[0], np.int64)
    line = np.empty(TILE, labels.dtype)
    arrays = (values, factor, boxes, weights, centers, columns, gaps, numbers, line, labels, distances)
    inertia[lo // grain] = _measure_tiles(lo, hi, *arrays)


@chunked(fastmath=EXACT)
def _number_labels(lo, hi, labels, order, out):
    """Requires: a chunk is a block."""
    for i in range(lo, hi):
        out[lo + order[i] if order.size > 0 else i] = np.int32(labels[i])


class Points:
    """Points and weights, scaled by powers of two to lie within [-4, 4] (which is exact).

    `ends` are the `extremes` of the points, and of what they are to be compared with. With `sort` points of few
    features are sorted.
    """

    def __init__(self, X, weight, k, ends, *, sort=False):
        n, n_features = X.shape
        self.n, self.k, self.n_features, self.dtype = n, k, n_features, X.dtype
        self.scale = power_above(largest(ends), X.dtype)
        factor = X.dtype.type(1 / self.scale)
        n_tiles = self.n_tiles = -(-n // TILE)
        is_many = n_features >= _MANY
        # A chunk's sums should not outweigh its points.
        self.grain = max(TILE // 4 if is_many else TILE, k // 4)
        self.n_chunks = -(-n_tiles // self.grain)
        moments = np.zeros((-(-n_tiles // _BLOCK), 2, n_features))
        self.order = np.empty(0, np.uint16)
        if is_many:
            values, boxes = X, np.empty((0, 2, n_features), X.dtype)
            _sum_moments(n_tiles, X, factor, moments, _BLOCK, grain=_BLOCK)
        else:
            values = np.empty((n_tiles, n_features, TILE), X.dtype)
            boxes = np.empty((n_tiles, 2, n_features), X.dtype)
            bits = min(_CODE // n_features, _CODE // 2)
            if sort and bits > 1:  # of more features hardly any two points are alike
                self.order = np.empty(n, np.uint16)
            curve = _curve(ends * factor, bits)
            _lay_out(n_tiles, X, factor, *curve, self.order, values, boxes, moments, _BLOCK, grain=_BLOCK)
        mean, square = moments.sum(axis=0) / n
        self.variance = max(0.0, float(np.mean(square - mean**2)))
        self.weights = np.zeros((n_tiles, TILE), X.dtype)
        self.weight_scale = 1.0 if weight is None else power_above(float(weight.max()), weight.dtype)
        weight = 1 if weight is None else weight[self.numbers()] / self.weight_scale
        self.weights.reshape(-1)[:n] = weight
        self.arrays = values, factor, boxes, self.weights  # as the kernels take them
        self.labels = np.empty((n_tiles, TILE), X.dtype)
        self.distances = np.empty((n_tiles, TILE), X.dtype)

    def launch(self, kernel, *args):
        kernel(self.n_tiles, *args, self.grain, grain=self.grain)

    def numbers(self):
        """The numbers in X of the points, in the order in which they are here."""
        numbers, size = np.arange(self.n), TILE * _BLOCK
        return numbers // size * size + self.order if self.order.size else numbers

    def take(self, indices):
        """Points by their places here, as rows."""
        values, factor = self.arrays[:2]
        if values.ndim == 2:
            return values[indices] * factor
        return np.ascontiguousarray(values[indices // TILE, :, indices % TILE])

    def measure(self, centers):
        """Set labels and distances to the nearest of the centres; returns the inertia."""
        inertia = np.empty(self.n_chunks)
        self.launch(_measure, *self.arrays, centers, by_feature(centers), self.labels, self.distances, inertia)
        return float(inertia.sum())

    def labels_by_number(self):
        """The labels as (N,) int32, in the order of X."""
        labels = np.empty(self.n, np.int32)
        _number_labels(self.n, self.labels.reshape(-1), self.order, labels, grain=TILE * _BLOCK)
        return labels


def _curve(ends, bits):
    """For `_sort`: the lowest places, cells per length, and the numbers of so many bits with these spread."""
    n_features = ends.shape[1]
    width = float((ends[1].astype(np.float64) - ends[0]).max())
    cells = ends.dtype.type((2**bits - 0.5) / width if width > 2.0**-64 else 0)
    spread = np.zeros(2**bits, np.int64)
    for bit in range(bits):
        spread |= (np.arange(2**bits) >> bit & 1) << (bit * n_features)
    return ends[0], cells, spread


def by_feature(centers):
    """The transposed centres for `possible`."""
    extra = -len(centers) % (WIDTH // 8 // centers.itemsize)
    return np.ascontiguousarray(np.concatenate([centers, np.repeat(centers[:1], extra, axis=0)]).T)


def extremes(X):
    """The lowest and the highest number of each feature: (2, C), NaN among them if any number is not finite."""
    n, n_features = X.shape
    together = -(-_ROW // n_features)  # points that are worked on as a row: loops over few numbers are slow
    rows = X[: n // together * together].reshape(-1, together * n_features)
    grain = chunk_size(0.1 * rows.shape[1])
    lows = np.empty((-(-len(rows) // grain), rows.shape[1]), X.dtype)
    highs = np.empty_like(lows)
    _find_extremes(len(rows), rows, lows, highs, grain, grain=grain)
    low, high = (
        np.concatenate([found.reshape(-1, n_features), X[rows.size // n_features :]]) for found in (lows, highs)
    )  # fmt: skip
    return np.stack([low.min(axis=0), high.max(axis=0)])


def largest(X):
    """The largest magnitude."""
    return max(abs(float(X.min())), abs(float(X.max())))


def power_above(value, dtype):
    """The power of two next above a magnitude (1 for 0), as far as `dtype` holds it and its inverse."""
    limits = np.finfo(dtype)
    return 2.0 ** min(max(math.frexp(value)[1], limits.minexp), limits.maxexp - 2)
