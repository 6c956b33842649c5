"""Models: a generator and a discriminator that fit each other.

DCGAN (Radford, Metz & Chintala, Unsupervised representation learning with deep convolutional GANs, 2016, section 3):
no pooling, strides instead; BatchNorm except where a network meets a picture; ReLU in the generator, leaky ReLU in
the discriminator; weights from N(0, 0.02), scales of BatchNorm 1, all offsets 0. Here for two halvings of the picture.
BatchNorm is of channels throughout, so that of the dense layer comes after its reshaping; its running statistics have
momentum 0.9, its epsilon is 1e-5.
"""

import dataclasses

from smalti.kernels._validate import as_rng, integer
from smalti.nn import (
    BatchNorm,
    Conv2D,
    Conv2DTranspose,
    Dense,
    Flatten,
    LeakyReLU,
    Module,
    ReLU,
    Reshape,
    Sequential,
    Tanh,
)
from smalti.nn.init import normal


@dataclasses.dataclass
class GAN:
    """Two networks.

    Attributes
    ----------
    generator : Module
        (N, latent_dim) latents to (N, H, W, C) pictures in [-1, 1].
    discriminator : Module
        (N, H, W, C) pictures in [-1, 1] to (N, 1) logits, positive for real.
    latent_dim : int
    image_shape : (H, W, C)
    recipe : dict
        What made it: the function's name under ``"model"``, and its arguments. Empty for networks made by hand.
    """

    generator: Module
    discriminator: Module
    latent_dim: int
    image_shape: tuple[int, int, int]
    recipe: dict = dataclasses.field(default_factory=dict)


def dcgan(image_shape, *, latent_dim=100, width=64, rng=0):
    """A DCGAN of small pictures.

    Parameters
    ----------
    image_shape : (H, W, C)
        H and W multiples of 4; C is 1 or 3.
    latent_dim : int
    width : int
        Channels of the layer next to the picture; the innermost has twice as many.
    rng : int or numpy.random.Generator
        Seed of the initial weights.

    Returns
    -------
    GAN
        At (28, 28, 1) with the defaults, 759,681 parameters in the generator and 138,689 in the discriminator.
    """
    shape = tuple(image_shape)
    if len(shape) != 3:
        raise ValueError(f"dcgan: image_shape must be (H, W, C), got {shape}")
    h, w, c = (integer("dcgan", "image_shape", extent, low=1) for extent in shape)
    if h % 4 or w % 4 or c not in (1, 3):
        raise ValueError(f"dcgan: image_shape must be (H, W, C) with H and W multiples of 4, C 1 or 3, got {shape}")
    latent_dim = integer("dcgan", "latent_dim", latent_dim, low=1)
    width = integer("dcgan", "width", width, low=1)
    rng = as_rng("dcgan", rng)

    def dense(units, **options):
        return Dense(units, kernel_initializer=normal, **options)

    def halve(channels, **options):
        return Conv2D(channels, 4, strides=2, padding="same", kernel_initializer=normal, **options)

    def double(channels, **options):
        return Conv2DTranspose(channels, 4, strides=2, padding="same", kernel_initializer=normal, **options)

    def batch_norm():
        return BatchNorm(momentum=0.9, epsilon=1e-5)

    inner = (h // 4, w // 4, 2 * width)
    generator = Sequential(
        [
            dense(inner[0] * inner[1] * inner[2], use_bias=False), Reshape(inner), batch_norm(), ReLU(),
            double(width, use_bias=False), batch_norm(), ReLU(),
            double(c), Tanh(),
        ],
        input_shape=(latent_dim,), rng=rng,
    )  # fmt: skip
    discriminator = Sequential(
        [
            halve(width), LeakyReLU(0.2),
            halve(2 * width, use_bias=False), batch_norm(), LeakyReLU(0.2),
            Flatten(), dense(1),
        ],
        input_shape=(h, w, c), rng=rng,
    )  # fmt: skip
    recipe = {"model": "dcgan", "image_shape": [h, w, c], "latent_dim": latent_dim, "width": width}
    return GAN(generator, discriminator, latent_dim, (h, w, c), recipe)
