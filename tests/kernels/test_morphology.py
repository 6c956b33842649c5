"""Erosion, dilation, opening and closing against their twins and scikit-image."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smalti import kernels
from tests.helpers import bit_identical_for_threads, check_layouts, guarded, posix, run_alone
from tests.reference import morphology as reference
from tests.strategies import PIXELS, arrays, examples, seeds, sides

NAMES = ("erosion", "dilation", "opening", "closing")
MODES = ("reflect", "constant", "nearest", "mirror", "wrap", "max", "min", "ignore")


def footprint_of(seed, rows, columns, full):
    footprint = np.ones((rows, columns), bool)
    if not full:
        footprint &= np.random.default_rng(seed).random((rows, columns)) < 0.6
        footprint[0, 0] |= not footprint.any()
    return footprint


@pytest.mark.parametrize("name", NAMES)
@examples(60)
@given(st.data(), sides(1, 12), sides(1, 40), seeds, st.integers(1, 9), st.integers(1, 9), st.booleans())
def test_against_the_twin(name, data, height, width, seed, rows, columns, full):
    image = data.draw(arrays((height, width), PIXELS))
    mode = data.draw(st.sampled_from(MODES))
    footprint = footprint_of(seed, rows, columns, full)
    actual = getattr(kernels, name)(image, footprint, mode=mode, cval=1)
    expected = getattr(reference, name)(image, footprint, mode, 1)
    assert actual.dtype == image.dtype.newbyteorder("=")
    np.testing.assert_array_equal(actual, expected)


@pytest.mark.compiled
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int32, np.float32])
def test_against_scikit_image(name, dtype):
    morphology = pytest.importorskip("skimage.morphology")
    rng = np.random.default_rng(0)
    image = (rng.random((33, 41)) * (2 if dtype is bool else 200)).astype(dtype)
    shapes = [None, np.ones((3, 3)), np.ones((2, 4)), morphology.disk(4), rng.random((4, 5)) < 0.5, np.ones((1, 9))]
    for footprint in shapes:
        theirs = None if footprint is None else footprint.astype(np.uint8)
        for mode in ("reflect", "constant", "nearest", "mirror", "wrap", "ignore"):
            expected = getattr(morphology, name)(image, theirs, mode=mode)
            actual = getattr(kernels, name)(image, footprint, mode=mode)
            assert actual.dtype == expected.dtype
            np.testing.assert_array_equal(actual, expected)
    sequence = ((np.ones((5, 1)), 2), (np.ones((1, 5)), 1))
    expected = getattr(morphology, name)(image, [(f.astype(np.uint8), n) for f, n in sequence])
    np.testing.assert_array_equal(getattr(kernels, name)(image, sequence), expected)


@pytest.mark.compiled
def test_large_footprints():
    image = np.random.default_rng(1).random((40, 50))
    for shape in ((31, 31), (90, 3), (2, 120), (64, 64)):
        footprint = np.ones(shape)
        expected = np.full(image.shape, image.min()) if min(shape) >= 64 else None
        got = kernels.erosion(image, footprint, mode="nearest")
        parts = kernels.erosion(kernels.erosion(image, footprint[:, :1], mode="nearest"), footprint[:1], mode="nearest")
        np.testing.assert_array_equal(got, parts)
        if expected is not None:
            assert (got >= image.min()).all()


@pytest.mark.parametrize("name", NAMES)
def test_one_pixel_and_constant_pictures(name):
    function = getattr(kernels, name)
    np.testing.assert_array_equal(function(np.array([[5]], np.uint8), np.ones((7, 7))), [[5]])
    np.testing.assert_array_equal(function(np.full((4, 6), 2.5)), np.full((4, 6), 2.5))


@pytest.mark.compiled
def test_threads_and_layouts():
    image = np.random.default_rng(2).random((301, 203)).astype(np.float32)
    disk = np.hypot(*np.mgrid[-5:6, -5:6]) <= 5
    for footprint in (disk, np.ones((9, 4))):
        bit_identical_for_threads(lambda f=footprint: kernels.opening(image, f))
    check_layouts(lambda x: kernels.erosion(x, disk), image[:30, :40])


def reach_only_the_picture():
    rng = np.random.default_rng(3)
    disk = np.hypot(*np.mgrid[-3:4, -3:4]) <= 3
    for side in ("start", "end"):
        for shape in ((1, 1), (5, 3), (9, 129), (7, 200)):
            for dtype in (np.uint8, np.float64):
                image = guarded((rng.random(shape) * 255).astype(dtype), side)
                for footprint in (disk, np.ones((3, 3)), np.ones((2, 70))):
                    kernels.dilation(image, footprint)


@posix
@pytest.mark.compiled
def test_protected_pages():
    run_alone(reach_only_the_picture)


@pytest.mark.compiled
def test_nan_is_found_wherever_it_is():
    disk = np.hypot(*np.mgrid[-3:4, -3:4]) <= 3
    for shape in ((1, 1), (7, 5), (5, 40)):
        for place in np.ndindex(shape):
            image = np.zeros(shape, np.float32)
            image[place] = np.nan
            for footprint in (disk, np.ones((3, 4)), np.ones((1, 1)), np.ones((9, 1))):
                with pytest.raises(ValueError, match="erosion: image must not hold NaN"):
                    kernels.erosion(image, footprint)


def test_infinities_are_values_and_nan_is_refused():
    image = np.array([[1.0, np.inf], [-np.inf, 2.0]])
    np.testing.assert_array_equal(kernels.erosion(image, np.ones((3, 3))), np.full((2, 2), -np.inf))
    with pytest.raises(ValueError, match="erosion: image must not hold NaN"):
        kernels.erosion(np.full((2, 2), np.nan))


def test_bad_input():
    image = np.zeros((3, 4))
    with pytest.raises(ValueError, match=r"opening: image must have 2 dimensions, got shape \(3, 4, 1\)"):
        kernels.opening(image[..., None])
    with pytest.raises(ValueError, match="dilation: footprint must hold at least one element that is not 0"):
        kernels.dilation(image, np.zeros((3, 3)))
    with pytest.raises(ValueError, match=r"closing: footprint must have two dimensions, got shape \(3,\)"):
        kernels.closing(image, np.ones(3))
    with pytest.raises(ValueError, match=r"erosion: mode must be one of 'reflect', .* got 'edge'"):
        kernels.erosion(image, mode="edge")
    with pytest.raises(ValueError, match="erosion: image must not be empty"):
        kernels.erosion(image[:0])
