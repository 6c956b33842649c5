"""Sorting by bits against NumPy's stable sort."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smalti.kernels import _radix_sort
from tests.helpers import bit_identical_for_threads
from tests.strategies import examples, seeds


@examples(40)
@given(seeds, st.sampled_from([0, 1, 2, 50, 300]), st.sampled_from([(0, 63), (32, 63), (7, 8), (0, 11)]))
def test_against_numpy(seed, n, bits):
    low, high = bits
    rng = np.random.default_rng(seed)
    numbers = rng.integers(0, 2**high - 1, n, endpoint=True)
    numbers[rng.random(n) < 0.5] &= (1 << (low + 2)) - 1
    expected = numbers[np.argsort(numbers >> low, kind="stable")]
    np.testing.assert_array_equal(_radix_sort.sort_bits(numbers.copy(), low, high), expected)


@pytest.mark.compiled
def test_chunks():
    """More numbers than one chunk holds, with any number of threads."""
    numbers = np.random.default_rng(0).integers(0, 1 << 20, 3 * _radix_sort.GRAIN + 5)
    result = bit_identical_for_threads(lambda: _radix_sort.sort_bits(numbers.copy(), 4, 20))
    np.testing.assert_array_equal(result, numbers[np.argsort(numbers >> 4, kind="stable")])
