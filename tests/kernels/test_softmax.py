"""Softmax and its gradient against the twin, for rows of any length and logits of any size."""

import numpy as np
import pytest
from hypothesis import given

from smalti.kernels.softmax import softmax, softmax_backward
from tests.helpers import bit_identical_for_threads, check_layouts, guarded, posix, run_alone
from tests.reference import softmax as reference
from tests.strategies import arrays, examples, seeds, sides
from tests.tolerance import close


@examples(60)
@given(sides(1, 40).flatmap(lambda n: arrays((3, n), low=-60, high=60)), seeds)
def test_against_the_twin(x, seed):
    y = softmax(x)
    assert y.dtype == x.dtype.newbyteorder("=")
    # Differences from the maximum, up to 120, are rounded; a sum of at most 40 numbers.
    close(y, reference.softmax(x), k=160, atol=np.finfo(y.dtype).tiny)
    dy = np.random.default_rng(seed).standard_normal(x.shape).astype(y.dtype)
    close(softmax_backward(dy, y), reference.softmax_backward(dy, y), k=10, atol=40 * np.finfo(y.dtype).eps)


@pytest.mark.compiled
def test_threads():
    x = np.random.default_rng(0).standard_normal((3001, 37)).astype(np.float32)
    y, _ = bit_identical_for_threads(lambda: (softmax(x), softmax_backward(x, softmax(x))))
    close(y, reference.softmax(x), k=20)


def test_ends_of_the_range():
    x = np.array([[1e4, 0, -1e4], [-1e4, -1e4, -1e4], [np.nan, 0, 1], [np.inf, 0, 0], [-np.inf, 0, 0]])
    with np.errstate(invalid="ignore"):
        y = softmax(x)
    np.testing.assert_allclose(y[[0, 1, 4]], [[1, 0, 0], [1 / 3, 1 / 3, 1 / 3], [0, 0.5, 0.5]])
    assert np.isnan(y[2]).all() and np.isnan(y[3, 0])


def test_layouts():
    x, dy = np.random.default_rng(1).standard_normal((2, 2, 5, 7))
    check_layouts(softmax, x)
    check_layouts(softmax_backward, dy, x)
    assert softmax(np.float64(3)) == 1


def no_element_too_far():
    for n in (1, 15, 16, 17, 40):
        for side in ("start", "end"):
            x = guarded(np.linspace(-1, 1, 3 * n, dtype=np.float32).reshape(3, n), side)
            softmax_backward(x, guarded(softmax(x), side))


@posix
@pytest.mark.compiled
def test_no_element_too_far():
    run_alone(no_element_too_far)


BAD = [
    (lambda: softmax("x"), TypeError, "softmax: x must be an array of real numbers"),
    (lambda: softmax(np.ones((2, 0))), ValueError, "softmax: x must not be empty"),
    (lambda: softmax_backward(np.ones(2), np.ones(3)), ValueError, r"softmax_backward: dy must have shape \(3,\)"),
]


@pytest.mark.parametrize(("call", "error", "message"), BAD)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call()
