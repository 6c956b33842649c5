"""Whole runs: what they leave behind, and the same bytes in one go or in several."""

import json
import os
import signal
import sys
import time

import numpy as np
import pytest
from PIL import Image

import smalti
from smalti import gan, nn
from smalti.gan import checkpoint
from smalti.gan.metrics import read_records
from tests.gan.tiny import run, tiny_cgan, tiny_dataset, tiny_model

pytestmark = pytest.mark.compiled  # plain Python takes minutes for what these do


def same_bytes(first, second):
    """Whether two runs end with the same checkpoint."""
    return (first / "checkpoint.npz").read_bytes() == (second / "checkpoint.npz").read_bytes()


def test_what_a_run_leaves(tmp_path):
    out = tmp_path / "a" / "run"
    assert run(out, 20, checkpoint_every=7) == out
    names = sorted(str(p.relative_to(out)) for p in out.rglob("*.*"))
    assert names == [
        "checkpoint.npz", "checkpoint.previous.npz", "config.json", "index.html", "interpolation.png", "metrics.jsonl",
        *(f"samples/{step:06d}.png" for step in range(0, 21, 2)),
    ]  # fmt: skip
    with Image.open(out / names[-1]) as sheet:
        assert sheet.size == (8 * (12 + 2) + 2, 8 * (8 + 2) + 2)
    assert [nn.load(out / name)["steps_done"] for name in names[:2]] == [20, 14]
    config = json.loads((out / "config.json").read_text())
    assert config["model"]["width"] == 4 and config["objective"] == "non-saturating"
    assert config["dataset"] == {"source": None, "pictures": 50, "checksum": tiny_dataset().checksum()}
    records = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    assert [r["step"] for r in records if "discriminator" in r] == [10, 20]
    assert {"generator", "real", "fake", "learning rate", "generator gradient", "seconds"} < records[-2].keys()
    assert [r["step"] for r in records if "spread" in r] == list(range(2, 21, 2))
    images = gan.generate(out, 5, rng=1)
    assert images.shape == (5, 8, 12, 1) and images.dtype == np.float32 and 0 <= images.min() <= images.max() <= 1


def test_epochs(tmp_path):
    gan.train(tiny_model(), tiny_dataset(20), out=tmp_path, epochs=2, batch_size=8, progress=lambda *_: None)
    assert checkpoint.load(tmp_path)[1]["steps_done"] == 5


def test_resumed_run_is_byte_identical(tmp_path):
    run(tmp_path / "whole", 8)
    run(tmp_path / "parts", 3)
    seen = []
    run(tmp_path / "parts", 8, progress=lambda step, losses: seen.append(step))
    assert seen == [4, 5, 6, 7, 8]
    assert same_bytes(tmp_path / "whole", tmp_path / "parts")
    run(tmp_path / "parts", 8)  # nothing left to do
    assert same_bytes(tmp_path / "whole", tmp_path / "parts")


def test_every_column_of_a_grid_shows_one_class(tmp_path):
    images, labels = gan.glyphs(60, characters="ABCDEFGHIJ")
    model = gan.cgan((28, 28, 1), 10, latent_dim=4, width=4)
    run(tmp_path, 1, model=model, dataset=gan.Dataset(images, labels))
    with Image.open(tmp_path / "samples" / "000001.png") as sheet:
        assert sheet.size == (10 * (28 + 2) + 2, 8 * (28 + 2) + 2)
    columns = sys.modules["smalti.gan.train"]._columns
    assert [columns(n) for n in (0, 2, 3, 8, 16, 17, 36)] == [8, 8, 6, 8, 16, 8, 8]


def test_fresh_run(tmp_path):
    run(tmp_path, 4)
    run(tmp_path, 2, resume=False)
    assert checkpoint.load(tmp_path)[1]["steps_done"] == 2
    assert sorted(p.name for p in (tmp_path / "samples").iterdir()) == [f"{i:06d}.png" for i in range(3)]


def test_fresh_run_forgets_the_old_one_at_once(tmp_path):
    """Also if it does not get as far as its first checkpoint."""
    run(tmp_path, 4, checkpoint_every=2)

    def fail(step, losses):
        raise RuntimeError

    with pytest.raises(RuntimeError):
        run(tmp_path, 4, resume=False, progress=fail)
    assert not checkpoint.exists(tmp_path)


def test_run_of_something_else_is_refused(tmp_path):
    run(tmp_path, 2)
    before = (tmp_path / "checkpoint.npz").read_bytes()
    other = tiny_dataset()
    relabelled = gan.Dataset(other.images, 1 - other.labels)
    for options, reason in (
        ({"batch_size": 8}, "batch_size is 8, was 6;"),
        ({"rng": 4}, "seed is 4, was 3;"),
        ({"objective": "hinge", "ema": 0.9}, "objective is hinge, was non-saturating; ema is 0.9, was None;"),
        ({"dataset": tiny_dataset(49)}, r"dataset\.pictures is 49, was 50; dataset\.checksum is"),
        ({"dataset": relabelled}, r"dataset\.checksum is"),
        ({"model": gan.dcgan((8, 12, 1), latent_dim=5, width=4)}, r"model\.latent_dim is 5, was 4;"),
        ({"model": tiny_cgan()}, r"model\.model is cgan, was dcgan; model\.n_classes is 2, was None"),
    ):
        with pytest.raises(ValueError, match=f"holds another run: {reason}"):
            run(tmp_path, 4, **options)
    assert (tmp_path / "checkpoint.npz").read_bytes() == before
    run(tmp_path, 3, dataset=gan.Dataset(other.images, other.labels, "moved elsewhere"))


