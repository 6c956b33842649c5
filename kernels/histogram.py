"""Histograms of one to three channels, counted exactly.

Bin i of a channel holds the values v with edges[i] <= v < edges[i + 1], the last one also v = edges[n]; a value belongs
to the bin where the edges say so, not where rounding puts it. The bins of a vector of values are computed at once, and
only values that lie so near to an edge that rounding might decide are compared with it.

Increments go in turn to several copies of the histogram, because one that follows another of the same bin has to wait
for it. Each chunk of pixels has a histogram of its own, and these are added up in order: sums of weights do not depend
on the number of threads, and counts are exact anyway. O(N C) time; memory a few dozen histograms.

The bin edges are those of numpy.histogram: equally spaced, rounded to the dtype of the values.
"""

import math

import numpy as np

from . import _validate as check
from ._bits import mask_bits, trailing_zeros
from ._image import float_dtype
from ._jit import EXACT, ORDERED, helper
from ._parallel import chunk_size, chunked
from ._simd import lanes, load, load_channels_part, load_part, select, splat, store, vfloor, vmax, vmin

_BLOCK = 512  # pixels whose bins are found before they are counted
_COPIES = 4
_COPIED_BINS = 5000  # more than these fill the cache, and hardly ever meet
_MOST_CHUNKS = 32
_MOST_BINS = 2**28
_ONE = np.uint64(1)


# ---- the range of the values ----------------------------------------------------------------------------


