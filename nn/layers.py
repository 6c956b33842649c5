"""Layers, named and arranged as in Keras: channels last, sizes of inputs found when the network is built."""

import math

import numpy as np

from ..kernels import _validate as check
from . import activations, init, ops
from .convolution import conv2d, conv2d_transpose
from .module import Module, Parameter
from .normalization import batch_norm
from .tensor import Tensor


class _Layer(Module):
    """A module that checks its input against the shape and dtype that it was built for."""

    def __call__(self, x):
        self.check(x)
        return self.forward(x)

    def check(self, x):
        """Refuse an input that does not fit."""
        name = type(self).__name__
        if not isinstance(x, Tensor):
            raise TypeError(f"{name}: input must be a Tensor, got {type(x).__name__}; see nn.tensor")
        if self.input_shape is None:
            raise RuntimeError(
                f"{name}: not built yet; call build(input_shape, rng), or give Sequential an input_shape"
            )
        if not self.fits(x.shape[1:]):
            raise ValueError(f"{name}: input must have shape {self.expected()}, got {x.shape}")
        for key, t in vars(self).items():
            if isinstance(t, Parameter) and t.dtype != x.dtype:
                raise TypeError(f"{name}: input must have the dtype of {key}, {t.dtype}, got {x.dtype}")

    def fits(self, shape):
        return shape == self.input_shape

    def expected(self):
        return f"(N, {', '.join(map(str, self.input_shape))})"


class Dense(_Layer):
    """y = x @ kernel + bias.

    Parameters
    ----------
    units : int
        Outputs.
    use_bias : bool
    kernel_initializer : callable
        Called with a shape and a generator; see `smalti.nn.init`.
    """

    def __init__(self, units, use_bias=True, *, kernel_initializer=init.glorot):
        self.units = check.integer("Dense", "units", units, low=1)
        self.use_bias, self.kernel_initializer = use_bias, kernel_initializer

    def create(self, input_shape, rng):
        if len(input_shape) != 1:
            raise ValueError(f"Dense: input_shape must have 1 axis, got {input_shape}; put Flatten before")
        self.kernel = Parameter(self.kernel_initializer((*input_shape, self.units), rng))
        self.bias = Parameter(init.zeros((self.units,))) if self.use_bias else None
        return (self.units,)

    def forward(self, x):
        return ops.matmul(x, self.kernel, self.bias)

    def describe(self):
        return f"{self.units}" + ("" if self.use_bias else ", use_bias=False")


class _Convolution(_Layer):
    """What Conv2D and Conv2DTranspose have in common."""

    def __init__(
        self, filters, kernel_size, strides=1, padding="valid", *, use_bias=True, kernel_initializer=init.glorot
    ):
        name = type(self).__name__
        self.filters = check.integer(name, "filters", filters, low=1)
        self.kernel_size = _pair(name, "kernel_size", kernel_size, low=1)
        self.strides = _pair(name, "strides", strides, low=1)
        if isinstance(padding, str):
            self.padding = check.one_of(name, "padding", padding, ("same", "valid"))
        else:
            self.padding = _pair(name, "padding", padding, low=0)
        self.use_bias, self.kernel_initializer = use_bias, kernel_initializer

    def create(self, input_shape, rng):
        if len(input_shape) != 3:
            raise ValueError(f"{type(self).__name__}: input_shape must be (H, W, C), got {input_shape}")
        kernel = self.kernel_initializer((*self.kernel_size, input_shape[2], self.filters), rng)
        self.kernel = Parameter(self.arrange(kernel))
        self.bias = Parameter(init.zeros((self.filters,))) if self.use_bias else None
        return self.output_shape(input_shape)

    def fits(self, shape):
        return len(shape) == 3 and shape[2] == self.input_shape[2]  # other sizes of pictures are fine

    def expected(self):
        return f"(N, H, W, {self.input_shape[2]})"

    def describe(self):
        text = f"{self.filters}, {self.kernel_size}, strides={self.strides}, padding={self.padding!r}"
        return text + ("" if self.use_bias else ", use_bias=False")


