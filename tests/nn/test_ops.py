"""Every operation of tensors: values against NumPy in float64, first and second gradients by projection."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smalti import nn
from smalti.nn import ops
from tests.strategies import examples, seeds
from tests.tolerance import close

A, B, ROW, COLUMN = (3, 4), (3, 4), (4,), (3, 1)
OPERATIONS = {  # name: (operation, the same of arrays, shapes, lowest and highest value)
    "add": (lambda a, b: a + b, None, (A, B), (-2, 2)),
    "add a row": (lambda a, b: a + b, None, (A, ROW), (-2, 2)),
    "subtract": (lambda a, b: a - b, None, (COLUMN, A), (-2, 2)),
    "subtract from a number": (lambda a: 1.5 - a, None, (A,), (-2, 2)),
    "multiply": (lambda a, b: a * b, None, (ROW, COLUMN), (-2, 2)),
    "multiply by an array": (lambda a: np.arange(4.0) * a, None, (A,), (-2, 2)),
    "divide": (lambda a, b: a / b, None, (A, COLUMN), (0.5, 2)),
    "divide a number": (lambda a: 2 / a, None, (A,), (0.5, 2)),
    "negative": (lambda a: -a, None, (A,), (-2, 2)),
    "square": (lambda a: a**2, None, (A,), (-2, 2)),
    "power": (lambda a: a**-1.5, None, (A,), (0.5, 2)),
    "matmul": (lambda a, b: a @ b, None, (A, (4, 2)), (-2, 2)),
    "matmul of transposed": (lambda a, b: a.T @ b, None, (A, (3, 2)), (-2, 2)),
    "matmul with bias": (ops.matmul, lambda a, b, c: a @ b + c, (A, (4, 2), (2,)), (-2, 2)),
    "sum": (lambda a: a.sum(), None, (A,), (-2, 2)),
    "sum of rows": (lambda a: a.sum(axis=0), None, ((5, 3, 4),), (-2, 2)),
    "sum of leading axes": (lambda a: a.sum(axis=(0, 1)), None, ((5, 3, 4),), (-2, 2)),
    "sum of columns": (lambda a: a.sum(axis=-1, keepdims=True), None, (A,), (-2, 2)),
    "mean": (lambda a: a.mean(axis=(0, 2)), None, ((5, 3, 4),), (-2, 2)),
    "reshape": (lambda a: a.reshape(2, -1), None, (A,), (-2, 2)),
    "transpose": (lambda a: a.transpose(1, 2, 0), None, ((2, 3, 4),), (-2, 2)),
    "element": (lambda a: a[1, -1], None, (A,), (-2, 2)),
    "slice": (lambda a: a[::-2, 1:], None, (A,), (-2, 2)),
    "new axis": (lambda a: a[:, None, ..., 0], None, ((2, 3, 4),), (-2, 2)),
    "rows, one twice": (lambda a: a[[2, 0, 2]], None, (A,), (-2, 2)),
    "pairs": (lambda a: a[np.array([[0], [2]]), [1, 1]], None, (A,), (-2, 2)),
    "masked": (lambda a: a[np.arange(3) != 1], None, (A,), (-2, 2)),
    "exp": (nn.Tensor.exp, np.exp, (A,), (-2, 2)),
    "log": (nn.Tensor.log, np.log, (A,), (0.5, 2)),
    "sqrt": (nn.Tensor.sqrt, np.sqrt, (A,), (0.5, 2)),
    "abs": (abs, None, (A,), (-2, 2)),
    "maximum": (nn.Tensor.maximum, np.maximum, (A, ROW), (-2, 2)),
    "max": (lambda a: a.max(), None, (A,), (-2, 2)),
    "max of rows": (lambda a: a.max(axis=-1, keepdims=True), None, (A,), (-2, 2)),
    "min of axes": (lambda a: a.min(axis=(0, 2)), None, ((3, 4, 2),), (-2, 2)),
    "concatenate": (
        lambda a, b: nn.concatenate([a, b, a], axis=-1),
        lambda a, b: np.concatenate([a, b, a], axis=-1),
        (A, COLUMN),
        (-2, 2),
    ),
    "pad": (
        lambda a: nn.pad(a, [(1, 0), (2, 3)], value=0.5),
        lambda a: np.pad(a, [(1, 0), (2, 3)], constant_values=0.5),
        (A,),
        (-2, 2),
    ),
    "clip": (lambda a: a.clip(-1, 1), None, (A,), (-2, 2)),
    "a composition": (
        lambda a, b: (a @ b).exp().sum(axis=1) / (a * a + 1).mean(),
        lambda a, b: np.exp(a @ b).sum(axis=1) / (a * a + 1).mean(),
        (A, (4, 2)),
        (-1, 1),
    ),
}


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_operation(name, dtype):
    operation, of_arrays, shapes, limits = OPERATIONS[name]
    rng = np.random.default_rng(len(name))
    arrays = [rng.uniform(*limits, shape).astype(dtype) for shape in shapes]
    copies = [a.copy() for a in arrays]
    inputs = [nn.tensor(a, requires_grad=True) for a in arrays]
    result = operation(*inputs)
    reference = (of_arrays or operation)(*[a.astype(np.float64) for a in arrays])
    assert result.dtype == dtype
    close(result.numpy(), reference, k=20, atol=10 * np.finfo(dtype).eps)  # sums of at most 60 numbers below 4
    for t, copy in zip(inputs, copies, strict=True):
        np.testing.assert_array_equal(t.numpy(), copy, err_msg="input was modified")
    if dtype == np.float64:
        nn.check_gradients(operation, *inputs)
        weights = rng.standard_normal(result.shape)
        nn.check_gradients(lambda *xs: first_gradient(operation, xs, weights), *inputs)
    else:
        for gradient, t in zip(nn.grad((result * 1).sum(), inputs), inputs, strict=True):
            assert gradient.dtype == dtype and gradient.shape == t.shape


def first_gradient(operation, inputs, weights):
    """A number that depends on all gradients, itself differentiable."""
    gradients = nn.grad(operation(*inputs), inputs, weights, create_graph=True)
    return sum((g * g).sum() + 0 * x.sum() for g, x in zip(gradients, inputs, strict=True))


@examples(50)
@given(st.lists(st.integers(1, 3), max_size=3), st.data(), seeds)
def test_broadcasting(shape, data, seed):
    """Gradients of operands of any shapes that broadcast together."""
    shapes = []
    for _ in range(2):
        kept = shape[data.draw(st.integers(0, len(shape))) :]
        shapes.append(tuple(1 if data.draw(st.booleans()) else n for n in kept))
    rng = np.random.default_rng(seed)
    a, b = (nn.tensor(rng.uniform(0.5, 2, s), requires_grad=True) for s in shapes)
    for operation in (lambda a, b: a + b, lambda a, b: a - b, lambda a, b: a * b, lambda a, b: a / b):
        assert operation(a, b).shape == np.broadcast_shapes(*shapes)
        nn.check_gradients(operation, a, b)


def test_ties_share_the_gradient():
    a, b = nn.tensor([1.0, 2.0], requires_grad=True), nn.tensor([1.0, 1.0], requires_grad=True)
    a.maximum(b).sum().backward()
    np.testing.assert_array_equal(a.grad.data, [0.5, 1])
    np.testing.assert_array_equal(b.grad.data, [0.5, 0])

    x = nn.tensor([[3.0, 1.0, 3.0], [0.0, 0.0, 2.0]], requires_grad=True)
    x.max(axis=1).sum().backward()
    np.testing.assert_array_equal(x.grad.data, [[0.5, 0, 0.5], [0, 0, 1]])


def test_concatenation_of_constants():
    x = nn.tensor([[1.0]], requires_grad=True)
    y = nn.concatenate([np.zeros((2, 1)), x, nn.tensor([[5.0]])])
    np.testing.assert_array_equal(y.data.ravel(), [0, 0, 1, 5])
    (y * y).sum().backward()
    assert x.grad.item() == 2


def test_tensors():
    x = nn.tensor([[1, 2], [3, 4]])
    assert x.dtype == np.float32 and x.shape == (2, 2) and x.ndim == 2 and x.size == 4 and x.grad is None
    assert nn.tensor(np.ones(2)).dtype == nn.tensor(np.float64(1)).dtype == np.float64
    assert nn.tensor(np.ones(2, int)).dtype == nn.tensor(1.5).dtype == nn.tensor(True).dtype == np.float32
    assert nn.tensor([1.0], dtype=np.float64).dtype == np.float64
    assert repr(nn.tensor([1.0, 2.0], requires_grad=True)) == "tensor([1., 2.], dtype=float32, requires_grad=True)"
    assert nn.tensor([2.5]).item() == 2.5
    array = np.ones(2, np.float32)
    copied = nn.tensor(array)
    array[0] = 5
    np.testing.assert_array_equal(copied.numpy(), [1, 1])
    assert x.detach().numpy() is x.numpy()
    assert (2.0 * x).dtype == (np.ones(2) * x).dtype == (x + 1).dtype == (1 / x).dtype == np.float32
    assert (np.float64(2) * x).dtype == (x ** np.float64(2)).dtype == np.float32


X, Y = nn.tensor(np.ones((2, 3))), nn.tensor(np.ones((2, 3), np.float32))
BAD = [
    (lambda: X + np.ones((4, 3)), ValueError, r"add: shapes \(2, 3\) and \(4, 3\) cannot be broadcast together"),
    (lambda: X * Y, TypeError, "multiply: operand must have dtype float64, got float32"),
    (lambda: X / "a", TypeError, "divide: data must be real numbers, got str"),
    (lambda: X @ X, ValueError, r"matmul: shapes must be \(M, K\) and \(K, N\), got \(2, 3\) and \(2, 3\)"),
    (lambda: X @ Y.T, TypeError, "matmul: operand must have dtype float64, got float32"),
    (lambda: X**X, TypeError, "power: exponent must be a number, got Tensor"),
    (lambda: X.reshape(4, 2), ValueError, r"reshape: shape \(2, 3\) cannot become \(4, 2\)"),
    (lambda: X.transpose(0, 0), ValueError, r"transpose: axes must name each of the 2 axes once, got \(0, 0\)"),
    (lambda: X.sum(axis=2), ValueError, "sum: axis must be among the 2 axes, got 2"),
    (lambda: X.item(), ValueError, r"item: tensor must have one element, got shape \(2, 3\)"),
    (lambda: nn.tensor([[1], [1, 2]]), ValueError, "tensor: data must be an array, got a ragged sequence"),
    (lambda: nn.tensor("a"), TypeError, "tensor: data must be real numbers, got str"),
    (lambda: nn.tensor(1.0, dtype=np.int32), TypeError, "tensor: dtype must be float32 or float64, got int32"),
    (lambda: X.max(axis=2), ValueError, "max: axis must be among the 2 axes, got 2"),
    (lambda: X[:0].max(), ValueError, r"max: there is no largest of no elements, axis None of shape \(0, 3\)"),
    (lambda: nn.concatenate([]), TypeError, "concatenate: tensors must hold at least one Tensor"),
    (lambda: nn.concatenate([X, Y]), TypeError, r"concatenate: tensors\[1\] must have dtype float64, got float32"),
    (
        lambda: nn.concatenate([X, X[:, :2]]),
        ValueError,
        r"tensors\[1\] must fit \(2, 3\) but along axis 0, got \(2, 2\)",
    ),
    (lambda: nn.pad(X, [(1, 1)]), ValueError, r"pad: pad_width must be 2 pairs of numbers of at least 0"),
    (lambda: X[3], IndexError, "index 3 is out of bounds"),
    (lambda: X[X], TypeError, "index: tensors hold floats"),
    (lambda: len(X), TypeError, "a tensor has no len"),
]


@pytest.mark.parametrize(("call", "error", "message"), BAD)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call()
