"""Vectors against their NumPy twins, at every width that this machine has."""

import numpy as np
import pytest

from smalti.kernels import _simd
from smalti.kernels._jit import JIT, helper, kernel
from smalti.kernels._simd import (
    WIDTH,
    fma,
    hmax,
    hmin,
    hsum,
    is_double,
    lanes,
    load,
    load_channels,
    load_channels_part,
    load_part,
    prefetch,
    scale_by_power,
    select,
    splat,
    split_exponent,
    store,
    store_channels,
    store_channels_part,
    store_part,
    stream,
    transpose,
    vabs,
    vfloor,
    vmax,
    vmin,
    vround,
    vsqrt,
)
from smalti.kernels._simd_math import vcbrt, vexp, vlog, vpower, vtanh
from tests.helpers import guarded, posix, run_alone, run_python

DTYPES = (np.uint8, np.uint16, np.int32, np.float32, np.float64)
FLOATS = (np.float32, np.float64)


def n_lanes(dtype):
    return WIDTH // (64 if dtype == np.float64 else 32)


@kernel
def _copy(x, out):
    i, step = 0, lanes(x)
    while i + step <= x.size:
        store(out, i, load(x, i))
        i += step
    store_part(out, i, load_part(x, i, x.size - i), x.size - i)


@kernel
def _transpose(x, pitch, out, out_pitch):
    transpose(x, 3, pitch, out, 2, out_pitch)


@pytest.mark.parametrize("dtype", FLOATS)
def test_transpose(dtype):
    n = n_lanes(dtype)
    x = np.arange(n * (n + 5) + 3).astype(dtype)
    out = np.zeros(n * (n + 1) + 2, dtype)
    _transpose(x, n + 5, out, n + 1)
    expected = np.zeros((n, n + 1))
    expected[:, :n] = x[3:].reshape(n, n + 5)[:, :n].T
    np.testing.assert_array_equal(out, [0, 0, *expected.ravel()])


@kernel
def _stream(x, out, o):
    prefetch(x, 10 * x.size)
    stream(out, o, load(x, 0))


