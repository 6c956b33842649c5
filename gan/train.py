"""A whole training: the loop around the steps, and the run that it leaves in a folder.

A run that was stopped and resumed ends with the same bytes as one that was not; see `smalti.gan.trainer`.
"""

import contextlib
import signal
import threading
from pathlib import Path

import numpy as np

from smalti.kernels._validate import integer

from ..segment.files import atomic
from ..segment.progress import Progress
from . import checkpoint
from .sampling import class_of_each, decode, grid, save_png
from .trainer import Trainer

_GRIDS = 10  # sample grids of one training
_GRID_SIDE = 8
_CHECKPOINT_STEPS = 500


def train(model, dataset, *, out, epochs=None, steps=None, batch_size=64, rng=0, resume=True, progress=None, **options):
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
    **options
        Those of `Trainer`: ``objective`` and so on.

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
    trainer = Trainer(model, dataset, batch_size=batch_size, rng=rng, **options)
    dataset = trainer.dataset
    total = _total_steps(epochs, steps, len(dataset), trainer.batch_size)
    config = {
        "model": model.recipe, "batch_size": trainer.batch_size, "seed": trainer.seed, **trainer.options,
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
    classes = model.conditions(class_of_each("train", model, None, len(latents)))

    def save_grid():
        with atomic(out / "samples" / f"{trainer.steps_done:06d}.png") as file:
            save_png(file, grid(decode(trainer.sampled, latents, classes)))

    if trainer.steps_done == 0:
        for old in (out / "samples").glob("*.png"):
            old.unlink()
        save_grid()
    saved = trainer.steps_done
    with _Interruption() as interruption, contextlib.ExitStack() as stack:
        if progress is None:
            progress = _show(stack.enter_context(Progress(total, start=trainer.steps_done, name="training")))
        while trainer.steps_done < total and not interruption.requested:
            try:
                losses = trainer.step()
            except FloatingPointError as error:
                raise FloatingPointError(f"{out}: {error}; step {saved} is kept") from None
            done = trainer.steps_done
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
