"""Adam against its twin and torch, in place, whatever the number of threads and of arrays."""

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
    """The parameter, m and v after a step for each gradient, all in two arrays."""
    p, m, v = parameter.copy(), np.zeros_like(parameter), np.zeros_like(parameter)
    cut = len(p) // 3
    for step, gradient in enumerate(gradients, start=1):
        adam(*([a[:cut], a[cut:]] for a in (p, gradient, m, v)), step, **options)
    return p, m, v


@examples(40)
@given(sides(1, 70), st.integers(1, 6), seeds, st.sampled_from((np.float32, np.float64)), st.sampled_from((0.0, 0.1)))
def test_against_the_twin(n, steps, seed, dtype, weight_decay):
    rng = np.random.default_rng(seed)
    parameter, gradients = rng.standard_normal(n).astype(dtype), rng.standard_normal((steps, n)).astype(dtype)
    actual = run(parameter, gradients, **RATES, weight_decay=weight_decay)
    expected = reference.adam(parameter, gradients, **RATES, weight_decay=weight_decay)
    eps = np.finfo(dtype).eps
    # m may cancel; each step changes a parameter by some learning rates, rounded to eps.
    close(actual[0], np.array(expected[0]), k=2 * steps, atol=50 * steps * RATES["learning_rate"] * eps)
    close(actual[1], np.array(expected[1]), k=4 * steps, atol=4 * steps * eps)
    close(actual[2], np.array(expected[2]), k=8 * steps)


@pytest.mark.compiled
def test_threads():
    rng = np.random.default_rng(0)
    parameter, *gradients = rng.standard_normal((4, 100, 1001)).astype(np.float32)
    bit_identical_for_threads(lambda: run(parameter, gradients, **RATES, weight_decay=0.01))


@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_against_torch(weight_decay):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(1)
    parameter, *gradients = rng.standard_normal((6, 40))
    p = torch.tensor(parameter, requires_grad=True)
    optimizer = torch.optim.AdamW([p], lr=1e-3, betas=(0.5, 0.99), eps=1e-8, weight_decay=weight_decay)
    for gradient in gradients:
        p.grad = torch.tensor(gradient)
        optimizer.step()
    options = {"learning_rate": 1e-3, "beta_1": 0.5, "beta_2": 0.99, "epsilon": 1e-8, "weight_decay": weight_decay}
    ours, _, _ = run(parameter, gradients, **options)
    close(ours, p.detach().numpy(), k=10)


def test_gradient_is_not_modified_and_may_be_strided():
    gradient = np.arange(8.0)[::2]
    p, m, v = np.ones(4), np.zeros(4), np.zeros(4)
    adam([p], [gradient], [m], [v], 1, learning_rate=0.1)
    np.testing.assert_array_equal(gradient, [0, 2, 4, 6])
    assert p[0] == 1
    np.testing.assert_allclose(p[1:], 0.9, rtol=1e-6)


def test_arrays_of_many_sizes():
    rng = np.random.default_rng(2)
    shapes = [(3, 2), (), (0, 4), (5,), (1, 1, 7)]
    p, g = ([rng.standard_normal(s) for s in shapes] for _ in range(2))
    before = np.concatenate([a.ravel() for a in p])
    moments = [[np.zeros(s) for s in shapes] for _ in range(2)]
    adam(p, g, *moments, 1, learning_rate=0.1)
    expected = run(before, [np.concatenate([a.ravel() for a in g])], learning_rate=0.1)
    for actual, ref in zip((p, *moments), expected, strict=True):
        np.testing.assert_array_equal(np.concatenate([a.ravel() for a in actual]), ref)


A, F = [np.ones(3)], [np.ones(3, np.float32)]
BAD = [
    (lambda: adam([], [], [], [], 1, learning_rate=1), ValueError, "adam: parameters must hold at least one array"),
    (lambda: adam([[1.0]], A, A, A, 1, learning_rate=1), TypeError, r"adam: parameters\[0\] must be an array of float"),
    (lambda: adam(A, [], A, A, 1, learning_rate=1), ValueError, "adam: gradients must hold 1 arrays, got 0"),
    (lambda: adam(A, [np.ones(2)], A, A, 1, learning_rate=1), ValueError, r"gradients\[0\] must have shape \(3,\)"),
    (lambda: adam(A, A, F, A, 1, learning_rate=1), ValueError, r"adam: m\[0\] must be like the first list's"),
    (lambda: adam([np.ones(6)[::2]], A, A, A, 1, learning_rate=1), ValueError, r"parameters\[0\] must be C-contiguous"),
    (lambda: adam(A, A, A, A, 0, learning_rate=1), ValueError, "adam: step must be at least 1, got 0"),
    (lambda: adam(A, A, A, A, 1, learning_rate=0), ValueError, "adam: learning_rate must be greater than 0"),
    (lambda: adam(A, A, A, A, 1, learning_rate=1, beta_1=1), ValueError, r"adam: beta_1 must be in \[0, 1\), got 1"),
    (lambda: adam(A, A, A, A, 1, learning_rate=1, epsilon=0), ValueError, "adam: epsilon must be greater than 0"),
    (
        lambda: adam(A, A, A, A, 1, learning_rate=1, weight_decay=-1),
        ValueError,
        "adam: weight_decay must be at least 0",
    ),
]


@pytest.mark.parametrize(("call", "error", "message"), BAD)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call()
