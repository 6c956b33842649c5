"""The majority filter against its twin and scikit-image."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smalti.kernels import majority
from tests.helpers import bit_identical_for_threads, check_layouts
from tests.reference import majority as reference
from tests.strategies import examples, seeds, sides


@examples(80)
@given(seeds, sides(1, 14), sides(1, 14), st.integers(1, 9), st.sampled_from([1, 3, 5]), st.sampled_from([1, 3, 7]))
def test_against_the_twin(seed, height, width, n_labels, rows, columns):
    rng = np.random.default_rng(seed)
    labels = rng.integers(-1, n_labels, (height, width)).astype(rng.choice(["int8", "int32", "int64"]))
    footprint = rng.random((rows, columns)) < 0.7
    footprint[0, 0] = True
    actual = majority(labels, footprint)
    assert actual.dtype == np.int32
    np.testing.assert_array_equal(actual, reference.majority(labels, footprint))


@pytest.mark.compiled
def test_against_scikit_image():
    """But for ties, of which scikit-image takes the least label."""
    rank = pytest.importorskip("skimage.filters.rank")
    labels = np.random.default_rng(0).integers(0, 6, (60, 71)).astype(np.uint8)
    disk = np.hypot(*np.mgrid[-3:4, -3:4]) <= 3
    for footprint in (np.ones((3, 3), bool), disk):
        expected = rank.majority(labels, footprint.astype(np.uint8))
        actual = majority(labels, footprint)
        votes = np.stack([rank.sum((labels == k).astype(np.uint8), footprint.astype(np.uint8)) for k in range(6)])
        assert (actual == expected).mean() > 0.8
        np.testing.assert_array_equal(*(np.take_along_axis(votes, m[None].astype(int), 0) for m in (actual, expected)))


def test_straight_boundaries_stay_and_specks_go():
    labels = np.repeat([np.repeat([0, 1], 6)], 9, axis=0)
    np.testing.assert_array_equal(majority(labels), labels)
    speckled = labels.copy()
    speckled[4, 2] = 1
    np.testing.assert_array_equal(majority(speckled), labels)
    speckled[4, 2] = -1
    np.testing.assert_array_equal(majority(speckled), speckled)


def test_small_cases():
    assert majority(np.full((1, 1), 7)).tolist() == [[7]]
    assert majority(np.zeros((0, 4), int)).shape == (0, 4)
    assert majority(np.array([[3, 3, 1]], bool)).tolist() == [[1, 1, 1]]


@pytest.mark.compiled
def test_threads_and_layouts():
    labels = np.random.default_rng(1).integers(0, 5, (201, 153)).astype(np.int32)
    bit_identical_for_threads(lambda: majority(labels))
    check_layouts(majority, labels[:20, :30])


def test_bad_input():
    labels = np.zeros((3, 4), int)
    with pytest.raises(TypeError, match="majority: labels must be an integer array, got dtype float64"):
        majority(np.zeros((3, 4)))
    with pytest.raises(ValueError, match=r"majority: footprint must have two odd sides, got shape \(2, 3\)"):
        majority(labels, np.ones((2, 3)))
    with pytest.raises(ValueError, match="majority: footprint must have a pixel, got none"):
        majority(labels, np.zeros((3, 3)))