class Conv2D(_Convolution):
    """Convolution of pictures (N, H, W, C_in) to (N, OH, OW, filters).

    Parameters
    ----------
    filters : int
    kernel_size, strides : int or (rows, columns)
    padding : "valid", "same", int or (rows, columns)
        "valid" is none; "same" gives ceil(H / stride) rows; else so many zeros on each side.
    use_bias : bool
    kernel_initializer : callable
        Called with (KH, KW, C_in, filters) and a generator; see `smalti.nn.init`.
    """

    @staticmethod
    def arrange(kernel):
        return kernel

    def output_shape(self, input_shape):
        sizes = []
        for i, n in enumerate(input_shape[:2]):
            if self.padding == "same":
                sizes.append(-(-n // self.strides[i]))
            else:
                pad = 0 if self.padding == "valid" else self.padding[i]
                sizes.append((n + 2 * pad - self.kernel_size[i]) // self.strides[i] + 1)
        if min(sizes) < 1:
            raise ValueError(f"Conv2D: kernel {self.kernel_size} does not fit into input_shape {input_shape}")
        return (*sizes, self.filters)

    def forward(self, x):
        return conv2d(x, self.kernel, self.bias, stride=self.strides, padding=self.padding)


class Conv2DTranspose(_Convolution):
    """Transposed convolution of pictures (N, H, W, C_in) to (N, OH, OW, filters).

    The reverse in shape of a `Conv2D` with the same kernel size, strides and padding; its kernel is
    (KH, KW, filters, C_in).

    Parameters
    ----------
    filters : int
    kernel_size, strides : int or (rows, columns)
    padding : "valid", "same", int or (rows, columns)
        "same" gives H * stride rows, otherwise they are (H - 1) * stride + KH - 2 * padding; "valid" is 0.
    use_bias : bool
    kernel_initializer : callable
        Called with (KH, KW, C_in, filters) and a generator; see `smalti.nn.init`.
    """

    @staticmethod
    def arrange(kernel):
        return kernel.swapaxes(2, 3).copy()

    def output_shape(self, input_shape):
        sizes = []
        for i, n in enumerate(input_shape[:2]):
            k, s = self.kernel_size[i], self.strides[i]
            if self.padding == "same":
                sizes.append(n * s)
            else:
                pad = 0 if self.padding == "valid" else self.padding[i]
                sizes.append((n - 1) * s + k - 2 * pad)
        if min(sizes) < 1:
            raise ValueError(f"Conv2DTranspose: padding {self.padding} leaves nothing of input_shape {input_shape}")
        return (*sizes, self.filters)

    def forward(self, x):
        shape = (x.shape[0], *self.output_shape(x.shape[1:]))
        return conv2d_transpose(
            x, self.kernel, self.bias, output_shape=shape, stride=self.strides, padding=self.padding
        )


class BatchNorm(_Layer):
    """Batch normalisation of the last axis, then scale by gamma and shift by beta.

    In training with the mean and variance of the batch; in use (`eval`) with the running averages of these.

    Parameters
    ----------
    momentum : float
        In [0, 1]: running = momentum * running + (1 - momentum) * batch.
    epsilon : float
        Added to the variance; greater than 0.
    """

    def __init__(self, momentum=0.99, epsilon=1e-3):
        self.momentum = check.real("BatchNorm", "momentum", momentum, low=0, high=1)
        self.epsilon = check.real("BatchNorm", "epsilon", epsilon, above=0)

    def create(self, input_shape, rng):
        channels = input_shape[-1:]
        self.gamma = Parameter(np.ones(channels, np.float32))
        self.beta = Parameter(init.zeros(channels))
        self.moving_mean = Tensor(init.zeros(channels))
        self.moving_variance = Tensor(np.ones(channels, np.float32))
        return input_shape

    def fits(self, shape):
        return shape[-1:] == self.input_shape[-1:]

    def expected(self):
        return f"(..., {self.input_shape[-1]})"

    def forward(self, x, negative_slope=1.0):
        """`negative_slope` is that of the rectifier that follows, 1 for none."""
        running = (self.moving_mean.data, self.moving_variance.data)
        options = {"epsilon": self.epsilon, "negative_slope": negative_slope}
        if not self.training:
            return batch_norm(x, self.gamma, self.beta, *running, **options)[0]
        y, *batch = batch_norm(x, self.gamma, self.beta, **options)
        for average, value in zip(running, batch, strict=True):
            average += (1 - self.momentum) * (value - average)
        return y

    def describe(self):
        return f"momentum={self.momentum:g}, epsilon={self.epsilon:g}"


class _Stateless(_Layer):
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


def _pair(function, name, value, low):
    values = (value, value) if isinstance(value, int) else tuple(value) if isinstance(value, (tuple, list)) else None
    if values is None or len(values) != 2:
        raise TypeError(f"{function}: {name} must be an int or a pair of ints, got {value!r}")
    return tuple(check.integer(function, name, n, low=low) for n in values)
