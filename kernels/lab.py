"""Between sRGB and CIE Lab.

    linear = ((v + 0.055) / 1.055)**2.4 for v > 0.04045, else v / 12.92                for v of R, G, B
    XYZ    = M linear / white
    f(t)   = cbrt(t) for t > 0.008856, else 7.787 t + 16/116                           for t of X, Y, Z
    L, a, b = 116 f(Y) - 16, 500 (f(X) - f(Y)), 200 (f(Y) - f(Z))

and back by the inverse of each step.

Sources: IEC 61966-2-1:1999 (sRGB); CIE 15:2004, section 8.2.1 (Lab); M and the rounded constants as in
scikit-image. One pass, powers and cube roots evaluated in registers. O(H W) time, no memory but the result.
"""

import numpy as np

from . import _validate as check
from ._colour import as_pixels, pixelwise
from ._image import float_dtype, unit_scale
from ._jit import ORDERED, helper
from ._simd import fma, is_double, select, splat, vmax, vmin
from ._simd_math import vcbrt, vpower

_TO_XYZ = np.array([[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]])

# Chromaticities (x, y) of the CIE standard illuminants for the observers of 2 and of 10 degrees (CIE 15:2004, table T.3
# and its usual completions)
_CHROMATICITY = {
    "A": ((0.44757, 0.40745), (0.45117, 0.40594)),
    "B": ((0.34842, 0.35161), (0.34980, 0.35270)),
    "C": ((0.31006, 0.31616), (0.31039, 0.31905)),
    "D50": ((0.34567, 0.35850), (0.34773, 0.35952)),
    "D55": ((0.33242, 0.34743), (0.33411, 0.34877)),
    "D65": ((0.31271, 0.32902), (0.31382, 0.33100)),
    "D75": ((0.29902, 0.31485), (0.29968, 0.31740)),
    "E": ((1 / 3, 1 / 3), (1 / 3, 1 / 3)),
}
# As scikit-image has them: the rounded white of D65, and the observer "R" of R's grDevices::convertColor
_WHITE = {
    ("D65", "2"): (0.95047, 1.0, 1.08883),
    ("D50", "R"): (0.9639501491621826, 1.0, 0.8241280285499208),
    ("D55", "R"): (0.9565317453467969, 1.0, 0.9202554587037198),
    ("D65", "R"): (0.9532057125493769, 1.0, 1.0853843816469158),
}


@helper(fastmath=ORDERED)
def _product(m, row, a, b, c):
    """A row of a matrix times channels; fused by hand, for whole vectors and the rest of a picture to round alike."""
    return fma(splat(a, m[row, 0]), a, fma(splat(b, m[row, 1]), b, m[row, 2] * c))


@helper(fastmath=ORDERED)
def _linear(v):
    t = (v + 0.055) * (1 / 1.055)
    return select(v > 0.04045, t * t * vpower(t, 0.4), v * (1 / 12.92))


@helper(fastmath=ORDERED)
def _f(t):
    root = vcbrt(t) if is_double(t) else vpower(t, 1 / 3)
    return select(t > 0.008856, root, 7.787 * t + 16 / 116)


@pixelwise(nanoseconds=3.0)
def _rgb2lab(red, green, blue, scale, matrix):
    # Requires: scale and matrix (3, 3) of the dtype of the result.
    red, green, blue = _linear(red * scale), _linear(green * scale), _linear(blue * scale)
    x = _f(_product(matrix, 0, red, green, blue))
    y = _f(_product(matrix, 1, red, green, blue))
    z = _f(_product(matrix, 2, red, green, blue))
    return 116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)


@helper(fastmath=ORDERED)
def _inverse_f(t):
    return select(t > 0.2068966, t * t * t, (t - 16 / 116) * (1 / 7.787))


@helper(fastmath=ORDERED)
def _gamma(v):
    v = select(v > 0.0031308, 1.055 * vpower(v, 1 / 2.4) - 0.055, 12.92 * v)
    return vmin(splat(v, 1.0), vmax(splat(v, 0.0), v))  # take their second argument where it is NaN


