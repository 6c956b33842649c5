"""The built-in glyphs: reproducible, legible, one class after the other."""

import numpy as np
import pytest

from smalti import gan


def test_shapes_and_classes():
    images, labels = gan.glyphs(50, rng=3)
    assert images.shape == (50, 28, 28, 1) and images.dtype == np.uint8
    np.testing.assert_array_equal(labels, np.arange(50) % 36)
    assert gan.glyphs(5, characters="AB")[1].tolist() == [0, 1, 0, 1, 0]


def test_seed_decides():
    first, again, other = (gan.glyphs(40, rng=seed)[0] for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any(axis=(1, 2, 3)).all()


def test_every_sample_is_drawn_whole():
    images, _ = gan.glyphs(360)
    assert (images.max(axis=(1, 2, 3)) > 200).all()
    edges = [images[:, 0], images[:, -1], images[:, :, 0], images[:, :, -1]]
    touching = np.max([edge.max(axis=(1, 2)) for edge in edges], axis=0) > 64
    assert touching.mean() < 0.02


def test_samples_of_a_class_differ_and_are_alike():
    images, labels = gan.glyphs(720, rng=0)
    flat = images.reshape(len(images), -1) / 255
    assert len(np.unique(flat, axis=0)) == len(flat)
    means = np.stack([flat[labels == k].mean(axis=0) for k in range(36)])
    nearest = ((flat[:, None] - means) ** 2).sum(axis=2).argmin(axis=1)
    assert (nearest == labels).mean() > 0.75


def test_without_warp_only_the_stroke_differs():
    images, _ = gan.glyphs(40, characters="A", warp=0)
    assert 1 < len(np.unique(images.reshape(40, -1), axis=0)) <= 3


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"n_images": 0}, "n_images must be at least 1, got 0"),
        ({"n_images": 2, "characters": ""}, "characters must be a string without repeats, got ''"),
        ({"n_images": 2, "characters": "AA"}, "characters must be a string without repeats"),
        ({"n_images": 2, "warp": -1}, "warp must be from 0 to 2"),
    ],
)
def test_bad_input(arguments, error):
    with pytest.raises(ValueError, match=f"glyphs: {error}"):
        gan.glyphs(**arguments)
