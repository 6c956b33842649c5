"""The state of a run on disk: one .npz with all that a training is made of, and the one before it.

``checkpoint.npz`` has the entries ``config`` (JSON: the model's recipe, and what the training was started with),
``steps_done``, and the arrays of ``generator/``, ``discriminator/``, ``average/`` and the optimizers. It is written
whole beside its place and then moved there, with a checksum (see `smalti.nn.save`); the one that was there becomes
``checkpoint.previous.npz``, and is used should the newer one be damaged.
"""

import json
import os
import warnings
from pathlib import Path

import numpy as np

from smalti import nn

from . import models

FILE, PREVIOUS = "checkpoint.npz", "checkpoint.previous.npz"
_NEXT, _DAMAGED = "checkpoint.next.npz", "checkpoint.damaged.npz"


def save(run, config, trainer):
    """Write the run's checkpoint.

    Raises
    ------
    FloatingPointError
        If a value is not finite.
    OSError
        That names the file. In both cases the checkpoints are as they were.
    """
    arrays = dict(_state(trainer))
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise FloatingPointError(f"{name} is not finite after step {trainer.steps_done}")
    run = Path(run)
    try:
        nn.save(run / _NEXT, {"config": json.dumps(config), "steps_done": trainer.steps_done, **arrays})
        if (run / FILE).exists():
            os.replace(run / FILE, run / PREVIOUS)
        os.replace(run / _NEXT, run / FILE)
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(run / FILE)) from None


def load(run):
    """(config, arrays by name) of a run's newest whole checkpoint.

    Raises
    ------
    FileNotFoundError
        If there is none.
    ValueError
        If none is whole.
    """
    _, config, arrays = _newest(run)
    return config, arrays


def exists(run):
    """Whether a folder holds a run."""
    return any((Path(run) / name).exists() for name in (FILE, PREVIOUS))


def remove(run):
    """Delete the checkpoints of a run."""
    for name in (FILE, PREVIOUS):
        (Path(run) / name).unlink(missing_ok=True)


def restore(run, config, trainer):
    """Put a trainer into the state of the run's newest whole checkpoint.

    Raises
    ------
    ValueError
        If that has another configuration; it names what changed.
    """
    path, before, arrays = _newest(run)
    new, old = _flat(config), _flat(before)
    changed = [f"{key} is {new.get(key)}, was {old.get(key)}" for key in new | old if new.get(key) != old.get(key)]
    if changed:
        raise ValueError(f"{run}: holds another run: {'; '.join(changed)}; give another folder, or begin anew")
    try:
        trainer.steps_done = int(arrays["steps_done"])
        for name, part in _parts(trainer):
            part.load_state_dict(_under(name, arrays))
    except (KeyError, ValueError, TypeError) as error:
        raise ValueError(f"{path}: the checkpoint does not fit its model: {error}") from None
    if path.name == PREVIOUS and path.with_name(FILE).exists():  # it must not take the place of the good one
        os.replace(path.with_name(FILE), path.with_name(_DAMAGED))


def load_model(run):
    """The model of a run, with its weights; see `model_of`."""
    return model_of(run, *load(run))


def model_of(run, config, arrays):
    """The model of what `load` gives: with the averaged generator, if the run has one."""
    recipe = dict(config.get("model") or {})
    if "model" not in recipe:
        raise ValueError(f"{run}: its model was made by hand, so that it cannot be made again from the checkpoint")
    model = getattr(models, recipe.pop("model"))(**recipe)
    model.generator.load_state_dict(_under("average", arrays) or _under("generator", arrays))
    model.discriminator.load_state_dict(_under("discriminator", arrays))
    return model


def _newest(run):
    """(path, config, arrays) of the newest whole checkpoint; a damaged newer one is told by a warning."""
    problem = None
    for name in (FILE, PREVIOUS):
        path = Path(run) / name
        if not path.exists():
            continue
        try:
            arrays = nn.load(path)
            config = json.loads(str(arrays.pop("config")))
        except KeyError:
            problem = problem or f"{path}: not a checkpoint"
        except ValueError as error:
            problem = problem or f"{path}: damaged, or not a checkpoint: {error}"
        else:
            if problem:
                again = f"{problem}; the one before it is used, of step {int(arrays['steps_done'])}"
                warnings.warn(again, RuntimeWarning, stacklevel=4)
            return path, config, arrays
    if problem:
        raise ValueError(problem)
    raise FileNotFoundError(f"{run}: no run here, there is no {FILE}")


def _flat(config):
    """The configuration as one level, for comparison: where the pictures come from does not count, only which."""
    flat = {}
    for key, value in config.items():
        flat |= {f"{key}.{k}": v for k, v in value.items()} if isinstance(value, dict) else {key: value}
    flat.pop("dataset.source", None)
    return flat


def _parts(trainer):
    yield "generator", trainer.model.generator
    yield "discriminator", trainer.model.discriminator
    if trainer.average is not None:
        yield "average", trainer.average
    for name, optimizer in trainer.optimizers.items():
        yield f"{name} optimizer", optimizer


def _state(trainer):
    for name, part in _parts(trainer):
        for key, array in part.state_dict().items():
            yield f"{name}/{key}", array


def _under(name, arrays):
    """The arrays of one part, under their own names."""
    prefix = f"{name}/"
    return {key[len(prefix) :]: array for key, array in arrays.items() if key.startswith(prefix)}
