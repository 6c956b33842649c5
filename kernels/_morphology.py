"""Least and greatest values under a flat footprint: what erosion, dilation, opening and closing share.

The greatest value is the least of the opposites, and what turns the order of a dtype around is a flip of bits: of all
for integers, of the sign for floats. Pixels are flipped when they are read and when they are written.

A rectangle goes down the columns first, in blocks of as many rows as it has: the window of row k of a block is the end
of the block's own lines from k on, and the beginning of those that follow, so that three comparisons do whatever the
height. Source: M. van Herk, "A fast algorithm for local minimum and maximum filters on rectangular and octagonal
kernels" (1992). Along a row the extremes of 4, 16, 64, ... pixels come from four of a quarter, and those of any length
from up to four that overlap: vectors, where van Herk's comparisons would follow one after another.

Any other footprint is a set of horizontal runs: each line gets its extremes along the row once for each length of run
that occurs, and the result is the extreme of one such line for each run.

Time O(H W log KW) for rectangles, O(H W (log KW + runs)) for others; memory: for each thread the lines under the
footprint.
"""

import functools

import numpy as np

from . import _validate as check
from ._image import AHEAD, MODES, border_index, extend_line, scratch
from ._jit import helper
from ._parallel import chunk_size, chunked
from ._simd import WIDTH, prefetch
from ._simd_raw import any_lane, flip_bits, is_nan, lesser, load_raw, raw_lanes, splat_raw, store_raw

_AS_IS = np.uint64(0)  # flips no bits
_DTYPES = (np.uint8, np.uint16, np.int32, np.float32, np.float64)


@helper
def _fetch(image, flip, start, j, cval):
    """The two vectors from column j of the row at flat index `start`, their bits flipped; below 0 of `cval`."""
    if start < 0:
        return splat_raw(image, cval), splat_raw(image, cval)
    return (
        flip_bits(load_raw(image, start + j), flip),
        flip_bits(load_raw(image, start + j + raw_lanes(image)), flip),
    )


@helper
def _down_columns(image, flip, starts, count, cval, lines, begin, pitch, ends):
    """lines[begin + k * pitch + j]: the least of the rows at starts[k : k + rows] of image, for k < count <= rows.

    Requires: 2 rows - 1 starts; ends: room for two vectors a row. Returns whether a NaN was met.
    """
    width, step, rows = image.shape[1], raw_lanes(image), (starts.size + 1) // 2
    bad = is_nan(splat_raw(image, cval))
    for left in range(0, width, 2 * step):
        j = min(left, width - 2 * step)
        u, v = _fetch(image, flip, starts[rows - 1], j, cval)
        bad = bad | is_nan(u) | is_nan(v)
        end_u, end_v, beginning_u, beginning_v = u, v, u, v  # the middle row is in every window
        for k in range(rows - 1, 0, -1):
            store_raw(ends, 2 * k * step, end_u)
            store_raw(ends, (2 * k + 1) * step, end_v)
            u, v = _fetch(image, flip, starts[k - 1], j, cval)
            bad = bad | is_nan(u) | is_nan(v)
            end_u, end_v = lesser(end_u, u), lesser(end_v, v)
        store_raw(lines, begin + j, end_u)
        store_raw(lines, begin + j + step, end_v)
        for k in range(1, count):
            u, v = _fetch(image, flip, starts[rows - 1 + k], j, cval)
            prefetch(image, starts[rows - 1 + k] + j + AHEAD * step)
            prefetch(image, starts[rows - 1 + k] + j + (AHEAD + 1) * step)
            bad = bad | is_nan(u) | is_nan(v)
            beginning_u, beginning_v = lesser(beginning_u, u), lesser(beginning_v, v)
            at = begin + k * pitch + j
            store_raw(lines, at, lesser(load_raw(ends, 2 * k * step), beginning_u))
            store_raw(lines, at + step, lesser(load_raw(ends, (2 * k + 1) * step), beginning_v))
    return any_lane(bad)


@helper
def _widen(line, at, size, length, n, flip, out, o):
    """out[o + j]: the least of `length` <= 4 size elements from at + j on, of which line[at + j] is that of `size`."""
    step = raw_lanes(line)
    for left in range(0, n, step):
        j = min(left, n - step)
        value = lesser(load_raw(line, at + j), load_raw(line, at + j + length - size))
        if length > 2 * size:
            value = lesser(value, load_raw(line, at + j + size))
        if length > 3 * size:
            value = lesser(value, load_raw(line, at + j + 2 * size))
        store_raw(out, o + j, flip_bits(value, flip))


