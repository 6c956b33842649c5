"""Models, data and runs that are as small as they can be."""

import numpy as np

from smalti import gan

SHAPE = (8, 12, 1)


def tiny_dataset(n=50):
    images, labels = gan.glyphs(n, characters="LO", warp=0.5)
    return gan.Dataset(images[:, 4:24:2, 4:28:2][:, :8], labels)


def tiny_model(rng=0, **options):
    return gan.dcgan(SHAPE, latent_dim=4, width=4, rng=rng, **options)


def tiny_cgan(rng=0, **options):
    return gan.cgan(SHAPE, 2, latent_dim=4, width=4, rng=rng, **options)


def run(out, steps, **options):
    """A training of the tiny model, without a word."""
    options = {"batch_size": 6, "rng": 3, "progress": lambda *_: None, **options}
    model, dataset = options.pop("model", None), options.pop("dataset", None)
    return gan.train(model or tiny_model(), dataset or tiny_dataset(), out=out, steps=steps, **options)


def same_arrays(first, second):
    """Whether two state dicts are equal."""
    return first.keys() == second.keys() and all(np.array_equal(first[key], second[key]) for key in first)
