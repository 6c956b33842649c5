"""Losses: tensors of one element, the mean over everything in the batch."""

import numpy as np

from ..kernels.losses import binary_cross_entropy as _binary_cross_entropy
from .activations import sigmoid
from .function import Function, is_recording
from .tensor import Tensor, as_tensor


class BinaryCrossEntropy(Function):
    def __init__(self, targets):
        self.targets = targets

    def forward(self, logits):
        loss, self.gradient = _binary_cross_entropy(logits.data, self.targets)
        self.logits = logits
        return logits.dtype.type(loss)

    def backward(self, dy):
        if is_recording():
            return dy * ((sigmoid(self.logits) - self.targets) / self.targets.size)
        return dy * self.gradient


def binary_cross_entropy(logits, targets):
    """Mean of -t log p - (1 - t) log(1 - p) with p = sigmoid(logit), without overflow for any logit.

    Parameters
    ----------
    logits : Tensor
    targets : float, array or Tensor
        t in [0, 1], one for all or of the shape of `logits`; a constant of the derivative.

    Returns
    -------
    Tensor of shape ()

    Examples
    --------
    >>> from smalti import nn
    >>> nn.losses.binary_cross_entropy(nn.tensor([0.0, 0.0]), 1.0).item()
    0.6931471824645996
    """
    targets = _targets("binary_cross_entropy", logits, targets)
    return BinaryCrossEntropy.apply(logits, targets=targets)


def mean_squared_error(predictions, targets):
    """Mean of (prediction - target)**2.

    Parameters
    ----------
    predictions : Tensor
    targets : float, array or Tensor
        One for all or of the shape of `predictions`; a constant of the derivative.

    Returns
    -------
    Tensor of shape ()
    """
    difference = predictions - _targets("mean_squared_error", predictions, targets)
    return (difference * difference).mean()


def _targets(function, like, targets):
    if not isinstance(like, Tensor):
        raise TypeError(f"{function}: first argument must be a Tensor, got {type(like).__name__}")
    targets = as_tensor(function, "targets", targets, like).data
    if targets.shape not in ((), like.shape):
        raise ValueError(f"{function}: targets must have shape {like.shape} or be a number, got shape {targets.shape}")
    return np.broadcast_to(targets, like.shape)
