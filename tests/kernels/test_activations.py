"""Activations against their twins, at the ends of the range, and bit by bit for any number of threads."""

import numpy as np
import pytest
from hypothesis import given

from smalti.kernels import activations
from tests import helpers
from tests.helpers import bit_identical_for_threads, check_layouts, guarded, posix
from tests.reference import activations as reference
from tests.strategies import arrays, examples, sides
from tests.tolerance import close

# Roundings on the way: exp and tanh are good to a few ulp, a sigmoid divides once more.
FORWARD = {"leaky_relu": 1, "sigmoid": 8, "tanh": 8}
BACKWARD = {"leaky_relu_backward": 1, "sigmoid_backward": 4, "tanh_backward": 4}


@pytest.mark.parametrize("name", FORWARD)
@examples(30)
@given(x=sides(1, 80).flatmap(lambda n: arrays((2, n), low=-12, high=12)))
def test_forward(name, x):
    y = getattr(activations, name)(x)
    assert y.dtype == x.dtype.newbyteorder("=")
    close(y, getattr(reference, name)(x), k=FORWARD[name])


@pytest.mark.parametrize("name", BACKWARD)
@examples(30)
@given(pair=sides(1, 80).flatmap(lambda n: arrays((2, n), low=-1, high=1)))
def test_backward(name, pair):
    dy, y = pair
    dx = getattr(activations, name)(dy, y)
    # 1 - y**2 cancels where |y| is near 1
    close(dx, getattr(reference, name)(dy, y), k=BACKWARD[name], atol=2 * np.finfo(dx.dtype).eps)


@pytest.mark.parametrize("slope", [0.0, 0.2, 1.0, 3.0])
def test_slopes(slope):
    x = np.linspace(-2, 2, 41)
    y = activations.leaky_relu(x, slope)
    close(y, reference.leaky_relu(x, slope), k=1)
    close(activations.leaky_relu_backward(x, y, slope), reference.leaky_relu_backward(x, y, slope), k=1)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_ends_of_the_range(dtype):
    big = np.finfo(dtype).max
    x = np.array([-np.inf, -big, -1000, -0.0, 0.0, 1000, big, np.inf, np.nan], dtype)
    half = np.array([0, 0, 0, 0.5, 0.5, 1, 1, 1, np.nan], dtype)
    with np.errstate(over="ignore"):  # the twins of vector instructions warn, these do not
        np.testing.assert_array_equal(activations.sigmoid(x), half)
        np.testing.assert_array_equal(activations.tanh(x), np.array([-1, -1, -1, 0, 0, 1, 1, 1, np.nan], dtype))
    np.testing.assert_array_equal(activations.leaky_relu(x[3:], 0.5), x[3:])


@pytest.mark.compiled
def test_threads():
    x = np.random.default_rng(0).standard_normal((3, 70001)).astype(np.float32)

    def everything():
        forward = [getattr(activations, name)(x) for name in FORWARD]
        return forward, [getattr(activations, name)(x[::-1], x) for name in BACKWARD]

    forward, backward = bit_identical_for_threads(everything)
    close(forward[1], 1 / (1 + np.exp(-x.astype(np.float64))), k=8)
    close(forward[2], np.tanh(x.astype(np.float64)), k=8)
    close(backward[2], x[::-1] * (1 - x.astype(np.float64) ** 2), k=4, atol=1e-5)


def test_layouts():
    x, dy = np.random.default_rng(1).uniform(-1, 1, (2, 7, 9))
    for name in FORWARD:
        check_layouts(getattr(activations, name), x)
    for name in BACKWARD:
        check_layouts(getattr(activations, name), dy, x)


def no_element_too_far():
    for n in (1, 15, 16, 17, 100):
        for side in ("start", "end"):
            x = guarded(np.linspace(-1, 1, n, dtype=np.float32), side)
            activations.sigmoid(x)
            activations.tanh(x)


@posix
@pytest.mark.compiled
def test_no_element_too_far():
    helpers.run_alone(no_element_too_far)


def test_empty():
    assert activations.tanh(np.ones((0, 3))).shape == (0, 3)


BAD = [
    (lambda: activations.leaky_relu(np.ones(3), -1), ValueError, "leaky_relu: negative_slope must be at least 0"),
    (lambda: activations.sigmoid("a"), TypeError, "sigmoid: x must be an array of real numbers"),
    (lambda: activations.tanh(np.ones(3, complex)), TypeError, "tanh: x must be an array of real numbers"),
    (
        lambda: activations.tanh_backward(np.ones(2), np.ones(3)),
        ValueError,
        r"tanh_backward: dy must have shape \(3,\)",
    ),
]


@pytest.mark.parametrize(("call", "error", "message"), BAD)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call()
