"""The sum of the squares of all elements of many arrays, as the norm of a gradient needs it.

Elements are taken in blocks of fixed size across the arrays, in the arrays' dtype, and the blocks in order in float64.
Time O(n).
"""

import math

import numpy as np

from ._parallel import chunked
from ._pieces import first_piece, part, table_of

_BLOCK = 4096  # bounds the roundings of a sum


@chunked
def _sum_of_squares(lo, hi, table, like, block_size, sums):
    # Requires: one column of pieces; sums (ceil(n / block_size),). Items are blocks.
    for block in range(lo, hi):
        place, end = block * block_size, min((block + 1) * block_size, table[table.shape[0] - 1, 0])
        piece, total = first_piece(table, place), 0.0
        while place < end:
            stop = min(end, table[piece + 1, 0])
            x = part(table, piece, 1, place, stop, like)
            subtotal = like.dtype.type(0)
            for i in range(x.size):
                subtotal += x[i] * x[i]
            total += np.float64(subtotal)
            place, piece = stop, piece + 1
        sums[block] = total


def sum_of_squares(arrays):
    """Sum of the squares of all elements.

    Parameters
    ----------
    arrays : sequence of arrays of one dtype, float32 or float64

    Returns
    -------
    float
    """
    arrays = [np.asarray(a) for a in arrays]
    table, ((first, *_),) = table_of("sum_of_squares", {}, {"arrays": arrays})
    sums = np.zeros(-(-table[-1, 0] // _BLOCK))
    _sum_of_squares(len(sums), table, first.reshape(-1), _BLOCK, sums, grain=4)
    return math.fsum(sums)
