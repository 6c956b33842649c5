"""sRGB to Lab and back against the twin and scikit-image."""

import numpy as np
import pytest
from hypothesis import given

from smalti.kernels import lab2rgb, rgb2lab
from tests.reference import lab as reference
from tests.strategies import FLOATS, PIXELS, examples, images
from tests.tolerance import close


def same(actual, ref):
    """f is within 4 roundings of a number near 1; a is 500 times a difference of two of them."""
    close(actual, ref, k=4, atol=500 * 4 * np.finfo(actual.dtype).eps)


@examples(100)
@given(images(channels=(3,), low=-0.5, high=1.5))
def test_against_the_twin(image):
    same(rgb2lab(image), reference.rgb2lab(image))


def same_rgb(actual, ref):
    """f is within 2 roundings, its cube of at most 5 times; the matrix takes differences, dark values count 13-fold."""
    close(actual, ref, k=4, atol=100 * np.finfo(actual.dtype).eps)


@examples(100)
@given(images(FLOATS, channels=(3,), low=-20, high=120))
def test_back_against_the_twin(image):
    same_rgb(lab2rgb(image), reference.lab2rgb(image))


def test_there_and_back():
    rgb = np.random.default_rng(0).random((500, 3))
    np.testing.assert_allclose(lab2rgb(rgb2lab(rgb)), rgb, atol=1e-12)


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
            lab = color.rgb2lab(exact, illuminant, observer)
            same(rgb2lab(image, illuminant, observer), lab)
            same_rgb(lab2rgb(lab, illuminant, observer), color.lab2rgb(lab, illuminant, observer))


@pytest.mark.compiled
def test_every_level_of_gray_is_gray():
    gray = np.repeat(np.arange(65536, dtype=np.uint16)[:, None], 3, 1)
    lab = rgb2lab(gray)
    assert (np.diff(lab[:, 0]) >= 0).all()
    assert np.abs(lab[:, 1:]).max() < 0.02  # the rows of the matrix do not sum to the white point exactly


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.zeros((2, 3)), "D66"), "illuminant must be one of"),
        ((np.zeros((2, 3)), "D65", "5"), "observer must be one of"),
    ],
)
def test_bad_input(arguments, message):
    for convert in (rgb2lab, lab2rgb):
        with pytest.raises(ValueError, match=f"{convert.__name__}: {message}"):
            convert(*arguments)
