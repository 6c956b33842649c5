"""Flooding against its twin and scikit-image; markers, masks, lines and plateaus."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smalti.kernels import watershed
from tests.helpers import bit_identical_for_callers, bit_identical_for_threads, check_layouts
from tests.reference import watershed as reference
from tests.strategies import PIXELS, arrays, examples, seeds, sides


@st.composite
def cases(draw):
    shape = (draw(sides(1, 20)), draw(sides(1, 20)))
    image = draw(arrays(shape, PIXELS, low=-1, high=1))
    rng = np.random.default_rng(draw(seeds))
    markers = np.where(rng.random(shape) < 0.1, rng.integers(1, 6, shape), 0).astype(np.int32)
    markers[rng.integers(shape[0]), rng.integers(shape[1])] = 3
    mask = None if draw(st.booleans()) else (rng.random(shape) < 0.8) | (markers == 3)
    return image, markers, draw(st.sampled_from([1, 2])), mask


@examples(80)
@given(cases(), st.sampled_from([0, 0, 0.01, 1, 300]), st.booleans())
def test_against_twin(case, compactness, lines):
    image, markers, connectivity, mask = case
    labels = watershed(image, markers, connectivity, mask=mask, compactness=compactness, watershed_line=lines)
    assert labels.dtype == np.int32
    expected = reference.watershed(image, markers, connectivity, mask, compactness, lines)
    np.testing.assert_array_equal(labels, expected)


@examples(60)
@given(cases())
def test_local_minima_as_markers(case):
    image, _, connectivity, mask = case
    minima = reference.local_minima(image, connectivity, mask)
    expected = reference.watershed(image, minima, connectivity, mask)
    np.testing.assert_array_equal(watershed(image, None, connectivity, mask=mask), expected)


@pytest.mark.parametrize("connectivity", [1, 2])
def test_against_skimage_without_ties(connectivity):
    segmentation = pytest.importorskip("skimage.segmentation")
    rng = np.random.default_rng(0)
    image = rng.permutation(90 * 70).reshape(90, 70)
    markers = np.zeros(image.shape, int)
    markers[rng.integers(0, 90, 30), rng.integers(0, 70, 30)] = np.arange(1, 31)
    for picture in (image, image / 6300, (image * 10).astype(np.uint16), image.astype(np.float32)):
        expected = segmentation.watershed(picture, markers, connectivity)
        np.testing.assert_array_equal(watershed(picture, markers, connectivity), expected)
        expected = segmentation.watershed(picture, connectivity=connectivity)
        np.testing.assert_array_equal(watershed(picture, connectivity=connectivity), expected)
        for compactness in (1e-3, 0.7):
            expected = segmentation.watershed(picture, markers, connectivity, compactness=compactness)
            np.testing.assert_array_equal(watershed(picture, markers, connectivity, compactness=compactness), expected)


def test_number_of_markers_as_skimage():
    segmentation = pytest.importorskip("skimage.segmentation")
    rng = np.random.default_rng(1)
    for shape in [(30, 40), (3, 50), (50, 1), (7, 7)]:
        image = rng.permutation(shape[0] * shape[1]).reshape(shape).astype(np.float32)
        for count in (1, 2, 5, 23, 49, 5000):
            np.testing.assert_array_equal(watershed(image, count), segmentation.watershed(image, count))
    image, mask = rng.permutation(1200).reshape(30, 40) / 1200, np.zeros((30, 40), bool)
    mask[5:, 8:30] = True
    expected = segmentation.watershed(image, 9, mask=mask)
    np.testing.assert_array_equal(watershed(image, 9, mask=mask), expected)


def test_plateau_is_shared_by_distance():
    markers = np.zeros((1, 9), int)
    markers[0, [0, 8]] = 1, 2
    np.testing.assert_array_equal(watershed(np.zeros((1, 9)), markers), [[1, 1, 1, 1, 1, 2, 2, 2, 2]])


def test_line_takes_nothing_else_away():
    rng = np.random.default_rng(0)
    image = rng.random((40, 50))
    plain = watershed(image, 12)
    lined = watershed(image, 12, watershed_line=True)
    np.testing.assert_array_equal(lined[lined > 0], plain[lined > 0])
    right = (lined[:, 1:] != lined[:, :-1]) & (lined[:, 1:] > 0) & (lined[:, :-1] > 0)
    assert not right.any()
    assert len(np.unique(plain)) == 12


def test_line_loses_no_region():
    """Also one pixel wide, and where markers touch."""
    labels = watershed(np.zeros((1, 6)), [[1, 2, 0, 0, 3, 0]], watershed_line=True)
    np.testing.assert_array_equal(labels, [[1, 2, 2, 0, 3, 3]])
    labels = watershed(np.zeros((1, 4)), [[3, 0, 1, 0]], watershed_line=True)
    np.testing.assert_array_equal(labels, [[3, 0, 1, 1]])


@pytest.mark.parametrize("column", [8, 13])
def test_lines_between_markers(column):
    """They are taken from the regions that there are without them, and lie wherever these touch, but for touching
    markers, which stay (scikit-image issue 6279)."""
    image = np.arange(13 * 22).reshape(13, 22)
    markers = np.zeros(image.shape, int)
    rows, columns = np.mgrid[:13, :22]
    markers[abs(rows - 6) + abs(columns - 6) <= 5] = 1
    markers[4:8, column:19] = 2
    plain, lined = watershed(image, markers), watershed(image, markers, watershed_line=True)
    np.testing.assert_array_equal(lined[lined > 0], plain[lined > 0])
    np.testing.assert_array_equal(lined[markers > 0], markers[markers > 0])
    assert 0 < np.count_nonzero(lined == 0) < 30
    for regions, marks in ((lined, markers), (lined.T, markers.T)):
        touching = (regions[1:] != regions[:-1]) & (regions[1:] > 0) & (regions[:-1] > 0)
        assert ((marks[1:] > 0) & (marks[:-1] > 0))[touching].all()


def test_same_for_all_dtypes_and_layouts():
    image = np.random.default_rng(0).integers(0, 256, (20, 30), dtype=np.uint8)
    expected = watershed(image, 7)
    for dtype in (np.uint16, np.int64, np.float32, np.float64):
        np.testing.assert_array_equal(watershed(image.astype(dtype), 7), expected)
    markers = np.zeros(image.shape, np.int32)
    markers[::7, ::9] = np.arange(1, 13).reshape(3, 4)
    check_layouts(watershed, image, markers)


@pytest.mark.compiled
def test_threads_and_callers():
    image = np.random.default_rng(0).random((300, 400), dtype=np.float32)

    def everything():
        return [
            watershed(image),
            watershed(image, 40, compactness=0.1),
            watershed((image * 255).astype(np.uint8), 40, 2, watershed_line=True),
        ]

    bit_identical_for_threads(everything)
    bit_identical_for_callers(everything, calls=1)


def test_small_pictures():
    np.testing.assert_array_equal(watershed([[3.0]]), [[1]])
    np.testing.assert_array_equal(watershed(np.zeros((3, 4))), np.ones((3, 4)))
    np.testing.assert_array_equal(watershed(np.array([[-0.0, 0.0, -1.0, 0.0]], np.float32)), [[1, 1, 1, 1]])


def test_bad_input():
    image = np.zeros((3, 4))
    corner = np.arange(12).reshape(3, 4) == 0
    for call, message in [
        (lambda: watershed(np.array([[np.nan]])), r"watershed: image must be finite, got nan at \(0, 0\)"),
        (lambda: watershed(image[0]), r"watershed: image must have 2 dimensions, got shape \(4,\)"),
        (lambda: watershed(image[:0]), "watershed: image must not be empty"),
        (lambda: watershed(image, np.zeros((4, 3), int)), r"markers must have shape \(3, 4\), got \(4, 3\)"),
        (lambda: watershed(image, np.zeros((3, 4), int)), "watershed: markers must not all be 0"),
        (lambda: watershed(image, 0), "watershed: markers must be at least 1, got 0"),
        (lambda: watershed(image, np.full((3, 4), -1)), "watershed: markers must be at least 0, got -1"),
        (lambda: watershed(image, 4, 3), "watershed: connectivity must be from 1 to 2, got 3"),
        (lambda: watershed(image, 4, compactness=-1), "watershed: compactness must be at least 0, got -1"),
        (lambda: watershed(image, 4, compactness=1e308), "image and compactness times distance must be finite"),
        (lambda: watershed(image, 4, mask=np.zeros((3, 4), bool)), "markers must not all be 0 within the mask"),
        (lambda: watershed(image, 1 * corner, mask=~corner), "markers must not all be 0 within the mask"),
        (lambda: watershed(image, 4, mask=np.zeros((3, 3), bool)), r"mask must have shape \(3, 4\), got \(3, 3\)"),
    ]:
        with pytest.raises(ValueError, match=message):
            call()
    with pytest.raises(TypeError, match="watershed: markers must be an integer array, got dtype float64"):
        watershed(image, np.ones((3, 4)))
