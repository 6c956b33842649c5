"""Maxima of windows against the twin and torch, forward and backward."""

import numpy as np
import pytest
from hypothesis import given

from smalti.kernels import max_pool2d, max_pool2d_backward
from tests.helpers import bit_identical_for_threads, check_layouts, guarded, posix, run_alone
from tests.reference import max_pool2d as reference
from tests.strategies import examples, poolings, seeds
from tests.tolerance import close

WINDOW = {"pool_size": 3, "stride": 2, "padding": 1}


@examples(120)
@given(poolings(), seeds)
def test_against_the_twin(case, seed):
    x, options = case
    y, indices = max_pool2d(x, **options, return_indices=True)
    ref, ref_indices = reference.max_pool2d(x, **options)
    np.testing.assert_array_equal(y, ref)
    np.testing.assert_array_equal(indices, ref_indices)
    np.testing.assert_array_equal(max_pool2d(x, **options), y)
    assert y.dtype == x.dtype.newbyteorder("=") and indices.dtype == np.int32
    dy = np.random.default_rng(seed).standard_normal(y.shape).astype(y.dtype)
    dx = max_pool2d_backward(dy, indices, x.shape, **options)
    # sums of at most 16 numbers below 5
    close(dx, reference.max_pool2d_backward(dy, x, **options), k=16, atol=80 * np.finfo(dx.dtype).eps)


@pytest.mark.compiled
@pytest.mark.parametrize(
    ("pool_size", "stride", "padding"), [(2, None, 0), (3, 2, 1), (3, 1, 1), ((2, 5), (3, 2), (1, 2)), (2, 3, 0)]
)
def test_against_torch(pool_size, stride, padding):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    x = rng.integers(-3, 4, (2, 13, 11, 20)).astype(np.float32)  # with ties
    x[0, 5, 5, 3] = x[0, 4, 5, 3] = np.nan
    options = {"stride": stride, "padding": padding}
    y, indices = max_pool2d(x, pool_size, **options, return_indices=True)
    tx = torch.from_numpy(x).permute(0, 3, 1, 2).requires_grad_()
    ty, ref = torch.nn.functional.max_pool2d(tx, pool_size, **options, return_indices=True)
    np.testing.assert_array_equal(y, ty.detach().permute(0, 2, 3, 1).numpy())
    np.testing.assert_array_equal(indices, ref.permute(0, 2, 3, 1).numpy())
    dy = rng.standard_normal(y.shape).astype(np.float32)
    dx = max_pool2d_backward(dy, indices, x.shape, pool_size, **options)
    (ref,) = torch.autograd.grad(ty, tx, torch.from_numpy(dy).permute(0, 3, 1, 2))
    close(dx, ref.permute(0, 2, 3, 1).numpy(), k=4, atol=1e-5)


@pytest.mark.compiled
@pytest.mark.parametrize("shape", [(1, 401, 300, 3), (1, 201, 100, 32), (9, 33, 31, 32)])
def test_threads(shape):
    """Among others a picture of several bands, whose windows cross their edges."""
    rng = np.random.default_rng(1)
    x = rng.standard_normal(shape).astype(np.float32)
    dy = rng.standard_normal(max_pool2d(x, **WINDOW).shape).astype(np.float32)

    def everything():
        y, indices = max_pool2d(x, **WINDOW, return_indices=True)
        return y, indices, max_pool2d_backward(dy, indices, x.shape, **WINDOW)

    y, indices, dx = bit_identical_for_threads(everything)
    pixels = x.reshape(len(x), -1, x.shape[3])
    taken = np.take_along_axis(pixels, indices.reshape(len(x), -1, x.shape[3]), axis=1)
    np.testing.assert_array_equal(taken.reshape(y.shape), y)
    assert np.isclose(dx.sum(dtype=np.float64), dy.sum(dtype=np.float64), atol=1e-3)
    hits = max_pool2d_backward(np.ones_like(dy), indices, x.shape, **WINDOW)
    assert hits.sum() == dy.size and hits.max() <= 4


@pytest.mark.compiled
def test_results_that_go_past_the_caches():
    """They are the same as those of fewer pictures, which do not."""
    x = np.random.default_rng(4).random((2, 262, 259, 16), np.float32)
    y, indices = max_pool2d(x, 3, stride=1, return_indices=True)
    one, of_one = max_pool2d(x[1:], 3, stride=1, return_indices=True)
    np.testing.assert_array_equal(y[1:], one)
    np.testing.assert_array_equal(indices[1:], of_one)
    dx = max_pool2d_backward(y, indices, x.shape, 3, stride=1)
    assert dx.nbytes > 8 << 20 > dx[:1].nbytes
    np.testing.assert_array_equal(dx[1:], max_pool2d_backward(one, of_one, x[1:].shape, 3, stride=1))


