"""Losses: tensors of one element, the mean over everything in the batch."""

import numpy as np

from ..kernels import _validate as check
from ..kernels import losses as kernels
from .activations import relu, sigmoid, softmax
from .function import Function, is_recording
from .tensor import Tensor, as_tensor


class BinaryCrossEntropy(Function):
    def __init__(self, targets):
        self.targets = targets

    def forward(self, logits):
        loss, self.gradient = kernels.binary_cross_entropy(logits.data, self.targets)
        self.logits = logits
        return logits.dtype.type(loss)

    def backward(self, dy):
        if is_recording():
            return dy * ((sigmoid(self.logits) - self.targets) / self.targets.size)
        return dy * self.gradient


class CrossEntropy(Function):
    def __init__(self, targets):
        self.targets = targets

    def forward(self, logits):
        loss, self.gradient = kernels.cross_entropy(logits.data, self.targets)
        self.logits = logits
        return logits.dtype.type(loss)

    def backward(self, dy):
        if is_recording():
            weights = self.targets.sum(axis=-1, keepdims=True)
            rows = self.targets.size // self.targets.shape[-1]
            return dy * ((softmax(self.logits) * weights - self.targets) / rows)
        return dy * self.gradient


def binary_cross_entropy(logits, targets, *, label_smoothing=0.0):
    """Mean of -t log p - (1 - t) log(1 - p) with p = sigmoid(logit), without overflow for any logit.

    Parameters
    ----------
    logits : Tensor
    targets : float, array or Tensor
        t in [0, 1], one for all or of the shape of `logits`; a constant of the derivative.
    label_smoothing : float
        Moves t towards 1/2 by this part of the way (Szegedy et al., CVPR 2016, section 7).

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
    if label_smoothing:
        smoothing = check.real("binary_cross_entropy", "label_smoothing", label_smoothing, low=0, high=1)
        targets = targets + logits.dtype.type(smoothing) * (logits.dtype.type(0.5) - targets)
    return BinaryCrossEntropy.apply(logits, targets=targets)


def cross_entropy(logits, targets, *, label_smoothing=0.0):
    """Mean over the rows of -sum t log p with p = softmax(logits), without overflow for any logits.

    Parameters
    ----------
    logits : Tensor of shape (..., C)
        Of C classes.
    targets : array of integers of shape (...), or array or Tensor of shape (..., C)
        The class of each row, in [0, C), or the probability t of each class; a constant of the derivative.
    label_smoothing : float
        Moves t towards 1/C by this part of the way (Szegedy et al., CVPR 2016, section 7).

    Returns
    -------
    Tensor of shape ()

    Examples
    --------
    >>> from smalti import nn
    >>> nn.losses.cross_entropy(nn.tensor([[0.0, 0.0]]), [1]).item()
    0.6931471824645996
    """
    name = "cross_entropy"
    _check_tensor(name, logits)
    if logits.ndim == 0:
        raise ValueError(f"{name}: logits must have an axis of classes, got shape ()")
    classes = np.asarray(targets.data if isinstance(targets, Tensor) else targets)
    if classes.dtype.kind in "bui" and classes.shape == logits.shape[:-1]:
        n = logits.shape[-1]
        if classes.size and not 0 <= classes.min() <= classes.max() < n:
            raise ValueError(f"{name}: targets must be in [0, {n}), got from {classes.min()} to {classes.max()}")
        targets = np.zeros(logits.shape, logits.dtype)
        np.put_along_axis(targets, classes[..., None].astype(np.intp), 1, axis=-1)
    elif classes.shape != logits.shape:
        raise ValueError(
            f"{name}: targets must be integers of shape {logits.shape[:-1]} or probabilities of shape {logits.shape}, "
            f"got {classes.dtype} of shape {classes.shape}"
        )
    else:
        targets = as_tensor(name, "targets", targets, logits).data
    if label_smoothing:
        smoothing = logits.dtype.type(check.real(name, "label_smoothing", label_smoothing, low=0, high=1))
        targets = targets + smoothing * (targets.mean(axis=-1, keepdims=True) - targets)
    return CrossEntropy.apply(logits, targets=targets)


def mean_squared_error(predictions, targets):
    """Mean of (prediction - target)**2; of logits, twice the loss of the least squares GAN (Mao et al., ICCV 2017).

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


def hinge(logits, targets):
    """Mean of max(0, 1 - t * logit) (Lim & Ye, Geometric GAN, 2017, for a discriminator).

    Parameters
    ----------
    logits : Tensor
    targets : float, array or Tensor
        t, 1 for real and -1 for generated: one for all or of the shape of `logits`; a constant of the derivative.

    Returns
    -------
    Tensor of shape ()
    """
    return relu(1 - logits * _targets("hinge", logits, targets)).mean()


def wasserstein(scores, targets):
    """Mean of -t * score (Arjovsky et al., ICML 2017, equation 2): the critic's loss, and the generator's.

    Parameters
    ----------
    scores : Tensor
        Of a critic without a sigmoid.
    targets : float, array or Tensor
        t, 1 for what should score high and -1 for what should score low: one for all or of the shape of `scores`; a
        constant of the derivative.

    Returns
    -------
    Tensor of shape ()
    """
    return -(scores * _targets("wasserstein", scores, targets)).mean()


class WeightedSum(Tensor):
    """A loss that tells what it is made of.

    Attributes
    ----------
    parts : list of float
        The values that were added, each already with its weight.
    """

    __slots__ = ("parts",)

    def __init__(self, total, parts):
        super().__init__(total.data, total.requires_grad, node=total._node)
        self.parts = parts


def weighted_sum(terms):
    """The sum of losses, each with its weight.

    Parameters
    ----------
    terms : sequence of (float, Tensor)
        Weights and losses of one element.

    Returns
    -------
    Tensor of shape (), with the attribute `parts`: the values of the terms, in order.

    Examples
    --------
    >>> from smalti import nn
    >>> loss = nn.losses.weighted_sum([(1, nn.tensor(3.0)), (0.5, nn.tensor(4.0))])
    >>> loss.item(), loss.parts
    (5.0, [3.0, 2.0])
    """
    total, parts = None, []
    for i, term in enumerate(terms):
        if not isinstance(term, (tuple, list)) or len(term) != 2:
            raise TypeError(f"weighted_sum: terms[{i}] must be a pair (weight, loss), got {type(term).__name__}")
        weight = check.real("weighted_sum", f"the weight of terms[{i}]", term[0])
        _check_tensor("weighted_sum", term[1], f"the loss of terms[{i}]")
        if term[1].size != 1:
            raise ValueError(f"weighted_sum: the loss of terms[{i}] must have one element, got shape {term[1].shape}")
        part = term[1].reshape(()) * weight
        parts.append(part.item())
        total = part if total is None else total + part
    if total is None:
        raise ValueError("weighted_sum: there are no terms")
    return WeightedSum(total, parts)


def _check_tensor(function, value, name="first argument"):
    if not isinstance(value, Tensor):
        raise TypeError(f"{function}: {name} must be a Tensor, got {type(value).__name__}")


def _targets(function, like, targets):
    _check_tensor(function, like)
    targets = as_tensor(function, "targets", targets, like).data
    if targets.shape not in ((), like.shape):
        raise ValueError(f"{function}: targets must have shape {like.shape} or be a number, got shape {targets.shape}")
    return np.broadcast_to(targets, like.shape)
