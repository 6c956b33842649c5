"""Operations on tensors: arithmetic, reductions, shapes and the matrix product, each beside its derivative.

Elementwise operations are NumPy's, with its broadcasting; the gradient of a broadcast input is summed over
the axes that were added or stretched. All have derivatives of any order.
"""

import math

import numpy as np

from .. import kernels
from ..kernels._memory import aligned_empty
from ..kernels.bias import sum_leading
from .function import Function
from .tensor import Tensor, as_tensor


def _elementwise(function, name, a, b):
    """Apply an operation of two operands, of which at least one is a tensor."""
    like = a if isinstance(a, Tensor) else b
    a, b = as_tensor(name, "operand", a, like), as_tensor(name, "operand", b, like)
    try:
        return function.apply(a, b)
    except ValueError:
        raise ValueError(f"{name}: shapes {a.shape} and {b.shape} cannot be broadcast together") from None


def _result(ufunc, *arrays):
    """ufunc(*arrays) in memory that is used again."""
    shape = np.broadcast_shapes(*(a.shape for a in arrays))
    return ufunc(*arrays, out=aligned_empty(shape, arrays[0].dtype))


def _sum_to(dy, shape):
    """The gradient of an operand of `shape` that was broadcast to the shape of `dy`."""
    if dy.shape == shape:
        return dy
    added = dy.ndim - len(shape)
    stretched = tuple(added + i for i, n in enumerate(shape) if n == 1 and dy.shape[added + i] != 1)
    return sum(dy, (*range(added), *stretched), keepdims=True).reshape(shape)


class Add(Function):
    def forward(self, a, b):
        self.shapes = a.shape, b.shape
        return _result(np.add, a.data, b.data)

    def backward(self, dy):
        return tuple(
            _sum_to(dy, shape) if needed else None for shape, needed in zip(self.shapes, self.needs, strict=True)
        )


class Subtract(Function):
    def forward(self, a, b):
        self.shapes = a.shape, b.shape
        return _result(np.subtract, a.data, b.data)

    def backward(self, dy):
        a, b = self.shapes
        return _sum_to(dy, a) if self.needs[0] else None, _sum_to(-dy, b) if self.needs[1] else None


class Multiply(Function):
    def forward(self, a, b):
        self.operands = a, b
        return _result(np.multiply, a.data, b.data)

    def backward(self, dy):
        a, b = self.operands
        return (
            _sum_to(dy * b, a.shape) if self.needs[0] else None,
            _sum_to(dy * a, b.shape) if self.needs[1] else None,
        )


class Divide(Function):
    def forward(self, a, b):
        self.operands = a, b
        return _result(np.divide, a.data, b.data)

    def backward(self, dy):
        a, b = self.operands
        return (
            _sum_to(dy / b, a.shape) if self.needs[0] else None,
            _sum_to(-dy * a / (b * b), b.shape) if self.needs[1] else None,
        )


class Power(Function):
    def __init__(self, exponent):
        self.exponent = exponent

    def forward(self, x):
        self.x = x
        return x.data**self.exponent

    def backward(self, dy):
        if self.exponent == 0:  # 0 * x**-1 is not 0 at x = 0
            return dy * 0
        return dy * (self.exponent * self.x ** (self.exponent - 1))


class Maximum(Function):
    def forward(self, a, b):
        self.shapes = a.shape, b.shape
        self.share = np.where(a.data == b.data, 0.5, a.data > b.data)
        return np.maximum(a.data, b.data)

    def backward(self, dy):
        a, b = self.shapes
        return (
            _sum_to(dy * self.share, a) if self.needs[0] else None,
            _sum_to(dy * (1 - self.share), b) if self.needs[1] else None,
        )


class Clip(Function):
    def __init__(self, low, high):
        self.limits = low, high

    def forward(self, x):
        y = np.clip(x.data, *self.limits)
        self.inside = y == x.data
        return y

    def backward(self, dy):
        return dy * self.inside


class Exp(Function):
    def forward(self, x):
        self.y = _result(np.exp, x.data)
        return self.y

    def backward(self, dy):
        return dy * Tensor.from_data(self.y, self)


class Log(Function):
    def forward(self, x):
        self.x = x
        return _result(np.log, x.data)

    def backward(self, dy):
        return dy / self.x


class Abs(Function):
    def forward(self, x):
        self.sign = np.sign(x.data)
        return _result(np.abs, x.data)

    def backward(self, dy):
        return dy * self.sign


