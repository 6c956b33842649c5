"""Canny's edges against the twin and scikit-image."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smalti.kernels import canny
from smalti.kernels._jit import JIT
from tests.helpers import (
    bit_identical_for_callers,
    bit_identical_for_threads,
    check_layouts,
    data,
    guarded,
    posix,
    run_alone,
)
from tests.reference import canny as reference
from tests.strategies import PIXELS, examples, floats, images, seeds

MODES = ("constant", "reflect", "nearest", "mirror", "wrap")
SIDE = 4000 if JIT else 40
SCALE = {"uint8": 255, "uint16": 65535}


@examples(150)
@given(
    images(channels=(None,)), st.sampled_from([0, 0.5, 1, 2.3]), st.sampled_from([(0, 0), (0.1, 0.2), (0.5, 1.5)]),
    st.sampled_from(MODES), floats(0, 1), st.none() | seeds,
)  # fmt: skip
def test_against_the_twin(image, sigma, thresholds, mode, cval, seed):
    mask = None if seed is None else np.random.default_rng(seed).random(image.shape) < 0.95
    low, high = thresholds
    full = SCALE.get(image.dtype.name, 1)
    edges = canny(image, sigma, low * full, high * full, mask, mode=mode, cval=cval)
    np.testing.assert_array_equal(edges, reference.canny(image, sigma, low, high, mask, mode, cval))


@examples(40)
@given(images(channels=(None,)), st.sampled_from([(0, 0), (0.5, 0.9), (1, 1)]))
def test_quantiles_against_the_twin(image, quantiles):
    edges = canny(image, 1, *quantiles, use_quantiles=True)
    np.testing.assert_array_equal(edges, reference.canny(image, 1, *quantiles, use_quantiles=True))


def photographs(count):
    image_module = pytest.importorskip("PIL.Image")
    for path in sorted(data("bsds500", "val").glob("*.jpg"))[:count]:
        yield np.asarray(image_module.open(path).convert("L"))


@pytest.mark.compiled
@pytest.mark.parametrize(
    "options",
    [
        {}, {"sigma": 0}, {"sigma": 3}, {"sigma": 1.5, "mode": "reflect"}, {"mode": "constant", "cval": 0.5},
        {"low_threshold": 20, "high_threshold": 90}, {"mask": 0.97},
        {"sigma": 2, "low_threshold": 0.8, "high_threshold": 0.9, "use_quantiles": True},
    ],
    ids=str,
)  # fmt: skip
def test_photographs_against_scikit_image(options):
    feature = pytest.importorskip("skimage.feature")
    different, total, options = 0, 0, dict(options)
    share = options.pop("mask", None)
    for image in photographs(4):
        if share is not None:
            options["mask"] = np.random.default_rng(0).random(image.shape) < share
        different += np.count_nonzero(canny(image, **options) != feature.canny(image, **options))
        total += image.size
    assert different <= 5e-4 * total


@pytest.mark.compiled
@examples(60)
@given(images((np.float64,), channels=(None,), min_side=3), st.sampled_from([0.7, 1, 2]), st.sampled_from(MODES))
def test_against_scikit_image(image, sigma, mode):
    feature = pytest.importorskip("skimage.feature")
    # Of a constant picture rounding alone would be left: thresholds above it
    edges, theirs = (f(image, sigma, 0.01, 0.3, mode=mode) for f in (canny, feature.canny))
    np.testing.assert_array_equal(edges, theirs)


@pytest.mark.compiled
def test_copies_in_other_dtypes_have_the_same_edges():
    different, total = 0, 0
    for image in photographs(4):
        edges = canny(image, 1.5)
        np.testing.assert_array_equal(canny(image.astype(np.uint16) * 257, 1.5), edges)
        np.testing.assert_array_equal(canny(image / 255, 1.5), edges)
        different += np.count_nonzero(canny((image / 255).astype(np.float32), 1.5) != edges)
        total += image.size
    assert different <= 1e-5 * total


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int64])
def test_edges_of_integers(dtype):
    """They have edges at all (scikit-image issue 6871)."""
    image = np.zeros((20, 20), dtype)
    image[5:15, 5:15] = 100
    edges = canny(image, low_threshold=10, high_threshold=20)
    np.testing.assert_array_equal(edges, canny(image.astype(float), low_threshold=10, high_threshold=20))
    assert edges.any()


def test_a_square():
    image = np.zeros((20, 24))
    image[5:15, 6:18] = 1
    edges = canny(image, 1)
    assert edges.any() and not edges[8:12, 9:15].any() and not edges[:3].any() and not edges[:, :3].any()
    assert not canny(image, 1, 5, 6).any()  # a step of 1 has the magnitude 4


def test_a_weak_edge_is_kept_where_it_meets_a_strong_one():
    """Through many bands of rows, up and down."""
    step = 0.5 + 0.6 * np.exp(-(((np.arange(SIDE) - SIDE / 2) / SIDE * 8) ** 2))
    image = np.zeros((SIDE, 40))
    image[:, 10:] = step[:, None]
    image[:, 30:] -= 0.5
    edges = canny(image, 1, 0.5, 2.5)
    strong = canny(image, 1, 2.5, 2.5)
    assert strong.any() and not strong[: SIDE // 4].any() and not strong[-SIDE // 4 :].any()
    assert edges[1:-1, 9:11].any(axis=1).all() and not edges[:, 20:].any()


def test_pictures_without_an_inside():
    for shape in ((1, 1), (1, 9), (2, 9), (9, 2)):
        for sigma in (0, 1, 5):
            edges = canny(np.random.default_rng(0).random(shape), sigma)
            assert edges.dtype == bool and edges.shape == shape and not edges.any()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_not_a_finite_number(value):
    image = np.random.default_rng(0).random((40, 50))
    expected = canny(image, 1, 0.1, 0.1)
    image[20, 25] = value
    edges = canny(image, 1, 0.1, 0.1)
    reach = np.zeros(image.shape, bool)
    reach[20 - 6 : 20 + 7, 25 - 6 : 25 + 7] = True
    assert not edges[20 - 5 : 20 + 6, 25 - 5 : 25 + 6].any()
    np.testing.assert_array_equal(edges[~reach], expected[~reach])
    mask = np.ones(image.shape, bool)
    mask[20, 25] = False
    assert np.count_nonzero(canny(image, 1, 0.1, 0.1, mask)) > np.count_nonzero(edges)
    assert not canny(image, use_quantiles=True).any()


@pytest.mark.compiled
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_threads(dtype):
    rng = np.random.default_rng(1)
    image = (rng.random((701, 403)) * 200).astype(dtype)
    bit_identical_for_threads(lambda: canny(image, 2, 0.1, 0.5, rng.random(image.shape) < 2))


@posix
@pytest.mark.compiled
def test_callers():
    image = np.random.default_rng(2).random((300, 300)).astype(np.float32)
    bit_identical_for_callers(lambda: canny(image))


def test_layouts():
    check_layouts(lambda image: canny(image, 0.5), np.random.default_rng(3).random((12, 14)))


def reach_only_the_picture():
    rng = np.random.default_rng(4)
    for side in ("start", "end"):
        for shape in ((1, 1), (5, 3), (9, 64), (70, 95)):
            for dtype in PIXELS:
                image = guarded((rng.random(shape) * 255).astype(dtype), side)
                canny(image, 1)
                canny(image, 3, mask=guarded(np.ones(shape, bool), side))


@posix
@pytest.mark.compiled
def test_protected_pages():
    run_alone(reach_only_the_picture)


@pytest.mark.parametrize(
    ("image", "options", "error", "message"),
    [
        (np.zeros((2, 2, 3)), {}, ValueError, "image must have 2 dimensions"),
        (np.zeros((0, 3)), {}, ValueError, "image must not be empty"),
        (np.zeros((2, 2), complex), {}, TypeError, "image must be an array of real numbers"),
        (np.zeros((2, 2)), {"sigma": -1}, ValueError, "sigma must be at least 0"),
        (np.zeros((2, 2)), {"low_threshold": np.nan}, ValueError, "low_threshold must be finite"),
        (
            np.zeros((2, 2)),
            {"low_threshold": 0.3},
            ValueError,
            "high_threshold must be at least low_threshold, got 0.2 and",
        ),
        (
            np.zeros((2, 2)),
            {"high_threshold": 1.5, "use_quantiles": True},
            ValueError,
            "high_threshold must be from 0 to 1",
        ),
        (np.zeros((2, 2)), {"mode": "edge"}, ValueError, "mode must be one of"),
        (np.zeros((2, 2)), {"mask": np.ones((2, 3), bool)}, ValueError, "mask must have shape"),
    ],
)
def test_bad_input(image, options, error, message):
    with pytest.raises(error, match=f"canny: {message}"):
        canny(image, **options)
