"""Optimizers: which parameters they change, their state, clipping and schedules."""

import math

import numpy as np
import pytest

from smalti import nn
from smalti.nn import optim

MAKE = {
    "SGD": lambda p: optim.SGD(p, 0.1, momentum=0.9, nesterov=True),
    "RMSprop": lambda p: optim.RMSprop(p, 0.1),
    "Adam": lambda p: optim.Adam(p, 0.1, weight_decay=0.01),
}


def parameters(n=3, dtype=np.float32):
    rng = np.random.default_rng(0)
    return [nn.Parameter(rng.standard_normal((i + 1, 2)).astype(dtype)) for i in range(n)]


def descend(optimizer, steps, start=0):
    for step in range(start, start + steps):
        optimizer.zero_grad()
        sum(((step + 1) * p * p).sum() for p in optimizer.parameters).backward()
        optimizer.step()


@pytest.mark.parametrize("name", MAKE)
def test_it_goes_down(name):
    p = parameters()
    before = sum((x.data**2).sum() for x in p)
    descend(MAKE[name](p), 4)
    assert sum((x.data**2).sum() for x in p) < 0.5 * before


@pytest.mark.parametrize("name", MAKE)
def test_it_goes_on_exactly(name, tmp_path):
    whole, cut = parameters(), parameters()
    descend(MAKE[name](whole), 5)
    first = MAKE[name](cut)
    descend(first, 2)
    nn.save(tmp_path / "state.npz", first.state_dict())
    second = MAKE[name](cut)
    second.load_state_dict(nn.load(tmp_path / "state.npz"))
    assert second.iterations == 2
    descend(second, 3, start=2)
    for a, b in zip(whole, cut, strict=True):
        np.testing.assert_array_equal(a.data, b.data)


@pytest.mark.parametrize("name", MAKE)
def test_without_a_gradient_nothing_changes(name):
    p, alone = parameters(), parameters()[::2]
    optimizer, other = MAKE[name](p), MAKE[name](alone)
    optimizer.step()
    other.step()
    for _ in range(3):
        for x in (*p[::2], *alone):
            x.grad = nn.tensor(np.full(x.shape, 0.5, np.float32))
        optimizer.step()
        other.step()
    np.testing.assert_array_equal(p[1].data, parameters()[1].data)
    for a, b in zip(p[::2], alone, strict=True):
        np.testing.assert_array_equal(a.data, b.data)


def test_flat_state():
    optimizer = optim.Adam(parameters())
    assert optimizer.m.shape == (12,)
    state = optimizer.state_dict()
    state["m"] += 1
    assert not optimizer.m.any()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_clipping(dtype):
    p = parameters(dtype=dtype)
    for x in p[:2]:
        x.grad = nn.tensor(np.ones(x.shape, dtype))
    norm = math.sqrt(6)
    assert optim.clip_gradients(p, 10.0) == pytest.approx(norm)
    np.testing.assert_array_equal(p[1].grad.data, 1)
    assert optim.clip_gradients(p, 0.5) == pytest.approx(norm)
    np.testing.assert_allclose(p[1].grad.data, 0.5 / norm, rtol=1e-6)
    assert p[1].grad.dtype == dtype and p[2].grad is None
    assert optim.clip_gradients(p, 1.0) == pytest.approx(0.5)
    assert optim.clip_gradients(p[2:], 1.0) == 0
    p[0].grad = nn.tensor(np.full(p[0].shape, np.inf, dtype))
    assert optim.clip_gradients(p, 1.0) == math.inf
    assert np.isfinite(p[1].grad.data).all()


def test_schedules():
    rate = optim.cosine_decay(1.0, 110, final=0.1, warmup_steps=10)
    assert [rate(s) for s in (0, 4, 10, 60, 110, 500)] == pytest.approx([1 / 11, 5 / 11, 1, 0.55, 0.1, 0.1])
    rate = optim.step_decay(1.0, 0.5, 10)
    assert [rate(s) for s in (0, 9, 10, 25)] == [1, 1, 0.5, 0.25]
    optimizer = optim.SGD(parameters())
    optimizer.learning_rate = rate(optimizer.iterations)
    descend(optimizer, 1)


P = parameters()
BAD = [
    (lambda: optim.Adam([]), ValueError, "Adam: there are no parameters"),
    (lambda: optim.Adam([np.ones(3)]), TypeError, r"Adam: parameters\[0\] must be a Tensor, got ndarray"),
    (lambda: optim.SGD([P[0], P[0]]), ValueError, "SGD: a parameter is given twice"),
    (lambda: optim.RMSprop([*P, *parameters(dtype=np.float64)]), TypeError, "RMSprop: parameters must have one dtype"),
    (lambda: optim.SGD(P, -1), ValueError, "SGD: learning_rate must be greater than 0, got -1"),
    (lambda: optim.SGD(P, momentum=1), ValueError, "SGD: momentum must be less than 1, got 1"),
    (lambda: optim.RMSprop(P, rho=-0.1), ValueError, "RMSprop: rho must be at least 0, got -0.1"),
    (lambda: optim.RMSprop(P, epsilon=0), ValueError, "RMSprop: epsilon must be greater than 0, got 0"),
    (lambda: optim.Adam(P, beta_2=1.5), ValueError, "Adam: beta_2 must be less than 1, got 1.5"),
    (lambda: optim.Adam(P, beta_1="0.5"), TypeError, "Adam: beta_1 must be a number, got '0.5'"),
    (lambda: optim.Adam(P, weight_decay=-1), ValueError, "Adam: weight_decay must be at least 0, got -1"),
    (lambda: optim.SGD(P).load_state_dict({}), ValueError, r"SGD.load_state_dict: state does not fit; missing: \['b'"),
    (
        lambda: optim.Adam(P).load_state_dict(optim.Adam(P[:1]).state_dict()),
        ValueError,
        r"Adam.load_state_dict: m must have shape \(12,\), got \(2,\)",
    ),
    (lambda: optim.clip_gradients(P, 0), ValueError, "clip_gradients: max_norm must be greater than 0, got 0"),
    (lambda: optim.cosine_decay(1.0, 0), ValueError, "cosine_decay: steps must be at least 1, got 0"),
    (lambda: optim.step_decay(1.0, 0.5, 0), ValueError, "step_decay: every must be at least 1, got 0"),
]


@pytest.mark.parametrize(("call", "error", "message"), BAD)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call()
