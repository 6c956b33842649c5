"""The DCGAN: its layers, their shapes and their first weights."""

import numpy as np
import pytest

from smalti import gan, nn


def test_architecture():
    model = gan.dcgan((28, 28, 1))
    assert model.latent_dim == 100 and model.image_shape == (28, 28, 1)
    shapes = {name: p.shape for name, p in model.generator.named_parameters()}
    assert list(shapes.values()) == [
        (100, 7 * 7 * 128), (128,), (128,), (4, 4, 64, 128), (64,), (64,), (4, 4, 1, 64), (1,)
    ]  # fmt: skip
    shapes = {name: p.shape for name, p in model.discriminator.named_parameters()}
    assert list(shapes.values()) == [(4, 4, 1, 64), (64,), (4, 4, 64, 128), (128,), (128,), (7 * 7 * 128, 1), (1,)]
    kinds = [type(layer).__name__ for layer in model.generator.layers]
    assert kinds == "Dense Reshape BatchNorm ReLU Conv2DTranspose BatchNorm ReLU Conv2DTranspose Tanh".split()
    kinds = [type(layer).__name__ for layer in model.discriminator.layers]
    assert kinds == "Conv2D LeakyReLU Conv2D BatchNorm LeakyReLU Flatten Dense".split()
    assert [layer.negative_slope for layer in model.discriminator.layers if isinstance(layer, nn.LeakyReLU)] == [
        0.2,
        0.2,
    ]


def test_parameter_counts():
    model = gan.dcgan((28, 28, 1))
    assert sum(p.size for p in model.generator.parameters()) == 759_681
    assert sum(p.size for p in model.discriminator.parameters()) == 138_689


def test_first_weights():
    model = gan.dcgan((28, 28, 1))
    for network in (model.generator, model.discriminator):
        for name, p in network.named_parameters():
            if name.endswith("kernel"):
                n = p.size
                assert abs(p.data.mean()) < 5 * 0.02 / np.sqrt(n), name
                assert abs(p.data.std() / 0.02 - 1) < 5 / np.sqrt(2 * n), name
            else:
                np.testing.assert_array_equal(p.data, 1 if name.endswith("gamma") else 0, name)


@pytest.mark.parametrize("shape", [(28, 28, 1), (8, 12, 3), (4, 4, 1)])
def test_shapes_through_the_networks(shape):
    model = gan.dcgan(shape, latent_dim=5, width=4)
    latents = np.random.default_rng(0).standard_normal((3, 5), np.float32)
    pictures = model.generator(nn.tensor(latents))
    assert pictures.shape == (3, *shape) and np.abs(pictures.numpy()).max() <= 1
    assert model.discriminator(pictures).shape == (3, 1)


def test_seed_decides():
    first, again, other = (gan.dcgan((8, 8, 1), width=4, rng=seed).generator.state_dict() for seed in (1, 1, 2))
    assert all(np.array_equal(first[key], again[key]) for key in first)
    assert not np.array_equal(first["layers.0.kernel"], other["layers.0.kernel"])


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"image_shape": (28, 28)}, r"image_shape must be \(H, W, C\), got \(28, 28\)"),
        ({"image_shape": (30, 28, 1)}, r"multiples of 4, C 1 or 3, got \(30, 28, 1\)"),
        ({"image_shape": (28, 28, 2)}, r"multiples of 4, C 1 or 3, got \(28, 28, 2\)"),
        ({"image_shape": (0, 28, 1)}, "image_shape must be at least 1, got 0"),
        ({"image_shape": (28, 28, 1), "latent_dim": 0}, "latent_dim must be at least 1"),
        ({"image_shape": (28, 28, 1), "width": 0}, "width must be at least 1"),
    ],
)
def test_bad_input(arguments, reason):
    with pytest.raises(ValueError, match=f"dcgan: .*{reason}"):
        gan.dcgan(**arguments)
