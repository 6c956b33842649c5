"""Matrix products whose rows are found through tables: the loops around the register tile.

    c[c_rows[i] + j]  =  start[j] + sum over segments s and k < length_s of
                         a[a_rows[i] + a_start_s + k * a_step] * b(row_s + k, j)

`segments` is an (S, 3) table of a_start, b row, length. A plain product has one segment for each block of its
inner dimension, a convolution one for each row of its window. Segments are taken in order, in
blocks; an output element has one running sum for each block, which is added to that of the blocks before. So the order
of the sum is always the same, and rounding errors grow with the length of a block, not of the whole.

`b` lies either as an ordinary matrix whose row length is a multiple of the vector, or packed into column panels
as wide as the tiles that will read them, which makes every access to it consecutive (Goto and van de Geijn, "Anatomy
of high-performance matrix multiplication", ACM TOMS 34(3), 2008, section 4).
"""

import functools

import numpy as np

from ._image import is_large
from ._jit import helper
from ._memory import aligned_empty
from ._parallel import chunk_size, chunked
from ._simd import WIDTH, lanes, load, store, transpose
from ._tile import TILES, add_tile, rank_one, store_tile, tile_of_row, zero_tile

BLOCK = 1024
"""Inner length after which sums are put aside, so that a column panel of `b` stays in the second-level cache."""

# How wrappers divide work: items of about this long on one core, of at least so many rows (fewer would leave too
# much of an item's last tile empty).
FLOPS_PER_NANOSECOND = 120.0
ITEM_NANOSECONDS = 60_000.0
LEAST_ROWS = 96

WIDEST = TILES[0][1]
"""Vectors of the widest column panel."""


@helper
def panel_vectors(n_left, step):
    """Vectors NV of the panel that comes next where `n_left` columns are left, of vectors of `step` lanes."""
    if n_left >= WIDEST * step:
        return WIDEST
    return 2 if n_left > step else 1


@helper
def _add_products(tile, a, a_base, a_rows, i, m, a_step, b, b_base, b_step, segments):
    for s in range(segments.shape[0]):
        a_index = a_base + segments[s, 0]
        b_index = b_base + segments[s, 1] * b_step
        for _ in range(segments[s, 2]):
            tile = rank_one(tile, a, a_index, a_rows, i, m, b, b_index)
            a_index += a_step
            b_index += b_step
    return tile


def _panel_product(rows, vectors):
    """The product for one column panel, as loops around the tile of `rows` x `vectors`."""

    @helper
    def panel_product(
        a, a_base, a_rows, m, a_step, b, b_base, b_step, segments, start, j, c, c_base, c_rows, n, fresh, past_caches
    ):  # fmt: skip
        for i in range(0, m, rows):
            tile = tile_of_row(start, j, rows, vectors) if fresh else zero_tile(start, rows, vectors)
            # Steps of one are left out: rows that overlap would be kept in registers, of which there are too few.
            if a_step > 1 and i + rows <= m and a_rows[i + rows - 1] - a_rows[i] == rows - 1:
                tile = _add_products(tile, a, a_base + a_rows[i], None, 0, 0, a_step, b, b_base, b_step, segments)
            else:
                tile = _add_products(tile, a, a_base, a_rows, i, m, a_step, b, b_base, b_step, segments)
            if not fresh:
                tile = add_tile(tile, c, c_base, c_rows, i, min(rows, m - i), n)
            store_tile(tile, c, c_base, c_rows, i, min(rows, m - i), n, past_caches)

    return panel_product


_widest_product = _panel_product(*TILES[0])
_double_product = _panel_product(*TILES[-2])
_single_product = _panel_product(*TILES[-1])


@helper
def product(
    a, a_base, a_rows, m, a_step, b, depth, b_step, segments, start, c, c_base, c_rows, j_lo, j_hi, fresh,
    past_caches=False,
):  # fmt: skip
    """The columns [j_lo, j_hi) of the product for `m` rows.

    `b` is packed (see `pack`) from `depth` rows, or not packed, which depth 0 says, with `b_step` from row to row.
    `start` holds what sums begin with (a bias), padded to whole vectors; `fresh` False adds to what `c`
    holds. The result is written `past_caches` if it is too large to be found there again.

    Requires: m > 0; `a_rows` ascends; j_lo is the first column of a panel; the columns of an unpacked `b` are a
    multiple of the vector; if `past_caches`, c has as many in floats and begins at a cache line.
    """
    step = lanes(b)
    first = 0
    while first == 0 or first < segments.shape[0]:
        last, length = first, 0
        while last < segments.shape[0] and (last == first or length + segments[last, 2] <= BLOCK):
            length += segments[last, 2]
            last += 1
        last = max(last, 1)  # no segments at all still write `start`
        block = segments[first:last]
        begin, past = fresh and first == 0, past_caches and last == segments.shape[0]
        j = j_lo
        while j < j_hi:
            vectors = panel_vectors(j_hi - j, step)
            width = vectors * step
            n = min(width, j_hi - j)
            b_base, stride = j, b_step
            if depth > 0:
                b_base, stride = depth * j, width
            if vectors == WIDEST:
                _widest_product(
                    a, a_base, a_rows, m, a_step, b, b_base, stride, block, start, j, c, c_base + j, c_rows, n, begin,
                    past,
                )  # fmt: skip
            elif vectors == 2:
                _double_product(
                    a, a_base, a_rows, m, a_step, b, b_base, stride, block, start, j, c, c_base + j, c_rows, n, begin,
                    past,
                )  # fmt: skip
            else:
                _single_product(
                    a, a_base, a_rows, m, a_step, b, b_base, stride, block, start, j, c, c_base + j, c_rows, n, begin,
                    past,
                )  # fmt: skip
            j += width
        first = last


