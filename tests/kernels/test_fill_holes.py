"""Holes against their twin and scipy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smalti.kernels import fill_holes
from tests.helpers import check_layouts
from tests.reference import fill_holes as reference
from tests.strategies import examples, seeds, sides


@examples(150)
@given(seeds, sides(1, 16), sides(1, 16), st.integers(1, 4), st.sampled_from([1, 2]), st.sampled_from([1, 3, 400]))
def test_against_the_twin(seed, height, width, n_labels, side, max_size):
    """Mostly of one region, so that it encloses others; of blocks, so that these enclose some in turn."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(
        np.arange(-1, n_labels),
        (height, width),
        p=[0.1, 0.6] + [0.3 / (n_labels - 1)] * (n_labels - 1) if n_labels > 1 else [0.4, 0.6],
    )
    labels = np.repeat(np.repeat(labels, side, axis=0), side, axis=1)[:height, :width].astype(np.int32)
    mask = rng.random(labels.shape) < rng.choice([0.95, 2.0])
    actual = fill_holes(labels, max_size, mask=mask)
    assert actual.dtype == np.int32
    np.testing.assert_array_equal(actual, reference.fill_holes(labels, max_size, mask))


@pytest.mark.compiled
def test_against_scipy():
    ndimage = pytest.importorskip("scipy.ndimage")
    for share in (0.3, 0.6, 0.75):
        mask = np.random.default_rng(0).random((80, 90)) < share
        expected = ndimage.binary_fill_holes(mask, np.ones((3, 3)))
        np.testing.assert_array_equal(fill_holes(mask.astype(int) - 1) >= 0, expected)


def test_rings_in_rings():
    """The outermost that is small enough fills all within it."""
    distance = np.maximum(*np.abs(np.mgrid[-6:7, -6:7]))
    expected = np.where(distance == 6, 6, 5)
    np.testing.assert_array_equal(fill_holes(distance, 11 * 11 - 1), expected)
    np.testing.assert_array_equal(fill_holes(distance), np.full((13, 13), 6))
    np.testing.assert_array_equal(fill_holes(distance, 0), distance)
    mask = np.ones((13, 13), bool)
    mask[6, 6] = False
    np.testing.assert_array_equal(fill_holes(distance, mask=mask), distance)


def test_two_regions_together_enclose_nothing():
    labels = np.zeros((5, 6), int)
    labels[:, 3:], labels[1:4, 2:4] = 1, 2
    np.testing.assert_array_equal(fill_holes(labels), labels)
    labels[:, 3:] = 0
    labels[1:4, 2:4] = [[2, 3], [-1, -1], [2, 2]]
    np.testing.assert_array_equal(fill_holes(labels), np.zeros((5, 6)))
    labels[0, 2] = 3  # a way out by the border
    np.testing.assert_array_equal(fill_holes(labels), labels)


def test_small_cases_and_layouts():
    assert fill_holes(np.zeros((0, 4), int)).shape == (0, 4)
    assert fill_holes(np.full((1, 1), -5)).tolist() == [[-5]]
    check_layouts(fill_holes, np.random.default_rng(0).integers(-1, 2, (15, 20)).astype(np.int32))


def test_bad_input():
    labels = np.zeros((3, 4), int)
    with pytest.raises(TypeError, match="fill_holes: labels must be an integer array, got dtype float64"):
        fill_holes(np.zeros((3, 4)))
    with pytest.raises(ValueError, match="fill_holes: max_size must be at least 0, got -1"):
        fill_holes(labels, -1)
    with pytest.raises(ValueError, match=r"fill_holes: mask must have shape \(3, 4\), got \(4, 3\)"):
        fill_holes(labels, mask=np.ones((4, 3), bool))
