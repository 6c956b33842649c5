"""Pooling of pictures as operations, and its reverse, the repetition of pixels.

Each is linear once it is known which pixels are taken, so an operation and its transpose are each other's derivative.
"""

import numpy as np

from .. import kernels
from .function import Function


class AveragePool(Function):
    def __init__(self, window):
        self.window = window

    def forward(self, x):
        self.shape = x.shape
        return kernels.avg_pool2d(x.data, **self.window)

    def backward(self, dy):
        return AveragePoolBack.apply(dy, window=self.window, shape=self.shape)


class AveragePoolBack(Function):
    """To each pixel its share of the windows that cover it."""

    def __init__(self, window, shape):
        self.window, self.shape = window, shape

    def forward(self, dy):
        return kernels.avg_pool2d_backward(dy.data, self.shape, **self.window)

    def backward(self, ddx):
        return AveragePool.apply(ddx, window=self.window)


class MaxPool(Function):
    def __init__(self, window):
        self.window = window

    def forward(self, x):
        self.shape = x.shape
        if not self.needs[0]:
            return kernels.max_pool2d(x.data, **self.window)
        y, self.indices = kernels.max_pool2d(x.data, **self.window, return_indices=True)
        return y

    def backward(self, dy):
        return MaxPoolBack.apply(dy, indices=self.indices, shape=self.shape, window=self.window)


class MaxPoolBack(Function):
    """To each pixel the sum of the windows that took it."""

    def __init__(self, indices, shape, window):
        self.taken = {"indices": indices, "shape": shape, "window": window}

    def forward(self, dy):
        indices, shape, window = self.taken.values()
        return kernels.max_pool2d_backward(dy.data, indices, shape, **window)

    def backward(self, ddx):
        return TakePixels.apply(ddx, **self.taken)


class TakePixels(Function):
    """Of each window the pixel that was taken before."""

    def __init__(self, **taken):
        self.taken = taken

    def forward(self, x):
        indices, (n, _, _, channels) = self.taken["indices"], x.shape
        y = np.take_along_axis(x.data.reshape(n, -1, channels), indices.reshape(n, -1, channels), axis=1)
        return y.reshape(indices.shape)

    def backward(self, dy):
        return MaxPoolBack.apply(dy, **self.taken)


def max_pool2d(x, pool_size, *, stride=None, padding=0):
    """Maxima over windows of (N, H, W, C); see `smalti.kernels.max_pool2d`."""
    return MaxPool.apply(x, window={"pool_size": pool_size, "stride": stride, "padding": padding})


def avg_pool2d(x, pool_size, *, stride=None, padding=0, count_include_pad=True):
    """Means over windows of (N, H, W, C); see `smalti.kernels.avg_pool2d`."""
    window = {"pool_size": pool_size, "stride": stride, "padding": padding, "count_include_pad": count_include_pad}
    return AveragePool.apply(x, window=window)


def repeat2d(x, size):
    """Each pixel of (N, H, W, C) as a rectangle of size[0] x size[1] pixels: the gradient of their sum."""
    n, height, width, channels = x.shape
    shape = (n, height * size[0], width * size[1], channels)
    return AveragePoolBack.apply(x, window={"pool_size": size, "divisor_override": 1}, shape=shape)
