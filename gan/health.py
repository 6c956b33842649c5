"""Is a training well? Where numbers went wrong, and plain words for the usual ways in which GANs fail."""

import numpy as np

from smalti import nn


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

    def watched(*inputs):
        result = forward(*inputs)
        outputs.append((path, type(layer).__name__, result.data))
        return result

    layer.forward = watched
