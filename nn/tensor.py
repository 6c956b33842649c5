"""The tensor: an array that remembers how it was computed."""

import numbers

import numpy as np

from .function import propagate


class Tensor:
    """An array with, if it requires one, a gradient.

    Make one with `tensor`. Operators work elementwise with NumPy's broadcasting, between tensors of one dtype,
    and with numbers and arrays, which take the tensor's dtype; ``@`` is the matrix product.

    Attributes
    ----------
    data : ndarray of float32 or float64
        The values. Operations that are recorded may share it: change it in place only between training steps.
    grad : Tensor or None
        Sum of the gradients that `backward` has brought to this tensor since it was last set to None.
        Only leaves have one: tensors made by the user, and parameters.
    requires_grad : bool
        Whether operations on it are recorded.
    """

    __slots__ = ("data", "grad", "requires_grad", "_node", "__weakref__")
    __array_ufunc__ = None  # array + tensor is the tensor's business

    def __init__(self, data, requires_grad=False, *, node=None):
        self.data = data
        self.grad = None
        self.requires_grad = requires_grad
        self._node = node

    @staticmethod
    def from_data(data, node=None):
        """The tensor that operation `node` made."""
        return Tensor(np.asarray(data), node is not None, node=node)

    @property
    def origin(self):
        """Where gradients of this tensor go: the operation that made it, or the tensor itself if it is a leaf."""
        return self if self._node is None else self._node

    @property
    def shape(self):
        return self.data.shape

    @property
    def dtype(self):
        return self.data.dtype

    @property
    def ndim(self):
        return self.data.ndim

    @property
    def size(self):
        return self.data.size

    @property
    def T(self):
        return self.transpose()

    def __repr__(self):
        values = np.array2string(self.data, separator=", ", prefix="tensor(", threshold=100)
        extra = ", requires_grad=True" if self.requires_grad else ""
        return f"tensor({values}, dtype={self.dtype}{extra})"

    def __len__(self):
        raise TypeError("a tensor has no len(); use shape")

    def numpy(self):
        """The values as an array, sharing memory."""
        return self.data

    def item(self):
        """The value of a tensor of one element, as a Python float."""
        if self.size != 1:
            raise ValueError(f"item: tensor must have one element, got shape {self.shape}")
        return self.data.item()

    def detach(self):
        """The same values, sharing memory, without their history."""
        return Tensor(self.data)

    def backward(self, gradient=None):
        """Add the gradient of this tensor to the `grad` of every leaf it was computed from, and free the graph.

        Parameters
        ----------
        gradient : Tensor or array of this tensor's shape, optional
            Gradient of what is to be differentiated with respect to this tensor; 1 if this tensor has one
            element.

        Raises
        ------
        RuntimeError
            If the graph has already been used.
        """
        if not self.requires_grad:
            raise RuntimeError("backward: this tensor does not require a gradient, nothing of it was recorded")
        for leaf, dy in propagate([self], [_seed("backward", self, gradient)]).items():
            leaf.grad = dy if leaf.grad is None else leaf.grad + dy

    # Operators

    def __add__(self, other):
        return ops.add(self, other)

    def __sub__(self, other):
        return ops.subtract(self, other)

    def __rsub__(self, other):
        return ops.subtract(other, self)

    def __mul__(self, other):
        return ops.multiply(self, other)

    def __truediv__(self, other):
        return ops.divide(self, other)

    def __rtruediv__(self, other):
        return ops.divide(other, self)

    def __pow__(self, exponent):
        return ops.power(self, exponent)

    def __neg__(self):
        return ops.multiply(self, -1)

    def __matmul__(self, other):
        return ops.matmul(self, other)

    def __rmatmul__(self, other):
        return ops.matmul(other, self)

    def __getitem__(self, key):
        return ops.index(self, key)

    __radd__ = __add__
    __rmul__ = __mul__

    def sum(self, axis=None, keepdims=False):
        """Sum over all axes, or those given."""
        return ops.sum(self, axis, keepdims)

    def mean(self, axis=None, keepdims=False):
        """Mean over all axes, or those given."""
        return ops.mean(self, axis, keepdims)

    def max(self, axis=None, keepdims=False):
        """Maximum over all axes, or those given; elements that are equally large share the gradient."""
        return ops.max(self, axis, keepdims)

    def min(self, axis=None, keepdims=False):
        """Minimum over all axes, or those given; elements that are equally small share the gradient."""
        return -ops.max(-self, axis, keepdims)

    def reshape(self, *shape):
        """The same values in another shape; one length may be -1."""
        return ops.reshape(self, *shape)

    def transpose(self, *axes):
        """Axes in another order; reversed if none are given."""
        return ops.transpose(self, *axes)

    def exp(self):
        return ops.exp(self)

    def log(self):
        return ops.log(self)

    def sqrt(self):
        return ops.sqrt(self)

    def abs(self):
        return ops.abs(self)

    __abs__ = abs

    def maximum(self, other):
        """Elementwise maximum; where equal, each side gets half of the gradient."""
        return ops.maximum(self, other)

    def clip(self, low=None, high=None):
        """Values limited to [low, high]; no gradient where they were outside."""
        return ops.clip(self, low, high)