def padded(n, dtype):
    """`n` columns rounded up to whole vectors."""
    step = WIDTH // 8 // np.dtype(dtype).itemsize
    return -(-n // step) * step


def goes_past_caches(y, columns):
    """Whether a result, written `columns` numbers at a time, is large enough for that, and its vectors are whole."""
    return is_large(y) and columns == padded(columns, y.dtype)


def pad_start(bias, n, dtype, groups=1):
    """What sums of `n` columns begin with, the bias or zeros, padded to whole vectors; of one group after another."""
    start = np.zeros((groups, padded(n, dtype)), dtype)
    if bias is not None:
        start[:, :n] = bias.reshape(groups, n)
    return start.reshape(-1)


@helper
def pack_rows(lo, hi, source, k_start, run, j_step, j_lo, j_hi, packed, first, depth):
    """Put the rows lo <= k < hi of b(k, j) = source[k_start[k] + j * j_step], j_lo <= j < j_hi, into column panels.

    Zeros fill the last vector. Panels have `depth` rows, of which number `first` of b is the first.

    Requires: `k_start` counts up by ones within each `run` of rows.
    """
    step = lanes(source)
    j = j_lo
    while j < j_hi:
        width = panel_vectors(j_hi - j, step) * step
        filled = min(width, j_hi - j)
        whole = filled - filled % step
        k = lo
        while k < hi:
            target = depth * (j - j_lo) + (k - first) * width
            count, done = 1, 0  # rows that are written at once, and their columns that come as whole vectors
            if j_step == 1:
                done = whole
                for i in range(0, done, step):
                    store(packed, target + i, load(source, k_start[k] + j + i))
            elif k + step <= min(hi, (k // run + 1) * run):
                count, done = step, whole
                for i in range(0, done, step):
                    transpose(source, k_start[k] + (j + i) * j_step, j_step, packed, target + i, width)
            for r in range(count):
                origin = k_start[k + r] + j * j_step
                for i in range(done, filled):
                    packed[target + r * width + i] = source[origin + i * j_step]
                for i in range(filled, width):
                    packed[target + r * width + i] = 0
            k += count
        j += width


def pack(source, k_start, run, j_step, n, dtype, groups=1, group_step=0):
    """Column panels of the matrix b(k, j) = source.flat[k_start[k] + j * j_step], j < n: see `pack_rows`.

    Of several groups, each of which begins `group_step` elements of `source` after the one before, one after another.
    """
    depth = len(k_start)
    packed = aligned_empty((groups * depth * padded(n, dtype),), dtype)
    grain = chunk_size(n * 0.15)
    _pack_all_rows(groups * depth, source.reshape(-1), k_start, run, j_step, n, groups, group_step, packed, grain=grain)
    return packed


@chunked
def _pack_all_rows(lo, hi, source, k_start, run, j_step, n, groups, group_step, packed):
    depth, size = k_start.size, packed.size // groups
    for q in range(lo // depth, -(-hi // depth)):
        first, last = max(0, lo - q * depth), min(depth, hi - q * depth)
        pack_rows(first, last, source[q * group_step :], k_start, run, j_step, 0, n, packed[q * size :], 0, depth)


def tile_rows(n, itemsize):
    """Rows of the tile for most of `n` columns."""
    return TILES[0][0] if n > 2 * padded(1, f"f{itemsize}") else TILES[-1][0]


def segment_table(segments, step=1):
    """The (S, 3) table of (a_start, b_row, length) tuples, long ones cut into pieces of at most BLOCK."""
    pieces = [
        (a + k * step, b + k, min(BLOCK, length - k)) for a, b, length in segments for k in range(0, length, BLOCK)
    ]
    return np.array(pieces, np.int64).reshape(-1, 3)


def unit(n, rows, columns, wanted):
    """What a work item of about `wanted` pixels of n pictures is made of: (pictures, rows of each), one or all."""
    if rows * columns > 2 * wanted:
        return 1, _well_filled(wanted / columns, rows, columns)
    return _well_filled(wanted / (rows * columns), n, rows * columns), rows


def _well_filled(wanted, limit, rows):
    """How many units of `rows` rows to take, about `wanted` and at most `limit`, so that tiles are well filled."""
    tile = TILES[0][0]
    low = max(1, min(limit, round(wanted)))
    choices = range(low, max(low, min(limit, 2 * low)) + 1)
    return min(choices, key=lambda units: (round(-(-units * rows // tile) * tile / (units * rows), 2), units))


@functools.lru_cache(maxsize=512)
def row_starts(n, step):
    """Table of where the first `n` rows of a matrix begin."""
    return np.arange(n) * step


def offsets(*terms):
    """Table of all sums of one element of each of `terms`, the last varying fastest."""
    table = np.zeros(1, np.int64)
    for term in terms:
        table = (table[:, None] + np.asarray(term, np.int64)).reshape(-1)
    return table
