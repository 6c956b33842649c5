"""Thinning against its twin and scikit-image."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smalti.kernels import label, thin
from tests.helpers import bit_identical_for_callers, check_layouts
from tests.reference import thin as reference
from tests.strategies import examples, seeds, sides


@examples(60)
@given(seeds, sides(1, 20), sides(1, 20), st.sampled_from([0.3, 0.7, 0.95, 1.0]), st.sampled_from([None, 1, 2]))
def test_against_twin(seed, height, width, share, max_num_iter):
    image = np.random.default_rng(seed).random((height, width)) < share
    thinned = thin(image, max_num_iter)
    assert thinned.dtype == bool
    np.testing.assert_array_equal(thinned, reference.thin(image, max_num_iter))


def blobs(height, width):
    noise = np.random.default_rng(0).random((height // 9 + 1, width // 9 + 1)) < 0.6
    return np.kron(noise, np.ones((9, 9), bool))[:height, :width]


@pytest.mark.compiled
def test_against_skimage():
    morphology = pytest.importorskip("skimage.morphology")
    image = blobs(150, 211)
    for max_num_iter in (None, 2):
        np.testing.assert_array_equal(thin(image, max_num_iter), morphology.thin(image, max_num_iter))


def test_keeps_components_and_is_finished():
    image = blobs(30, 41)
    thinned = thin(image)
    assert label(thinned, return_num=True)[1] == label(image, return_num=True)[1]
    np.testing.assert_array_equal(thin(thinned), thinned)
    assert not (thinned & ~image).any()


def test_layouts_and_callers():
    image = blobs(30, 41)
    check_layouts(thin, image)
    check_layouts(thin, image.astype(np.float32))
    bit_identical_for_callers(lambda: thin(image), callers=3, calls=1)
    assert thin(np.zeros((0, 4))).shape == (0, 4)


def test_bad_input():
    image = np.ones((3, 4))
    for call, message in [
        (lambda: thin(image[0]), r"thin: image must have 2 dimensions, got shape \(4,\)"),
        (lambda: thin(image, 0), "thin: max_num_iter must be at least 1, got 0"),
    ]:
        with pytest.raises(ValueError, match=message):
            call()
