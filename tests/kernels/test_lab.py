"""sRGB to Lab against the twin and scikit-image."""

import numpy as np
import pytest
from hypothesis import given

from smalti.kernels import rgb2lab
from tests.helpers import bit_identical_for_callers, bit_identical_for_threads, check_layouts, guarded, posix, run_alone
from tests.reference import lab as reference
from tests.strategies import PIXELS, examples, images
from tests.tolerance import close


def same(actual, ref):
    """f is within 4 roundings of a number near 1; a is 500 times a difference of two of them."""
    close(actual, ref, k=4, atol=500 * 4 * np.finfo(actual.dtype).eps)


@examples(100)
@given(images(channels=(3,), low=-0.5, high=1.5))
def test_against_the_twin(image):
    same(rgb2lab(image), reference.rgb2lab(image))


def test_known_colours():
    colours = np.array([[0, 0, 0], [255, 255, 255], [255, 0, 0], [0, 255, 0], [0, 0, 255]], np.uint8)
    lab = [[0, 0, 0], [100, 0, 0], [53.24, 80.09, 67.20], [87.73, -86.18, 83.18], [32.30, 79.19, -107.86]]
    np.testing.assert_allclose(rgb2lab(colours), lab, atol=0.02)


@pytest.mark.compiled
@pytest.mark.parametrize("dtype", PIXELS)
def test_against_scikit_image(dtype):
    color = pytest.importorskip("skimage.color")
    grid = np.stack(np.meshgrid(*[np.linspace(0, 1, 30)] * 3), -1)
    image = (grid * np.iinfo(dtype).max).astype(dtype) if np.dtype(dtype).kind == "u" else grid.astype(dtype)
    exact = image / np.iinfo(dtype).max if np.dtype(dtype).kind == "u" else image.astype(np.float64)
    for illuminant in ("A", "B", "C", "D50", "d55", "D65", "D75", "E"):
        for observer in ("2", "10", "r"):
            same(rgb2lab(image, illuminant, observer), color.rgb2lab(exact, illuminant, observer))


@pytest.mark.compiled
def test_every_level_of_gray_is_gray():
    gray = np.repeat(np.arange(65536, dtype=np.uint16)[:, None], 3, 1)
    lab = rgb2lab(gray)
    assert (np.diff(lab[:, 0]) >= 0).all()
    assert np.abs(lab[:, 1:]).max() < 0.02  # the rows of the matrix do not sum to the white point exactly


def test_channel_axis_and_shapes():
    image = np.random.default_rng(0).random((2, 5, 7, 3))
    expected = rgb2lab(image)
    for axis in (0, 1, 2, 3, -1, -2):
        moved = np.moveaxis(image, -1, axis)
        np.testing.assert_array_equal(rgb2lab(moved, channel_axis=axis), np.moveaxis(expected, -1, axis))
    np.testing.assert_array_equal(rgb2lab(image[0, 0, 0]), expected[0, 0, 0])


def test_not_a_number():
    image = np.full((4, 9, 3), 0.5, np.float32)
    image[1, 2, 0] = np.nan
    expected = np.zeros((4, 9), bool)
    expected[1, 2] = True
    np.testing.assert_array_equal(np.isnan(rgb2lab(image)).all(-1), expected)
    np.testing.assert_array_equal(np.isnan(rgb2lab(image)).any(-1), expected)


@pytest.mark.compiled
def test_threads():
    image = np.random.default_rng(1).random((211, 103, 3)).astype(np.float32)
    bit_identical_for_threads(lambda: rgb2lab(image))


@posix
@pytest.mark.compiled
def test_callers():
    image = np.random.default_rng(2).random((211, 103, 3)).astype(np.float32)
    bit_identical_for_callers(lambda: rgb2lab(image))


def test_layouts():
    check_layouts(rgb2lab, np.random.default_rng(3).random((9, 14, 3)))


def reach_only_the_picture():
    rng = np.random.default_rng(4)
    for side in ("start", "end"):
        for n in (1, 15, 16, 17, 48, 95):
            for dtype in (np.uint8, np.float32):
                rgb2lab(guarded((rng.random((n, 3)) * 255).astype(dtype), side))


@posix
@pytest.mark.compiled
def test_protected_pages():
    run_alone(reach_only_the_picture)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((np.zeros((2, 4)),), ValueError, "rgb must have 3 channels"),
        ((np.float64(1.0),), ValueError, "rgb must have 3 channels"),
        ((np.zeros((0, 3)),), ValueError, "rgb must not be empty"),
        ((np.zeros((2, 3), complex),), TypeError, "rgb must be an array of real numbers"),
        ((np.zeros((2, 3)), "D66"), ValueError, "illuminant must be one of"),
        ((np.zeros((2, 3)), "D65", "5"), ValueError, "observer must be one of"),
    ],
)
def test_bad_input(arguments, error, message):
    with pytest.raises(error, match=f"rgb2lab: {message}"):
        rgb2lab(*arguments)
