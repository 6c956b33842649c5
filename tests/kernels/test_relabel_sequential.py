"""Labels without gaps against their twin and scikit-image."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smalti.kernels import relabel_sequential
from tests.helpers import bit_identical_for_threads, check_layouts, guarded, posix, run_alone
from tests.reference import relabel_sequential as reference
from tests.strategies import examples, seeds, sides


@st.composite
def label_fields(draw):
    """Of one to three dimensions, with and without background, labels close together and far apart."""
    dtype = draw(st.sampled_from([np.int8, np.uint8, np.uint16, np.int32, np.uint32, np.int64, np.uint64]))
    shape = tuple(draw(st.lists(sides(1, 12), min_size=1, max_size=3)))
    highest = min(draw(st.sampled_from([1, 5, 120, 60_000, 10**6, 2**62])), np.iinfo(dtype).max)
    rng = np.random.default_rng(draw(seeds))
    values = rng.integers(draw(st.integers(0, 1)), highest, 6, endpoint=True)
    return values[rng.integers(0, 6, shape)].astype(dtype)


@examples(150)
@given(label_fields(), st.sampled_from([1, 2, 125, 70_000, 2**31]))
def test_against_twin(labels, offset):
    relabeled, forward_map, inverse_map = relabel_sequential(labels, offset)
    np.testing.assert_array_equal(relabeled, reference.relabel_sequential(labels, offset))
    for back, result in ((forward_map[labels], relabeled), (inverse_map[relabeled], labels)):
        np.testing.assert_array_equal(back, result)
        assert back.dtype == result.dtype
    if labels.max() < 2**20 and offset < 2**20:
        np.testing.assert_array_equal(np.asarray(forward_map)[labels], relabeled)
        np.testing.assert_array_equal(np.asarray(inverse_map)[relabeled], labels)


@examples(60)
@given(label_fields(), st.sampled_from([1, 125]))
def test_against_skimage(labels, offset):
    segmentation = pytest.importorskip("skimage.segmentation")
    ours, theirs = relabel_sequential(labels, offset), segmentation.relabel_sequential(labels, offset)
    np.testing.assert_array_equal(ours[0], theirs[0])
    assert ours[0].dtype == theirs[0].dtype
    for our_map, their_map in zip(ours[1:], theirs[1:], strict=True):
        assert len(our_map) == len(their_map)
        np.testing.assert_array_equal(our_map.in_values, their_map.in_values)
        np.testing.assert_array_equal(our_map.out_values, their_map.out_values)


def test_labels_that_a_map_does_not_know_become_0():
    _, forward_map, inverse_map = relabel_sequential(np.array([3, 8, 8]), offset=5)
    np.testing.assert_array_equal(forward_map[[0, 3, 4, 8, 99]], [0, 5, 0, 6, 0])
    np.testing.assert_array_equal(inverse_map[[0, 5, 6, 7]], [0, 3, 8, 0])


@pytest.mark.compiled
def test_threads():
    labels = np.random.default_rng(0).integers(0, 3000, (700, 800)) ** 2
    bit_identical_for_threads(lambda: relabel_sequential(labels)[0])


def test_layouts():
    for scale in (1, 2**40):
        check_layouts(lambda x: relabel_sequential(x)[0], scale * np.random.default_rng(0).integers(0, 9, (5, 13)))


def test_bad_input():
    for call, message in [
        (lambda: relabel_sequential(np.array([1, -2])), "relabel_sequential: label_field must be at least 0, got -2"),
        (lambda: relabel_sequential(np.zeros((0, 3), int)), "relabel_sequential: label_field must not be empty"),
        (lambda: relabel_sequential(np.array([1]), 0), "relabel_sequential: offset must be at least 1, got 0"),
    ]:
        with pytest.raises(ValueError, match=message):
            call()
    with pytest.raises(TypeError, match="relabel_sequential: label_field must be an integer array, got dtype float64"):
        relabel_sequential(np.ones(3))
    with pytest.raises(TypeError, match="relabel_sequential: offset must be an int"):
        relabel_sequential(np.array([1]), 1.5)


def _protected():
    for side in ("start", "end"):
        for n in (1, 63, 1024):
            relabel_sequential(guarded(np.arange(n, dtype=np.int32), side))


@posix
@pytest.mark.compiled
def test_stays_within_its_arrays():
    run_alone(_protected)
