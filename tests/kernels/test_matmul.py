"""The matrix product against its twin, for all layouts that it takes without a copy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smalti.kernels import matmul
from tests.helpers import bit_identical_for_callers, bit_identical_for_threads, check_layouts, guarded, posix, run_alone
from tests.reference import matmul as reference
from tests.strategies import examples, seeds, sides
from tests.tolerance import close


def matrices(m, k, n, dtype, seed=0):
    rng = np.random.default_rng(seed)
    return rng.uniform(-1, 1, (m, k)).astype(dtype), rng.uniform(-1, 1, (k, n)).astype(dtype)


def held(c, a, b, bias=None):
    # Each of k additions rounds a sum of at most k.
    eps = np.finfo(a.dtype).eps
    close(c, reference.matmul(a, b, bias), k=1, atol=2 * eps * (a.shape[1] + 4))


@examples(60)
@given(
    m=sides(1, 40), k=sides(1, 60), n=sides(1, 150), seed=seeds,
    dtype=st.sampled_from([np.float32, np.float64]), turned=st.tuples(st.booleans(), st.booleans()),
    biased=st.booleans(),
)  # fmt: skip
def test_against_twin(m, k, n, seed, dtype, turned, biased):
    a, b = matrices(m, k, n, dtype, seed)
    a, b = (np.asfortranarray(x) if t else x for x, t in zip((a, b), turned, strict=True))
    bias = matrices(1, 1, n, dtype, seed + 1)[1][0] if biased else None
    c = matmul(a, b, bias)
    assert c.dtype == dtype
    held(c, a, b, bias)


@pytest.mark.compiled
@pytest.mark.parametrize("m, k, n", [(300, 2500, 70), (700, 33, 64), (1, 5000, 300), (513, 1, 513), (64, 3000, 3)])
def test_blocks_and_panels(m, k, n):
    for turn_a in (np.ascontiguousarray, np.asfortranarray):
        for turn_b in (np.ascontiguousarray, np.asfortranarray):
            a, b = matrices(m, k, n, np.float32)
            held(matmul(turn_a(a), turn_b(b)), a, b)


@pytest.mark.compiled
def test_long_sums_round_little():
    # In one chain the rounding of 16,384 positive terms would be some 50 epsilon.
    rng = np.random.default_rng(0)
    a, b = rng.random((100, 2**14), np.float32), rng.random((2**14, 64), np.float32)
    np.testing.assert_allclose(matmul(a, b), a.astype(np.float64) @ b, rtol=16 * np.finfo(np.float32).eps)


def test_layouts_and_dtypes():
    a, b = matrices(7, 5, 9, np.float32)
    check_layouts(matmul, a, b)
    assert matmul(a, b.astype(np.float64)).dtype == np.float32
    np.testing.assert_array_equal(matmul([[1, 2], [3, 4]], [[1], [1]]), [[3], [7]])


@pytest.mark.compiled
def test_threads_and_callers():
    a, b = matrices(333, 257, 190, np.float32)
    bit_identical_for_threads(lambda: [matmul(a, b), matmul(b.T, a.T), matmul(a, b[:, :2].copy())])
    bit_identical_for_callers(lambda: matmul(a, b))


def test_bad_input():
    a, b = matrices(3, 4, 5, np.float32)
    with pytest.raises(ValueError, match=r"matmul: b must have shape \(4, any\), got \(5, 4\)"):
        matmul(a, b.T)
    with pytest.raises(ValueError, match=r"matmul: a must have 2 dimensions, got shape \(3,\)"):
        matmul(a[:, 0], b)
    with pytest.raises(ValueError, match=r"matmul: bias must have shape \(5,\), got \(4,\)"):
        matmul(a, b, np.ones(4))
    with pytest.raises(ValueError, match="matmul: a must not be empty"):
        matmul(a[:0], b)
    with pytest.raises(TypeError, match="matmul: b must be an array of real numbers, got dtype complex"):
        matmul(a, b.astype(np.complex64))


def _protected():
    for side in ("start", "end"):
        for m, k, n in [(1, 1, 1), (13, 17, 33), (64, 100, 128), (5, 70, 3), (97, 3, 1), (300, 20, 48)]:
            for dtype in (np.float32, np.float64):
                a, b = matrices(m, k, n, dtype)
                for left in (guarded(a, side), guarded(a.T, side).T):
                    for right in (guarded(b, side), guarded(b.T, side).T):
                        held(matmul(left, right), a, b)


@posix
@pytest.mark.compiled
def test_stays_within_its_arrays():
    run_alone(_protected)
