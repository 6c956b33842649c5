"""Adam: one step of the optimizer in one pass over memory.

    m <- beta_1 m + (1 - beta_1) g          v <- beta_2 v + (1 - beta_2) g**2
    p <- p - rate (m / (1 - beta_1**t)) / (sqrt(v / (1 - beta_2**t)) + epsilon)

Source: Kingma & Ba, Adam: A Method for Stochastic Optimization, ICLR 2015, algorithm 1. Time O(n), in place.
"""

import numpy as np

from ._parallel import chunk_size, chunked
from ._validate import as_array, integer, real


@chunked
def _adam(lo, hi, gradient, rate, root_scale, beta_1, rest_1, beta_2, rest_2, epsilon, p, m, v):
    # Requires: arrays flat, of one length; rate and root_scale corrected for the step; rest = 1 - beta.
    g, p_out, m_out, v_out = gradient[lo:hi], p[lo:hi], m[lo:hi], v[lo:hi]
    for i in range(g.size):
        first = beta_1 * m_out[i] + rest_1 * g[i]
        second = beta_2 * v_out[i] + rest_2 * (g[i] * g[i])
        m_out[i] = first
        v_out[i] = second
        p_out[i] -= rate * first / (np.sqrt(second) * root_scale + epsilon)


def adam(parameter, gradient, m, v, step, *, learning_rate, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
    """Update `parameter`, `m` and `v` in place by one step of Adam.

    Parameters
    ----------
    parameter, m, v : C-contiguous, writeable arrays of one shape and dtype, float32 or float64
        The parameters and the running means of their gradients and of their squares, zeros before the first step.
    gradient : array of the same shape
    step : int
        The number of this step, counted from 1.
    learning_rate, epsilon : float
        Greater than 0.
    beta_1, beta_2 : float
        In [0, 1).

    Raises
    ------
    ValueError, TypeError
        Shapes or dtypes that differ, arrays that cannot be updated in place, numbers out of range.
    """
    if not isinstance(parameter, np.ndarray) or parameter.dtype not in (np.float32, np.float64):
        raise TypeError("adam: parameter must be an array of float32 or float64")
    for name, array in (("parameter", parameter), ("m", m), ("v", v)):
        if array.shape != parameter.shape or array.dtype != parameter.dtype:
            expected, got = f"{parameter.shape} {parameter.dtype}", f"{array.shape} {array.dtype}"
            raise ValueError(f"adam: {name} must be like parameter, {expected}, got {got}")
        if not (array.flags.c_contiguous and array.flags.writeable):
            raise ValueError(f"adam: {name} must be C-contiguous and writeable")
    dtype = parameter.dtype.type
    gradient = as_array("adam", "gradient", gradient, dtypes=(dtype,), shape=parameter.shape, empty=True)
    step = integer("adam", "step", step, low=1)
    rate = real("adam", "learning_rate", learning_rate, above=0)
    epsilon = real("adam", "epsilon", epsilon, above=0)
    for name, beta in (("beta_1", beta_1), ("beta_2", beta_2)):
        if not 0 <= beta < 1:
            raise ValueError(f"adam: {name} must be in [0, 1), got {beta}")
    rate /= 1 - beta_1**step
    root_scale = (1 - beta_2**step) ** -0.5
    factors = (rate, root_scale, beta_1, 1 - beta_1, beta_2, 1 - beta_2, epsilon)
    flat = [array.reshape(-1) for array in (parameter, m, v)]
    _adam(parameter.size, gradient.reshape(-1), *map(dtype, factors), *flat, grain=chunk_size(1.0))
