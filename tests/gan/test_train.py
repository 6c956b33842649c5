"""Whole runs: what they leave behind, and the same bytes in one go or in several."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from smalti import gan, nn
from smalti.gan import checkpoint
from tests.gan.tiny import run, tiny_dataset, tiny_model
from tests.helpers import ROOT

pytestmark = pytest.mark.compiled  # plain Python takes minutes for what these do


def test_run_leaves_checkpoint_and_grids(tmp_path):
    assert run(tmp_path / "a" / "run", 20) == tmp_path / "a" / "run"
    names = sorted(str(p.relative_to(tmp_path / "a" / "run")) for p in (tmp_path / "a" / "run").rglob("*.*"))
    assert names == ["checkpoint.npz", *(f"samples/{step:06d}.png" for step in range(0, 21, 2))]
    with Image.open(tmp_path / "a" / "run" / names[-1]) as sheet:
        assert sheet.size == (8 * (12 + 2) + 2, 8 * (8 + 2) + 2)
    images = gan.generate(tmp_path / "a" / "run", 5, rng=1)
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
    whole, parts = ((tmp_path / name / "checkpoint.npz").read_bytes() for name in ("whole", "parts"))
    assert whole == parts
    run(tmp_path / "parts", 8)  # nothing left to do
    assert (tmp_path / "parts" / "checkpoint.npz").read_bytes() == parts


def test_fresh_run(tmp_path):
    run(tmp_path, 4)
    run(tmp_path, 2, resume=False)
    assert checkpoint.load(tmp_path)[1]["steps_done"] == 2
    assert sorted(p.name for p in (tmp_path / "samples").iterdir()) == [f"{i:06d}.png" for i in range(3)]


def test_run_of_something_else_is_refused(tmp_path):
    run(tmp_path, 2)
    before = (tmp_path / "checkpoint.npz").read_bytes()
    for options, reason in (
        ({"batch_size": 8}, "batch_size is 8, was 6"),
        ({"rng": 4}, "seed is 4, was 3"),
        ({"dataset": tiny_dataset(49)}, "dataset is"),
    ):
        with pytest.raises(ValueError, match=f"holds another run: {reason}"):
            run(tmp_path, 4, **options)
    with pytest.raises(ValueError, match="holds another run: model is"):
        gan.train(
            gan.dcgan((8, 12, 1), latent_dim=5, width=4), tiny_dataset(), out=tmp_path, steps=4, batch_size=6, rng=3
        )
    assert (tmp_path / "checkpoint.npz").read_bytes() == before


def test_damaged_checkpoint(tmp_path):
    run(tmp_path, 2)
    path = tmp_path / "checkpoint.npz"
    whole = path.read_bytes()
    for damaged in (b"", whole[: len(whole) // 2], whole[:300] + bytes(200) + whole[500:]):
        path.write_bytes(damaged)
        for use in (lambda: gan.generate(tmp_path, 2), lambda: run(tmp_path, 4)):
            with pytest.raises(ValueError, match=r"checkpoint\.npz: ") as caught:
                use()
            assert "\n" not in str(caught.value)


def test_not_a_run(tmp_path):
    with pytest.raises(FileNotFoundError, match="no run here"):
        gan.generate(tmp_path, 2)
    np.savez(tmp_path / "checkpoint.npz", x=np.zeros(3))
    with pytest.raises(ValueError, match="not a checkpoint"):
        gan.generate(tmp_path, 2)


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
    assert (tmp_path / "parts" / "checkpoint.npz").read_bytes() == (tmp_path / "whole" / "checkpoint.npz").read_bytes()


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs POSIX signals")
def test_killed_run_resumes(tmp_path):
    code = (
        "from tests.gan.tiny import run; import smalti.gan.train; import sys;"
        "sys.modules['smalti.gan.train']._CHECKPOINT_STEPS = 3; run(sys.argv[1], 10**6)"
    )
    child = subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "killed")], cwd=ROOT)
    try:
        deadline = time.monotonic() + 300
        while not (tmp_path / "killed" / "checkpoint.npz").exists():
            assert child.poll() is None and time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        child.kill()
        child.wait()
    reached = int(checkpoint.load(tmp_path / "killed")[1]["steps_done"])
    run(tmp_path / "killed", reached + 2)
    run(tmp_path / "whole", reached + 2)
    killed, whole = ((tmp_path / name / "checkpoint.npz").read_bytes() for name in ("killed", "whole"))
    assert killed == whole


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