def test_schedule_ends_with_the_training(tmp_path):
    run(tmp_path, 4, schedule="linear")
    with pytest.raises(ValueError, match="schedule_steps is 6, was 4"):
        run(tmp_path, 6, schedule="linear")
    run(tmp_path, 6, schedule="linear", schedule_steps=4)


def test_classes_and_average_are_resumed(tmp_path):
    options = {"ema": 0.9, "augment": ["shift", "colour"], "schedule": "cosine", "schedule_steps": 9}
    run(tmp_path / "whole", 6, model=tiny_cgan(), **options)
    for steps in (2, 6):
        run(tmp_path / "parts", steps, model=tiny_cgan(), **options)
    assert same_bytes(tmp_path / "whole", tmp_path / "parts")
    model = checkpoint.load_model(tmp_path / "whole")
    arrays = nn.load(tmp_path / "whole" / "checkpoint.npz")
    np.testing.assert_array_equal(model.generator.first.kernel.data, arrays["average/first.kernel"])
    assert not np.array_equal(arrays["average/first.kernel"], arrays["generator/first.kernel"])
    assert gan.generate(tmp_path / "whole", 2, labels=[1, 0], rng=0).shape == (2, 8, 12, 1)


def test_bad_news_is_told_once(tmp_path, monkeypatch):
    monkeypatch.setattr(sys.modules["smalti.gan.train"], "diagnose", lambda *_: {"mode collapse": "all alike"})
    with pytest.warns(RuntimeWarning, match="step 10: all alike") as caught:
        run(tmp_path, 40)
    assert len(caught) == 1
    assert "step 10: all alike" in (tmp_path / "index.html").read_text()
    run(tmp_path, 50)


def test_nan_stops_the_run_with_its_step(tmp_path):
    run(tmp_path, 3)
    before = (tmp_path / "checkpoint.npz").read_bytes()
    model, dataset = tiny_model(), tiny_dataset()

    def poison(step, losses):
        if step == 5:
            model.generator.layers[0].kernel.data[...] = np.nan

    with pytest.raises(FloatingPointError, match=r"step 6: .* generator's layers\.0 \(Dense\).*; step 3 is kept"):
        gan.train(model, dataset, out=tmp_path, steps=9, batch_size=6, rng=3, progress=poison)
    model = tiny_model()
    with pytest.raises(FloatingPointError, match=r"generator/layers\.0\.kernel is not finite after step 5"):
        gan.train(model, dataset, out=tmp_path, steps=5, batch_size=6, rng=3, progress=poison)
    assert (tmp_path / "checkpoint.npz").read_bytes() == before
    assert not list(tmp_path.glob(".*"))


def test_interruption_saves_and_resumes(tmp_path):
    def interrupt(step, losses):
        if step == 5:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt, match="stopped after step 5 of 9, saved in"):
        run(tmp_path / "parts", 9, progress=interrupt)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert checkpoint.load(tmp_path / "parts")[1]["steps_done"] == 5
    run(tmp_path / "parts", 9)
    run(tmp_path / "whole", 9)
    assert same_bytes(tmp_path / "parts", tmp_path / "whole")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # a process with threads forks, on purpose
def test_killed_runs_end_with_the_same_bytes(tmp_path):
    """Killed at random moments, on one thread and on two."""
    steps, n_kills = 80, 20
    options = {"checkpoint_every": 3, "ema": 0.9, "augment": ["flip"]}
    began = time.monotonic()
    run(tmp_path / "whole", steps, **options)
    moments = np.random.default_rng().uniform(0, 2 * (time.monotonic() - began) / n_kills, n_kills)
    print("killed after", moments)
    for number, seconds in enumerate(moments):
        child = os.fork()
        if not child:
            try:
                smalti.set_num_threads(1 + number % 2)
                run(tmp_path / "killed", steps, **options)
                os._exit(0)
            finally:
                os._exit(1)
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) in (-signal.SIGKILL, 0)
    assert 0 < checkpoint.load(tmp_path / "killed")[1]["steps_done"]
    run(tmp_path / "killed", steps, **options)
    assert same_bytes(tmp_path / "killed", tmp_path / "whole")
    killed, whole = (read_records(tmp_path / name / "metrics.jsonl") for name in ("killed", "whole"))
    assert [{**r, "seconds": 0} for r in killed] == [{**r, "seconds": 0} for r in whole]
    for sample in (tmp_path / "whole" / "samples").iterdir():
        assert sample.read_bytes() == (tmp_path / "killed" / "samples" / sample.name).read_bytes()
    assert not list((tmp_path / "killed").rglob("*.tmp"))


def test_bad_runs(tmp_path):
    for options in ({}, {"steps": 3, "epochs": 2}):
        with pytest.raises(ValueError, match="train: give either epochs or steps"):
            gan.train(tiny_model(), tiny_dataset(), out=tmp_path / "run", batch_size=6, **options)
    with pytest.raises(ValueError, match="steps must be at least 1"):
        run(tmp_path / "run", 0)
    assert not (tmp_path / "run").exists()


def test_handmade_model(tmp_path):
    generator = nn.Sequential([nn.Dense(96), nn.Reshape((8, 12, 1)), nn.Tanh()], input_shape=(4,), rng=0)
    discriminator = nn.Sequential([nn.Flatten(), nn.Dense(1)], input_shape=(8, 12, 1), rng=0)
    model = gan.GAN(generator, discriminator, 4, (8, 12, 1))
    gan.train(model, tiny_dataset(), out=tmp_path, steps=2, batch_size=4, progress=lambda *_: None)
    assert gan.generate(model, 3).shape == (3, 8, 12, 1)
    with pytest.raises(ValueError, match="made by hand"):
        gan.generate(tmp_path, 3)
