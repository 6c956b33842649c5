"""Sums over leading axes against the exactly rounded twin."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smalti.kernels.bias import sum_leading
from tests.helpers import bit_identical_for_threads, check_layouts
from tests.reference import bias as reference
from tests.strategies import arrays, examples, sides
from tests.tolerance import close


@examples(60)
@given(st.lists(sides(1, 9), min_size=2, max_size=4).flatmap(lambda shape: arrays(tuple(shape))))
def test_against_the_twin(x):
    # At most 64 additions one after another in a block, each off by eps / 2 of a partial sum.
    magnitude = np.abs(x).max() * (x.size // x.shape[-1])
    close(sum_leading(x), reference.sum_leading(x), k=2, atol=40 * magnitude * np.finfo(x.dtype).eps)


@pytest.mark.compiled
@pytest.mark.parametrize("shape", [(60000, 3), (200000, 1), (2, 70000), (1001, 130)])
def test_threads(shape):
    x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    total = bit_identical_for_threads(lambda: sum_leading(x))
    close(total, x.sum(0, dtype=np.float64), k=4, atol=1e-7 * np.abs(x).sum(0).max())


def test_layouts():
    check_layouts(sum_leading, np.random.default_rng(1).standard_normal((5, 4, 3)))


def test_empty():
    np.testing.assert_array_equal(sum_leading(np.ones((0, 3))), np.zeros(3))


@pytest.mark.parametrize(("x", "error"), [(np.ones(3), ValueError), (np.ones((2, 2), complex), TypeError)])
def test_bad_input(x, error):
    with pytest.raises(error, match="sum_leading: x must"):
        sum_leading(x)