@chunked
def _limits(lo, hi, values, lowest, highest, grain):
    """Least and greatest value of each channel of pixels lo..hi-1, NaN left out; infinity and its opposite of none.

    Requires: values (N, C), C <= 3; lowest, highest (n_chunks, C).
    """
    channels, step, chunk = values.shape[1], lanes(values), lo // grain
    for c in range(channels):
        lowest[chunk, c], highest[chunk, c] = np.inf, -np.inf
    # Three vectors hold whole pixels of 1, 2 and 3 channels. vmin and vmax take their second argument if one is NaN.
    least = splat(values, np.inf)
    l0, l1, l2 = least, least, least
    h0, h1, h2 = -least, -least, -least
    begin, end = lo * channels, hi * channels
    whole = end - (end - begin) % (3 * step)
    for i in range(begin, whole, 3 * step):
        v0, v1, v2 = load(values, i), load(values, i + step), load(values, i + 2 * step)
        l0, l1, l2 = vmin(v0, l0), vmin(v1, l1), vmin(v2, l2)
        h0, h1, h2 = vmax(v0, h0), vmax(v1, h1), vmax(v2, h2)
    ends = np.empty((2, 3 * step), lowest.dtype)
    store(ends, 0, l0)
    store(ends, step, l1)
    store(ends, 2 * step, l2)
    store(ends, 3 * step, h0)
    store(ends, 4 * step, h1)
    store(ends, 5 * step, h2)
    for k in range(3 * step):
        _widen(ends[0, k], ends[1, k], chunk, k % channels, lowest, highest)
    for p in range(whole // channels, hi):
        for c in range(channels):
            _widen(values[p, c], values[p, c], chunk, c, lowest, highest)


@helper(fastmath=EXACT)
def _widen(low, high, chunk, c, lowest, highest):
    if low < lowest[chunk, c]:
        lowest[chunk, c] = low
    if high > highest[chunk, c]:
        highest[chunk, c] = high


# ---- counting -------------------------------------------------------------------------------------------


@helper
def _leave_out(mask, first, outside, bins):
    """Let pixels from `first` on that are masked out have the bin `outside`."""
    if mask is not None:
        for k in range(len(bins)):
            bins[k] = bins[k] if mask[first + k] else outside


@helper
def _end(bins, weights, first, sums):
    """Count the pixels from `first` on in the copies of a histogram."""
    copies, outside = len(sums), np.uint32(sums.shape[1] - 1)
    for k in range(len(bins)):
        bins[k] = min(bins[k], outside)
    weights = None if weights is None else weights[first : first + len(bins)]
    _count(bins, weights, sums[0], sums[1 % copies], sums[2 % copies], sums[3 % copies])


@helper
def _count(bins, weights, a, b, c, d):
    """Add the weights of pixels, or 1 for each, to their bins in one of four histograms, which may all be the same."""
    whole = len(bins) // 4 * 4
    if weights is None:
        for k in range(0, whole, 4):
            a[bins[k]] += 1
            b[bins[k + 1]] += 1
            c[bins[k + 2]] += 1
            d[bins[k + 3]] += 1
        for k in range(whole, len(bins)):
            a[bins[k]] += 1
    else:
        for k in range(0, whole, 4):
            a[bins[k]] += weights[k]
            b[bins[k + 1]] += weights[k + 1]
            c[bins[k + 2]] += weights[k + 2]
            d[bins[k + 3]] += weights[k + 3]
        for k in range(whole, len(bins)):
            a[bins[k]] += weights[k]


@helper
def _add_copies(sums):
    for copy in range(1, len(sums)):
        for b in range(sums.shape[1]):
            sums[0, b] += sums[copy, b]


@helper
def _look_up(block, tables, bins):
    """Let bins be the sums of what the tables say of each channel of a block of pixels."""
    channels = len(tables)
    first, second, third = tables[0], tables[1 % channels], tables[2 % channels]
    for k in range(len(bins)):
        if channels == 1:
            bins[k] = first[block[k, 0]]
        elif channels == 2:
            bins[k] = first[block[k, 0]] + second[block[k, 1]]
        else:
            bins[k] = first[block[k, 0]] + second[block[k, 1]] + third[block[k, 2]]


@chunked(fastmath=ORDERED)
def _count_integers(lo, hi, pixels, mask, weights, tables, partial, grain):
    # Requires: pixels (N, C), mask, weights (N,) or None; tables (C, 2**bits) uint32 say what each value of a channel
    # adds to the number of the bin, at least total where it lies outside; partial (n_chunks, 1 or 4, total + 1) zeros.
    sums, memory = partial[lo // grain], np.empty(_BLOCK, np.uint32)
    for first in range(lo, hi, _BLOCK):
        bins = memory[: min(_BLOCK, hi - first)]
        _look_up(pixels[first : first + len(bins)], tables, bins)
        _leave_out(mask, first, sums.shape[1] - 1, bins)
        _end(bins, weights, first, sums)
    _add_copies(sums)


@chunked(fastmath=ORDERED)
def _count_bytes(lo, hi, values, weights, partial, grain):
    # Requires: values (N,) uint8, weights (N,) or None; partial (n_chunks, 4 copies, 256) of zeros.
    sums, of_chunk = partial[lo // grain], None if weights is None else weights[lo:hi]
    _count(values[lo:hi], of_chunk, sums[0], sums[1], sums[2], sums[3])
    _add_copies(sums)


@helper
def _take_apart(pixels, first, n, lines):
    """Copy the channels of n pixels to the lines, in whole vectors; what lies beyond the pixels is 0."""
    channels, step = pixels.shape[1], lanes(lines)
    for k in range(0, n, step):
        at, rest = (first + k) * channels, min(step, n - k)
        if channels == 1:
            store(lines, k, load_part(pixels, at, rest))
        elif channels == 2:
            u, v = load_channels_part(pixels, at, 2, rest)
            store(lines, k, u)
            store(lines, _BLOCK + k, v)
        else:
            u, v, w = load_channels_part(pixels, at, 3, rest)
            store(lines, k, u)
            store(lines, _BLOCK + k, v)
            store(lines, 2 * _BLOCK + k, w)


@helper(fastmath=EXACT)
def _compute(line, edges, doubt, stride, outside, found, bins):
    """Add to bins what a channel contributes: its bin times `stride`, or `outside`.

    Equally spaced edges and rounded places differ by at most `doubt` of a bin.
    Requires: line, of the working dtype, and found, int32, with room for len(bins) in whole vectors.
    """
    n_bins, step = len(edges) - 1, lanes(line)
    low, high, beyond = splat(line, edges[0]), splat(line, edges[n_bins]), splat(line, n_bins)
    first, last = splat(line, 0.5), splat(line, n_bins - 0.5)  # no doubt at the outer edges
    scale = n_bins / (edges[n_bins] - edges[0])
    for k in range(0, len(bins), step):
        x = load(line, k)
        inside = (x >= low) & (x <= high)
        place = select(inside, vmin(vmax((x - low) * scale, first), last), beyond)
        whole = vfloor(place)
        store(found, k, whole)
        near = mask_bits(inside & ((place - whole < doubt) | (place - whole > 1.0 - doubt)))
        while near != 0:
            at = k + trailing_zeros(near)
            near &= near - _ONE
            found[at] = _compare(line[at], edges, found[at])
    for k in range(len(bins)):
        bins[k] += np.uint32(found[k] * stride if found[k] < n_bins else outside)


@helper(fastmath=EXACT)
def _compare(value, edges, b):
    """The bin of a value between the outer edges, looked for from b on."""
    while value < edges[b]:
        b -= 1
    while b < len(edges) - 2 and value >= edges[b + 1]:
        b += 1
    return b


@chunked(fastmath=ORDERED)
def _count_floats(lo, hi, pixels, mask, weights, edges, n_bins, strides, doubts, partial, grain):
    # Requires: as _count_integers; edges (C, at least n_bins + 1), n_bins, strides, doubts (C,).
    sums, memory = partial[lo // grain], np.empty(_BLOCK, np.uint32)
    outside = sums.shape[1] - 1
    lines, found = np.empty((3, _BLOCK), edges.dtype), np.empty(_BLOCK, np.int32)
    for first in range(lo, hi, _BLOCK):
        bins = memory[: min(_BLOCK, hi - first)]
        for k in range(len(bins)):
            bins[k] = 0
        _take_apart(pixels, first, len(bins), lines)
        for c in range(pixels.shape[1]):
            inner = edges[c, : n_bins[c] + 1]
            _compute(lines[c], inner, doubts[c], strides[c], outside, found, bins)
        _leave_out(mask, first, outside, bins)
        _end(bins, weights, first, sums)
    _add_copies(sums)


# ---- bins and edges -------------------------------------------------------------------------------------


def _for_each(name, value, channels, convert):
    """One value for all channels, or a sequence with one for each."""
    values = list(value) if np.iterable(value) and not isinstance(value, str) else [value] * channels
    if len(values) != channels:
        raise ValueError(f"histogram: {name} must be one, or {channels} for as many channels, got {len(values)}")
    return [convert(v) for v in values]


def least_and_greatest(function, name, pixels, mask):
    """(C, 2) limits of the channels of (N, C) pixels that count, NaN left out; infinity and its opposite of none."""
    if mask is not None:
        pixels = pixels[mask]
    grain = max(chunk_size(0.3 * pixels.shape[1]), -(-len(pixels) // _MOST_CHUNKS))
    ends = np.empty((2, max(1, -(-len(pixels) // grain)), pixels.shape[1]), float_dtype(pixels.dtype))
    ends[0], ends[1] = np.inf, -np.inf
    _limits(len(pixels), pixels, ends[0], ends[1], grain, grain=grain)
    limits = np.stack([ends[0].min(axis=0), ends[1].max(axis=0)], axis=1)
    if np.isinf(limits[limits[:, 0] <= limits[:, 1]]).any():
        raise ValueError(f"{function}: {name} must not have infinite values to find their range")
    return limits if pixels.dtype.kind == "f" else limits.astype(np.float64)


def equal_edges(function, low, high, n_bins, dtype):
    """Edges of bins for values of a dtype, as numpy.histogram has them."""
    if low == high:
        low, high = low - 0.5, high + 0.5
    with np.errstate(over="ignore", invalid="ignore"):
        edges = np.linspace(low, high, n_bins + 1, dtype=dtype if dtype.kind == "f" else np.float64)
    if not (edges[1:] > edges[:-1]).all():
        raise ValueError(
            f"{function}: bins must be fewer for {dtype} to tell them apart from {low} to {high}, got {n_bins}"
        )
    return edges


def _strides(edges):
    """How far apart in the joint histogram neighbouring bins of each channel are."""
    n_bins = [len(line) - 1 for line in edges]
    return [math.prod(n_bins[c + 1 :]) for c in range(len(edges))]


def _tables(edges, dtype):
    """What each value of an integer dtype adds to the number of the bin."""
    every, total = np.arange(np.iinfo(dtype).max + 1), math.prod(len(line) - 1 for line in edges)
    tables = np.empty((len(edges), len(every)), np.uint32)
    for line, stride, table in zip(edges, _strides(edges), tables, strict=True):
        places = np.searchsorted(line, every, side="right") - 1
        places[every == line[-1]] = len(line) - 2
        table[:] = np.where((places >= 0) & (places < len(line) - 1), places * stride, total)
    return tables


def _geometry(edges):
    """The arguments of `_count_floats` from edges to doubts."""
    n_bins = np.array([len(line) - 1 for line in edges])
    padded, doubts = np.zeros((len(edges), n_bins.max() + 1), edges[0].dtype), np.zeros(len(edges), edges[0].dtype)
    for c, line in enumerate(edges):
        padded[c, : len(line)] = line
        reach = max(-line[0], line[-1]) / (line[-1] - line[0])
        # Two roundings of edges as large as `reach` ranges, four on the way to a place; and twice that, to be sure
        doubts[c] = min(1, 2 * n_bins[c] * np.finfo(line.dtype).eps * (reach + 2))
    return padded, n_bins, np.array(_strides(edges)), doubts


def count(pixels, edges, mask=None, weights=None):
    """The flat joint histogram of (N, C) pixels, as from `histogram` after its checks."""
    n, total, dtype = len(pixels), math.prod(len(line) - 1 for line in edges), pixels.dtype
    of_values = dtype == np.uint8 and len(edges) == 1 and mask is None
    size = 256 if of_values else total + 1
    grain = max(chunk_size(0.2 if of_values else 1.0 * len(edges)), -(-n // _MOST_CHUNKS), 8 * size)
    copies = _COPIES if size <= _COPIED_BINS else 1
    partial = np.zeros((-(-n // grain), copies, size), np.int32 if weights is None else np.float64)
    if of_values:
        _count_bytes(n, pixels.reshape(-1), weights, partial, grain, grain=grain)
    elif dtype.kind == "u":
        _count_integers(n, pixels, mask, weights, _tables(edges, dtype), partial, grain, grain=grain)
    else:
        _count_floats(n, pixels, mask, weights, *_geometry(edges), partial, grain, grain=grain)
    counts = partial[:, 0].sum(axis=0, dtype=np.int64 if weights is None else np.float64)
    if of_values:
        values, counts = counts, np.zeros(total + 1, counts.dtype)
        np.add.at(counts, _tables(edges, dtype)[0], values)
    return counts[:total]


def _pair(value):
    try:
        low, high = value
    except (TypeError, ValueError):
        raise ValueError(f"histogram: ranges must be a pair (low, high) for each channel, got {value!r}") from None
    low, high = check.real("histogram", "ranges", low), check.real("histogram", "ranges", high)
    if low > high:
        raise ValueError(f"histogram: ranges must be pairs with low <= high, got {value!r}")
    return low, high


def histogram(values, bins=10, ranges=None, *, weights=None, mask=None, channel_axis=None):
    """Count values in equal bins: of an array, or jointly of two or three channels.

    Parameters
    ----------
    values : array
        uint8, uint16, float32 or float64, taken as they are. Any number of axes.
    bins : int or sequence of int
        How many bins, or how many for each channel.
    ranges : (float, float) or sequence of such pairs, optional
        Where the first bin begins and the last one ends, or that for each channel. Values beyond do not count. By
        default the least and the greatest value.
    weights : array of the shape of the pixels, optional
        What each pixel counts; by default 1.
    mask : bool array of the shape of the pixels, optional
        Pixels that count at all.
    channel_axis : int, optional
        The axis of `values` that counts 1 to 3 channels, whose joint histogram is made; the pixels are what remains.
        By default there are no channels: each element is a pixel.

    Returns
    -------
    counts : array of shape (bins,), or one axis for each channel
        int64, or float64 with `weights`.
    edges : array of shape (bins + 1,), or a list of one for each channel
        Of the dtype of `values`, float64 for integers. A bin holds what is at least its edge and less than the next;
        the last one also what equals its end.

    Raises
    ------
    TypeError, ValueError
        For anything but real numbers, an empty array, arguments of other shapes, ranges that are not finite or not in
        order, and more bins than the dtype can tell apart within the range.

    Notes
    -----
    As ``numpy.histogram`` and ``numpy.histogramdd`` with equal bins. NaN counts nowhere, and has no part in the default
    range, where NumPy refuses it.
    """
    values = check.as_array("histogram", "values", values, dtypes=check.PIXELS)
    if channel_axis is None:
        pixels, shape = values.reshape(-1, 1), values.shape
    else:
        axis = check.integer("histogram", "channel_axis", channel_axis, low=-values.ndim, high=values.ndim - 1)
        last = np.moveaxis(values, axis, -1)
        pixels, shape = np.ascontiguousarray(last).reshape(-1, last.shape[-1]), last.shape[:-1]
    channels = pixels.shape[1]
    if channels > 3:
        raise ValueError(f"histogram: values must have 1 to 3 channels, got shape {values.shape}")
    mask = check.as_mask("histogram", mask, shape)
    if mask is not None:
        mask = mask.reshape(-1)
    if weights is not None:
        weights = check.as_array("histogram", "weights", weights, shape=shape).reshape(-1)
    n_bins = _for_each("bins", bins, channels, lambda n: check.integer("histogram", "bins", n, low=1))
    total = math.prod(n_bins)
    if total > _MOST_BINS:
        raise ValueError(f"histogram: bins must be at most {_MOST_BINS} in all, got {total}")
    if ranges is None:
        ranges = least_and_greatest("histogram", "values", pixels, mask)
        ranges[ranges[:, 0] > ranges[:, 1]] = 0, 1  # as NumPy does where nothing counts
    else:
        ranges = _for_each("ranges", [ranges] * channels if np.ndim(ranges) == 1 else ranges, channels, _pair)
    edges = [equal_edges("histogram", low, high, n, pixels.dtype) for (low, high), n in zip(ranges, n_bins)]

    counts = count(pixels, edges, mask, weights)
    return counts.reshape(n_bins), edges[0] if channel_axis is None else edges
