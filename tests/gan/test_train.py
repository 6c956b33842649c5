"""Training: the same bits for the same seed, on any number of threads, in one go or in two."""

import io
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
from smalti.gan.progress import Progress
from tests.helpers import ROOT, bit_identical_for_threads

pytestmark = pytest.mark.compiled  # plain Python takes minutes for what these do


def tiny_dataset(n=50):
    return gan.Dataset(gan.glyphs(n, characters="LO", warp=0.5)[0][:, 4:24:2, 4:28:2][:, :8])  # (n, 8, 12, 1)


def tiny_model(rng=0):
    return gan.dcgan((8, 12, 1), latent_dim=4, width=4, rng=rng)


def silent(*_):
    pass


def run(out, steps, **options):
    options = {"batch_size": 6, "rng": 3, "progress": silent, **options}
    return gan.train(tiny_model(), options.pop("dataset", tiny_dataset()), out=out, steps=steps, **options)


# One step


def test_step_is_what_the_algorithm_says():
    """Against the same step written out with the networks, gradients by `nn.grad`, and the optimizer's first step."""
    model, same = tiny_model(), tiny_model()
    real = tiny_dataset().batch(0, 6)[0]
    trainer = gan.Trainer(model, rng=7)
    got = trainer.step(real)

    z = np.random.default_rng((7, 0, 1)).standard_normal((6, 4), np.float32)
    fake = same.generator(nn.tensor(z))
    bce = nn.losses.binary_cross_entropy
    loss = bce(same.discriminator(nn.tensor(2 * real - 1)), 1.0) + bce(same.discriminator(fake.detach()), 0.0)
    assert got["discriminator"] == loss.item()
    self_step(same.discriminator, loss)
    loss = bce(same.discriminator(fake), 1.0)
    assert got["generator"] == pytest.approx(loss.item(), rel=1e-5)
    self_step(same.generator, loss)
    for name in ("generator", "discriminator"):
        for (key, p), (_, q) in zip(
            getattr(model, name).named_parameters(), getattr(same, name).named_parameters(), strict=True
        ):
            # Adam's first step is 2e-4 times the sign of the gradient, where that is clear of zero.
            np.testing.assert_allclose(p.data, q.data, atol=1e-5, err_msg=f"{name}.{key}")
    assert trainer.steps_done == 1 and model.discriminator.trainable


def self_step(network, loss):
    parameters = network.parameters()
    for p, g in zip(parameters, nn.grad(loss, parameters), strict=True):
        p.data -= 2e-4 * g.data / (np.abs(g.data) + np.float32(1e-7))


def test_same_bits_for_any_number_of_threads():
    dataset = gan.Dataset(gan.glyphs(64)[0])

    def train():
        trainer = gan.Trainer(gan.dcgan((28, 28, 1), latent_dim=8, width=8), dataset, batch_size=32)
        losses = [trainer.step() for _ in range(2)]
        return losses, trainer.model.generator.state_dict(), trainer.model.discriminator.state_dict()

    bit_identical_for_threads(train)


def test_batches_of_any_kind():
    x = tiny_dataset().images[:6]
    losses = [gan.Trainer(tiny_model()).step(batch) for batch in (x, x / 255, (x / 255).astype(np.float32))]
    assert losses[0] == pytest.approx(losses[1]) and losses[1] == losses[2]
    assert all(type(value) is float for value in losses[0].values())


def test_the_discriminator_learns():
    trainer = gan.Trainer(tiny_model(), tiny_dataset(), batch_size=16)
    losses = [trainer.step()["discriminator"] for _ in range(120)]
    assert np.mean(losses[-5:]) < 0.7 * losses[0]


def test_the_generator_learns():
    """Its pictures come to have the brightness of the data, from grey at the start."""
    dataset = gan.Dataset(gan.glyphs(512, characters="IL", warp=0.2)[0])
    trainer = gan.Trainer(gan.dcgan((28, 28, 1), latent_dim=8, width=8), dataset, batch_size=32)
    mean = dataset.images.mean(axis=0) / 255

    def distance():
        return np.abs(gan.generate(trainer.model, 32, rng=0).mean(axis=0) - mean).mean()

    before = distance()
    for _ in range(130):
        trainer.step()
    assert distance() < 0.8 * before


@pytest.mark.parametrize(
    ("real", "reason"),
    [
        (np.zeros((4, 8, 12)), r"real must have shape \(any, 8, 12, 1\), got \(4, 8, 12\)"),
        (np.zeros((4, 12, 8, 1)), r"real must have shape \(any, 8, 12, 1\)"),
        (np.zeros((0, 8, 12, 1)), "must not be empty"),
        (np.zeros((1, 8, 12, 1)), "at least 2 pictures"),
        (np.full((2, 8, 12, 1), np.nan), "must be finite"),
        (np.full((2, 8, 12, 1), 1.5), r"must be in \[0, 1\], got values from 1.5 to 1.5"),
        (None, "give a batch, or make the Trainer with a dataset"),
    ],
)
def test_bad_batches(real, reason):
    model = tiny_model()
    before = model.generator.state_dict()
    with pytest.raises(ValueError, match=f"Trainer.step: .*{reason}"):
        gan.Trainer(model).step(real)
    assert all(np.array_equal(before[key], value) for key, value in model.generator.state_dict().items())


