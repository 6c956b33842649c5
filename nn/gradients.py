"""Check of gradients against differences of function values."""

import numpy as np

from ..kernels._validate import as_rng
from .tensor import Tensor, grad


def check_gradients(function, *inputs, step=1e-6, tolerance=1e-6, rng=0):
    """Hold the gradients of a function to finite differences, by random projection, in float64.

    The result is projected on random weights v, L = sum v * function(*inputs), and for each input x that
    requires a gradient the derivative along a random direction u is compared,

        sum u * dL/dx    with    (L(x + h u) - L(x - h u)) / (2 h),

    which probes the whole gradient with two evaluations.

    Parameters
    ----------
    function : callable
        Of tensors, giving a tensor; the same for the same inputs.
    *inputs : Tensor of float64
        What it is called with, away from kinks; parameters of a module may be among them.
    step : float
        h.
    tolerance : float
        Allowed difference, relative to the larger of 1 and the derivative's magnitude.
    rng : int or numpy.random.Generator

    Returns
    -------
    float
        The largest relative difference.

    Raises
    ------
    ArithmeticError
        If a gradient is wrong; both numbers are named.
    """
    rng = as_rng("check_gradients", rng)
    for i, x in enumerate(inputs):
        if not isinstance(x, Tensor) or x.dtype != np.float64:
            raise TypeError(
                f"check_gradients: input {i} must be a Tensor of float64, got {getattr(x, 'dtype', type(x))}"
            )
    wanted = [i for i, x in enumerate(inputs) if x.requires_grad]
    if not wanted:
        raise ValueError("check_gradients: no input requires a gradient")
    y = function(*inputs)
    v = rng.standard_normal(y.shape)
    gradients = grad(y, [inputs[i] for i in wanted], [v])

    def projected(x, values):
        before, x.data = x.data, values
        try:
            return float((function(*inputs).data * v).sum())
        finally:
            x.data = before

    worst = 0.0
    for i, gradient in zip(wanted, gradients, strict=True):
        x = inputs[i]
        if gradient.shape != x.shape or gradient.dtype != x.dtype:
            got = f"{gradient.shape} {gradient.dtype}"
            raise ArithmeticError(f"check_gradients: gradient of input {i} must be {x.shape} {x.dtype}, got {got}")
        u = rng.standard_normal(x.shape)
        backward = float((gradient.data * u).sum())
        differences = (projected(x, x.data + step * u) - projected(x, x.data - step * u)) / (2 * step)
        error = abs(backward - differences) / max(1.0, abs(differences))
        if not error <= tolerance:
            raise ArithmeticError(
                f"check_gradients: derivative along a random direction of input {i} is {backward!r} by backward, "
                f"{differences!r} by differences, relative difference {error:.3g}"
            )
        worst = max(worst, error)
    return worst
