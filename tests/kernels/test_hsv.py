"""Hue, saturation and value against the twin and scikit-image."""

import numpy as np
import pytest
from hypothesis import given

from smalti.kernels import hsv2rgb, rgb2hsv
from tests.reference import hsv as reference
from tests.strategies import PIXELS, examples, images
from tests.tolerance import close

COLOURS = np.array([[0, 0, 0], [128, 128, 128], [255, 0, 0], [255, 255, 0], [0, 255, 0], [0, 0, 255], [255, 0, 255]])


def same_rgb(actual, ref):
    """A hue of up to 6 before its tents, then a product and a difference."""
    close(actual, ref, k=0, atol=8 * np.finfo(actual.dtype).eps)


def same_hsv(actual, ref):
    """Quotients of exact differences; hues just below 1 are close to 0."""
    turn = np.zeros(ref.shape)
    turn[..., 0] = np.rint(ref[..., 0] - actual[..., 0])
    close(actual, ref - turn, k=0, atol=2 * np.finfo(actual.dtype).eps)


@examples(100)
@given(images(channels=(3,)))
def test_to_hsv_against_the_twin(image):
    same_hsv(rgb2hsv(image), reference.rgb2hsv(image))


@examples(100)
@given(images(channels=(3,)))
def test_to_rgb_against_the_twin(image):
    same_rgb(hsv2rgb(image), reference.hsv2rgb(image))


@pytest.mark.compiled
@pytest.mark.parametrize("dtype", PIXELS)
def test_against_scikit_image(dtype):
    color = pytest.importorskip("skimage.color")
    grid = np.stack(np.meshgrid(*[np.linspace(0, 1, 30)] * 3), -1)
    image = (grid * np.iinfo(dtype).max).astype(dtype) if np.dtype(dtype).kind == "u" else grid.astype(dtype)
    exact = image / np.iinfo(dtype).max if np.dtype(dtype).kind == "u" else image.astype(np.float64)
    same_hsv(rgb2hsv(image), color.rgb2hsv(exact))
    same_rgb(hsv2rgb(image), color.hsv2rgb(exact))


def test_known_colours():
    hsv = [[0, 0, 0], [0, 0, 128 / 255], [0, 1, 1], [1 / 6, 1, 1], [1 / 3, 1, 1], [2 / 3, 1, 1], [5 / 6, 1, 1]]
    np.testing.assert_allclose(rgb2hsv(COLOURS.astype(np.uint8)), hsv, atol=1e-7)
    np.testing.assert_allclose(hsv2rgb(hsv), COLOURS / 255, atol=1e-15)


def test_hue_is_a_circle():
    hsv = np.random.default_rng(0).random((50, 3))
    for turns in (-3, 1, 100):
        np.testing.assert_allclose(hsv2rgb(hsv + [turns, 0, 0]), hsv2rgb(hsv), atol=1e-12)


def test_there_and_back():
    rgb = np.random.default_rng(0).random((500, 3))
    np.testing.assert_allclose(hsv2rgb(rgb2hsv(rgb)), rgb, atol=1e-14)
