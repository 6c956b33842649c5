"""Gaussian smoothing against the twin, scipy and scikit-image."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smalti.kernels import gaussian
from tests.helpers import bit_identical_for_callers, bit_identical_for_threads, check_layouts, guarded, posix, run_alone
from tests.reference import gaussian as reference
from tests.strategies import PIXELS, examples, floats, images
from tests.tolerance import close

MODES = ("reflect", "constant", "nearest", "mirror", "wrap")
sigmas = st.one_of(st.sampled_from([0.0, 0.1, 1.0, 7.5]), st.floats(0, 4))


def same(actual, ref, magnitude=1.0):
    """Weights, products and running sums of positive terms: few roundings of a number of the size of the largest."""
    close(actual, ref, k=8, atol=8 * magnitude * np.finfo(actual.dtype).eps)


@examples(150)
@given(images(), st.tuples(sigmas, sigmas), st.sampled_from(MODES), floats(0, 1))
def test_against_the_twin(image, sigma, mode, cval):
    same(gaussian(image, sigma, mode=mode, cval=cval), reference.gaussian(image, sigma, mode, cval))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (2, 3), (6, 40, 4), (33, 65)])
def test_filters_larger_than_the_picture(shape, mode):
    image = np.random.default_rng(0).random(shape).astype(np.float32)
    same(gaussian(image, 6.0, mode=mode, cval=0.5), reference.gaussian(image, 6.0, mode, 0.5))


def test_a_huge_sigma_takes_the_mean_in_little_time():
    image = np.random.default_rng(0).random((5, 7))
    for mode, expected in (("wrap", image.mean()), ("reflect", image.mean()), ("constant", 0.25)):
        close(gaussian(image, 1e5, mode=mode, cval=0.25), np.full(image.shape, expected), k=0, atol=1e-4)


@pytest.mark.compiled
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", PIXELS)
def test_against_scipy(dtype, mode):
    ndimage = pytest.importorskip("scipy.ndimage")
    image = np.random.default_rng(1).random((97, 131))
    image = (image * 255).astype(dtype) if np.dtype(dtype).kind == "u" else image.astype(dtype)
    for sigma, truncate in ((1.0, 4.0), ((0.6, 3.0), 3.0), (40.0, 4.0)):
        ours = gaussian(image, sigma, mode=mode, cval=3.0, truncate=truncate, preserve_range=True)
        ref = ndimage.gaussian_filter(image.astype(np.float64), sigma, mode=mode, cval=3.0, truncate=truncate)
        same(ours, ref, max(3.0, float(image.max())))


@pytest.mark.compiled
def test_calls_of_scikit_image():
    filters = pytest.importorskip("skimage.filters")
    rng = np.random.default_rng(2)
    gray, rgb = rng.integers(0, 256, (40, 50), np.uint8), rng.random((3, 40, 50))
    same(gaussian(gray), filters.gaussian(gray))
    same(gaussian(gray, 2, preserve_range=True), filters.gaussian(gray, 2, preserve_range=True), 255)
    same(gaussian(rgb, (1, 2), channel_axis=0), filters.gaussian(rgb, (1, 2), channel_axis=0))
    last = np.moveaxis(rgb, 0, -1)
    same(gaussian(last, 1.5, channel_axis=-1), filters.gaussian(last, 1.5, channel_axis=-1))
    same(gaussian(last, (1, 2, 0)), filters.gaussian(last, (1, 2, 0)))


def test_sigma_zero_copies():
    image = np.random.default_rng(3).random((7, 21)).astype(np.float32)
    result = gaussian(image, 0)
    np.testing.assert_array_equal(result, image)
    assert not np.shares_memory(result, image)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_nan_reaches_as_far_as_the_filter(bad):
    image = np.zeros((24, 40))
    image[11, 17] = bad
    result = gaussian(image, 1.0)
    reached = np.zeros(image.shape, bool)
    reached[7:16, 13:22] = True
    np.testing.assert_array_equal(np.isfinite(result), ~reached)


def test_dtypes_of_one_picture_agree():
    image = np.random.default_rng(4).integers(0, 256, (20, 30), np.uint8)
    as_float = image / np.float32(255)
    for other in (image, image.astype(np.uint16) * 257):
        same(gaussian(other, 2.0), gaussian(as_float, 2.0))


@pytest.mark.compiled
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_threads(dtype):
    image = (np.random.default_rng(5).random((301, 203, 3)) * 200).astype(dtype)
    bit_identical_for_threads(lambda: gaussian(image, (2.0, 1.0)))


@posix
@pytest.mark.compiled
def test_callers():
    image = np.random.default_rng(6).random((200, 300)).astype(np.float32)
    bit_identical_for_callers(lambda: gaussian(image, 2.0))


def test_layouts():
    check_layouts(lambda image: gaussian(image, 1.0), np.random.default_rng(7).random((9, 14, 3)))


def reach_only_the_picture():
    rng = np.random.default_rng(8)
    for side in ("start", "end"):
        for shape in ((1, 1), (5, 3), (4, 33, 3), (9, 64), (6, 95)):
            for dtype in (np.uint8, np.float32):
                image = guarded((rng.random(shape) * 255).astype(dtype), side)
                for sigma in (0.0, 1.0, 9.0):
                    gaussian(image, sigma, mode="wrap")


@posix
@pytest.mark.compiled
def test_protected_pages():
    run_alone(reach_only_the_picture)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((np.zeros(3),), ValueError, "gaussian: image must have 2 or 3 dimensions"),
        ((np.zeros((0, 3)),), ValueError, "gaussian: image must not be empty"),
        ((np.zeros((2, 2), complex),), TypeError, "gaussian: image must be an array of real numbers"),
        ((np.zeros((2, 2)), -1.0), ValueError, "gaussian: sigma must be at least 0"),
        ((np.zeros((2, 2)), np.inf), ValueError, "gaussian: sigma must be finite"),
        ((np.zeros((2, 2)), "1"), TypeError, "gaussian: sigma must be a number"),
        ((np.zeros((2, 2)), (1, 2, 0)), ValueError, "gaussian: sigma must be one number or one for each of 2 axes"),
        ((np.zeros((2, 2, 3)), (1, 2, 1)), ValueError, "gaussian: sigma must be 0 for the channels"),
    ],
)
def test_bad_input(arguments, error, message):
    with pytest.raises(error, match=message):
        gaussian(*arguments)


@pytest.mark.parametrize(
    ("options", "message"),
    [({"mode": "edge"}, "mode must be one of"), ({"truncate": -1}, "truncate"), ({"channel_axis": 1}, "channel_axis")],
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=f"gaussian: {message}"):
        gaussian(np.zeros((4, 4)), 1.0, **options)
