"""The bank of Gabor filters against the twin and against single filters."""

import importlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smalti.kernels import gabor_bank
from tests.helpers import bit_identical_for_callers, bit_identical_for_threads, check_layouts, guarded, posix, run_alone
from tests.reference import gabor as reference
from tests.strategies import PIXELS, examples, images
from tests.tolerance import close


def same(actual, ref):
    """The weights' magnitudes add up to about 4 sigma, 5 at the lowest frequency: some roundings of that, and of the
    square root of what is nearly 0, where the two parts cancel no further than to the rounding of their terms."""
    close(actual, ref, k=16, atol=64 * np.finfo(np.float32).eps)


@examples(40)
@given(images(channels=(None,), max_side=12), st.lists(st.floats(0.2, 0.5), min_size=1, max_size=3), st.integers(1, 5))
def test_against_the_twin(image, frequencies, n_orientations):
    ours = gabor_bank(image, frequencies=frequencies, n_orientations=n_orientations)
    assert ours.dtype == np.float32
    same(ours, reference.gabor_bank(image, frequencies, n_orientations))


@pytest.mark.compiled
@pytest.mark.parametrize("dtype", PIXELS)
def test_against_single_filters(dtype):
    ndimage = pytest.importorskip("scipy.ndimage")
    image = np.random.default_rng(0).random((61, 83))
    image = (image * np.iinfo(dtype).max).astype(dtype) if np.dtype(dtype).kind == "u" else image.astype(dtype)
    ours = gabor_bank(image, frequencies=(0.05, 0.11, 0.4), n_orientations=8)
    values = image / (np.iinfo(dtype).max if np.dtype(dtype).kind == "u" else 1)
    for f, frequency in enumerate((0.05, 0.11, 0.4)):
        for o in range(8):
            kernel = reference.bank_kernel(frequency, o * np.pi / 8)
            same(ours[:, :, f, o], np.hypot(*(ndimage.convolve(values, part) for part in (kernel.real, kernel.imag))))


def test_answers_most_to_its_own_wave():
    rows, columns = np.mgrid[:48, :48]
    theta = 2 * np.pi / 6
    wave = np.cos(2 * np.pi * 0.2 * (columns * np.cos(theta) + rows * np.sin(theta))) / 2 + 0.5
    answers = gabor_bank(wave, frequencies=(0.1, 0.2, 0.4), n_orientations=6)[24, 24]
    assert np.unravel_index(answers.argmax(), answers.shape) == (1, 2)


@pytest.mark.compiled
def test_noise_has_the_same_energy_everywhere():
    noise = np.random.default_rng(1).standard_normal((400, 400)).astype(np.float32)
    energy = (gabor_bank(noise, frequencies=(0.1, 0.2, 0.4), n_orientations=4) ** 2).mean((0, 1))
    np.testing.assert_allclose(energy, 1, atol=0.1)


def test_nan_reaches_as_far_as_the_filter():
    image = np.zeros((24, 40), np.float32)
    image[11, 17] = np.nan
    radius = len(reference.bank_kernel(0.4, 0)) // 2
    reached = np.zeros(image.shape, bool)
    reached[11 - radius : 12 + radius, 17 - radius : 18 + radius] = True
    answers = gabor_bank(image, frequencies=[0.4], n_orientations=3)
    np.testing.assert_array_equal(np.isnan(answers), np.broadcast_to(reached[..., None, None], answers.shape))


@pytest.mark.compiled
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_threads(dtype):
    image = (np.random.default_rng(2).random((101, 203)) * 200).astype(dtype)
    bit_identical_for_threads(lambda: gabor_bank(image, frequencies=(0.1, 0.3), n_orientations=5))


@posix
@pytest.mark.compiled
def test_callers():
    image = np.random.default_rng(3).random((60, 100)).astype(np.float32)
    bit_identical_for_callers(lambda: gabor_bank(image, frequencies=[0.2], n_orientations=4))


def test_layouts():
    image = np.random.default_rng(4).random((9, 14))
    check_layouts(lambda image: gabor_bank(image, frequencies=[0.3], n_orientations=3), image)


@pytest.mark.compiled
def test_large_results_have_the_same_bits(monkeypatch):
    image = np.random.default_rng(5).random((9, 37)).astype(np.float32)
    small = gabor_bank(image, frequencies=(0.2, 0.3), n_orientations=5)
    monkeypatch.setattr(importlib.import_module("smalti.kernels.gabor_bank"), "is_large", lambda out: True)
    np.testing.assert_array_equal(gabor_bank(image, frequencies=(0.2, 0.3), n_orientations=5), small)


def reach_only_the_picture():
    rng = np.random.default_rng(6)
    for side in ("start", "end"):
        for shape in ((1, 1), (5, 3), (4, 33), (9, 64)):
            for dtype in (np.uint8, np.float32):
                image = guarded((rng.random(shape) * 255).astype(dtype), side)
                gabor_bank(image, frequencies=(0.05, 0.4), n_orientations=3)


@posix
@pytest.mark.compiled
def test_protected_pages():
    run_alone(reach_only_the_picture)


@pytest.mark.parametrize(
    ("image", "options", "error", "message"),
    [
        (np.zeros((2, 2, 3)), {}, ValueError, "image must have 2 dimensions"),
        (np.zeros((0, 3)), {}, ValueError, "image must not be empty"),
        (np.zeros((2, 2)), {"frequencies": []}, ValueError, "frequencies must not be empty"),
        (np.zeros((2, 2)), {"frequencies": 0.2}, ValueError, "frequencies must have 1 dimensions"),
        (np.zeros((2, 2)), {"frequencies": [0]}, ValueError, "frequencies must be greater than 0"),
        (np.zeros((2, 2)), {"frequencies": [0.6]}, ValueError, "frequencies must be"),
        (np.zeros((2, 2)), {"frequencies": [np.nan]}, ValueError, "frequencies must be finite"),
        (np.zeros((2, 2)), {"n_orientations": 0}, ValueError, "n_orientations must be at least 1"),
        (np.zeros((2, 2)), {"n_orientations": 2.0}, TypeError, "n_orientations must be an int"),
    ],
)
def test_bad_input(image, options, error, message):
    with pytest.raises(error, match=f"gabor_bank: {message}"):
        gabor_bank(image, **{"frequencies": [0.2], "n_orientations": 2, **options})
