"""Sobel gradient: differences of pixels two apart, smoothed across with the weights 1/4, 1/2, 1/4.

Source: I. Sobel, "An isotropic 3x3 image gradient operator" (1968, published 2014), with the normalisation of
scikit-image. The loop is that of `_gradient`.
"""

from ._gradient import gradient


def sobel(image, mask=None, *, axis=None, mode="reflect", cval=0.0):
    """Strength of the edges in a picture, or its derivative along one axis.

    Parameters
    ----------
    image : array of shape (H, W) or (H, W, C)
        uint8 and uint16, which are scaled to [0, 1], float32 or float64. Each channel is filtered by itself.
    mask : bool array of shape (H, W), optional
        Where it is False, and one pixel around that and around the picture, the result is 0.
    axis : {None, 0, 1, (0, 1)}
        None or both for the magnitude of the gradient, 0 for the derivative down the rows, 1 for that along columns.
        A step from 0 to 1 has the derivative 1.
    mode : {"reflect", "constant", "nearest", "mirror", "wrap"}
        How the picture goes on beyond its border, in the words of scipy.ndimage.
    cval : float
        What lies beyond the border in mode "constant", in units of the result.

    Returns
    -------
    array of the shape of `image`
        float64 for float64, otherwise float32. NaN where a NaN is among the pixels that count.

    Raises
    ------
    TypeError, ValueError
        For anything but real numbers in two or three axes, an empty picture, or a mask of another shape.

    Notes
    -----
    As ``skimage.filters.sobel``, with two differences: the third axis of an array is always channels, and integer
    pictures give float32.
    """
    return gradient("sobel", (1 / 4, 1 / 2), image, mask, axis, mode, cval)
