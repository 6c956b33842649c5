"""The luminance against the twin and scikit-image."""

import numpy as np
import pytest
from hypothesis import given

from smalti.kernels import rgb2gray
from tests.reference import rgb2gray as reference
from tests.strategies import PIXELS, examples, images
from tests.tolerance import close


def same(actual, ref):
    """Three products and two sums of numbers of at most 1 in magnitude; the scale is rounded into the weights."""
    close(actual, ref, k=0, atol=3 * np.finfo(actual.dtype).eps)


@examples(100)
@given(images(channels=(3,), low=-1, high=1))
def test_against_the_twin(image):
    same(rgb2gray(image), reference.rgb2gray(image))


@pytest.mark.compiled
@pytest.mark.parametrize("dtype", PIXELS)
def test_against_scikit_image(dtype):
    color = pytest.importorskip("skimage.color")
    image = np.random.default_rng(0).random((41, 67, 3))
    image = (image * np.iinfo(dtype).max).astype(dtype) if np.dtype(dtype).kind == "u" else image.astype(dtype)
    same(rgb2gray(image), color.rgb2gray(image))


def test_white_is_one():
    np.testing.assert_allclose(rgb2gray(np.full((5, 3), 255, np.uint8)), 1, rtol=1e-6)
