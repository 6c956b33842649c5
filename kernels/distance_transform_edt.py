"""Exact Euclidean distance of each pixel from the nearest background pixel.

    d(i, j)**2 = min over k of (j - k)**2 + g(i, k)**2

g(i, k), the distance of (i, k) from the background in its column, comes from one sweep down and one up, all columns at
once. The minimum over k is the lower envelope of parabolas: from left to right, one that is nowhere the lowest is
dropped for good, so that each is looked at twice (Felzenszwalb and Huttenlocher, "Distance transforms of sampled
functions", Theory of Computing 8, 2012, section 2). Where the background is near, vectors are quicker: they try k at
growing steps from j, and none counts any more whose (j - k)**2 alone is as large as the least sum.

Time O(H W); memory 4 bytes a pixel beside the result. With whole sampling distances are the roots of exact integers.
"""

import numpy as np

from . import _validate as check
from ._image import scratch
from ._jit import EXACT, helper
from ._parallel import chunk_size, chunked
from ._simd import WIDTH, hmax, lanes, load, store, vmin

_FAR = np.iinfo(np.int32).max  # no background in this column
_REACH = 128  # steps to either side, a multiple of 4: those of a vector cost as much as the envelope of its pixels


@chunked(fastmath=EXACT)
def _nearest_rows(lo, hi, foreground, nearest):
    """The row of the nearest background pixel in each of the columns lo..hi-1, the upper one of two; or _FAR."""
    height = foreground.shape[0]
    for r in range(height):
        here, out = foreground[r, lo:hi], nearest[r, lo:hi]
        if r == 0:
            for c in range(out.size):
                out[c] = _FAR if here[c] else 0
        else:
            above = nearest[r - 1, lo:hi]
            for c in range(out.size):
                out[c] = above[c] if here[c] else r
    for r in range(height - 2, -1, -1):
        below, out = nearest[r + 1, lo:hi], nearest[r, lo:hi]
        for c in range(out.size):
            from_above = r - out[c] if out[c] != _FAR else _FAR
            from_below = below[c] - r if below[c] != _FAR else _FAR
            out[c] = below[c] if from_below < from_above else out[c]


@helper(fastmath=EXACT)
def _envelope(heights, spacing, vertices, starts):
    """The parabolas of the lower envelope of heights[k] + (spacing (x - k))**2, infinite ones left out.

    vertices[n] is the lowest from x = starts[n] to starts[n + 1]. Returns their number.
    """
    n = 0
    square = spacing * spacing
    for k in range(heights.size):
        if heights[k] == np.inf:
            continue
        start = -np.inf
        while n > 0:
            v = vertices[n - 1]
            # where the parabolas at v and k meet
            start = 0.5 * ((heights[k] - heights[v]) / (square * (k - v)) + (k + v))
            if start > starts[n - 1]:
                break
            n -= 1
        if n == 0:
            start = -np.inf
        vertices[n], starts[n] = k, start
        n += 1
    return n


@helper(fastmath=EXACT)
def _search(heights, width, least):
    """least[j] = min over k of heights[_REACH + k] + (k - j)**2, where it is at most _REACH**2. Whether it always is.

    Requires: heights infinite in _REACH places before and after those of the row, which has two vectors or more. Up to
    2**24 they are exact.
    """
    step = lanes(least)
    for left in range(0, width, 2 * step):
        j = min(left, width - 2 * step)
        at = j + _REACH
        a, b = load(heights, at), load(heights, at + step)
        d = 1
        while np.float32(d * d) < max(hmax(a), hmax(b)):
            if d > _REACH:
                return False
            for _ in range(4):
                square = np.float32(d * d)
                a = vmin(a, vmin(load(heights, at - d), load(heights, at + d)) + square)
                b = vmin(b, vmin(load(heights, at + step - d), load(heights, at + step + d)) + square)
                d += 1
        store(least, j, a)
        store(least, j + step, b)
    return True


