"""A whole training: the loop around the steps, and the run that it leaves in a folder.

A run that was stopped and resumed ends with the same checkpoint, byte for byte, as one that was not; see
`smalti.gan.trainer`.
"""

import contextlib
import json
import signal
import threading
import time
import warnings
from pathlib import Path

import numpy as np

from smalti.kernels._validate import integer

from ..segment.files import atomic
from ..segment.progress import Progress
from . import checkpoint
from .data import Dataset, load_dataset
from .health import diagnose, spread
from .metrics import Metrics
from .page import write_page
from .sampling import class_of_each, decode, grid, interpolate, save_png
from .trainer import Trainer

_GRIDS = 10  # sample grids of one training
_GRID_SIDE = 8  # pictures; see `_columns`
_WAYS, _WAY_LENGTH = 4, 10  # of the interpolation
_RECORD_STEPS = 10


def train(
    model, dataset, *, out, epochs=None, steps=None, batch_size=64, rng=0, resume=True, checkpoint_every=500,
    progress=None, **options,
):  # fmt: skip
    """Train a model, leaving a run in a folder.

    A run that is stopped, by Ctrl-C too, goes on from its last checkpoint when the same call is made again; what
    comes out is the same to the last bit.

    Parameters
    ----------
    model : GAN
        Updated in place.
    dataset : Dataset or source for `load_dataset`
    out : path
        The run's folder:

        - ``config.json``, what the run was started with;
        - ``checkpoint.npz``, its state, and ``checkpoint.previous.npz``, the one before;
        - ``metrics.jsonl``, losses and other measures;
        - ``samples/STEP.png``, grids of samples, always of the same latents, and ``interpolation.png``;
        - ``index.html``, a page that shows all this.
    epochs, steps : int
        How long, in passes over the dataset or in batches; one of the two.
    batch_size : int
    rng : int or numpy.random.Generator
        Seed of all that is random, and of the order of the data.
    resume : bool
        Go on with the run that is in `out`; otherwise it is begun anew.
    checkpoint_every : int
        Steps between checkpoints. The last step, and Ctrl-C, make one in any case.
    progress : callable, optional
        Called as ``progress(steps_done, losses)`` after every step, instead of the progress shown on stderr.
    **options
        Those of `Trainer`: ``objective`` and so on. A schedule ends with the training if it is not told otherwise.

    Returns
    -------
    Path
        `out`, for `generate`.

    Raises
    ------
    ValueError
        If `out` holds a run with another configuration; it names what changed.
    FloatingPointError
        If a loss, gradient or weight is no longer finite; it names step and layer.
    OSError
        If the run cannot be written; it names the file. The last checkpoint is whole.
    KeyboardInterrupt
        After Ctrl-C, when the step is finished and the checkpoint written.

    Warns
    -----
    RuntimeWarning
        If the checkpoint is damaged, so that the one before it is used, and if the training does not go well.
    """
    if not isinstance(dataset, Dataset):
        dataset = load_dataset(dataset)
    total = _total_steps(epochs, steps, len(dataset), integer("train", "batch_size", batch_size, low=2))
    checkpoint_every = integer("train", "checkpoint_every", checkpoint_every, low=1)
    if options.get("schedule", "constant") != "constant":
        options.setdefault("schedule_steps", total)
    trainer = Trainer(model, dataset, batch_size=batch_size, rng=rng, **options)
    run = _Run(Path(out), trainer, resume)
    with _Interruption() as interruption, contextlib.ExitStack() as stack:
        if progress is None:
            progress = _show(stack.enter_context(Progress(total, start=trainer.steps_done, name="training")))
        while trainer.steps_done < total and not interruption.requested:
            try:
                losses = trainer.step()
            except FloatingPointError as error:
                raise FloatingPointError(f"{out}: {error}; step {run.saved} is kept") from None
            done = trainer.steps_done
            if done % _RECORD_STEPS == 0 or done == total:
                run.record(losses)
            if done * _GRIDS // total > (done - 1) * _GRIDS // total:
                run.show()
            if done % checkpoint_every == 0:
                run.save()
            progress(done, losses)
        if trainer.steps_done > run.saved:
            run.save()
        write_page(run.folder, run.config, run.metrics.records)
    if interruption.requested:
        raise KeyboardInterrupt(
            f"stopped after step {trainer.steps_done} of {total}, saved in {out}; run the same again to go on"
        )
    return run.folder


