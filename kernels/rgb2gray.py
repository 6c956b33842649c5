"""The luminance of colours.

    gray = 0.2125 R + 0.7154 G + 0.0721 B

Source: the luma of ITU-R BT.709-6, section 3.2, with the coefficients as scikit-image rounds them. One pass: each pixel
is read once and its gray value written once. O(H W) time, no memory but the result.
"""

import numpy as np

from ._colour import as_pixels
from ._image import float_dtype, unit_scale
from ._jit import helper
from ._parallel import chunk_size, chunked
from ._simd import fma, lanes, load_channels, load_channels_part, splat, store, store_part

_WEIGHTS = np.array([0.2125, 0.7154, 0.0721])


@helper
def _luminance(channels, weights):
    red, green, blue = channels
    gray = fma(splat(red, weights[0]), red, weights[2] * blue)
    return fma(splat(red, weights[1]), green, gray)


@chunked
def _rgb2gray(lo, hi, pixels, weights, out):
    # Requires: pixels (N, 3), out (N,); weights (3,) of the dtype of out.
    step = lanes(out)
    whole = hi - (hi - lo) % step
    for i in range(lo, whole, step):
        store(out, i, _luminance(load_channels(pixels, 3 * i, 3), weights))
    rest = load_channels_part(pixels, 3 * whole, 3, hi - whole)
    store_part(out, whole, _luminance(rest, weights), hi - whole)


def rgb2gray(rgb, *, channel_axis=-1):
    """Convert RGB colours to gray.

    Parameters
    ----------
    rgb : array of shape (..., 3)
        uint8 and uint16, which are scaled to [0, 1], float32 or float64.
    channel_axis : int
        Which axis counts red, green and blue.

    Returns
    -------
    array of the shape of `rgb` without its channels
        float64 for float64, otherwise float32. NaN where a channel is NaN.

    Raises
    ------
    TypeError, ValueError
        For anything but real numbers, and for another number of channels than 3.

    Notes
    -----
    As ``skimage.color.rgb2gray``; integer pictures give float32.
    """
    pixels, _ = as_pixels("rgb2gray", "rgb", rgb, channel_axis)
    out = np.empty(pixels.shape[:-1], float_dtype(pixels.dtype))
    weights = (_WEIGHTS * unit_scale(pixels.dtype)).astype(out.dtype)
    _rgb2gray(out.size, pixels.reshape(-1, 3), weights, out.reshape(-1), grain=chunk_size(0.3))
    return out
