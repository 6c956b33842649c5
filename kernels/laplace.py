"""Laplacian by second differences, 1, -2, 1 along each of the two axes: a correlation with a cross of five weights."""

import numpy as np

from . import _validate as check
from ._image import MODES, channels_last, float_dtype
from .correlate import correlate_directly

_CROSS = np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]])


def laplace(image, *, mode="reflect", cval=0.0, channel_axis=None):
    """The second derivatives of a picture along its two axes, added.

    Parameters
    ----------
    image : array of shape (H, W) or (H, W, C)
        uint8, uint16, float32 or float64, taken as they are. Each channel is filtered by itself.
    mode : {"reflect", "constant", "nearest", "mirror", "wrap"}
        How the picture goes on beyond its border, in the words of scipy.ndimage.
    cval : float
        What lies beyond the border in mode "constant".
    channel_axis : int, optional
        Which axis of a picture with three counts the channels; the last one where it is not given.

    Returns
    -------
    array of the shape of `image`
        float64 for float64, otherwise float32. NaN where the pixel or one of its four neighbours is NaN.

    Raises
    ------
    TypeError, ValueError
        For anything but real numbers in two or three axes, and for an empty picture.

    Notes
    -----
    As ``scipy.ndimage.laplace``, with two differences: the third axis of an array is always channels and never
    filtered, and integer pictures give float32.
    """
    image = check.as_image("laplace", image)
    mode = check.one_of("laplace", "mode", mode, MODES)
    cval = check.real("laplace", "cval", cval)
    image, axis = channels_last("laplace", image, channel_axis)
    out = np.empty(image.shape, float_dtype(image.dtype))
    correlate_directly(image, _CROSS, (1, 1), mode, cval, out)
    return np.moveaxis(out, 2, axis) if image.ndim == 3 else out
