"""Correlation and convolution against the twin and scipy."""

import importlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smalti.kernels import convolve, correlate
from tests.helpers import bit_identical_for_callers, bit_identical_for_threads, check_layouts, guarded, posix, run_alone
from tests.reference import correlate as reference
from tests.strategies import PIXELS, examples, floats, images, seeds, sides
from tests.tolerance import close

BOTH = (correlate, convolve)
MODES = ("reflect", "constant", "nearest", "mirror", "wrap")
KERNELS = {
    "dense": lambda rng, shape: rng.standard_normal(shape),
    "sparse": lambda rng, shape: rng.standard_normal(shape) * (rng.random(shape) < 0.3),
    "rank 1": lambda rng, shape: np.outer(rng.standard_normal(shape[0]), rng.standard_normal(shape[1])),
    "rank 2": lambda rng, shape: rng.standard_normal((shape[0], 2)) @ rng.standard_normal((2, shape[1])),
    "whole numbers": lambda rng, shape: rng.integers(-1, 2, shape),
    "zero": lambda rng, shape: np.zeros(shape),
}


def same(actual, ref, image, weights):
    """Weights and products are rounded once, sums of both signs as often as there are taps, at random."""
    roundings = 8 + 2 * np.sqrt(weights.size)
    largest = max(1.0, float(np.abs(image).max())) * max(1.0, float(np.abs(weights).sum()))
    close(actual, ref, k=4, atol=roundings * largest / np.sqrt(weights.size) * np.finfo(actual.dtype).eps)


