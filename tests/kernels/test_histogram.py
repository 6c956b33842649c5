"""Histograms against the twin and NumPy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smalti.kernels import histogram
from tests.helpers import bit_identical_for_threads, check_layouts, guarded, posix, run_alone
from tests.reference import histogram as reference
from tests.strategies import FLOATS, PIXELS, examples, images, seeds
from tests.tolerance import close

RANGES = (None, (0, 1), (0.25, 0.5), (-3, 200), (10, 10))


def masks(shape, seed):
    rng = np.random.default_rng(seed)
    return (None, None) if seed is None else (rng.random(shape) < 0.8, rng.normal(size=shape))


@examples(150)
@given(images(channels=(None,)), st.integers(1, 300), st.sampled_from(RANGES), st.none() | seeds)
def test_against_the_twin(image, bins, ranges, seed):
    mask, weights = masks(image.shape, seed)
    counts, edges = histogram(image, bins, ranges, mask=mask)
    values = image if mask is None or not mask.any() else image[mask]
    if mask is None or mask.any():
        np.testing.assert_array_equal(edges, np.histogram_bin_edges(values, bins, ranges))
    flat_mask = None if mask is None else mask.reshape(-1)
    expected = reference.histogram(image.reshape(-1, 1), [edges], None, flat_mask)
    assert counts.dtype == np.int64
    np.testing.assert_array_equal(counts, expected)
    if seed is not None:
        counts, _ = histogram(image, bins, ranges, weights=weights, mask=mask)
        expected = reference.histogram(image.reshape(-1, 1), [edges], weights.reshape(-1), flat_mask)
        close(counts, expected, k=0, atol=1e-12)


@examples(100)
@given(images(channels=(1, 2, 3)), st.sampled_from(RANGES), st.none() | seeds, st.data())
def test_joint_against_the_twin(image, ranges, seed, data):
    channels = image.shape[2]
    bins = [data.draw(st.integers(1, 12)) for _ in range(channels)]
    mask, weights = masks(image.shape[:2], seed)
    counts, edges = histogram(image, bins, ranges, mask=mask, weights=weights, channel_axis=-1)
    flat = [None if a is None else a.reshape(-1) for a in (weights, mask)]
    expected = reference.histogram(image.reshape(-1, channels), edges, *flat)
    assert counts.shape == tuple(bins)
    close(counts.astype(np.float64), expected, k=0, atol=1e-12)
    if mask is None and channels > 1:
        same, same_edges = histogram(np.moveaxis(image, 2, 0), bins, ranges, channel_axis=0)
        np.testing.assert_array_equal(same, counts)
        np.testing.assert_array_equal(np.concatenate(same_edges), np.concatenate(edges))


@pytest.mark.compiled
@pytest.mark.parametrize("dtype", PIXELS)
def test_against_numpy_on_many_pixels(dtype):
    """Values on edges, bins as fine as the dtype; several chunks of several blocks."""
    rng = np.random.default_rng(0)
    values = np.concatenate([rng.integers(0, 256, 100_000) / 255, rng.random(1003)])
    values = (values * 255).astype(dtype) if np.dtype(dtype).kind == "u" else values.astype(dtype)
    for bins, ranges in (
        (255, (0, 1)),
        (255, (0, 255)),
        (256, (0, 256)),
        (5000, None),
        (100_000, (0, 1)),
        (7, (0.2, 0.3)),
    ):
        counts, edges = histogram(values, bins, ranges)
        np.testing.assert_array_equal(edges, np.histogram_bin_edges(values, bins, ranges))
        np.testing.assert_array_equal(counts, np.histogram(values, edges)[0])
    pixels = rng.permuted(values)[: len(values) // 3 * 3].reshape(-1, 3)
    counts, edges = histogram(pixels, [4, 5, 30], channel_axis=-1)
    np.testing.assert_array_equal(counts, np.histogramdd(pixels, edges)[0])


@pytest.mark.compiled
@pytest.mark.parametrize("offset", [0.0, 1.0, 1000.0])
def test_narrow_range_far_from_zero(offset):
    """Edges are rounded as coarsely as the values here, and those decide."""
    values = (offset + np.random.default_rng(0).random(20_000)).astype(np.float32)
    counts, edges = histogram(values, 200)
    np.testing.assert_array_equal(counts, np.histogram(values, edges)[0])


def test_not_a_number_and_infinity():
    values = np.array([0.5, np.nan, 2.0, np.inf, -np.inf, 1.0, 0.0])
    np.testing.assert_array_equal(histogram(values, 2, (0, 1))[0], [1, 2])
    np.testing.assert_array_equal(histogram(values[:3], 2)[1], [0.5, 1.25, 2])
    counts, edges = histogram(np.full(5, np.nan), 2)
    np.testing.assert_array_equal(counts, 0)
    np.testing.assert_array_equal(edges, [0, 0.5, 1])
    with pytest.raises(ValueError, match="values must not have infinite values"):
        histogram(values)


def test_nothing_counts_under_an_empty_mask():
    counts, edges = histogram(np.ones((3, 4), np.uint8), 3, mask=np.zeros((3, 4), bool))
    np.testing.assert_array_equal(counts, 0)
    assert edges[0] == 0 and edges[-1] == 1


@pytest.mark.compiled
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_threads(dtype):
    rng = np.random.default_rng(1)
    image, weights = (rng.random((301, 407, 3)) * 255).astype(dtype), rng.random((301, 407))
    bit_identical_for_threads(lambda: histogram(image, 8, channel_axis=2, weights=weights))
    bit_identical_for_threads(lambda: histogram(image[..., 0], 30, weights=weights))


def test_layouts():
    rng = np.random.default_rng(2)
    check_layouts(lambda v, w: histogram(v, 5, weights=w), rng.random((9, 14)), rng.random((9, 14)))
    check_layouts(lambda v: histogram(v, 5, channel_axis=1), rng.random((9, 3)))


def reach_only_the_values():
    rng = np.random.default_rng(3)
    for side in ("start", "end"):
        for n in (1, 15, 16, 17, 511, 513):
            for dtype in (np.uint8, np.uint16, *FLOATS):
                for channels in (1, 2, 3):
                    values = guarded((rng.random((n, channels)) * 200).astype(dtype), side)
                    histogram(values, 9, mask=guarded(rng.random(n) < 0.5, side), channel_axis=1)
                    histogram(values, 9, weights=guarded(rng.random(n), side), channel_axis=1)


@posix
@pytest.mark.compiled
def test_protected_pages():
    run_alone(reach_only_the_values)


@pytest.mark.parametrize(
    ("values", "options", "error", "message"),
    [
        (np.zeros((0, 3)), {}, ValueError, "values must not be empty"),
        (np.zeros(3, complex), {}, TypeError, "values must be an array of real numbers"),
        (np.zeros(3), {"bins": 0}, ValueError, "bins must be at least 1"),
        (np.zeros(3), {"bins": 2.5}, TypeError, "bins must be an int"),
        (np.zeros(3), {"bins": (2, 3)}, ValueError, "bins must be one, or 1"),
        (np.zeros((3, 3)), {"bins": 1000, "channel_axis": 0}, ValueError, "bins must be at most"),
        (np.zeros((3, 4)), {"channel_axis": 1}, ValueError, "values must have 1 to 3 channels"),
        (np.zeros((3, 2)), {"channel_axis": 2}, ValueError, "channel_axis must be from -2 to 1"),
        (np.zeros(3), {"ranges": (1, 0)}, ValueError, "ranges must be pairs with low <= high"),
        (np.zeros(3), {"ranges": (0, np.inf)}, ValueError, "ranges must be finite"),
        (np.zeros(3), {"ranges": (0, 1, 2)}, ValueError, "ranges must be a pair"),
        (np.zeros((3, 2)), {"ranges": [(0, 1)] * 3, "channel_axis": 1}, ValueError, "ranges must be one, or 2"),
        (np.float32([0, 1e-45]), {"bins": 5}, ValueError, "bins must be fewer"),
        (np.zeros(3), {"weights": np.zeros(4)}, ValueError, "weights must have shape"),
        (np.zeros(3), {"mask": np.zeros(4, bool)}, ValueError, "mask must have shape"),
    ],
)
def test_bad_input(values, options, error, message):
    with pytest.raises(error, match=f"histogram: {message}"):
        histogram(values, **options)