def test_layouts():
    x = np.random.default_rng(2).random((2, 5, 6, 3))
    dy, indices = max_pool2d(x, 2, stride=1, return_indices=True)
    check_layouts(lambda x: max_pool2d(x, 2, return_indices=True), x)
    check_layouts(lambda dy, indices: max_pool2d_backward(dy, indices, x.shape, 2, stride=1), dy, indices)


def test_nan_fills_the_windows_that_hold_it():
    x = np.zeros((1, 4, 4, 3), np.float32)
    x[0, 1, 1, 1] = np.nan
    x[0, 0, 0, 2] = np.inf
    y, indices = max_pool2d(x, 2, return_indices=True)
    assert np.isnan(y[0, 0, 0, 1]) and np.isnan(y).sum() == 1 and y[0, 0, 0, 2] == np.inf
    dx = max_pool2d_backward(np.ones_like(y), indices, x.shape, 2)
    assert dx[0, 1, 1, 1] == 1 and dx.sum() == y.size
    lowest = np.full((1, 2, 2, 1), -np.inf)
    assert [a.item() for a in max_pool2d(lowest, 2, return_indices=True)] == [-np.inf, 0]


def test_indices_outside_of_the_picture_reach_nothing():
    for channels in (1, 16):
        indices = np.tile(np.array([-1, 16, -(2**31), 2**31 - 1], np.int32).reshape(1, 2, 2, 1), (1, 1, 1, channels))
        assert not max_pool2d_backward(np.ones(indices.shape), indices, (1, 4, 4, channels), 2).any()


def no_element_too_far():
    rng = np.random.default_rng(3)
    for side in ("start", "end"):
        for channels in (1, 3, 16, 19):
            x = guarded(rng.random((1, 4, 5, channels), np.float32), side)
            y, indices = (guarded(a, side) for a in max_pool2d(x, **WINDOW, return_indices=True))
            max_pool2d_backward(y, indices, x.shape, **WINDOW)


@posix
@pytest.mark.compiled
def test_no_element_too_far():
    run_alone(no_element_too_far)


X, Y, INDICES = np.ones((1, 4, 4, 2)), np.ones((1, 2, 2, 2)), np.zeros((1, 2, 2, 2), np.int32)
BAD = [
    (lambda: max_pool2d(np.ones((4, 4, 2)), 2), ValueError, "max_pool2d: x must have 4 dimensions"),
    (lambda: max_pool2d(X[:0], 2), ValueError, "max_pool2d: x must not be empty"),
    (lambda: max_pool2d(X, 2.5), TypeError, "max_pool2d: pool_size must be an int or a pair of ints, got 2.5"),
    (lambda: max_pool2d(X, 0), ValueError, "max_pool2d: pool_size must be at least 1, got 0"),
    (lambda: max_pool2d(X, 5), ValueError, "max_pool2d: the kernel must fit into the padded image"),
    (lambda: max_pool2d(X, 2, stride=0), ValueError, "max_pool2d: stride must be at least 1, got 0"),
    (lambda: max_pool2d(X, 3, padding=2), ValueError, r"max_pool2d: padding must be at most half of pool_size"),
    (
        lambda: max_pool2d(np.broadcast_to(np.float32(0), (1, 4097, 4096, 1)), 2, return_indices=True),
        ValueError,
        "max_pool2d: indices reach 16777216 pixels of a float32 picture, got 4097x4096",
    ),
    (lambda: max_pool2d_backward(X, INDICES, X.shape, 2), ValueError, r"dy must have shape \(1, 2, 2, 2\)"),
    (lambda: max_pool2d_backward(Y, X, X.shape, 2), TypeError, "max_pool2d_backward: indices must be an integer array"),
    (lambda: max_pool2d_backward(Y, INDICES[:, :1], X.shape, 2), ValueError, r"indices must have shape \(1, 2, 2, 2\)"),
    (lambda: max_pool2d_backward(Y, INDICES, (4, 4, 2), 2), ValueError, "input_shape must be"),
]


@pytest.mark.parametrize(("call", "error", "message"), BAD)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call()
