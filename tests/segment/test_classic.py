"""The pipeline of the textbooks: its steps on pictures whose answer is known, and as a whole."""

import numpy as np
import pytest

from smalti.segment import classic, metrics, segment
from tests.helpers import bit_identical_for_threads


def test_steps_of_colour_and_texture():
    rgb = np.zeros((6, 8, 3), np.float32)
    rgb[:, 4:] = 0, 1, 0
    steps = classic.color_steps(rgb)
    assert (steps[:, :4] == 0).all()
    assert (steps[:, 4:] == (2 * 8 + 7) * 8 + 7).all()  # hue 1/3, saturation 1, value 1
    texture = classic.texture_steps(rgb[..., 1])
    assert texture.min() >= 0 and texture.max() < 32
    assert (texture[:, 0] == 16).all() and texture[0, 3] > 16 > texture[0, 4]


def test_edges_have_opencvs_thresholds():
    gray = np.zeros((9, 12), np.float32)
    gray[:, 6:] = 30 / 255  # a step of 30 has the gradient 120: enough to go on, not to begin
    assert not classic.edges(gray).any()
    gray[4, 6:] = 60 / 255
    assert classic.edges(gray).any()


def test_features_are_histograms():
    rgb = np.random.default_rng(0).random((20, 24, 3)).astype(np.float32)
    stack = classic.features(rgb)
    n = len(np.unique(classic.color_steps(rgb)))
    assert stack.shape == (20, 24, n + 32 + 2)
    np.testing.assert_allclose(stack[..., :n].sum(axis=2), 1, rtol=1e-5)
    np.testing.assert_allclose(stack[..., n:-2].sum(axis=2), 1, rtol=1e-5)
    np.testing.assert_allclose(stack[..., -2:].sum(axis=2), 1, rtol=1e-5)


@pytest.mark.compiled
def test_two_halves():
    rng = np.random.default_rng(0)
    image = np.full((100, 140, 3), (0.8, 0.2, 0.1), np.float32)
    image[:, 60:] = 0.1, 0.3, 0.7
    image += rng.normal(0, 0.02, image.shape).astype(np.float32)
    result = segment(np.clip(image, 0, 1), "classic")
    truth = (np.arange(140) >= 60) * np.ones((100, 1), int)
    assert result.n_regions == 2 and metrics.covering(truth[None], result.labels[None]) > 0.97
    pictures = classic.steps(np.clip(image, 0, 1))
    assert len(pictures) == 7
    for name, picture in pictures.items():
        assert picture.shape == (224, 224, 3) and picture.dtype == np.uint8, name
    # Turned clockwise and flipped left to right, what was on the left lies on top.
    assert pictures["resized, turned, flipped"][0, 0].argmax() == 0
    assert pictures["resized, turned, flipped"][-1, 0].argmax() == 2
    assert classic.steps_sheet(np.clip(image, 0, 1)).ndim == 3


@pytest.mark.compiled
def test_threads():
    image = np.random.default_rng(1).random((50, 60, 3))
    bit_identical_for_threads(lambda: segment(image, "classic").labels)


@pytest.mark.compiled
@pytest.mark.parametrize("shape", [(1, 1, 3), (2, 300, 3)])
def test_small_and_constant_pictures(shape):
    assert segment(np.full(shape, 0.5), "classic").n_regions == 1


def test_bad_input():
    with pytest.raises(ValueError, match="steps: n_clusters must be at least 1, got 0"):
        classic.steps(np.zeros((4, 4)), n_clusters=0)
