"""Models: a generator and a discriminator that fit each other.

`mlp` is the textbook's: dense layers draw the picture, three convolutions judge it.

`dcgan` is that of Radford, Metz & Chintala (Unsupervised representation learning with deep convolutional GANs, 2016,
section 3): no pooling, strides instead; BatchNorm except where a network meets a picture; ReLU in the generator,
leaky ReLU in the discriminator; weights from N(0, 0.02), scales of BatchNorm 1, all offsets 0. BatchNorm is of
channels throughout, so that of the dense layer comes after its reshaping; its running statistics have momentum 0.9,
its epsilon is 1e-5.

`cgan` is a DCGAN that is told the class (Mirza & Osindero, Conditional Generative Adversarial Nets, 2014). Classes
come as rows of weights, 1 for the class and 0 for the others, so that an embedding is a dense layer without biases
and a point between two classes has one, too. What is appended to an input of a dense layer or a convolution adds, by
linearity, the output of a layer of its own; that is how it is written here.
"""

import dataclasses
import functools

import numpy as np

from smalti.kernels._validate import as_rng, integer, one_of
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
    Sigmoid,
    Tanh,
    tensor,
)
from smalti.nn.init import normal

_EMBEDDING = 50  # length of the vector that stands for a class
_LARGEST_INNER = 7  # pictures are halved until their shorter side is no longer than this


@dataclasses.dataclass
class GAN:
    """Two networks.

    Attributes
    ----------
    generator : Module
        (N, latent_dim) latents to (N, H, W, C) pictures in [low, 1].
    discriminator : Module
        (N, H, W, C) pictures in [low, 1] to (N, 1) logits, positive for real.
    latent_dim : int
    image_shape : (H, W, C)
    recipe : dict
        What made it: the function's name under ``"model"``, and its arguments. Empty for networks made by hand.
    n_classes : int
        If it is not 0, both networks take the classes as a second argument, (N, n_classes) weights.
    low : float
        Black inside the networks; outside pictures are in [0, 1].
    """

    generator: Module
    discriminator: Module
    latent_dim: int
    image_shape: tuple[int, int, int]
    recipe: dict = dataclasses.field(default_factory=dict)
    n_classes: int = 0
    low: float = -1.0

    def to_networks(self, pictures):
        """Pictures in [0, 1] as the networks have them."""
        return (1 - self.low) * pictures + self.low

    def from_networks(self, pictures):
        """Pictures of the generator in [0, 1]."""
        return (pictures - self.low) / (1 - self.low)

    def conditions(self, labels):
        """What the networks take after latents or pictures: nothing, or the weights of the classes `labels`."""
        if not self.n_classes:
            return ()
        return (tensor((np.asarray(labels)[:, None] == np.arange(self.n_classes)).astype(np.float32)),)

    def as_labels(self, function, labels, n):
        """Labels given by a user as (n,) int array, or None where the model has no classes; one stands for all."""
        if not self.n_classes:
            if labels is not None:
                raise ValueError(f"{function}: labels were given, but the model is not conditioned on classes")
            return None
        if labels is None:
            raise ValueError(f"{function}: labels are missing, the model is conditioned on classes")
        array = np.asarray(labels)
        if array.dtype.kind not in "ui":
            raise TypeError(f"{function}: labels must be integers, got dtype {array.dtype}")
        if array.shape not in ((), (n,)):
            raise ValueError(f"{function}: labels must have shape ({n},) or be one class, got shape {array.shape}")
        if array.min() < 0 or array.max() >= self.n_classes:
            last = self.n_classes - 1
            raise ValueError(
                f"{function}: labels must be in 0 to {last}, got values from {array.min()} to {array.max()}"
            )
        return np.broadcast_to(array, (n,))


