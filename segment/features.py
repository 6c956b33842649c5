"""The second step: what is known about each pixel."""

import numpy as np

from ..kernels import _validate as check
from ..kernels import rgb2lab, sobel


def extract_features(image):
    """Colour and edge strength of every pixel.

    Parameters
    ----------
    image : (H, W, 3) array
        RGB: uint8 and uint16, or floats in [0, 1], as from `preprocess`.

    Returns
    -------
    dict of str to array
        ``"lab"``: (H, W, 3), CIE Lab, L from 0 to 100. ``"gradient"``: (H, W), the length of the Sobel gradient of
        all three, in units of Lab a pixel.

    Raises
    ------
    TypeError, ValueError
        If it is not such a picture, or not finite.
    """
    rgb = check.as_image("extract_features", image, channels=3, finite=True)
    lab = rgb2lab(rgb)
    slopes = sobel(lab)
    return {"lab": lab, "gradient": np.sqrt((slopes * slopes).sum(axis=2))}
