"""Adam against its twin and torch, in place, whatever the number of threads."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smalti.kernels.adam import adam
from tests.helpers import bit_identical_for_threads
from tests.reference import adam as reference
from tests.strategies import examples, seeds, sides
from tests.tolerance import close

RATES = {"learning_rate": 2e-4, "beta_1": 0.5, "beta_2": 0.999, "epsilon": 1e-7}


def run(parameter, gradients, **options):
    p, m, v = parameter.copy(), np.zeros_like(parameter), np.zeros_like(parameter)
    for step, gradient in enumerate(gradients, start=1):
        adam(p, gradient, m, v, step, **options)
    return p, m, v


@examples(40)
@given(sides(1, 70), st.integers(1, 6), seeds, st.sampled_from((np.float32, np.float64)))
def test_against_the_twin(n, steps, seed, dtype):
    rng = np.random.default_rng(seed)
    parameter, gradients = rng.standard_normal(n).astype(dtype), rng.standard_normal((steps, n)).astype(dtype)
    actual = run(parameter, gradients, **RATES)
    expected = reference.adam(parameter, gradients, **RATES)
    eps = np.finfo(dtype).eps
    # m may cancel; each step changes a parameter by some learning rates, rounded to eps.
    close(actual[0], np.array(expected[0]), k=steps, atol=50 * steps * RATES["learning_rate"] * eps)
    close(actual[1], np.array(expected[1]), k=4 * steps, atol=4 * steps * eps)
    close(actual[2], np.array(expected[2]), k=8 * steps)


@pytest.mark.compiled
def test_threads():
    rng = np.random.default_rng(0)
    parameter, *gradients = rng.standard_normal((4, 100, 1001)).astype(np.float32)
    bit_identical_for_threads(lambda: run(parameter, gradients, **RATES))


def test_against_torch():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(1)
    parameter, *gradients = rng.standard_normal((6, 40))
    p = torch.tensor(parameter, requires_grad=True)
    optimizer = torch.optim.Adam([p], lr=1e-3, betas=(0.5, 0.99), eps=1e-8)
    for gradient in gradients:
        p.grad = torch.tensor(gradient)
        optimizer.step()
    ours, _, _ = run(parameter, gradients, learning_rate=1e-3, beta_1=0.5, beta_2=0.99, epsilon=1e-8)
    close(ours, p.detach().numpy(), k=10)


def test_gradient_is_not_modified_and_may_be_strided():
    gradient = np.arange(8.0)[::2]
    p, m, v = np.ones(4), np.zeros(4), np.zeros(4)
    adam(p, gradient, m, v, 1, learning_rate=0.1)
    np.testing.assert_array_equal(gradient, [0, 2, 4, 6])
    assert p[0] == 1
    np.testing.assert_allclose(p[1:], 0.9, rtol=1e-6)


A = np.ones(3)
BAD = [
    (lambda: adam([1.0], A, A, A, 1, learning_rate=1), TypeError, "adam: parameter must be an array"),
    (lambda: adam(A, np.ones(2), A, A, 1, learning_rate=1), ValueError, r"gradient must have shape \(3,\), got \(2,\)"),
    (lambda: adam(A, A, A.astype(np.float32), A, 1, learning_rate=1), ValueError, "adam: m must be like parameter"),
    (lambda: adam(np.ones(6)[::2], A, A, A, 1, learning_rate=1), ValueError, "adam: parameter must be C-contiguous"),
    (lambda: adam(A, A, A, A, 0, learning_rate=1), ValueError, "adam: step must be at least 1, got 0"),
    (lambda: adam(A, A, A, A, 1, learning_rate=0), ValueError, "adam: learning_rate must be greater than 0"),
    (lambda: adam(A, A, A, A, 1, learning_rate=1, beta_1=1), ValueError, r"adam: beta_1 must be in \[0, 1\), got 1"),
    (lambda: adam(A, A, A, A, 1, learning_rate=1, epsilon=0), ValueError, "adam: epsilon must be greater than 0"),
]


@pytest.mark.parametrize(("call", "error", "message"), BAD)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call()