class Sum(Function):
    def __init__(self, axes, keepdims):
        self.axes, self.keepdims = axes, keepdims

    def forward(self, x):
        self.shape = x.shape
        if self.axes == tuple(range(x.ndim - 1)) and x.ndim > 1:
            total = sum_leading(x.data)
            return total.reshape((1,) * len(self.axes) + total.shape) if self.keepdims else total
        return x.data.sum(axis=self.axes, keepdims=self.keepdims)

    def backward(self, dy):
        kept = tuple(1 if i in self.axes else n for i, n in enumerate(self.shape))
        return BroadcastTo.apply(dy.reshape(kept), shape=self.shape)


class Max(Function):
    """Elements that are equally large share the gradient."""

    def __init__(self, axes, keepdims):
        self.axes, self.keepdims = axes, keepdims

    def forward(self, x):
        largest = x.data.max(axis=self.axes, keepdims=True)
        hits = x.data == largest
        self.share = hits / hits.sum(axis=self.axes, keepdims=True, dtype=x.dtype)
        return largest if self.keepdims else largest.squeeze(self.axes)

    def backward(self, dy):
        kept = tuple(1 if i in self.axes else n for i, n in enumerate(self.share.shape))
        return BroadcastTo.apply(dy.reshape(kept), shape=self.share.shape) * self.share


class BroadcastTo(Function):
    def __init__(self, shape):
        self.shape = shape

    def forward(self, x):
        self.before = x.shape
        return np.broadcast_to(x.data, self.shape)

    def backward(self, dy):
        return _sum_to(dy, self.before)


class Reshape(Function):
    def __init__(self, shape):
        self.shape = shape

    def forward(self, x):
        self.before = x.shape
        return x.data.reshape(self.shape)

    def backward(self, dy):
        return Reshape.apply(dy, shape=self.before)


class Transpose(Function):
    def __init__(self, axes):
        self.axes = axes

    def forward(self, x):
        return x.data.transpose(self.axes)

    def backward(self, dy):
        return Transpose.apply(dy, axes=tuple(int(i) for i in np.argsort(self.axes)))


class Index(Function):
    """What an array's brackets give, for any key that NumPy knows."""

    def __init__(self, key):
        self.key = key

    def forward(self, x):
        self.shape = x.shape
        return x.data[self.key]

    def backward(self, dy):
        return PutAt.apply(dy, key=self.key, shape=self.shape)


class PutAt(Function):
    """Zeros to which the elements are added at their places."""

    def __init__(self, key, shape):
        self.key, self.shape = key, shape

    def forward(self, y):
        x = np.zeros(self.shape, y.dtype)
        if _is_basic(self.key):
            x[self.key] = y.data
        else:  # a place may be named more than once
            np.add.at(x, self.key, y.data)
        return x

    def backward(self, dx):
        return Index.apply(dx, key=self.key)


def _is_basic(key):
    """Whether a key is made of numbers and slices only, so that it names no place twice."""
    parts = key if isinstance(key, tuple) else (key,)
    return all(part is None or part is Ellipsis or isinstance(part, (int, np.integer, slice)) for part in parts)


class Concatenate(Function):
    def __init__(self, axis):
        self.axis = axis

    def forward(self, *tensors):
        self.ends = np.cumsum([t.shape[self.axis] for t in tensors])
        return np.concatenate([t.data for t in tensors], axis=self.axis)

    def backward(self, dy):
        before = (slice(None),) * self.axis
        return tuple(
            dy[(*before, slice(start, end))] if needed else None
            for start, end, needed in zip((0, *self.ends), self.ends, self.needs, strict=False)
        )


class MatMul(Function):
    """a @ b, plus a row of biases if given: a dense layer in one operation."""

    def forward(self, a, b, bias=None):
        self.operands = a, b
        return kernels.matmul(a.data, b.data, None if bias is None else bias.data)

    def backward(self, dy):
        a, b = self.operands
        gradients = (
            matmul(dy, b.T) if self.needs[0] else None,
            matmul(a.T, dy) if self.needs[1] else None,
        )
        return (*gradients, sum(dy, 0) if self.needs[2] else None) if len(self.needs) == 3 else gradients


def add(a, b):
    return _elementwise(Add, "add", a, b)


def subtract(a, b):
    return _elementwise(Subtract, "subtract", a, b)


def multiply(a, b):
    return _elementwise(Multiply, "multiply", a, b)


def divide(a, b):
    return _elementwise(Divide, "divide", a, b)


def power(x, exponent):
    """x to the power of a number."""
    if isinstance(exponent, Tensor) or not np.isscalar(exponent):
        raise TypeError(f"power: exponent must be a number, got {type(exponent).__name__}")
    return Power.apply(x, exponent=float(exponent))


def maximum(a, b):
    return _elementwise(Maximum, "maximum", a, b)


def clip(x, low=None, high=None):
    return Clip.apply(x, low=low, high=high)


def exp(x):
    return Exp.apply(x)