@pixelwise(nanoseconds=3.0)
def _lab2rgb(lightness, a, b, matrix):
    # Requires: matrix (3, 3) of the dtype of the result.
    y = (lightness + 16.0) * (1 / 116)
    x, z = y + a * (1 / 500), vmax(splat(y, 0.0), y - b * (1 / 200))
    x, y, z = _inverse_f(x), _inverse_f(y), _inverse_f(z)
    red, green, blue = _product(matrix, 0, x, y, z), _product(matrix, 1, x, y, z), _product(matrix, 2, x, y, z)
    return _gamma(red), _gamma(green), _gamma(blue)


def _white(function, illuminant, observer):
    illuminant, observer = str(illuminant).upper(), str(observer).upper()
    illuminant = check.one_of(function, "illuminant", illuminant, _CHROMATICITY)
    observer = check.one_of(function, "observer", observer, ("2", "10", "R"))
    x, y = _CHROMATICITY[illuminant][observer == "10"]
    return _WHITE.get((illuminant, observer), (x / y, 1.0, (1 - x - y) / y))


def rgb2lab(rgb, illuminant="D65", observer="2", *, channel_axis=-1):
    """Convert sRGB colours to CIE Lab.

    Parameters
    ----------
    rgb : array of shape (..., 3)
        uint8 and uint16, which are scaled to [0, 1], float32 or float64. Numbers outside [0, 1] are converted by the
        same formulas.
    illuminant : {"A", "B", "C", "D50", "D55", "D65", "D75", "E"}
        What counts as white.
    observer : {"2", "10", "R"}
        The angle of view in degrees, or "R" for the white points of the language R.
    channel_axis : int
        Which axis counts red, green and blue.

    Returns
    -------
    array of the shape of `rgb`
        L from 0 to 100, a and b from about -100 to 100; float64 for float64, otherwise float32. A pixel with a NaN
        is NaN.

    Raises
    ------
    TypeError, ValueError
        For anything but real numbers, another number of channels than 3, an unknown illuminant or observer.

    Notes
    -----
    As ``skimage.color.rgb2lab``; integer pictures give float32. The error in float32 is below 1.5e-4 for colours
    within [0, 1].
    """
    pixels, axis = as_pixels("rgb2lab", "rgb", rgb, channel_axis)
    dtype = float_dtype(pixels.dtype)
    matrix = _TO_XYZ / np.array(_white("rgb2lab", illuminant, observer))[:, None]
    return _rgb2lab(pixels, axis, dtype.type(unit_scale(pixels.dtype)), matrix.astype(dtype))


def lab2rgb(lab, illuminant="D65", observer="2", *, channel_axis=-1):
    """Convert CIE Lab to sRGB colours.

    Parameters
    ----------
    lab : array of shape (..., 3)
        L from 0 to 100, a and b from about -100 to 100, as float32 or float64; integers are taken as they are.
    illuminant : {"A", "B", "C", "D50", "D55", "D65", "D75", "E"}
        What counts as white.
    observer : {"2", "10", "R"}
        The angle of view in degrees, or "R" for the white points of the language R.
    channel_axis : int
        Which axis counts L, a and b.

    Returns
    -------
    array of the shape of `lab`
        Within [0, 1]: colours that sRGB does not have are cut off at its limits. float64 for float64 and integers of
        more than 16 bits, otherwise float32. A pixel with a NaN is NaN.

    Raises
    ------
    TypeError, ValueError
        For anything but real numbers, another number of channels than 3, an unknown illuminant or observer.

    Notes
    -----
    As ``skimage.color.lab2rgb``, with two differences: there is no warning where Z would be negative and counts as 0,
    and integers are not divided by the largest of their dtype. The error in float32 is below 1e-5.
    """
    pixels, axis = as_pixels("lab2rgb", "lab", lab, channel_axis, dtypes=check.FLOATS)
    matrix = np.linalg.inv(_TO_XYZ) * np.array(_white("lab2rgb", illuminant, observer))
    return _lab2rgb(pixels, axis, matrix.astype(pixels.dtype))
