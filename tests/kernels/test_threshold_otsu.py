"""Otsu's threshold against its definition and scikit-image."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smalti.kernels import histogram, threshold_otsu
from tests.helpers import bit_identical_for_threads, check_layouts, data
from tests.reference.threshold_otsu import between_class_variances
from tests.strategies import PIXELS, examples, images, seeds


def bins_of(image, nbins):
    if image.dtype.kind == "u":
        return np.unique(image, return_counts=True)[::-1]
    counts, edges = histogram(image, nbins)
    return counts, (edges[1:] + edges[:-1]) / 2


@examples(60)
@given(images(channels=(None,), max_side=12), st.integers(2, 20), st.none() | seeds)
def test_against_the_definition(image, nbins, seed):
    mask = None if seed is None else np.random.default_rng(seed).random(image.shape) < 0.7
    counted = image if mask is None else image[mask]
    if counted.size == 0:
        return
    threshold = threshold_otsu(image, nbins, mask=mask)
    if counted.min() == counted.max():
        assert threshold == counted[0] if counted.ndim == 1 else threshold == counted[0, 0]
        return
    counts, centers = bins_of(counted, nbins)
    variances = between_class_variances(counts, centers)
    assert variances[list(centers).index(threshold)] >= variances.max() * (1 - 1e-5)


def two_classes(dtype, rng):
    image = rng.normal(60, 10, (31, 43)) + 90 * (rng.random((31, 43)) < 0.4)
    return image.clip(0, 255).astype(dtype)


@pytest.mark.compiled
@pytest.mark.parametrize("dtype", [*PIXELS, np.int32, np.int16])
def test_against_scikit_image(dtype):
    filters = pytest.importorskip("skimage.filters")
    rng = np.random.default_rng(0)
    for _ in range(20):
        image = two_classes(dtype, rng)
        ours, theirs = threshold_otsu(image), filters.threshold_otsu(image)
        assert ours == theirs and type(ours) is type(theirs)
        counts = np.bincount(image.astype(np.uint8).ravel())
        assert threshold_otsu(hist=counts) == filters.threshold_otsu(hist=counts)
        pair = (counts, np.linspace(0, 1, len(counts)))
        assert threshold_otsu(hist=pair) == filters.threshold_otsu(hist=pair)


@pytest.mark.compiled
def test_photographs():
    filters = pytest.importorskip("skimage.filters")
    image_module = pytest.importorskip("PIL.Image")
    for path in sorted(data("bsds500", "val").glob("*.jpg"))[:5]:
        image = np.asarray(image_module.open(path).convert("L"))
        assert threshold_otsu(image) == filters.threshold_otsu(image)


def test_one_value():
    assert threshold_otsu(np.full((2, 3), 7, np.uint8)) == np.uint8(7)
    assert threshold_otsu(np.full((1, 1), 0.1)) == 0.1
    assert threshold_otsu(np.arange(6.0), mask=np.arange(6) == 4) == 4


def test_negative_integers():
    assert threshold_otsu(np.array([-5, -5, -4, 7, 8])) == -4


def test_not_a_number():
    image = np.array([[0.0, 0.1, np.nan], [1.0, 0.9, np.nan]])
    assert threshold_otsu(image) == threshold_otsu(image[:, :2])
    for image, message in (
        (np.full(3, np.nan), "image must have a value that counts"),
        (np.array([1.0, np.inf]), "image must not have infinite values"),
    ):
        with pytest.raises(ValueError, match=f"threshold_otsu: {message}"):
            threshold_otsu(image)


@pytest.mark.compiled
def test_threads():
    image = np.random.default_rng(1).random((401, 303))
    bit_identical_for_threads(lambda: threshold_otsu(image, mask=image > 0.1))


def test_layouts():
    check_layouts(threshold_otsu, np.random.default_rng(2).random((9, 14)))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({}, ValueError, "image or hist must be given"),
        ({"image": np.zeros(3), "hist": np.ones(3)}, ValueError, "image or hist must be given"),
        ({"image": np.zeros((0, 3))}, ValueError, "image must not be empty"),
        ({"image": np.zeros(3, complex)}, TypeError, "image must be an array of real numbers"),
        ({"image": [[1, 2], [3]]}, ValueError, "image must be an array, got a ragged sequence"),
        ({"image": np.zeros(3), "nbins": 1}, ValueError, "nbins must be at least 2"),
        ({"image": np.zeros(3), "mask": np.zeros(4, bool)}, ValueError, "mask must have shape"),
        ({"image": np.zeros(3), "mask": np.zeros(3, bool)}, ValueError, "image must have a value that counts"),
        ({"image": np.array([0, 2**40])}, ValueError, "image must span at most"),
        ({"image": np.float32([1, 1 + 2e-7])}, ValueError, "bins must be fewer"),
        ({"hist": np.zeros(3)}, ValueError, "hist must have counts"),
        ({"hist": np.array([-1.0, 2])}, ValueError, "hist must have counts"),
        ({"hist": (np.ones(3), np.ones(4))}, ValueError, "hist must have shape"),
    ],
)
def test_bad_input(arguments, error, message):
    with pytest.raises(error, match=f"threshold_otsu: {message}"):
        threshold_otsu(**arguments)
