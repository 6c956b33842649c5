"""Generative adversarial networks: data, models, training, sampling.

==================  ==============================================================
`load_dataset`      pictures from files, folders, or drawn here
`dcgan`             a generator and a discriminator
`Trainer`, `train`  one step; a whole run, with checkpoints and sample grids
`generate`          pictures from a run or a model
==================  ==============================================================

Pictures are (N, H, W, C) in [0, 1] wherever they enter or leave.
"""

from .data import Dataset, load_dataset
from .glyphs import glyphs
from .models import GAN, dcgan
from .sampling import generate
from .train import Trainer, train

__all__ = ["load_dataset", "Dataset", "glyphs", "dcgan", "GAN", "Trainer", "train", "generate"]
