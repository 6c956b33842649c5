"""Maxima of a height against the twin and scikit-image."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smalti.kernels import h_maxima
from tests.helpers import bit_identical_for_callers, check_layouts, posix
from tests.reference import h_maxima as reference
from tests.strategies import examples, images, seeds, sides

DTYPES = (np.uint8, np.uint16, np.int32, np.float32, np.float64)
CROSS = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]])


@examples(200)
@given(
    sides(1, 14), sides(1, 14), st.sampled_from(DTYPES), st.integers(2, 20), st.integers(1, 12), st.booleans(), seeds
)
def test_against_the_twin(height, width, dtype, levels, h, diagonal, seed):
    image = np.random.default_rng(seed).integers(0, levels, (height, width)).astype(dtype)
    ours = h_maxima(image, h, None if diagonal else CROSS)
    assert ours.dtype == np.uint8
    np.testing.assert_array_equal(ours, reference.h_maxima(image, h, diagonal))


@pytest.mark.compiled
@examples(100)
@given(
    images(dtypes=(np.uint8, np.uint16, np.float32, np.float64), channels=(None,)), st.floats(0.01, 1.2), st.booleans()
)
def test_against_scikit_image(image, share, diagonal):
    morphology = pytest.importorskip("skimage.morphology")
    image = np.ascontiguousarray(image, image.dtype.newbyteorder("="))
    h = share * float(np.ptp(image))
    if image.dtype.kind == "u":
        h = round(h)
    footprint = np.ones((3, 3)) if diagonal else CROSS
    if h > 0:
        np.testing.assert_array_equal(h_maxima(image, h, footprint), morphology.h_maxima(image, h, footprint))


def spiral(n):
    """A path of ones that winds inwards between zeros."""
    image = np.zeros((n, n))
    i, j, di, dj = 0, -1, 0, 1
    for length in (n, *(k for k in range(n - 1, 0, -2) for _ in range(2))):
        for _ in range(length):
            i, j = i + di, j + dj
            image[i, j] = 1
        di, dj = dj, -di
    return image


def test_ways_round_many_corners():
    image = spiral(21)
    image[0, 0], image[10, 10] = 5, 4
    for h, n in ((1, 2), (3, 2), (4, 1), (5, 1), (5.5, 0)):
        assert h_maxima(image, h, CROSS).sum() == n
    np.testing.assert_array_equal(h_maxima(image, 3, CROSS), reference.h_maxima(image, 3, False))


def test_integers_with_a_fraction_of_a_height():
    morphology = pytest.importorskip("skimage.morphology")
    image = np.random.default_rng(0).integers(0, 9, (12, 15))
    with pytest.warns(UserWarning, match="precision"):
        theirs = morphology.h_maxima(image, 2.5)
    np.testing.assert_array_equal(h_maxima(image, 2.5), theirs)
    np.testing.assert_array_equal(h_maxima(image, 2.0), morphology.h_maxima(image, 2))


def test_extremes_of_the_dtype():
    for dtype in (np.uint8, np.int32):
        low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
        image = np.array([[low, high, low, high - 1, low]], dtype)
        np.testing.assert_array_equal(h_maxima(image, 1), [[0, 1, 0, 1, 0]])
        np.testing.assert_array_equal(h_maxima(image, high - low), [[0, 1, 0, 0, 0]])
    assert not h_maxima(np.full((3, 4), 7), 1).any()


@posix
@pytest.mark.compiled
def test_callers():
    image = np.random.default_rng(1).random((100, 101)).astype(np.float32)
    bit_identical_for_callers(lambda: h_maxima(image, 0.5))


def test_layouts():
    check_layouts(lambda x: h_maxima(x, 0.3), np.random.default_rng(2).random((9, 14)))


@pytest.mark.parametrize(
    ("image", "h", "footprint", "error", "message"),
    [
        (np.zeros(3), 1, None, ValueError, "image must have 2 dimensions"),
        (np.zeros((0, 3)), 1, None, ValueError, "image must not be empty"),
        (np.zeros((2, 2), complex), 1, None, TypeError, "image must be an array of real numbers"),
        (np.array([[1, np.nan]]), 1, None, ValueError, "image must be finite"),
        (np.zeros((4, 4)), 0, None, ValueError, "h must be greater than 0"),
        (np.zeros((4, 4)), "high", None, TypeError, "h must be a number"),
        (np.zeros((4, 4)), 1, np.ones((5, 5)), ValueError, "footprint must be 3 x 3 pixels or a cross"),
        (np.zeros((4, 4)), 1, np.eye(3), ValueError, "footprint must be 3 x 3 pixels or a cross"),
    ],
)
def test_bad_input(image, h, footprint, error, message):
    with pytest.raises(error, match=f"h_maxima: {message}"):
        h_maxima(image, h, footprint)
