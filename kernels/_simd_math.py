"""Exponential, logarithm, power, hyperbolic tangent and cube root of vectors, from arithmetic alone.

Numba leaves these to the scalar C library; here they are range reduction and a power series, branch-free.
The series are the Taylor series, cut where the next term is below half a unit in the last place on the
reduced range, so that every coefficient explains itself. Range reduction after Cody and Waite, "Software Manual
for the Elementary Functions" (1980): subtract k log(2) in two parts, the first of which is exact.

Largest error found, in units in the last place (float32: every 256th number; float64: three million random
ones; with and without fused multiply-add): vexp 1.1, vlog 0.9, vtanh 2.5, vcbrt 1.0; with it, vpower 2.2 in float32
and 1.5 in float64. NaN stays NaN, except in vpower. They are compiled without reassociation, which would undo the
two-part reduction and overflow the last scaling.
"""

from ._jit import ORDERED, helper
from ._simd import fma, is_double, scale_by_power, select, splat, split_exponent, vabs, vfloor, vmax, vround

_LOG2_E, _LOG_2 = 1.4426950408889634, 0.6931471805599453
# log(2) as a sum whose first part has trailing zeros, so that its product with an exponent is exact
_LOG_2_HIGH32, _LOG_2_LOW32 = 0.693359375, -2.12194440054690583e-4
_LOG_2_HIGH64, _LOG_2_LOW64 = 0.6931471803691238, 1.9082149292705877e-10


@helper(fastmath=ORDERED)
def _reduce(x):
    """(k, r) with x = k log(2) + r, k an integer, |r| <= log(2) / 2; k = 0 for NaN."""
    k = vround(x * _LOG2_E)
    k = select(x == x, k, splat(x, 0.0))
    if is_double(x):
        r = fma(k, splat(x, -_LOG_2_LOW64), fma(k, splat(x, -_LOG_2_HIGH64), x))
    else:
        r = fma(k, splat(x, -_LOG_2_LOW32), fma(k, splat(x, -_LOG_2_HIGH32), x))
    return k, r


@helper(fastmath=ORDERED)
def _expm1_series(r):
    """exp(r) - 1 for |r| <= log(2) / 2, as r + r**2 (1/2! + r/3! + r**2/4! + ...)."""
    p = splat(r, 1 / 5040.0)
    if is_double(r):
        p = splat(r, 1 / 6227020800.0)
        p = fma(p, r, splat(r, 1 / 479001600.0))
        p = fma(p, r, splat(r, 1 / 39916800.0))
        p = fma(p, r, splat(r, 1 / 3628800.0))
        p = fma(p, r, splat(r, 1 / 362880.0))
        p = fma(p, r, splat(r, 1 / 40320.0))
        p = fma(p, r, splat(r, 1 / 5040.0))
    p = fma(p, r, splat(r, 1 / 720.0))
    p = fma(p, r, splat(r, 1 / 120.0))
    p = fma(p, r, splat(r, 1 / 24.0))
    p = fma(p, r, splat(r, 1 / 6.0))
    p = fma(p, r, splat(r, 0.5))
    return fma(p, r * r, r)


@helper(fastmath=ORDERED)
def vexp(x):
    """exp(x); 0 and infinity beyond the range of the dtype, gradual underflow in between."""
    low, high = -104.0, 89.0
    if is_double(x):
        low, high = -746.0, 710.0
    x = select(x < low, splat(x, low), x)
    x = select(x > high, splat(x, high), x)
    k, r = _reduce(x)
    half = vfloor(k * 0.5)  # 2**k itself may be subnormal or infinite, its halves are not
    return scale_by_power(scale_by_power(_expm1_series(r) + 1.0, half), k - half)


@helper(fastmath=ORDERED)
def vlog(x):
    """Natural logarithm; -infinity at 0, NaN below."""
    tiny, lift, lifted = 1.1754943508222875e-38, 8388608.0, 23.0
    if is_double(x):
        tiny, lift, lifted = 2.2250738585072014e-308, 4503599627370496.0, 52.0
    subnormal = x < tiny
    m, e = split_exponent(select(subnormal, x * lift, x))
    e = select(subnormal, e - lifted, e)
    above = m > 1.4142135623730951
    m = select(above, m * 0.5, m)
    e = select(above, e + 1.0, e)
    # log(m) = 2 atanh(s) = 2 (s + s**3/3 + s**5/5 + ...), s = (m - 1) / (m + 1), |s| < 0.172
    f = m - 1.0
    s = f / (m + 1.0)
    z = s * s
    p = splat(x, 1 / 9.0)
    if is_double(x):
        p = splat(x, 1 / 21.0)
        p = fma(p, z, splat(x, 1 / 19.0))
        p = fma(p, z, splat(x, 1 / 17.0))
        p = fma(p, z, splat(x, 1 / 15.0))
        p = fma(p, z, splat(x, 1 / 13.0))
        p = fma(p, z, splat(x, 1 / 11.0))
        p = fma(p, z, splat(x, 1 / 9.0))
    p = fma(p, z, splat(x, 1 / 7.0))
    p = fma(p, z, splat(x, 1 / 5.0))
    p = fma(p, z, splat(x, 1 / 3.0))
    # 2 s + 2 s z p, where 2 s = f - s f rounds less than the quotient does
    tail = s * (2.0 * z * p - f)
    if is_double(x):
        result = fma(e, splat(x, _LOG_2_HIGH64), f + fma(e, splat(x, _LOG_2_LOW64), tail))
    else:
        result = fma(e, splat(x, _LOG_2_HIGH32), f + fma(e, splat(x, _LOG_2_LOW32), tail))
    infinity = splat(x, float("inf"))
    result = select(x == infinity, infinity, result)
    result = select(x == 0.0, -infinity, result)
    return select(x >= 0.0, result, splat(x, float("nan")))


