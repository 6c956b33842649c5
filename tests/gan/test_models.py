"""The models: their layers, their shapes and their first weights."""

import numpy as np
import pytest

from smalti import gan, kernels, nn


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


@pytest.mark.parametrize(
    ("shape", "inner", "widths"),
    [
        ((16, 16, 3), (4, 4), [1, 2]),
        ((24, 32, 1), (6, 8), [1, 2]),
        ((32, 32, 3), (4, 4), [1, 2, 4]),
        ((64, 64, 1), (4, 4), [1, 2, 4, 8]),
        ((128, 128, 3), (4, 4), [1, 2, 4, 8, 8]),
        ((36, 28, 1), (9, 7), [1, 2]),
    ],
)
def test_sizes(shape, inner, widths):
    model = gan.dcgan(shape, width=2)
    doubled = [layer.filters for layer in model.generator.layers if isinstance(layer, nn.Conv2DTranspose)]
    halved = [layer.filters for layer in model.discriminator.layers if isinstance(layer, nn.Conv2D)]
    assert halved == [2 * w for w in widths] and doubled == [*halved[-2::-1], shape[2]]
    assert model.generator.layers[1].target_shape == (*inner, halved[-1])
    assert sum(isinstance(layer, nn.BatchNorm) for layer in model.discriminator.layers) == len(widths) - 1
    plain = gan.dcgan(shape, width=2, discriminator_norm=False).discriminator
    assert not any(isinstance(layer, nn.BatchNorm) for layer in plain.layers)
    assert all(layer.use_bias for layer in plain.layers if isinstance(layer, nn.Conv2D))


def test_mlp():
    model = gan.mlp((28, 28, 1))
    shapes = [p.shape for name, p in model.generator.named_parameters() if name.endswith("kernel")]
    assert shapes == [(100, 256), (256, 512), (512, 1024), (1024, 784)]
    shapes = [p.shape for name, p in model.discriminator.named_parameters() if name.endswith("kernel")]
    assert shapes == [(3, 3, 1, 64), (3, 3, 64, 128), (3, 3, 128, 256), (2 * 2 * 256, 1)]
    kinds = [type(layer).__name__ for layer in model.discriminator.layers]
    assert kinds == [*3 * ["Conv2D", "ReLU", "BatchNorm"], "Flatten", "Dense"]
    pictures = model.generator(nn.tensor(np.random.default_rng(0).standard_normal((2, 100), np.float32)))
    assert pictures.shape == (2, 28, 28, 1) and 0 <= pictures.numpy().min() <= pictures.numpy().max() <= 1
    np.testing.assert_array_equal(model.to_networks(pictures.numpy()), pictures.numpy())

    dense = gan.mlp((6, 5, 3), discriminator="dense")
    kinds = [type(layer).__name__ for layer in dense.discriminator.layers]
    assert "Conv2D" not in kinds and dense.discriminator(nn.tensor(np.zeros((2, 6, 5, 3), np.float32))).shape == (2, 1)
    for arguments, reason in (
        ({"image_shape": (14, 28, 1)}, "at least 15 x 15 for its convolutions"),
        ({"image_shape": (28, 28, 1), "discriminator": "recurrent"}, "discriminator must be one of"),
    ):
        with pytest.raises(ValueError, match=f"mlp: .*{reason}"):
            gan.mlp(**arguments)


@pytest.mark.parametrize("projection", [False, True])
def test_cgan(projection):
    model = gan.cgan((8, 12, 3), 4, latent_dim=5, width=4, projection=projection)
    latents = nn.tensor(np.random.default_rng(0).standard_normal((3, 5), np.float32))
    pictures, others = (model.generator(latents, *model.conditions(labels)) for labels in ([0, 1, 2], [3, 1, 2]))
    assert pictures.shape == (3, 8, 12, 3)
    logits, differently = (
        model.discriminator(pictures, *model.conditions(labels)) for labels in ([0, 1, 2], [3, 1, 2])
    )
    assert logits.shape == (3, 1)
    for one, other in ((pictures, others), (logits, differently)):
        assert not np.allclose(one.numpy()[0], other.numpy()[0], rtol=1e-3)
    with pytest.raises(ValueError, match="cgan: n_classes must be at least 2"):
        gan.cgan((8, 12, 3), 1)


def test_condition_is_a_channel_of_the_picture():
    """The conditional discriminator is a convolution of the picture with one more channel."""
    model = gan.cgan((8, 8, 1), 3, width=2).discriminator
    pictures = np.random.default_rng(0).standard_normal((3, 8, 8, 1)).astype(np.float32)
    classes = nn.tensor(np.eye(3, dtype=np.float32))
    *plane_layers, last = model.of_class.layers
    plane = nn.Sequential(plane_layers)(classes).numpy()
    kernel = np.concatenate([model.first.kernel.data, last.kernel.data], axis=2)
    both = np.concatenate([pictures, plane], axis=3)
    joined = kernels.conv2d(both, kernel, model.first.bias.data, stride=2, padding="same")
    np.testing.assert_allclose(
        model(nn.tensor(pictures), classes).numpy(), model.rest(nn.tensor(joined)).numpy(), atol=1e-5
    )


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
        ({"image_shape": 28}, r"image_shape must be \(H, W, C\), got 28"),
        ({"image_shape": (30, 28, 1)}, r"H and W multiples of 4, got \(30, 28, 1\)"),
        ({"image_shape": (28, 28, 2)}, r"C 1 or 3, got \(28, 28, 2\)"),
        ({"image_shape": (0, 28, 1)}, "image_shape must be at least 1, got 0"),
        ({"image_shape": (28, 28, 1), "latent_dim": 0}, "latent_dim must be at least 1"),
        ({"image_shape": (28, 28, 1), "width": 0}, "width must be at least 1"),
    ],
)
def test_bad_input(arguments, reason):
    with pytest.raises(ValueError, match=f"dcgan: .*{reason}"):
        gan.dcgan(**arguments)
