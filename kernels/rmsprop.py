"""RMSprop: one step over all parameters, in one pass over memory.

    v <- rho v + (1 - rho) g**2          p <- p - rate g / (sqrt(v) + epsilon)

Source: Tieleman & Hinton, Neural Networks for Machine Learning, lecture 6.5, 2012; epsilon as in PyTorch. Time O(n),
in place.
"""

import numpy as np

from ._parallel import chunk_size, chunked
from ._pieces import first_piece, part, table_of
from ._validate import real


@chunked
def _rmsprop(lo, hi, table, like, rate, rho, rest, epsilon):
    # Requires: the pieces are parameters, v, gradients; rest = 1 - rho.
    piece = first_piece(table, lo)
    while lo < hi:
        stop = min(hi, table[piece + 1, 0])
        p, v = part(table, piece, 1, lo, stop, like), part(table, piece, 2, lo, stop, like)
        g = part(table, piece, 3, lo, stop, like)
        for i in range(p.size):
            second = rho * v[i] + rest * (g[i] * g[i])
            v[i] = second
            p[i] -= rate * g[i] / (np.sqrt(second) + epsilon)
        lo, piece = stop, piece + 1


def rmsprop(parameters, gradients, v, *, learning_rate, rho=0.9, epsilon=1e-7):
    """Update parameters and the means of their squared gradients in place by one step of RMSprop.

    Parameters
    ----------
    parameters, v : sequences of C-contiguous, writeable arrays of one dtype, float32 or float64
        The parameters and the running means of the squares of their gradients, zeros before the first step.
    gradients : sequence of arrays
    learning_rate, epsilon : float
        Greater than 0.
    rho : float
        In [0, 1).

    Raises
    ------
    ValueError, TypeError
        Shapes or dtypes that differ, arrays that cannot be updated in place, numbers out of range.
    """
    table, arrays = table_of("rmsprop", {"parameters": parameters, "v": v}, {"gradients": gradients})
    rate = real("rmsprop", "learning_rate", learning_rate, above=0)
    epsilon = real("rmsprop", "epsilon", epsilon, above=0)
    if not 0 <= rho < 1:
        raise ValueError(f"rmsprop: rho must be in [0, 1), got {rho}")
    like = arrays[0][0].reshape(-1)
    factors = map(like.dtype.type, (rate, rho, 1 - rho, epsilon))
    _rmsprop(table[-1, 0], table, like, *factors, grain=chunk_size(1.0))
