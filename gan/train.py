"""Training: one step, and the loop around it.

A step of the discriminator on one real and one generated batch, each through it on its own so that BatchNorm sees
them apart, then a step of the generator on the same latents (Goodfellow et al. 2014, algorithm 1 with k = 1), both by
Adam(2e-4, beta_1 0.5, beta_2 0.999) (Radford et al., DCGAN, 2016, section 4).

All randomness is counted: the latents of step t come from the generator seeded by (seed, t, 1), the batch of step t
from the seed and t (see `smalti.gan.data`). Weights, optimizers and the number of the step are therefore the whole
state, and a run that was stopped and resumed ends with the same bytes as one that was not.
"""

import contextlib
import math
import signal
import threading
from pathlib import Path

import numpy as np

from smalti import nn
from smalti.kernels._validate import as_array, as_rng, integer

from . import checkpoint
from .data import Dataset, load_dataset
from .files import atomic
from .losses import discriminator_loss, generator_loss
from .models import GAN
from .progress import Progress
from .sampling import decode, grid, save_png

_GRIDS = 10  # sample grids of one training
_GRID_SIDE = 8
_CHECKPOINT_STEPS = 500


class Trainer:
    """Updates a model, batch by batch.

    Parameters
    ----------
    model : GAN
        Updated in place.
    dataset : Dataset or source for `load_dataset`, optional
        Where `step` takes its batches if it is given none.
    batch_size : int
        Of those batches; at least 2.
    rng : int or numpy.random.Generator
        Seed of the latents and of the order of the data.

    Attributes
    ----------
    model : GAN
    steps_done : int

    Examples
    --------
    >>> from smalti import gan
    >>> trainer = gan.Trainer(gan.dcgan((28, 28, 1), width=8), gan.load_dataset("glyphs"), batch_size=16)
    >>> sorted(trainer.step())
    ['discriminator', 'generator']
    """

    def __init__(self, model, dataset=None, *, batch_size=64, rng=0):
        if not isinstance(model, GAN):
            raise TypeError(f"Trainer: model must be a GAN, got {type(model).__name__}")
        if dataset is not None and not isinstance(dataset, Dataset):
            dataset = load_dataset(dataset)
        if dataset is not None and dataset.image_shape != model.image_shape:
            raise ValueError(
                f"Trainer: the model makes pictures of shape {model.image_shape}, "
                f"those of {dataset.name} have {dataset.image_shape}"
            )
        self.model = model
        self.dataset = dataset
        self.batch_size = integer("Trainer", "batch_size", batch_size, low=2)
        self.seed = int(rng) if isinstance(rng, (int, np.integer)) else int(as_rng("Trainer", rng).integers(2**63))
        self.steps_done = 0
        self.optimizers = {
            "generator": nn.optim.Adam(model.generator.parameters(), 2e-4, beta_1=0.5, beta_2=0.999),
            "discriminator": nn.optim.Adam(model.discriminator.parameters(), 2e-4, beta_1=0.5, beta_2=0.999),
        }

    def step(self, real=None, labels=None):
        """One update of the discriminator, then one of the generator.

        Parameters
        ----------
        real : (N, H, W, C) array in [0, 1] or of uint8, optional
            At least 2 pictures. The dataset's next batch if not given.
        labels : None
            For models conditioned on classes; there are none yet.

        Returns
        -------
        dict of str to float
            The losses of ``"discriminator"`` and ``"generator"``.
        """
        if labels is not None:
            raise ValueError("Trainer.step: labels were given, but the model is not conditioned on classes")
        real = self._batch(real)
        generator, discriminator = self.model.generator, self.model.discriminator
        rng = np.random.default_rng((self.seed, self.steps_done, 1))
        latents = nn.tensor(rng.standard_normal((len(real), self.model.latent_dim), dtype=np.float32))
        fake = generator(latents)

        loss_d = discriminator_loss(discriminator(nn.tensor(2 * real - 1)), discriminator(fake.detach()))
        self._update("discriminator", loss_d)
        discriminator.trainable = False  # the generator's loss passes through it, its own gradients are not wanted
        loss_g = generator_loss(discriminator(fake))
        self._update("generator", loss_g)
        discriminator.trainable = True
        self.steps_done += 1
        return {"discriminator": loss_d.item(), "generator": loss_g.item()}

    def _batch(self, real):
        if real is None:
            if self.dataset is None:
                raise ValueError("Trainer.step: give a batch, or make the Trainer with a dataset")
            return self.dataset.batch(self.steps_done, self.batch_size, seed=self.seed)[0]
        real = np.asarray(real)
        scale = np.float32(1 / 255) if real.dtype == np.uint8 else np.float32(1)
        shape = (None, *self.model.image_shape)
        real = scale * as_array("Trainer.step", "real", real, dtypes=(np.float32,), shape=shape, finite=True)
        if len(real) < 2:
            raise ValueError("Trainer.step: real must have at least 2 pictures, for the statistics of BatchNorm")
        if real.min() < 0 or real.max() > 1:
            raise ValueError(f"Trainer.step: real must be in [0, 1], got values from {real.min()} to {real.max()}")
        return real

    def _update(self, name, loss):
        optimizer = self.optimizers[name]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def train(model, dataset, *, out, epochs=None, steps=None, batch_size=64, rng=0, resume=True, progress=None):
    """Train a model, leaving a run in a folder: its checkpoint, and grids of samples as it went.

    A run that is stopped, by Ctrl-C too, goes on from its last checkpoint when the same call is made again; what
    comes out is the same to the last bit.

    Parameters
    ----------
    model : GAN
        Updated in place.
    dataset : Dataset or source for `load_dataset`
    out : path
        The run's folder: ``checkpoint.npz``, and ``samples/STEP.png``, always of the same latents.
    epochs, steps : int
        How long, in passes over the dataset or in batches; one of the two.
    batch_size : int
    rng : int or numpy.random.Generator
        Seed of latents and data order.
    resume : bool
        Go on with the run that is in `out`; otherwise it is begun anew.
    progress : callable, optional
        Called as ``progress(steps_done, losses)`` after every step, instead of the progress shown on stderr.

    Returns
    -------
    Path
        `out`, for `generate`.

    Raises
    ------
    ValueError
        If `out` holds a run of another model, dataset, batch size or seed.
    FloatingPointError
        If a loss or a weight is no longer finite; it names the step.
    KeyboardInterrupt
        After Ctrl-C, when the step is finished and the checkpoint written.
    """
    trainer = Trainer(model, dataset, batch_size=batch_size, rng=rng)
    dataset = trainer.dataset
    total = _total_steps(epochs, steps, len(dataset), trainer.batch_size)
    config = {
        "model": model.recipe, "batch_size": trainer.batch_size, "seed": trainer.seed,
        "dataset": {"pictures": len(dataset), "checksum": dataset.checksum()},
    }  # fmt: skip
    out = Path(out)
    (out / "samples").mkdir(parents=True, exist_ok=True)
    if resume and (out / checkpoint.FILE).exists():
        before, arrays = checkpoint.load(out)
        changed = [f"{key} is {config[key]}, was {before.get(key)}" for key in config if config[key] != before.get(key)]
        if changed:
            raise ValueError(f"{out}: holds another run: {'; '.join(changed)}; give another folder, or resume=False")
        checkpoint.restore(trainer, arrays, out / checkpoint.FILE)
    latents = np.random.default_rng((trainer.seed, 2)).standard_normal((_GRID_SIDE**2, model.latent_dim), np.float32)

    def save_grid():
        with atomic(out / "samples" / f"{trainer.steps_done:06d}.png") as file:
            save_png(file, grid(decode(model, latents)))

    if trainer.steps_done == 0:
        for old in (out / "samples").glob("*.png"):
            old.unlink()
        save_grid()
    saved = trainer.steps_done
    with _Interruption() as interruption, contextlib.ExitStack() as stack:
        if progress is None:
            progress = _show(stack.enter_context(Progress(total, start=trainer.steps_done, name="training")))
        while trainer.steps_done < total and not interruption.requested:
            losses = trainer.step()
            done = trainer.steps_done
            for name, loss in losses.items():
                if not math.isfinite(loss):
                    raise FloatingPointError(f"{out}: the {name}'s loss is {loss} at step {done}; step {saved} is kept")
            if done % _CHECKPOINT_STEPS == 0:
                checkpoint.save(out, config, trainer)
                saved = done
            if done * _GRIDS // total > (done - 1) * _GRIDS // total:
                save_grid()
            progress(done, losses)
        if trainer.steps_done > saved:
            checkpoint.save(out, config, trainer)
    if interruption.requested:
        raise KeyboardInterrupt(f"stopped after step {trainer.steps_done} of {total}, saved in {out}")
    return out


def _total_steps(epochs, steps, n, batch_size):
    if (epochs is None) == (steps is None):
        raise ValueError("train: give either epochs or steps")
    if steps is not None:
        return integer("train", "steps", steps, low=1)
    return -(-integer("train", "epochs", epochs, low=1) * n // batch_size)


def _show(bar):
    return lambda done, losses: bar.update(done, "  ".join(f"{name} {loss:.3f}" for name, loss in losses.items()))


class _Interruption:
    """Turns the first Ctrl-C into a request; the second one interrupts at once."""

    requested = False

    def __enter__(self):
        self._in_main = threading.current_thread() is threading.main_thread()
        if self._in_main:
            self._previous = signal.signal(signal.SIGINT, self._request)
        return self

    def _request(self, *_):
        self.requested = True
        signal.signal(signal.SIGINT, self._previous)

    def __exit__(self, *_):
        if self._in_main:
            signal.signal(signal.SIGINT, self._previous)
