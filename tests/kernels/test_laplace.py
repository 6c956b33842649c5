"""The Laplacian against the twin and scipy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smalti.kernels import laplace
from tests.helpers import bit_identical_for_threads, check_layouts, guarded, posix, run_alone
from tests.reference import laplace as reference
from tests.strategies import PIXELS, examples, floats, images
from tests.tolerance import close

MODES = ("reflect", "constant", "nearest", "mirror", "wrap")


def same(actual, ref, image):
    """Sums of five terms of both signs: about eight roundings of a number of the size of the largest pixel."""
    close(actual, ref, k=4, atol=8 * max(1.0, float(np.abs(image).max())) * np.finfo(actual.dtype).eps)


@examples(100)
@given(images(), st.sampled_from(MODES), floats(0, 1))
def test_against_the_twin(image, mode, cval):
    same(laplace(image, mode=mode, cval=cval), reference.laplace(image, mode, cval), image)


@pytest.mark.compiled
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", PIXELS)
def test_against_scipy(dtype, mode):
    ndimage = pytest.importorskip("scipy.ndimage")
    image = np.random.default_rng(1).random((97, 131)) * 255
    image = image.astype(dtype)
    ref = ndimage.laplace(image.astype(np.float64), mode=mode, cval=3.0)
    same(laplace(image, mode=mode, cval=3.0), ref, image)


def test_a_parabola_has_a_constant_one():
    rows, columns = np.mgrid[:9, :7]
    np.testing.assert_array_equal(laplace(rows**2 + 3.0 * columns**2)[1:-1, 1:-1], 8)


def test_channels():
    image = np.random.default_rng(2).random((3, 12, 14))
    ours = laplace(image, channel_axis=0)
    for c in range(3):
        np.testing.assert_array_equal(ours[c], laplace(image[c]))


def test_nan_reaches_its_four_neighbours():
    image = np.zeros((9, 40))
    image[4, 20] = np.nan
    reached = np.zeros(image.shape, bool)
    reached[3:6, 20] = reached[4, 19:22] = True
    np.testing.assert_array_equal(np.isnan(laplace(image)), reached)


@pytest.mark.compiled
def test_threads():
    image = np.random.default_rng(5).random((301, 203, 3)).astype(np.float32)
    bit_identical_for_threads(lambda: laplace(image))


def test_layouts():
    check_layouts(laplace, np.random.default_rng(7).random((9, 14, 3)))


@pytest.mark.parametrize(
    ("image", "options", "error", "message"),
    [
        (np.zeros(3), {}, ValueError, "image must have 2 or 3 dimensions"),
        (np.zeros((0, 3)), {}, ValueError, "image must not be empty"),
        (np.zeros((2, 2), complex), {}, TypeError, "image must be an array of real numbers"),
        (np.zeros((2, 2)), {"mode": "edge"}, ValueError, "mode must be one of"),
        (np.zeros((2, 2)), {"cval": np.nan}, ValueError, "cval must be finite"),
        (np.zeros((2, 2)), {"channel_axis": 1}, ValueError, "channel_axis"),
    ],
)
def test_bad_input(image, options, error, message):
    with pytest.raises(error, match=f"laplace: {message}"):
        laplace(image, **options)


def reach_only_the_picture():
    rng = np.random.default_rng(4)
    for side in ("start", "end"):
        for shape in ((1, 1), (1, 40), (5, 2), (6, 33, 3), (9, 18)):
            for dtype in (np.uint8, np.float32):
                laplace(guarded((rng.random(shape) * 255).astype(dtype), side))


@posix
@pytest.mark.compiled
def test_protected_pages():
    run_alone(reach_only_the_picture)
