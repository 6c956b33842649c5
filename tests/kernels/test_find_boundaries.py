"""Boundaries against their twin and scikit-image."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smalti.kernels import find_boundaries
from tests.helpers import bit_identical_for_callers, bit_identical_for_threads, check_layouts
from tests.reference import find_boundaries as reference
from tests.strategies import examples, seeds, sides

MODES = ["thick", "inner", "outer", "subpixel"]


def blocks(shape, values, seed, dtype=int):
    """A map of few large regions."""
    rng = np.random.default_rng(seed)
    coarse = rng.choice(values, (shape[0] // 3 + 1, shape[1] // 4 + 1))
    return np.kron(coarse, np.ones((3, 4), int))[: shape[0], : shape[1]].astype(dtype)


@examples(80)
@given(
    shape=st.tuples(sides(1, 20), sides(1, 70)),
    dtype=st.sampled_from([bool, np.uint8, np.int32, np.int64]),
    values=st.sampled_from([[0, 1], [0, 3, 7], [5]]),
    seed=seeds,
    connectivity=st.sampled_from([1, 2]),
    mode=st.sampled_from(MODES),
    background=st.sampled_from([0, 3, 7, -1]),
)
def test_against_twin(shape, dtype, values, seed, connectivity, mode, background):
    labels = blocks(shape, values, seed, dtype)
    found = find_boundaries(labels, connectivity, mode, background)
    assert found.dtype == np.bool_
    np.testing.assert_array_equal(found, reference.find_boundaries(labels, connectivity, mode, background))


@pytest.mark.parametrize("mode", MODES)
def test_against_skimage(mode):
    segmentation = pytest.importorskip("skimage.segmentation")
    for dtype in (bool, np.uint8, np.int32):
        labels = blocks((40, 51), [0, 1, 2, 9], 0, dtype)
        for connectivity in (1, 2):
            for background in (0, 2):
                expected = segmentation.find_boundaries(labels, connectivity, mode, background)
                np.testing.assert_array_equal(find_boundaries(labels, connectivity, mode, background), expected)


@pytest.mark.compiled
def test_threads_callers_and_layouts():
    labels = blocks((300, 200), range(5), 0)

    def everything():
        return [find_boundaries(labels, mode=mode) for mode in MODES]

    bit_identical_for_threads(everything)
    bit_identical_for_callers(everything, calls=1)
    check_layouts(find_boundaries, labels[:20, :31])


def test_bad_input():
    labels = np.zeros((3, 4), int)
    for call, message in [
        (lambda: find_boundaries(labels[0]), "find_boundaries: label_img must have 2 dimensions"),
        (lambda: find_boundaries(labels[:0]), "find_boundaries: label_img must not be empty"),
        (lambda: find_boundaries(labels, 3), "find_boundaries: connectivity must be from 1 to 2, got 3"),
        (lambda: find_boundaries(labels, mode="thin"), "find_boundaries: mode must be one of 'thick', .*, got 'thin'"),
    ]:
        with pytest.raises(ValueError, match=message):
            call()
    with pytest.raises(TypeError, match="find_boundaries: label_img must be an integer array, got dtype float64"):
        find_boundaries(labels / 2)
