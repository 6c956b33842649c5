"""Scharr gradient: differences of pixels two apart, smoothed across with the weights 3/16, 10/16, 3/16.

Source: H. Scharr, "Optimal operators in digital image processing" (2000), with the normalisation of
scikit-image. The loop is that of `_gradient`.
"""

from ._gradient import gradient


def scharr(image, mask=None, *, axis=None, mode="reflect", cval=0.0):
    """Strength of the edges in a picture, or its derivative along one axis, hardly depending on their direction.

    As ``skimage.filters.scharr``: parameters, result, errors and the two differences are those of `sobel`.

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
    return gradient("scharr", (3 / 16, 10 / 16), image, mask, axis, mode, cval)
