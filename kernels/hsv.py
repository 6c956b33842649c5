"""Between RGB and HSV: hue, saturation and value.

    V = max(R, G, B),  D = V - min(R, G, B),  S = D / V
    6 H = (G - B) / D,  2 + (B - R) / D  or  4 + (R - G) / D,  modulo 6, where R, G or B is the greatest

and back, with a tent over the circle of hues for each of red, green and blue, flat 1 for a third of the circle around
its colour and 0 for the opposite third:

    R = V (1 - S (1 - t)),  t = |6 H - 3| - 1, 2 - |6 H - 2| or 2 - |6 H - 4| for R, G or B, cut to [0, 1]

Source: A. R. Smith, "Color gamut transform pairs", SIGGRAPH 1978, with the ranges of scikit-image. One pass,
branch-free. O(H W) time, no memory but the result.
"""

from ._colour import as_pixels, pixelwise
from ._image import float_dtype, unit_scale
from ._simd import select, splat, vabs, vfloor, vmax, vmin


@pixelwise(nanoseconds=1.0)
def _rgb2hsv(red, green, blue, scale):
    total = red + green + blue
    value = select(total == total, vmax(vmax(red, green), blue), total)
    delta = value - vmin(vmin(red, green), blue)
    # Differences of the numbers as they came: those of integers are exact.
    is_red, is_green = red == value, green == value
    slope = select(is_red, green - blue, select(is_green, blue - red, red - green))
    begin = select(is_red, splat(red, 0.0), select(is_green, splat(red, 2.0), splat(red, 4.0)))
    hue = (slope / delta + begin) * (1 / 6)
    hue = hue - vfloor(hue)
    gray, zero = delta == 0.0, splat(red, 0.0)
    return select(gray, zero, hue), select(gray, zero, delta / value), value * scale


@pixelwise(nanoseconds=1.0)
def _hsv2rgb(hue, saturation, value, scale):
    hue, saturation, value = hue * scale, saturation * scale, value * scale
    hue = 6.0 * (hue - vfloor(hue))
    zero, one = splat(hue, 0.0), splat(hue, 1.0)
    # vmin and vmax take their second argument where there is a NaN
    red = vmin(one, vmax(zero, vabs(hue - 3.0) - 1.0))
    green = vmin(one, vmax(zero, 2.0 - vabs(hue - 2.0)))
    blue = vmin(one, vmax(zero, 2.0 - vabs(hue - 4.0)))
    loss = value * saturation
    return value - loss * (1.0 - red), value - loss * (1.0 - green), value - loss * (1.0 - blue)


def rgb2hsv(rgb, *, channel_axis=-1):
    """Convert RGB colours to hue, saturation and value.

    Parameters
    ----------
    rgb : array of shape (..., 3)
        uint8 and uint16, which are scaled to [0, 1], float32 or float64. Numbers outside [0, 1] are converted by the
        same formulas.
    channel_axis : int
        Which axis counts red, green and blue.

    Returns
    -------
    array of the shape of `rgb`
        Hue, from 0 for red over 1/3 for green and 2/3 for blue towards 1; saturation and value from 0 to 1. Grays have
        hue and saturation 0. float64 for float64, otherwise float32. A pixel with a NaN is NaN.

    Raises
    ------
    TypeError, ValueError
        For anything but real numbers, and for another number of channels than 3.

    Notes
    -----
    As ``skimage.color.rgb2hsv``, with two differences: a NaN stays, where scikit-image puts 0 or leaves the hue
    undefined, and integer pictures give float32.
    """
    pixels, axis = as_pixels("rgb2hsv", "rgb", rgb, channel_axis)
    return _rgb2hsv(pixels, axis, _scale(pixels))


def hsv2rgb(hsv, *, channel_axis=-1):
    """Convert hue, saturation and value to RGB colours.

    Parameters
    ----------
    hsv : array of shape (..., 3)
        Hue, where whole numbers stand for red, 1/3 for green and 2/3 for blue, saturation and value. uint8 and uint16,
        which are scaled to [0, 1], float32 or float64.
    channel_axis : int
        Which axis counts hue, saturation and value.

    Returns
    -------
    array of the shape of `hsv`
        float64 for float64, otherwise float32. A pixel with a NaN is NaN.

    Raises
    ------
    TypeError, ValueError
        For anything but real numbers, and for another number of channels than 3.

    Notes
    -----
    As ``skimage.color.hsv2rgb``, with two differences: the circle of hues also goes on below 0 and above 42, where
    scikit-image overflows, and integer pictures give float32.
    """
    pixels, axis = as_pixels("hsv2rgb", "hsv", hsv, channel_axis)
    return _hsv2rgb(pixels, axis, _scale(pixels))


def _scale(pixels):
    return float_dtype(pixels.dtype).type(unit_scale(pixels.dtype))
