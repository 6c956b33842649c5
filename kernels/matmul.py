"""Matrix product, plus a row of biases.

    c[i, j] = bias[j] + sum over k of a[i, k] b[k, j]

Both matrices may be transposed views of contiguous ones: rows of `a` are found through a table of offsets anyway, and
`b` is packed into column panels, from either layout, unless it has too few uses to pay for that.

Time O(M N K); memory: `b` once more where it is packed.
"""

import functools

import numpy as np

from . import _validate as check
from ._image import scratch
from ._memory import aligned_empty
from ._parallel import chunk_size, chunked
from ._product import (
    BLOCK,
    FLOPS_PER_NANOSECOND,
    ITEM_NANOSECONDS,
    LEAST_ROWS,
    WIDEST,
    offsets,
    pack_rows,
    pad_start,
    padded,
    product,
    row_starts,
    segment_table,
)
from ._simd import fma, hsum, lanes, load, load_part, splat

_PACKING_PAYS = 96  # rows of `a` from which on it does
_ROWS = 512  # about as many share a packed panel
_ITEMS = 4  # as many work items, if the product is large enough


@functools.lru_cache(maxsize=512)
def _plan(m, n, k, a_row, a_step, itemsize):
    """Rows and columns of a work item, and the tables of offsets."""
    panel = WIDEST * padded(1, np.dtype(f"f{itemsize}"))
    panels = -(-n // panel)
    blocks = max(round(m / _ROWS), min(-(-_ITEMS // panels), -(-m // LEAST_ROWS)))
    row_time = 2.0 * n * k / FLOPS_PER_NANOSECOND
    blocks = max(1, min(blocks, round(m * row_time / ITEM_NANOSECONDS)))
    tile = 12  # of all heights of tiles a multiple
    rows = -(-m // (blocks * tile)) * tile
    columns = panel * max(1, min(panels, round(ITEM_NANOSECONDS / (row_time * rows) * panels)))
    a_rows, c_rows = offsets(np.arange(rows) * a_row), offsets(np.arange(rows) * n)
    return rows, columns, a_rows, c_rows, segment_table([(0, 0, k)], step=a_step)


@chunked
def _multiply_items(
    lo, hi, a, m, a_row, a_step, b, k_start, j_step, is_packed, n, start, rows, columns, a_rows, c_rows, segments, c
):  # fmt: skip
    blocks = -(-n // columns)
    panel = scratch(min(BLOCK, k_start.size) * columns if is_packed else 0, b)
    whole = np.zeros((1, 3), np.int64)  # the segment of a packed block of the inner dimension
    for item in range(lo, hi):
        i, j = (item // blocks) * rows, (item % blocks) * columns
        count, j_hi = min(rows, m - i), min(n, j + columns)
        if not is_packed:
            product(a, i * a_row, a_rows, count, a_step, b, 0, n, segments, start, c, i * n, c_rows, j, j_hi, True)
            continue
        for s in range(segments.shape[0]):
            a_start, k, depth = segments[s, 0], segments[s, 1], segments[s, 2]
            pack_rows(k, k + depth, b, k_start, k_start.size, j_step, j, j_hi, panel, k, depth)
            whole[0, 2] = depth
            product(
                a, i * a_row + a_start, a_rows, count, a_step, panel, depth, 0, whole, start[j:], c, i * n + j, c_rows,
                0, j_hi - j, s == 0,
            )  # fmt: skip


@chunked
def _dot_rows(lo, hi, a, b_turned, bias, c):
    """The columns of c one dot product at a time, with four vectors of partial sums."""
    k, n = a.shape[1], b_turned.shape[0]
    flat, other = a.reshape(-1), b_turned.reshape(-1)
    step = lanes(a)
    for i in range(lo, hi):
        for j in range(n):
            p, q, end = i * k, j * k, i * k + k
            s0, s1, s2, s3 = splat(a, 0.0), splat(a, 0.0), splat(a, 0.0), splat(a, 0.0)
            while p + 4 * step <= end:
                s0 = fma(load(flat, p), load(other, q), s0)
                s1 = fma(load(flat, p + step), load(other, q + step), s1)
                s2 = fma(load(flat, p + 2 * step), load(other, q + 2 * step), s2)
                s3 = fma(load(flat, p + 3 * step), load(other, q + 3 * step), s3)
                p += 4 * step
                q += 4 * step
            while p < end:
                rest = min(step, end - p)
                s0 = fma(load_part(flat, p, rest), load_part(other, q, rest), s0)
                p += step
                q += step
            c[i, j] = bias[j] + hsum((s0 + s1) + (s2 + s3))


def multiply(a, b, bias=None):
    """a @ b + bias for checked matrices of one dtype, each contiguous or the transpose of a contiguous one."""
    (m, k), n = a.shape, b.shape[1]
    a_row, a_step = (k, 1) if a.flags.c_contiguous else (1, m)
    b_row, b_step = (n, 1) if b.flags.c_contiguous else (1, k)
    vector = padded(1, a.dtype)
    if 2 * n <= vector:
        # A few columns would leave most of each vector empty: put the inner dimension or the rows into them.
        if a_step == 1:
            c = np.empty((m, n), a.dtype)
            start = pad_start(bias, n, a.dtype)
            _dot_rows(m, a, np.ascontiguousarray(b.T), start, c, grain=chunk_size(n * k * 0.05))
            return c
        if m >= vector and bias is None:
            return np.ascontiguousarray(multiply(b.T, a.T).T)
    rows, columns, *tables = _plan(m, n, k, a_row, a_step, a.itemsize)
    is_packed = m >= _PACKING_PAYS or b_step > 1 or n % vector > 0
    c = aligned_empty((m, n), a.dtype)
    start = pad_start(bias, n, a.dtype)
    items = -(-m // rows) * -(-n // columns)
    flat_a, flat_b = ((x if step == 1 else x.T).reshape(-1) for x, step in ((a, a_step), (b, b_step)))
    _multiply_items(
        items, flat_a, m, a_row, a_step, flat_b, row_starts(k, b_row), b_step, is_packed, n, start, rows, columns,
        *tables, c.reshape(-1), grain=1,
    )  # fmt: skip
    return c


def as_matrix(function, name, value, dtypes=check.FLOATS, shape=None):
    """`value` as a checked matrix that is contiguous or the transpose of a contiguous one, copied only if neither."""
    value = np.asarray(value)
    if value.ndim == 2 and value.flags.f_contiguous and not value.flags.c_contiguous:
        turned = None if shape is None else shape[::-1]
        if shape is None or all(s in (None, v) for s, v in zip(shape, value.shape, strict=True)):
            return check.as_array(function, name, value.T, dtypes=dtypes, ndim=2, shape=turned).T
    return check.as_array(function, name, value, dtypes=dtypes, ndim=2, shape=shape)


def matmul(a, b, bias=None):
    """Product of two matrices, plus a bias for each column.

    Parameters
    ----------
    a : (M, K) array of float32 or float64
    b : (K, N) array
        Converted to the dtype of `a`.
    bias : (N,) array, optional
        Converted to the dtype of `a`.

    Returns
    -------
    (M, N) array of the dtype of `a`.

    Raises
    ------
    ValueError
        If an argument is not a matrix, or the dimensions do not fit.
    """
    a = as_matrix("matmul", "a", a)
    b = as_matrix("matmul", "b", b, dtypes=(a.dtype.type,), shape=(a.shape[1], None))
    if bias is not None:
        bias = check.as_array("matmul", "bias", bias, dtypes=(a.dtype.type,), shape=(b.shape[1],))
    return multiply(a, b, bias)
