"""From sRGB to CIE Lab.

    linear = ((v + 0.055) / 1.055)**2.4 for v > 0.04045, else v / 12.92                for v of R, G, B
    XYZ    = M linear / white
    f(t)   = cbrt(t) for t > 0.008856, else 7.787 t + 16/116                           for t of X, Y, Z
    L, a, b = 116 f(Y) - 16, 500 (f(X) - f(Y)), 200 (f(Y) - f(Z))

Sources: IEC 61966-2-1:1999 (sRGB); CIE 15:2004, section 8.2.1 (Lab); M and the rounded constants as in
scikit-image. One pass: vectors of pixels are taken apart into channels as they are loaded, power and cube root are
evaluated in registers. O(H W) time, no memory but the result.
"""

import numpy as np

from . import _validate as check
from ._image import float_dtype, is_large, scratch, unit_scale, write_line
from ._jit import ORDERED, helper
from ._parallel import chunk_size, chunked
from ._simd import (
    fma,
    is_double,
    lanes,
    load_channels,
    scale_by_power,
    select,
    splat,
    split_exponent,
    store_channels,
    vround,
)
from ._simd_math import vcbrt, vexp, vlog

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


_RUN = 256  # pixels that are written together


@helper(fastmath=ORDERED)
def _power(t, exponent):
    """t**exponent of positive normal float32 numbers for 0 < exponent < 1/2, to 2 units in the last place.

    t = 2**e m with m in [2/3, 4/3), so that the exponent splits into a whole k and a rest r in [-1/2, 1/2] with
    little rounding. The two polynomials, evaluated in pairs because a chain of multiply-adds would wait for itself,
    are least-maximum fits, off by at most 4.5e-8 and 1.9e-9.
    """
    m, e = split_exponent(t)
    above = m > 4 / 3
    m = select(above, 0.5 * m, m)
    e = select(above, e + 1.0, e)
    f = m - 1.0
    f2 = f * f
    a = fma(splat(t, -0.7213439345), f, splat(t, 1.442694068))
    b = fma(splat(t, -0.3609276712), f, splat(t, 0.4810197353))
    c = fma(splat(t, -0.2346796691), f, splat(t, 0.2845879197))
    d = fma(splat(t, -0.2319820076), f, splat(t, 0.2520267367))
    p = fma(fma(d, f2, c), f2 * f2, fma(b, f2, a))
    log2 = exponent * (p * f)
    e = exponent * e
    k = vround(e + log2)
    r = (e - k) + log2
    r2 = r * r
    a = fma(splat(t, 0.6931471825), r, splat(t, 1.0))
    b = fma(splat(t, 0.05550327152), r, splat(t, 0.2402265221))
    c = fma(splat(t, 0.001340043149), r, splat(t, 0.009617994539))
    p = fma(fma(splat(t, 0.0001547802240), r2, c), r2 * r2, fma(b, r2, a))
    return scale_by_power(p, k)


@helper(fastmath=ORDERED)
def _linear(v):
    t = (v + 0.055) * (1 / 1.055)
    power = t * t * (vexp(0.4 * vlog(t)) if is_double(v) else _power(t, 0.4))  # exp(2.4 log(t)) would lose digits
    return select(v > 0.04045, power, v * (1 / 12.92))


@helper(fastmath=ORDERED)
def _f(t):
    root = vcbrt(t) if is_double(t) else _power(t, 1 / 3)
    return select(t > 0.008856, root, 7.787 * t + 16 / 116)


@helper(fastmath=ORDERED)
def _convert(rgb, i, scale, m, out, o):
    """A vector of pixels, from flat index `i` of rgb to flat index `o` of out."""
    red, green, blue = load_channels(rgb, i, 3)
    red, green, blue = _linear(red * scale), _linear(green * scale), _linear(blue * scale)
    x = _f(m[0, 0] * red + m[0, 1] * green + m[0, 2] * blue)
    y = _f(m[1, 0] * red + m[1, 1] * green + m[1, 2] * blue)
    z = _f(m[2, 0] * red + m[2, 1] * green + m[2, 2] * blue)
    store_channels(out, o, (116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)))


@chunked(fastmath=ORDERED)
def _rgb2lab(lo, hi, rgb, scale, matrix, large, out):
    # Requires: rgb, out (N, 3); matrix (3, 3) and scale of the dtype of out.
    step = lanes(out)
    line, last = scratch(3 * _RUN, out), np.zeros(3 * step, rgb.dtype)
    for run in range(lo, hi, _RUN):
        n = min(_RUN, hi - run)
        for i in range(0, n // step * step, step):
            _convert(rgb, 3 * (run + i), scale, matrix, line, 3 * i)
        rest = n % step
        if rest:
            for k in range(3 * rest):
                last[k] = rgb[hi - rest + k // 3, k % 3]
            _convert(last, 0, scale, matrix, line, 3 * (n - rest))
        write_line(line, 0, out, 3 * run, 3 * n, large)


def _white(illuminant, observer):
    illuminant, observer = str(illuminant).upper(), str(observer).upper()
    illuminant = check.one_of("rgb2lab", "illuminant", illuminant, _CHROMATICITY)
    observer = check.one_of("rgb2lab", "observer", observer, ("2", "10", "R"))
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
    As ``skimage.color.rgb2lab``; integer pictures give float32. The error in float32 is below 1e-4 for colours
    within [0, 1].
    """
    rgb = check.as_array("rgb2lab", "rgb", rgb, dtypes=check.PIXELS)
    white = _white(illuminant, observer)
    axis = check.integer("rgb2lab", "channel_axis", channel_axis, low=-rgb.ndim, high=rgb.ndim - 1) if rgb.ndim else 0
    if rgb.ndim == 0 or rgb.shape[axis] != 3:
        raise ValueError(f"rgb2lab: rgb must have 3 channels on axis {axis}, got shape {rgb.shape}")
    pixels = np.ascontiguousarray(np.moveaxis(rgb, axis, -1))
    dtype = float_dtype(rgb.dtype)
    out = np.empty(pixels.shape, dtype)
    matrix = (_TO_XYZ / np.array(white)[:, None]).astype(dtype)
    _rgb2lab(
        pixels.size // 3, pixels.reshape(-1, 3), dtype.type(unit_scale(rgb.dtype)), matrix, is_large(out),
        out.reshape(-1, 3), grain=_RUN * chunk_size(_RUN * (3.0 if dtype == np.float32 else 12.0)),
    )  # fmt: skip
    return np.moveaxis(out, -1, axis)
