"""Activations as operations. Each backward is one pass over memory, or recorded operations if asked for."""

from ..kernels import activations as kernels
from ..kernels.softmax import softmax as _softmax
from ..kernels.softmax import softmax_backward
from .function import Function, is_recording
from .tensor import Tensor


class LeakyReLU(Function):
    def __init__(self, negative_slope):
        self.slope = negative_slope

    def forward(self, x):
        self.y = kernels.leaky_relu(x.data, self.slope)
        return self.y

    def backward(self, dy):
        return LeakyReLUGradient.apply(dy, y=self.y, negative_slope=self.slope)


class LeakyReLUGradient(Function):
    """Linear in dy, and its own derivative; constant in y wherever it has a derivative."""

    def __init__(self, y, negative_slope):
        self.y, self.slope = y, negative_slope

    def forward(self, dy):
        return kernels.leaky_relu_backward(dy.data, self.y, self.slope)

    def backward(self, ddx):
        return LeakyReLUGradient.apply(ddx, y=self.y, negative_slope=self.slope)


class Sigmoid(Function):
    def forward(self, x):
        self.y = kernels.sigmoid(x.data)
        return self.y

    def backward(self, dy):
        if is_recording():
            y = Tensor.from_data(self.y, self)
            return dy * (y * (1 - y))
        return Tensor(kernels.sigmoid_backward(dy.data, self.y))


class Tanh(Function):
    def forward(self, x):
        self.y = kernels.tanh(x.data)
        return self.y

    def backward(self, dy):
        if is_recording():
            y = Tensor.from_data(self.y, self)
            return dy * (1 - y * y)
        return Tensor(kernels.tanh_backward(dy.data, self.y))


class Softmax(Function):
    def forward(self, x):
        self.y = _softmax(x.data)
        return self.y

    def backward(self, dy):
        if is_recording():
            y = Tensor.from_data(self.y, self)
            return y * (dy - (dy * y).sum(axis=-1, keepdims=True))
        return Tensor(softmax_backward(dy.data, self.y))


def leaky_relu(x, negative_slope=0.2):
    """x where it is positive, else `negative_slope` times x."""
    return LeakyReLU.apply(x, negative_slope=negative_slope)


def relu(x):
    """x where it is positive, else 0."""
    return LeakyReLU.apply(x, negative_slope=0.0)


def sigmoid(x):
    """1 / (1 + exp(-x))."""
    return Sigmoid.apply(x)


def tanh(x):
    """Hyperbolic tangent."""
    return Tanh.apply(x)


def softmax(x):
    """Exponentials over the last axis, divided by their sum."""
    return Softmax.apply(x)
