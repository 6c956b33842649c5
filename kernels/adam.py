"""Adam: one step of the optimizer over all parameters, in one pass over memory.

    m <- beta_1 m + (1 - beta_1) g          v <- beta_2 v + (1 - beta_2) g**2
    p <- (1 - rate decay) p - rate (m / (1 - beta_1**t)) / (sqrt(v / (1 - beta_2**t)) + epsilon)

Source: Kingma & Ba, Adam: A Method for Stochastic Optimization, ICLR 2015, algorithm 1; with a decay that is not part
of the gradient it is AdamW: Loshchilov & Hutter, Decoupled Weight Decay Regularization, ICLR 2019, algorithm 2. Time
O(n), in place.
"""

import numpy as np

from ._parallel import chunk_size, chunked
from ._pieces import first_piece, part, table_of
from ._validate import integer, real


@chunked
def _adam(lo, hi, table, like, kept, rate, root_scale, beta_1, rest_1, beta_2, rest_2, epsilon):
    # Requires: the pieces are parameters, m, v, gradients; rate and root_scale corrected for the step; rest = 1 - beta.
    piece = first_piece(table, lo)
    while lo < hi:
        stop = min(hi, table[piece + 1, 0])
        p, m = part(table, piece, 1, lo, stop, like), part(table, piece, 2, lo, stop, like)
        v, g = part(table, piece, 3, lo, stop, like), part(table, piece, 4, lo, stop, like)
        for i in range(p.size):
            first = beta_1 * m[i] + rest_1 * g[i]
            second = beta_2 * v[i] + rest_2 * (g[i] * g[i])
            m[i] = first
            v[i] = second
            p[i] = kept * p[i] - rate * first / (np.sqrt(second) * root_scale + epsilon)
        lo, piece = stop, piece + 1


def adam(parameters, gradients, m, v, step, *, learning_rate, beta_1=0.9, beta_2=0.999, epsilon=1e-7, weight_decay=0.0):
    """Update parameters and their moments in place by one step of Adam.

    Parameters
    ----------
    parameters, m, v : sequences of C-contiguous, writeable arrays of one dtype, float32 or float64
        The parameters and the running means of their gradients and of their squares, zeros before the first step.
    gradients : sequence of arrays
    step : int
        The number of this step, counted from 1.
    learning_rate, epsilon : float
        Greater than 0.
    beta_1, beta_2 : float
        In [0, 1).
    weight_decay : float
        At least 0: this part of the parameters, times the learning rate, is taken away in each step.

    Raises
    ------
    ValueError, TypeError
        Shapes or dtypes that differ, arrays that cannot be updated in place, numbers out of range.
    """
    updated = {"parameters": parameters, "m": m, "v": v}
    table, arrays = table_of("adam", updated, {"gradients": gradients})
    step = integer("adam", "step", step, low=1)
    rate = real("adam", "learning_rate", learning_rate, above=0)
    epsilon = real("adam", "epsilon", epsilon, above=0)
    decay = real("adam", "weight_decay", weight_decay, low=0)
    for name, beta in (("beta_1", beta_1), ("beta_2", beta_2)):
        if not 0 <= beta < 1:
            raise ValueError(f"adam: {name} must be in [0, 1), got {beta}")
    kept = 1 - rate * decay
    rate /= 1 - beta_1**step
    root_scale = (1 - beta_2**step) ** -0.5
    factors = (kept, rate, root_scale, beta_1, 1 - beta_1, beta_2, 1 - beta_2, epsilon)
    like = arrays[0][0].reshape(-1)
    _adam(table[-1, 0], table, like, *map(like.dtype.type, factors), grain=chunk_size(1.0))
