"""A small classifier of the pictures that a GAN learns from: its features say how alike pictures are.

Where the pictures have no classes it learns to tell by how many quarter turns they were turned (Gidaris et al.,
Unsupervised Representation Learning by Predicting Image Rotations, 2018), or half turns if they are not square.
"""

import numpy as np

from smalti import nn
from smalti.nn.init import he

from .data import Dataset

_FEATURES = 64
_BATCH = 64
_STEPS, _EPOCHS = 1000, 30  # of the training: the fewer of the two
_LEARNING_RATE = 2e-3
_SMALLEST = 4  # pictures are halved until their shorter side is no longer than twice this


class Classifier(nn.Module):
    """Pictures (N, H, W, C) in [0, 1] to the scores of classes.

    Parameters
    ----------
    image_shape : (H, W, C)
    n_classes : int
        With less than 2 it tells turns.
    rng : int or numpy.random.Generator
    """

    def __init__(self, image_shape, n_classes, rng=0):
        self.n_turns = 0 if n_classes > 1 else 4 if image_shape[0] == image_shape[1] else 2
        rng = np.random.default_rng(rng)
        layers, side, channels = [], min(image_shape[:2]), 16
        while side > 2 * _SMALLEST or not layers:
            layers += [nn.Conv2D(channels, 3, 2, "same", use_bias=False, kernel_initializer=he), _norm(), nn.ReLU()]
            side, channels = -(-side // 2), min(2 * channels, 128)
        layers += [nn.Flatten(), nn.Dense(_FEATURES, use_bias=False, kernel_initializer=he), _norm(), nn.ReLU()]
        self.body = nn.Sequential(layers, input_shape=image_shape, rng=rng)
        self.head = nn.Sequential([nn.Dense(self.n_turns or n_classes)], input_shape=(_FEATURES,), rng=rng)

    def forward(self, x):
        return self.head(self.body(x))

    def fit(self, dataset):
        """Learn from a dataset."""
        steps = min(_STEPS, max(1, _EPOCHS * len(dataset) // _BATCH))
        optimizer = nn.optim.Adam(self.parameters(), _LEARNING_RATE)
        rate = nn.optim.cosine_decay(_LEARNING_RATE, steps)
        self.train()
        for step in range(steps):
            optimizer.learning_rate = rate(step)
            pictures, labels = self.task(*dataset.batch(step, _BATCH))
            optimizer.zero_grad()
            nn.losses.cross_entropy(self(nn.tensor(pictures)), labels).backward()
            optimizer.step()
        self.eval()

    def task(self, pictures, labels):
        """Pictures and what is to be told of them: their class, or how they are turned, all ways in turn."""
        if not self.n_turns:
            return pictures, labels
        turns = np.arange(len(pictures)) % self.n_turns
        return np.stack([np.rot90(p, 4 // self.n_turns * k) for p, k in zip(pictures, turns, strict=True)]), turns

    def describe_pictures(self, pictures):
        """((n, 64) features, (n,) classes) of pictures in [0, 1]."""
        features, classes = [], []
        with nn.no_grad():
            for i in range(0, len(pictures), _BATCH):
                seen = self.body(nn.tensor(pictures[i : i + _BATCH]))
                features.append(seen.numpy())
                classes.append(self.head(seen).numpy().argmax(axis=1))
        return np.concatenate(features), np.concatenate(classes)


def trained_classifier(dataset: Dataset, path=None):
    """A classifier of a dataset: the one in the file `path`, if it is one of these pictures, or a new one."""
    classifier = Classifier(dataset.image_shape, dataset.n_classes)
    checksum = dataset.checksum()
    if path is not None and path.exists():
        try:
            state = nn.load(path)
            if int(state.pop("dataset")) == checksum:
                classifier.load_state_dict(state)
                classifier.eval()
                return classifier
        except (KeyError, ValueError):
            pass  # damaged, or of an older version: it is made again
    classifier.fit(dataset)
    if path is not None:
        nn.save(path, {"dataset": checksum, **classifier.state_dict()})
    return classifier


def _norm():
    return nn.BatchNorm(momentum=0.9)
