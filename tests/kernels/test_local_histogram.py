"""Local histograms against their twin, OpenCV's box filter, and bad input."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smalti.kernels import local_histogram
from tests.helpers import bit_identical_for_threads, check_layouts
from tests.reference import local_histogram as reference
from tests.strategies import examples, seeds, sides


@examples(60)
@given(seeds, sides(1, 9), sides(1, 9), st.integers(1, 20), st.integers(0, 12), st.booleans())
def test_against_the_twin(seed, height, width, n_bins, radius, masked):
    rng = np.random.default_rng(seed)
    bins = rng.integers(0, n_bins, (height, width))
    mask = rng.random(bins.shape) < 0.5 if masked else None
    expected = reference.local_histogram(bins, n_bins, radius, mask)
    np.testing.assert_allclose(local_histogram(bins, n_bins, radius=radius, mask=mask), expected, rtol=2e-7)


def test_channels_have_histograms_of_their_own():
    rng = np.random.default_rng(0)
    bins, mask = np.dstack([rng.integers(0, n, (7, 9)) for n in (3, 5, 2)]), rng.random((7, 9)) < 0.7
    both = local_histogram(bins, (3, 5, 2), radius=2, mask=mask)
    parts = [local_histogram(bins[..., c], n, radius=2, mask=mask) for c, n in enumerate((3, 5, 2))]
    np.testing.assert_array_equal(both, np.concatenate(parts, axis=2))
    np.testing.assert_array_equal(local_histogram(bins, 5, radius=2)[..., [3, 4]], 0)


@pytest.mark.compiled
def test_against_opencv():
    cv2 = pytest.importorskip("cv2")
    bins = np.random.default_rng(0).integers(0, 5, (60, 70))
    actual = local_histogram(bins, 5, radius=4)
    planes = [cv2.blur((bins == k).astype(np.float32), (9, 9)) for k in range(5)]
    np.testing.assert_allclose(actual[4:-4, 4:-4], np.dstack(planes)[4:-4, 4:-4], atol=1e-6)


@pytest.mark.compiled
def test_threads_and_layouts():
    bins = np.random.default_rng(1).integers(0, 25, (331, 203))
    bit_identical_for_threads(lambda: local_histogram(bins, 25, radius=7))
    check_layouts(lambda x: local_histogram(x, 25, radius=2), bins[:20, :30])


def test_empty_picture():
    assert local_histogram(np.zeros((0, 4), int), 3, radius=1).shape == (0, 4, 3)


def test_bad_input():
    bins = np.ones((4, 5), int)
    with pytest.raises(ValueError, match="local_histogram: bins must be from 0 to 0, got 1 to 1"):
        local_histogram(bins, 1, radius=1)
    with pytest.raises(ValueError, match="local_histogram: n_bins must be one for each channel of bins, 1, got 2"):
        local_histogram(bins, (2, 2), radius=1)
    with pytest.raises(ValueError, match="local_histogram: radius must be at least 0, got -1"):
        local_histogram(bins, 2, radius=-1)
    with pytest.raises(TypeError, match="local_histogram: bins must be an integer array"):
        local_histogram(bins / 2, 2, radius=1)
    with pytest.raises(ValueError, match=r"local_histogram: mask must have shape \(4, 5\)"):
        local_histogram(bins, 2, radius=1, mask=np.ones((5, 4), bool))
