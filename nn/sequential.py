"""Modules one after another."""

import textwrap

from .layers import BatchNorm
from .module import Module
from .stateless import LeakyReLU


class Sequential(Module):
    """Modules one after another.

    Parameters
    ----------
    layers : sequence of Module
    input_shape : tuple of int, optional
        Shape of one input, without the batch: builds the layers at once. Without it, call `build`.
    rng : int or numpy.random.Generator, optional
        Where initial weights are drawn from; with a seed they are always the same.

    A `BatchNorm` and the ReLU or leaky ReLU before or behind it are computed in one.

    Examples
    --------
    >>> from smalti import nn
    >>> net = nn.Sequential([nn.Dense(3), nn.ReLU(), nn.Dense(1)], input_shape=(2,), rng=0)
    >>> net(nn.tensor([[1.0, 2.0]])).shape
    (1, 1)
    """

    def __init__(self, layers, *, input_shape=None, rng=None):
        self.layers = list(layers)
        for i, layer in enumerate(self.layers):
            if not isinstance(layer, Module):
                raise TypeError(f"Sequential: layers[{i}] must be a Module, got {type(layer).__name__}")
        if input_shape is not None:
            self.build(input_shape, rng)

    def create(self, input_shape, rng):
        shape = input_shape
        for i, layer in enumerate(self.layers):
            try:
                shape = layer.build(shape, rng)
            except (ValueError, RuntimeError) as error:
                raise type(error)(f"layers.{i}: {error}") from None
        return shape

    def forward(self, x):
        i = 0
        try:
            while i < len(self.layers):
                layer, slopes = self.layers[i], {}
                if self._is(LeakyReLU, i) and self._is(BatchNorm, i + 1):
                    slopes["input_slope"] = layer.negative_slope
                    i += 1
                    layer = self.layers[i]
                if isinstance(layer, BatchNorm):
                    layer.check(x)
                    if self._is(LeakyReLU, i + 1):
                        slopes["negative_slope"] = self.layers[i + 1].negative_slope
                    x = layer.forward(x, **slopes)
                    i += "negative_slope" in slopes
                else:
                    x = layer(x)
                i += 1
        except (ValueError, TypeError) as error:
            if type(error) in (ValueError, TypeError):  # others may be made of something else than a message
                raise type(error)(f"layers.{i}: {error}") from error
            raise
        return x

    def _is(self, kind, i):
        """Whether there is a layer `i`, and of that kind."""
        return i < len(self.layers) and isinstance(self.layers[i], kind)

    def describe(self):
        lines = "".join(f"({i}) {layer!r},\n" for i, layer in enumerate(self.layers))
        return "\n" + textwrap.indent(lines, "  ")
