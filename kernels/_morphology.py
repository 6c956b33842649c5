"""Least and greatest values under a flat footprint: what erosion, dilation, opening and closing share.

A footprint is a set of horizontal runs. The least values under a run of length L at every place of a line come from
those of the largest power of two p <= L, as min(m[j], m[j + L - p]), and those of a power of two from those of half of
it: a line costs about log2(KW) passes, and one more for each length that occurs. A rectangle is treated likewise down
the columns, with log2(KH) passes a row; for another footprint the result is the least of one line for each run. All
passes go element by element over whole lines in the cache, 64 bytes at a time.

Time O(H W (log KW + log KH)) for rectangles, O(H W (log KW + runs)) for others; memory: for each thread the lines under
the footprint. The three comparisons a pixel and axis of van Herk (1992) follow one after another; these passes are
vectors.
"""

import numpy as np

from . import _validate as check
from ._image import MODES, border_index
from ._jit import EXACT, helper
from ._parallel import chunk_size, chunked

_DTYPES = (np.uint8, np.uint16, np.int32, np.float32, np.float64)


@helper(fastmath=EXACT)
def _combine(a, b, maximum, out):
    """out = the greater or lesser of a and b, place by place; b may be longer. Requires: out is apart from both."""
    b = b[: a.size]
    if maximum:
        for j in range(a.size):
            out[j] = a[j] if a[j] > b[j] else b[j]
    else:
        for j in range(a.size):
            out[j] = a[j] if a[j] < b[j] else b[j]


@helper(fastmath=EXACT)
def _combine_into(out, b, maximum):
    b = b[: out.size]
    if maximum:
        for j in range(out.size):
            out[j] = out[j] if out[j] > b[j] else b[j]
    else:
        for j in range(out.size):
            out[j] = out[j] if out[j] < b[j] else b[j]


@helper
def _extremes(image, place, columns, before, lengths, cval, maximum, powers, lines):
    """lines[k]: the extremes of row `place`, with its borders, under runs of lengths[k] from every place on.

    Requires: lengths ascending; powers (2, bordered width); lines (lengths or more, bordered width).
    """
    n, width = columns.size, image.shape[1]
    line = powers[0]
    if place < 0:
        line[:] = cval
    else:
        row, middle = image[place], line[before : before + width]
        for j in range(width):
            middle[j] = row[j]
        for border in range(n - width):
            j = border if border < before else border + width
            line[j] = row[columns[j]] if columns[j] >= 0 else cval
    size, other = 1, 1
    for k in range(lengths.size):
        length = lengths[k]
        while 2 * size <= length:
            _combine(line[: n - 2 * size + 1], line[size:], maximum, powers[other])
            line = powers[other]
            other = 1 - other
            size *= 2
        _combine(line[: n - length + 1], line[length - size :], maximum, lines[k])


@chunked(fastmath=EXACT)
def _rectangle_rows(lo, hi, image, places, columns, before, lengths, levels, cval, maximum, out):
    """Requires: lengths of one length; 2**levels the largest power of two within the rows of the rectangle."""
    width = image.shape[1]
    deep = places.size - image.shape[0] + 1
    powers = np.empty((2, columns.size), image.dtype)
    ring = np.empty((deep, levels + 1, columns.size), image.dtype)  # [row, t]: extremes of 2**t rows from `row` on
    for p in range(lo, hi + deep - 1):
        _extremes(image, places[p], columns, before, lengths, cval, maximum, powers, ring[p % deep])
        for t in range(levels):
            first = p + 1 - (2 << t)
            if first >= lo:
                half = ring[(first + (1 << t)) % deep, t]
                _combine(ring[first % deep, t][:width], half, maximum, ring[first % deep, t + 1])
        i = p - deep + 1
        if i >= lo:
            _combine(ring[i % deep, levels][:width], ring[(p + 1 - (1 << levels)) % deep, levels], maximum, out[i])


