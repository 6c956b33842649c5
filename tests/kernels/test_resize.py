"""Resizing against the twin and scikit-image."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smalti.kernels import resize
from tests.helpers import bit_identical_for_callers, bit_identical_for_threads, check_layouts, guarded, posix, run_alone
from tests.reference import resize as reference
from tests.strategies import PIXELS, examples, floats, images, sides
from tests.tolerance import close

MODES = ("constant", "edge", "symmetric", "reflect", "wrap")


def same(actual, ref, magnitude=1.0):
    """Weights, products and running sums of positive terms: few roundings of a number of the size of the largest."""
    close(actual, ref, k=8, atol=8 * magnitude * np.finfo(actual.dtype).eps)


@examples(200)
@given(images(), st.tuples(sides(1, 40), sides(1, 40)), st.sampled_from(MODES), floats(-0.5, 1.5), st.booleans())
def test_linear_against_the_twin(image, shape, mode, cval, anti_aliasing):
    ours = resize(image, shape, 1, mode, cval, anti_aliasing=anti_aliasing)
    same(ours, reference.resize(image, shape, 1, mode, cval, anti_aliasing=anti_aliasing), 1.5)


@examples(100)
@given(images(), st.tuples(sides(1, 40), sides(1, 40)), st.sampled_from(MODES), floats(0, 1), st.booleans())
def test_cubic_against_the_twin(image, shape, mode, cval, anti_aliasing):
    ours = resize(image, shape, 3, mode, cval, anti_aliasing=anti_aliasing)
    # The coefficients of a spline are up to three times as large as the pixels, in each direction.
    same(ours, reference.resize(image, shape, 3, mode, cval, anti_aliasing=anti_aliasing), 9)


@examples(100)
@given(images(), st.tuples(sides(1, 40), sides(1, 40)), st.sampled_from(MODES))
def test_area_against_the_twin(image, shape, mode):
    # Where an area begins is rounded, a number of up to 40 pixels.
    same(resize(image, shape, "area", mode), reference.resize(image, shape, "area"), 40)


@pytest.mark.compiled
def test_area_against_opencv():
    cv2 = pytest.importorskip("cv2")
    image = np.random.default_rng(8).random((60, 91, 3)).astype(np.float32)
    for shape in ((30, 91), (20, 13), (41, 17), (1, 1)):
        same(resize(image, shape, "area"), cv2.resize(image, shape[::-1], interpolation=cv2.INTER_AREA), 4)


@examples(100)
@given(images(dtypes=(np.uint8, np.int32, np.float64)), st.tuples(sides(1, 40), sides(1, 40)))
def test_nearest_against_the_twin(image, shape):
    ours = resize(image, shape, 0, anti_aliasing=False)
    assert ours.dtype == image.dtype.newbyteorder("=")
    np.testing.assert_array_equal(ours, reference.resize(image, shape, 0))


@pytest.mark.compiled
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", PIXELS)
def test_against_scikit_image(dtype, mode):
    transform = pytest.importorskip("skimage.transform")
    image = np.random.default_rng(0).random((53, 71))
    image = (image * np.iinfo(dtype).max).astype(dtype) if np.dtype(dtype).kind == "u" else image.astype(dtype)
    for shape in ((53, 71), (20, 71), (7, 3), (80, 200), (1, 1), (106, 30)):
        for options in ({}, {"order": 1, "anti_aliasing": False}, {"cval": 3.0}, {"cval": 0.25, "clip": False}):
            ref = transform.resize(image, shape, mode=mode, **options)
            same(resize(image, shape, mode=mode, **options), ref, 3.0)
        for options in ({}, {"anti_aliasing": False, "clip": False}, {"cval": 0.25}):
            ref = transform.resize(image, shape, 3, mode, **options)
            # These borders it makes 12 pixels wide, no wider, before it looks for the spline.
            magnitude = 1e9 if mode in ("edge", "constant") and dtype == np.float64 else 9
            same(resize(image, shape, 3, mode, **options), ref, magnitude)
        nearest = transform.resize(image, shape, 0, mode, anti_aliasing=False)
        ours = resize(image, shape, 0, mode, anti_aliasing=False)
        assert ours.dtype == nearest.dtype
        np.testing.assert_array_equal(ours, nearest)
    if np.dtype(dtype).kind == "f":
        same(resize(image, (20, 30), 0, mode), transform.resize(image, (20, 30), 0, mode))
    else:
        same(resize(image, (9, 9), preserve_range=True), transform.resize(image, (9, 9), preserve_range=True), 65535)


@pytest.mark.compiled
def test_calls_of_scikit_image():
    transform = pytest.importorskip("skimage.transform")
    rgb = np.random.default_rng(1).random((30, 40, 3))
    for shape in ((10, 50), (10, 50, 3), np.array([61, 20])):
        same(resize(rgb, shape), transform.resize(rgb, shape))
    # One number is for rows and columns here; scikit-image smooths the channels with it as well.
    theirs = transform.resize(rgb, (10, 20), anti_aliasing_sigma=(1.5, 1.5, 0))
    same(resize(rgb, (10, 20), anti_aliasing_sigma=1.5), theirs)
    same(resize(rgb, (10, 20), anti_aliasing_sigma=(1.5, 1.5, 0)), theirs)
    mask = rgb[..., 0] > 0.5
    np.testing.assert_array_equal(resize(mask, (13, 77)), transform.resize(mask, (13, 77)))


@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint16, np.int32, np.int64, np.float32])
def test_labels_stay_labels(dtype):
    labels = np.random.default_rng(2).integers(0, 2, (12, 17)).astype(dtype)
    result = resize(labels, (31, 9), 0, anti_aliasing=False)
    assert result.dtype == dtype
    assert set(np.unique(result)) <= set(np.unique(labels))


def test_the_same_size_is_the_same_picture():
    image = np.random.default_rng(3).random((15, 33, 3)).astype(np.float32)
    np.testing.assert_array_equal(resize(image, (15, 33)), image)


def test_not_a_number_reaches_its_taps():
    image = np.zeros((10, 10))
    image[5, 5] = np.nan
    bad = np.isnan(resize(image, (20, 20)))
    assert bad[9:13, 9:13].all()
    assert bad.sum() == 16


def test_not_a_number_in_a_spline():
    image = np.zeros((10, 10))
    image[5, 5] = np.nan
    for size in (20, 7):
        bad = np.isnan(resize(image, (size, size), 3))
        assert bad[size // 2, size // 2]


@pytest.mark.compiled
@pytest.mark.parametrize("shape", [(300, 1100), (700, 60), (1000, 260)])
@pytest.mark.parametrize("mode", MODES)
def test_splines_in_several_tiles(shape, mode):
    image = np.random.default_rng(9).random((297, 250)).astype(np.float32)
    ours = resize(image, shape, 3, mode, anti_aliasing=False)
    same(ours, reference.resize(image, shape, 3, mode), 9)


@pytest.mark.compiled
@pytest.mark.parametrize("shape", [(120, 95), (400, 501)])
def test_threads(shape):
    image = np.random.default_rng(4).random((301, 203, 3)).astype(np.float32)
    for order in (1, 3):
        bit_identical_for_threads(lambda order=order: resize(image, shape, order))
    bit_identical_for_threads(lambda: resize(image, shape, 0, anti_aliasing=False))


@posix
@pytest.mark.compiled
def test_callers():
    image = np.random.default_rng(5).random((300, 300)).astype(np.float32)
    bit_identical_for_callers(lambda: resize(image, (200, 301)))


def test_layouts():
    image = np.random.default_rng(6).random((9, 14, 3))
    check_layouts(lambda x: resize(x, (7, 20)), image)
    check_layouts(lambda x: resize(x, (20, 7), 3), image)
    check_layouts(lambda x: resize(x, (7, 20), 0, anti_aliasing=False), image)


def reach_only_the_picture():
    rng = np.random.default_rng(7)
    for side in ("start", "end"):
        for shape in ((1, 1), (5, 3), (4, 33, 3), (9, 64), (6, 95)):
            for dtype in (np.uint8, np.float32):
                image = guarded((rng.random(shape) * 255).astype(dtype), side)
                for size in ((1, 1), (17, 31), (3, 200)):
                    resize(image, size)
                    resize(image, size, 3)
                    resize(image, size, 0, anti_aliasing=False)


@posix
@pytest.mark.compiled
def test_protected_pages():
    run_alone(reach_only_the_picture)


@pytest.mark.parametrize(
    ("image", "shape", "options", "error", "message"),
    [
        (np.zeros(3), (2, 2), {}, ValueError, "image must have 2 or 3 dimensions"),
        (np.zeros((0, 3)), (2, 2), {}, ValueError, "image must not be empty"),
        (np.zeros((2, 2), complex), (2, 2), {}, TypeError, "image must be an array of real numbers"),
        (np.zeros((4, 4)), 2, {}, TypeError, "output_shape must be a sequence of ints"),
        (np.zeros((4, 4)), (2, 0), {}, ValueError, "output_shape must be at least 1"),
        (np.zeros((4, 4)), (2.0, 2.0), {}, TypeError, "output_shape must be an int"),
        (np.zeros((4, 4)), (2, 2, 1), {}, ValueError, r"output_shape must be \(OH, OW\), got"),
        (np.zeros((4, 4, 3)), (2, 2, 4), {}, ValueError, r"output_shape must be \(OH, OW\) or \(OH, OW, 3\)"),
        (np.zeros((4, 4)), (2, 2), {"order": 2}, ValueError, "order must be one of 0, 1, 3, 'area'"),
        (np.zeros((4, 4)), (2, 2), {"mode": "nearest"}, ValueError, "mode must be one of"),
        (np.zeros((4, 4), bool), (2, 2), {"order": 1}, ValueError, "bool of order 1"),
        (np.zeros((4, 4), bool), (2, 2), {"order": "area"}, ValueError, "bool of order area"),
        (np.zeros((4, 4), int), (2, 2), {"order": 0, "anti_aliasing": True}, ValueError, "int64 of order 0"),
        (np.zeros((4, 4)), (2, 2), {"anti_aliasing_sigma": -1.0}, ValueError, "anti_aliasing_sigma must be at least 0"),
        (np.zeros((4, 4)), (2, 2), {"anti_aliasing_sigma": (1, 2, 3)}, ValueError, "sigma must be one number"),
    ],
)
def test_bad_input(image, shape, options, error, message):
    with pytest.raises(error, match=f"resize: {message}"):
        resize(image, shape, **options)
