"""Augmentation that gradients pass through: what the discriminator sees, real or generated, is changed at random.

On few pictures a discriminator learns them by heart; changed in the same manner on both sides, they stay apart from
their copies, and the generator still learns the unchanged ones (Zhao et al., Differentiable Augmentation for
Data-Efficient GAN Training, 2020, section 3).
"""

import numpy as np

from smalti.nn.function import Function

KINDS = ("flip", "shift", "colour")

_SHIFT = 1 / 8  # of the side, as in the paper; so are the ranges below


class Move(Function):
    """Each picture flipped left to right or not, then shifted; what comes in is 0.

    Linear, and its adjoint is a move, too: back, and flipped again. Flipping turns shifts of columns round.
    """

    def __init__(self, shifts, flips):
        self.shifts, self.flips = shifts, flips

    def forward(self, x):
        y = np.zeros_like(x.data)
        h, w = y.shape[1:3]
        for source, target, (down, right), flip in zip(x.data, y, self.shifts, self.flips, strict=True):
            if flip:
                source = source[:, ::-1]
            rows, columns = h - abs(down), w - abs(right)
            target[max(down, 0) :, max(right, 0) :][:rows, :columns] = source[max(-down, 0) :, max(-right, 0) :][
                :rows, :columns
            ]
        return y

    def backward(self, dy):
        turned = np.where(self.flips, 1, -1)
        return Move.apply(
            dy, shifts=self.shifts * np.stack([np.full_like(turned, -1), turned], axis=1), flips=self.flips
        )


def augment(pictures, kinds, rng, *, span=2.0):
    """Change pictures at random.

    Parameters
    ----------
    pictures : (N, H, W, C) Tensor
    kinds : subset of `KINDS`
        Flip left to right; shift by up to an eighth of the sides; change brightness, contrast and, of pictures
        with colours, saturation.
    rng : numpy.random.Generator
    span : float
        From black to white.

    Returns
    -------
    (N, H, W, C) Tensor
    """
    n, h, w, c = pictures.shape
    if "flip" in kinds or "shift" in kinds:
        flips = rng.integers(2, size=n) * ("flip" in kinds)
        reach = np.array([h, w]) * _SHIFT * ("shift" in kinds)
        shifts = np.rint(reach * rng.uniform(-1, 1, (n, 2))).astype(int)
        pictures = Move.apply(pictures, shifts=shifts, flips=flips)
    if "colour" in kinds:
        brightness, saturation, contrast = rng.random((3, n, 1, 1, 1))
        pictures = pictures + span / 2 * (brightness - 0.5)
        if c > 1:
            pictures = _from_mean(pictures, 3, 2 * saturation)
        pictures = _from_mean(pictures, (1, 2, 3), contrast + 0.5)
    return pictures


def _from_mean(pictures, axis, factor):
    """Pictures with their distance from the mean over some axes changed by a factor."""
    mean = pictures.mean(axis=axis, keepdims=True)
    return (pictures - mean) * factor + mean
