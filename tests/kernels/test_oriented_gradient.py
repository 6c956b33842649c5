"""The oriented gradient of histograms against its twin, and on pictures whose answer is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smalti.kernels import oriented_gradient
from tests.helpers import bit_identical_for_threads, check_layouts
from tests.reference import oriented_gradient as reference
from tests.strategies import examples, seeds, sides
from tests.tolerance import close


@examples(40)
@given(
    seeds, sides(1, 9), sides(1, 9), st.integers(1, 20), st.sampled_from([0.0, 1.0]), st.integers(1, 5),
    st.sampled_from([[1], [2, 4]]), st.booleans(),
)  # fmt: skip
def test_against_the_twin(seed, height, width, n_bins, blur, n_orientations, radii, channels):
    rng = np.random.default_rng(seed)
    bins = rng.integers(0, n_bins, (height, width, 2) if channels else (height, width))
    weights = rng.random((2 if channels else 1, len(radii)))
    actual = oriented_gradient(bins, radii, weights=weights, blur=blur, n_orientations=n_orientations)
    expected = reference.oriented_gradient(bins, radii, weights.astype(np.float32), blur, n_orientations)
    # Points halfway between two pixels may round either way, which a root makes a large difference of: few, if any.
    close(actual, expected, k=64, atol=1e-4)


@pytest.mark.compiled
def test_tiles_do_not_show():
    bins = np.random.default_rng(0).integers(0, 16, (200, 150))
    whole = oriented_gradient(bins, [5], n_orientations=4)
    # A part of the picture whose border is beyond the window's reach has the same tiles at other places, for upright
    # windows, where no turned grid depends on the origin.
    part = oriented_gradient(bins[30:, 17:], [5], n_orientations=4)
    for o in (0, 2):
        np.testing.assert_array_equal(whole[o, 45:-15, 32:-15], part[o, 15:-15, 15:-15])


@pytest.mark.parametrize("orientation", range(8))
def test_a_step_is_seen_along_its_orientation(orientation):
    angle = np.pi * orientation / 8
    r, c = np.mgrid[-10:11, -10:11]
    bins = (np.cos(angle) * r - np.sin(angle) * c > 0).astype(int)
    response = oriented_gradient(bins, [6])[:, 10, 10]
    assert response.argmax() == orientation
    assert response[orientation] > 0.9 and response[(orientation + 4) % 8] < 0.3


def test_a_constant_picture_has_no_gradient():
    np.testing.assert_array_equal(oriented_gradient(np.full((7, 9), 3), [2, 5]), 0)


@pytest.mark.compiled
def test_threads_and_layouts():
    bins = np.random.default_rng(1).integers(0, 25, (131, 203))
    bit_identical_for_threads(lambda: oriented_gradient(bins, [3, 10], blur=1.0))
    check_layouts(lambda x: oriented_gradient(x, [3]), bins[:20, :30])


def test_bad_input():
    bins = np.zeros((4, 5), int)
    with pytest.raises(TypeError, match="oriented_gradient: bins must be an integer array"):
        oriented_gradient(bins / 2, [3])
    with pytest.raises(ValueError, match="oriented_gradient: bins must be at least 0, got -1"):
        oriented_gradient(bins - 1, [3])
    with pytest.raises(ValueError, match=r"bins must not be empty, got shape \(0, 5\)"):
        oriented_gradient(bins[:0], [3])
    with pytest.raises(ValueError, match="radii must be at least 1, got 0"):
        oriented_gradient(bins, [0])
    with pytest.raises(ValueError, match=r"weights must have shape \(1, 2\), got \(2, 1\)"):
        oriented_gradient(bins, [3, 5], weights=np.ones((2, 1)))
