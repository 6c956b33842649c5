"""Layers with parameters, named and arranged as in Keras: channels last, sizes of inputs found when they are built."""

import numpy as np

from ..kernels import _validate as check
from ..kernels._windows import check_groups, pair, windows
from . import init, ops
from .convolution import conv2d, conv2d_transpose
from .module import Module, Parameter
from .normalization import batch_norm
from .tensor import Tensor


class Layer(Module):
    """A module that checks its input against the shape and dtype that it was built for."""

    def __call__(self, x):
        self.check(x)
        return self.forward(x)

    def check(self, x):
        """Refuse an input that does not fit."""
        name = type(self).__name__
        if not isinstance(x, Tensor):
            raise TypeError(f"{name}: input must be a Tensor, got {type(x).__name__}; see nn.tensor")
        self.check_built()
        if not self.fits(x.shape[1:]):
            raise ValueError(f"{name}: input must have shape {self.expected()}, got {x.shape}")
        for key, t in vars(self).items():
            if isinstance(t, Parameter) and t.dtype != x.dtype:
                raise TypeError(f"{name}: input must have the dtype of {key}, {t.dtype}, got {x.dtype}")

    def check_built(self):
        if self.input_shape is None:
            name = type(self).__name__
            raise RuntimeError(
                f"{name}: not built yet; call build(input_shape, rng), or give Sequential an input_shape"
            )

    def fits(self, shape):
        return shape == self.input_shape

    def expected(self):
        return f"(N, {', '.join(map(str, self.input_shape))})"


class Dense(Layer):
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


class _Convolution(Layer):
    """What Conv2D and Conv2DTranspose have in common."""

    def __init__(
        self, filters, kernel_size, strides=1, padding="valid", *, groups=1, use_bias=True,
        kernel_initializer=init.glorot,
    ):  # fmt: skip
        name = type(self).__name__
        self.filters = check.integer(name, "filters", filters, low=1)
        self.kernel_size = pair(name, "kernel_size", kernel_size, 1)
        self.strides = pair(name, "strides", strides, 1)
        if isinstance(padding, str):
            self.padding = check.one_of(name, "padding", padding, ("same", "valid"))
        else:
            self.padding = pair(name, "padding", padding, 0)
        self.groups = check.integer(name, "groups", groups, low=1)
        self.use_bias, self.kernel_initializer = use_bias, kernel_initializer

    def create(self, input_shape, rng):
        if len(input_shape) != 3:
            raise ValueError(f"{type(self).__name__}: input_shape must be (H, W, C), got {input_shape}")
        check_groups(type(self).__name__, self.groups, input_shape[2], self.filters)
        kernel = self.kernel_initializer((*self.kernel_size, *self.connected(input_shape[2])), rng)
        self.kernel = Parameter(self.arrange(kernel))
        self.bias = Parameter(init.zeros((self.filters,))) if self.use_bias else None
        return self.shape_after(input_shape)

    def fits(self, shape):
        return len(shape) == 3 and shape[2] == self.input_shape[2]  # other sizes of pictures are fine

    def expected(self):
        return f"(N, H, W, {self.input_shape[2]})"

    def describe(self):
        text = f"{self.filters}, {self.kernel_size}, strides={self.strides}, padding={self.padding!r}"
        text += self.describe_more() + ("" if self.groups == 1 else f", groups={self.groups}")
        return text + ("" if self.use_bias else ", use_bias=False")


class Conv2D(_Convolution):
    """Convolution of pictures (N, H, W, C_in) to (N, OH, OW, filters).

    Parameters
    ----------
    filters : int
    kernel_size, strides : int or (rows, columns)
    padding : "valid", "same", int or (rows, columns)
        "valid" is none; "same" gives ceil(H / stride) rows; else so many zeros on each side.
    dilation_rate : int or (rows, columns)
        From one pixel of the window to the next.
    groups : int
        Channels and filters are divided, in their order, into so many groups, each convolved by itself.
    use_bias : bool
    kernel_initializer : callable
        Called with (KH, KW, C_in / groups, filters) and a generator; see `smalti.nn.init`.
    """

    def __init__(self, filters, kernel_size, strides=1, padding="valid", *, dilation_rate=1, **options):
        super().__init__(filters, kernel_size, strides, padding, **options)
        self.dilation_rate = pair("Conv2D", "dilation_rate", dilation_rate, 1)

    def connected(self, channels):
        return channels // self.groups, self.filters

    @staticmethod
    def arrange(kernel):
        return kernel

    def shape_after(self, input_shape):
        geometry = windows("Conv2D", input_shape[:2], self.kernel_size, self.strides, self.padding, self.dilation_rate)
        return (*geometry.output, self.filters)

    def forward(self, x):
        return conv2d(
            x, self.kernel, self.bias, stride=self.strides, padding=self.padding, dilation=self.dilation_rate,
            groups=self.groups,
        )  # fmt: skip

    def describe_more(self):
        return "" if self.dilation_rate == (1, 1) else f", dilation_rate={self.dilation_rate}"


