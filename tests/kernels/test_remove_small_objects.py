"""Removal of small objects against its twin and scikit-image."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smalti.kernels import remove_small_objects
from tests.helpers import bit_identical_for_threads, check_layouts
from tests.reference import remove_small_objects as reference
from tests.strategies import examples, seeds, sides


@examples(100)
@given(seeds, sides(1, 14), sides(1, 14), st.integers(0, 12), st.sampled_from([1, 2]), st.sampled_from([2, 5]))
def test_against_the_twin(seed, height, width, max_size, connectivity, values):
    ar = np.random.default_rng(seed).integers(0, values, (height, width))
    ar = ar.astype(bool) if values == 2 else ar
    actual = remove_small_objects(ar, connectivity=connectivity, max_size=max_size)
    assert actual.dtype == ar.dtype
    np.testing.assert_array_equal(actual, reference.remove_small_objects(ar, max_size, connectivity))
    np.testing.assert_array_equal(actual, remove_small_objects(ar, max_size + 1, connectivity))


@pytest.mark.compiled
def test_against_scikit_image():
    morphology = pytest.importorskip("skimage.morphology")
    rng = np.random.default_rng(0)
    mask, labels = rng.random((90, 120)) < 0.55, rng.integers(0, 400, (90, 120))
    for ar in (mask, labels):
        try:
            expected = morphology.remove_small_objects(ar, connectivity=2, max_size=20)
        except TypeError:  # before 0.26
            expected = morphology.remove_small_objects(ar, 21, connectivity=2)
        np.testing.assert_array_equal(remove_small_objects(ar, connectivity=2, max_size=20), expected)


@pytest.mark.compiled
def test_threads_and_layouts():
    mask = np.random.default_rng(1).random((301, 403)) < 0.6
    bit_identical_for_threads(lambda: remove_small_objects(mask, max_size=9))
    check_layouts(lambda x: remove_small_objects(x, max_size=5), mask[:20, :30].astype(np.int64))


def test_small_cases():
    assert remove_small_objects(np.ones((1, 1), bool), max_size=0).all()
    assert not remove_small_objects(np.ones((3, 4), bool)).any()
    assert remove_small_objects(np.zeros((0, 4), int)).shape == (0, 4)


def test_bad_input():
    with pytest.raises(TypeError, match="remove_small_objects: ar must be an integer array, got dtype float64"):
        remove_small_objects(np.zeros((3, 4)))
    with pytest.raises(ValueError, match="remove_small_objects: ar must be at least 0, got -1"):
        remove_small_objects(np.full((3, 4), -1))
    with pytest.raises(ValueError, match="connectivity must be from 1 to 2, got 3"):
        remove_small_objects(np.zeros((3, 4), bool), connectivity=3)
    with pytest.raises(ValueError, match="max_size must be at least 0, got -1"):
        remove_small_objects(np.zeros((3, 4), bool), max_size=-1)
