"""Gabor filters and their answers against the twin and scikit-image."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smalti.kernels import gabor, gabor_kernel
from tests.helpers import bit_identical_for_threads, check_layouts
from tests.reference import gabor as reference
from tests.strategies import PIXELS, examples, floats, images
from tests.tolerance import close

MODES = ("reflect", "constant", "nearest", "mirror", "wrap")
frequencies = st.floats(0.15, 0.5)
angles = st.one_of(st.sampled_from([0, np.pi / 4, np.pi / 2]), st.floats(-4, 4))
shapes = st.fixed_dictionaries(
    {"bandwidth": st.floats(0.8, 2), "offset": st.floats(-3, 3)},
    optional={"sigma_x": st.floats(0.5, 2), "sigma_y": st.floats(0.5, 2), "n_stds": st.floats(0, 3)},
)


def same(actual, ref, image):
    """The weights' magnitudes add up to about 1: some roundings of a number of the size of the largest pixel."""
    for a, r in zip(actual, ref, strict=True):
        close(a, r, k=4, atol=32 * max(1.0, float(np.abs(image).max())) * np.finfo(a.dtype).eps)


@examples(60)
@given(frequencies, angles, shapes)
def test_kernel_against_the_twin(frequency, theta, options):
    kernel = gabor_kernel(frequency, theta, **options)
    ref = reference.gabor_kernel(frequency, theta, **options)
    assert kernel.dtype == np.complex128
    for part in ("real", "imag"):
        close(getattr(kernel, part), getattr(ref, part), k=64, atol=1e-14)


@examples(40)
@given(images(channels=(None,), max_side=14), frequencies, angles, shapes, st.sampled_from(MODES), floats(0, 1))
def test_against_the_twin(image, frequency, theta, options, mode, cval):
    ours = gabor(image, frequency, theta, mode=mode, cval=cval, **options)
    same(ours, reference.gabor(image, frequency, theta, mode, cval, **options), image)


@pytest.mark.compiled
@pytest.mark.parametrize("dtype", PIXELS)
def test_against_scikit_image(dtype):
    filters = pytest.importorskip("skimage.filters")
    image = (np.random.default_rng(0).random((61, 83)) * 255).astype(dtype)
    for options in ({"frequency": 0.1}, {"frequency": 0.3, "theta": 1, "sigma_x": 1, "sigma_y": 3, "offset": 0.5}):
        np.testing.assert_allclose(gabor_kernel(**options), filters.gabor_kernel(**options), rtol=1e-12, atol=1e-15)
        for mode in ("reflect", "wrap", "constant"):
            ref = filters.gabor(image.astype(np.float64), mode=mode, cval=3, **options)
            same(gabor(image, mode=mode, cval=3, **options), ref, image)


def test_answers_to_its_own_wave():
    """By half of its amplitude, wherever in its phase; to a wave across its own hardly at all."""
    rows, columns = np.mgrid[:60, :60]
    for theta in (0, 0.7):
        wave = np.cos(2 * np.pi * 0.2 * (columns * np.cos(theta) + rows * np.sin(theta)))
        close(np.hypot(*gabor(wave, 0.2, theta))[30, 30], 0.5, k=0, atol=1e-2)
        assert np.hypot(*gabor(wave, 0.2, theta + np.pi / 2))[30, 30] < 5e-3


@pytest.mark.compiled
def test_threads():
    image = np.random.default_rng(1).random((201, 203)).astype(np.float32)
    bit_identical_for_threads(lambda: gabor(image, 0.2, 0.3))


def test_nan_reaches_as_far_as_the_filter():
    image = np.zeros((30, 40))
    image[15, 20] = np.nan
    rows, columns = (n // 2 for n in gabor_kernel(0.3).shape)
    for part in gabor(image, 0.3):
        bad = np.isnan(part)
        assert bad[15, 20]
        bad[15 - rows : 16 + rows, 20 - columns : 21 + columns] = False
        assert not bad.any()


def test_layouts():
    check_layouts(lambda image: gabor(image, 0.3), np.random.default_rng(2).random((9, 14)))


@pytest.mark.parametrize(
    ("image", "options", "error", "message"),
    [
        (np.zeros((2, 2, 3)), {}, ValueError, "gabor: image must have 2 dimensions"),
        (np.zeros((0, 3)), {}, ValueError, "gabor: image must not be empty"),
        (np.zeros((2, 2)), {"mode": "edge"}, ValueError, "gabor: mode must be one of"),
        (np.zeros((2, 2)), {"frequency": 0}, ValueError, "gabor_kernel: frequency must be greater than 0"),
        (np.zeros((2, 2)), {"bandwidth": 0}, ValueError, "gabor_kernel: bandwidth must be greater than 0"),
        (np.zeros((2, 2)), {"theta": np.nan}, ValueError, "gabor_kernel: theta must be finite"),
        (np.zeros((2, 2)), {"sigma_x": 0}, ValueError, "gabor_kernel: sigma_x must be greater than 0"),
        (np.zeros((2, 2)), {"n_stds": -1}, ValueError, "gabor_kernel: n_stds must be at least 0"),
    ],
)
def test_bad_input(image, options, error, message):
    with pytest.raises(error, match=message):
        gabor(image, **{"frequency": 0.2, **options})


def test_bad_dtype():
    with pytest.raises(ValueError, match="gabor_kernel: dtype must be complex64 or complex128"):
        gabor_kernel(0.2, dtype=np.float32)
