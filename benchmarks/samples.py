"""Samples of digits against those of the same GAN in torch: ``python -m benchmarks samples --data FILE [--first N]``.

FILE is MNIST as an .npz of uint8: ``x_train``, ``y_train``, ``x_test``, ``y_test``; of the first N pictures of each.

Both train the same `dcgan` from the same weights by the same batches, with one thread each, in turns of a few steps;
the seconds are those that a core worked for them, data included. After each epoch a convolutional network in torch,
which has learned to read the training pictures, looks at samples of both: how far are its features of them from those
of the test set (Frechet distance), and what does it read? The floor is the distance of as many training pictures. Then
a `cgan` learns, and the network tells how many samples are of the class asked for.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np

from smalti import gan
from smalti.gan.distances import frechet_distance

from .gans import TorchGAN
from .harness import peer, set_threads

torch = peer("torch")

SEEDS, EPOCHS, CONDITIONAL_EPOCHS = 3, 4, 5
BATCH, TURN = 64, 50  # pictures, steps
N_CLASSES = 10


class Reader:
    """Tells digits, and how far pictures are from those of the test set."""

    def __init__(self, train, test):
        t = torch.nn
        torch.manual_seed(0)
        self.body = t.Sequential(
            t.Conv2d(1, 32, 3, padding=1), t.ReLU(), t.MaxPool2d(2),
            t.Conv2d(32, 64, 3, padding=1), t.ReLU(), t.MaxPool2d(2),
            t.Flatten(), t.Dropout(0.25), t.Linear(64 * 7 * 7, 128), t.ReLU(),
        )  # fmt: skip
        self.head = t.Linear(128, N_CLASSES)
        network, steps = t.Sequential(self.body, self.head), 2 * len(train) // BATCH
        adam = torch.optim.Adam(network.parameters())
        schedule = torch.optim.lr_scheduler.OneCycleLR(adam, 3e-3, total_steps=steps)
        for step in range(steps):
            pictures, labels = train.batch(step, BATCH)
            adam.zero_grad()
            read = network(_channels_first(pictures))
            t.functional.cross_entropy(read, torch.from_numpy(labels).long()).backward()
            adam.step()
            schedule.step()
        network.eval()
        self.of_test, read = self._see(test.scaled())
        self.accuracy = float((read == test.labels).mean())

    def judge(self, pictures):
        """(Frechet distance to the test set, (n,) digits) of (n, 28, 28, 1) pictures in [0, 1]."""
        features, read = self._see(pictures)
        return frechet_distance(self.of_test, features), read

    def _see(self, pictures):
        with torch.no_grad():
            seen = torch.cat([self.body(part) for part in _channels_first(pictures).split(500)])
            return seen.numpy(), self.head(seen).argmax(1).numpy()


def _channels_first(pictures):
    return torch.from_numpy(pictures).permute(0, 3, 1, 2)


class Theirs:
    """A training of the torch twin of a model."""

    def __init__(self, model, dataset, seed):
        torch.manual_seed(seed)
        self.dataset, self.seed, self.steps_done = dataset, seed, 0
        self.twin = TorchGAN(model, dataset.scaled(slice(BATCH)), torch.channels_last)

    def step(self):
        self.twin.take_pictures(self.dataset.batch(self.steps_done, BATCH, seed=self.seed)[0])
        self.twin.step()
        self.steps_done += 1

    def samples(self, n):
        generator = self.twin.networks[0].eval()
        with torch.no_grad():
            parts = [generator(part) for part in torch.randn(n, self.twin.latent_dim).split(500)]
        generator.train()
        return self.twin.model.from_networks(torch.cat(parts).permute(0, 2, 3, 1).contiguous().numpy())


class Ours:
    """A training of a model, and what `smalti.gan.generate` makes of it."""

    def __init__(self, model, dataset, seed):
        self.trainer = gan.Trainer(model, dataset, batch_size=BATCH, rng=seed)
        self.step = self.trainer.step

    def samples(self, n):
        return gan.generate(self.trainer.sampled, n, rng=0)


def race(dataset, reader, n, seed):
    """Yields, for each epoch, what is known of smalti and torch: Frechet distance, rarest digit's part, seconds."""
    contestants = {"torch": Theirs, "smalti": Ours}
    model = gan.dcgan(dataset.image_shape, rng=seed)
    contestants = {name: kind(model, dataset, seed) for name, kind in contestants.items()}  # torch copies the weights
    seconds = dict.fromkeys(contestants, 0.0)
    done = 0
    for epoch in range(1, EPOCHS + 1):
        end = -(-epoch * len(dataset) // BATCH)
        while done < end:
            turn = min(TURN, end - done)
            for name, contestant in contestants.items():
                start = time.process_time()
                for _ in range(turn):
                    contestant.step()
                seconds[name] += time.process_time() - start
            done += turn
        for name, contestant in contestants.items():
            distance, read = reader.judge(contestant.samples(n))
            counts = np.bincount(read, minlength=N_CLASSES)
            yield {
                "name": name, "seed": seed, "epoch": epoch, "distance": distance, "classes": int((counts > 0).sum()),
                "rarest": counts.min() / n, "seconds": seconds[name],
            }  # fmt: skip


def asked_for(dataset, reader, n, seed):
    """Yields, for each epoch of a `cgan`, how many samples are of the class asked for."""
    model = gan.cgan(dataset.image_shape, N_CLASSES, rng=seed)
    trainer = gan.Trainer(model, dataset, batch_size=BATCH, rng=seed)
    labels = np.arange(n) % N_CLASSES
    for epoch in range(1, CONDITIONAL_EPOCHS + 1):
        while trainer.steps_done < -(-epoch * len(dataset) // BATCH):
            trainer.step()
        distance, read = reader.judge(gan.generate(trainer.sampled, n, labels=labels, rng=0))
        accuracy = float((read == labels).mean())
        yield {"name": "cgan", "seed": seed, "epoch": epoch, "distance": distance, "accuracy": accuracy}


def main(file, n_pictures=None, out=None):
    if torch is None or not file:
        print("samples: needs torch, and MNIST by --data FILE", file=sys.stderr)
        return 2
    set_threads(1)
    with np.load(file) as archive:
        train, test = (
            gan.Dataset(archive[f"x_{part}"][:n_pictures], archive[f"y_{part}"][:n_pictures])
            for part in ("train", "test")
        )
    reader = Reader(train, test)
    n = len(test)
    floor, _ = reader.judge(train.scaled(slice(n)))
    print(f"{n} pictures; {reader.accuracy:.2%} of the test set are read right; the floor is {floor:.2f}", flush=True)
    next(iter(race(train.select(slice(BATCH)), reader, 2, 0)))  # compiles
    records = []
    for task in (race, asked_for):
        for seed in range(SEEDS):
            for record in task(train, reader, n, seed):
                records.append(record)
                print(json.dumps(record), flush=True)
                if out:
                    facts = {"accuracy": reader.accuracy, "floor": floor, "records": records}
                    Path(out).write_text(json.dumps(facts, indent=1), encoding="utf-8")
    print("\n" + "\n".join(tables(records, floor)))
    return 0


def tables(records, floor):
    """The means over the seeds, as lines of Markdown."""

    def mean(key, name, epoch):
        return np.mean([r[key] for r in records if (r["name"], r["epoch"]) == (name, epoch)])

    yield "| epoch | Frechet distance | torch's | floor | digits drawn | the rarest | torch's | seconds | torch's | |"
    yield "|" + "-:|" * 10
    for epoch in range(1, EPOCHS + 1):
        distance, classes, rarest, seconds = (
            [mean(key, name, epoch) for name in ("smalti", "torch")]
            for key in ("distance", "classes", "rarest", "seconds")
        )
        yield (
            f"| {epoch} | {distance[0]:.1f} | {distance[1]:.1f} | {floor:.1f} | {classes[0]:.0f} | {rarest[0]:.1%} | "
            f"{rarest[1]:.1%} | {seconds[0]:.0f} | {seconds[1]:.0f} | {seconds[1] / seconds[0]:.2f}x |"
        )
    yield from ("", "| epoch | `cgan`: Frechet distance | floor | drawn as asked for |", "|" + "-:|" * 4)
    for epoch in range(1, CONDITIONAL_EPOCHS + 1):
        distance, accuracy = (mean(key, "cgan", epoch) for key in ("distance", "accuracy"))
        yield f"| {epoch} | {distance:.1f} | {floor:.1f} | {accuracy:.1%} |"
