"""From any input to clean arrays, or to an error that names function, argument, what was expected and what came."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smalti.kernels import _validate as v
from tests.helpers import LAYOUTS, laid_out
from tests.strategies import arrays, examples


@given(st.data(), st.sampled_from([(), (1,), (5,), (3, 4), (2, 1, 3)]))
@examples(100)
def test_as_array_is_clean_and_equal(data, shape):
    array = data.draw(arrays(shape, (np.float32, np.float64, np.uint8, np.int64)))
    before = array.copy()
    clean = v.as_array("f", "x", array, dtypes=(np.float32, np.float64, np.uint8))
    assert clean.shape == array.shape
    assert clean.flags.c_contiguous and clean.flags.aligned and clean.flags.writeable and clean.dtype.isnative
    np.testing.assert_array_equal(clean, before)
    np.testing.assert_array_equal(array, before)


def test_nothing_is_copied_without_need():
    array = np.ones((3, 4), np.float32)
    assert v.as_array("f", "x", array) is array or np.shares_memory(v.as_array("f", "x", array), array)
    locked = laid_out(array, "read-only")
    assert np.shares_memory(v.as_array("f", "x", locked), locked)


def test_read_only_input_is_kept_alive():
    clean = v.as_array("f", "x", laid_out(np.arange(1000, dtype=np.float32), "read-only"))
    junk = [np.full(1000, -1, np.float32) for _ in range(10)]
    np.testing.assert_array_equal(clean, np.arange(1000))
    del junk


@pytest.mark.parametrize(
    ("given_dtype", "expected"),
    [
        (bool, np.float32), (np.float16, np.float32), (np.int8, np.float32), (np.int16, np.float32),
        (np.int32, np.float64), (np.int64, np.float64), (np.uint64, np.float64),
        (np.float32, np.float32), (np.float64, np.float64),
    ],
)  # fmt: skip
def test_dtypes(given_dtype, expected):
    assert v.as_array("f", "x", np.ones(3, given_dtype)).dtype == expected
    assert v.as_array("f", "x", [1.5, 2]).dtype == np.float64


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts_of_images(layout):
    image = np.random.default_rng(0).integers(0, 65536, (4, 5, 3)).astype(np.uint16)
    clean = v.as_image("f", laid_out(image, layout))
    assert clean.dtype == np.uint16 and clean.flags.c_contiguous
    np.testing.assert_array_equal(clean, image)


BAD = [
    (lambda: v.as_array("f", "x", "text"), TypeError, "f: x must be an array of real numbers, got dtype"),
    (lambda: v.as_array("f", "x", None), TypeError, "f: x must be an array of real numbers, got dtype object"),
    (lambda: v.as_array("f", "x", np.ones(2, complex)), TypeError, "got dtype complex128"),
    (lambda: v.as_array("f", "x", np.ones(2, "M8[s]")), TypeError, "f: x must be"),
    (lambda: v.as_array("f", "x", [[1, 2], [3]]), ValueError, "f: x must be an array, got a ragged sequence"),
    (lambda: v.as_array("f", "x", np.ones(2), ndim=(2, 3)), ValueError, r"2 or 3 dimensions, got shape \(2,\)"),
    (lambda: v.as_array("f", "x", np.ones((2, 3)), shape=(None, 4)), ValueError, r"shape \(any, 4\), got \(2, 3\)"),
    (lambda: v.as_array("f", "x", np.ones((2, 0))), ValueError, r"f: x must not be empty, got shape \(2, 0\)"),
    (lambda: v.as_array("f", "x", [1, np.nan], finite=True), ValueError, r"f: x must be finite, got nan at \(1,\)"),
    (lambda: v.as_array("f", "x", [[1, -np.inf]], finite=True), ValueError, r"got -inf at \(0, 1\)"),
    (lambda: v.as_image("f", np.ones(3)), ValueError, "f: image must have 2 or 3 dimensions"),
    (lambda: v.as_image("f", np.ones((2, 2)), channels=3), ValueError, r"f: image must have shape \(H, W, 3\), got"),
    (lambda: v.as_labels("f", "labels", np.ones((2, 2))), TypeError, "f: labels must be an integer array"),
    (lambda: v.as_labels("f", "labels", np.ones(2, int)), ValueError, "f: labels must have 2 dimensions"),
    (lambda: v.as_labels("f", "labels", np.full((1, 1), 2**31)), ValueError, "must fit into int32, got values from"),
    (lambda: v.as_labels("f", "labels", np.ones((2, 2), int), shape=(2, 3)), ValueError, r"must have shape \(2, 3\)"),
    (lambda: v.as_mask("f", np.ones((2, 2)), (2, 2)), TypeError, "f: mask must be an array of bool, got dtype float64"),
    (lambda: v.as_mask("f", np.ones((2, 2), bool), (2, 3)), ValueError, r"f: mask must have shape \(2, 3\), got"),
    (lambda: v.as_rng("f", "seed"), TypeError, "f: rng must be a seed"),
    (lambda: v.as_rng("f", -1), TypeError, "f: rng must be a seed of at least 0"),
    (lambda: v.as_rng("f", True), TypeError, "f: rng must be a seed"),
    (lambda: v.as_rng("f", np.random), TypeError, "f: rng must be a seed"),
    (lambda: v.integer("f", "n", 2.0), TypeError, "f: n must be an int, got 2.0"),
    (lambda: v.integer("f", "n", True), TypeError, "f: n must be an int, got True"),
    (lambda: v.integer("f", "n", 0, low=1), ValueError, "f: n must be at least 1, got 0"),
    (lambda: v.integer("f", "n", 9, high=5), ValueError, "f: n must be at most 5, got 9"),
    (lambda: v.integer("f", "n", 9, low=1, high=5), ValueError, "f: n must be from 1 to 5, got 9"),
    (lambda: v.real("f", "s", "1"), TypeError, "f: s must be a number, got '1'"),
    (lambda: v.real("f", "s", np.nan), ValueError, "f: s must be finite, got nan"),
    (lambda: v.real("f", "s", np.inf), ValueError, "f: s must be finite, got inf"),
    (lambda: v.real("f", "s", 0, above=0), ValueError, "f: s must be greater than 0, got 0.0"),
    (lambda: v.real("f", "s", -1, low=0), ValueError, "f: s must be at least 0, got -1.0"),
    (lambda: v.one_of("f", "mode", "wrong", ("a", "b")), ValueError, "f: mode must be one of 'a', 'b', got 'wrong'"),
    (lambda: v.one_of("f", "mode", None, ("a", "b")), ValueError, "f: mode must be one of 'a', 'b', got None"),
    (lambda: v.one_of("f", "mode", ["a"], ("a", "b")), ValueError, "f: mode must be one of 'a', 'b', got"),
]


@pytest.mark.parametrize(("call", "error", "message"), BAD)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_good_scalars():
    assert v.integer("f", "n", np.uint8(3), low=1) == 3
    assert v.real("f", "s", np.float32(0.5), above=0) == 0.5
    assert v.real("f", "s", 2) == 2.0
    assert v.one_of("f", "connectivity", 2, (1, 2)) == 2
    assert v.as_mask("f", None, (2, 2)) is None


def test_finite_but_overflowing_sum_is_accepted():
    v.check_finite("f", "x", np.full(4, np.finfo(np.float32).max, np.float32))


def test_rng():
    generator = np.random.default_rng(1)
    assert v.as_rng("f", generator) is generator
    assert v.as_rng("f", np.int64(5)).random() == np.random.default_rng(5).random()
    assert v.as_rng("f", None).random() != v.as_rng("f", None).random()


def test_labels_and_masks():
    labels = v.as_labels("f", "labels", laid_out(np.arange(6, dtype=np.int64).reshape(2, 3), "transposed"))
    assert labels.dtype == np.int32 and labels.flags.c_contiguous
    mask = v.as_mask("f", laid_out(np.array([[0, 2], [1, 0]], np.uint8), "read-only"), (2, 2))
    assert mask.dtype == bool and mask.tolist() == [[False, True], [True, False]]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
def test_unit_range(dtype):
    full = np.iinfo(dtype).max if np.dtype(dtype).kind == "u" else 1
    unit = v.as_unit_range(np.array([0, full], dtype))
    assert unit.tolist() == [0, 1]
    assert unit.dtype == (np.float64 if dtype == np.float64 else np.float32)