def test_bad_trainers():
    with pytest.raises(ValueError, match=r"shape \(8, 12, 1\), those of dataset have \(8, 8, 1\)"):
        gan.Trainer(tiny_model(), gan.Dataset(np.zeros((4, 8, 8), np.uint8)))
    with pytest.raises(TypeError, match="model must be a GAN, got int"):
        gan.Trainer(3)
    with pytest.raises(ValueError, match="batch_size must be at least 2"):
        gan.Trainer(tiny_model(), batch_size=1)
    with pytest.raises(ValueError, match="labels were given"):
        gan.Trainer(tiny_model()).step(np.zeros((2, 8, 12, 1)), [0, 1])


# Whole runs


def test_run_leaves_checkpoint_and_grids(tmp_path):
    assert run(tmp_path / "a" / "run", 20) == tmp_path / "a" / "run"
    names = sorted(str(p.relative_to(tmp_path / "a" / "run")) for p in (tmp_path / "a" / "run").rglob("*.*"))
    assert names == ["checkpoint.npz", *(f"samples/{step:06d}.png" for step in range(0, 21, 2))]
    with Image.open(tmp_path / "a" / "run" / names[-1]) as sheet:
        assert sheet.size == (8 * (12 + 2) + 2, 8 * (8 + 2) + 2)
    images = gan.generate(tmp_path / "a" / "run", 5, rng=1)
    assert images.shape == (5, 8, 12, 1) and images.dtype == np.float32 and 0 <= images.min() <= images.max() <= 1


def test_epochs(tmp_path):
    gan.train(tiny_model(), tiny_dataset(20), out=tmp_path, epochs=2, batch_size=8, progress=silent)
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

    with pytest.raises(FloatingPointError, match="loss is nan at step 6; step 3 is kept"):
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
        "from tests.gan.test_train import run; import smalti.gan.train; import sys;"
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
            gan.train(tiny_model(), tiny_dataset(), out=tmp_path / "run", **options)
    with pytest.raises(ValueError, match="steps must be at least 1"):
        run(tmp_path / "run", 0)
    assert not (tmp_path / "run").exists()


def test_handmade_model(tmp_path):
    generator = nn.Sequential([nn.Dense(96), nn.Reshape((8, 12, 1)), nn.Tanh()], input_shape=(4,), rng=0)
    discriminator = nn.Sequential([nn.Flatten(), nn.Dense(1)], input_shape=(8, 12, 1), rng=0)
    model = gan.GAN(generator, discriminator, 4, (8, 12, 1))
    gan.train(model, tiny_dataset(), out=tmp_path, steps=2, batch_size=4, progress=silent)
    assert gan.generate(model, 3).shape == (3, 8, 12, 1)
    with pytest.raises(ValueError, match="made by hand"):
        gan.generate(tmp_path, 3)


# Sampling


def test_generate_depends_on_seed_only():
    model = tiny_model()
    images = gan.generate(model, 70, rng=5)
    np.testing.assert_array_equal(images[:3], gan.generate(model, 3, rng=5))
    assert not np.array_equal(images[:3], gan.generate(model, 3, rng=6))
    assert model.generator.training, "generate must leave the mode as it was"


def test_bad_sampling():
    with pytest.raises(ValueError, match="generate: n must be at least 1, got 0"):
        gan.generate(tiny_model(), 0)
    with pytest.raises(ValueError, match="not conditioned on classes"):
        gan.generate(tiny_model(), 2, labels=[0, 1])
    with pytest.raises(TypeError, match="expected the path of a run or a GAN, got int"):
        gan.generate(3, 2)


# Progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_progress_on_a_terminal():
    stream = Terminal()
    with Progress(4, name="work", stream=stream) as bar:
        for step in range(1, 5):
            bar.update(step, "well")
            time.sleep(0.11)
    text = stream.getvalue()
    assert (
        text.endswith("\n") and text.count("\n") == 1 and "[#######" in text and " left  well" in text and "4/4" in text
    )


def test_progress_elsewhere():
    stream = io.StringIO()
    with Progress(1000, name="work", stream=stream) as bar:
        for step in range(1, 1001):
            bar.update(step)
    lines = stream.getvalue().splitlines()
    assert len(lines) == 10 and lines[0].startswith("work 100/1000") and not any("\r" in line for line in lines)
