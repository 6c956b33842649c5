"""RMSprop against the twin and torch, in place, whatever the number of threads."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smalti.kernels.rmsprop import rmsprop
from tests.helpers import bit_identical_for_threads
from tests.reference import rmsprop as reference
from tests.strategies import FLOATS, examples, seeds, sides
from tests.tolerance import close

OPTIONS = ({"learning_rate": 0.1}, {"learning_rate": 0.01, "rho": 0.5, "epsilon": 1e-3})


def run(parameter, gradients, **options):
    """The parameter and what is remembered after a step for each gradient, all in two arrays."""
    p, remembered = parameter.copy(), np.zeros_like(parameter)
    cut = len(p) // 3
    for gradient in gradients:
        rmsprop(*([a[:cut], a[cut:]] for a in (p, gradient, remembered)), **options)
    return p, remembered


@examples(40)
@given(sides(1, 70), st.integers(1, 6), seeds, st.sampled_from(FLOATS), st.sampled_from(OPTIONS))
def test_against_the_twin(n, steps, seed, dtype, options):
    rng = np.random.default_rng(seed)
    parameter, gradients = rng.standard_normal(n).astype(dtype), rng.standard_normal((steps, n)).astype(dtype)
    actual, expected = run(parameter, gradients, **options), reference.rmsprop(parameter, gradients, **options)
    eps = np.finfo(dtype).eps
    close(actual[0], np.array(expected[0]), k=8 * steps, atol=20 * steps * eps)
    close(actual[1], np.array(expected[1]), k=8 * steps)


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
    names = {"learning_rate": "lr", "rho": "alpha", "epsilon": "eps"}
    theirs = {"alpha": 0.9, "eps": 1e-7} | {names[key]: value for key, value in options.items()}
    optimizer = torch.optim.RMSprop([p], **theirs)
    for gradient in gradients:
        p.grad = torch.tensor(gradient)
        optimizer.step()
    close(run(parameter, gradients, **options)[0], p.detach().numpy(), k=20, atol=1e-14)


A = [np.ones(3)]
BAD = [
    (lambda: rmsprop(A, [np.ones(2)], A, learning_rate=1), ValueError, r"gradients\[0\] must have shape \(3,\)"),
    (lambda: rmsprop(A, A, A, learning_rate=0), ValueError, "rmsprop: learning_rate must be greater than 0"),
    (lambda: rmsprop(A, A, A, learning_rate=1, rho=1), ValueError, r"rmsprop: rho must be in \[0, 1\), got 1"),
    (lambda: rmsprop(A, A, A, learning_rate=1, epsilon=0), ValueError, "rmsprop: epsilon must be greater than 0"),
]


@pytest.mark.parametrize(("call", "error", "message"), BAD)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call()
