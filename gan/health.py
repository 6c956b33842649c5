"""Is a training well? Where numbers went wrong, and plain words for the usual ways in which GANs fail."""

import numpy as np

from smalti import nn

from . import losses

_LEAST_SPREAD = 0.25  # of that of real pictures
_SETTLED = 500  # steps before which there is no telling
_LATELY = 20  # records
_SURE = 0.02  # of the loss of a discriminator that knows nothing


def first_not_finite(model, latents, pictures, conditions):
    """The first layer, on the way from latents through both networks, that gives NaN or infinity: a name, or None.

    Parameters
    ----------
    model : GAN
    latents : Tensor
    pictures : array
        Real ones, for the discriminator.
    conditions : tuple of Tensor
    """
    for name, inputs in (("generator", latents), ("discriminator", nn.tensor(pictures))):
        network = getattr(model, name)
        outputs = []
        leaves = [(path, m) for path, m in network.modules() if len(m.modules()) == 1]
        with nn.no_grad():
            for path, leaf in leaves:
                _watch(leaf, path, outputs)
            try:
                network(inputs, *conditions)
            finally:
                for _, leaf in leaves:
                    del leaf.forward
        for path, kind, output in outputs:
            if not np.isfinite(output).all():
                return f"what the {name}'s {path} ({kind}) gives"
    return None


def _watch(layer, path, outputs):
    """Have a layer's outputs appended to a list."""
    forward = layer.forward

    def watched(*inputs, **options):
        result = forward(*inputs, **options)
        outputs.append((path, type(layer).__name__, result.data))
        return result

    layer.forward = watched


def spread(pictures):
    """How different pictures are: their root mean square distance from their mean."""
    pictures = np.asarray(pictures, np.float32)
    return float(np.sqrt(np.square(pictures - pictures.mean(axis=0)).mean()))


def diagnose(records, objective):
    """What seems to go wrong in a training, judged by its records: sentences by short name.

    Parameters
    ----------
    records : list of dict
        With ``"step"`` and, in some, ``"real"`` and ``"fake"``, the parts of the discriminator's loss, and
        ``"spread"``, that of a fixed batch of generated pictures relative to real ones.
    objective : one of `smalti.gan.losses.OBJECTIVES`
    """
    found = {}
    spreads = [r["spread"] for r in records if "spread" in r and r["step"] >= _SETTLED]
    if spreads and spreads[-1] < _LEAST_SPREAD:
        found["mode collapse"] = (
            f"the generator draws nearly the same picture for every latent ({spreads[-1]:.0%} of the variety of real "
            "ones); begin anew with another seed, a lower learning rate, or the objective hinge or r1"
        )
    lately = [r["real"] + r["fake"] for r in records if "real" in r][-_LATELY:]
    undecided = nn.tensor([0.0])  # a critic of Wasserstein's distance has a loss of 0 then, and never saturates
    at_first = sum(part.item() for part in losses.discriminator_loss(undecided, undecided, objective).values())
    if len(lately) == _LATELY and at_first and np.mean(lately) < _SURE * at_first:
        found["saturated discriminator"] = (
            "the discriminator is sure of every picture, so that the generator learns little from it; begin anew with "
            "a lower learning rate, label smoothing, augmentation, or the objective r1"
        )
    return found
