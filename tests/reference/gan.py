"""Losses of a GAN, element by element."""

import math


def _softplus(x):
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


def discriminator_loss(real_logits, fake_logits):
    """-mean log D(x) - mean log(1 - D(G(z))), D the sigmoid of the logit."""
    real = [_softplus(-float(z)) for z in real_logits.ravel()]
    fake = [_softplus(float(z)) for z in fake_logits.ravel()]
    return math.fsum(real) / len(real) + math.fsum(fake) / len(fake)


def generator_loss(fake_logits):
    """-mean log D(G(z))."""
    fake = [_softplus(-float(z)) for z in fake_logits.ravel()]
    return math.fsum(fake) / len(fake)