def tensor(data, dtype=None, requires_grad=False):
    """A tensor of given values.

    Parameters
    ----------
    data : array-like of real numbers
        Copied.
    dtype : numpy.float32 or numpy.float64, optional
        That of `data` if it is an array of one of these, else float32.
    requires_grad : bool

    Returns
    -------
    Tensor

    Examples
    --------
    >>> from smalti import nn
    >>> x = nn.tensor([1.0, 2.0, 3.0], requires_grad=True)
    >>> (x * x).sum().backward()
    >>> x.grad
    tensor([2., 4., 6.], dtype=float32)
    """
    if isinstance(data, Tensor):
        data = data.data
    if dtype is None:
        dtype = data.dtype if isinstance(data, (np.ndarray, np.floating)) else np.float32
        dtype = dtype if dtype in (np.float32, np.float64) else np.float32
    elif np.dtype(dtype) not in (np.float32, np.float64):
        raise TypeError(f"tensor: dtype must be float32 or float64, got {np.dtype(dtype)}")
    return Tensor(_real_array("tensor", data, dtype, copy=True), bool(requires_grad))


def as_tensor(function, name, value, like):
    """`value` as a tensor that can meet the tensor `like`: tensors must have its dtype, all else takes it."""
    if isinstance(value, Tensor):
        if value.dtype != like.dtype:
            raise TypeError(f"{function}: {name} must have dtype {like.dtype}, got {value.dtype}")
        return value
    if isinstance(value, numbers.Real):
        return Tensor(np.asarray(value, like.dtype))
    return Tensor(_real_array(function, value, like.dtype))


def grad(outputs, inputs, gradients=None, *, create_graph=False):
    """Gradients of outputs with respect to inputs, leaving every `grad` as it is.

    Only what lies between them is computed. The graph is freed, unless `create_graph`.

    Parameters
    ----------
    outputs : Tensor or sequence of Tensor
        What is differentiated; the gradients of several are added.
    inputs : Tensor or sequence of Tensor
        Parameters, or results on the way to `outputs`.
    gradients : sequence of Tensor or arrays, optional
        Weights of the elements of each output; 1 for an output of one element.
    create_graph : bool
        Record the computation of the gradients, so that they can be differentiated again.

    Returns
    -------
    Tensor, or list of Tensor if `inputs` is a sequence
        Zeros for an input that the outputs do not depend on.

    Examples
    --------
    >>> from smalti import nn
    >>> x = nn.tensor(3.0, requires_grad=True)
    >>> dx = nn.grad(x**3, x, create_graph=True)
    >>> dx.item(), nn.grad(dx, x).item()
    (27.0, 18.0)
    """
    outputs = [outputs] if isinstance(outputs, Tensor) else list(outputs)
    wanted = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    for name, tensors in (("outputs", outputs), ("inputs", wanted)):
        for i, t in enumerate(tensors):
            if not isinstance(t, Tensor):
                raise TypeError(f"grad: {name}[{i}] must be a Tensor, got {type(t).__name__}")
            if not t.requires_grad:
                raise ValueError(f"grad: {name}[{i}] does not require a gradient")
    if gradients is None or isinstance(gradients, (Tensor, np.ndarray)):
        gradients = [gradients] * len(outputs)
    seeds = [_seed("grad", t, g) for t, g in zip(outputs, gradients, strict=True)]
    arrived = propagate(outputs, seeds, wanted, create_graph)
    result = [arrived[t.origin] if t.origin in arrived else Tensor(np.zeros_like(t.data)) for t in wanted]
    return result[0] if isinstance(inputs, Tensor) else result


def _seed(function, output, gradient):
    if gradient is None:
        if output.size != 1:
            raise ValueError(
                f"{function}: a tensor of shape {output.shape} needs a gradient; only one element does not"
            )
        return Tensor(np.ones_like(output.data))
    gradient = as_tensor(function, "gradient", gradient, output)
    if gradient.shape != output.shape:
        raise ValueError(f"{function}: gradient must have shape {output.shape}, got {gradient.shape}")
    return gradient


def _real_array(function, data, dtype, copy=False):
    try:
        array = np.asarray(data)
    except ValueError:
        raise ValueError(f"{function}: data must be an array, got a ragged sequence") from None
    if array.dtype.kind not in "buif":
        raise TypeError(f"{function}: data must be real numbers, got {type(data).__name__} of dtype {array.dtype}")
    return np.array(array, dtype, copy=copy or None)


from . import ops  # noqa: E402  operations are made of tensors, and tensors have operators
