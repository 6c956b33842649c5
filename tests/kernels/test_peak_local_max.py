"""Peaks against the twin and scikit-image."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smalti.kernels import peak_local_max
from tests.helpers import bit_identical_for_callers, bit_identical_for_threads, check_layouts, posix
from tests.reference import peak_local_max as reference
from tests.strategies import examples, images, seeds, sides

DTYPES = (np.uint8, np.uint16, np.int32, np.float32, np.float64)


@examples(200)
@given(
    images(dtypes=DTYPES, channels=(None,)), st.integers(0, 6), st.none() | st.integers(0, 5),
    st.none() | st.integers(0, 30),
)  # fmt: skip
def test_against_the_twin(image, distance, border, num_peaks):
    threshold = float(np.median(image))
    borders = (distance, distance) if border is None else (border, border)
    ours = peak_local_max(
        image, distance, threshold, exclude_border=True if border is None else border,
        num_peaks=np.inf if num_peaks is None else num_peaks,
    )  # fmt: skip
    assert ours.dtype == np.int64
    np.testing.assert_array_equal(ours, reference.peak_local_max(image, distance, threshold, borders, num_peaks))


@examples(100)
@given(seeds, sides(2, 20), sides(2, 20), st.integers(1, 4), st.sampled_from([1, 3, np.inf]))
def test_labels_against_the_twin(seed, height, width, distance, most):
    rng = np.random.default_rng(seed)
    image = rng.permutation(height * width).reshape(height, width)
    labels = np.maximum(rng.integers(-1, 4, (height, width)), 0)
    for label, count in zip(*np.unique(labels, return_counts=True), strict=True):
        labels[labels == label] *= count > 1  # a region of one pixel is a plain
    expected = reference.peaks_of_labels(image, distance, 0, labels, None if most == np.inf else most)
    ours = peak_local_max(
        image, distance, 0, exclude_border=False, labels=labels, num_peaks_per_label=most
    )  # fmt: skip
    np.testing.assert_array_equal(ours, expected)


@pytest.mark.compiled
@pytest.mark.parametrize("levels", [2, 40])
def test_footprints_and_labels_against_scikit_image(levels):
    feature = pytest.importorskip("skimage.feature")
    rng = np.random.default_rng(4)
    labels = np.repeat(np.repeat(rng.integers(0, 6, (9, 11)), 5, axis=0), 5, axis=1) * (rng.random((45, 55)) < 0.98)
    for dtype in (np.uint8, np.float32):
        image = rng.integers(1, levels, labels.shape).astype(dtype)
        footprint = rng.random((4, 5)) < 0.5
        footprint[2, 2] = True
        for options in (
            {"footprint": footprint}, {"footprint": footprint, "min_distance": 3}, {"footprint": np.ones((1, 1))},
            {"labels": labels}, {"labels": labels, "exclude_border": False, "min_distance": 2},
            {"labels": labels, "num_peaks_per_label": 2}, {"labels": labels, "num_peaks": 7, "min_distance": 2},
            {"labels": labels, "footprint": footprint, "threshold_rel": 0.7}, {"labels": labels * 0},
        ):  # fmt: skip
            np.testing.assert_array_equal(peak_local_max(image, **options), feature.peak_local_max(image, **options))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("levels", [4, 200])
def test_against_scikit_image(dtype, levels):
    feature = pytest.importorskip("skimage.feature")
    image = np.random.default_rng(0).integers(1, levels, (41, 53)).astype(dtype)
    for options in (
        {}, {"min_distance": 2}, {"min_distance": 5}, {"min_distance": 3, "exclude_border": False},
        {"min_distance": 4, "exclude_border": 2}, {"exclude_border": (3, 0)}, {"threshold_abs": levels // 2},
        {"threshold_rel": 0.9}, {"threshold_abs": 2, "threshold_rel": 0.5, "num_peaks": 7},
        {"min_distance": 2, "num_peaks": 9}, {"min_distance": 60, "exclude_border": False}, {"exclude_border": 30},
    ):  # fmt: skip
        np.testing.assert_array_equal(peak_local_max(image, **options), feature.peak_local_max(image, **options))


def test_pictures_without_peaks():
    assert peak_local_max(np.zeros((9, 9))).shape == (0, 2)
    assert peak_local_max(np.full((9, 9), 7.0), threshold_abs=1).shape == (0, 2)
    assert peak_local_max(np.ones((1, 1))).shape == (0, 2)
    np.testing.assert_array_equal(peak_local_max(np.ones((1, 1)), 1, 0.5, exclude_border=False), [[0, 0]])
    np.testing.assert_array_equal(
        peak_local_max(np.eye(3, dtype=bool), 0, exclude_border=False), [[0, 0], [1, 1], [2, 2]]
    )


def test_no_distance_is_too_great():
    image = np.arange(20.0).reshape(4, 5)
    assert peak_local_max(image, min_distance=10**6, exclude_border=False).tolist() == [[3, 4]]


def test_a_plateau_is_one_peak_or_several_apart():
    image = np.zeros((20, 40))
    image[8:12, 5:35] = 1
    peaks = peak_local_max(image, 4)
    apart = np.abs(peaks[:, None] - peaks).max(axis=2)[~np.eye(len(peaks), dtype=bool)]
    assert len(peaks) > 1 and apart.min() >= 4
    np.testing.assert_array_equal(peaks[0], [8, 5])


@pytest.mark.compiled
def test_threads():
    image = np.random.default_rng(1).integers(0, 99, (301, 200)).astype(np.uint8)
    bit_identical_for_threads(lambda: peak_local_max(image, 3))


@posix
@pytest.mark.compiled
def test_callers():
    image = np.random.default_rng(2).random((200, 301)).astype(np.float32)
    bit_identical_for_callers(lambda: peak_local_max(image, 2))


def test_layouts():
    check_layouts(lambda x: peak_local_max(x, 2), np.random.default_rng(3).random((19, 24)))


@pytest.mark.parametrize(
    ("image", "options", "error", "message"),
    [
        (np.zeros(3), {}, ValueError, "image must have 2 dimensions"),
        (np.zeros((0, 3)), {}, ValueError, "image must not be empty"),
        (np.zeros((2, 2), complex), {}, TypeError, "image must be an array of real numbers"),
        (np.array([[1, np.nan]]), {}, ValueError, "image must be finite"),
        (np.zeros((4, 4)), {"min_distance": 1.5}, TypeError, "min_distance must be an int"),
        (np.zeros((4, 4)), {"min_distance": -1}, ValueError, "min_distance must be at least 0"),
        (np.zeros((4, 4)), {"threshold_abs": "high"}, TypeError, "threshold_abs must be a number"),
        (np.zeros((4, 4)), {"threshold_rel": np.nan}, ValueError, "threshold_rel must be finite"),
        (np.zeros((4, 4)), {"exclude_border": -1}, ValueError, "exclude_border must be at least 0"),
        (
            np.zeros((4, 4)),
            {"exclude_border": (1, 2, 3)},
            ValueError,
            "exclude_border must be a bool, an int or a pair",
        ),
        (np.zeros((4, 4)), {"num_peaks": -2}, ValueError, "num_peaks must be at least 0"),
        (np.zeros((4, 4)), {"num_peaks_per_label": 0.5}, TypeError, "num_peaks_per_label must be an int"),
        (np.zeros((4, 4)), {"footprint": np.ones(3)}, ValueError, "footprint must have two dimensions"),
        (np.zeros((4, 4)), {"footprint": np.zeros((3, 3))}, ValueError, "footprint must hold at least one element"),
        (np.zeros((4, 4)), {"labels": np.ones((4, 3), int)}, ValueError, r"labels must have shape \(4, 4\)"),
        (np.zeros((4, 4)), {"labels": np.ones((4, 4))}, TypeError, "labels must be an integer array"),
    ],
)
def test_bad_input(image, options, error, message):
    with pytest.raises(error, match=f"peak_local_max: {message}"):
        peak_local_max(image, **options)