@chunked(fastmath=EXACT)
def _near_rows(lo, hi, nearest, distances, is_done):
    # Requires: two vectors of float32 a row.
    width = nearest.shape[1]
    least = np.empty(width, np.float32)
    heights = scratch(width + 2 * _REACH, least)
    for c in range(_REACH):
        heights[c] = heights[_REACH + width + c] = np.inf
    for r in range(lo, hi):
        row = heights[_REACH : _REACH + width]
        for c in range(width):
            steps = np.float32(r - nearest[r, c])
            row[c] = steps * steps if nearest[r, c] != _FAR else np.float32(np.inf)
        is_done[r] = _search(heights, width, least)
        if is_done[r]:
            for c in range(width):
                distances[r, c] = np.sqrt(np.float64(least[c]))


@chunked(fastmath=EXACT)
def _rows(lo, hi, nearest, down, across, is_done, distances, indices):
    width = nearest.shape[1]
    heights, starts, vertices = np.empty(width), np.empty(width), np.empty(width, np.int64)
    for r in range(lo, hi):
        if is_done[r]:
            continue
        for c in range(width):
            steps = down * (r - nearest[r, c])
            heights[c] = steps * steps if nearest[r, c] != _FAR else np.inf
        count = _envelope(heights, across, vertices, starts)
        n = 0
        for c in range(width):
            while n + 1 < count and starts[n + 1] < c:
                n += 1
            if count == 0:
                if distances.size > 0:
                    distances[r, c] = np.inf
                continue
            v = vertices[n]
            if distances.size > 0:
                steps = across * (c - v)
                distances[r, c] = np.sqrt(heights[v] + steps * steps)
            if indices.size > 0:
                indices[0, r, c], indices[1, r, c] = nearest[r, v], v


def distance_transform_edt(image, sampling=None, return_distances=True, return_indices=False):
    """Exact Euclidean distance from the nearest pixel that is 0.

    Parameters
    ----------
    image : (H, W) array
        What is not 0 is foreground, a NaN as well.
    sampling : float or (float, float), optional
        Distance of neighbouring rows and columns; 1 by default.
    return_distances, return_indices : bool
        What to return; at least one.

    Returns
    -------
    distances : (H, W) float64 array
        0 where `image` is 0; infinite everywhere if it is 0 nowhere.
    indices : (2, H, W) int32 array
        Row and column of a nearest pixel that is 0. Of several equally near ones any, but always the same.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as said, or indices are asked for where nothing is 0.

    Notes
    -----
    As `scipy.ndimage.distance_transform_edt`, in two dimensions, but for pictures without background, for which that
    invents one beyond the first pixel.
    """
    name = "distance_transform_edt"
    image = np.asarray(image)
    if image.dtype.kind not in "buif":
        raise TypeError(f"{name}: image must be an array of real numbers, got dtype {image.dtype}")
    foreground = check.as_array(name, "image", (image != 0).view(np.uint8), dtypes=(np.uint8,), ndim=2)
    pair = (1.0, 1.0) if sampling is None else (sampling, sampling) if np.ndim(sampling) == 0 else tuple(sampling)
    if len(pair) != 2:
        raise ValueError(f"{name}: sampling must be a number or two, got {sampling!r}")
    down, across = (check.real(name, "sampling", s, above=0) for s in pair)
    if not (return_distances or return_indices):
        raise ValueError(f"{name}: return_distances or return_indices must be true")
    if return_indices and foreground.all():
        raise ValueError(f"{name}: image must be 0 somewhere for return_indices")
    height, width = foreground.shape
    nearest = np.empty((height, width), np.int32)
    _nearest_rows(width, foreground, nearest, grain=max(256, chunk_size(height * 0.2)))
    distances = np.empty((height, width) if return_distances else (0, 0))
    indices = np.empty((2, height, width) if return_indices else (2, 0, 0), np.int32)
    is_done = np.zeros(height, bool)
    if pair == (1.0, 1.0) and not return_indices and width >= WIDTH // 16:
        _near_rows(height, nearest, distances, is_done, grain=chunk_size(2.0 * width))
    _rows(height, nearest, down, across, is_done, distances, indices, grain=chunk_size(10.0 * width))
    if return_distances and return_indices:
        return distances, indices
    return distances if return_distances else indices
