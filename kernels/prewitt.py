"""Prewitt gradient: differences of pixels two apart, averaged across over three.

Source: J. M. S. Prewitt, "Object enhancement and extraction" (1970), with the normalisation of
scikit-image. The loop is that of `_gradient`.
"""

from ._gradient import gradient


def prewitt(image, mask=None, *, axis=None, mode="reflect", cval=0.0):
    """Strength of the edges in a picture, or its derivative along one axis, all six pixels weighing the same.

    As ``skimage.filters.prewitt``: parameters, result, errors and the two differences are those of `sobel`.

    Parameters
    ----------
    image : array of shape (H, W) or (H, W, C)
    mask : bool array of shape (H, W), optional
    axis : {None, 0, 1, (0, 1)}
    mode : {"reflect", "constant", "nearest", "mirror", "wrap"}
    cval : float

    Returns
    -------
    array of the shape of `image`, float32 or float64
    """
    return gradient("prewitt", (1 / 3, 1 / 3), image, mask, axis, mode, cval)
