"""Merging of small regions against its twin."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smalti.kernels.merge_small import merge_small, number_in_order
from tests.helpers import check_layouts
from tests.reference import merge_small as reference
from tests.strategies import examples, seeds, sides
from tests.tolerance import same_partition


@examples(80)
@given(seeds, sides(1, 12), sides(1, 12), st.integers(0, 30), st.sampled_from([None, 1, 3]), st.booleans())
def test_against_twin(seed, height, width, min_size, channels, holes):
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.repeat(rng.integers(0, 9, (height, width)), 2, axis=0), 2, axis=1)
    labels[rng.random(labels.shape) < 0.1] = -1 if holes else 9
    labels = number_in_order(labels)
    features = rng.random(labels.shape if channels is None else (*labels.shape, channels))
    merged = merge_small(labels, features, min_size)
    expected = reference.merge_small(labels, features, min_size) if labels.max() >= 0 else labels
    same_partition(merged, expected, background=-1)
    np.testing.assert_array_equal(merged, number_in_order(merged))


def test_nothing_small_is_left():
    rng = np.random.default_rng(0)
    labels = number_in_order(rng.integers(0, 500, (40, 50)))
    merged = merge_small(labels, rng.random((40, 50, 3)), 30)
    assert np.bincount(merged.ravel()).min() >= 30
    check_layouts(lambda a, b: merge_small(a, b, 30), labels, rng.random((40, 50, 3)))


def test_bad_input():
    labels = np.zeros((3, 4), int)
    with pytest.raises(ValueError, match=r"features must have shape \(3, 4, 'C'\), got \(4, 3\)"):
        merge_small(labels, np.zeros((4, 3)), 2)
    with pytest.raises(ValueError, match=r"merge_small: features must be finite, got nan at \(0, 0\)"):
        merge_small(labels, np.full((3, 4), np.nan), 2)
    with pytest.raises(TypeError, match="labels must be an integer array"):
        merge_small(labels / 2, np.zeros((3, 4)), 2)
