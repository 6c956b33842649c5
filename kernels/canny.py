"""Canny's edges, in one pass over the picture and one over what it found.

1. smooth with a Gaussian, in mode "constant" and under a mask divided by what it makes of ones
2. gradient (r, c) by unscaled Sobel sums, magnitude m = sqrt(r**2 + c**2)
3. keep a pixel with m >= low whose m is not exceeded on either side along the gradient, where the magnitude is
   interpolated between the two neighbours that the line passes:
   w m(diagonal) + (1 - w) m(straight), w = min(|r|, |c|) / max(|r|, |c|)
4. of these keep what is joined, by edges or corners, to one with m >= high

Source: J. Canny, "A computational approach to edge detection", IEEE Trans. Pattern Analysis and Machine Intelligence 8
(1986) 679-698, sections V to VIII; with the choices of scikit-image. Steps 1 to 3 go row by row through lines in the
cache, in float64 with the order of summation of scipy.ndimage, because rounding decides between equal neighbours.
Step 4 floods from the strong pixels, band by band in parallel and then across their seams. O(H W radius) time; memory
one byte a pixel, which becomes the result, beside a stack as long as the edges; a mask takes eight bytes a pixel more,
for what smoothing makes of it, and quantiles sixteen, for the magnitudes and their order.
"""

from fractions import Fraction

import numpy as np

from . import _validate as check
from ._bits import mask_bits, trailing_zeros
from ._image import MODES, border_index, extend_line, scratch, unit_scale
from ._jit import EXACT, helper, kernel
from ._parallel import chunked
from ._simd import lanes, load, load_part_as, select, splat, store, vabs, vmax, vmin, vsqrt
from .gaussian import gaussian_weights, sigma_of_axes
from .histogram import histogram

_BAND_PIXELS = 2**16
_BINS = 4096  # of magnitudes
_WEAK, _STRONG = 1, 2
_ONE = np.uint64(1)


# ---- smoothing ------------------------------------------------------------------------------------------


@helper(fastmath=EXACT)
def _fetch(image, mask, place, unit, cval, lines, at):
    """Line `place` of the picture times unit[0] + unit[1], 0 where masked out, or `cval` for no line."""
    width = image.shape[1]
    for j in range(0, width, lanes(lines)):
        value = splat(lines, cval)
        if place >= 0:
            value = load_part_as(lines, image, place * width + j, width - j)
            value = value * unit[0] + value * unit[1]
            if mask.size:
                counts = load_part_as(lines, mask, place * width + j, width - j) != 0.0
                value = select(counts, value, splat(lines, 0.0))
        store(lines, at + j, value)


