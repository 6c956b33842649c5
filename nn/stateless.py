"""Layers without parameters, named and arranged as in Keras."""

import math

import numpy as np

from ..kernels import _validate as check
from ..kernels._pooling import pooling
from ..kernels._windows import pair
from . import activations
from .layers import Layer
from .pooling import avg_pool2d, max_pool2d, repeat2d
from .tensor import Tensor


class _Stateless(Layer):
    """A layer without parameters, which takes any shape."""

    def check(self, x):
        if not isinstance(x, Tensor):
            raise TypeError(f"{type(self).__name__}: input must be a Tensor, got {type(x).__name__}; see nn.tensor")


class LeakyReLU(_Stateless):
    """x where it is positive, else `negative_slope` times x."""

    def __init__(self, negative_slope=0.3):
        self.negative_slope = check.real(type(self).__name__, "negative_slope", negative_slope, low=0)

    def forward(self, x):
        return activations.leaky_relu(x, self.negative_slope)

    def describe(self):
        return f"{self.negative_slope:g}"


class ReLU(LeakyReLU):
    """x where it is positive, else 0."""

    def __init__(self):
        super().__init__(0.0)

    def describe(self):
        return ""


class Sigmoid(_Stateless):
    """1 / (1 + exp(-x))."""

    def forward(self, x):
        return activations.sigmoid(x)


class Tanh(_Stateless):
    """Hyperbolic tangent."""

    def forward(self, x):
        return activations.tanh(x)


class Softmax(_Stateless):
    """Exponentials over the last axis, divided by their sum."""

    def forward(self, x):
        return activations.softmax(x)


class Dropout(_Stateless):
    """In training zeros a random part of its input and scales the rest, so that the mean stays; in use nothing.

    What is dropped is drawn from a generator of its own, which comes from the one given to `build`.

    Parameters
    ----------
    rate : float
        Part that is dropped, at least 0 and less than 1.

    Source: Srivastava et al., Dropout, JMLR 15, 2014.
    """

    def __init__(self, rate):
        self.rate = check.real("Dropout", "rate", rate, low=0)
        if self.rate >= 1:
            raise ValueError(f"Dropout: rate must be less than 1, got {rate}")

    def create(self, input_shape, rng):
        self.rng = np.random.default_rng(rng.integers(2**63))
        return input_shape

    def forward(self, x):
        if not self.training or self.rate == 0:
            return x
        if self.input_shape is None:
            raise RuntimeError(
                "Dropout: not built yet; call build(input_shape, rng), or give Sequential an input_shape"
            )
        kept = self.rng.random(x.shape, np.float32) >= self.rate
        return x * (kept * x.dtype.type(1 / (1 - self.rate)))

    def describe(self):
        return f"{self.rate:g}"


class _OfPictures(_Stateless):
    """A layer without parameters that takes pictures of any size."""

    def check(self, x):
        super().check(x)
        if x.ndim != 4:
            raise ValueError(f"{type(self).__name__}: input must have shape (N, H, W, C), got {x.shape}")

    def create(self, input_shape, rng):
        if len(input_shape) != 3:
            raise ValueError(f"{type(self).__name__}: input_shape must be (H, W, C), got {input_shape}")
        return self.shape_after(input_shape)


class _Pooling(_OfPictures):
    """What MaxPooling2D and AveragePooling2D have in common."""

    def __init__(self, pool_size=2, strides=None, padding="valid"):
        self.window = {"pool_size": pool_size, "stride": strides, "padding": padding}
        for name, value in (("pool_size", pool_size), ("strides", strides)):
            if value is not None:
                pair(type(self).__name__, name, value, 1)
        if not isinstance(padding, str):
            pair(type(self).__name__, "padding", padding, 0)

    def shape_after(self, input_shape):
        geometry = pooling(type(self).__name__, input_shape[:2], *self.window.values())
        return (*geometry.output, input_shape[2])

    def describe(self):
        return f"{self.window['pool_size']}, strides={self.window['stride']}, padding={self.window['padding']!r}"


class MaxPooling2D(_Pooling):
    """Maximum of each channel over windows of pictures (N, H, W, C).

    Parameters
    ----------
    pool_size : int or (rows, columns)
    strides : int or (rows, columns), optional
        `pool_size` if not given.
    padding : "valid", "same", int or (rows, columns)
        "valid" is none; "same" gives ceil(H / stride) rows; else so many rows and columns on each side. What lies
        there is left out.
    """

    def forward(self, x):
        return max_pool2d(x, **self.window)


class AveragePooling2D(_Pooling):
    """Mean of each channel over windows of pictures (N, H, W, C).

    Parameters
    ----------
    pool_size : int or (rows, columns)
    strides : int or (rows, columns), optional
        `pool_size` if not given.
    padding : "valid", "same", int or (rows, columns)
        "valid" is none; "same" gives ceil(H / stride) rows; else so many rows and columns on each side.
    count_include_pad : bool
        Whether what lies there counts, as zeros (PyTorch), or is left out (Keras).
    """

    def __init__(self, pool_size=2, strides=None, padding="valid", *, count_include_pad=False):
        super().__init__(pool_size, strides, padding)
        self.count_include_pad = bool(count_include_pad)

    def forward(self, x):
        return avg_pool2d(x, **self.window, count_include_pad=self.count_include_pad)


class GlobalAveragePooling2D(_OfPictures):
    """(N, H, W, C) to the means of the channels, (N, C)."""

    def shape_after(self, input_shape):
        return input_shape[2:]

    def forward(self, x):
        return avg_pool2d(x, x.shape[1:3]).reshape(x.shape[0], x.shape[3])


class UpSampling2D(_OfPictures):
    """Repeats the rows and columns of pictures: (N, H, W, C) to (N, size[0] H, size[1] W, C).

    Parameters
    ----------
    size : int or (rows, columns)
    """

    def __init__(self, size=2):
        self.size = pair("UpSampling2D", "size", size, 1)

    def shape_after(self, input_shape):
        return (input_shape[0] * self.size[0], input_shape[1] * self.size[1], input_shape[2])

    def forward(self, x):
        return repeat2d(x, self.size)

    def describe(self):
        return f"{self.size}"


class Flatten(_Stateless):
    """(N, ...) to (N, everything)."""

    def create(self, input_shape, rng):
        return (math.prod(input_shape),)

    def forward(self, x):
        return x.reshape(x.shape[0], math.prod(x.shape[1:]))


class Reshape(_Stateless):
    """(N, ...) to (N, *target_shape).

    Parameters
    ----------
    target_shape : tuple of int
    """

    def __init__(self, target_shape):
        self.target_shape = tuple(check.integer("Reshape", "target_shape", n, low=1) for n in target_shape)

    def create(self, input_shape, rng):
        if math.prod(input_shape) != math.prod(self.target_shape):
            raise ValueError(f"Reshape: input_shape {input_shape} cannot become {self.target_shape}")
        return self.target_shape

    def forward(self, x):
        return x.reshape(x.shape[0], *self.target_shape)

    def describe(self):
        return f"{self.target_shape}"