@helper(fastmath=ORDERED)
def vpower(x, exponent):
    """x**exponent of positive normal numbers, for a scalar 0 < exponent < 1/2."""
    m, e = split_exponent(x)
    above = m > 4 / 3
    m = select(above, 0.5 * m, m)
    e = select(above, e + 1.0, e)
    # x = 2**e m with m in [2/3, 4/3], so that log2(x**exponent) = k + rest, with |rest| <= 1/2, has little rounding
    log2 = exponent * (vlog(m) * _LOG2_E if is_double(x) else _log2_series(m - 1.0))
    power = splat(x, exponent)
    k = vround(fma(power, e, log2))
    rest = fma(power, e, -k) + log2
    return scale_by_power(vexp(rest * _LOG_2) if is_double(x) else _exp2_series(rest), k)


# Least-maximum fits, relatively off by at most 4.5e-8 and 1.9e-9. They are evaluated in pairs, because a chain of
# multiply-adds would wait for itself.


@helper(fastmath=ORDERED)
def _log2_series(f):
    """log2(1 + f) for -1/3 <= f <= 1/3, in float32."""
    f2 = f * f
    a = fma(splat(f, -0.7213439345), f, splat(f, 1.442694068))
    b = fma(splat(f, -0.3609276712), f, splat(f, 0.4810197353))
    c = fma(splat(f, -0.2346796691), f, splat(f, 0.2845879197))
    d = fma(splat(f, -0.2319820076), f, splat(f, 0.2520267367))
    return f * fma(fma(d, f2, c), f2 * f2, fma(b, f2, a))


@helper(fastmath=ORDERED)
def _exp2_series(r):
    """2**r for -1/2 <= r <= 1/2, in float32."""
    r2 = r * r
    a = fma(splat(r, 0.6931471825), r, splat(r, 1.0))
    b = fma(splat(r, 0.05550327152), r, splat(r, 0.2402265221))
    c = fma(splat(r, 0.001340043149), r, splat(r, 0.009617994539))
    return fma(fma(splat(r, 0.0001547802240), r2, c), r2 * r2, fma(b, r2, a))


@helper(fastmath=ORDERED)
def vtanh(x):
    """Hyperbolic tangent, as t / (t + 2) with t = exp(2 |x|) - 1, which keeps small x exact."""
    limit = 20.0
    if is_double(x):
        limit = 44.0
    y = 2.0 * vabs(x)
    y = select(y > limit, splat(x, limit), y)
    k, r = _reduce(y)
    power = scale_by_power(splat(x, 1.0), k)
    t = fma(power, _expm1_series(r), power - 1.0)
    result = t / (t + 2.0)
    return select(x < 0.0, -result, result)


@helper(fastmath=ORDERED)
def vcbrt(x):
    """Cube root of numbers of either sign; subnormal numbers count as 0."""
    a = vabs(x)
    tiny = 1.1754943508222875e-38
    if is_double(x):
        tiny = 2.2250738585072014e-308
    m, e = split_exponent(vmax(a, splat(x, tiny)))
    q = vfloor(e * (1 / 3.0) + (1 / 6.0))  # e = 3 q + rest; the sixth keeps exact thirds from rounding down
    rest = e - 3.0 * q
    m = select(rest > 0.5, m + m, m)
    m = select(rest > 1.5, m + m, m)
    # On [1, 8): a straight line, then Halley's iteration, which triples the number of right digits.
    y = fma(m, splat(x, 0.1398), splat(x, 0.9186))
    y = _halley(_halley(y, m), m)
    if is_double(x):
        y = _halley(y, m)
    y = y + (m - y * y * y) / (3.0 * y * y)
    y = scale_by_power(y, q)
    y = select(a >= tiny, y, splat(x, 0.0))
    y = select(a == float("inf"), a, y)
    y = select(x < 0.0, -y, y)
    return select(x == x, y, x)


@helper(fastmath=ORDERED)
def _halley(y, m):
    cube = y * y * y
    return y * (cube + 2.0 * m) / (2.0 * cube + m)
