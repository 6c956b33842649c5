"""One step: what the algorithm says, the same bits on any number of threads, and every option of it."""

import numpy as np
import pytest

from smalti import gan, nn
from smalti.gan.augment import Move, augment
from smalti.gan.losses import OBJECTIVES, PENALISED
from tests.gan.tiny import same_arrays, tiny_cgan, tiny_dataset, tiny_model
from tests.helpers import bit_identical_for_threads

pytestmark = pytest.mark.compiled  # plain Python takes minutes for what these do


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

    with pytest.raises(ValueError, match="batch has 51 pictures, but dataset holds only 50"):
        gan.Trainer(tiny_model(), tiny_dataset(), batch_size=51)
    for options, reason in (
        ({"objective": "magic"}, "objective must be one of 'non-saturating', 'minimax'"),
        ({"objective": "hinge", "label_smoothing": 0.1}, "label_smoothing has no meaning for the objective 'hinge'"),
        ({"objective": "r1"}, "needs a discriminator without BatchNorm"),
        ({"schedule": "linear"}, "a linear schedule needs schedule_steps"),
        ({"augment": ["flip", "twirl"]}, "augment must be one of 'flip', 'shift', 'colour', got 'twirl'"),
        ({"ema": 1.5}, "ema must be from 0 to 1"),
        ({"clip_norm": 0}, "clip_norm must be greater than 0"),
    ):
        with pytest.raises(ValueError, match=f"Trainer: .*{reason}"):
            gan.Trainer(tiny_model(), **options)


# Classes


@pytest.mark.parametrize("projection", [False, True])
def test_classes_are_learned(projection):
    """After a few steps the generator draws what the label says: left and right halves."""
    images = np.zeros((40, 8, 12, 1), np.uint8)
    images[::2, :, :6] = images[1::2, :, 6:] = 255
    dataset = gan.Dataset(images, np.arange(40) % 2)
    trainer = gan.Trainer(tiny_cgan(projection=projection), dataset, batch_size=20, learning_rate=2e-3)
    for _ in range(150):
        trainer.step()
    for label in (0, 1):
        left, right = np.split(gan.generate(trainer.model, 8, labels=label, rng=0), 2, axis=2)
        assert (left.mean() > 2 * right.mean()) if label == 0 else (right.mean() > 2 * left.mean())


@pytest.mark.parametrize(
    ("labels", "error", "reason"),
    [
        (None, ValueError, "labels are missing"),
        ([0, 1, 2], ValueError, "labels must be in 0 to 1, got values from 0 to 2"),
        ([0, -1, 1], ValueError, "labels must be in 0 to 1"),
        ([0, 1], ValueError, r"labels must have shape \(3,\)"),
        ([0.0, 1.0, 1.0], TypeError, "labels must be integers"),
    ],
)
def test_bad_labels(labels, error, reason):
    with pytest.raises(error, match=f"Trainer.step: {reason}"):
        gan.Trainer(tiny_cgan()).step(np.zeros((3, 8, 12, 1)), labels)


def test_datasets_of_other_classes():
    images = tiny_dataset().images
    with pytest.raises(ValueError, match="conditioned on classes, but dataset has no labels"):
        gan.Trainer(tiny_cgan(), gan.Dataset(images), batch_size=4)
    with pytest.raises(ValueError, match="labels must be in 0 to 1, the model's classes; those of dataset reach 2"):
        gan.Trainer(tiny_cgan(), gan.Dataset(images, np.arange(50) % 3), batch_size=4)


# Options


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_every_objective_trains(objective):
    model = tiny_model(discriminator_norm=objective not in PENALISED)
    trainer = gan.Trainer(model, tiny_dataset(), batch_size=16, objective=objective)
    before = model.generator.state_dict()
    losses = [trainer.step()["discriminator"] for _ in range(40)]
    assert losses[-1] < losses[0] and not same_arrays(before, model.generator.state_dict())
    assert ("penalty" in trainer.details) == (objective in PENALISED)
    parts = [trainer.details[name] for name in ("real", "fake", "penalty") if name in trainer.details]
    assert sum(parts) == pytest.approx(losses[-1], abs=1e-5)


def test_several_discriminator_steps_use_a_batch_each():
    model, same = tiny_model(), tiny_model()
    gan.Trainer(model, tiny_dataset(), batch_size=6, discriminator_steps=2).step()
    seen = []
    trainer = gan.Trainer(same, tiny_dataset(), batch_size=6)
    batch = trainer._batch
    trainer._batch = lambda number: seen.append(number) or batch(number)
    trainer.options["discriminator_steps"] = 2
    trainer.steps_done = 3
    trainer.step()
    assert seen == [6, 7]
    assert not same_arrays(model.discriminator.state_dict(), tiny_model().discriminator.state_dict())


@pytest.mark.parametrize(("schedule", "halfway"), [("constant", 1.0), ("linear", 0.5), ("cosine", 0.5)])
def test_schedules(schedule, halfway):
    trainer = gan.Trainer(tiny_model(), tiny_dataset(), batch_size=6, schedule=schedule, schedule_steps=4)
    rates = []
    for _ in range(5):
        trainer.step()
        rates.append(trainer.optimizers["generator"].learning_rate / 2e-4)
    assert rates[0] == 1 and rates[2] == pytest.approx(halfway) and sorted(rates, reverse=True) == rates
    assert rates[4] == rates[3]