@helper
def _along_row(line, at, span, lengths, powers, pitch, flip, out, o):
    """out[o + k * pitch + j]: the least of lengths[k] elements from at + j on, its bits flipped, as far as `span` goes.

    Requires: lengths ascending, each leaving at least a vector of the span; powers: room for two lines of `pitch`.
    """
    size, other = 1, 0
    for k in range(lengths.size):
        length = lengths[k]
        while 4 * size < length:
            _widen(line, at, size, 4 * size, span - 4 * size + 1, _AS_IS, powers, other)
            line, at, other, size = powers, other, pitch - other, 4 * size
        _widen(line, at, size, length, span - length + 1, flip, out, o + k * pitch)


@chunked
def _rectangle_rows(lo, hi, image, flip, places, columns, before, skipped, rows, lengths, cval, nan, out):
    # Requires: image, out (H, at least two vectors), the columns beyond the picture anything but NaN; rows - 1 places
    # more than lines; columns with `before` pixels on either side, of which the first `skipped` are not reached; one
    # length; lo a multiple of rows.
    width, step = out.shape[1], raw_lanes(image)
    begin = -(-before // step) * step  # a line without its border begins at a whole vector
    pitch = begin + width + before + step
    lines, powers, ends = scratch(rows * pitch, image), scratch(2 * pitch, image), scratch(2 * rows * step, image)
    starts = np.empty(2 * rows - 1, np.int64)
    for i in range(lo, hi, rows):
        count = min(rows, hi - i)
        for k in range(rows - 1 + count):
            starts[k] = places[i + k] * width
        nan[i] = _down_columns(image, flip, starts, count, cval, lines, begin, pitch, ends)
        for k in range(count):
            at = k * pitch + begin - before
            extend_line(lines, at, columns.size - 2 * before, columns, 1, cval)
            span = width + lengths[0] - 1
            _along_row(lines, at + skipped, span, lengths, powers, pitch, flip, out, (i + k) * width)


@chunked
def _footprint_rows(lo, hi, image, flip, places, columns, before, lengths, runs, cval, nan, out):
    # Requires: as above; runs (R, 3): row of the footprint, column of the bordered line, number of the length.
    width, step = out.shape[1], raw_lanes(image)
    begin = -(-before // step) * step
    pitch = begin + width + before + step
    line, powers = scratch(pitch, image), scratch(2 * pitch, image)
    deep = places.size - out.shape[0] + 1
    ring, starts = scratch(deep * lengths.size * pitch, image), np.empty(len(runs), np.int64)
    bad = is_nan(splat_raw(image, cval))
    for p in range(lo, hi + deep - 1):
        for left in range(0, width, 2 * step):
            j = min(left, width - 2 * step)
            u, v = _fetch(image, flip, places[p] * width, j, cval)
            bad = bad | is_nan(u) | is_nan(v)
            store_raw(line, begin + j, u)
            store_raw(line, begin + j + step, v)
        extend_line(line, begin - before, columns.size - 2 * before, columns, 1, cval)
        row = p % deep * lengths.size * pitch
        _along_row(line, begin - before, width + 2 * before, lengths, powers, pitch, _AS_IS, ring, row)
        i = p - deep + 1
        if i >= lo:
            for r in range(len(runs)):
                starts[r] = ((i + runs[r, 0]) % deep * lengths.size + runs[r, 2]) * pitch + runs[r, 1]
            for left in range(0, width, step):
                j = min(left, width - step)
                value = load_raw(ring, starts[0] + j)
                for r in range(1, len(runs)):
                    value = lesser(value, load_raw(ring, starts[r] + j))
                store_raw(out, i * width + j, flip_bits(value, flip))
    nan[lo] = any_lane(bad)


def _runs(footprint):
    """The runs of a footprint as (row, first column, length)."""
    found = []
    for r, row in enumerate(footprint):
        change = np.flatnonzero(np.diff(np.concatenate([[False], row, [False]]).astype(np.int8)))
        found += [(r, start, stop - start) for start, stop in zip(change[::2], change[1::2])]
    return np.array(found, np.int64).reshape(-1, 3)


def extremes(function, image, footprint, origin, maximum, mode, cval):
    """The extremes under a footprint (KH, KW) of bool whose element `origin` lies on the pixel."""
    (height, width), (rows, columns) = image.shape, footprint.shape
    missing = max(0, WIDTH // 4 // image.itemsize - width)
    padded = np.pad(image, ((0, 0), (0, missing))) if missing else image
    out, nan = np.empty_like(padded), np.zeros(height, bool)

    flip = _AS_IS if not maximum else np.uint64(1 << (8 * image.itemsize - 1)) if image.dtype.kind == "f" else ~_AS_IS
    bits = np.dtype(f"u{image.itemsize}")
    cval = (np.array(cval, image.dtype).view(bits) ^ flip.astype(bits)).view(image.dtype)[()]
    before = max(origin[1], columns - 1 - origin[1])
    skipped = before - origin[1]
    lines = (
        padded, flip, border_index(height, origin[0], rows - 1 - origin[0], mode),
        border_index(width, before, before, mode), before,
    )  # fmt: skip
    line_time = width * image.itemsize * 0.01
    if footprint.all():
        _rectangle_rows(
            height, *lines, skipped, rows, np.array([columns]), cval, nan, out,
            grain=rows * chunk_size(rows * line_time * (3 + columns.bit_length())),
        )  # fmt: skip
    else:
        runs = _runs(footprint)
        lengths, runs[:, 2] = np.unique(runs[:, 2], return_inverse=True)
        runs[:, 1] += skipped
        _footprint_rows(
            height, *lines, lengths, runs, cval, nan, out,
            grain=max(2 * rows, chunk_size(line_time * (len(runs) + 2 * len(lengths) + 2))),
        )  # fmt: skip
    if nan.any():
        raise ValueError(f"{function}: image must not hold NaN, of which no value is the least")
    return np.ascontiguousarray(out[:, :width])


def comparable(function, image):
    """(the picture in one of few dtypes, its own dtype): pixels that are only compared, bool as uint8."""
    given = np.asarray(image)
    dtype = given.dtype.newbyteorder("=")
    if dtype == np.bool_:
        given = given.view(np.uint8)
    if dtype.kind in "iu" and dtype not in _DTYPES:
        given = check.as_labels(function, "image", given)
    return check.as_array(function, "image", given, dtypes=_DTYPES, ndim=2), dtype


def morphology(function, image, footprint, mode, cval, steps):
    """What the public functions do: `steps` is a sequence of "erosion" and "dilation", one after the other."""
    array, dtype = comparable(function, image)
    mode = check.one_of(function, "mode", mode, (*MODES, "max", "min", "ignore"))
    cval = check.real(function, "cval", cval)
    parts = footprints(function, footprint)
    least, greatest = _limits(dtype if dtype == np.bool_ else array.dtype)
    for turned, step in enumerate(steps):  # the second of two has the footprint turned about the pixel
        maximum = step == "dilation"
        border, beyond = mode, cval
        if mode in ("max", "min", "ignore"):
            border = "constant"
            beyond = least if mode == "min" or (mode == "ignore" and maximum) else greatest
        for part in parts:
            origin = tuple((k - 1) // 2 for k in part.shape)
            if turned:
                part, origin = part[::-1, ::-1], tuple(k - 1 - o for k, o in zip(part.shape, origin))
            array = extremes(function, array, part, origin, maximum, border, beyond)
    return array.view(np.bool_) if dtype == np.bool_ else array.astype(dtype, copy=False)


@functools.cache
def _limits(dtype):
    """The least and the greatest value of a dtype."""
    if dtype == np.bool_:
        return 0, 1
    if dtype.kind == "f":
        return -np.inf, np.inf
    return np.iinfo(dtype).min, np.iinfo(dtype).max


def footprints(function, footprint):
    """A footprint, or a sequence of (footprint, number of times), as a list of bool arrays."""
    if footprint is None:
        footprint = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]])
    sequence = [(footprint, 1)]
    if isinstance(footprint, (tuple, list)) and footprint and isinstance(footprint[0], tuple):
        sequence = footprint
    parts = []
    for part, times in sequence:
        part = np.asarray(part)
        if part.ndim != 2 or part.dtype.kind not in "buif":
            raise ValueError(f"{function}: footprint must have two dimensions, got shape {part.shape}")
        if not part.any():
            raise ValueError(f"{function}: footprint must hold at least one element that is not 0")
        parts += [part != 0] * check.integer(function, "times of a footprint", times, low=1)
    return parts
