"""Generative adversarial networks: data, models, training, sampling.

============================  =========================================================================
`load_dataset`                pictures from files, folders, or drawn here
`regions`                     pictures cut out of photographs, with classes of those that are alike
`mlp`, `dcgan`, `cgan`        a generator and a discriminator, of dense layers, of convolutions, told the class
`Trainer`, `train`            one step; a whole run, with checkpoints and sample grids
`generate`, `interpolate`     pictures from a run or a model
`evaluate`                    how good they are, beside real pictures
============================  =========================================================================

Pictures are (N, H, W, C) in [0, 1] wherever they enter or leave.
"""

from .data import Dataset, load_dataset
from .evaluate import evaluate
from .glyphs import glyphs
from .models import GAN, cgan, dcgan, mlp
from .regions import regions
from .sampling import generate, interpolate
from .train import train
from .trainer import Trainer

__all__ = [
    "load_dataset", "Dataset", "glyphs", "regions", "mlp", "dcgan", "cgan", "GAN", "Trainer", "train", "generate",
    "interpolate", "evaluate",
]  # fmt: skip
