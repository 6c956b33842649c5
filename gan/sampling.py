"""Pictures out of a trained generator, and grids of them."""

import os

import numpy as np
from PIL import Image

from smalti import nn
from smalti.kernels._validate import as_rng, integer

from .checkpoint import load_model
from .models import GAN

_BATCH = 64  # fixed, so that a picture does not depend on how many are asked for


def generate(run_or_model, n, *, labels=None, rng=None):
    """Draw pictures.

    Parameters
    ----------
    run_or_model : path or GAN
        The folder that `train` has written, or a model.
    n : int
    labels : None
        For models conditioned on classes; there are none yet.
    rng : int or numpy.random.Generator, optional
        Seed of the latents.

    Returns
    -------
    (n, H, W, C) float32 in [0, 1]
    """
    n = integer("generate", "n", n, low=1)
    rng = as_rng("generate", rng)
    if labels is not None:
        raise ValueError("generate: labels were given, but the model is not conditioned on classes")
    if isinstance(run_or_model, (str, os.PathLike)):
        model = load_model(run_or_model)
    elif isinstance(run_or_model, GAN):
        model = run_or_model
    else:
        raise TypeError(f"generate: expected the path of a run or a GAN, got {type(run_or_model).__name__}")
    return decode(model, rng.standard_normal((n, model.latent_dim), dtype=np.float32))


def decode(model, latents):
    """(n, H, W, C) pictures in [0, 1] of (n, latent_dim) latents, BatchNorm using its running statistics."""
    generator = model.generator
    was_training = generator.training
    generator.eval()
    try:
        with nn.no_grad():
            parts = [generator(nn.tensor(latents[i : i + _BATCH])).numpy() for i in range(0, len(latents), _BATCH)]
    finally:
        generator.train(was_training)
    return (np.concatenate(parts) + 1) / 2


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
