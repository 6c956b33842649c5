"""Gaussian smoothing.

    g[k] = exp(-k**2 / (2 sigma**2)) / sum,  |k| <= radius = int(truncate * sigma + 0.5)
    out[i, j] = sum over k, l of g[k] g[l] image[i + k, j + l]

The truncated, renormalised sampled Gaussian of scipy.ndimage. O(H W C radius) time, in the two passes of `_separable`.
"""

import numpy as np

from . import _validate as check
from ._image import MODES, channels_last, float_dtype, unit_scale
from ._separable import separable


def gaussian_weights(sigma, truncate=4.0):
    """The normalised weights of the taps -radius..radius, in float64 and rounded as in scipy.ndimage."""
    taps = np.arange(-int(truncate * sigma + 0.5), int(truncate * sigma + 0.5) + 1)
    weights = np.exp(-0.5 / max(sigma, 1e-100) ** 2 * taps**2)
    return weights / weights.sum()


def sigma_of_axes(function, sigma, ndim, channel_axis):
    """What was given as `sigma` for the rows and for the columns, not yet checked; for the channels only 0 will do."""
    sigmas = list(sigma) if np.iterable(sigma) and not isinstance(sigma, str) else [sigma, sigma]
    if len(sigmas) == 3 == ndim:
        if sigmas.pop(channel_axis) != 0:
            raise ValueError(f"{function}: sigma must be 0 for the channels, got {tuple(sigma)}")
    if len(sigmas) != 2:
        raise ValueError(f"{function}: sigma must be one number or one for each of 2 axes, got {len(sigmas)}")
    return sigmas


def gaussian(
    image, sigma=1.0, *, mode="nearest", cval=0.0, preserve_range=False, truncate=4.0, channel_axis=None
):  # fmt: skip
    """Smooth a picture with a Gaussian.

    Parameters
    ----------
    image : array of shape (H, W) or (H, W, C)
        uint8, uint16, float32 or float64. Each channel is smoothed by itself.
    sigma : float or sequence of float
        Standard deviation in pixels, or one for the rows and one for the columns. 0 leaves an axis as it is. A third
        number, for the channels, must be 0.
    mode : {"nearest", "reflect", "constant", "mirror", "wrap"}
        How the picture goes on beyond its border, in the words of scipy.ndimage.
    cval : float
        What lies beyond the border in mode "constant", in units of the result.
    preserve_range : bool
        Take the values of uint8 and uint16 as they are; otherwise they are scaled to [0, 1].
    truncate : float
        Radius of the filter in standard deviations. The filter may be larger than the picture.
    channel_axis : int, optional
        Which axis of a picture with three counts the channels; the last one where it is not given.

    Returns
    -------
    array of the shape of `image`
        float64 for float64, otherwise float32. A pixel that has a NaN in reach is NaN.

    Raises
    ------
    TypeError, ValueError
        For anything but real numbers in two or three axes, for an empty picture, and for a sigma or truncate
        that is negative or not finite.

    Notes
    -----
    As ``skimage.filters.gaussian``, with three differences: the third axis of an array is always channels and
    is never smoothed, integer pictures give float32, and the result is always a new array.
    """
    image = check.as_image("gaussian", image)
    mode = check.one_of("gaussian", "mode", mode, MODES)
    cval = check.real("gaussian", "cval", cval)
    truncate = check.real("gaussian", "truncate", truncate, low=0)
    image, axis = channels_last("gaussian", image, channel_axis)
    sigmas = [check.real("gaussian", "sigma", s, low=0) for s in sigma_of_axes("gaussian", sigma, image.ndim, axis)]
    dtype = float_dtype(image.dtype)
    scale = 1.0 if preserve_range else unit_scale(image.dtype)
    down, along = (gaussian_weights(s, truncate)[None] for s in sigmas)
    out = np.empty(image.shape, dtype)
    separable(image, down * scale, along, (down.size // 2, along.size // 2), mode, cval / scale, [cval], out)
    return np.moveaxis(out, 2, axis) if image.ndim == 3 else out
