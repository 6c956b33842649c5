"""Rotating against the twin and scikit-image."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from smalti.kernels import rotate
from tests.helpers import bit_identical_for_callers, bit_identical_for_threads, check_layouts, guarded, posix, run_alone
from tests.reference import rotate as reference
from tests.strategies import PIXELS, examples, floats, images
from tests.tolerance import close

MODES = ("constant", "edge", "symmetric", "reflect", "wrap")
angles = st.sampled_from([0.0, 90.0, -90.0, 180.0, 270.0, 450.0, 45.0, 60.0, 1e-40]) | floats(-400, 400)
centers = st.none() | st.tuples(floats(-5, 30), floats(-5, 30))


def same(actual, ref, magnitude=1.0):
    """Weights and places are rounded, of sums whose terms are up to twice as large as they."""
    close(actual, ref, k=16, atol=64 * magnitude * np.finfo(actual.dtype).eps)


def decided(shape, angle, resize=False, center=None):
    """Where the nearest pixel is not a tie, which rounding decides."""
    rows, columns = reference.places(shape, angle, resize, center)
    return (np.abs(rows % 1 - 0.5) > 1e-9) & (np.abs(columns % 1 - 0.5) > 1e-9)


@examples(200)
@given(
    images(channels=(None, 1, 2, 3)), angles, st.booleans(), centers, st.sampled_from([1, 3]), st.sampled_from(MODES),
    floats(-0.5, 1.5), st.booleans(),
)  # fmt: skip
def test_interpolation_against_the_twin(image, angle, resize, center, order, mode, cval, clip):
    arguments = angle, resize, center, order, mode, cval, clip
    ours = rotate(image, *arguments)
    assert ours.dtype == (np.float64 if image.dtype.newbyteorder("=") == np.float64 else np.float32)
    if clip and mode == "constant":  # whether the result reaches cval must not be a matter of rounding
        assume(not 0 < np.abs(reference.rotate(image, *arguments[:-1], clip=False) - cval).min() < 1e-5)
    same(ours, reference.rotate(image, *arguments), 3)


@examples(100)
@given(
    images(dtypes=(np.uint8, np.int32, np.float64), channels=(None, 2, 3)), angles, st.booleans(), centers,
    st.sampled_from(MODES), st.integers(0, 255),
)  # fmt: skip
def test_nearest_against_the_twin(image, angle, resize, center, mode, cval):
    ours = rotate(image, angle, resize, center, 0, mode, cval)
    assert ours.dtype == image.dtype.newbyteorder("=")
    clear = decided(image.shape, angle, resize, center)
    ref = reference.rotate(image, angle, resize, center, 0, mode, cval)
    np.testing.assert_array_equal(ours[clear], ref[clear])


@pytest.mark.compiled
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", PIXELS)
def test_against_scikit_image(dtype, mode):
    transform = pytest.importorskip("skimage.transform")
    image = np.random.default_rng(0).random((37, 51, 3))
    image = (image * np.iinfo(dtype).max).astype(dtype) if np.dtype(dtype).kind == "u" else image.astype(dtype)
    for angle in (7, -33.3, 90, 181, 270):
        for options in ({}, {"resize": True, "cval": 0.3}, {"center": (3, 40), "cval": 2.0}, {"clip": False}):
            for order in (1, 3):
                ours = rotate(image, angle, order=order, mode=mode, **options)
                theirs = transform.rotate(image, angle, order=order, mode=mode, **options)
                assert ours.shape == theirs.shape
                # It computes places in float32 for float32.
                np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12 if dtype == np.float64 else 1e-4)
            nearest = transform.rotate(image, angle, order=0, mode=mode, preserve_range=True, **options)
            ours = rotate(image, angle, order=0, mode=mode, **options)
            clear = decided(image.shape, angle, options.get("resize", False), options.get("center"))
            if dtype != np.float32 and options.get("cval") != 2.0:
                np.testing.assert_array_equal(ours[clear], nearest.astype(ours.dtype)[clear])


def test_calls_of_scikit_image():
    transform = pytest.importorskip("skimage.transform")
    image = np.random.default_rng(1).random((12, 17))
    same(rotate(image, 10), transform.rotate(image, 10))
    same(rotate(image, 10, True, (3, 4)), transform.rotate(image, 10, True, (3, 4)))
    mask = image > 0.5
    ours = rotate(mask, 20)
    assert ours.dtype == bool
    np.testing.assert_array_equal(ours, transform.rotate(mask, 20))
    values = (image * 255).astype(np.uint8)
    theirs = transform.rotate(values, 10, preserve_range=True)
    same(rotate(values, 10, preserve_range=True), theirs, 255)


@pytest.mark.parametrize("order", [0, 1, 3])
@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.float32, np.float64])
@pytest.mark.parametrize("shape", [(9, 20), (20, 9, 3), (7, 7), (1, 6), (1, 1, 2)])
def test_quarters_are_copies(order, dtype, shape):
    image = np.random.default_rng(2).integers(0, 256, shape).astype(dtype)
    for quarters in range(-4, 6):
        turned = rotate(image, 90 * quarters, resize=True, order=order, preserve_range=True)
        np.testing.assert_array_equal(turned, np.rot90(image, quarters))
        assert turned.flags.c_contiguous and not np.shares_memory(turned, image)


@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint16, np.float16, np.int32, np.int64, np.float32])
def test_labels_stay_labels(dtype):
    labels = np.random.default_rng(3).integers(1, 3, (14, 11)).astype(dtype)
    result = rotate(labels, 30, order=0, mode="edge")
    assert result.dtype == dtype
    assert set(np.unique(result)) <= set(np.unique(labels))


def test_every_bit_of_a_label_is_kept():
    bits = np.random.default_rng(4).integers(0, 2**32, (9, 16), np.uint32)
    image = bits.view(np.float32)
    turned = rotate(image, 180 + 1e-9, order=0, mode="edge")
    np.testing.assert_array_equal(turned.view(np.uint32), bits[::-1, ::-1])


def test_there_and_back_by_small_steps():
    r, c = np.mgrid[:60, :60] / 60
    image = np.sin(5 * r) * np.cos(4 * c)
    there = rotate(rotate(image, 17, order=3, mode="reflect"), -17, order=3, mode="reflect")
    assert np.abs(there - image)[15:-15, 15:-15].max() < 1e-4


def test_not_a_number_reaches_its_neighbours():
    image = np.ones((20, 20))
    image[9, 9] = np.nan
    for order, most in ((0, 1), (1, 5), (3, 17)):
        bad = np.isnan(rotate(image, 10, order=order))
        assert 0 < bad.sum() <= most
        assert bad[7:13, 7:13].sum() == bad.sum()


@pytest.mark.compiled
@pytest.mark.parametrize("order", [0, 1, 3])
def test_threads(order):
    image = np.random.default_rng(5).random((203, 301, 3)).astype(np.float32)
    bit_identical_for_threads(lambda: rotate(image, 33, order=order))


@posix
@pytest.mark.compiled
def test_callers():
    image = np.random.default_rng(6).random((300, 300)).astype(np.float32)
    bit_identical_for_callers(lambda: rotate(image, 20))


def test_layouts():
    image = np.random.default_rng(7).random((9, 14, 3))
    for order in (0, 1, 3):
        check_layouts(lambda x, order=order: rotate(x, 25, order=order), image)


def reach_only_the_picture():
    rng = np.random.default_rng(8)
    for side in ("start", "end"):
        for shape in ((1, 1), (5, 3), (4, 33, 3), (9, 64), (17, 30, 3), (6, 9, 2)):
            for dtype in (np.uint8, np.float32):
                image = guarded((rng.random(shape) * 255).astype(dtype), side)
                for angle in (1e-4, 12, 45, 90, 179, 271.5):
                    for order in (0, 1, 3):
                        rotate(image, angle, order=order, mode="reflect")
                        rotate(image, angle, True, (1, 2), order)


@posix
@pytest.mark.compiled
def test_protected_pages():
    run_alone(reach_only_the_picture)


@pytest.mark.parametrize(
    ("image", "angle", "options", "error", "message"),
    [
        (np.zeros(3), 1, {}, ValueError, "image must have 2 or 3 dimensions"),
        (np.zeros((0, 3)), 1, {}, ValueError, "image must not be empty"),
        (np.zeros((2, 2), complex), 1, {}, TypeError, "image must be an array of real numbers"),
        (np.zeros((4, 4)), "right", {}, TypeError, "angle must be a number"),
        (np.zeros((4, 4)), np.inf, {}, ValueError, "angle must be finite"),
        (np.zeros((4, 4)), 1, {"order": 2}, ValueError, "order must be one of 0, 1, 3"),
        (np.zeros((4, 4), bool), 1, {"order": 1}, ValueError, "order must be 0 for a picture of bool"),
        (np.zeros((4, 4)), 1, {"mode": "nearest"}, ValueError, "mode must be one of"),
        (np.zeros((4, 4)), 1, {"center": 3}, ValueError, "center must be a column and a row"),
        (np.zeros((4, 4)), 1, {"center": (1, 2, 3)}, ValueError, "center must be a column and a row"),
        (np.zeros((4, 4)), 1, {"center": (1, np.nan)}, ValueError, "center must be finite"),
        (np.zeros((4, 4)), 1, {"cval": "black"}, TypeError, "cval must be a number"),
    ],
)
def test_bad_input(image, angle, options, error, message):
    with pytest.raises(error, match=f"rotate: {message}"):
        rotate(image, angle, **options)
