"""Pictures of a model: from a seed, of a class, on the way from one to another."""

import numpy as np
import pytest

from smalti import gan
from smalti.gan.sampling import _great_circle
from tests.gan.tiny import tiny_cgan, tiny_model

pytestmark = pytest.mark.compiled  # plain Python takes minutes for what these do


def test_generate_depends_on_seed_only():
    model = tiny_model()
    images = gan.generate(model, 70, rng=5)
    np.testing.assert_array_equal(images[:3], gan.generate(model, 3, rng=5))
    assert not np.array_equal(images[:3], gan.generate(model, 3, rng=6))
    assert model.generator.training, "generate must leave the mode as it was"


def test_bad_sampling():
    with pytest.raises(ValueError, match="generate: n must be at least 1, got 0"):
        gan.generate(tiny_model(), 0)
    with pytest.raises(ValueError, match="not conditioned on classes"):
        gan.generate(tiny_model(), 2, labels=[0, 1])
    with pytest.raises(TypeError, match="expected the path of a run or a GAN, got int"):
        gan.generate(3, 2)

    with pytest.raises(ValueError, match="generate: labels must be in 0 to 1, got values from 2 to 2"):
        gan.generate(tiny_cgan(), 2, labels=2)
    with pytest.raises(ValueError, match=r"generate: labels must have shape \(2,\) or be one class"):
        gan.generate(tiny_cgan(), 2, labels=[0, 1, 1])
    with pytest.raises(ValueError, match="generate: truncation must be at least"):
        gan.generate(tiny_model(), 2, truncation=0)
    with pytest.raises(ValueError, match="interpolate: n must be at least 2"):
        gan.interpolate(tiny_model(), 1)
    with pytest.raises(ValueError, match="interpolate: labels were given, but"):
        gan.interpolate(tiny_model(), 3, labels=(0, 1))


def test_classes_in_turn_and_by_name():
    model = tiny_cgan()
    in_turn = gan.generate(model, 5, rng=0)
    np.testing.assert_array_equal(in_turn, gan.generate(model, 5, labels=[0, 1, 0, 1, 0], rng=0))
    zeros = gan.generate(model, 5, labels=0, rng=0)
    np.testing.assert_array_equal(zeros[::2], in_turn[::2])
    assert not np.array_equal(zeros[1::2], in_turn[1::2])


def test_truncation():
    seen = []
    model = tiny_model()
    generator = model.generator
    forward = generator.forward
    generator.forward = lambda latents: seen.append(latents.data) or forward(latents)
    images = gan.generate(model, 9, truncation=0.5, rng=5)
    assert np.abs(seen[0]).max() <= 0.5 and len(np.unique(seen[0])) == seen[0].size
    np.testing.assert_array_equal(images[:3], gan.generate(model, 3, truncation=0.5, rng=5))


def test_interpolation_between_latents():
    model = tiny_model()
    way = gan.interpolate(model, 33, rng=1)
    assert way.shape == (33, 8, 12, 1)
    np.testing.assert_allclose(way[[0, -1]], gan.generate(model, 2, rng=1), atol=1e-5)
    steps = np.abs(np.diff(way, axis=0)).mean(axis=(1, 2, 3))
    assert 0 < steps.min() and steps.max() < 5 * steps.min()


def test_interpolation_between_classes():
    model = tiny_cgan()
    way = gan.interpolate(model, 5, labels=(0, 1), rng=1)
    np.testing.assert_allclose(way[0], gan.generate(model, 1, labels=0, rng=1)[0], atol=1e-5)
    np.testing.assert_allclose(way[-1], gan.generate(model, 1, labels=1, rng=1)[0], atol=1e-5)
    of_one = gan.interpolate(model, 5, labels=1, rng=1)
    np.testing.assert_allclose(of_one[[0, -1]], gan.generate(model, 2, labels=1, rng=1), atol=1e-5)


def test_length_of_what_lies_between():
    """A latent of the length that a normal one has: not through the middle, where no latents are."""
    first, last = np.float32([3, 0, 0]), np.float32([0, 1, 0])
    points = _great_circle(first, last, np.linspace(0, 1, 5, dtype=np.float32)[:, None])
    np.testing.assert_allclose(np.linalg.norm(points, axis=1), [3, 2.5, 2, 1.5, 1], rtol=1e-5)
    np.testing.assert_allclose(points[[0, -1]], [first, last], atol=1e-6)
    same = _great_circle(first, first, np.float32([[0], [0.5], [1]]))
    np.testing.assert_array_equal(same, [first] * 3)
