"""Stochastic gradient descent with momentum: one step over all parameters, in one pass over memory.

    b <- momentum b + g          p <- p - rate (g + momentum b)   (Nesterov)   or   p - rate b

Source: Sutskever et al., On the importance of initialization and momentum in deep learning, ICML 2013, section 2, in
the form of PyTorch, where the learning rate is outside of b. Time O(n), in place.
"""

from ._parallel import chunk_size, chunked
from ._pieces import first_piece, part, table_of
from ._validate import real


@chunked
def _sgd(lo, hi, table, like, rate, momentum, nesterov):
    # Requires: the pieces are parameters, buffers, gradients.
    piece = first_piece(table, lo)
    while lo < hi:
        stop = min(hi, table[piece + 1, 0])
        p, b = part(table, piece, 1, lo, stop, like), part(table, piece, 2, lo, stop, like)
        g = part(table, piece, 3, lo, stop, like)
        for i in range(p.size):
            velocity = momentum * b[i] + g[i]
            b[i] = velocity
            p[i] -= rate * (g[i] + momentum * velocity if nesterov else velocity)
        lo, piece = stop, piece + 1


def sgd(parameters, gradients, buffers, *, learning_rate, momentum=0.0, nesterov=False):
    """Update parameters and their momentum in place by one step of gradient descent.

    Parameters
    ----------
    parameters, buffers : sequences of C-contiguous, writeable arrays of one dtype, float32 or float64
        The parameters and the decaying sums of their gradients, zeros before the first step.
    gradients : sequence of arrays
    learning_rate : float
        Greater than 0.
    momentum : float
        In [0, 1); 0 for none.
    nesterov : bool
        Look ahead along the momentum.

    Raises
    ------
    ValueError, TypeError
        Shapes or dtypes that differ, arrays that cannot be updated in place, numbers out of range.
    """
    updated = {"parameters": parameters, "buffers": buffers}
    table, arrays = table_of("sgd", updated, {"gradients": gradients})
    rate = real("sgd", "learning_rate", learning_rate, above=0)
    if not 0 <= momentum < 1:
        raise ValueError(f"sgd: momentum must be in [0, 1), got {momentum}")
    like = arrays[0][0].reshape(-1)
    real_of = like.dtype.type
    _sgd(table[-1, 0], table, like, real_of(rate), real_of(momentum), bool(nesterov), grain=chunk_size(0.7))
