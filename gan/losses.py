"""What the two networks minimise, as functions of the discriminator's logits.

With D = sigmoid(logit), f the logit, and the means over batches of real pictures x and generated pictures G(z):

================  =============================================  =======================
objective         discriminator                                  generator
================  =============================================  =======================
minimax           -mean log D(x) - mean log(1 - D(G(z)))         mean log(1 - D(G(z)))
non-saturating    the same                                       -mean log D(G(z))
r1                the same, plus the penalty R1                  -mean log D(G(z))
least-squares     mean (f(x) - 1)^2 / 2 + mean f(G(z))^2 / 2     mean (f(G(z)) - 1)^2 / 2
hinge             mean max(0, 1 - f(x)) + mean max(0, 1 + f(G))  -mean f(G(z))
wgan-gp           mean f(G(z)) - mean f(x), plus a penalty       -mean f(G(z))
================  =============================================  =======================

The penalties are of the gradient of f with respect to pictures: R1 of its squared length at real ones, that of
WGAN-GP of its length's distance from 1 between real and generated ones.

Every function returns its weighted parts by name; what is minimised is their sum.

Sources: Goodfellow et al., Generative Adversarial Nets, 2014, section 3; Mao et al., Least Squares GANs, 2017,
equation 9; Lim & Ye, Geometric GAN, 2017, section 3; Gulrajani et al., Improved Training of Wasserstein GANs, 2017,
equation 3; Mescheder et al., Which Training Methods for GANs do actually Converge?, 2018, equation 9; one-sided label
smoothing: Salimans et al., Improved Techniques for Training GANs, 2016, section 3.4.
"""

import numpy as np

from smalti import nn
from smalti.nn.losses import binary_cross_entropy, hinge, mean_squared_error, wasserstein

OBJECTIVES = ("non-saturating", "minimax", "hinge", "least-squares", "wgan-gp", "r1")
SMOOTHED = ("non-saturating", "minimax", "least-squares", "r1")  # those with a target for real pictures
PENALISED = ("wgan-gp", "r1")

_ROOT_EPSILON = 1e-12  # the square root has no derivative at 0


def discriminator_loss(real_logits, fake_logits, objective="non-saturating", *, label_smoothing=0.0):
    """Small where the discriminator calls real pictures real and generated ones generated.

    Parameters
    ----------
    real_logits, fake_logits : Tensor
    objective : one of `OBJECTIVES`
        Without its penalty, for which see `gradient_penalty` and `r1_penalty`.
    label_smoothing : float
        The target of real pictures is 1 less this much; for objectives in `SMOOTHED`.

    Returns
    -------
    dict of str to Tensor of shape ()
        The parts ``"real"`` and ``"fake"``.
    """
    loss, real, fake = {
        "least-squares": (_half_squares, 1 - label_smoothing, 0.0),
        "hinge": (hinge, 1.0, -1.0),
        "wgan-gp": (wasserstein, 1.0, -1.0),
    }.get(objective, (binary_cross_entropy, 1 - label_smoothing, 0.0))
    return {"real": loss(real_logits, real), "fake": loss(fake_logits, fake)}


def generator_loss(fake_logits, objective="non-saturating"):
    """Small where the discriminator calls generated pictures real.

    Parameters
    ----------
    fake_logits : Tensor
    objective : one of `OBJECTIVES`

    Returns
    -------
    dict of str to Tensor of shape ()
        The part ``"fake"``.
    """
    if objective == "minimax":
        return {"fake": -binary_cross_entropy(fake_logits, 0.0)}
    loss = {"least-squares": _half_squares, "hinge": wasserstein, "wgan-gp": wasserstein}
    return {"fake": loss.get(objective, binary_cross_entropy)(fake_logits, 1.0)}


def gradient_penalty(discriminator, real, fake, rng, *, weight=10.0):
    """weight * mean (|grad f(u)| - 1)^2 at a random u between each real and generated picture.

    Parameters
    ----------
    discriminator : callable
        Pictures to logits, without batch normalisation, with which a logit depends on other pictures, too.
    real, fake : (N, ...) arrays
    rng : numpy.random.Generator
    weight : float

    Returns
    -------
    dict of str to Tensor of shape ()
        The part ``"penalty"``.
    """
    share = rng.random((len(real),) + (1,) * (real.ndim - 1), dtype=real.dtype.type)
    length = (_squared_gradient(discriminator, share * real + (1 - share) * fake) + _ROOT_EPSILON).sqrt()
    return {"penalty": weight * mean_squared_error(length, 1.0)}


def r1_penalty(discriminator, real, *, weight=10.0):
    """weight / 2 * mean |grad f(x)|^2 at real pictures x; the parameters are those of `gradient_penalty`."""
    return {"penalty": 0.5 * weight * _squared_gradient(discriminator, real).mean()}


def _squared_gradient(discriminator, pictures):
    """(N,) squared lengths of the gradient of each picture's logit, to be differentiated again."""
    x = nn.tensor(pictures, requires_grad=True)
    gradient = nn.grad(discriminator(x).sum(), x, create_graph=True)
    return (gradient * gradient).sum(axis=tuple(range(1, np.ndim(pictures))))


def _half_squares(logits, target):
    return 0.5 * mean_squared_error(logits, target)
