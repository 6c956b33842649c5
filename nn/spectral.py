"""Spectral normalisation: a layer whose linear map stretches nothing."""

import numpy as np

from ..kernels import _validate as check
from .layers import Conv2DTranspose
from .module import Module
from .tensor import Tensor


class SpectralNormalization(Module):
    """A layer with its kernel divided by the kernel's largest singular value.

    The kernel is seen as a matrix with a column for each output. Its largest singular value is followed by power
    iteration, `power_iterations` for each call in training, from where the last call ended; in use it stays. The
    derivative takes the singular vectors as constants, as the paper does.

    Parameters
    ----------
    layer : Dense, Conv2D or Conv2DTranspose
        Not built yet.
    power_iterations : int

    Source: Miyato et al., Spectral Normalization for GANs, ICLR 2018, section 2.1 and algorithm 1.

    Examples
    --------
    >>> from smalti import nn
    >>> net = nn.Sequential([nn.SpectralNormalization(nn.Dense(1))], input_shape=(2,), rng=0)
    >>> kernel = net.layers[0].layer.kernel
    >>> for _ in range(5):
    ...     y = net(nn.tensor([[1.0, 0.0], [0.0, 1.0]]))
    >>> round((y * y).sum().item(), 5)
    1.0
    """

    def __init__(self, layer, power_iterations=1):
        if not isinstance(layer, Module) or not hasattr(layer, "kernel_initializer"):
            raise TypeError(f"SpectralNormalization: layer must have a kernel, got {type(layer).__name__}")
        self.layer = layer
        self.power_iterations = check.integer("SpectralNormalization", "power_iterations", power_iterations, low=1)

    def create(self, input_shape, rng):
        output_shape = self.layer.build(input_shape, rng)
        rows, columns = self.matrix(self.layer.kernel).shape
        self.left = Tensor(_unit(rng.standard_normal(rows, np.float32)))
        self.right = Tensor(_unit(rng.standard_normal(columns, np.float32)))
        return output_shape

    def matrix(self, kernel):
        """The kernel, a tensor, with a column for each output."""
        if isinstance(self.layer, Conv2DTranspose):
            kernel = kernel.transpose(0, 1, 3, 2)
        return kernel.reshape(-1, kernel.shape[-1])

    def forward(self, x):
        kernel = self.layer.kernel
        matrix = self.matrix(kernel)
        left, right = self.left, self.right
        if self.training:
            for _ in range(self.power_iterations):
                left.data = _unit(matrix.data @ right.data)
                right.data = _unit(matrix.data.T @ left.data)
        stretch = (matrix * np.outer(left.data, right.data)).sum()
        self.layer.kernel = kernel / stretch
        try:
            return self.layer(x)
        finally:
            self.layer.kernel = kernel

    def describe(self):
        return f"{self.layer!r}"


def _unit(vector):
    return vector / np.maximum(np.linalg.norm(vector), np.finfo(vector.dtype).tiny)