@st.composite
def kernels(draw):
    """(weights, origin): all kinds and sizes, the origin anywhere in them."""
    shape = draw(sides(1, 9)), draw(sides(1, 9))
    weights = KERNELS[draw(st.sampled_from(list(KERNELS)))](np.random.default_rng(draw(seeds)), shape)
    return weights, tuple(draw(st.integers(-(n // 2), (n - 1) // 2)) for n in shape)


@examples(150)
@given(st.sampled_from(BOTH), images(max_side=16), kernels(), st.sampled_from(MODES), floats(0, 1))
def test_against_the_twin(function, image, kernel, mode, cval):
    weights, origin = kernel
    ref = getattr(reference, function.__name__)(image, weights, mode, cval, origin)
    same(function(image, weights, mode=mode, cval=cval, origin=origin), ref, image, weights)


@pytest.mark.compiled
@pytest.mark.parametrize("function", BOTH)
@pytest.mark.parametrize("kind", KERNELS)
@pytest.mark.parametrize("dtype", PIXELS)
def test_against_scipy(dtype, kind, function):
    ndimage = pytest.importorskip("scipy.ndimage")
    rng = np.random.default_rng(1)
    image = (rng.random((67, 131)) * 255).astype(dtype)
    for shape, origin in (((3, 3), 0), ((11, 12), (2, -6)), ((1, 33), 0), ((40, 7), (0, 3))):
        weights = KERNELS[kind](rng, shape)
        for mode in MODES:
            options = {"mode": mode, "cval": 3.0, "origin": origin}
            ref = getattr(ndimage, function.__name__)(image.astype(np.float64), weights, **options)
            same(function(image, weights, **options), ref, image, weights)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", ["dense", "rank 1"])
@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (2, 3), (5, 20, 4)])
def test_kernels_larger_than_the_picture(shape, kind, mode):
    rng = np.random.default_rng(0)
    image, weights = rng.random(shape).astype(np.float32), KERNELS[kind](rng, (14, 21))
    same(correlate(image, weights, mode=mode), reference.correlate(image, weights, mode), image, weights)


def test_separable_filters_are_found():
    """As many as the rank, or as the working dtype can tell apart; none where it does not pay."""
    separated = importlib.import_module("smalti.kernels.correlate")._separated
    rng = np.random.default_rng(2)
    for rank in (1, 2, 3):
        weights = rng.standard_normal((9, rank)) @ rng.standard_normal((rank, 12))
        for dtype, precise in ((np.float32, weights.astype(np.float32)), (np.float64, weights)):
            down, along = separated(precise.astype(np.float64), np.dtype(dtype))
            assert len(down) == len(along) == rank
            close((down.T @ along).astype(dtype), precise, k=0, atol=64 * np.finfo(dtype).eps)
    assert len(separated(weights + 1e-3 * rng.standard_normal(weights.shape), np.dtype(np.float32))[0]) == 9


def test_moves_the_picture():
    image = np.random.default_rng(3).random((7, 21)).astype(np.float32)
    one = np.zeros((5, 4))
    one[0, 0] = 1
    np.testing.assert_array_equal(correlate(image, one, mode="wrap"), np.roll(image, (2, 2), (0, 1)))
    np.testing.assert_array_equal(convolve(image, one, mode="wrap"), np.roll(image, (-2, -2), (0, 1)))


def test_channels():
    image = np.random.default_rng(4).random((3, 12, 14))
    weights = np.random.default_rng(5).random((3, 2))
    ours = correlate(image, weights, channel_axis=0)
    for c in range(3):
        np.testing.assert_array_equal(ours[c], correlate(image[c], weights))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_reaches_where_it_has_weight(bad):
    image = np.zeros((24, 40))
    image[11, 17] = bad
    ring = np.ones((5, 5))
    ring[1:4, 1:4] = 0
    box = np.ones((9, 9))
    for weights in (ring, box):
        k = len(weights) // 2
        reached = np.zeros(image.shape, bool)
        reached[11 - k : 12 + k, 17 - k : 18 + k] = weights != 0
        np.testing.assert_array_equal(~np.isfinite(correlate(image, weights)), reached)


@pytest.mark.compiled
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize("kind", ["dense", "rank 2"])
def test_threads(kind, dtype):
    rng = np.random.default_rng(6)
    image, weights = (rng.random((301, 203, 3)) * 200).astype(dtype), KERNELS[kind](rng, (9, 10))
    bit_identical_for_threads(lambda: correlate(image, weights))


@posix
@pytest.mark.compiled
def test_callers():
    rng = np.random.default_rng(7)
    image, weights = rng.random((200, 300)).astype(np.float32), rng.random((5, 5))
    bit_identical_for_callers(lambda: correlate(image, weights))


@pytest.mark.parametrize("function", BOTH)
def test_layouts(function):
    rng = np.random.default_rng(8)
    check_layouts(function, rng.random((9, 14, 3)), rng.random((3, 4)))
    check_layouts(function, rng.random((9, 14)), KERNELS["rank 1"](rng, (8, 7)))


def reach_only_the_picture():
    rng = np.random.default_rng(9)
    for side in ("start", "end"):
        for shape in ((1, 1), (5, 3), (4, 33, 3), (9, 64), (6, 95)):
            for dtype in (np.uint8, np.float32):
                image = guarded((rng.random(shape) * 255).astype(dtype), side)
                for size in ((1, 1), (3, 3), (8, 17)):
                    for kind in ("dense", "rank 1"):
                        correlate(image, KERNELS[kind](rng, size), mode="wrap")


@posix
@pytest.mark.compiled
def test_protected_pages():
    run_alone(reach_only_the_picture)


@pytest.mark.parametrize("function", BOTH)
@pytest.mark.parametrize(
    ("image", "weights", "options", "error", "message"),
    [
        (np.zeros(3), np.ones((3, 3)), {}, ValueError, "image must have 2 or 3 dimensions"),
        (np.zeros((0, 3)), np.ones((3, 3)), {}, ValueError, "image must not be empty"),
        (np.zeros((2, 2)), np.ones((3, 3), complex), {}, TypeError, "weights must be an array of real numbers"),
        (np.zeros((2, 2)), np.ones(3), {}, ValueError, "weights must have 2 dimensions"),
        (np.zeros((2, 2)), np.ones((0, 3)), {}, ValueError, "weights must not be empty"),
        (np.zeros((2, 2)), np.full((3, 3), np.nan), {}, ValueError, "weights must be finite"),
        (np.zeros((2, 2)), np.ones((3, 3)), {"mode": "edge"}, ValueError, "mode must be one of"),
        (np.zeros((2, 2)), np.ones((3, 3)), {"cval": np.inf}, ValueError, "cval must be finite"),
        (np.zeros((2, 2)), np.ones((3, 3)), {"origin": 2}, ValueError, "origin must be from -1 to 1"),
        (np.zeros((2, 2)), np.ones((4, 3)), {"origin": (2, 0)}, ValueError, "origin must be from -2 to 1"),
        (np.zeros((2, 2)), np.ones((3, 3)), {"origin": 0.5}, TypeError, "origin must be an int"),
        (np.zeros((2, 2)), np.ones((3, 3)), {"origin": (0, 0, 0)}, ValueError, "origin must be one int or one for"),
        (np.zeros((2, 2)), np.ones((3, 3)), {"channel_axis": 1}, ValueError, "channel_axis"),
    ],
)
def test_bad_input(function, image, weights, options, error, message):
    with pytest.raises(error, match=f"{function.__name__}: {message}"):
        function(image, weights, **options)
