"""Superpixels against their twin and scikit-image; masks, connectivity, small pictures."""

import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smalti._picture import picture
from smalti.kernels import label, slic
from smalti.segment.metrics import covering
from tests.helpers import bit_identical_for_callers, bit_identical_for_threads, check_layouts
from tests.reference import slic as reference
from tests.strategies import examples, seeds, sides

module = sys.modules["smalti.kernels.slic"]


def noise(seed, *shape):
    return np.random.default_rng(seed).random(shape)


@examples(40)
@given(
    seeds, sides(1, 14), sides(1, 30), st.sampled_from([1, 3, 4]), st.sampled_from([np.float32, np.float64]),
    st.integers(1, 12), st.booleans(), st.booleans(), st.booleans(),
)  # fmt: skip
def test_iterations_against_twin(seed, height, width, channels, dtype, n, slic_zero, use_color, masked):
    image = (3 * noise(seed, height, width, channels)).astype(dtype)
    mask = noise(seed + 1, height, width) < (0.7 if masked else 2)
    mask[0, 0] = True
    places, step = module._seeds_within(mask, n)
    centers = np.concatenate([places, noise(seed + 2, len(places), channels)], axis=1)
    planes = np.zeros((height, channels, -(-width // 16) * 16), dtype)
    planes[:, :, :width] = image.transpose(0, 2, 1)
    arguments = (step, (1.0, 1.5), 3, slic_zero, use_color)
    labels, moved = module._iterate(planes, mask, centers, *arguments)
    reach = 2 * np.array(module._grid(mask.shape, len(centers))[1])
    for _ in range(5):
        expected, centers_expected = reference.iterate(image, mask, centers, step, reach, *arguments[1:])
        if (expected[mask] >= 0).all():
            break
        reach *= 2
    np.testing.assert_array_equal(labels, expected)
    np.testing.assert_allclose(moved, centers_expected, rtol=1e-5)


@examples(60)
@given(seeds, sides(1, 20), sides(1, 20), st.integers(1, 9), st.integers(0, 12), st.integers(1, 30))
def test_connectivity_against_twin(seed, height, width, n_labels, min_size, max_size):
    labels = np.random.default_rng(seed).integers(0, n_labels, (height, width)).astype(np.int32)
    labels = np.repeat(labels, 2, axis=1)
    out = module._connected(labels, min_size, max_size)
    np.testing.assert_array_equal(out, reference.connect(labels, min_size, max_size))


@examples(40)
@given(seeds, sides(1, 20), sides(1, 20), st.integers(1, 9), st.integers(0, 12))
def test_connectivity_within_a_mask(seed, height, width, n_labels, min_size):
    """Regions are connected and none is small that touches another; no pixel changes sides of the mask."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, n_labels, (height, width)).astype(np.int32)
    labels[rng.random(labels.shape) < 0.4] = -1
    out = module._connected(labels, min_size, labels.size)
    np.testing.assert_array_equal(out < 0, labels < 0)
    islands, n_islands = label(labels >= 0, connectivity=1, return_num=True)
    assert label(out, connectivity=1, background=-1).max(initial=0) == out.max(initial=-1) + 1
    sizes = np.bincount(out[out >= 0])
    for island in range(1, n_islands + 1):
        regions = np.unique(out[islands == island])
        assert len(regions) == 1 or sizes[regions].min() >= min_size


@pytest.mark.compiled
@pytest.mark.parametrize("shape", [(60, 75), (60, 75, 3), (41, 90, 5)])
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"n_segments": 37, "compactness": 0.3, "start_label": 0},
        {"slic_zero": True, "n_segments": 60},
        {"sigma": 1.5, "spacing": (1, 2), "enforce_connectivity": False},
        {"max_num_iter": 3, "min_size_factor": 0.9, "max_size_factor": 1.2, "sigma": (0, 1)},
    ],
)
def test_against_skimage(shape, settings):
    segmentation = pytest.importorskip("skimage.segmentation")
    smooth = pytest.importorskip("skimage.filters").gaussian
    channel_axis = -1 if len(shape) == 3 else None
    image = smooth(noise(0, *shape), 2, channel_axis=channel_axis)
    expected = segmentation.slic(image, channel_axis=channel_axis, **settings)
    np.testing.assert_array_equal(slic(image, channel_axis=channel_axis, **settings), expected)


@pytest.mark.compiled
def test_photograph_as_skimage():
    """But for rounding, which turns a few ties; more of them in float32."""
    segmentation = pytest.importorskip("skimage.segmentation")
    image, _ = picture()
    expected = segmentation.slic(image, 200, start_label=0)
    assert covering(expected, slic(image / 255.0, 200, start_label=0)) > 0.999
    for same in (image, (image / 255).astype(np.float32), image.astype(np.uint16) * 257):
        assert covering(expected, slic(same, 200, start_label=0)) > 0.98


@pytest.mark.parametrize("n_segments", [1, 9, 40])
def test_mask(n_segments):
    """Every pixel within it gets a connected superpixel, whatever is outside."""
    r, c = np.mgrid[:30, :40]
    mask = (r - 15) ** 2 + (c - 16) ** 2 < 150
    mask[2, 38] = mask[20, 34:] = True  # a speck, and a line
    image = noise(0, 30, 40, 3)
    labels = slic(image, n_segments, 100, mask=mask)
    np.testing.assert_array_equal(labels > 0, mask)
    assert label(labels, connectivity=1).max() == labels.max()
    image[~mask] = np.nan
    np.testing.assert_array_equal(slic(image, n_segments, 100, mask=mask, start_label=0), labels - 1)
    assert n_segments == 1 or labels.max() > n_segments // 2
    np.testing.assert_array_equal(slic(image, mask=np.zeros_like(mask)), np.zeros(mask.shape))


def test_halves_are_found():
    image = np.zeros((20, 30), np.uint8)
    image[:, 13:] = 255
    labels = slic(image, 6, compactness=0.1, enforce_connectivity=False)
    for k in np.unique(labels):
        assert np.unique(image[labels == k]).size == 1


def test_constant_and_tiny():
    for shape in [(1, 1), (1, 7), (7, 1), (2, 2, 3)]:
        labels = slic(np.full(shape, 0.3), 3)
        assert labels.shape == shape[:2] and labels.min() == 1
    assert len(np.unique(slic(np.full((20, 30), 7.0), 6))) == 6
    assert slic(noise(0, 4, 5), 1000, enforce_connectivity=False).max() == 20


@pytest.mark.compiled
def test_threads_callers_and_layouts():
    image = noise(0, 150, 170, 3).astype(np.float32)
    mask = image[..., 0] < 0.9

    def everything():
        return [slic(image, 60), slic(image, 60, mask=mask, slic_zero=True)]

    bit_identical_for_threads(everything)
    bit_identical_for_callers(everything, callers=3, calls=1)
    check_layouts(lambda a, m: slic(a, 9, mask=m), image[:20, :20], mask[:20, :20])
    first = slic(np.moveaxis(image, -1, 0), 60, channel_axis=0)
    np.testing.assert_array_equal(first, slic(image, 60))


def test_bad_input():
    image = np.zeros((3, 4, 3))
    for call, message in [
        (lambda: slic(image * np.nan), r"slic: image must be finite, got nan at \(0, 0, 0\)"),
        (lambda: slic(image[:0]), "slic: image must not be empty"),
        (lambda: slic(image, channel_axis=None), r"image must have shape \(H, W\) where channel_axis is None"),
        (lambda: slic(np.array([[-1.7e308, 1.7e308]])), "slic: image must have a range within that of float64"),
        (lambda: slic(image, 0), "slic: n_segments must be at least 1, got 0"),
        (lambda: slic(image, compactness=0), "slic: compactness must be from 1e-09 to .*, got 0"),
        (lambda: slic(image, max_num_iter=0), "slic: max_num_iter must be at least 1, got 0"),
        (lambda: slic(image, sigma=-1), "slic: sigma must be at least 0, got -1"),
        (lambda: slic(image, spacing=(1, 1, 1)), "slic: spacing must be one number or one for each of 2 axes, got 3"),
        (lambda: slic(image[..., :2], convert2lab=True), "slic: convert2lab needs an image of 3 channels, got 2"),
        (lambda: slic(image, start_label=2), "slic: start_label must be from 0 to 1, got 2"),
        (lambda: slic(image, mask=np.ones((4, 3), bool)), r"slic: mask must have shape \(3, 4\), got \(4, 3\)"),
    ]:
        with pytest.raises(ValueError, match=message):
            call()
    with pytest.raises(TypeError, match=r"slic: n_segments must be an int, got 2\.5"):
        slic(image, 2.5)
