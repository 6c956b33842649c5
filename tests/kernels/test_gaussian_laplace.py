"""The Laplacian of Gaussian against the twin and scipy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smalti.kernels import gaussian_laplace
from tests.helpers import bit_identical_for_threads, check_layouts, guarded, posix, run_alone
from tests.reference import gaussian_laplace as reference
from tests.strategies import PIXELS, examples, floats, images
from tests.tolerance import close

MODES = ("reflect", "constant", "nearest", "mirror", "wrap")
sigmas = st.one_of(st.sampled_from([0.3, 1.0, 5.0]), st.floats(0.3, 3))


def same(actual, ref, sigma, magnitude=1.0, cval=0.0, scale_normalized=False):
    """Some roundings of sums of both signs that cancel, of hundreds of terms: of the largest pixel times the sum of the
    weights' magnitudes, which is about 1 / sigma**2 for each of the second derivatives, and of what lies beyond the
    border of the second derivative along the columns."""
    least = np.min(sigma)
    largest = magnitude * (4 * np.max(sigma) ** 2 if scale_normalized else 4) / least**2 + cval
    close(actual, ref, k=8, atol=16 * largest * np.finfo(actual.dtype).eps)


def largest_pixel(image):
    return max(1.0, float(np.abs(image).max()))


@examples(150)
@given(images(), st.tuples(sigmas, sigmas), st.sampled_from(MODES), floats(0, 1), st.booleans())
def test_against_the_twin(image, sigma, mode, cval, normalized):
    ours = gaussian_laplace(image, sigma, mode=mode, cval=cval, scale_normalized=normalized)
    ref = reference.gaussian_laplace(image, sigma, mode, cval, scale_normalized=normalized)
    same(ours, ref, sigma, largest_pixel(image), cval, normalized)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (2, 3), (6, 40, 4)])
def test_filters_larger_than_the_picture(shape, mode):
    image = np.random.default_rng(0).random(shape).astype(np.float32)
    same(gaussian_laplace(image, 6.0, mode=mode), reference.gaussian_laplace(image, 6.0, mode), 6.0)


@pytest.mark.compiled
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", PIXELS)
def test_against_scipy(dtype, mode):
    ndimage = pytest.importorskip("scipy.ndimage")
    image = np.random.default_rng(1).random((97, 131))
    image = (image * 255).astype(dtype) if np.dtype(dtype).kind == "u" else image.astype(dtype)
    for sigma, truncate in ((1.0, 4.0), ((0.6, 3.0), 3.0), (40.0, 4.0)):
        ours = gaussian_laplace(image, sigma, mode=mode, cval=3.0, truncate=truncate)
        ref = ndimage.gaussian_laplace(image.astype(np.float64), sigma, mode=mode, cval=3.0, truncate=truncate)
        same(ours, ref, sigma, max(3.0, largest_pixel(image)), 3.0)


def test_answers_to_the_blob_of_its_size():
    """At the centre of a Gaussian blob of width s the answer is largest in magnitude, -1, at sigma = s."""
    rows, columns = np.mgrid[-40:41, -40:41]
    blob = np.exp(-(rows**2 + columns**2) / (2 * 5.0**2))
    answers = [-gaussian_laplace(blob, sigma, scale_normalized=True)[40, 40] for sigma in (3, 4, 5, 6, 7)]
    assert np.argmax(answers) == 2
    close(np.array(answers[2]), 0.5, k=0, atol=1e-3)


def test_channels():
    image = np.random.default_rng(2).random((3, 12, 14))
    ours = gaussian_laplace(image, (1, 2), channel_axis=0)
    for c in range(3):
        np.testing.assert_array_equal(ours[c], gaussian_laplace(image[c], (1, 2)))
    np.testing.assert_array_equal(ours, gaussian_laplace(image, (0, 1, 2), channel_axis=0))


def test_nan_reaches_as_far_as_the_filter():
    image = np.zeros((24, 40))
    image[11, 17] = np.nan
    reached = np.zeros(image.shape, bool)
    reached[7:16, 13:22] = True
    np.testing.assert_array_equal(np.isnan(gaussian_laplace(image, 1.0)), reached)


@pytest.mark.compiled
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_threads(dtype):
    image = (np.random.default_rng(5).random((301, 203, 3)) * 200).astype(dtype)
    bit_identical_for_threads(lambda: gaussian_laplace(image, (2.0, 1.0)))


def test_layouts():
    check_layouts(lambda image: gaussian_laplace(image, 1.0), np.random.default_rng(7).random((9, 14, 3)))


def reach_only_the_picture():
    rng = np.random.default_rng(8)
    for side in ("start", "end"):
        for shape in ((1, 1), (5, 3), (4, 33, 3), (9, 64), (6, 95)):
            for dtype in (np.uint8, np.float32):
                image = guarded((rng.random(shape) * 255).astype(dtype), side)
                for sigma in (0.1, 1.0, 9.0):
                    gaussian_laplace(image, sigma, mode="wrap")


@posix
@pytest.mark.compiled
def test_protected_pages():
    run_alone(reach_only_the_picture)


@pytest.mark.parametrize(
    ("image", "sigma", "options", "error", "message"),
    [
        (np.zeros(3), 1, {}, ValueError, "image must have 2 or 3 dimensions"),
        (np.zeros((0, 3)), 1, {}, ValueError, "image must not be empty"),
        (np.zeros((2, 2)), 0, {}, ValueError, "sigma must be greater than 0"),
        (np.zeros((2, 2)), np.inf, {}, ValueError, "sigma must be finite"),
        (np.zeros((2, 2)), "1", {}, TypeError, "sigma must be a number"),
        (np.zeros((2, 2)), (1, 2, 0), {}, ValueError, "sigma must be one number or one for each of 2 axes"),
        (np.zeros((2, 2, 3)), (1, 2, 1), {}, ValueError, "sigma must be 0 for the channels"),
        (np.zeros((2, 2)), 1, {"mode": "edge"}, ValueError, "mode must be one of"),
        (np.zeros((2, 2)), 1, {"truncate": -1}, ValueError, "truncate"),
        (np.zeros((2, 2)), 1, {"channel_axis": 1}, ValueError, "channel_axis"),
    ],
)
def test_bad_input(image, sigma, options, error, message):
    with pytest.raises(error, match=f"gaussian_laplace: {message}"):
        gaussian_laplace(image, sigma, **options)