class Conv2DTranspose(_Convolution):
    """Transposed convolution of pictures (N, H, W, C_in) to (N, OH, OW, filters).

    The reverse in shape of a `Conv2D` with the same kernel size, strides and padding; its kernel is
    (KH, KW, filters / groups, C_in).

    Parameters
    ----------
    filters : int
    kernel_size, strides : int or (rows, columns)
    padding : "valid", "same", int or (rows, columns)
        "same" gives H * stride rows, otherwise they are (H - 1) * stride + KH - 2 * padding; "valid" is 0.
    output_padding : int or (rows, columns)
        Added to these, less than the stride: of the sizes that a `Conv2D` brings to H, which one is meant. Without
        effect for "same".
    groups : int
        Channels and filters are divided, in their order, into so many groups, each convolved by itself.
    use_bias : bool
    kernel_initializer : callable
        Called with (KH, KW, C_in, filters / groups) and a generator; see `smalti.nn.init`.
    """

    def __init__(self, filters, kernel_size, strides=1, padding="valid", *, output_padding=0, **options):
        super().__init__(filters, kernel_size, strides, padding, **options)
        self.output_padding = pair("Conv2DTranspose", "output_padding", output_padding, 0)
        if any(e >= s for e, s in zip(self.output_padding, self.strides, strict=True)):
            expected, got = f"less than strides {self.strides}", self.output_padding
            raise ValueError(f"Conv2DTranspose: output_padding must be {expected}, got {got}")

    def connected(self, channels):
        return channels, self.filters // self.groups

    @staticmethod
    def arrange(kernel):
        return kernel.swapaxes(2, 3).copy()

    def shape_after(self, input_shape):
        sizes = []
        for i, n in enumerate(input_shape[:2]):
            k, s = self.kernel_size[i], self.strides[i]
            if self.padding == "same":
                sizes.append(n * s)
            else:
                pad = 0 if self.padding == "valid" else self.padding[i]
                sizes.append((n - 1) * s + k - 2 * pad + self.output_padding[i])
        if min(sizes) < 1:
            raise ValueError(f"Conv2DTranspose: padding {self.padding} leaves nothing of input_shape {input_shape}")
        return (*sizes, self.filters)

    def forward(self, x):
        shape = (x.shape[0], *self.shape_after(x.shape[1:]))
        return conv2d_transpose(
            x, self.kernel, self.bias, output_shape=shape, stride=self.strides, padding=self.padding, groups=self.groups
        )

    def describe_more(self):
        return "" if self.output_padding == (0, 0) else f", output_padding={self.output_padding}"


class BatchNorm(Layer):
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

    def forward(self, x, negative_slope=1.0, input_slope=1.0):
        """The slopes are those of the rectifiers that follow and that stand before, 1 for none."""
        running = (self.moving_mean.data, self.moving_variance.data)
        options = {"epsilon": self.epsilon, "negative_slope": negative_slope, "input_slope": input_slope}
        if not self.training:
            return batch_norm(x, self.gamma, self.beta, *running, **options)[0]
        y, *batch = batch_norm(x, self.gamma, self.beta, **options)
        for average, value in zip(running, batch, strict=True):
            average += (1 - self.momentum) * (value - average)
        return y

    def describe(self):
        return f"momentum={self.momentum:g}, epsilon={self.epsilon:g}"


class Embedding(Layer):
    """A vector for each whole number: (N, ...) numbers to (N, ..., output_dim).

    Parameters
    ----------
    input_dim : int
        How many numbers there are: they lie in [0, input_dim).
    output_dim : int
        Length of a vector.
    embeddings_initializer : callable
        Called with (input_dim, output_dim) and a generator; see `smalti.nn.init`.
    """

    def __init__(self, input_dim, output_dim, *, embeddings_initializer=init.normal):
        self.input_dim = check.integer("Embedding", "input_dim", input_dim, low=1)
        self.output_dim = check.integer("Embedding", "output_dim", output_dim, low=1)
        self.embeddings_initializer = embeddings_initializer

    def create(self, input_shape, rng):
        self.embeddings = Parameter(self.embeddings_initializer((self.input_dim, self.output_dim), rng))
        return (*input_shape, self.output_dim)

    def check(self, x):
        self.check_built()
        if x.shape[1:] != self.input_shape:
            raise ValueError(f"Embedding: input must have shape {self.expected()}, got {x.shape}")
        if x.size and not 0 <= x.min() <= x.max() < self.input_dim:
            raise ValueError(f"Embedding: input must be in [0, {self.input_dim}), got from {x.min()} to {x.max()}")

    def __call__(self, x):
        """`x` is an array of integers, or a tensor of whole numbers."""
        numbers = np.asarray(x.data if isinstance(x, Tensor) else x)
        if numbers.dtype.kind == "f" and (numbers == np.rint(numbers)).all():
            numbers = numbers.astype(np.int64)
        if numbers.dtype.kind not in "ui":
            raise TypeError(f"Embedding: input must be whole numbers, got an array of {numbers.dtype}")
        self.check(numbers)
        return self.forward(numbers)

    def forward(self, x):
        return self.embeddings[x]

    def describe(self):
        return f"{self.input_dim}, {self.output_dim}"
