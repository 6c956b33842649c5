"""A run on disk: one .npz that holds all a training is made of, replaced as a whole or not at all.

``checkpoint.npz`` has the entries ``config`` (JSON: the model's recipe, and what the training was started with),
``steps_done``, and the arrays of ``generator/``, ``discriminator/`` and their optimizers. There is no pickle in it.
"""

import json
from pathlib import Path

import numpy as np

from ..segment.files import atomic
from . import models
from .files import npz

FILE = "checkpoint.npz"


def save(run, config, trainer):
    """Write the run's checkpoint.

    Raises
    ------
    FloatingPointError
        If a value is not finite; the file is then as it was.
    """
    arrays = dict(_state(trainer))
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise FloatingPointError(f"{name} is not finite after step {trainer.steps_done}")
    with atomic(Path(run) / FILE) as file:
        np.savez(file, config=json.dumps(config), steps_done=trainer.steps_done, **arrays)


def load(run):
    """(config, arrays by name) of a run's checkpoint."""
    path = Path(run) / FILE
    try:
        with npz(path) as archive:
            arrays = {name: archive[name] for name in archive.files}
        return json.loads(str(arrays.pop("config"))), arrays
    except FileNotFoundError:
        raise FileNotFoundError(f"{run}: no run here, there is no {FILE}") from None
    except (KeyError, json.JSONDecodeError):
        raise ValueError(f"{path}: not a checkpoint") from None


def restore(trainer, arrays, path):
    """Put a trainer into the state that `load` has read."""
    try:
        trainer.steps_done = int(arrays["steps_done"])
        for name, part in _parts(trainer):
            prefix = f"{name}/"
            part.load_state_dict({key[len(prefix) :]: a for key, a in arrays.items() if key.startswith(prefix)})
    except (KeyError, ValueError, TypeError) as error:
        raise ValueError(f"{path}: the checkpoint does not fit its model: {error}") from None


def load_model(run):
    """The model of a run, with its weights."""
    config, arrays = load(run)
    recipe = dict(config.get("model") or {})
    if "model" not in recipe:
        raise ValueError(f"{run}: its model was made by hand, so that it cannot be made again from the checkpoint")
    model = getattr(models, recipe.pop("model"))(**recipe)
    for name in ("generator", "discriminator"):
        prefix = f"{name}/"
        getattr(model, name).load_state_dict(
            {key[len(prefix) :]: a for key, a in arrays.items() if key.startswith(prefix)}
        )
    return model


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