@helper(fastmath=EXACT)
def _sum_taps(lines, offsets, weights, width, divisors, first, out, at):
    """out[at + j] = weights[r] x[r] + weights[0] (x[0] + x[2 r]) + weights[1] (x[1] + x[2 r - 1]) + ..., for x[k] the
    element offsets[k] + j of lines, divided by the element first + j of divisors, if there are any.

    Writes up to two vectors more than `width`.
    """
    last, step = weights.size - 1, lanes(out)
    for j in range(0, width, 2 * step):
        place, weight = offsets[last // 2] + j, weights[last // 2]
        a, b = weight * load(lines, place), weight * load(lines, place + step)
        for k in range(last // 2):
            left, right, weight = offsets[k] + j, offsets[last - k] + j, weights[k]
            a = a + weight * (load(lines, left) + load(lines, right))
            b = b + weight * (load(lines, left + step) + load(lines, right + step))
        if divisors.size:
            a = a / load_part_as(out, divisors, first + j, width - j)
            b = b / load_part_as(out, divisors, first + j + step, width - j - step)
        store(out, at + j, a)
        store(out, at + j + step, b)


@helper(fastmath=EXACT)
def _smooth_row(
    image, mask, row, new, unit, cval, places, columns, down, along, divisors, first, ring, offsets, work, begin,
    out, at,
):  # fmt: skip
    """Smoothed row `row`, divided as in `_sum_taps`, to flat index `at` of out; the ring misses its last `new` lines.

    Requires: places, columns from border_index with the borders of down and along; a line of the ring for each weight
    of down; work as from `_layout`; offsets as long as the longer of down and along.
    """
    width, taps = image.shape[1], down.size
    pitch, border = ring.size // taps, along.size // 2
    for k in range(taps):
        offsets[k] = (row + k) % taps * pitch
        if k >= taps - new:
            _fetch(image, mask, places[row + k], unit, cval, ring, offsets[k])
    _sum_taps(ring, offsets, down, width, divisors[:0], 0, work, begin)
    extend_line(work, begin - border, width, columns, 1, cval)
    for k in range(along.size):
        offsets[k] = begin - border + k
    _sum_taps(work, offsets, along, width, divisors, first, out, at)


@helper
def _layout(width, border, like):
    """(where the pixels of a line begin, elements of a line with two borders and two vectors to spare)"""
    step = lanes(like)
    begin = -(-border // step) * step
    return begin, begin + -(-(width + border) // step) * step + 2 * step


@chunked(fastmath=EXACT)
def _smooth(lo, hi, image, unit, cval, places, columns, down, along, out):
    # Requires: as `_smooth_row`; image, out (H, W), out float64.
    width = image.shape[1]
    begin, pitch = _layout(width, along.size // 2, out)
    ring, work = scratch(down.size * _layout(width, 0, out)[1], out), scratch(pitch, out)
    line, offsets = scratch(pitch, out), np.empty(max(down.size, along.size), np.int64)
    for row in range(lo, hi):
        new = down.size if row == lo else 1
        _smooth_row(
            image, image[:0], row, new, unit, cval, places, columns, down, along, out[:0], 0, ring, offsets, work,
            begin, line, 0,
        )  # fmt: skip
        for j in range(width):
            out[row, j] = line[j]


# ---- edges of a band ------------------------------------------------------------------------------------


@helper(fastmath=EXACT)
def _gradient_row(above, here, below, width, smooth, at, down, across, magnitude):
    """Sobel sums and magnitude of a row to flat index `at` of the lines; its neighbours lie at the first three."""
    step = lanes(smooth)
    for j in range(0, width, step):
        a_left, a, a_right = load(smooth, above + j - 1), load(smooth, above + j), load(smooth, above + j + 1)
        b_left, b, b_right = load(smooth, below + j - 1), load(smooth, below + j), load(smooth, below + j + 1)
        left, right = load(smooth, here + j - 1), load(smooth, here + j + 1)
        r = 2.0 * (b - a) + ((b_left - a_left) + (b_right - a_right))
        c = 2.0 * (right - left) + ((a_right - a_left) + (b_right - b_left))
        store(down, at + j, r)
        store(across, at + j, c)
        store(magnitude, at + j, vsqrt(r * r + c * c))


@helper
def _surrounded(mask, row, column):
    """Whether a pixel within the picture and its eight neighbours are in the mask."""
    inside = True
    for i in range(row - 1, row + 2):
        for j in range(column - 1, column + 2):
            inside = inside and mask[i, j]
    return inside


@helper(fastmath=EXACT)
def _suppress_row(
    above, here, below, row, mask, low, high, down, across, magnitude, codes, stack, n
):  # fmt: skip
    """Code the pixels of a row that are greatest along their gradient as _WEAK or, put on the stack, as _STRONG;
    returns how many the stack holds."""
    width, step = codes.shape[1], lanes(magnitude)
    for j in range(0, width, step):
        m = load(magnitude, here + j)
        enough = m >= low
        if mask_bits(enough) == 0:
            continue
        r, c = load(down, here + j), load(across, here + j)
        size_r, size_c = vabs(r), vabs(c)
        steep = size_r > size_c
        w = vmin(size_r, size_c) / vmax(size_r, size_c)
        # Towards the lower right and the upper left, or towards the lower left and the upper right
        falling = ((r >= 0.0) & (c >= 0.0)) | ((r <= 0.0) & (c <= 0.0))
        upper, lower = load(magnitude, above + j), load(magnitude, below + j)
        left, right = load(magnitude, here + j - 1), load(magnitude, here + j + 1)
        upper_left, upper_right = load(magnitude, above + j - 1), load(magnitude, above + j + 1)
        lower_left, lower_right = load(magnitude, below + j - 1), load(magnitude, below + j + 1)
        straight_a, straight_b = select(steep, lower, right), select(steep, upper, left)
        diagonal_a = select(falling, lower_right, select(steep, lower_left, upper_right))
        diagonal_b = select(falling, upper_left, select(steep, upper_right, lower_left))
        greatest = (diagonal_a * w + straight_a * (1.0 - w) <= m) & (diagonal_b * w + straight_b * (1.0 - w) <= m)
        found, strong = mask_bits(enough & greatest & (m > 0.0)), mask_bits(m >= high)
        while found != 0:
            lane = trailing_zeros(found)
            found &= found - _ONE
            column = j + lane
            if 0 < column < width - 1 and (mask.size == 0 or _surrounded(mask, row, column)):
                codes[row, column] = _WEAK
                if strong >> np.uint64(lane) & _ONE:
                    codes[row, column] = _STRONG
                    stack[n] = row * width + column
                    n += 1
    return n


@helper
def _flood(codes, lo, hi, stack, n):
    """Make weak pixels of rows lo..hi-1 strong that are joined to the n first of the stack, which are strong.

    Requires: no weak or strong pixel on the border of the picture.
    """
    pixels, width = codes.reshape(-1), codes.shape[1]
    while n > 0:
        n -= 1
        pixel = stack[n]
        for middle in (pixel - width, pixel, pixel + width):
            if lo * width <= middle < hi * width:
                for near in range(middle - 1, middle + 2):
                    if pixels[near] == _WEAK:
                        pixels[near] = _STRONG
                        stack[n] = near
                        n += 1


@chunked(fastmath=EXACT)
def _mark(
    lo, hi, image, mask, unit, cval, places, columns, down, along, ones, ones_row, low, high, magnitudes, codes
):  # fmt: skip
    # Requires: as `_smooth_row`; mask (H, W) uint8 or empty; ones (any, W), by whose row ones_row[i] the smoothed row i
    # is divided, unless it is empty; magnitudes (H, W), or empty where they are not wanted; codes (H, W) of zeros.
    height, width = image.shape
    border, pitch = _layout(width, 1, down)
    smooth, magnitude = scratch(3 * pitch, down), scratch(3 * pitch, down)
    rows, across = scratch(3 * pitch, down), scratch(3 * pitch, down)
    begin, size = _layout(width, along.size // 2, down)
    ring, work = scratch(down.size * _layout(width, 0, down)[1], down), scratch(size, down)
    offsets = np.empty(max(down.size, along.size), np.int64)
    stack, n = np.empty((hi - lo) * width, np.int64), 0
    first = max(lo - 1, 0)  # row whose gradient comes first
    ready, new = max(first - 1, 0), down.size
    for i in range(first, min(hi + 1, height)):
        while ready <= min(i + 1, height - 1):
            at = ready % 3 * pitch + border
            _smooth_row(
                image, mask, ready, new, unit, cval, places, columns, down, along, ones, ones_row[ready] * width,
                ring, offsets, work, begin, smooth, at,
            )  # fmt: skip
            smooth[at - 1], smooth[at + width] = smooth[at], smooth[at + width - 1]
            ready, new = ready + 1, 1
        at = i % 3 * pitch + border
        above, below = max(i - 1, 0) % 3 * pitch + border, min(i + 1, height - 1) % 3 * pitch + border
        _gradient_row(above, at, below, width, smooth, at, rows, across, magnitude)
        if magnitudes.size and lo <= i < hi:
            for j in range(width):
                magnitudes[i, j] = magnitude[at + j]
        if lo <= i - 1 and 0 < i - 1:
            above, here = (i - 2) % 3 * pitch + border, (i - 1) % 3 * pitch + border
            n = _suppress_row(above, here, at, i - 1, mask, low, high, rows, across, magnitude, codes, stack, n)
    _flood(codes, lo, hi, stack, n)


# ---- edges of the picture -------------------------------------------------------------------------------


@kernel
def _join_bands(codes, band):
    """Let strong pixels reach beyond their bands of so many rows."""
    height, width = codes.shape
    stack = np.empty(height * width, np.int64)
    for seam in range(band, height, band):
        n = 0
        for row in range(seam - 1, seam + 1):
            for j in range(width):
                if codes[row, j] == _STRONG:
                    stack[n] = row * width + j
                    n += 1
        _flood(codes, 0, height, stack, n)


@chunked
def _keep_strong(lo, hi, codes):
    for k in range(lo, hi):
        codes[k] >>= 1


def _threshold(name, value, default, use_quantiles, scale):
    if value is None:
        return default
    if use_quantiles:
        return check.real("canny", name, value, low=0, high=1)
    return check.real("canny", name, value) * scale


def canny(
    image, sigma=1.0, low_threshold=None, high_threshold=None, mask=None, use_quantiles=False, *, mode="constant",
    cval=0.0,
):  # fmt: skip
    """Edges of a picture, one pixel wide, by Canny's method.

    Parameters
    ----------
    image : array of shape (H, W)
        uint8 and uint16, which are scaled to [0, 1], float32 or float64.
    sigma : float or pair of float
        Standard deviation of the smoothing in pixels, or one for the rows and one for the columns; 0 for none.
    low_threshold, high_threshold : float, optional
        Magnitude of the gradient that a pixel of an edge must have, and that one pixel of each edge must have, in the
        units of the picture. A step from 0 to 1 has the magnitude 4. By default a tenth and a fifth of the full scale.
    mask : bool array of shape (H, W), optional
        Pixels that count. There are no edges where one of the eight neighbours does not count or is missing.
    use_quantiles : bool
        Take the thresholds as quantiles, from 0 to 1, of all magnitudes in the picture.
    mode : {"constant", "reflect", "nearest", "mirror", "wrap"}
        How the picture goes on beyond its border for the smoothing, in the words of scipy.ndimage.
    cval : float
        What lies beyond the border in mode "constant", with the full scale as 1.

    Returns
    -------
    bool array of shape (H, W)
        Where the edges are. Pictures with fewer than three rows or columns have none.

    Raises
    ------
    TypeError, ValueError
        For anything but real numbers in two axes, an empty picture, a mask of another shape, and thresholds that are
        not finite, not in order or not quantiles.

    Notes
    -----
    As ``skimage.feature.canny``, worked in float64 whatever the dtype, so that copies of a picture in several dtypes
    have the same edges. There is no edge within reach of a NaN or infinity; with ``use_quantiles`` one leaves none.
    """
    image = check.as_image("canny", image, ndim=2)
    sigmas = [check.real("canny", "sigma", s, low=0) for s in sigma_of_axes("canny", sigma, 2, None)]
    mask = check.as_mask("canny", mask, image.shape)
    mode = check.one_of("canny", "mode", mode, MODES)
    cval = check.real("canny", "cval", cval)
    scale = unit_scale(image.dtype)
    low = _threshold("low_threshold", low_threshold, 0.1, use_quantiles, scale)
    high = _threshold("high_threshold", high_threshold, 0.2, use_quantiles, scale)
    if high < low:
        raise ValueError(
            f"canny: high_threshold must be at least low_threshold, got {high / scale:g} and {low / scale:g}"
        )

    height, width = image.shape
    down, along = (gaussian_weights(s) for s in sigmas)
    ones, ones_row = np.empty((0, width)), np.zeros(height, np.int64)
    if mask is None:
        mask = np.empty((0, width), bool)
    mask = mask.view(np.uint8)
    if mask.size:
        ones, ones_row = _smoothed(mask, down, along, mode, cval), np.arange(height)
    elif mode == "constant":
        # Rows and columns as far from the border as the weights reach are all alike.
        small = np.ones((min(height, down.size), min(width, along.size)), np.uint8)
        ones_row, ones_column = (_representative(n, k) for n, k in zip(image.shape, small.shape, strict=True))
        ones = np.ascontiguousarray(_smoothed(small, down, along, mode, cval)[:, ones_column])
    unit = _split(scale) if scale < 1 else (1.0, 0.0)
    codes, band = np.zeros(image.shape, np.uint8), max(16, 8 * down.size, _BAND_PIXELS // width)

    def mark(low, high, magnitudes):
        _mark(
            height, image, mask, unit, cval, *_borders(image.shape, down, along, mode), down, along, ones, ones_row,
            low, high, magnitudes, codes, grain=band,
        )  # fmt: skip

    nothing = np.empty((0, 0))
    if use_quantiles:
        magnitudes = np.empty(image.shape)
        mark(np.inf, np.inf, magnitudes)
        low, high = _quantiles(magnitudes.reshape(-1), [low, high])
    mark(low, high, nothing)
    _join_bands(codes, band)
    _keep_strong(codes.size, codes.reshape(-1), grain=_BAND_PIXELS)
    return codes.view(bool)


def _quantiles(values, shares):
    """As `np.quantile` of values that are at least 0, but only what falls near is sorted."""
    greatest = values.max()
    if not _BINS * np.finfo(values.dtype).tiny < greatest < np.inf:  # all 0, or one NaN
        return np.quantile(values, shares)
    counts, edges = histogram(values, _BINS, (0.0, greatest))
    up_to, found = np.cumsum(counts), []
    for share in shares:
        place = (values.size - 1) * share
        rank = min(int(place), max(values.size - 2, 0))
        first, last = np.searchsorted(up_to, [rank, min(rank + 1, values.size - 1)], side="right")
        near = values[(values >= edges[first]) & (values <= edges[last + 1])]
        ranks = rank - (up_to[first] - counts[first]) + np.arange(min(2, values.size))
        found.append(np.quantile(np.partition(near, ranks)[ranks], place - rank))
    return found


def _split(scale):
    """(a, b) with a + b = scale for which a x + b x, rounded as usual, is x / n, for scale = 1 / n and x from 0 to n.

    a has so few digits that a x is exact; x / n is too far from the middle between two floats for b's error to matter.
    """
    few = float(np.float32(scale))
    n = round(1 / scale)
    return few, float((1 - Fraction(few) * n) / n)


def _borders(shape, down, along, mode):
    return [border_index(n, w.size // 2, w.size // 2, mode) for n, w in zip(shape, (down, along), strict=True)]


def _smoothed(mask, down, along, mode, cval):
    """What smoothing makes of a mask, and a little more, so that one may divide by it."""
    out = np.empty(mask.shape)
    _smooth(
        len(mask), mask, (1.0, 0.0), cval, *_borders(mask.shape, down, along, mode), down, along, out,
        grain=max(8 * down.size, _BAND_PIXELS // mask.shape[1]),
    )  # fmt: skip
    out += np.finfo(np.float64).eps
    return out


def _representative(n, k):
    """For each of n places the one of k <= n that is as far from the end, or in the middle for all that are farther."""
    place = np.arange(n)
    return np.minimum(place, (k - 1) // 2) + np.maximum(place - (n - 1 - k // 2), 0)
