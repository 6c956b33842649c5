"""Laplacian of Gaussian: the second derivatives of the smoothed picture, added.

    g[k] = exp(-k**2 / (2 sigma**2)) / sum,  h[k] = (k**2 / sigma**4 - 1 / sigma**2) g[k],  |k| <= radius
    out[i, j] = sum over k, l of (h[k] g[l] + g[k] h[l]) image[i + k, j + l]

with the radius int(truncate * sigma + 0.5), as scipy.ndimage samples them: the weights of h do not quite add up to 0,
so neither is the result of a constant picture quite 0. Source: D. Marr and E. Hildreth, "Theory of edge detection"
(1980); normalisation by scale after T. Lindeberg, "Feature detection with automatic scale selection" (1998), eq. 20.

A sum of two separable filters, in the two passes of `_separable`. O(H W C radius) time.
"""

import numpy as np

from . import _validate as check
from ._image import MODES, channels_last, float_dtype
from ._separable import separable
from .gaussian import gaussian_weights, sigma_of_axes


def _second_derivative(smoothing, sigma):
    """The weights h that go with the weights g."""
    taps = np.arange(smoothing.size) - smoothing.size // 2
    return (taps**2 / sigma**2 - 1) / sigma**2 * smoothing


def gaussian_laplace(
    image, sigma, *, mode="reflect", cval=0.0, truncate=4.0, scale_normalized=False, channel_axis=None
):  # fmt: skip
    """The Laplacian of a picture smoothed with a Gaussian: it answers to blobs of radius sigma times sqrt(2).

    Parameters
    ----------
    image : array of shape (H, W) or (H, W, C)
        uint8, uint16, float32 or float64, taken as they are. Each channel is filtered by itself.
    sigma : float or sequence of float
        Standard deviation in pixels, greater than 0, or one for the rows and one for the columns. A third number, for
        the channels, must be 0.
    mode : {"reflect", "constant", "nearest", "mirror", "wrap"}
        How the picture goes on beyond its border, in the words of scipy.ndimage.
    cval : float
        In mode "constant", what lies beyond the border, of the picture and of what was filtered down its columns.
    truncate : float
        Radius of the filter in standard deviations. The filter may be larger than the picture.
    scale_normalized : bool
        Multiply the second derivative along each axis by its sigma**2, so that the answers to a blob can be compared
        between scales.
    channel_axis : int, optional
        Which axis of a picture with three counts the channels; the last one where it is not given.

    Returns
    -------
    array of the shape of `image`
        float64 for float64, otherwise float32. A pixel that has a NaN in reach is NaN.

    Raises
    ------
    TypeError, ValueError
        For anything but real numbers in two or three axes, for an empty picture, for a sigma that is not positive and
        a truncate that is negative, and for either that is not finite.

    Notes
    -----
    As ``scipy.ndimage.gaussian_laplace``, with three differences: the third axis of an array is always channels and
    never filtered, integer pictures give float32, and a sigma of 0, for which there is no derivative, is refused.
    """
    image = check.as_image("gaussian_laplace", image)
    mode = check.one_of("gaussian_laplace", "mode", mode, MODES)
    cval = check.real("gaussian_laplace", "cval", cval)
    truncate = check.real("gaussian_laplace", "truncate", truncate, low=0)
    image, axis = channels_last("gaussian_laplace", image, channel_axis)
    sigmas = sigma_of_axes("gaussian_laplace", sigma, image.ndim, axis)
    sigmas = [check.real("gaussian_laplace", "sigma", s, above=0) for s in sigmas]

    smooth = [gaussian_weights(s, truncate) for s in sigmas]
    factor = [s**2 if scale_normalized else 1 for s in sigmas]
    second = [f * _second_derivative(g, s) for f, g, s in zip(factor, smooth, sigmas)]
    down, along = np.stack([second[0], smooth[0]]), np.stack([smooth[1], second[1]])
    before = (smooth[0].size // 2, smooth[1].size // 2)
    out = np.empty(image.shape, float_dtype(image.dtype))
    separable(image, down, along, before, mode, cval, [factor[0] * cval, cval], out)
    return np.moveaxis(out, 2, axis) if image.ndim == 3 else out
