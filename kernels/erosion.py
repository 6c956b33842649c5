"""Erosion: the least value under a footprint.

    out[i, j] = min over (k, l) in the footprint of image[i + k, j + l]

The way it is computed, with its cost, is told in ``_morphology.py``.
"""

from ._morphology import morphology


def erosion(image, footprint=None, *, mode="reflect", cval=0.0):
    """Shrinks what is bright and grows what is dark.

    Parameters
    ----------
    image : (H, W) array
        Of bool, integers or floats without NaN.
    footprint : (KH, KW) array, optional
        What is not 0 counts; its element ((KH - 1) // 2, (KW - 1) // 2) lies on the pixel. By default a cross of five
        pixels. A sequence of pairs (footprint, times) is applied one after the other. May be larger than the picture.
    mode : {"reflect", "constant", "nearest", "mirror", "wrap", "max", "min", "ignore"}
        What lies beyond the picture, in the words of `scipy.ndimage`; "max" and "min" are the extremes of the dtype,
        and "ignore" lets only the picture's own pixels count.
    cval : float
        What lies there in mode "constant".

    Returns
    -------
    (H, W) array of the dtype of `image`

    Raises
    ------
    TypeError, ValueError
        If an argument is not as said.

    Notes
    -----
    As `skimage.morphology.erosion`.
    """
    return morphology("erosion", image, footprint, mode, cval, ("erosion",))
