"""The answer of a picture to one Gabor filter: convolutions with its real and with its imaginary part.

With an envelope as wide along the wave as across it each part is a sum of two separable filters,

    cos(a + b) = cos(a) cos(b) - sin(a) sin(b),  sin(a + b) = sin(a) cos(b) + cos(a) sin(b),

which `correlate_cheaply` finds. O(H W (KH + KW)) time then, otherwise O(H W KH KW).
"""

import numpy as np

from . import _validate as check
from ._image import MODES, float_dtype
from .correlate import correlate_cheaply
from .gabor_kernel import gabor_kernel


def gabor(
    image, frequency, theta=0, bandwidth=1, sigma_x=None, sigma_y=None, n_stds=3, offset=0, mode="reflect", cval=0
):  # fmt: skip
    """Filter a picture with a Gabor filter.

    Parameters
    ----------
    image : array of shape (H, W)
        uint8, uint16, float32 or float64, taken as they are.
    frequency, theta, bandwidth, sigma_x, sigma_y, n_stds, offset
        The filter, as for `gabor_kernel`. It may be larger than the picture.
    mode : {"reflect", "constant", "nearest", "mirror", "wrap"}
        How the picture goes on beyond its border, in the words of scipy.ndimage.
    cval : float
        What lies beyond the border in mode "constant".

    Returns
    -------
    real, imaginary : arrays of the shape of `image`
        Convolutions with the two parts of the filter, float64 for float64, otherwise float32. A NaN makes NaN of the
        pixels within the filter's rectangle around it, where that counts with a weight of 0 perhaps not.

    Raises
    ------
    TypeError, ValueError
        For anything but real numbers in two axes, an empty picture, and what `gabor_kernel` refuses.

    Notes
    -----
    As ``skimage.filters.gabor``, but that integer pictures give float32 and not integers.
    """
    image = check.as_image("gabor", image, ndim=2)
    mode = check.one_of("gabor", "mode", mode, MODES)
    cval = check.real("gabor", "cval", cval)
    turned = gabor_kernel(frequency, theta, bandwidth, sigma_x, sigma_y, n_stds, offset)[::-1, ::-1]
    middle = [n // 2 for n in turned.shape]
    real, imaginary = (np.empty(image.shape, float_dtype(image.dtype)) for _ in range(2))
    correlate_cheaply(image, turned.real, middle, mode, cval, real)
    correlate_cheaply(image, turned.imag, middle, mode, cval, imaginary)
    return real, imaginary
