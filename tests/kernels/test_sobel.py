"""The Sobel gradient against the twin and scikit-image."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smalti.kernels import sobel
from tests.helpers import bit_identical_for_callers, bit_identical_for_threads, check_layouts, guarded, posix, run_alone
from tests.reference import sobel as reference
from tests.strategies import PIXELS, examples, floats, images, seeds
from tests.tolerance import close

MODES = ("reflect", "constant", "nearest", "mirror", "wrap")


def same(actual, ref, magnitude=1.0):
    """Differences of sums of four pixels: about eight roundings of a number of the size of the largest pixel."""
    close(actual, ref, k=4, atol=8 * magnitude * np.finfo(actual.dtype).eps)


@examples(150)
@given(images(), st.sampled_from([None, 0, 1]), st.sampled_from(MODES), floats(0, 1), st.none() | seeds)
def test_against_the_twin(image, axis, mode, cval, seed):
    mask = None if seed is None else np.random.default_rng(seed).random(image.shape[:2]) < 0.9
    same(sobel(image, mask, axis=axis, mode=mode, cval=cval), reference.sobel(image, mask, axis, mode, cval))


@pytest.mark.compiled
@pytest.mark.parametrize("dtype", PIXELS)
def test_against_scikit_image(dtype):
    filters = pytest.importorskip("skimage.filters")
    rng = np.random.default_rng(0)
    image = rng.random((83, 117))
    image = (image * np.iinfo(dtype).max).astype(dtype) if np.dtype(dtype).kind == "u" else image.astype(dtype)
    mask = rng.random(image.shape) < 0.95
    for mode in MODES:
        for axis in (None, 0, 1):
            same(sobel(image, axis=axis, mode=mode, cval=0.5), filters.sobel(image, axis=axis, mode=mode, cval=0.5))
    same(sobel(image, mask), filters.sobel(image, mask))


def test_a_step_has_derivative_one():
    image = np.zeros((6, 8), np.uint8)
    image[:, 4:] = 255
    np.testing.assert_array_equal(sobel(image, axis=1)[:, 3:5], 1)
    np.testing.assert_array_equal(sobel(image, axis=0), 0)


def test_nan_reaches_its_neighbours():
    image = np.zeros((9, 40))
    image[4, 20] = np.nan
    reached = np.zeros(image.shape, bool)
    reached[3:6, 19:22] = True
    reached[4, 20] = False  # the middle pixel has no weight
    np.testing.assert_array_equal(np.isnan(sobel(image)), reached)


@pytest.mark.compiled
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_threads(dtype):
    image = (np.random.default_rng(1).random((401, 303, 3)) * 200).astype(dtype)
    bit_identical_for_threads(lambda: sobel(image, image[..., 0] > 3))


@posix
@pytest.mark.compiled
def test_callers():
    image = np.random.default_rng(2).random((300, 300)).astype(np.float32)
    bit_identical_for_callers(lambda: sobel(image))


def test_layouts():
    check_layouts(sobel, np.random.default_rng(3).random((9, 14, 3)))


def reach_only_the_picture():
    rng = np.random.default_rng(4)
    for side in ("start", "end"):
        for shape in ((1, 1), (5, 3), (4, 33, 3), (9, 64), (6, 95)):
            for dtype in (np.uint8, np.float32):
                image = guarded((rng.random(shape) * 255).astype(dtype), side)
                sobel(image, guarded(np.ones(shape[:2], bool), side))


@posix
@pytest.mark.compiled
def test_protected_pages():
    run_alone(reach_only_the_picture)


@pytest.mark.parametrize(
    ("image", "options", "error", "message"),
    [
        (np.zeros(3), {}, ValueError, "image must have 2 or 3 dimensions"),
        (np.zeros((0, 3)), {}, ValueError, "image must not be empty"),
        (np.zeros((2, 2), "U1"), {}, TypeError, "image must be an array of real numbers"),
        (np.zeros((2, 2)), {"axis": 2}, ValueError, "axis must be from 0 to 1"),
        (np.zeros((2, 2)), {"mode": "edge"}, ValueError, "mode must be one of"),
        (np.zeros((2, 2)), {"cval": np.nan}, ValueError, "cval must be finite"),
        (np.zeros((2, 2)), {"mask": np.ones((2, 3), bool)}, ValueError, "mask must have shape"),
    ],
)
def test_bad_input(image, options, error, message):
    with pytest.raises(error, match=f"sobel: {message}"):
        sobel(image, **options)
