"""Pictures made ready, and labels taken back through what was done to them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smalti.segment import metrics, preprocess, segment
from smalti.segment.preprocess import Geometry
from tests.strategies import examples, seeds, sides

AXES = (None, 0, 1, (0, 1))


def test_any_picture_becomes_rgb():
    gray = np.random.default_rng(0).random((9, 8))
    rgb = preprocess(gray, sigma=0)
    assert rgb.dtype == np.float32
    np.testing.assert_array_equal(rgb, np.repeat(gray.astype(np.float32)[..., None], 3, axis=2))
    clear = np.dstack([rgb, np.zeros((9, 8))]).astype(np.float32)
    np.testing.assert_array_equal(preprocess(clear, sigma=0), np.ones((9, 8, 3)))


def test_resized_then_turned_then_flipped():
    image = np.random.default_rng(0).random((12, 20, 3)).astype(np.float32)
    result = preprocess(image, sigma=0, size=(6, 10), angle=-90, axis=1)
    assert result.shape == (10, 6, 3)
    small = preprocess(image, sigma=0, size=(6, 10))
    np.testing.assert_array_equal(result, np.rot90(small, -1)[:, ::-1])


@examples(60)
@given(
    seeds,
    sides(1, 9),
    sides(1, 9),
    st.integers(1, 3),
    st.sampled_from([0, 90, -90, 180, 270, 450]),
    st.sampled_from(AXES),
)
def test_labels_come_back(seed, height, width, times, angle, axis):
    labels = np.random.default_rng(seed).integers(0, 9, (height, width), dtype=np.int32)
    way = Geometry((times * height, times * width), angle, axis)
    turned = way.apply(labels, order=0)
    np.testing.assert_array_equal(way.undo(turned, labels.shape), labels)
    mask = labels > 4
    np.testing.assert_array_equal(way.undo(way.apply_mask(mask, labels.shape), labels.shape), mask)


@pytest.mark.parametrize("angle", [30, -100.5])
def test_labels_come_back_from_any_angle(angle):
    rows, columns = np.indices((80, 120))
    labels = (rows // 40 + 2 * (columns // 60)).astype(np.int32)
    way = Geometry((40, 60), angle, 0)
    back = way.undo(way.apply(labels, order=0), labels.shape)
    assert metrics.covering(labels[None], back[None]) > 0.9
    inside = way.apply_mask(None, labels.shape)
    assert 40 * 60 <= inside.sum() < 1.15 * 40 * 60 and way.undo(inside, labels.shape).all()


@pytest.mark.parametrize("method", ["kmeans", "watershed"])
@pytest.mark.parametrize("angle", [0, -90, 20])
def test_segment_gives_labels_of_the_pixels_it_got(method, angle):
    image = np.full((60, 80, 3), (0.2, 0.4, 0.6), np.float32)
    image[:, 50:] = 0.9, 0.7, 0.1
    options = {"n_clusters": 2} if method == "kmeans" else {}
    result = segment(image, method, size=(30, 40), angle=angle, axis=1, **options)
    assert result.labels.shape == (60, 80) and result.labels.min() == 0
    truth = (np.arange(80) >= 50) * np.ones((60, 1), int)
    assert metrics.covering(truth[None], result.labels[None]) > 0.9
    mask = np.zeros((60, 80), bool)
    mask[20:21, 30:70] = True
    part = segment(image, method, size=(7, 9), angle=angle, mask=mask, **options)
    np.testing.assert_array_equal(part.labels >= 0, mask)


def test_bad_input():
    image = np.zeros((4, 5, 3))
    for arguments, message in (
        ({"size": 5}, r"preprocess: size must be \(height, width\), got 5"),
        ({"size": (0, 5)}, "preprocess: size must be at least 1, got 0"),
        ({"angle": np.nan}, "preprocess: angle must be finite, got nan"),
        ({"axis": 2}, r"preprocess: axis must be None, 0, 1 or \(0, 1\), got 2"),
        ({"sigma": -1}, "preprocess: sigma must be at least 0, got -1"),
    ):
        with pytest.raises(ValueError, match=message):
            preprocess(image, **arguments)
