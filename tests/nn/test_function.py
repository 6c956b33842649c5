"""The engine: order of visits, what is computed, what is freed and when, and what is refused."""

import gc
import threading
import weakref

import numpy as np
import pytest

from smalti import nn
from smalti.nn.function import Function


def leaf(*values):
    return nn.tensor(values, dtype=np.float64, requires_grad=True)


def test_a_value_used_twice_gets_both_gradients():
    x = leaf(2.0, 3.0)
    y = x * x
    z = (y * x + y).sum()  # x**3 + x**2
    z.backward()
    np.testing.assert_array_equal(x.grad.data, 3 * x.data**2 + 2 * x.data)


def test_gradients_add_up_until_forgotten():
    x = leaf(1.0)
    for expected in (2.0, 4.0):
        (2 * x).sum().backward()
        assert x.grad.item() == expected
    x.grad = None
    (2 * x).sum().backward()
    assert x.grad.item() == 2


def test_each_operation_is_visited_once():
    """Shared values in a ladder: visiting paths instead of operations would take 2**60 visits."""
    x = y = leaf(1.0)
    for _ in range(60):
        y = (y + y) * 0.5
    y.backward()
    assert x.grad.item() == 1


def test_long_chains():
    """No recursion: neither in going back, nor in freeing what is unused, nor in finding the way."""
    x = nn.tensor(1.0, requires_grad=True)
    y = x
    for _ in range(100_000):
        y = y + 1
    y.backward()
    assert x.grad.item() == 1
    y = x
    for _ in range(100_000):
        y = y * 1
    dx = nn.grad(y, x, create_graph=True)
    assert dx.item() == 1
    del y, dx


class Holder(Function):
    """An identity whose operation and whose kept data can be watched."""

    def __init__(self, watched, at_backward=lambda: None):
        self.watched, self.at_backward = watched, at_backward

    def forward(self, x):
        self.kept = np.zeros(10)
        self.watched.append((weakref.ref(self), weakref.ref(self.kept)))
        return x.data + 0

    def backward(self, dy):
        self.at_backward()
        return dy * 1


def alive(watched):
    return [(node() is not None, kept() is not None) for node, kept in watched]


@pytest.fixture
def no_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def test_no_reference_cycles(no_collector):
    watched = []
    x = leaf(1.0)
    y = Holder.apply(Holder.apply(x, watched=watched), watched=watched)
    z = ((y * y).exp() + y.sqrt()).sum()
    del y
    assert alive(watched) == [(True, True)] * 2
    z.backward()
    del z
    assert alive(watched) == [(False, False)] * 2
    # neither without going back, nor after keeping the graph of the gradient
    y = Holder.apply(x, watched=watched).exp()
    dx = nn.grad(y, x, create_graph=True)
    del y, dx
    assert alive(watched)[2] == (False, False)


@pytest.mark.parametrize(
    "network",
    [
        lambda: nn.Sequential([nn.Dense(3), nn.BatchNorm(), nn.ReLU(), nn.Dense(1), nn.Sigmoid()], input_shape=(4,)),
        lambda: nn.Sequential(
            [nn.Conv2D(2, 3), nn.Tanh(), nn.Conv2DTranspose(1, 3), nn.Flatten()], input_shape=(5, 5, 1)
        ),
    ],
)
def test_a_training_step_leaves_nothing_behind(network, no_collector):
    net = network()
    optimizer = nn.optim.Adam(net.parameters())

    def step():
        y = net(nn.tensor(np.ones((2, *net.input_shape), np.float32)))
        loss = nn.losses.binary_cross_entropy(y, 1.0)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return weakref.ref(y), weakref.ref(loss), weakref.ref(y._node)

    step()
    before = sum(issubclass(type(o), (nn.Tensor, Function)) for o in gc.get_objects())
    assert [ref() for ref in step()] == [None] * 3
    assert sum(issubclass(type(o), (nn.Tensor, Function)) for o in gc.get_objects()) == before


def test_what_is_kept_is_freed_on_the_way(no_collector):
    watched, seen = [], []
    x = leaf(1.0)
    y = x
    for _ in range(4):
        y = Holder.apply(y, watched=watched, at_backward=lambda: seen.append([kept for _, kept in alive(watched)]))
    y.backward()
    assert seen == [[True] * n + [False] * (4 - n) for n in (4, 3, 2, 1)]


