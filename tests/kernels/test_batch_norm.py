"""Batch normalisation against its twin and torch, forward and backward, with and without the rectifiers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smalti.kernels.batch_norm import batch_norm, batch_norm_backward, batch_statistics
from tests.helpers import bit_identical_for_threads, check_layouts, guarded, posix, run_alone
from tests.reference import batch_norm as reference
from tests.strategies import arrays, examples, seeds, sides
from tests.tolerance import close

SLOPES = (1.0, 0.2, 0.0)


@st.composite
def batches(draw):
    """x with at least two axes, gamma, beta, and a gradient."""
    shape = tuple(draw(st.lists(sides(1, 6), min_size=1, max_size=3))) + (draw(sides(1, 20)),)
    x = draw(arrays(shape, low=-3, high=5))
    rng = np.random.default_rng(draw(seeds))
    c = shape[-1]
    gamma, beta = rng.uniform(-2, 2, c).astype(x.dtype), rng.uniform(-1, 1, c).astype(x.dtype)
    return x, gamma, beta, rng.standard_normal(shape).astype(x.dtype)


def away_from_kink(x, gamma, beta, epsilon, negative_slope, input_slope):
    u = reference.batch_norm(x, gamma, beta, epsilon=epsilon, input_slope=input_slope)[0]
    return negative_slope == 1 or np.abs(u).min() > 1e-4


@examples(60)
@given(batches(), st.sampled_from(SLOPES), st.sampled_from(SLOPES), st.sampled_from((1e-3, 1e-5)))
def test_against_the_twin(batch, slope, input_slope, epsilon):
    x, gamma, beta, dy = batch
    options = {"epsilon": epsilon, "negative_slope": slope, "input_slope": input_slope}
    y, mean, variance = batch_norm(x, gamma, beta, **options)
    ref_y, ref_mean, ref_variance = reference.batch_norm(x, gamma, beta, **options)
    eps = np.finfo(x.dtype).eps
    assert y.dtype == mean.dtype == variance.dtype == x.dtype.newbyteorder("=")
    # Sums of up to 216 numbers below 5; the variance is one of squares, each with the mean's error.
    close(mean, ref_mean, k=4, atol=50 * eps)
    close(variance, ref_variance, k=20, atol=50 * eps)
    # An error of the mean is magnified by gamma / sqrt(variance + epsilon), at most 2 / sqrt(epsilon).
    magnified = 50 * eps / np.sqrt(epsilon)
    close(y, ref_y, k=40, atol=2 * magnified)
    if away_from_kink(x, gamma, beta, **options):
        gradients = batch_norm_backward(dy, x, gamma, beta, mean, variance, **options)
        refs = reference.batch_norm_backward(dy, x, gamma, beta, **options)
        n = x.size // x.shape[-1]
        close(gradients[0], refs[0], k=100, atol=20 * magnified / np.sqrt(epsilon))
        close(gradients[1], refs[1], k=100, atol=4 * n * magnified)
        close(gradients[2], refs[2], k=100, atol=n * eps)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_large_mean_does_not_drown_the_variance(dtype):
    x = (1000 + np.random.default_rng(0).standard_normal((2000, 3))).astype(dtype)
    mean, variance = batch_statistics(x)
    ref_mean, ref_variance = reference.batch_statistics(x)
    close(mean, ref_mean, k=16)  # 64 additions one after another
    # The tile's mean is off by some eps * 1000, and its square is all that reaches the variance.
    close(variance, ref_variance, k=2000)


def test_given_statistics_are_used():
    rng = np.random.default_rng(1)
    x, gamma, beta = rng.standard_normal((4, 3, 5)), rng.random(5), rng.random(5)
    mean, variance = rng.random(5), rng.random(5)
    y, same_mean, same_variance = batch_norm(x, gamma, beta, mean, variance)
    close(y, reference.batch_norm(x, gamma, beta, mean, variance)[0], k=20, atol=1e-15)
    assert np.array_equal(same_mean, mean) and np.array_equal(same_variance, variance)


@pytest.mark.compiled
@pytest.mark.parametrize("shape", [(40000, 3), (3, 5000), (700, 129), (1, 1)])
def test_threads_and_tilings(shape):
    rng = np.random.default_rng(2)
    x, dy = rng.standard_normal((2, *shape)).astype(np.float32)
    gamma, beta = rng.standard_normal((2, shape[-1])).astype(np.float32)
    slopes = {"negative_slope": 0.2, "input_slope": 0.5}

    def both():
        y, mean, variance = batch_norm(x, gamma, beta, **slopes)
        return y, mean, variance, batch_norm_backward(dy, x, gamma, beta, mean, variance, **slopes)

    y, mean, variance, _ = bit_identical_for_threads(both)
    x64 = np.where(x > 0, x, 0.5 * x.astype(np.float64))
    close(mean, x64.mean(0), k=10, atol=1e-6)
    close(variance, x64.var(0), k=20, atol=1e-12)
    u = (x64 - x64.mean(0)) / np.sqrt(x64.var(0) + 1e-3) * gamma + beta
    close(y, np.where(u > 0, u, 0.2 * u), k=20, atol=1e-5)


def test_layouts():
    rng = np.random.default_rng(3)
    x, dy = rng.standard_normal((2, 6, 4, 5))
    gamma, beta = rng.standard_normal((2, 5))
    check_layouts(batch_norm, x, gamma, beta)
    check_layouts(batch_norm_backward, dy, x, gamma, beta, *batch_statistics(x))


def no_element_too_far():
    rng = np.random.default_rng(5)
    for channels in (1, 3, 16, 19):
        x, dy = (guarded(a) for a in rng.standard_normal((2, 5, channels)).astype(np.float32))
        gamma, beta = (guarded(a) for a in rng.standard_normal((2, channels)).astype(np.float32))
        _, mean, variance = batch_norm(x, gamma, beta)
        batch_norm_backward(dy, x, gamma, beta, guarded(mean), guarded(variance))


@posix
@pytest.mark.compiled
def test_no_element_too_far():
    run_alone(no_element_too_far)


def test_nan_stays_in_its_channel():
    x = np.ones((4, 3), np.float32)
    x[1, 1] = np.nan
    y, mean, variance = batch_norm(x, np.ones(3), np.zeros(3), negative_slope=0.0)
    assert np.isnan(y[:, 1]).all() and np.isfinite(y[:, ::2]).all()
    assert np.isnan([mean[1], variance[1]]).all()


@pytest.mark.parametrize("slope", SLOPES)
def test_against_torch(slope):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(4)
    x, dy = rng.standard_normal((2, 8, 5, 6, 7))
    gamma, beta = rng.standard_normal((2, 7))
    options = {"epsilon": 1e-5, "negative_slope": slope, "input_slope": 1 - slope}
    y, mean, variance = batch_norm(x, gamma, beta, **options)
    gradients = batch_norm_backward(dy, x, gamma, beta, mean, variance, **options)
    tx, tgamma, tbeta = (torch.tensor(a, requires_grad=True) for a in (np.moveaxis(x, -1, 1), gamma, beta))
    ty = torch.nn.functional.leaky_relu(tx, 1 - slope)
    ty = torch.nn.functional.batch_norm(ty, None, None, tgamma, tbeta, training=True, eps=1e-5)
    ty = torch.nn.functional.leaky_relu(ty, slope)
    ty.backward(torch.tensor(np.moveaxis(dy, -1, 1)))
    close(y, np.moveaxis(ty.detach().numpy(), 1, -1), k=100, atol=1e-14)
    close(gradients[0], np.moveaxis(tx.grad.numpy(), 1, -1), k=100, atol=1e-14)
    close(gradients[1], tgamma.grad.numpy(), k=1000, atol=1e-14)
    close(gradients[2], tbeta.grad.numpy(), k=1000, atol=1e-14)


X, C = np.ones((4, 3)), np.ones(3)
BAD = [
    (lambda: batch_norm(np.ones(3), C, C), ValueError, r"batch_norm: x must have at least 2 dimensions.*\(3,\)"),
    (lambda: batch_norm(X, np.ones(2), C), ValueError, r"batch_norm: gamma must have shape \(3,\), got \(2,\)"),
    (lambda: batch_norm(X, C, np.ones((3, 1))), ValueError, r"batch_norm: beta must have shape \(3,\), got \(3, 1\)"),
    (lambda: batch_norm(X, C, C, C), ValueError, "batch_norm: mean and variance must be given both or not at all"),
    (lambda: batch_norm(X, C, C, epsilon=0), ValueError, "batch_norm: epsilon must be greater than 0"),
    (lambda: batch_norm(X, C, C, negative_slope="a"), TypeError, "batch_norm: negative_slope must be a number"),
    (lambda: batch_norm(X, C, C, input_slope=np.nan), ValueError, "batch_norm: input_slope must be finite"),
    (lambda: batch_norm("x", C, C), TypeError, "batch_norm: x must be an array of real numbers"),
    (lambda: batch_norm(np.ones((0, 3)), C, C), ValueError, "batch_norm: x must not be empty"),
    (lambda: batch_norm_backward(C, X, C, C, C, C), ValueError, r"dy must have shape \(4, 3\), got \(3,\)"),
    (lambda: batch_statistics(C), ValueError, "batch_statistics: x must have at least 2 dimensions"),
]


@pytest.mark.parametrize(("call", "error", "message"), BAD)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call()
