"""What holds for every conversion of colours: axes, NaN, layouts, memory, threads, errors."""

import numpy as np
import pytest

from smalti import kernels
from tests.helpers import bit_identical_for_callers, bit_identical_for_threads, check_layouts, guarded, posix, run_alone

NAMES = ("rgb2gray", "rgb2hsv", "hsv2rgb", "rgb2lab", "lab2rgb")
EVERY = pytest.mark.parametrize("convert", [getattr(kernels, name) for name in NAMES], ids=NAMES)


def picture(shape, dtype=np.float64):
    return np.random.default_rng(0).random(shape).astype(dtype)


@EVERY
def test_channel_axis_and_shapes(convert):
    image = picture((2, 5, 7, 3))
    expected = convert(image)
    assert expected.shape[:3] == (2, 5, 7)
    for axis in (0, 1, 2, 3, -1, -2):
        converted = convert(np.moveaxis(image, -1, axis), channel_axis=axis)
        np.testing.assert_array_equal(np.moveaxis(converted, axis, -1) if converted.ndim == 4 else converted, expected)
    np.testing.assert_array_equal(convert(image[0, 0, 0]), expected[0, 0, 0])


@EVERY
def test_dtypes(convert):
    for dtype, result in ((bool, np.float32), (np.uint8, np.float32), (np.float32, np.float32), (np.int64, np.float64)):
        assert convert(np.ones((2, 3), dtype)).dtype == result


@EVERY
def test_not_a_number(convert):
    for channel in range(3):
        image = np.full((4, 9, 3), 0.5, np.float32)
        image[1, 2, channel] = np.nan
        expected = np.zeros((4, 9), bool)
        expected[1, 2] = True
        result = np.isnan(convert(image)).reshape(4, 9, -1)
        np.testing.assert_array_equal(result.all(-1), expected)
        np.testing.assert_array_equal(result.any(-1), expected)


@pytest.mark.compiled
@EVERY
def test_threads(convert):
    image = picture((211, 403, 3), np.float32)
    bit_identical_for_threads(lambda: convert(image))


@posix
@pytest.mark.compiled
def test_callers():
    image = picture((211, 403, 3), np.float32)
    bit_identical_for_callers(lambda: kernels.rgb2lab(image))


@EVERY
def test_layouts(convert):
    check_layouts(convert, picture((9, 14, 3)))


def reach_only_the_picture():
    for name in NAMES:
        for side in ("start", "end"):
            for n in (1, 15, 16, 17, 48, 95):
                for dtype in (np.uint8, np.float32):
                    getattr(kernels, name)(guarded((picture((n, 3)) * 255).astype(dtype), side))


@posix
@pytest.mark.compiled
def test_protected_pages():
    run_alone(reach_only_the_picture)


@EVERY
@pytest.mark.parametrize(
    ("value", "options", "error", "message"),
    [
        (np.zeros((2, 4)), {}, ValueError, "must have 3 channels on axis -1"),
        (np.zeros((3, 4)), {"channel_axis": 1}, ValueError, "must have 3 channels on axis 1"),
        (np.zeros((3, 4)), {"channel_axis": 2}, ValueError, "channel_axis must be from -2 to 1"),
        (np.float64(1.0), {}, ValueError, "must have 3 channels"),
        (np.zeros((0, 3)), {}, ValueError, "must not be empty"),
        (np.zeros((2, 3), complex), {}, TypeError, "must be an array of real numbers"),
    ],
)
def test_bad_input(convert, value, options, error, message):
    with pytest.raises(error, match=f"{convert.__name__}: .*{message}"):
        convert(value, **options)