def test_clipping():
    free, bound = (gan.Trainer(tiny_model(), tiny_dataset(), batch_size=6, clip_norm=c) for c in (None, 1e-3))
    lengths = []
    for trainer in (free, bound):
        trainer.step()
        gradients = [p.grad.data for p in trainer.model.discriminator.parameters()]
        lengths.append(np.sqrt(sum((g.astype(float) ** 2).sum() for g in gradients)))
    assert lengths[0] == pytest.approx(free.details["discriminator gradient"], rel=1e-5) and lengths[0] > 1e-3
    assert lengths[1] == pytest.approx(1e-3, rel=1e-4)


def test_average_of_the_generator():
    trainer = gan.Trainer(tiny_model(), tiny_dataset(), batch_size=6, ema=0.5)
    name = "layers.0.kernel"
    expected = trainer.model.generator.state_dict()[name].astype(float)
    for step in range(1, 9):
        trainer.step()
        decay = min(0.5, (1 + step) / (10 + step))
        expected += (1 - decay) * (trainer.model.generator.state_dict()[name] - expected)
    state, newest = trainer.average.state_dict(), trainer.model.generator.state_dict()
    np.testing.assert_allclose(state[name], expected, atol=1e-6)
    assert not np.array_equal(state[name], newest[name])
    np.testing.assert_array_equal(state["layers.2.moving_mean"], newest["layers.2.moving_mean"])
    assert trainer.sampled.generator is trainer.average and trainer.sampled.discriminator is trainer.model.discriminator


def test_augmented_training_is_reproducible():
    states = []
    for _ in range(2):
        trainer = gan.Trainer(tiny_model(), tiny_dataset(), batch_size=6, augment=["flip", "shift", "colour"])
        for _ in range(2):
            trainer.step()
        states.append(trainer.model.generator.state_dict())
    assert same_arrays(*states)
    trainer = gan.Trainer(tiny_model(), tiny_dataset(), batch_size=6)
    for _ in range(2):
        trainer.step()
    assert not same_arrays(states[0], trainer.model.generator.state_dict())


def test_moves():
    x = np.arange(1, 13, dtype=np.float64).reshape(1, 3, 4, 1)
    moved = Move.apply(nn.tensor(x), shifts=np.array([[1, -2]]), flips=np.array([1])).numpy()[0, :, :, 0]
    np.testing.assert_array_equal(moved, [[0, 0, 0, 0], [2, 1, 0, 0], [6, 5, 0, 0]])
    x = nn.tensor(np.random.default_rng(0).standard_normal((4, 5, 6, 3)), requires_grad=True)
    nn.check_gradients(
        lambda x: Move.apply(x, shifts=np.array([[1, 2], [-2, 0], [0, -3], [4, 5]]), flips=np.array([0, 1, 1, 0])), x
    )


@pytest.mark.parametrize("channels", [1, 3])
def test_augmentation(channels):
    x = nn.tensor(np.random.default_rng(0).standard_normal((6, 16, 8, channels)), requires_grad=True)
    assert augment(x, (), np.random.default_rng(0)) is x
    for kinds in (("flip",), ("shift",), ("colour",), ("flip", "shift", "colour")):
        nn.check_gradients(lambda x, kinds=kinds: augment(x, kinds, np.random.default_rng(1)), x)
    flipped = augment(x, ("flip",), np.random.default_rng(0)).numpy()
    as_they_are = (flipped == x.data).all(axis=(1, 2, 3))
    turned = (flipped == x.data[:, :, ::-1]).all(axis=(1, 2, 3))
    assert (as_they_are ^ turned).all() and as_they_are.any() and turned.any()
    colour = augment(x, ("colour",), np.random.default_rng(0)).numpy()
    assert (np.abs(colour.mean(axis=(1, 2, 3)) - x.data.mean(axis=(1, 2, 3))) <= 0.5).all()


# Numbers that are not finite


@pytest.mark.parametrize(
    ("network", "layer", "kind"), [("generator", 4, "Conv2DTranspose"), ("discriminator", 2, "Conv2D")]
)
def test_where_numbers_went_wrong(network, layer, kind):
    trainer = gan.Trainer(tiny_model(), tiny_dataset(), batch_size=6)
    trainer.step()
    broken = getattr(trainer.model, network).layers[layer]
    broken.kernel.data[...] = np.nan
    other = "generator" if network == "discriminator" else "discriminator"
    before = getattr(trainer.model, other).state_dict()
    with pytest.raises(FloatingPointError, match=rf"step 2: what the {network}'s layers\.{layer} \({kind}\)"):
        trainer.step()
    after = getattr(trainer.model, other).state_dict()
    assert all(np.array_equal(before[key], after[key]) for key in before if "moving" not in key)
    assert "forward" not in vars(broken) and trainer.model.discriminator.trainable
