"""Vectors of an array's own elements against NumPy."""

import numpy as np
import pytest

from smalti.kernels._jit import kernel
from smalti.kernels._simd import WIDTH
from smalti.kernels._simd_raw import any_lane, flip_bits, is_nan, lesser, load_raw, raw_lanes, splat_raw, store_raw

DTYPES = (np.uint8, np.uint16, np.int32, np.float32, np.float64)


@kernel
def _operate(x, y, bits, out):
    step = raw_lanes(x)
    a, b = load_raw(x, 1), load_raw(y, 2)
    store_raw(out, 0, lesser(a, b))
    store_raw(out, step, flip_bits(a, bits))
    store_raw(out, 2 * step, splat_raw(x, x[0]))
    return any_lane(is_nan(a) | is_nan(b))


@pytest.mark.parametrize("dtype", DTYPES)
def test_operations(dtype):
    n = WIDTH // 8 // np.dtype(dtype).itemsize
    rng = np.random.default_rng(0)
    x, y = ((rng.random(n + 2) * 200 - (dtype not in (np.uint8, np.uint16)) * 100).astype(dtype) for _ in range(2))
    bits = np.uint64(2**63 + 2**31 + 2**15 + 5)
    out = np.empty(3 * n, dtype)
    assert not _operate(x, y, bits, out)
    a, b, unsigned = x[1 : n + 1], y[2 : n + 2], np.dtype(f"u{x.itemsize}")
    np.testing.assert_array_equal(out[:n], np.minimum(a, b))
    np.testing.assert_array_equal(out[n : 2 * n].view(unsigned), a.view(unsigned) ^ bits.astype(unsigned))
    np.testing.assert_array_equal(out[2 * n :], np.full(n, x[0]))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nan_in_any_lane_is_seen(dtype):
    n = WIDTH // 8 // np.dtype(dtype).itemsize
    for lane in range(n):
        x, y, out = np.zeros(n + 2, dtype), np.full(n + 2, np.inf, dtype), np.empty(3 * n, dtype)
        y[2 + lane] = np.nan
        assert _operate(x, y, np.uint64(0), out)
        assert np.isnan(out[lane])
