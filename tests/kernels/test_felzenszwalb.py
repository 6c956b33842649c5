"""Graph-based segmentation against its twin and scikit-image."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smalti._picture import picture
from smalti.kernels import felzenszwalb, gaussian
from tests.helpers import bit_identical_for_callers, bit_identical_for_threads, check_layouts
from tests.reference import felzenszwalb as reference
from tests.strategies import examples, images, seeds


def expected_labels(image, scale, sigma, min_size, mask):
    """The twin, of the picture in float64, smoothed by our Gaussian over what the mask allows."""
    if image.dtype.kind == "u":
        image = image * (1 / np.iinfo(image.dtype).max)
    image = image.reshape(*mask.shape, -1).astype(np.float64) * mask[..., None]
    if sigma > 0:
        image = gaussian(image, sigma, mode="reflect")
        if not mask.all():
            image /= np.maximum(gaussian(mask.astype(np.float64), sigma, mode="reflect"), 1e-300)[..., None]
    return reference.felzenszwalb(image, scale, min_size, mask)


@examples(60)
@given(
    images(max_side=16, channels=(None, 1, 3, 5), low=-1),
    seeds,
    st.sampled_from([0, 1, 50, 1000]),
    st.sampled_from([0, 0.8]),
    st.sampled_from([0, 2, 20]),
)
def test_against_twin(image, seed, scale, sigma, min_size):
    mask = np.random.default_rng(seed).random(image.shape[:2]) < 0.8
    labels = felzenszwalb(image, scale, sigma, min_size)
    assert labels.dtype == np.int32
    everywhere = np.ones_like(mask)
    np.testing.assert_array_equal(labels, expected_labels(image, scale, sigma, min_size, everywhere))
    labels = felzenszwalb(image, scale, sigma, min_size, mask=mask)
    np.testing.assert_array_equal(labels, expected_labels(image, scale, sigma, min_size, mask))


@pytest.mark.compiled
@pytest.mark.parametrize("shape", [(70, 81), (70, 81, 3), (60, 50, 7)])
@pytest.mark.parametrize("settings", [(1, 0.8, 20), (300, 0.5, 1), (80, 0, 50)])
@pytest.mark.filterwarnings("ignore:Got image with third dimension")
def test_against_skimage(shape, settings):
    segmentation = pytest.importorskip("skimage.segmentation")
    noise = np.random.default_rng(0).random(shape)
    image = gaussian(noise, 2.0) * 4
    channel_axis = -1 if len(shape) == 3 else None
    expected = segmentation.felzenszwalb(image, *settings, channel_axis=channel_axis)
    np.testing.assert_array_equal(felzenszwalb(image, *settings, channel_axis=channel_axis), expected)
    if channel_axis:
        first = felzenszwalb(np.moveaxis(image, -1, 0), *settings, channel_axis=0)
        np.testing.assert_array_equal(first, expected)


@pytest.mark.compiled
def test_photograph_as_skimage():
    segmentation = pytest.importorskip("skimage.segmentation")
    image, _ = picture()
    for settings in [(100, 0.8, 20), (300, 0.5, 50)]:
        np.testing.assert_array_equal(felzenszwalb(image, *settings), segmentation.felzenszwalb(image, *settings))


def test_min_size_is_honoured():
    """Also of regions that the second pass itself has made (scikit-image issue 2056)."""
    image = np.random.default_rng(0).random((40, 50, 3))
    for min_size in (1, 7, 60, 2000):
        sizes = np.bincount(felzenszwalb(image, 1, 0.5, min_size).ravel())
        assert sizes.min() >= min_size
    assert felzenszwalb(image, 1, 0, 2001).max() == 0


def test_two_halves_and_mask():
    image = np.zeros((9, 12), np.uint8)
    image[:, 7:] = 200
    truth = (image > 0).astype(int)
    np.testing.assert_array_equal(felzenszwalb(image, sigma=0), truth)
    mask = np.ones(image.shape, bool)
    mask[:, 3] = False
    mask[4, 3] = True  # a bridge
    np.testing.assert_array_equal(felzenszwalb(image, sigma=0, mask=mask), np.where(mask, truth, -1))
    holes = np.where(mask, image / 255, np.nan)
    for sigma in (0, 0.3):
        np.testing.assert_array_equal(felzenszwalb(holes, sigma=sigma, mask=mask), np.where(mask, truth, -1))
    np.testing.assert_array_equal(felzenszwalb(image, mask=np.zeros_like(mask)), np.full(image.shape, -1))


def test_constant_and_tiny():
    assert felzenszwalb(np.full((6, 7, 3), 0.3)).max() == 0
    for shape in [(1, 1), (1, 5), (5, 1), (1, 1, 4)]:
        assert not felzenszwalb(np.zeros(shape)).any()


@pytest.mark.compiled
def test_threads_callers_and_layouts():
    image = np.random.default_rng(0).random((150, 170, 3), dtype=np.float32)
    bit_identical_for_threads(lambda: felzenszwalb(image, 10))
    bit_identical_for_callers(lambda: felzenszwalb(image, 10), callers=4, calls=1)
    check_layouts(lambda a, m: felzenszwalb(a, mask=m), image[:20, :20], image[:20, :20, 0] < 0.9)


def test_bad_input():
    image = np.zeros((3, 4, 3))
    for call, message in [
        (lambda: felzenszwalb(image * np.nan), r"felzenszwalb: image must be finite, got nan at \(0, 0, 0\)"),
        (lambda: felzenszwalb(image[:0]), "felzenszwalb: image must not be empty"),
        (lambda: felzenszwalb(image, channel_axis=None), r"must have shape \(H, W\) where channel_axis is None"),
        (lambda: felzenszwalb(image[..., 0], channel_axis=0), "channel_axis must be None for shape"),
        (lambda: felzenszwalb(image, -1), "felzenszwalb: scale must be at least 0, got -1"),
        (lambda: felzenszwalb(image, sigma=-1), "felzenszwalb: sigma must be at least 0, got -1"),
        (lambda: felzenszwalb(image, min_size=-1), "felzenszwalb: min_size must be at least 0, got -1"),
        (lambda: felzenszwalb(image, mask=np.ones((4, 3), bool)), r"mask must have shape \(3, 4\), got \(4, 3\)"),
    ]:
        with pytest.raises(ValueError, match=message):
            call()
    with pytest.raises(TypeError, match=r"felzenszwalb: min_size must be an int, got 2\.5"):
        felzenszwalb(image, min_size=2.5)
