"""One training step: the discriminator's, then the generator's.

The discriminator learns from a real and a generated batch, each through it on its own so that BatchNorm sees them
apart, then the generator from the same latents (Goodfellow et al. 2014, algorithm 1), both by Adam(2e-4, beta_1 0.5,
beta_2 0.999) (Radford et al., DCGAN, 2016, section 4).

All randomness is counted: what step t draws, latents first, comes from the generator seeded by (seed, t, 1), its
batches from the seed and t (see `smalti.gan.data`). Weights, optimizers and the number of the step are therefore the
whole state.
"""

import copy
import dataclasses
import functools
import math
import numbers
import operator
import sys

import numpy as np

from smalti import nn
from smalti.kernels._validate import as_array, as_rng, integer, one_of, real
from smalti.nn.function import recording

from . import losses
from .augment import KINDS, augment
from .data import Dataset, load_dataset
from .health import first_not_finite
from .models import GAN

SCHEDULES = ("constant", "linear", "cosine")


class Trainer:
    """Updates a model, batch by batch.

    Parameters
    ----------
    model : GAN
        Updated in place.
    dataset : Dataset or source for `load_dataset`, optional
        Where `step` takes its batches if it is given none. For a model of classes it needs labels.
    batch_size : int
        Of those batches; at least 2.
    rng : int or numpy.random.Generator
        Seed of all that is random, and of the order of the data.
    objective : str
        One of `smalti.gan.losses.OBJECTIVES`. Those with a penalty of gradients, ``"wgan-gp"`` and ``"r1"``, need a
        discriminator without BatchNorm.
    label_smoothing : float
        Real pictures are to be held for real by 1 less this much.
    penalty : float
        Weight of the penalty of gradients.
    discriminator_steps : int
        Steps of the discriminator, each on a batch of its own, for one of the generator.
    learning_rate : float
    schedule : "constant", "linear" or "cosine"
        How the learning rate goes towards 0 within `schedule_steps`.
    schedule_steps : int, optional
    clip_norm : float, optional
        Longer gradients, of all parameters of a network together, are shortened to this length.
    augment : sequence of "flip", "shift", "colour"
        Changes of what the discriminator sees; see `smalti.gan.augment`.
    ema : float, optional
        Also keep the average of the generator's weights, each step counting `ema` times as much as the next.

    Attributes
    ----------
    model : GAN
    steps_done : int
    average : Module or None
        The averaged generator.
    details : dict of str to float
        Of the last step: the parts of the losses, the lengths of the gradients, the learning rate.

    Examples
    --------
    >>> from smalti import gan
    >>> trainer = gan.Trainer(gan.dcgan((28, 28, 1), width=8), gan.load_dataset("glyphs"), batch_size=16)
    >>> sorted(trainer.step())
    ['discriminator', 'generator']
    """

    def __init__(
        self, model, dataset=None, *, batch_size=64, rng=0, objective="non-saturating", label_smoothing=0.0,
        penalty=10.0, discriminator_steps=1, learning_rate=2e-4, schedule="constant", schedule_steps=None,
        clip_norm=None, augment=(), ema=None,
    ):  # fmt: skip
        if not isinstance(model, GAN):
            raise TypeError(f"Trainer: model must be a GAN, got {type(model).__name__}")
        self.model = model
        self.batch_size = integer("Trainer", "batch_size", batch_size, low=2)
        self.dataset = None if dataset is None else _fitting(dataset, model, self.batch_size)
        drawn = rng if isinstance(rng, numbers.Integral) else int(as_rng("Trainer", rng).integers(2**63))
        self.seed = integer("Trainer", "rng", drawn, low=0)
        self.options = {
            "objective": one_of("Trainer", "objective", objective, losses.OBJECTIVES),
            "label_smoothing": real("Trainer", "label_smoothing", label_smoothing, low=0, high=1),
            "penalty": real("Trainer", "penalty", penalty, low=0),
            "discriminator_steps": integer("Trainer", "discriminator_steps", discriminator_steps, low=1),
            "learning_rate": real("Trainer", "learning_rate", learning_rate, above=0),
            "schedule": one_of("Trainer", "schedule", schedule, SCHEDULES),
            "schedule_steps": schedule_steps and integer("Trainer", "schedule_steps", schedule_steps, low=1),
            "clip_norm": None if clip_norm is None else real("Trainer", "clip_norm", clip_norm, above=0),
            "augment": [one_of("Trainer", "augment", kind, KINDS) for kind in augment],
            "ema": None if ema is None else real("Trainer", "ema", ema, low=0, high=1),
        }
        if label_smoothing and objective not in losses.SMOOTHED:
            raise ValueError(f"Trainer: label_smoothing has no meaning for the objective {objective!r}")
        if schedule != "constant" and not schedule_steps:
            raise ValueError(f"Trainer: a {schedule} schedule needs schedule_steps")
        if objective in losses.PENALISED and any(
            isinstance(module, nn.BatchNorm) for _, module in model.discriminator.modules()
        ):
            raise ValueError(
                f"Trainer: the objective {objective!r} needs a discriminator without BatchNorm "
                "(discriminator_norm=False; of mlp, the dense one)"
            )
        self.steps_done = 0
        self.details = {}
        self.optimizers = {
            "generator": nn.optim.Adam(model.generator.parameters(), learning_rate, beta_1=0.5, beta_2=0.999),
            "discriminator": nn.optim.Adam(model.discriminator.parameters(), learning_rate, beta_1=0.5, beta_2=0.999),
        }
        self.average = None if ema is None else copy.deepcopy(model.generator)

    @property
    def sampled(self):
        """The model to draw pictures with: its generator is the average, if there is one."""
        return self.model if self.average is None else dataclasses.replace(self.model, generator=self.average)

    @np.errstate(over="ignore", invalid="ignore")  # what is not finite is told with its place
    def step(self, real=None, labels=None):
        """One update of the discriminator (or several), then one of the generator.

        Parameters
        ----------
        real : (N, H, W, C) array in [0, 1] or of uint8, optional
            At least 2 pictures, for all steps of the discriminator. The dataset's next batches if not given.
        labels : (N,) int array
            Their classes, for a model that is conditioned on them.

        Returns
        -------
        dict of str to float
            The losses of ``"discriminator"`` and ``"generator"``.

        Raises
        ------
        FloatingPointError
            If a loss or gradient is not finite; it names the step, and the layer it comes from. It has not reached
            any weights.
        """
        given = None if real is None and labels is None else self._checked(real, labels)
        rng = np.random.default_rng((self.seed, self.steps_done, 1))
        self.details = {"learning rate": self._learning_rate()}
        n_steps = self.options["discriminator_steps"]
        for i in range(n_steps):
            pictures, classes = given or self._batch(self.steps_done * n_steps + i)
            latents = nn.tensor(rng.standard_normal((len(pictures), self.model.latent_dim), dtype=np.float32))
            with recording(i == n_steps - 1):  # only the last of them go on to teach the generator
                fake = self.model.generator(latents, *classes)
            parts = self._discriminator_parts(pictures, fake.detach(), classes, rng)
            loss_d = self._update("discriminator", parts, (latents, pictures, classes))
        self.details |= {name: part.item() for name, part in parts.items()}
        passed = self.optimizers["discriminator"].parameters
        for p in passed:  # the generator's loss passes through the discriminator, whose own gradients are not wanted
            p.requires_grad = False
        try:
            parts = losses.generator_loss(self._logits(self._seen(fake, rng), classes), self.options["objective"])
            loss_g = self._update("generator", parts, (latents, pictures, classes))
        finally:
            for p in passed:
                p.requires_grad = True
        self.steps_done += 1
        if self.average is not None:
            self._average()
        return {"discriminator": loss_d, "generator": loss_g}

    # Batches: (pictures as the networks have them, what else they take)

    def _batch(self, number):
        if self.dataset is None:
            raise ValueError("Trainer.step: give a batch, or make the Trainer with a dataset")
        pictures, labels = self.dataset.batch(number, self.batch_size, seed=self.seed)
        return self.model.to_networks(pictures), self.model.conditions(labels)

    def _checked(self, real, labels):
        if real is None:
            raise ValueError("Trainer.step: labels were given without pictures")
        real = np.asarray(real)
        scale = np.float32(1 / 255) if real.dtype == np.uint8 else np.float32(1)
        shape = (None, *self.model.image_shape)
        real = scale * as_array("Trainer.step", "real", real, dtypes=(np.float32,), shape=shape, finite=True)
        if len(real) < 2:
            raise ValueError("Trainer.step: real must have at least 2 pictures, for the statistics of BatchNorm")
        if real.min() < 0 or real.max() > 1:
            raise ValueError(f"Trainer.step: real must be in [0, 1], got values from {real.min()} to {real.max()}")
        labels = self.model.as_labels("Trainer.step", labels, len(real))
        return self.model.to_networks(real), self.model.conditions(labels)

    # Losses

    def _seen(self, pictures, rng):
        return augment(pictures, self.options["augment"], rng, span=1 - self.model.low)

    def _logits(self, pictures, classes):
        return self.model.discriminator(pictures, *classes)

    def _discriminator_parts(self, pictures, fake, classes, rng):
        options = self.options
        real, fake = self._seen(nn.Tensor(pictures), rng), self._seen(fake, rng)
        parts = losses.discriminator_loss(
            self._logits(real, classes), self._logits(fake, classes), options["objective"],
            label_smoothing=options["label_smoothing"],
        )  # fmt: skip
        discriminator = functools.partial(self._logits, classes=classes)
        if options["objective"] == "wgan-gp":
            parts |= losses.gradient_penalty(discriminator, real.data, fake.data, rng, weight=options["penalty"])
        elif options["objective"] == "r1":
            parts |= losses.r1_penalty(discriminator, real.data, weight=options["penalty"])
        return parts

    # Changes of the weights

    def _update(self, name, parts, inputs):
        """A step of one network's optimizer; returns the loss."""
        optimizer = self.optimizers[name]
        optimizer.learning_rate = self.details["learning rate"]
        optimizer.zero_grad()
        loss = functools.reduce(operator.add, parts.values())
        loss.backward()
        length = nn.optim.clip_gradients(optimizer.parameters, self.options["clip_norm"] or sys.float_info.max)
        if not math.isfinite(loss.item()) or not math.isfinite(length):
            place = first_not_finite(self.model, *inputs) or f"the gradient of the {name}"
            raise FloatingPointError(
                f"step {self.steps_done + 1}: {place} is not finite, the {name}'s loss is {loss.item()}"
            )
        optimizer.step()
        self.details[f"{name} gradient"] = length
        return loss.item()

    def _learning_rate(self):
        rate, schedule = self.options["learning_rate"], self.options["schedule"]
        if schedule == "constant":
            return rate
        steps = self.options["schedule_steps"]
        step = min(self.steps_done, steps - 1)
        return rate * (1 - step / steps) if schedule == "linear" else nn.optim.cosine_decay(rate, steps)(step)

    def _average(self):
        """Count the new weights in; statistics of BatchNorm belong to the newest ones and are copied."""
        done = self.steps_done
        decay = min(self.options["ema"], (1 + done) / (10 + done))  # the first weights are soon forgotten
        new = self.model.generator.named_tensors()
        for (_, mean), (_, value) in zip(self.average.named_tensors(), new, strict=True):
            if isinstance(value, nn.Parameter):
                mean.data += (1 - decay) * (value.data - mean.data)
            else:
                mean.data[...] = value.data


def _fitting(dataset, model, batch_size):
    """The dataset, which must have what the model needs."""
    if not isinstance(dataset, Dataset):
        dataset = load_dataset(dataset)
    if dataset.image_shape != model.image_shape:
        raise ValueError(
            f"Trainer: the model makes pictures of shape {model.image_shape}, "
            f"those of {dataset.name} have {dataset.image_shape}"
        )
    if len(dataset) < batch_size:
        raise ValueError(
            f"Trainer: a batch has {batch_size} pictures, but {dataset.name} holds only {len(dataset)}; "
            "take a smaller batch_size"
        )
    if model.n_classes and dataset.labels is None:
        raise ValueError(f"Trainer: the model is conditioned on classes, but {dataset.name} has no labels")
    if model.n_classes and dataset.n_classes > model.n_classes:
        raise ValueError(
            f"Trainer: labels must be in 0 to {model.n_classes - 1}, the model's classes; "
            f"those of {dataset.name} reach {dataset.n_classes - 1}"
        )
    return dataset
