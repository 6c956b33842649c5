"""Sums over all axes but the last: the gradient of a bias that was added to every row.

    db[c] = sum over rows i of dy[i, c]

Rows are summed in blocks of fixed size in the array's dtype, blocks in order in float64. Time O(M C).
"""

import numpy as np

from ._jit import kernel
from ._parallel import chunked
from ._validate import as_array

_BLOCK_BYTES = 1 << 17
_BLOCK_ROWS = 256  # bounds the roundings of a sum


@chunked
def _block_sums(lo, hi, x, block_rows, sums):
    # Requires: x (M, C); sums (ceil(M / block_rows), C) zeros. Items are blocks of rows.
    for block in range(lo, hi):
        part = x[block * block_rows : min((block + 1) * block_rows, x.shape[0])]
        total = sums[block]
        paired = part.shape[0] - part.shape[0] % 4
        for i in range(0, paired, 4):  # four rows at a time load and store the sums a quarter as often
            a, b, c, d = part[i], part[i + 1], part[i + 2], part[i + 3]
            for j in range(total.size):
                total[j] += (a[j] + b[j]) + (c[j] + d[j])
        for i in range(paired, part.shape[0]):
            a = part[i]
            for j in range(total.size):
                total[j] += a[j]


@chunked
def _block_total(lo, hi, x, block_size, sums):
    # Requires: x flat; sums (ceil(size / block_size), 1). Items are blocks.
    for block in range(lo, hi):
        part = x[block * block_size : min((block + 1) * block_size, x.size)]
        total = x.dtype.type(0)
        for i in range(part.size):
            total += part[i]
        sums[block, 0] = total


@kernel
def _combine(sums, total):
    # Requires: sums (blocks, C); total (C,).
    for j in range(total.size):
        s = 0.0
        for block in range(sums.shape[0]):
            s += np.float64(sums[block, j])
        total[j] = s


def sum_leading(x):
    """Sum over all axes but the last.

    Parameters
    ----------
    x : (..., C) array of float32 or float64, at least 2-D

    Returns
    -------
    (C,) array, dtype of `x`
    """
    x = as_array("sum_leading", "x", x, empty=True)
    if x.ndim < 2:
        raise ValueError(f"sum_leading: x must have at least 2 dimensions, got shape {x.shape}")
    channels = x.shape[-1]
    total = np.zeros(channels, x.dtype)
    if x.size == 0:
        return total
    rows = x.reshape(-1, channels)
    block_rows = _BLOCK_BYTES // (channels * x.itemsize)
    if channels > 1:
        block_rows = min(max(1, block_rows), _BLOCK_ROWS)
    sums = np.zeros((-(-len(rows) // block_rows), channels), x.dtype)
    if channels == 1:
        _block_total(len(sums), x.reshape(-1), block_rows, sums, grain=1)
    else:
        _block_sums(len(sums), rows, block_rows, sums, grain=1)
    _combine(sums, total)
    return total
