"""The gradients of Sobel, Scharr and Prewitt against the twin and scikit-image."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smalti.kernels import prewitt, scharr, sobel
from tests.helpers import bit_identical_for_callers, bit_identical_for_threads, check_layouts, guarded, posix, run_alone
from tests.reference import sobel as reference
from tests.strategies import PIXELS, examples, floats, images, seeds
from tests.tolerance import close

OPERATORS = (sobel, scharr, prewitt)
MODES = ("reflect", "constant", "nearest", "mirror", "wrap")


def same(actual, ref, magnitude=1.0):
    """Differences of sums of four pixels: about eight roundings of a number of the size of the largest pixel."""
    close(actual, ref, k=4, atol=8 * magnitude * np.finfo(actual.dtype).eps)


@examples(150)
@given(
    st.sampled_from(OPERATORS), images(), st.sampled_from([None, 0, 1]), st.sampled_from(MODES), floats(0, 1),
    st.none() | seeds,
)  # fmt: skip
def test_against_the_twin(operator, image, axis, mode, cval, seed):
    mask = None if seed is None else np.random.default_rng(seed).random(image.shape[:2]) < 0.9
    ref = reference.gradient(operator.__name__, image, mask, axis, mode, cval)
    same(operator(image, mask, axis=axis, mode=mode, cval=cval), ref)


@pytest.mark.compiled
@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("dtype", PIXELS)
def test_against_scikit_image(dtype, operator):
    filters = pytest.importorskip("skimage.filters")
    rng = np.random.default_rng(0)
    image = rng.random((83, 117))
    image = (image * np.iinfo(dtype).max).astype(dtype) if np.dtype(dtype).kind == "u" else image.astype(dtype)
    mask = rng.random(image.shape) < 0.95
    peer = getattr(filters, operator.__name__)
    for mode in MODES:
        for axis in (None, 0, 1, (0, 1), [0]):
            same(operator(image, axis=axis, mode=mode, cval=0.5), peer(image, axis=axis, mode=mode, cval=0.5))
    same(operator(image, mask), peer(image, mask))


@pytest.mark.parametrize("operator", OPERATORS)
def test_a_step_has_derivative_one(operator):
    image = np.zeros((6, 8), np.uint8)
    image[:, 4:] = 255
    close(operator(image, axis=1)[:, 3:5], np.ones((6, 2)), k=2)
    np.testing.assert_array_equal(operator(image, axis=0), 0)


@pytest.mark.parametrize("operator", OPERATORS)
def test_nan_reaches_its_neighbours(operator):
    image = np.zeros((9, 40))
    image[4, 20] = np.nan
    reached = np.zeros(image.shape, bool)
    reached[3:6, 19:22] = True
    reached[4, 20] = False  # the middle pixel has no weight
    np.testing.assert_array_equal(np.isnan(operator(image)), reached)


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
        (np.zeros((2, 2)), {"axis": (0, 0)}, ValueError, "axis must be None, 0, 1 or"),
        (np.zeros((2, 2)), {"mode": "edge"}, ValueError, "mode must be one of"),
        (np.zeros((2, 2)), {"cval": np.nan}, ValueError, "cval must be finite"),
        (np.zeros((2, 2)), {"mask": np.ones((2, 3), bool)}, ValueError, "mask must have shape"),
    ],
)
@pytest.mark.parametrize("operator", OPERATORS)
def test_bad_input(operator, image, options, error, message):
    with pytest.raises(error, match=f"{operator.__name__}: {message}"):
        operator(image, **options)
