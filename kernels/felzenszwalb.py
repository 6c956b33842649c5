"""Graph-based segmentation: regions grow along the weakest edges, as long as those are weak for both sides.

Every pixel is joined to its eight neighbours by edges; the cost of an edge is the distance of the two colours. In
ascending order of their costs, edges unite the regions A and B at their ends if

    cost < min(Int(A) + scale / |A|, Int(B) + scale / |B|),

where Int is the cost of the edge that united a region last, its greatest. A second pass in the same order unites
regions of which one is smaller than min_size.

Felzenszwalb and Huttenlocher, "Efficient graph-based image segmentation", Int. J. Computer Vision 59 (2004) 167-181,
section 4. Regions are the trees of a union-find. Edges are taken level by level of their costs: before a level is
sorted, those that have come to lie within a region are left out, most of the costlier ones (Osipov, Sanders and
Singler, "The filter-Kruskal minimum spanning tree algorithm", ALENEX 2009).

Time O(H W C) for a radix sort; memory 32 bytes for a pixel, about 16 for each of the edges of a level, and 16 C for the
picture in float64.
"""

import itertools

import numpy as np

from . import _validate as check
from ._bits import bit_count, trailing_zeros
from ._image import unit_scale
from ._jit import EXACT, helper, kernel
from ._parallel import chunk_size, chunked
from ._parts import picture_and_mask, smooth_within
from ._radix_sort import sort_bits
from ._simd import prefetch

_NO_EDGE = 0x7FFFFFFF  # above the bits of any cost
_PLACE = 29  # bits of an edge's number that say at which pixel it begins; two say where it leads, 32 what it costs
_SHARE = 20  # bits of a cost that do not count for its level
_AHEAD = 16  # edges
_ONE = np.uint64(1)