@pytest.mark.parametrize("dtype", FLOATS)
def test_stream(dtype):
    n = n_lanes(dtype)
    memory = np.zeros(4 * n, dtype)
    o = -memory.ctypes.data % (WIDTH // 8) // memory.itemsize + n
    _stream(np.arange(n).astype(dtype), memory, o)
    np.testing.assert_array_equal(memory[o - 1 : o + n + 1], [0, *range(n), 0])


@pytest.mark.parametrize("dtype", DTYPES)
def test_load_and_store(dtype):
    for n in (0, 1, n_lanes(dtype), 2 * n_lanes(dtype) + 3):
        x = np.arange(n).astype(dtype)
        out = np.full(n + 1, 7, np.float64 if dtype == np.float64 else np.float32)
        _copy(x, out)
        np.testing.assert_array_equal(out, [*range(n), 7])


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_narrowing_rounds_to_even_and_saturates(dtype):
    top = np.iinfo(dtype).max
    x = np.array([-5, -0.5, 0.5, 1.5, 2.5, top - 0.5, top + 0.4, 1e9, np.inf, -np.inf], np.float32)
    out = np.full(x.size, 9, dtype)
    _copy(x, out)
    np.testing.assert_array_equal(out, [0, 0, 0, 2, 2, top - 1, top, top, top, 0])


@kernel
def _channels(x, out, doubled):
    i = 0
    while i < x.size:
        r, g, b = load_channels(x, i, 3)
        store(out, i, r)
        store(out, i + lanes(x), g)
        store(out, i + 2 * lanes(x), b)
        store_channels(doubled, i, (2.0 * r, 2.0 * g, 2.0 * b))
        i += 3 * lanes(x)


@kernel
def _channels_part(x, n, doubled):
    a, b = load_channels_part(x, 0, 2, n)
    store_channels_part(doubled, 0, (2.0 * a, 2.0 * b), n)
    return hsum(a)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_channels(dtype):
    step = n_lanes(dtype)
    x = np.arange(6 * step).astype(dtype)
    work = np.float64 if dtype == np.float64 else np.float32
    out, doubled = np.empty(x.size, work), np.empty(x.size, work)
    _channels(x, out, doubled)
    np.testing.assert_array_equal(out.reshape(2, 3, step), x.reshape(2, step, 3).transpose(0, 2, 1))
    np.testing.assert_array_equal(doubled, 2 * x.astype(work))
    for n in range(step + 1):
        doubled[:] = -1
        assert _channels_part(x, n, doubled) == x[: 2 * n : 2].sum()
        np.testing.assert_array_equal(doubled[: 2 * n], 2 * x[: 2 * n].astype(work))
        assert (doubled[2 * n :] == -1).all()


@kernel
def _arithmetic(a, b, out):
    u, v = load(a, 0), load(b, 0)
    n = lanes(a)
    store(out, 0 * n, u + v)
    store(out, 1 * n, u - 2.0)
    store(out, 2 * n, 3 * u * v)
    store(out, 3 * n, 1.0 / (u + 2.0))
    store(out, 4 * n, -u)
    store(out, 5 * n, fma(u, v, u))
    store(out, 6 * n, vmin(u, v))
    store(out, 7 * n, vmax(u, v))
    store(out, 8 * n, vabs(u) + vsqrt(vabs(v)))
    store(out, 9 * n, vfloor(u) + vround(v))
    store(out, 10 * n, select((u < v) & ~(u < 0.0) | (v == u), u, v))
    store(out, 11 * n, select((u >= v) & (u != 0.25), u, splat(a, 5.0)))
    out[12 * n] = hsum(u)
    out[12 * n + 1] = hmin(u)
    out[12 * n + 2] = hmax(u)
    out[12 * n + 3] = 1.0 if is_double(a) else 0.0


@pytest.mark.parametrize("dtype", FLOATS)
def test_arithmetic(dtype):
    n = n_lanes(dtype)
    rng = np.random.default_rng(0)
    a, b = rng.uniform(-2, 2, (2, n)).astype(dtype)
    a[0] = b[0]
    out = np.zeros(12 * n + 4, dtype)
    _arithmetic(a, b, out)
    rows = [
        a + b, a - 2, 3 * a * b, 1 / (a + 2), -a, a * b + a, np.minimum(a, b), np.maximum(a, b),
        np.abs(a) + np.sqrt(np.abs(b)), np.floor(a) + np.rint(b),
        np.where((a < b) & ~(a < 0) | (a == b), a, b), np.where((a >= b) & (a != 0.25), a, 5),
    ]  # fmt: skip
    np.testing.assert_allclose(
        out[: 12 * n].reshape(12, n), rows, rtol=8 * np.finfo(dtype).eps, atol=np.finfo(dtype).eps
    )
    np.testing.assert_allclose(out[12 * n], a.astype(np.float64).sum(), rtol=1e-5)
    assert (out[12 * n + 1], out[12 * n + 2]) == (a.min(), a.max())
    assert out[12 * n + 3] == (dtype == np.float64)


@kernel
def _nan_lanes(x, out):
    v = load(x, 0)
    n = lanes(x)
    store(out, 0, select(v == v, v, splat(x, -1.0)))
    store(out, n, select(v != v, splat(x, 1.0), splat(x, 0.0)))
    store(out, 2 * n, vmin(v, splat(x, 0.0)))


def test_nan_is_seen():
    n = n_lanes(np.float32)
    x = np.full(n, np.nan, np.float32)
    x[0] = 3
    out = np.empty(3 * n, np.float32)
    _nan_lanes(x, out)
    np.testing.assert_array_equal(out.reshape(3, n)[:, :2], [[3, -1], [0, 1], [0, 0]])


@kernel
def _exponents(x, k, out):
    n = lanes(x)
    m, e = split_exponent(load(x, 0))
    store(out, 0, m)
    store(out, n, e)
    store(out, 2 * n, scale_by_power(load(x, 0), load(k, 0)))


@pytest.mark.parametrize("dtype", FLOATS)
def test_exponents(dtype):
    n = n_lanes(dtype)
    x = (1.5 * 2.0 ** np.arange(-n // 2, n - n // 2)).astype(dtype)
    k = np.arange(n).astype(dtype) - 3
    out = np.empty(3 * n, dtype)
    _exponents(x, k, out)
    np.testing.assert_array_equal(out.reshape(3, n), [np.full(n, 1.5), np.arange(-n // 2, n - n // 2), x * 2.0**k])


def _mapped(function):
    @kernel
    def run(x, out):
        i, step = 0, lanes(x)
        while i < x.size:
            rest = min(step, x.size - i)
            store_part(out, i, function(load_part(x, i, rest)), rest)
            i += step

    return run


@helper
def _power(x):
    return vpower(x, 0.375)


MATH = {
    "exp": (_mapped(vexp), np.exp, 1.6),
    "log": (_mapped(vlog), np.log, 1.4),
    "tanh": (_mapped(vtanh), np.tanh, 3.0),
    "cbrt": (_mapped(vcbrt), np.cbrt, 1.5),
    "power": (_mapped(_power), lambda x: np.power(x, np.longdouble(0.375)), 2.5),
}


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", MATH)
def test_error_in_units_in_the_last_place(name, dtype):
    run, exact, ulps = MATH[name]
    count = 200_000 if JIT else 2000
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 2**64, count, dtype=np.uint64)
    x = bits.view(np.float64) if dtype == np.float64 else bits.astype(np.uint32).view(np.float32)
    x = np.concatenate([x, rng.normal(0, 5, count).astype(dtype), np.linspace(-1e-3, 1e-3, 99).astype(dtype)])
    if name == "cbrt":
        x = x[(np.abs(x) >= np.finfo(dtype).tiny) | (x == 0) | np.isnan(x)]  # subnormal numbers count as 0
    if name == "power":
        x = x[(x >= np.finfo(dtype).tiny) & (x < np.inf)]
    out = np.empty_like(x)
    with np.errstate(all="ignore"):
        run(x, out)
        ref = exact(x.astype(np.longdouble))
        rounded = ref.astype(dtype)
        finite = np.isfinite(rounded) & np.isfinite(out)
        unit = np.spacing(np.maximum(np.abs(rounded), np.finfo(dtype).tiny))
        error = np.abs(out.astype(np.longdouble) - ref)[finite] / unit[finite]
        np.testing.assert_array_equal(np.isnan(out), np.isnan(rounded))
        # Next to overflow one may round to infinity and the other not.
        at_the_edge = np.abs(np.where(finite, 0, x)) < np.inf
        assert np.all((out == rounded) | finite | np.isnan(out) | at_the_edge)
    assert error.max() < ulps, f"{error.max():.2f} units at {x[finite][error.argmax()]!r}"


@pytest.mark.parametrize("dtype", FLOATS)
def test_special_values(dtype):
    x = np.array([0.0, -0.0, 1.0, np.inf, -np.inf, np.nan, np.finfo(dtype).tiny / 4], dtype)
    for name, expected in {
        "exp": [1, 1, np.exp(dtype(1)), np.inf, 0, np.nan, 1],
        "log": [-np.inf, -np.inf, 0, np.inf, np.nan, np.nan, np.log(x[-1].astype(np.float64))],
        "tanh": [0, 0, np.tanh(dtype(1)), 1, -1, np.nan, x[-1]],
        "cbrt": [0, 0, 1, np.inf, -np.inf, np.nan, 0],
    }.items():
        out = np.empty_like(x)
        with np.errstate(all="ignore"):
            MATH[name][0](x, out)
        np.testing.assert_allclose(out, np.array(expected, dtype), rtol=4 * np.finfo(dtype).eps, err_msg=name)


def _protected():
    for side in ("start", "end"):
        for dtype in DTYPES:
            for n in (1, 2, n_lanes(dtype) - 1, n_lanes(dtype), n_lanes(dtype) + 1):
                x = guarded(np.arange(n).astype(dtype), side)
                out = guarded(np.zeros(n, np.float64 if dtype == np.float64 else np.float32), side)
                _copy(x, out)
                np.testing.assert_array_equal(out, x)
                _channels_part(x, min(n // 2, n_lanes(dtype)), out)


@posix
@pytest.mark.compiled
def test_stays_within_its_arrays():
    run_alone(_protected)


@pytest.mark.compiled
def test_bounds_checks_see_raw_access():
    code = (
        "import numpy as np\nfrom tests.kernels.test_simd import _far\n"
        "for i in (-1, 1):\n"
        "    try:\n        _far(np.zeros(_far_size := __import__('smalti.kernels._simd', fromlist=['x']).WIDTH // 32,"
        " np.float32), i)\n    except IndexError:\n        print('caught')\n"
    )
    assert run_python("-c", code, env={"NUMBA_BOUNDSCHECK": "1"}).stdout.split() == ["caught", "caught"]


@kernel
def _far(x, i):
    return hsum(load(x, i))


@pytest.mark.compiled
@pytest.mark.parametrize("width", [w for w in (128, 256) if w < _simd.WIDTH])
def test_narrower_vectors(width):
    """Vectors, matrix product and convolution pass the same tests at a narrower width."""
    run_python(
        "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "tests/kernels/test_simd.py",
        "tests/kernels/test_matmul.py", "tests/kernels/test_conv2d.py",
        "-k", "not narrower and not callers and not large",
        env={"SMALTI_SIMD": str(width)}, seconds=600,
    )  # fmt: skip


def test_width_is_checked():
    done = run_python("-c", "import smalti.kernels._simd", env={"SMALTI_SIMD": "100"}, check=False)
    assert "SMALTI_SIMD must be 128, 256 or 512, got '100'" in done.stderr
