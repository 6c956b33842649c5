"""Oriented gradient of local histograms: how much the two halves of a window differ, for each orientation.

A window of `radius` r around a pixel is cut by a line through its centre at an angle theta. Of each half, r pixels deep
and about pi/2 r wide (the area of a half disc), a histogram of the values there is taken. Where the line lies on
the boundary of two textures or colours the histograms g and h differ most; their distance is

    d = sqrt(1/2 sum over bins of (g - h)**2 / (g + h)),    0 <= d <= 1, for histograms with sum 1.

Martin, Fowlkes and Malik, "Learning to detect natural image boundaries using local brightness, color, and texture
cues", IEEE PAMI 26(5), 2004, section 3, with their chi-squared distance under a root, which grows with the contrast
rather than with its square.

For each orientation the picture is turned (every point of a turned grid takes the nearest pixel), so that the halves
become upright rectangles, whose histograms are differences of four places of an integral histogram (Porikli, "Integral
histogram", CVPR 2005). It is made for one tile of the picture at a time, bins innermost: one vector holds 16 bins of a
place. Entries of histograms are multiples of 1/256, so that all of its sums are exact in float32.

Time O(H W orientations bins), whatever the radii; memory: the result, and for each thread the integral histogram of
one tile.
"""

import math

import numpy as np

from . import _validate as check
from ._jit import helper
from ._parallel import chunked
from ._simd import WIDTH, hsum, lanes, load, splat, store, vmax

_TILE = 48
_UNIT = 256
_WIDTH = 0.79  # half the width of a half window over its depth, which gives it the area of a half disc


@helper
def _turned_source(index, u_lo, v_lo, side, cosine, sine, height, width):
    """Where each point of a tile's turned grid lies in the flat picture; height * width if outside."""
    for i in range(side):
        u = float(i + u_lo)
        for j in range(side):
            v = float(j + v_lo)
            r = math.floor(cosine * u + sine * v + 0.5)
            c = math.floor(cosine * v - sine * u + 0.5)
            inside = 0 <= r < height and 0 <= c < width
            index[i * side + j] = r * width + c if inside else height * width


@helper
def _count(index, outside, side, counts):
    """The integral of 1 at points inside the picture, in the unit of histograms: (side + 1, side + 1)."""
    line = side + 1
    for j in range(line):
        counts[j] = 0
    for i in range(side):
        total = np.float32(0)
        counts[(i + 1) * line] = 0
        for j in range(side):
            if index[i * side + j] != outside:
                total += np.float32(_UNIT)
            here = (i + 1) * line + j + 1
            counts[here] = counts[here - line] + total


@helper
def _integrate(index, bins, table, first, side, integral):
    """The integral histogram of the vector of bins from number `first`: (side + 1, side + 1, lanes)."""
    step, n_bins = lanes(table), table.shape[1]
    flat, line = table.reshape(-1), (side + 1) * lanes(table)
    zero = splat(table, 0.0)
    for j in range(side + 1):
        store(integral, j * step, zero)
    for i in range(side):
        total = zero
        here = (i + 1) * line
        store(integral, here, zero)
        for j in range(side):
            total = total + load(flat, bins[index[i * side + j]] * n_bins + first)
            here += step
            store(integral, here, load(integral, here - line) + total)


@helper
def _halves(counts, line, u, v, deep, wide):
    """Pixels of the halves above and below the turned place (u, v), in the unit of histograms."""
    west, east = v - wide, v + wide + 1
    top, middle, next_, bottom = (u - deep) * line, u * line, (u + 1) * line, (u + deep + 1) * line
    above = (counts[middle + east] - counts[middle + west]) - (counts[top + east] - counts[top + west])
    below = (counts[bottom + east] - counts[bottom + west]) - (counts[next_ + east] - counts[next_ + west])
    return above, below


@helper
def _squares(integral, line, u, v, deep, wide, n_above, n_below):
    """Sum over a vector of bins of (g - h)**2 / (g + h), times n_above n_below, for histograms with sum 1."""
    step = lanes(integral)
    west, east = (v - wide) * step, (v + wide + 1) * step
    top, middle, next_, bottom = (u - deep) * line, u * line, (u + 1) * line, (u + deep + 1) * line
    g = (load(integral, middle + east) - load(integral, middle + west)) - (
        load(integral, top + east) - load(integral, top + west)
    )
    h = (load(integral, bottom + east) - load(integral, bottom + west)) - (
        load(integral, next_ + east) - load(integral, next_ + west)
    )
    g, h = g * n_below, h * n_above
    t = g - h
    return hsum(t * t / vmax(g + h, splat(g, 1.0)))