def mlp(image_shape, *, latent_dim=100, discriminator="convolutional", rng=0):
    """The textbook's GAN of small pictures: a generator of dense layers.

    Parameters
    ----------
    image_shape : (H, W, C)
        H and W at least 15 for the convolutional discriminator; C is 1 or 3.
    latent_dim : int
    discriminator : "convolutional" or "dense"
    rng : int or numpy.random.Generator
        Seed of the initial weights.

    Returns
    -------
    GAN
    """
    h, w, c = _image_shape("mlp", image_shape)
    latent_dim = integer("mlp", "latent_dim", latent_dim, low=1)
    one_of("mlp", "discriminator", discriminator, ("convolutional", "dense"))
    if discriminator == "convolutional" and min(h, w) < 15:
        raise ValueError(
            f"mlp: image_shape must be at least 15 x 15 for its convolutions, got {(h, w, c)}; "
            'there is discriminator="dense"'
        )
    rng = as_rng("mlp", rng)
    generator = Sequential(
        [
            Dense(256), ReLU(), _batch_norm(),
            Dense(512), ReLU(), _batch_norm(),
            Dense(1024), ReLU(), _batch_norm(),
            Dense(h * w * c), Sigmoid(), Reshape((h, w, c)),
        ],
        input_shape=(latent_dim,), rng=rng,
    )  # fmt: skip
    judge = {
        "convolutional": lambda: [
            Conv2D(64, 3, strides=2), ReLU(), _batch_norm(),
            Conv2D(128, 3, strides=2), ReLU(), _batch_norm(),
            Conv2D(256, 3, strides=2), ReLU(), _batch_norm(),
            Flatten(), Dense(1),
        ],
        "dense": lambda: [
            Flatten(), Dense(512), LeakyReLU(0.2), Dense(256), LeakyReLU(0.2), Dense(1),
        ],
    }[discriminator]()  # fmt: skip
    recipe = {"model": "mlp", "image_shape": [h, w, c], "latent_dim": latent_dim, "discriminator": discriminator}
    return GAN(generator, Sequential(judge, input_shape=(h, w, c), rng=rng), latent_dim, (h, w, c), recipe, low=0.0)


def dcgan(image_shape, *, latent_dim=100, width=64, discriminator_norm=True, rng=0):
    """A DCGAN of pictures from 16 x 16 to 128 x 128 or so.

    Parameters
    ----------
    image_shape : (H, W, C)
        H and W multiples of 4, better of a higher power of 2; C is 1 or 3. Pictures are halved twice, and then on as
        long as their shorter side is longer than 7 and both are even.
    latent_dim : int
    width : int
        Channels of the layer next to the picture. They double with each halving, up to 8 times as many.
    discriminator_norm : bool
        Whether the discriminator has BatchNorm; objectives with a penalty of gradients need one without.
    rng : int or numpy.random.Generator
        Seed of the initial weights.

    Returns
    -------
    GAN
        At (28, 28, 1) with the defaults, 759,681 parameters in the generator and 138,689 in the discriminator.
    """
    recipe = _recipe("dcgan", image_shape, latent_dim, width, discriminator_norm)
    rng = as_rng("dcgan", rng)
    shape = tuple(recipe["image_shape"])
    generator = Sequential(_drawing(shape, width), input_shape=(latent_dim,), rng=rng)
    seeing = _seeing(shape, width, discriminator_norm)
    discriminator = Sequential([*seeing, Flatten(), _dense(1)], input_shape=shape, rng=rng)
    return GAN(generator, discriminator, latent_dim, shape, {"model": "dcgan", **recipe})


def cgan(image_shape, n_classes, *, latent_dim=100, width=64, projection=False, discriminator_norm=True, rng=0):
    """A `dcgan` that draws a picture of the class asked for.

    Parameters
    ----------
    image_shape, latent_dim, width, discriminator_norm, rng
        As for `dcgan`.
    n_classes : int
    projection : bool
        The discriminator compares the class with its features, instead of seeing it as one more channel of the
        picture (Miyato & Koyama, cGANs with Projection Discriminator, 2018, equation 4).

    Returns
    -------
    GAN
        Its networks take (N, n_classes) weights of classes as their second argument.
    """
    recipe = _recipe("cgan", image_shape, latent_dim, width, discriminator_norm)
    n_classes = integer("cgan", "n_classes", n_classes, low=2)
    rng = as_rng("cgan", rng)
    shape = tuple(recipe["image_shape"])
    generator = ConditionalGenerator(_drawing(shape, width), latent_dim, n_classes, rng)
    judge = ProjectionDiscriminator if projection else ConditionalDiscriminator
    discriminator = judge(_seeing(shape, width, discriminator_norm), shape, n_classes, rng)
    recipe = {"model": "cgan", **recipe, "n_classes": n_classes, "projection": bool(projection)}
    return GAN(generator, discriminator, latent_dim, shape, recipe, n_classes)


class ConditionalGenerator(Module):
    """Latents and classes to pictures: what draws them starts with a dense layer of latent and class vector."""

    def __init__(self, layers, latent_dim, n_classes, rng):
        first, *rest = layers
        inner = first.build((latent_dim,), rng)
        self.first = first
        self.of_class = Sequential([_embedding(), _dense(*inner, use_bias=False)], input_shape=(n_classes,), rng=rng)
        self.rest = Sequential(rest, input_shape=inner, rng=rng)

    def __call__(self, latents, classes):
        return self.rest(self.first(latents) + self.of_class(classes))


