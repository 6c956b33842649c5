"""What the two networks minimise, as functions of the discriminator's logits.

With D = sigmoid(logit) and batches of real pictures x and generated pictures G(z),

    discriminator:  -mean log D(x) - mean log(1 - D(G(z)))
    generator:      -mean log D(G(z))

The generator's is the non-saturating form: its gradient does not vanish while the discriminator is sure.
Source: Goodfellow et al., Generative Adversarial Nets, 2014, section 3 and algorithm 1.
"""

from smalti.nn.losses import binary_cross_entropy


def discriminator_loss(real_logits, fake_logits):
    """Small where the discriminator calls real pictures real and generated ones generated.

    Parameters
    ----------
    real_logits, fake_logits : Tensor

    Returns
    -------
    Tensor of shape ()
    """
    return binary_cross_entropy(real_logits, 1.0) + binary_cross_entropy(fake_logits, 0.0)


def generator_loss(fake_logits):
    """Small where the discriminator calls generated pictures real.

    Parameters
    ----------
    fake_logits : Tensor

    Returns
    -------
    Tensor of shape ()
    """
    return binary_cross_entropy(fake_logits, 1.0)
