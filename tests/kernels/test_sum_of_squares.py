"""The sum of squares over many arrays against the twin."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smalti.kernels.sum_of_squares import sum_of_squares
from tests.helpers import bit_identical_for_threads, check_layouts
from tests.reference import sum_of_squares as reference
from tests.strategies import FLOATS, examples, seeds


@examples(40)
@given(st.lists(st.integers(0, 30), min_size=1, max_size=5), st.sampled_from(FLOATS), seeds)
def test_against_the_twin(sizes, dtype, seed):
    rng = np.random.default_rng(seed)
    arrays = [rng.standard_normal((n, 2)).astype(dtype) for n in sizes]
    expected = reference.sum_of_squares(arrays)
    assert abs(sum_of_squares(arrays) - expected) <= 60 * np.finfo(dtype).eps * expected  # terms of one array


@pytest.mark.compiled
def test_threads():
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal(n).astype(np.float32) for n in (5, 70000, 1, 0, 4096, 9999)]
    total = bit_identical_for_threads(lambda: sum_of_squares(arrays))
    assert total == pytest.approx(reference.sum_of_squares(arrays), rel=1e-6)


def test_layouts():
    check_layouts(lambda x: sum_of_squares([x, x]), np.random.default_rng(1).random((5, 3)))


def test_a_large_number_is_not_lost():
    assert sum_of_squares([np.array([1e15]), np.ones(3)]) == pytest.approx(1e30)
    assert np.isnan(sum_of_squares([np.array([np.nan, 1])]))


@pytest.mark.parametrize(
    ("arrays", "error", "message"),
    [
        ([], ValueError, "sum_of_squares: arrays must hold at least one array"),
        (["a"], TypeError, r"sum_of_squares: arrays\[0\] must be an array of real numbers"),
    ],
)
def test_bad_input(arrays, error, message):
    with pytest.raises(error, match=message):
        sum_of_squares(arrays)