@chunked(fastmath=EXACT)
def _measure(lo, hi, image, allowed, costs, counts, grain):
    """Costs of the edges from rows lo..hi-1 to the right, down, down right and down left, as the bits of float32.

    Requires: image (H, W, C) of float64; allowed (H, W) of bool; costs (4, H, W) of int32; counts (n_chunks, 2**11)
    zeros, the number of costs of each level.
    """
    height, width, channels = image.shape
    for r in range(lo, hi):
        for way in range(4):
            down, right = way > 0, (1, 0, 1, -1)[way]
            line = costs[way, r]
            for c in range(width):
                i, j = r + down, c + right
                if i >= height or j < 0 or j >= width or not (allowed[r, c] and allowed[i, j]):
                    line[c] = _NO_EDGE
                    continue
                square = 0.0
                for channel in range(channels):
                    difference = image[r, c, channel] - image[i, j, channel]
                    square += difference * difference
                line[c] = np.float32(np.sqrt(square)).view(np.int32)
                counts[lo // grain, line[c] >> _SHARE] += 1


@helper(fastmath=EXACT)
def _step(way, width):
    """How far away the pixel is to which an edge leads."""
    return (1, width, width + 1, width - 1)[way]


@chunked(fastmath=EXACT)
def _mark_level(lo, hi, costs, least, most, regions, marks, counts):
    """Mark the edges with least <= cost < most that lead to another region, on each of the 4 H lines of costs.

    Requires: costs (4, H, W); regions (H W + W + 1,); marks (4 H, W / 8 rounded up) of uint64, a byte for an edge.
    """
    height, width = costs.shape[1:]
    for line in range(lo, hi):
        way, first = line // height, line % height * width
        here, there = regions[first : first + width], regions[first + _step(way, width) :][:width]
        line_costs, marked = costs[way, line % height], marks[line].view(np.uint8)
        for c in range(width):
            cost = line_costs[c]
            marked[c] = (least <= cost) & (cost < most) & (here[c] != there[c])
        marked[width:] = 0
        count = 0
        for k in range(marks.shape[1]):
            count += bit_count(marks[line, k])
        counts[line] = count


@chunked(fastmath=EXACT)
def _list_level(lo, hi, costs, marks, starts, edges):
    height, width = costs.shape[1:]
    for line in range(lo, hi):
        way, r, place = line // height, line % height, starts[line]
        for k in range(marks.shape[1]):
            word = marks[line, k]
            while word != 0:
                c = 8 * k + (trailing_zeros(word) >> 3)
                edges[place] = np.int64(costs[way, r, c]) << 32 | way << _PLACE | (r * width + c)
                place += 1
                word &= word - _ONE


@helper
def _ends(edge, width):
    """The two pixels of an edge."""
    pixel, way = edge & ((1 << _PLACE) - 1), (edge >> _PLACE) & 3
    return pixel, pixel + _step(way, width)


# Of each pixel: the pixel above it in its region's tree, or of the root minus the region's size; and Int of the root,
# as the bits of a float32.


@helper(fastmath=EXACT)
def _root(nodes, pixel):
    above = nodes[pixel, 0]
    while above >= 0:
        next_above = nodes[above, 0]
        if next_above < 0:
            return np.int64(above)
        nodes[pixel, 0] = next_above  # halves the way for those who come after
        pixel, above = np.int64(next_above), nodes[next_above, 0]
    return pixel


@helper(fastmath=EXACT)
def _join(nodes, a, b):
    """Unite the trees of two roots; the lower is the common root."""
    low, high = min(a, b), max(a, b)
    nodes[low, 0] += nodes[high, 0]
    nodes[high, 0] = low
    return low


@helper(fastmath=EXACT)
def _limit(nodes, root, scale):
    return np.float64(np.int32(nodes[root, 1]).view(np.float32)) + scale / -nodes[root, 0]


@kernel(fastmath=EXACT)
def _unite(edges, width, scale, nodes):
    """Unite regions along sorted edges. Those between regions that stay apart come to the front; returns how many."""
    n_kept, last = 0, edges.size - 1
    for e in range(edges.size):
        soon, later = _ends(edges[min(e + _AHEAD, last)], width)
        prefetch(nodes, 2 * soon)
        prefetch(nodes, 2 * later)
        p, q = _ends(edges[e], width)
        a, b = _root(nodes, p), _root(nodes, q)
        if a == b:
            continue
        bits = np.int32(edges[e] >> 32)
        if np.float64(bits.view(np.float32)) < min(_limit(nodes, a, scale), _limit(nodes, b, scale)):
            nodes[_join(nodes, a, b), 1] = bits
        else:
            edges[n_kept] = edges[e]
            n_kept += 1
    return n_kept


@kernel(fastmath=EXACT)
def _unite_small(edges, width, min_size, nodes):
    """Unite regions along sorted edges if one of them is smaller than min_size."""
    for e in range(edges.size):
        p, q = _ends(edges[e], width)
        a, b = _root(nodes, p), _root(nodes, q)
        if a != b and min(-nodes[a, 0], -nodes[b, 0]) < min_size:
            _join(nodes, a, b)


@kernel(fastmath=EXACT)
def _number(nodes, allowed, regions):
    """Number the trees by their roots, which come before all else of them; -1 where not allowed."""
    n = 0
    for p in range(nodes.shape[0]):
        if not allowed[p]:
            regions[p] = -1
        elif nodes[p, 0] < 0:
            regions[p] = n
            n += 1
        else:
            regions[p] = regions[nodes[p, 0]]


def _levels(counts, size):
    """Bounds of costs between which there are about `size` edges."""
    totals = np.cumsum(counts.sum(axis=0))
    bounds = (np.searchsorted(totals, np.arange(1, 4) * size) + 1) << _SHARE
    return np.unique(np.concatenate([[0], bounds.clip(0, _NO_EDGE), [_NO_EDGE]])).astype(np.int32)


def _sorted_levels(image, allowed, nodes, regions):
    """The edges of one level after the other, in order. In between, the caller unites regions in `nodes`."""
    height, width, channels = image.shape
    size = height * width
    costs = np.empty((4, height, width), np.int32)
    grain = chunk_size(4.0 * width * (5 + channels))
    counts = np.zeros((-(-height // grain), 1 << (31 - _SHARE)), np.int64)
    _measure(height, image, allowed, costs, counts, grain, grain=grain)
    bounds = _levels(counts, size)
    starts = np.zeros(4 * height + 1, np.int64)
    marks = np.empty((4 * height, -(-width // 8)), np.uint64)
    grain = chunk_size(1.0 * width)
    for least, most in itertools.pairwise(bounds):
        _number(nodes, allowed.reshape(-1), regions)
        _mark_level(4 * height, costs, least, most, regions, marks, starts[1:], grain=grain)
        np.cumsum(starts[1:], out=starts[1:])
        edges = np.empty(starts[-1], np.int64)
        _list_level(4 * height, costs, marks, starts, edges, grain=grain)
        yield sort_bits(edges, 32, 63)


def felzenszwalb(image, scale=1, sigma=0.8, min_size=20, *, channel_axis=-1, mask=None):
    """Divide a picture into regions that differ more from their neighbours than within.

    Parameters
    ----------
    image : array of shape (H, W) or (H, W, C)
        uint8, uint16, float32 or float64, with any number of channels. Integers are scaled to [0, 1].
    scale : float
        At least 0. The greater, the larger are the regions.
    sigma : float
        Standard deviation of the Gaussian that smooths the picture before all else, in pixels.
    min_size : int
        In pixels. Smaller regions are united with the neighbour behind the weakest edge.
    channel_axis : int or None
        Which axis of a picture with three counts the channels. None for pictures without.
    mask : (H, W) array of bool, optional
        Only pixels where it is True belong to regions, and to the picture: the others may hold anything.

    Returns
    -------
    (H, W) int32 array
        Regions counted from 0 by their first pixel in raster order; -1 outside the mask.

    Raises
    ------
    TypeError, ValueError
        If it is not such a picture, not finite, or has no pixels, or a number is negative.

    Notes
    -----
    As `skimage.segmentation.felzenszwalb`, which has no mask. The picture is worked in float64; costs are compared as
    float32, and equal ones in raster order. No region is smaller than `min_size`, unless it touches no other.
    """
    name = "felzenszwalb"
    image, allowed = picture_and_mask(name, image, channel_axis, mask)
    scale = check.real(name, "scale", scale, low=0)
    sigma = check.real(name, "sigma", sigma, low=0)
    min_size = check.integer(name, "min_size", min_size, low=0)
    height, width = image.shape[:2]
    if height * width >= 2**29:
        raise ValueError(f"{name}: image must have fewer than 2**29 pixels, got shape {image.shape}")
    image = smooth_within(image * np.float64(unit_scale(image.dtype)), sigma, allowed)
    if allowed is None:
        allowed = np.ones((height, width), bool)
    scale /= 255  # as published, for colours from 0 to 255
    nodes = np.zeros((height * width, 2), np.int32)
    nodes[:, 0] = -1
    regions = np.zeros(height * width + width + 1, np.int32)  # edges out of the picture end in the rest
    left = []
    for edges in _sorted_levels(image, allowed, nodes, regions):
        left.append(edges[: _unite(edges, width, scale, nodes)].copy())
    _unite_small(np.concatenate(left), width, min_size, nodes)
    _number(nodes, allowed.reshape(-1), regions)
    return regions[: height * width].reshape(height, width)
