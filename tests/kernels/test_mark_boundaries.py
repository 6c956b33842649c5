"""Boundaries drawn over pictures, against their twin and scikit-image."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smalti.kernels import mark_boundaries
from tests.helpers import bit_identical_for_threads, check_layouts
from tests.reference import mark_boundaries as reference
from tests.strategies import examples, images, seeds
from tests.tolerance import close


@examples(60)
@given(
    image=images(channels=(None, 3)),
    seed=seeds,
    outline_color=st.sampled_from([None, (0.25, 0, 1)]),
    mode=st.sampled_from(["thick", "inner", "outer"]),
    background=st.sampled_from([0, 1]),
)
def test_against_twin(image, seed, outline_color, mode, background):
    labels = np.random.default_rng(seed).choice([0, 0, 1, 2], image.shape[:2])
    marked = mark_boundaries(image, labels, (1, 0.5, 0), outline_color, mode, background)
    assert marked.dtype.itemsize == (8 if image.dtype.itemsize == 8 else 4)
    expected = reference.mark_boundaries(image, labels, (1, 0.5, 0), outline_color, mode, background)
    close(marked, expected, k=3)  # the scale, the product and the colour are rounded


def test_against_skimage():
    segmentation = pytest.importorskip("skimage.segmentation")
    rng = np.random.default_rng(0)
    labels = np.kron(rng.integers(0, 4, (5, 6)), np.ones((5, 4), int)).astype(np.int32)
    for image in (rng.integers(0, 256, (*labels.shape, 3), dtype=np.uint8), rng.random(labels.shape)):
        for options in ({}, {"mode": "thick", "outline_color": (0, 0, 1)}, {"mode": "inner", "background_label": 2}):
            expected = segmentation.mark_boundaries(image, labels, **options)
            np.testing.assert_allclose(mark_boundaries(image, labels, **options), expected, atol=1e-7)


@pytest.mark.compiled
def test_threads_and_layouts():
    rng = np.random.default_rng(0)
    image, labels = rng.random((300, 200)), rng.integers(0, 2, (300, 200))
    bit_identical_for_threads(lambda: mark_boundaries(image, labels, outline_color=(0, 0, 0)))
    check_layouts(mark_boundaries, image[:20, :31], labels[:20, :31])


def test_bad_input():
    image, labels = np.zeros((3, 4)), np.zeros((3, 4), int)
    for call, message in [
        (lambda: mark_boundaries(image, labels[:2]), r"label_img must have shape \(3, 4\), got \(2, 4\)"),
        (lambda: mark_boundaries(np.zeros((3, 4, 4)), labels), r"image must have shape \(H, W\) or \(H, W, 3\)"),
        (lambda: mark_boundaries(image, labels, color=(1, 0)), r"mark_boundaries: color must have shape \(3,\)"),
        (lambda: mark_boundaries(image, labels, mode="subpixel"), "mark_boundaries: mode must be one of"),
    ]:
        with pytest.raises(ValueError, match=message):
            call()
