"""How good a generator is, by a classifier that is trained here on the pictures that it learned from.

Every measure stands beside its floor: what real pictures get that were compared in its place.
"""

import json
import os
from pathlib import Path

import numpy as np

from smalti.kernels._validate import as_rng, integer

from ..segment.files import atomic
from . import checkpoint
from .classifier import trained_classifier
from .data import Dataset, load_dataset
from .distances import frechet_distance, kernel_distance, precision_and_recall
from .metrics import read_records
from .models import GAN
from .page import EVALUATION, write_page
from .sampling import class_of_each, generate

_TEST = 4  # one in so many pictures is kept from the classifier
_LEAST = 8  # pictures that can be compared


def evaluate(run_or_model, dataset=None, *, n=2000, rng=0):
    """Compare generated pictures with real ones.

    Three quarters of the dataset train a classifier, the others are the real pictures: n generated ones are compared
    with n of them, and as the floor n of those that the classifier was trained on.

    Parameters
    ----------
    run_or_model : path or GAN
        For a run, the classifier is kept in it and used again, and the result is shown on its page.
    dataset : Dataset or source for `load_dataset`, optional
        That of the run if not given.
    n : int
        Pictures to compare; fewer if the dataset has not four times as many.
    rng : int or numpy.random.Generator

    Returns
    -------
    dict of str to dict
        ``"value"`` and ``"floor"`` of

        - ``"Frechet distance"`` and ``"kernel distance"`` of features, see `smalti.gan.distances`;
        - ``"precision"`` and ``"recall"``: parts of the generated pictures that look real, and of the real ones that
          are generated;
        - ``"class coverage"``: the part of the classes that are drawn, if the dataset has classes;
        - ``"label accuracy"``: how often the classifier sees the class that was asked for, if both have.

    Raises
    ------
    ValueError
        If there are too few pictures, or the run was trained on others.
    """
    n = integer("evaluate", "n", n, low=_LEAST)
    rng = as_rng("evaluate", rng)
    run = None
    if isinstance(run_or_model, (str, os.PathLike)):
        run = Path(run_or_model)
        config, arrays = checkpoint.load(run)
        model = checkpoint.model_of(run, config, arrays)
        dataset = _of_run(run, config) if dataset is None else dataset
    elif isinstance(run_or_model, GAN):
        model = run_or_model
    else:
        raise TypeError(f"evaluate: expected the path of a run or a GAN, got {type(run_or_model).__name__}")
    if dataset is None:
        raise ValueError("evaluate: give the dataset of real pictures, or a run")
    dataset = dataset if isinstance(dataset, Dataset) else load_dataset(dataset, image_shape=model.image_shape)
    if dataset.image_shape != model.image_shape:
        raise ValueError(
            f"evaluate: the model makes pictures of shape {model.image_shape}, those of {dataset.name} have "
            f"{dataset.image_shape}"
        )
    if len(dataset) < _TEST * _LEAST:
        raise ValueError(f"evaluate: needs at least {_TEST * _LEAST} pictures, {dataset.name} holds {len(dataset)}")
    order = np.random.default_rng(0).permutation(len(dataset))  # not from rng: the classifier is used again
    held_out, seen = np.split(order, [len(dataset) // _TEST])
    classifier = trained_classifier(dataset.select(seen), run and run / "classifier.npz")

    n = min(n, len(held_out))
    asked = class_of_each("evaluate", model, None, n)
    sets = {
        "test": dataset.select(held_out[:n]),
        "value": Dataset(generate(model, n, labels=asked, rng=rng), asked),
        "floor": dataset.select(seen[:n]),
    }
    found = {key: classifier.describe_pictures(part.scaled()) for key, part in sets.items()}
    measures = {}
    for key in ("value", "floor"):
        features, classes = found[key]
        real, _ = found["test"]
        precision, recall = precision_and_recall(real, features)
        results = {
            "Frechet distance": frechet_distance(real, features), "kernel distance": kernel_distance(real, features),
            "precision": precision, "recall": recall,
        }  # fmt: skip
        if dataset.n_classes > 1:
            results["class coverage"] = len(np.unique(classes)) / dataset.n_classes
        for name, result in results.items():
            measures.setdefault(name, {})[key] = result
    if asked is not None and dataset.n_classes > 1:
        measures["label accuracy"] = {
            key: float((found[part][1] == sets[part].labels).mean())
            for key, part in (("value", "value"), ("floor", "test"))  # the other real pictures it has learned by heart
        }
    if run is not None:
        with atomic(run / EVALUATION) as file:
            file.write(json.dumps({"step": int(arrays["steps_done"]), "measures": measures}, indent=2).encode())
        write_page(run, config, read_records(run / "metrics.jsonl"))
    return measures


def _of_run(run, config):
    """The dataset that a run was trained on."""
    source = config["dataset"]["source"]
    if source is None:
        raise ValueError(f"evaluate: {run} was trained on arrays; give the dataset")
    dataset = load_dataset(source, image_shape=tuple(config["model"]["image_shape"]))
    if dataset.checksum() != config["dataset"]["checksum"]:
        raise ValueError(f"evaluate: {source} no longer holds the pictures that {run} was trained on; give the dataset")
    return dataset
