"""Batch normalisation as an operation, in one with the rectifier that may follow it."""

from .. import kernels
from ..kernels.batch_norm import batch_statistics
from .activations import leaky_relu
from .function import Function, is_recording
from .tensor import Tensor


class BatchNorm(Function):
    """Requires: mean and variance are those of x; backward accounts for their dependence on it."""

    def __init__(self, mean, variance, options):
        self.statistics, self.options = (mean, variance), options

    def forward(self, x, gamma, beta):
        self.inputs = x.data, gamma.data, beta.data
        return kernels.batch_norm(*self.inputs, *self.statistics, **self.options)[0]

    def backward(self, dy):
        self.first_derivative_only()
        gradients = kernels.batch_norm_backward(dy.data, *self.inputs, *self.statistics, **self.options)
        return tuple(Tensor(g) if needed else None for g, needed in zip(gradients, self.needs, strict=True))


def batch_norm(x, gamma, beta, mean=None, variance=None, *, epsilon=1e-3, negative_slope=1.0):
    """Normalise the last axis of x over all others; scale by gamma, shift by beta, rectify.

    With `mean` and `variance`, arrays of shape (C,), these are used, as constants; else those of the batch.
    Returns the result, a tensor, and the two arrays used.
    """
    options = {"epsilon": epsilon, "negative_slope": negative_slope}
    if mean is None:
        mean, variance = batch_statistics(x.data)
        y = BatchNorm.apply(x, gamma, beta, mean=mean, variance=variance, options=options)
    elif is_recording() and (x.requires_grad or gamma.requires_grad or beta.requires_grad):
        y = leaky_relu((x - mean) * (gamma / (variance + epsilon) ** 0.5) + beta, negative_slope)
    else:
        y = Tensor(kernels.batch_norm(x.data, gamma.data, beta.data, mean, variance, **options)[0])
    return y, mean, variance