@chunked
def _gradient_items(lo, hi, bins, table, radii, weights, turns, out):
    """Item number o of each tile is its orientation o.

    Requires: bins (C, H W + 1), behind the last pixel the last row of table (K + 1, whole vectors); out zero.
    """
    n_orientations, height, width = out.shape
    tiles_across = -(-width // _TILE)
    reach = radii.max() + 2
    side = int(_TILE * 1.4143) + 3 + 2 * reach
    index = np.empty(side * side, np.int32)
    counts = np.empty((side + 1) * (side + 1), np.float32)
    integral = np.empty(counts.size * lanes(table), np.float32)
    places = np.empty((_TILE * _TILE, 2), np.int32)
    squares = np.empty((radii.size, _TILE * _TILE), np.float32)
    line = (side + 1) * lanes(table)
    for item in range(lo, hi):
        tile, o = item // n_orientations, item % n_orientations
        cosine, sine = turns[o, 0], turns[o, 1]
        r0, c0 = (tile // tiles_across) * _TILE, (tile % tiles_across) * _TILE
        r1, c1 = min(r0 + _TILE, height), min(c0 + _TILE, width)
        # the turned grid's first point: the least coordinates that a corner of the tile has, less the reach
        u_lo = math.floor(cosine * (r0 if cosine > 0 else r1) - sine * c1) - reach
        v_lo = math.floor(sine * r0 + cosine * (c0 if cosine > 0 else c1)) - reach
        _turned_source(index, u_lo, v_lo, side, cosine, sine, height, width)
        _count(index, height * width, side, counts)
        n = 0
        for r in range(r0, r1):
            for c in range(c0, c1):
                places[n, 0] = math.floor(cosine * r - sine * c + 0.5) - u_lo
                places[n, 1] = math.floor(sine * r + cosine * c + 0.5) - v_lo
                n += 1
        for k in range(bins.shape[0]):
            squares[:] = 0
            for first in range(0, table.shape[1], lanes(table)):
                _integrate(index, bins[k], table, first, side, integral)
                for s in range(radii.size):
                    deep = radii[s]
                    wide = int(_WIDTH * deep + 0.5)
                    for p in range(n):
                        u, v = places[p, 0], places[p, 1]
                        above, below = _halves(counts, side + 1, u, v, deep, wide)
                        squares[s, p] += _squares(integral, line, u, v, deep, wide, above, below)
            for s in range(radii.size):
                deep = radii[s]
                wide = int(_WIDTH * deep + 0.5)
                p = 0
                for r in range(r0, r1):
                    for c in range(c0, c1):
                        above, below = _halves(counts, side + 1, places[p, 0], places[p, 1], deep, wide)
                        if above > 0 and below > 0:
                            distance = np.sqrt(np.float32(0.5) * squares[s, p] / (above * below))
                            out[o, r, c] += weights[k, s] * distance
                        p += 1


def oriented_gradient(bins, radii, *, weights=None, blur=0.0, n_orientations=8):
    """How much the halves of a window around each pixel differ, for each orientation of the line between them.

    Parameters
    ----------
    bins : (H, W) or (H, W, C) array of int
        For each channel the number of each pixel's value, such as its quantised colour or its texture, from 0 to K - 1.
    radii : sequence of R ints
        Depths of the halves in pixels, at least 1.
    weights : (C, R) array of float, optional
        What the distance at each channel and radius counts in the sum; 1 by default.
    blur : float
        Standard deviation, in bins, of the Gaussian by which a value counts in neighbouring bins as well, so that
        a small change of a value is a small change of the histogram; 0 for numbers without an order.
    n_orientations : int
        The line of orientation k runs at the angle pi k / n_orientations to a row, clockwise as the picture is seen.

    Returns
    -------
    (n_orientations, H, W) float32 array
        The weighted sum over channels and radii of distances from 0 to 1. A half that lies outside the picture
        altogether gives 0.

    Raises
    ------
    TypeError, ValueError
        If a shape does not fit, or a value is out of range.
    """
    name = "oriented_gradient"
    bins = check.as_labels(name, "bins", bins, ndim=(2, 3))
    if bins.size == 0:
        raise ValueError(f"{name}: bins must not be empty, got shape {bins.shape}")
    if bins.min() < 0:
        raise ValueError(f"{name}: bins must be at least 0, got {bins.min()}")
    radii = np.array([check.integer(name, "radii", r, low=1) for r in radii], np.int64)
    blur = check.real(name, "blur", blur, low=0)
    n_orientations = check.integer(name, "n_orientations", n_orientations, low=1)
    height, width = bins.shape[:2]
    channels = bins.reshape(height * width, -1).T
    if weights is None:
        weights = np.ones((len(channels), len(radii)), np.float32)
    weights = check.as_array(name, "weights", weights, dtypes=(np.float32,), shape=(len(channels), len(radii)))
    table = _soft_bins(int(bins.max()) + 1, blur)
    outside = np.full((len(channels), 1), len(table) - 1, np.int32)
    channels = np.concatenate([channels, outside], axis=1)  # behind the last pixel: what lies outside counts nowhere
    turns = np.pi / n_orientations * np.arange(n_orientations)
    turns = np.stack([np.cos(turns), np.sin(turns)], axis=1)
    out = np.zeros((n_orientations, height, width), np.float32)
    items = -(-height // _TILE) * -(-width // _TILE) * n_orientations
    _gradient_items(items, channels, table, radii, weights, turns, out, grain=n_orientations)
    return out


def _soft_bins(n, blur):
    """What a pixel of each value adds to each bin, in 1/256, whole vectors of bins; last a row of zeros."""
    step = WIDTH // 32
    table = np.zeros((n + 1, -(-n // step) * step), np.float32)
    distance = np.arange(n)[:, None] - np.arange(n)
    share = np.exp(-0.5 * (distance / blur) ** 2) if blur > 0 else (distance == 0).astype(float)
    table[:n, :n] = np.rint(_UNIT * share / share.sum(axis=1, keepdims=True))
    table[np.arange(n), np.arange(n)] += _UNIT - table[:n].sum(axis=1)  # what rounding took, so that each adds one unit
    return table