def log(x):
    return Log.apply(x)


def sqrt(x):
    return Power.apply(x, exponent=0.5)


def abs(x):
    return Abs.apply(x)


def sum(x, axis=None, keepdims=False):
    return Sum.apply(x, axes=_axes("sum", axis, x.ndim), keepdims=keepdims)


def max(x, axis=None, keepdims=False):
    axes = _axes("max", axis, x.ndim)
    if any(x.shape[i] == 0 for i in axes):
        raise ValueError(f"max: there is no largest of no elements, axis {axis} of shape {x.shape}")
    return Max.apply(x, axes=axes, keepdims=keepdims)


def mean(x, axis=None, keepdims=False):
    axes = _axes("mean", axis, x.ndim)
    return sum(x, axes, keepdims) * (1 / (math.prod(x.shape[i] for i in axes) or 1))


def reshape(x, *shape):
    shape = shape[0] if len(shape) == 1 and not isinstance(shape[0], int) else shape
    try:
        return Reshape.apply(x, shape=tuple(shape))
    except ValueError:
        raise ValueError(f"reshape: shape {x.shape} cannot become {tuple(shape)}") from None


def transpose(x, *axes):
    axes = axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes
    axes = tuple(axes) or tuple(range(x.ndim))[::-1]
    if sorted(axes) != list(range(x.ndim)):
        raise ValueError(f"transpose: axes must name each of the {x.ndim} axes once, got {axes}")
    return Transpose.apply(x, axes=axes)


def index(x, key):
    """Elements of x, as NumPy's brackets give them; an element named twice gets both gradients."""
    parts = key if isinstance(key, tuple) else (key,)
    if any(isinstance(part, Tensor) for part in parts):
        raise TypeError("index: tensors hold floats; index with integers, slices, or arrays of integers or bool")
    return Index.apply(x, key=key)


def concatenate(tensors, axis=0):
    """Tensors one after another along an existing axis.

    Parameters
    ----------
    tensors : sequence of Tensor or arrays, at least one a Tensor
        Of one shape but for the length along `axis`.
    axis : int
    """
    tensors = list(tensors)
    like = next((t for t in tensors if isinstance(t, Tensor)), None)
    if like is None:
        raise TypeError("concatenate: tensors must hold at least one Tensor")
    tensors = [as_tensor("concatenate", f"tensors[{i}]", t, like) for i, t in enumerate(tensors)]
    (axis,) = _axes("concatenate", int(axis), like.ndim)
    for i, t in enumerate(tensors):
        if t.ndim != like.ndim or any(a != b for k, (a, b) in enumerate(zip(t.shape, like.shape)) if k != axis):
            raise ValueError(f"concatenate: tensors[{i}] must fit {like.shape} but along axis {axis}, got {t.shape}")
    return Concatenate.apply(*tensors, axis=axis)


def pad(x, pad_width, value=0.0):
    """x in a frame.

    Parameters
    ----------
    x : Tensor
    pad_width : sequence of (before, after)
        For each axis the width of the frame on its two sides, as in ``numpy.pad``.
    value : float
        What the frame is filled with.
    """
    widths = [tuple(w) if isinstance(w, (tuple, list)) else (w,) for w in pad_width]
    if len(widths) != x.ndim or any(len(w) != 2 or w[0] < 0 or w[1] < 0 for w in widths):
        raise ValueError(f"pad: pad_width must be {x.ndim} pairs of numbers of at least 0, got {pad_width}")
    key = tuple(slice(before, before + n) for n, (before, _) in zip(x.shape, widths, strict=True))
    shape = tuple(before + n + after for n, (before, after) in zip(x.shape, widths, strict=True))
    padded = PutAt.apply(x, key=key, shape=shape)
    if value:
        frame = np.full(shape, value, x.dtype)
        frame[key] = 0
        padded = padded + frame
    return padded


def matmul(a, b, bias=None):
    """The matrix product of (M, K) and (K, N), plus a bias of shape (N,) if given."""
    like = a if isinstance(a, Tensor) else b
    a, b = as_tensor("matmul", "operand", a, like), as_tensor("matmul", "operand", b, like)
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[0]:
        raise ValueError(f"matmul: shapes must be (M, K) and (K, N), got {a.shape} and {b.shape}")
    return MatMul.apply(a, b) if bias is None else MatMul.apply(a, b, bias)


def _axes(function, axis, ndim):
    axes = range(ndim) if axis is None else (axis,) if isinstance(axis, (int, np.integer)) else axis
    if any(not -ndim <= i < ndim for i in axes):
        raise ValueError(f"{function}: axis must be among the {ndim} axes, got {axis}")
    return tuple(sorted({int(i) % ndim for i in axes}))
