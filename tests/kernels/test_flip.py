"""Flipping against the twin and NumPy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smalti.kernels import flip
from tests.helpers import bit_identical_for_callers, bit_identical_for_threads, check_layouts, guarded, posix, run_alone
from tests.reference import flip as reference
from tests.strategies import examples, images

AXES = {None: (0, 1), 0: (0,), 1: (1,), (0, 1): (0, 1), (1,): (1,)}
DTYPES = (bool, np.uint8, np.int16, np.float16, np.float32, np.int32, np.float64)


@examples(150)
@given(
    images(dtypes=(np.uint8, np.uint16, np.int32, np.float64), channels=(None, 1, 2, 3), max_side=40),
    st.sampled_from([*AXES]),
)
def test_against_the_twin(image, axis):
    ours = flip(image, axis)
    assert ours.dtype == image.dtype.newbyteorder("=")
    assert ours.flags.c_contiguous and not np.shares_memory(ours, image)
    np.testing.assert_array_equal(ours, reference.flip(image, AXES[axis]))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("axis", [0, 1, -2, -1, (0, 1), (-1, 0), None])
def test_calls_of_numpy(dtype, axis):
    image = np.random.default_rng(0).integers(0, 100, (7, 53)).astype(dtype)
    ours = flip(image, axis)
    assert ours.dtype == dtype
    np.testing.assert_array_equal(ours, np.flip(image, axis))


def test_every_bit_is_kept():
    bits = np.random.default_rng(1).integers(0, 2**32, (9, 40), np.uint32)
    np.testing.assert_array_equal(flip(bits.view(np.float32)).view(np.uint32), np.flip(bits))


def test_axes_of_pictures_with_channels():
    image = np.random.default_rng(2).random((5, 9, 3))
    np.testing.assert_array_equal(flip(image), np.flip(image, (0, 1)))
    np.testing.assert_array_equal(flip(image, -2), np.flip(image, 1))
    with pytest.raises(ValueError, match=r"flip: axis must be None, 0, 1 or \(0, 1\), got -1"):
        flip(image, -1)


@pytest.mark.compiled
@pytest.mark.parametrize("axis", [0, 1])
def test_threads(axis):
    image = np.random.default_rng(3).random((401, 303, 3)).astype(np.float32)
    bit_identical_for_threads(lambda: flip(image, axis))


@posix
@pytest.mark.compiled
def test_callers():
    image = np.random.default_rng(4).random((300, 300)).astype(np.float32)
    bit_identical_for_callers(lambda: flip(image))


def test_layouts():
    check_layouts(flip, np.random.default_rng(5).random((9, 14, 3)))


def reach_only_the_picture():
    rng = np.random.default_rng(6)
    for side in ("start", "end"):
        for shape in ((1, 1), (5, 3), (4, 33, 3), (9, 64), (6, 95, 2)):
            for dtype in (np.uint8, np.float32):
                image = guarded((rng.random(shape) * 255).astype(dtype), side)
                for axis in AXES:
                    flip(image, axis)


@posix
@pytest.mark.compiled
def test_protected_pages():
    run_alone(reach_only_the_picture)


@pytest.mark.parametrize(
    ("image", "axis", "error", "message"),
    [
        (np.zeros(3), 0, ValueError, "image must have 2 or 3 dimensions"),
        (np.zeros((0, 3)), 0, ValueError, "image must not be empty"),
        (np.zeros((2, 2), complex), 0, TypeError, "image must be an array of real numbers"),
        (np.zeros((2, 2)), 2, ValueError, "axis must be from -2 to 1"),
        (np.zeros((2, 2)), "rows", TypeError, "axis must be an int"),
        (np.zeros((2, 2)), (), ValueError, "axis must be None, 0, 1"),
        (np.zeros((2, 2)), (1, -1), ValueError, "axis must be None, 0, 1"),
    ],
)
def test_bad_input(image, axis, error, message):
    with pytest.raises(error, match=f"flip: {message}"):
        flip(image, axis)