@chunked(fastmath=EXACT)
def _footprint_rows(lo, hi, image, places, columns, before, lengths, runs, cval, maximum, out):
    """Requires: runs (R, 3) of R > 1 runs: row of the footprint, first column, number of the length."""
    width = image.shape[1]
    deep = places.size - image.shape[0] + 1
    powers = np.empty((2, columns.size), image.dtype)
    ring = np.empty((deep, lengths.size, columns.size), image.dtype)
    for p in range(lo, hi + deep - 1):
        _extremes(image, places[p], columns, before, lengths, cval, maximum, powers, ring[p % deep])
        i = p - deep + 1
        if i >= lo:
            first = ring[(i + runs[0, 0]) % deep, runs[0, 2]][runs[0, 1] :]
            second = ring[(i + runs[1, 0]) % deep, runs[1, 2]][runs[1, 1] :]
            _combine(first[:width], second, maximum, out[i])
            for k in range(2, runs.shape[0]):
                _combine_into(out[i], ring[(i + runs[k, 0]) % deep, runs[k, 2]][runs[k, 1] :], maximum)


def _runs(footprint):
    """The runs of a footprint as (row, first column, length)."""
    found = []
    for r, row in enumerate(footprint):
        change = np.flatnonzero(np.diff(np.concatenate([[False], row, [False]]).astype(np.int8)))
        found += [(r, start, stop - start) for start, stop in zip(change[::2], change[1::2])]
    return np.array(found, np.int64).reshape(-1, 3)


def extremes(image, footprint, origin, maximum, mode, cval):
    """The extremes under a footprint (KH, KW) of bool whose element `origin` lies on the pixel."""
    (height, width), (rows, columns) = image.shape, footprint.shape
    runs = _runs(footprint)
    lengths, runs[:, 2] = np.unique(runs[:, 2], return_inverse=True)
    out = np.empty_like(image)
    lines = (
        image, border_index(height, origin[0], rows - 1 - origin[0], mode),
        border_index(width, origin[1], columns - 1 - origin[1], mode), origin[1], lengths,
    )  # fmt: skip
    cval = image.dtype.type(cval)
    line_time = width * image.itemsize * 0.02
    if footprint.all():
        levels = rows.bit_length() - 1
        grain = max(2 * rows, chunk_size(line_time * (levels + int(columns).bit_length() + 2)))
        _rectangle_rows(height, *lines, levels, cval, maximum, out, grain=grain)
    else:
        if len(runs) == 1:
            runs = np.repeat(runs, 2, axis=0)
        grain = max(2 * rows, chunk_size(line_time * (len(runs) + 2 * len(lengths) + 2)))
        _footprint_rows(height, *lines, runs, cval, maximum, out, grain=grain)
    return out


def morphology(function, image, footprint, mode, cval, steps):
    """What the public functions do: `steps` is a sequence of "erosion" and "dilation", one after the other."""
    given = np.asarray(image)
    dtype = given.dtype.newbyteorder("=")
    if dtype == np.bool_:
        given = given.view(np.uint8)
    if dtype.kind in "iu" and dtype not in _DTYPES:
        given = check.as_labels(function, "image", given)
    array = check.as_array(function, "image", given, dtypes=_DTYPES, ndim=2)
    with np.errstate(invalid="ignore", over="ignore"):  # a sum is NaN where an element is, or opposite infinities are
        suspicious = array.dtype.kind == "f" and np.isnan(np.add.reduce(array, axis=None))
    if suspicious and np.isnan(array).any():
        raise ValueError(f"{function}: image must not hold NaN, of which no value is the least")
    mode = check.one_of(function, "mode", mode, (*MODES, "max", "min", "ignore"))
    cval = check.real(function, "cval", cval)
    parts = _footprints(function, footprint)
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
            array = extremes(array, part, origin, maximum, border, beyond)
    return array.view(np.bool_) if dtype == np.bool_ else array.astype(dtype, copy=False)


def _limits(dtype):
    """The least and the greatest value of a dtype."""
    if dtype == np.bool_:
        return 0, 1
    if dtype.kind == "f":
        return -np.inf, np.inf
    return np.iinfo(dtype).min, np.iinfo(dtype).max


def _footprints(function, footprint):
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
