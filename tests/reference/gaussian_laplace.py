"""Slow twin: second derivatives of a Gaussian as passes of plain sums in float64, added."""

import numpy as np

from .gaussian import filter_lines, weights


def second_derivative(sigma, truncate):
    smooth = weights(sigma, truncate)
    k = np.arange(len(smooth)) - len(smooth) // 2
    return smooth * (k**2 - sigma**2) / sigma**4


def gaussian_laplace(image, sigma, mode="reflect", cval=0.0, truncate=4.0, scale_normalized=False):
    """Of an (H, W) or (H, W, C) image; `sigma` a number or one for rows and one for columns."""
    values = image.astype(np.float64)
    sigmas = (sigma, sigma) if np.isscalar(sigma) else sigma
    total = np.zeros(values.shape)
    for axis in (0, 1):
        w = [weights(s, truncate) for s in sigmas]
        w[axis] = second_derivative(sigmas[axis], truncate)
        down = filter_lines(values, w[0], mode, cval).swapaxes(0, 1)
        derivative = filter_lines(down, w[1], mode, cval).swapaxes(0, 1)
        total += derivative * (sigmas[axis] ** 2 if scale_normalized else 1)
    return total
