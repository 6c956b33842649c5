"""Connected components against their twin, scikit-image and scipy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smalti.kernels import label
from tests.helpers import bit_identical_for_callers, bit_identical_for_threads, check_layouts, guarded, posix, run_alone
from tests.reference import label as reference
from tests.strategies import examples, seeds, sides


@st.composite
def maps(draw, volumes=False):
    if volumes:
        shape = draw(sides(1, 19)), draw(sides(1, 7)), draw(sides(1, 70))
    else:
        shape = draw(sides(1, 40)), draw(sides(1, 140))
    dtype = draw(st.sampled_from([bool, np.uint8, np.int16, np.int32, np.int64]))
    values = draw(st.sampled_from([1, 2, 3, 9]))
    rng = np.random.default_rng(draw(seeds))
    image = rng.integers(0, values, shape)
    if draw(st.booleans()):
        image = np.repeat(np.repeat(image, 3, axis=-2), 5, axis=-1)[..., : shape[-2], : shape[-1]]
    return image.astype(dtype)


@examples(80)
@given(maps(), st.sampled_from([1, 2]), st.sampled_from([0, 1, -1]))
def test_against_twin(image, connectivity, background):
    labels, n = label(image, connectivity=connectivity, background=background, return_num=True)
    assert labels.dtype == np.int32
    np.testing.assert_array_equal(labels, reference.label(image, connectivity, background))
    assert n == labels.max(initial=0)


@examples(60)
@given(maps(volumes=True), st.sampled_from([1, 2, 3]), st.sampled_from([0, 1]))
def test_volumes_against_twin(image, connectivity, background):
    labels, n = label(image, connectivity=connectivity, background=background, return_num=True)
    np.testing.assert_array_equal(labels, reference.label(image, connectivity, background))
    assert n == labels.max(initial=0)


@pytest.mark.compiled
@pytest.mark.parametrize("connectivity", [1, 2, 3])
def test_volumes_against_skimage(connectivity):
    """Of several bands, whose seams are planes."""
    measure = pytest.importorskip("skimage.measure")
    for share in (0.1, 0.3):
        image = np.random.default_rng(0).random((41, 60, 50)) < share
        labels = bit_identical_for_threads(lambda image=image: label(image, connectivity=connectivity))
        np.testing.assert_array_equal(labels, measure.label(image, connectivity=connectivity))
    np.testing.assert_array_equal(label(image), measure.label(image))


@pytest.mark.compiled
@pytest.mark.parametrize("connectivity", [1, 2])
@pytest.mark.parametrize("share", [0.1, 0.41, 0.6, 0.95])
def test_against_skimage(connectivity, share):
    measure = pytest.importorskip("skimage.measure")
    image = np.random.default_rng(0).random((700, 517)) < share
    np.testing.assert_array_equal(
        label(image, connectivity=connectivity), measure.label(image, connectivity=connectivity)
    )
    levels = np.random.default_rng(1).integers(0, 4, (300, 413))
    np.testing.assert_array_equal(
        label(levels, connectivity=connectivity), measure.label(levels, connectivity=connectivity)
    )


def test_spiral_and_comb():
    """One component with the longest way round, and teeth that only the last row joins."""
    comb = np.zeros((60, 61), int)
    comb[:, ::2] = 1
    comb[-1] = 1
    assert label(comb).max() == 1
    assert label(comb[:-1]).max() == 31


def test_components_do_not_depend_on_orientation():
    image = np.random.default_rng(0).random((50, 70)) < 0.5
    counts = {label(turned).max() for turned in (image, image[::-1], image[:, ::-1], image.T)}
    assert len(counts) == 1


@pytest.mark.compiled
def test_threads_and_callers():
    image = np.random.default_rng(0).random((900, 700)) < 0.5
    bit_identical_for_threads(lambda: [label(image), label(image, connectivity=1)])
    bit_identical_for_callers(lambda: label(image))


def test_layouts_and_empty():
    check_layouts(label, np.random.default_rng(0).integers(0, 3, (20, 31)))
    check_layouts(label, np.random.default_rng(0).integers(0, 3, (4, 5, 31)))
    assert label(np.zeros((0, 5), int)).shape == (0, 5)
    assert label(np.zeros((3, 0, 5), int)).shape == (3, 0, 5)
    assert label(np.zeros((3, 3), int), return_num=True)[1] == 0


def test_bad_input():
    image = np.zeros((3, 4), int)
    for call, message in [
        (lambda: label(image[0]), "label: image must have 2 or 3 dimensions"),
        (lambda: label(image[0] + 2**20), "label: image must have 2 or 3 dimensions"),
        (lambda: label(image[None], connectivity=4), "label: connectivity must be from 1 to 3, got 4"),
        (lambda: label(image, connectivity=3), "label: connectivity must be from 1 to 2, got 3"),
        (lambda: label(image + 2**40), "label: image must fit into int32"),
    ]:
        with pytest.raises(ValueError, match=message):
            call()
    with pytest.raises(TypeError, match="label: image must be an integer array, got dtype float64"):
        label(image / 2)


def _protected():
    for side in ("start", "end"):
        for shape in [(1, 1), (3, 63), (5, 64), (4, 65), (7, 130), (9, 2, 65)]:
            for dtype in (np.uint8, np.int32):
                label(guarded(np.random.default_rng(0).integers(0, 2, shape).astype(dtype), side))


@posix
@pytest.mark.compiled
def test_stays_within_its_arrays():
    run_alone(_protected)
