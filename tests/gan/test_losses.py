"""The losses against their definition, and their gradients."""

import numpy as np
import pytest

from smalti import nn
from smalti.gan import losses
from tests.reference import gan as reference
from tests.tolerance import close


@pytest.mark.parametrize("scale", [1, 30, 1000])  # 1000: where exp would overflow
def test_against_definition(scale):
    rng = np.random.default_rng(0)
    real, fake = (nn.tensor(scale * rng.standard_normal((9, 1))) for _ in range(2))
    # k: a rounding or two for each term of a mean, exp and log.
    close(losses.discriminator_loss(real, fake).numpy(), reference.discriminator_loss(real.data, fake.data), k=8)
    close(losses.generator_loss(fake).numpy(), reference.generator_loss(fake.data), k=8)


def test_undecided_discriminator():
    logits = nn.tensor(np.zeros((4, 1)))
    assert losses.discriminator_loss(logits, logits).item() == pytest.approx(2 * np.log(2))
    assert losses.generator_loss(logits).item() == pytest.approx(np.log(2))


def test_generator_does_not_saturate():
    logits = nn.tensor(np.full((4, 1), -50.0), requires_grad=True)  # sure that they are generated
    losses.generator_loss(logits).backward()
    np.testing.assert_allclose(logits.grad.numpy(), -0.25)


def test_gradients():
    rng = np.random.default_rng(1)
    real, fake = (nn.tensor(rng.standard_normal((6, 1)), requires_grad=True) for _ in range(2))
    nn.check_gradients(losses.discriminator_loss, real, fake)
    nn.check_gradients(losses.generator_loss, fake)