class ConditionalDiscriminator(Module):
    """Pictures and classes to logits: the class is drawn as one more channel of the picture."""

    def __init__(self, layers, image_shape, n_classes, rng):
        first, *rest = layers
        h, w, _ = image_shape
        halved = first.build(image_shape, rng)
        self.first = first
        self.of_class = Sequential(
            [_embedding(), _dense(h * w), Reshape((h, w, 1)), _halve(halved[2], use_bias=False)],
            input_shape=(n_classes,), rng=rng,
        )  # fmt: skip
        self.rest = Sequential([*rest, Flatten(), _dense(1)], input_shape=halved, rng=rng)

    def __call__(self, pictures, classes):
        return self.rest(self.first(pictures) + self.of_class(classes))


class ProjectionDiscriminator(Module):
    """Pictures and classes to logits: how real the features are, and how much they are those of the class."""

    def __init__(self, layers, image_shape, n_classes, rng):
        self.features = Sequential([*layers, Flatten()])
        size = self.features.build(image_shape, rng)
        self.real = Sequential([_dense(1)], input_shape=size, rng=rng)
        self.of_class = Sequential([_dense(*size, use_bias=False)], input_shape=(n_classes,), rng=rng)

    def __call__(self, pictures, classes):
        features = self.features(pictures)
        return self.real(features) + (features * self.of_class(classes)).sum(axis=1, keepdims=True)


# Layers of a DCGAN


def _drawing(image_shape, width):
    """From latents to a picture."""
    h, w, c = image_shape
    widths = _widths(h, w, width)
    n = 2 ** len(widths)
    inner = (h // n, w // n, widths[-1])
    layers = [_dense(inner[0] * inner[1] * inner[2], use_bias=False), Reshape(inner), _batch_norm(), ReLU()]
    for channels in widths[-2::-1]:
        layers += [_double(channels, use_bias=False), _batch_norm(), ReLU()]
    return [*layers, _double(c), Tanh()]  # (h, w, c)


def _seeing(image_shape, width, norm):
    """From a picture to (h / 2^n, w / 2^n, widths[-1]) features."""
    first, *others = _widths(*image_shape[:2], width)
    layers = [_halve(first), LeakyReLU(0.2)]
    for channels in others:
        normalise = [_batch_norm()] if norm else []
        layers += [_halve(channels, use_bias=not norm), *normalise, LeakyReLU(0.2)]
    return layers


def _widths(h, w, width):
    """Channels after each halving."""
    n = 2
    while min(h, w) >> n > _LARGEST_INNER and (h | w) % 2 ** (n + 1) == 0:
        n += 1
    return [width * min(2**i, 8) for i in range(n)]


def _dense(units, **options):
    return Dense(units, kernel_initializer=normal, **options)


def _halve(channels, **options):
    return Conv2D(channels, 4, strides=2, padding="same", kernel_initializer=normal, **options)


def _double(channels, **options):
    return Conv2DTranspose(channels, 4, strides=2, padding="same", kernel_initializer=normal, **options)


def _batch_norm():
    return BatchNorm(momentum=0.9, epsilon=1e-5)


def _embedding():
    """The vector that stands for a class; as long as latents are, so that both are heard from the start."""
    return Dense(_EMBEDDING, use_bias=False, kernel_initializer=functools.partial(normal, std=1.0))


# Arguments


def _image_shape(function, image_shape):
    if not np.iterable(image_shape) or len(shape := tuple(image_shape)) != 3:
        raise ValueError(f"{function}: image_shape must be (H, W, C), got {image_shape!r}")
    h, w, c = (integer(function, "image_shape", extent, low=1) for extent in shape)
    if c not in (1, 3):
        raise ValueError(f"{function}: image_shape must be (H, W, C) with C 1 or 3, got {shape}")
    return h, w, c


def _recipe(function, image_shape, latent_dim, width, discriminator_norm):
    """The arguments, checked."""
    h, w, c = _image_shape(function, image_shape)
    if h % 4 or w % 4:
        raise ValueError(f"{function}: image_shape must be (H, W, C) with H and W multiples of 4, got {(h, w, c)}")
    return {
        "image_shape": [h, w, c], "latent_dim": integer(function, "latent_dim", latent_dim, low=1),
        "width": integer(function, "width", width, low=1), "discriminator_norm": bool(discriminator_norm),
    }  # fmt: skip
