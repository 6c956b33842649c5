"""Gradient descent against the twin and torch, in place, whatever the number of threads."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smalti.kernels.sgd import sgd
from tests.helpers import bit_identical_for_threads
from tests.reference import sgd as reference
from tests.strategies import FLOATS, examples, seeds, sides
from tests.tolerance import close

OPTIONS = (
    {"learning_rate": 0.1},
    {"learning_rate": 0.1, "momentum": 0.9},
    {"learning_rate": 0.1, "momentum": 0.9, "nesterov": True},
)


def run(parameter, gradients, **options):
    """The parameter and what is remembered after a step for each gradient, all in two arrays."""
    p, remembered = parameter.copy(), np.zeros_like(parameter)
    cut = len(p) // 3
    for gradient in gradients:
        sgd(*([a[:cut], a[cut:]] for a in (p, gradient, remembered)), **options)
    return p, remembered


@examples(40)
@given(sides(1, 70), st.integers(1, 6), seeds, st.sampled_from(FLOATS), st.sampled_from(OPTIONS))
def test_against_the_twin(n, steps, seed, dtype, options):
    rng = np.random.default_rng(seed)
    parameter, gradients = rng.standard_normal(n).astype(dtype), rng.standard_normal((steps, n)).astype(dtype)
    actual, expected = run(parameter, gradients, **options), reference.sgd(parameter, gradients, **options)
    eps = np.finfo(dtype).eps
    close(actual[0], np.array(expected[0]), k=8 * steps, atol=20 * steps**2 * eps)
    close(actual[1], np.array(expected[1]), k=8 * steps, atol=20 * steps * eps)


@pytest.mark.compiled
def test_threads():
    rng = np.random.default_rng(0)
    parameter, *gradients = rng.standard_normal((4, 100, 1001)).astype(np.float32)
    bit_identical_for_threads(lambda: run(parameter, gradients, **OPTIONS[-1]))


@pytest.mark.parametrize("options", OPTIONS)
def test_against_torch(options):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(1)
    parameter, *gradients = rng.standard_normal((6, 40))
    p = torch.tensor(parameter, requires_grad=True)
    names = {"learning_rate": "lr", "momentum": "momentum", "nesterov": "nesterov"}
    theirs = {} | {names[key]: value for key, value in options.items()}
    optimizer = torch.optim.SGD([p], **theirs)
    for gradient in gradients:
        p.grad = torch.tensor(gradient)
        optimizer.step()
    close(run(parameter, gradients, **options)[0], p.detach().numpy(), k=20, atol=1e-14)


A = [np.ones(3)]
BAD = [
    (lambda: sgd(A, [np.ones(2)], A, learning_rate=1), ValueError, r"gradients\[0\] must have shape \(3,\)"),
    (lambda: sgd(A, A, A, learning_rate=0), ValueError, "sgd: learning_rate must be greater than 0"),
    (lambda: sgd(A, A, A, learning_rate=1, momentum=1), ValueError, r"sgd: momentum must be in \[0, 1\), got 1"),
]


@pytest.mark.parametrize(("call", "error", "message"), BAD)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call()
