"""Batch normalisation as an operation, in one with the rectifiers that may stand before and behind it."""

from .. import kernels
from ..kernels.batch_norm import batch_statistics
from .activations import leaky_relu
from .function import Function, is_recording
from .tensor import Tensor, grad


class BatchNorm(Function):
    """Requires: mean and variance are those of x; backward accounts for their dependence on it."""

    def __init__(self, mean, variance, options):
        self.statistics, self.options = (mean, variance), options

    def forward(self, x, gamma, beta):
        self.inputs = x, gamma, beta
        return kernels.batch_norm(x.data, gamma.data, beta.data, *self.statistics, **self.options)[0]

    def backward(self, dy):
        if is_recording():  # by the derivative of the same made of simple operations, which has one itself
            needed = [t for t, needed in zip(self.inputs, self.needs, strict=True) if needed]
            gradients = iter(grad(_composed(*self.inputs, **self.options), needed, dy, create_graph=True))
            return tuple(next(gradients) if needed else None for needed in self.needs)
        arrays = [t.data for t in self.inputs]
        gradients = kernels.batch_norm_backward(dy.data, *arrays, *self.statistics, **self.options)
        return tuple(Tensor(g) if needed else None for g, needed in zip(gradients, self.needs, strict=True))


def _composed(x, gamma, beta, mean=None, variance=None, *, epsilon, negative_slope, input_slope):
    x = leaky_relu(x, input_slope)
    if mean is None:
        axes = range(x.ndim - 1)
        mean = x.mean(axes)
        variance = ((x - mean) ** 2).mean(axes)
    return leaky_relu((x - mean) * (gamma / (variance + epsilon) ** 0.5) + beta, negative_slope)


def batch_norm(x, gamma, beta, mean=None, variance=None, *, epsilon=1e-3, negative_slope=1.0, input_slope=1.0):
    """Rectify, normalise the last axis of x over all others, scale by gamma, shift by beta, rectify again.

    With `mean` and `variance`, arrays of shape (C,), these are used, as constants; else those of the batch.
    Returns the result, a tensor, and the two arrays used.
    """
    options = {"epsilon": epsilon, "negative_slope": negative_slope, "input_slope": input_slope}
    if mean is None:
        mean, variance = batch_statistics(x.data, input_slope=input_slope)
        y = BatchNorm.apply(x, gamma, beta, mean=mean, variance=variance, options=options)
    elif is_recording() and (x.requires_grad or gamma.requires_grad or beta.requires_grad):
        y = _composed(x, gamma, beta, mean, variance, **options)
    else:
        y = Tensor(kernels.batch_norm(x.data, gamma.data, beta.data, mean, variance, **options)[0])
    return y, mean, variance
