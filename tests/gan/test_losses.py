"""The losses against their definition, and their gradients."""

import numpy as np
import pytest

from smalti import nn
from smalti.gan import losses
from tests.reference import gan as reference
from tests.tolerance import close

objectives = pytest.mark.parametrize("objective", losses.OBJECTIVES)


def logits(seed, scale=1.0, n=9, **options):
    return nn.tensor(scale * np.random.default_rng(seed).standard_normal((n, 1)), **options)


def total(parts):
    return sum(parts.values(), start=nn.tensor(np.float64(0)))


@objectives
@pytest.mark.parametrize("scale", [1, 30, 1000])  # 1000: where exp would overflow
def test_against_definition(objective, scale):
    real, fake = logits(0, scale), logits(1, scale)
    smoothings = (0.0, 0.1) if objective in losses.SMOOTHED else (0.0,)
    for smoothing in smoothings:
        parts = losses.discriminator_loss(real, fake, objective, label_smoothing=smoothing)
        assert list(parts) == ["real", "fake"]
        expected = reference.discriminator_loss(real.data, fake.data, objective, 1 - smoothing)
        for part, value in zip(parts.values(), expected, strict=True):
            assert part.shape == ()
            close(part.numpy(), value, k=16, atol=1e-13 * scale)  # roundings of exp and log; cancelling in a mean
    (part,) = losses.generator_loss(fake, objective).values()
    close(part.numpy(), reference.generator_loss(fake.data, objective), k=16, atol=1e-13 * scale)


def test_undecided_discriminator():
    zeros = nn.tensor(np.zeros((4, 1)))
    expected = {"minimax": 2 * np.log(2), "hinge": 2, "least-squares": 0.5, "wgan-gp": 0}
    for objective in losses.OBJECTIVES:
        loss = total(losses.discriminator_loss(zeros, zeros, objective)).item()
        assert loss == pytest.approx(expected.get(objective, 2 * np.log(2)))


def test_what_saturates():
    """Where the discriminator is sure that they are generated, only the minimax generator learns nothing."""
    for objective in losses.OBJECTIVES:
        sure = nn.tensor(np.full((4, 1), -50.0), requires_grad=True)
        total(losses.generator_loss(sure, objective)).backward()
        if objective == "minimax":
            assert np.abs(sure.grad.numpy()).max() < 1e-20
        else:
            assert (sure.grad.numpy() <= -0.24).all()


@objectives
def test_gradients(objective):
    real, fake = logits(2, requires_grad=True), logits(3, requires_grad=True)
    smoothing = 0.2 if objective in losses.SMOOTHED else 0.0
    nn.check_gradients(
        lambda r, f: total(losses.discriminator_loss(r, f, objective, label_smoothing=smoothing)), real, fake
    )
    nn.check_gradients(lambda f: total(losses.generator_loss(f, objective)), fake)


def quadratic(x):
    """Logits whose gradient is known: of |x|^2 / 2 it is x."""
    return (x * x).sum(axis=(1, 2, 3)).reshape(-1, 1) * 0.5


def test_penalties_against_definition():
    rng = np.random.default_rng(4)
    real, fake = rng.standard_normal((2, 3, 2, 2, 1))
    squares = (real**2).sum(axis=(1, 2, 3))
    (penalty,) = losses.r1_penalty(quadratic, real, weight=4).values()
    assert penalty.item() == pytest.approx(2 * squares.mean())

    share = np.random.default_rng(5).random((3, 1, 1, 1))
    between = np.sqrt(((share * real + (1 - share) * fake) ** 2).sum(axis=(1, 2, 3)))
    (penalty,) = losses.gradient_penalty(quadratic, real, fake, np.random.default_rng(5), weight=3).values()
    assert penalty.item() == pytest.approx(3 * ((between - 1) ** 2).mean())


def test_gradients_of_penalties():
    """They reach the weights through the gradient of the pictures."""
    layers = [nn.Conv2D(3, 3, 2, "same"), nn.LeakyReLU(0.2), nn.Flatten(), nn.Dense(4), nn.Tanh(), nn.Dense(1)]
    net = nn.Sequential(layers, input_shape=(4, 4, 1), rng=0).astype(np.float64)
    real, fake = np.random.default_rng(6).standard_normal((2, 3, 4, 4, 1))
    kernels = [p for name, p in net.named_parameters() if name.endswith("kernel")]
    nn.check_gradients(lambda *_: losses.r1_penalty(net, real)["penalty"], *kernels)
    nn.check_gradients(
        lambda *_: losses.gradient_penalty(net, real, fake, np.random.default_rng(0))["penalty"], *kernels
    )