def test_a_graph_is_used_once():
    x = leaf(1.0)
    y = (x * x).exp()
    y.backward()
    with pytest.raises(RuntimeError, match="backward: this graph was already used"):
        y.backward()
    with pytest.raises(RuntimeError, match="grad: this graph was already used"):
        nn.grad(y, x)
    shared = x * x
    (shared + 1).backward()
    with pytest.raises(RuntimeError, match="already used"):
        (shared * 2).backward()


def test_what_needs_no_gradient_is_not_recorded():
    x, constant = leaf(1.0), nn.tensor([2.0], dtype=np.float64)
    assert not (constant * constant).requires_grad
    with nn.no_grad():
        assert not (x * 2).requires_grad
        with nn.no_grad():
            pass
        assert not (x * 2).requires_grad
    assert (x * 2).requires_grad
    assert not (x * 2).detach().requires_grad
    (x * constant).backward()
    assert constant.grad is None
    with pytest.raises(RuntimeError, match="backward: this tensor does not require a gradient"):
        constant.backward()


def test_no_grad_is_each_threads_own():
    x, results = leaf(1.0), []
    with nn.no_grad():
        thread = threading.Thread(target=lambda: results.append((x * 2).requires_grad))
        thread.start()
        thread.join()
    assert results == [True]


def test_no_grad_ends_with_an_error():
    with pytest.raises(KeyError), nn.no_grad():
        raise KeyError
    assert (leaf(1.0) * 2).requires_grad


def test_grad_computes_only_what_leads_to_its_inputs():
    visits = []
    x, w = leaf(2.0), leaf(3.0)
    h = Holder.apply(w, watched=[], at_backward=lambda: visits.append("w"))
    y = Holder.apply(x, watched=[], at_backward=lambda: visits.append("x")) * h
    assert nn.grad(y, x).item() == 3
    assert visits == ["x"] and x.grad is None and w.grad is None


def test_grad_of_intermediate_and_unrelated_tensors():
    x, other = leaf(2.0), leaf(1.0)
    y = x * x
    z = y * y
    dy, dx, dother = nn.grad(z, [y, x, other])
    assert (dy.item(), dx.item(), dother.item()) == (8, 32, 0)
    dz, _ = nn.grad((z := x * 3), [z, x])
    assert dz.item() == 1


def test_grad_of_several_outputs():
    x = leaf(1.0, 2.0)
    dx = nn.grad([x * 2, x * x], x, [np.array([1.0, 0.0]), np.array([0.0, 1.0])])
    np.testing.assert_array_equal(dx.data, [2, 4])


def test_higher_derivatives():
    x = leaf(2.0)
    y, derivatives = x**5, []
    for _ in range(6):
        y = nn.grad(y, x, create_graph=True)
        derivatives.append(y.item())
    assert derivatives == [80, 160, 240, 240, 120, 0]


def test_a_gradient_penalty():
    """The gradient of a gradient's norm reaches the weights."""
    w = leaf(3.0, 4.0)
    x = leaf(1.0, 1.0)
    dx = nn.grad((w * x * x).sum(), x, create_graph=True)  # 2 w x
    (dx * dx).sum().backward()  # 4 w**2 x**2
    np.testing.assert_array_equal(w.grad.data, [24, 32])


X = leaf(1.0, 2.0)
BAD = [
    (lambda: (X * 2).backward(), ValueError, r"backward: a tensor of shape \(2,\) needs a gradient"),
    (lambda: (X * 2).backward(np.ones(3)), ValueError, r"backward: gradient must have shape \(2,\), got \(3,\)"),
    (lambda: (X * 2).backward(nn.tensor([1.0, 1.0])), TypeError, "gradient must have dtype float64, got float32"),
    (lambda: nn.grad(X.sum(), [X.data]), TypeError, r"grad: inputs\[0\] must be a Tensor, got ndarray"),
    (lambda: nn.grad(X.sum(), X.detach()), ValueError, r"grad: inputs\[0\] does not require a gradient"),
    (lambda: nn.grad(X.detach().sum(), X), ValueError, r"grad: outputs\[0\] does not require a gradient"),
]


@pytest.mark.parametrize(("call", "error", "message"), BAD)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call()
