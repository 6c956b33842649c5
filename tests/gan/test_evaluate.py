"""Evaluation: what good, bad and one-sided generators get, and what is kept in a run."""

import json

import numpy as np
import pytest

from smalti import gan, nn
from smalti.gan.classifier import Classifier, trained_classifier
from tests.gan.tiny import run, tiny_cgan, tiny_dataset, tiny_model

pytestmark = pytest.mark.compiled  # plain Python takes minutes for what these do


def letters(n=400):
    images, labels = gan.glyphs(n, characters="LOX", warp=0.3)
    return gan.Dataset(images[:, ::2, ::2], labels)


class Copier(nn.Module):
    """A generator that draws what it is given, as often as it takes."""

    def __init__(self, pictures):
        self.pictures, self.drawn = pictures, 0

    def __call__(self, latents, *classes):
        index = np.arange(self.drawn, self.drawn + len(latents.data)) % len(self.pictures)
        self.drawn += len(index)
        return nn.tensor(self.pictures[index])


def copier(pictures, n_classes=0):
    return gan.GAN(Copier(pictures), nn.Sequential([]), 4, (14, 14, 1), n_classes=n_classes, low=0.0)


def test_classifier_learns():
    dataset = letters(800)
    classifier = trained_classifier(dataset.select(slice(600)))
    features, classes = classifier.describe_pictures(dataset.scaled(slice(600, None)))
    assert features.shape == (200, 64) and (classes == dataset.labels[600:]).mean() > 0.95
    again = trained_classifier(dataset.select(slice(600)))
    np.testing.assert_array_equal(features, again.describe_pictures(dataset.scaled(slice(600, None)))[0])


@pytest.mark.parametrize(("shape", "turns"), [((8, 8, 1), 4), ((8, 12, 3), 2)])
def test_turns_where_there_are_no_classes(shape, turns):
    classifier = Classifier(shape, 0)
    pictures = np.random.default_rng(0).random((5, *shape), dtype=np.float32)
    turned, labels = classifier.task(pictures, None)
    assert turned.shape == pictures.shape and labels.tolist() == [k % turns for k in range(5)]
    np.testing.assert_array_equal(turned[1], np.rot90(pictures[1], 4 // turns))
    assert classifier(nn.tensor(turned)).shape == (5, turns)
    unlabelled = gan.Dataset(letters(128).images)
    assert trained_classifier(unlabelled).n_turns == 4


def test_good_bad_and_one_sided_generators():
    dataset = letters()
    pictures = dataset.scaled()
    rng = np.random.default_rng(0)
    good = gan.evaluate(copier(pictures), dataset)
    bad = gan.evaluate(copier(rng.random(pictures.shape, dtype=np.float32)), dataset)
    one_sided = gan.evaluate(copier(pictures[dataset.labels == 1]), dataset)
    assert list(good) == ["Frechet distance", "kernel distance", "precision", "recall", "class coverage"]
    for name in ("Frechet distance", "kernel distance"):
        assert good[name]["value"] < 3 * max(good[name]["floor"], 0.01) < bad[name]["value"]
        assert good[name]["floor"] == bad[name]["floor"]
    assert good["precision"]["value"] > 0.8 > 0.5 > bad["precision"]["value"]
    assert one_sided["recall"]["value"] < 0.6 < good["recall"]["value"]
    assert one_sided["class coverage"]["value"] < 1 == good["class coverage"]["value"]
    assert one_sided["class coverage"]["floor"] == 1


def test_label_accuracy():
    dataset = letters(600)
    pictures = dataset.scaled()
    in_turn = np.concatenate([pictures[dataset.labels == k][:1] for k in (0, 1, 2)])
    right = gan.evaluate(copier(in_turn, n_classes=3), dataset)["label accuracy"]
    wrong = gan.evaluate(copier(in_turn[::-1], n_classes=3), dataset)["label accuracy"]
    assert "label accuracy" not in gan.evaluate(copier(in_turn, n_classes=3), gan.Dataset(dataset.images))
    assert right["value"] == 1 and wrong["value"] < 0.5 and 0.9 < right["floor"] <= 1


def test_evaluation_of_a_run(tmp_path):
    np.savez(tmp_path / "data.npz", x=tiny_dataset(64).images, y=tiny_dataset(64).labels)
    dataset = gan.load_dataset(tmp_path / "data.npz")
    run(tmp_path / "run", 2, model=tiny_cgan(), dataset=dataset)
    first = gan.evaluate(tmp_path / "run")
    assert first == gan.evaluate(tmp_path / "run", dataset) and "label accuracy" in first
    kept = json.loads((tmp_path / "run" / "evaluation.json").read_text())
    assert kept == {"step": 2, "measures": first}
    assert "Evaluation after step 2" in (tmp_path / "run" / "index.html").read_text()

    classifier = tmp_path / "run" / "classifier.npz"
    before = classifier.read_bytes()
    for damaged in (b"", before[:500]):
        classifier.write_bytes(damaged)
        assert gan.evaluate(tmp_path / "run") == first
        assert classifier.read_bytes() == before
    gan.evaluate(tmp_path / "run", tiny_dataset(96))
    assert classifier.read_bytes() != before

    np.savez(tmp_path / "data.npz", x=tiny_dataset(63).images, y=tiny_dataset(63).labels)
    with pytest.raises(ValueError, match=r"data\.npz no longer holds the pictures that .*run was trained on"):
        gan.evaluate(tmp_path / "run")


def test_bad_input(tmp_path):
    run(tmp_path, 2)
    with pytest.raises(ValueError, match="was trained on arrays; give the dataset"):
        gan.evaluate(tmp_path)
    with pytest.raises(ValueError, match="needs at least 32 pictures, dataset holds 31"):
        gan.evaluate(tiny_model(), tiny_dataset(31))
    with pytest.raises(ValueError, match=r"pictures of shape \(8, 12, 1\), those of dataset have \(14, 14, 1\)"):
        gan.evaluate(tiny_model(), letters())
    with pytest.raises(ValueError, match="evaluate: n must be at least 8"):
        gan.evaluate(tiny_model(), tiny_dataset(), n=1)
    with pytest.raises(TypeError, match="evaluate: expected the path of a run or a GAN, got int"):
        gan.evaluate(3, tiny_dataset())
    with pytest.raises(ValueError, match="give the dataset of real pictures"):
        gan.evaluate(tiny_model())
    with pytest.raises(FileNotFoundError, match="no run here"):
        gan.evaluate(tmp_path / "none")
