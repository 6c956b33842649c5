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

_TILE = 64
_UNIT = 256


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
def _integrate(index, bins, table, side, integral):
    """The integral histogram over a turned grid: (side + 1, side + 1, n_bins), its first row and column zero."""
    n_bins = table.shape[1]
    flat = table.reshape(-1)
    line = (side + 1) * n_bins
    for b in range(0, n_bins, lanes(table)):
        zero = splat(table, 0.0)
        for j in range(side + 1):
            store(integral, j * n_bins + b, zero)
        for i in range(side):
            total = zero
            here = (i + 1) * line + b
            store(integral, here, zero)
            for j in range(side):
                total = total + load(flat, bins[index[i * side + j]] * n_bins + b)
                here += n_bins
                store(integral, here, load(integral, here - line) + total)


@helper
def _half_distance(integral, line, n_bins, top, middle, bottom, left, right):
    """Distance of the histograms of rows [top, middle) and (middle, bottom) of the columns [left, right)."""
    squares = splat(integral, 0.0)
    above, below = squares, squares
    for b in range(0, n_bins, lanes(integral)):
        west, east = left * n_bins + b, right * n_bins + b
        g = (load(integral, middle * line + east) - load(integral, middle * line + west)) - (
            load(integral, top * line + east) - load(integral, top * line + west)
        )
        h = (load(integral, bottom * line + east) - load(integral, bottom * line + west)) - (
            load(integral, (middle + 1) * line + east) - load(integral, (middle + 1) * line + west)
        )
        above, below = above + g, below + h
    n_above, n_below = hsum(above), hsum(below)
    if n_above == 0 or n_below == 0:
        return np.float32(0)
    for b in range(0, n_bins, lanes(integral)):
        west, east = left * n_bins + b, right * n_bins + b
        g = (load(integral, middle * line + east) - load(integral, middle * line + west)) - (
            load(integral, top * line + east) - load(integral, top * line + west)
        )
        h = (load(integral, bottom * line + east) - load(integral, bottom * line + west)) - (
            load(integral, (middle + 1) * line + east) - load(integral, (middle + 1) * line + west)
        )
        g, h = g * n_below, h * n_above
        t = g - h
        squares = squares + t * t / vmax(g + h, splat(g, 1.0))
    return np.sqrt(np.float32(0.5) * hsum(squares) / (n_above * n_below))


@chunked
def _gradient_items(lo, hi, bins, table, radii, weights, turns, out):
    n_orientations, height, width = out.shape
    n_bins = table.shape[1]
    tiles_across = -(-width // _TILE)
    reach = radii.max() + 2
    side = int(_TILE * 1.4143) + 3 + 2 * reach
    index = np.empty(side * side, np.int32)
    integral = np.empty((side + 1) * (side + 1) * n_bins, np.float32)
    line = (side + 1) * n_bins
    for item in range(lo, hi):
        tile, o = item // n_orientations, item % n_orientations
        cosine, sine = turns[o, 0], turns[o, 1]
        r0, c0 = (tile // tiles_across) * _TILE, (tile % tiles_across) * _TILE
        r1, c1 = min(r0 + _TILE, height), min(c0 + _TILE, width)
        # the turned grid's first point: the least coordinates that a corner of the tile has, less the reach
        u_lo = math.floor(cosine * (r0 if cosine > 0 else r1) - sine * c1) - reach
        v_lo = math.floor(sine * r0 + cosine * (c0 if cosine > 0 else c1)) - reach
        _turned_source(index, u_lo, v_lo, side, cosine, sine, height, width)
        for k in range(bins.shape[0]):
            _integrate(index, bins[k], table, side, integral)
            for r in range(r0, r1):
                for c in range(c0, c1):
                    u = math.floor(cosine * r - sine * c + 0.5) - u_lo
                    v = math.floor(sine * r + cosine * c + 0.5) - v_lo
                    total = out[o, r, c]
                    for s in range(radii.size):
                        deep = radii[s]
                        wide = int(0.79 * deep + 0.5)
                        total += weights[k, s] * _half_distance(
                            integral, line, n_bins, u - deep, u, u + deep + 1, v - wide, v + wide + 1
                        )
                    out[o, r, c] = total


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
    _gradient_items(items, channels, table, radii, weights, turns, out, grain=1)
    return out


def _soft_bins(n, blur):
    """What a pixel of each value adds to each bin, in 1/256, whole vectors of bins; last a row of zeros."""
    step = WIDTH // 32
    table = np.zeros((n + 1, -(-n // step) * step), np.float32)
    distance = np.arange(n)[:, None] - np.arange(n)
    share = np.exp(-0.5 * (distance / blur) ** 2) if blur > 0 else (distance == 0).astype(float)
    table[:n, :n] = np.rint(_UNIT * share / share.sum(axis=1, keepdims=True))
    return table
