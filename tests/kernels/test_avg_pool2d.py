"""Means of windows against the twin and torch, forward and backward."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smalti.kernels import avg_pool2d, avg_pool2d_backward
from tests.helpers import bit_identical_for_threads, check_layouts, guarded, posix, run_alone
from tests.reference import avg_pool2d as reference
from tests.strategies import examples, poolings, seeds
from tests.tolerance import close

WINDOW = {"pool_size": 3, "stride": 2, "padding": 1}


@examples(120)
@given(poolings(), st.booleans(), st.sampled_from((None, 1, 3)), seeds)
def test_against_the_twin(case, count_include_pad, divisor, seed):
    x, options = case
    options["count_include_pad"] = count_include_pad
    twins = {**options, "divisor": divisor}
    options["divisor_override"] = divisor
    y = avg_pool2d(x, **options)
    assert y.dtype == x.dtype.newbyteorder("=")
    atol = 80 * np.finfo(y.dtype).eps  # sums of at most 16 numbers below 5, each divided first
    close(y, reference.avg_pool2d(x, **twins), k=4, atol=atol)
    dy = np.random.default_rng(seed).standard_normal(y.shape).astype(y.dtype)
    dx = avg_pool2d_backward(dy, x.shape, **options)
    close(dx, reference.avg_pool2d_backward(dy, x.shape, **twins), k=4, atol=atol)


@pytest.mark.compiled
@pytest.mark.parametrize("extra", [{}, {"count_include_pad": False}, {"divisor_override": 5}])
@pytest.mark.parametrize(
    ("pool_size", "stride", "padding"), [(2, None, 0), (3, 2, 1), (3, 1, 1), ((2, 5), (3, 2), (1, 2)), (2, 3, 0)]
)
def test_against_torch(pool_size, stride, padding, extra):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, 13, 11, 20)).astype(np.float32)
    options = {"stride": stride, "padding": padding, **extra}
    tx = torch.from_numpy(x).permute(0, 3, 1, 2).requires_grad_()
    y, ty = avg_pool2d(x, pool_size, **options), torch.nn.functional.avg_pool2d(tx, pool_size, **options)
    close(y, ty.detach().permute(0, 2, 3, 1).numpy(), k=4, atol=1e-6)
    dy = rng.standard_normal(y.shape).astype(np.float32)
    dx = avg_pool2d_backward(dy, x.shape, pool_size, **options)
    (ref,) = torch.autograd.grad(ty, tx, torch.from_numpy(dy).permute(0, 3, 1, 2))
    close(dx, ref.permute(0, 2, 3, 1).numpy(), k=4, atol=1e-6)


@pytest.mark.compiled
@pytest.mark.parametrize("shape", [(1, 401, 300, 3), (9, 33, 31, 32)])
def test_threads(shape):
    rng = np.random.default_rng(1)
    x = rng.standard_normal(shape).astype(np.float32)
    dy = rng.standard_normal(avg_pool2d(x, **WINDOW).shape).astype(np.float32)
    bit_identical_for_threads(lambda: (avg_pool2d(x, **WINDOW), avg_pool2d_backward(dy, x.shape, **WINDOW)))


def test_layouts():
    x = np.random.default_rng(2).random((2, 5, 6, 3))
    check_layouts(lambda x: avg_pool2d(x, 2, stride=1), x)
    check_layouts(lambda dy: avg_pool2d_backward(dy, x.shape, 2, stride=1), avg_pool2d(x, 2, stride=1))


def test_nan_fills_the_windows_that_hold_it():
    x = np.zeros((1, 4, 4, 3), np.float32)
    x[0, 1, 1, 1] = np.nan
    y = avg_pool2d(x, 2)
    assert np.isnan(y[0, 0, 0, 1]) and np.isnan(y).sum() == 1
    assert np.isnan(avg_pool2d_backward(y, x.shape, 2)).sum() == 4


def no_element_too_far():
    rng = np.random.default_rng(3)
    for side in ("start", "end"):
        for channels in (1, 3, 16, 19):
            x = guarded(rng.random((1, 4, 5, channels), np.float32), side)
            avg_pool2d_backward(guarded(avg_pool2d(x, **WINDOW), side), x.shape, **WINDOW)


@posix
@pytest.mark.compiled
def test_no_element_too_far():
    run_alone(no_element_too_far)


X, Y = np.ones((1, 4, 4, 2)), np.ones((1, 2, 2, 2))
BAD = [
    (lambda: avg_pool2d("x", 2), TypeError, "avg_pool2d: x must be an array of real numbers"),
    (lambda: avg_pool2d(X[0], 2), ValueError, "avg_pool2d: x must have 4 dimensions"),
    (lambda: avg_pool2d(X, (2, 2, 2)), TypeError, "avg_pool2d: pool_size must be an int or a pair of ints"),
    (lambda: avg_pool2d(X, 2, padding="full"), ValueError, "avg_pool2d: padding must be one of 'same', 'valid'"),
    (lambda: avg_pool2d(X, 2, padding=2), ValueError, "avg_pool2d: padding must be at most half of pool_size"),
    (
        lambda: avg_pool2d(X, 2, divisor_override=0),
        ValueError,
        "avg_pool2d: divisor_override must be at least 1, got 0",
    ),
    (lambda: avg_pool2d_backward(Y, (4, 4, 2), 2), ValueError, "avg_pool2d_backward: input_shape must be"),
    (lambda: avg_pool2d_backward(X, X.shape, 2), ValueError, r"avg_pool2d_backward: dy must have shape \(1, 2, 2, 2\)"),
]


@pytest.mark.parametrize(("call", "error", "message"), BAD)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call()