class _Run:
    """A training's folder.

    Attributes
    ----------
    folder : Path
    config : dict
    metrics : Metrics
    saved : int
        The step of the last checkpoint.
    """

    def __init__(self, folder, trainer, resume):
        model, dataset = trainer.model, trainer.dataset
        self.folder, self._trainer = folder, trainer
        self.config = {
            "model": model.recipe, "batch_size": trainer.batch_size, "seed": trainer.seed, **trainer.options,
            "dataset": {"source": dataset.source, "pictures": len(dataset), "checksum": dataset.checksum()},
        }  # fmt: skip
        (folder / "samples").mkdir(parents=True, exist_ok=True)
        for left_over in folder.rglob(".*.tmp"):  # of a process that was killed while it wrote
            left_over.unlink()
        if not resume:
            checkpoint.remove(folder)
        elif checkpoint.exists(folder):
            checkpoint.restore(folder, self.config, trainer)
        self.saved = trainer.steps_done
        with atomic(folder / "config.json") as file:
            file.write(json.dumps(self.config, indent=2).encode())
        self.metrics = Metrics(folder / "metrics.jsonl", self.saved if self.saved else -1)
        self._began = time.monotonic() - self.metrics.last("seconds", 0.0)
        rng = np.random.default_rng((trainer.seed, 2))
        self._columns = _columns(model.n_classes)
        self._latents = rng.standard_normal((_GRID_SIDE * self._columns, model.latent_dim), np.float32)
        self._conditions = model.conditions(class_of_each("train", model, None, len(self._latents)))
        real, _ = dataset.batch(0, len(self._latents), seed=trainer.seed)
        self._real_spread = max(spread(real), 1e-6)
        for sample in (folder / "samples").glob("*.png"):
            if not sample.stem.isdigit() or int(sample.stem) > self.saved or not self.saved:
                sample.unlink()
        if not self.saved:
            self._grid()

    def record(self, losses):
        """Note the losses of the last step, and say what seems to go wrong, once each."""
        step = self._trainer.steps_done
        seconds = round(time.monotonic() - self._began, 3)
        self.metrics.add({"step": step, **losses, **self._trainer.details, "seconds": seconds})
        known = {r["kind"] for r in self.metrics.records if "warning" in r}
        for kind, text in diagnose(self.metrics.records, self._trainer.options["objective"]).items():
            if kind not in known:
                self.metrics.add({"step": step, "kind": kind, "warning": text})
                warnings.warn(f"step {step}: {text}", RuntimeWarning, stacklevel=3)

    def show(self):
        """Draw a grid of samples and the ways between them, and write the page."""
        images = self._grid()
        self.metrics.add({"step": self._trainer.steps_done, "spread": spread(images) / self._real_spread})
        model = self._trainer.sampled
        ways = []
        for i in range(_WAYS):
            labels = (i % model.n_classes, (i + 1) % model.n_classes) if model.n_classes else None
            ways.append(interpolate(model, _WAY_LENGTH, labels=labels, rng=i))
        self._draw("interpolation.png", grid(np.concatenate(ways), columns=_WAY_LENGTH))
        write_page(self.folder, self.config, self.metrics.records)

    def save(self):
        """Write the checkpoint."""
        checkpoint.save(self.folder, self.config, self._trainer)
        self.saved = self._trainer.steps_done

    def _grid(self):
        images = decode(self._trainer.sampled, self._latents, self._conditions)
        self._draw(f"samples/{self._trainer.steps_done:06d}.png", grid(images, columns=self._columns))
        return images

    def _draw(self, name, pixels):
        with atomic(self.folder / name) as file:
            save_png(file, pixels)


def _columns(n_classes):
    """Of a sample grid: each shows one class, if there are not too many of them."""
    return n_classes * max(1, _GRID_SIDE // n_classes) if 0 < n_classes <= 2 * _GRID_SIDE else _GRID_SIDE


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
