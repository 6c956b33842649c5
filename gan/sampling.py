"""Pictures out of a trained generator, and grids of them."""

import os

import numpy as np
from PIL import Image

from smalti import nn
from smalti.kernels._validate import as_rng, integer, real

from .checkpoint import load_model
from .models import GAN

_BATCH = 64  # fixed, so that a picture does not depend on how many are asked for
_LEAST_TRUNCATION = 0.1  # with less, redrawing takes forever


def generate(run_or_model, n, *, labels=None, truncation=None, rng=None):
    """Draw pictures.

    Parameters
    ----------
    run_or_model : path or GAN
        The folder that `train` has written, or a model.
    n : int
    labels : int or (n,) int array, optional
        The class of each picture, for a model that is conditioned on them; the classes in turn if not given.
    truncation : float, optional
        Latents are redrawn until none of their values is further from 0 (Brock et al., BigGAN, 2019, section 3.1):
        less variety, better pictures.
    rng : int or numpy.random.Generator, optional
        Seed of the latents.

    Returns
    -------
    (n, H, W, C) float32 in [0, 1]
    """
    n = integer("generate", "n", n, low=1)
    truncation = None if truncation is None else real("generate", "truncation", truncation, low=_LEAST_TRUNCATION)
    rng = as_rng("generate", rng)
    model = _model("generate", run_or_model)
    labels = class_of_each("generate", model, labels, n)
    latents = np.empty((n, model.latent_dim), np.float32)
    for latent in latents:  # one by one, so that none depends on n
        rng.standard_normal(dtype=np.float32, out=latent)
        while truncation is not None and (far := np.abs(latent) > truncation).any():
            latent[far] = rng.standard_normal(int(far.sum()), dtype=np.float32)
    return decode(model, latents, model.conditions(labels))


def interpolate(run_or_model, n, *, labels=None, rng=None):
    """Draw pictures on the way from one to another.

    Parameters
    ----------
    run_or_model : path or GAN
    n : int
        At least 2.
    labels : int or pair of int, optional
        For a model that is conditioned on classes. With a pair, the way goes from class to class and the latent
        stays; otherwise it goes from latent to latent, along the great circle that their directions lie on.
    rng : int or numpy.random.Generator, optional
        Seed of the latents.

    Returns
    -------
    (n, H, W, C) float32 in [0, 1]
    """
    n = integer("interpolate", "n", n, low=2)
    rng = as_rng("interpolate", rng)
    model = _model("interpolate", run_or_model)
    ends = rng.standard_normal((2, model.latent_dim), dtype=np.float32)
    share = np.linspace(0, 1, n, dtype=np.float32)[:, None]
    if np.ndim(labels) == 1:
        (classes,) = model.conditions(model.as_labels("interpolate", labels, 2))
        return decode(model, np.repeat(ends[:1], n, axis=0), ((1 - share) * classes[:1] + share * classes[1:],))
    labels = class_of_each("interpolate", model, 0 if labels is None and model.n_classes else labels, n)
    return decode(model, _great_circle(*ends, share), model.conditions(labels))


def class_of_each(function, model, labels, n):
    """The labels of n pictures, the classes in turn if none are given; None where there are no classes."""
    if labels is None and model.n_classes:
        return np.arange(n) % model.n_classes
    return model.as_labels(function, labels, n)


def decode(model, latents, conditions=()):
    """(n, H, W, C) pictures in [0, 1] of (n, latent_dim) latents, BatchNorm using its running statistics."""
    generator = model.generator
    was_training = generator.training
    generator.eval()
    parts = []
    try:
        with nn.no_grad():
            for i in range(0, len(latents), _BATCH):
                batch = slice(i, i + _BATCH)
                parts.append(generator(nn.tensor(latents[batch]), *(c[batch] for c in conditions)).numpy())
    finally:
        generator.train(was_training)
    return model.from_networks(np.concatenate(parts))


def _model(function, run_or_model):
    if isinstance(run_or_model, (str, os.PathLike)):
        return load_model(run_or_model)
    if isinstance(run_or_model, GAN):
        return run_or_model
    raise TypeError(f"{function}: expected the path of a run or a GAN, got {type(run_or_model).__name__}")


def _great_circle(first, last, share):
    """Points between two latents; their lengths go evenly, too (Shoemake, Animating rotation, 1985)."""
    lengths = np.linalg.norm(first), np.linalg.norm(last)
    angle = np.arccos(np.clip(first @ last / (lengths[0] * lengths[1]), -1, 1))
    if np.sin(angle) < 1e-6:  # of one direction, or of one dimension
        return (1 - share) * first + share * last
    way = (np.sin((1 - share) * angle) * first / lengths[0] + np.sin(share * angle) * last / lengths[1]) / np.sin(angle)
    return (way * ((1 - share) * lengths[0] + share * lengths[1])).astype(np.float32)


def grid(images, *, columns=None, gap=2):
    """Pictures side by side, in rows.

    Parameters
    ----------
    images : (n, H, W, C) floats in [0, 1]
    columns : int, optional
        About the square root of n if not given.
    gap : int
        Pixels between the pictures and around them.

    Returns
    -------
    (rows (H + gap) + gap, columns (W + gap) + gap, C) uint8
    """
    images = as_uint8(images)
    n, h, w, c = images.shape
    columns = min(n, columns or int(np.ceil(np.sqrt(n))))
    rows = -(-n // columns)
    sheet = np.full((rows, columns, h + gap, w + gap, c), 64, np.uint8)
    sheet.reshape(-1, h + gap, w + gap, c)[:n, :h, :w] = images
    sheet = sheet.transpose(0, 2, 1, 3, 4).reshape(rows * (h + gap), columns * (w + gap), c)
    return np.pad(sheet, ((gap, 0), (gap, 0), (0, 0)), constant_values=64)


def save_png(file, image):
    """Write an (H, W, 1) or (H, W, 3) uint8 picture to a path or an open file."""
    Image.fromarray(image[:, :, 0] if image.shape[2] == 1 else image).save(file, "PNG", optimize=True)


def as_uint8(images):
    """Floats in [0, 1] as 0 to 255."""
    return np.rint(255 * np.clip(images, 0, 1)).astype(np.uint8)
