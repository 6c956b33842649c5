"""The Euclidean distance transform against its twin and scipy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smalti.kernels import distance_transform_edt
from tests.helpers import bit_identical_for_threads, check_layouts
from tests.reference import distance_transform_edt as reference
from tests.strategies import examples, seeds, sides
from tests.tolerance import close


@examples(150)
@given(
    seeds, sides(1, 20), sides(1, 20), st.sampled_from([0.0, 0.02, 0.3, 0.9]),
    st.sampled_from([(1.0, 1.0), (2.0, 0.5), (0.1, 7.0)]),
)  # fmt: skip
def test_against_the_twin(seed, height, width, background, sampling):
    image = np.random.default_rng(seed).random((height, width)) >= background
    expected = reference.distance_transform_edt(image, sampling)
    actual = distance_transform_edt(image, sampling)
    if sampling == (1.0, 1.0):
        np.testing.assert_array_equal(actual, expected)
    else:
        close(actual, expected, k=4)
    if not image.all():
        rows, columns = distance_transform_edt(image, sampling, return_distances=False, return_indices=True)
        assert not image[rows, columns].any()
        r, c = np.indices(image.shape)
        close(np.hypot(sampling[0] * (rows - r), sampling[1] * (columns - c)), expected, k=4)


@pytest.mark.compiled
def test_against_scipy():
    ndimage = pytest.importorskip("scipy.ndimage")
    rng = np.random.default_rng(0)
    for share in (0.0005, 0.02, 0.5):
        image = rng.random((203, 317)) > share
        np.testing.assert_array_equal(distance_transform_edt(image), ndimage.distance_transform_edt(image))
        distances, indices = distance_transform_edt(image.astype(np.float32), (2, 3), return_indices=True)
        close(distances, ndimage.distance_transform_edt(image, (2, 3)), k=4)
        assert indices.dtype == np.int32 and indices.shape == (2, *image.shape)


def test_near_and_far_background_give_the_same():
    rng = np.random.default_rng(2)
    for shape, share in (((4, 300), 0.01), ((140, 33), 0.002), ((5, 31), 0.1), ((5, 32), 0.1), ((5, 33), 0.1)):
        image = rng.random(shape) > share
        image[-1, -1] = False
        rows, columns = distance_transform_edt(image, return_distances=False, return_indices=True)
        r, c = np.indices(shape)
        np.testing.assert_array_equal(distance_transform_edt(image), np.sqrt((rows - r) ** 2 + (columns - c) ** 2))
    image = np.ones((3, 600), bool)
    image[1, 300] = False  # farther than is looked for at both ends
    np.testing.assert_array_equal(distance_transform_edt(image)[1], np.abs(np.arange(600) - 300))


@pytest.mark.compiled
def test_threads_and_layouts():
    image = np.random.default_rng(1).random((301, 403)) > 0.01
    bit_identical_for_threads(lambda: distance_transform_edt(image, return_indices=True))
    bit_identical_for_threads(lambda: distance_transform_edt(image))
    check_layouts(lambda x: distance_transform_edt(x), image[:20, :30].astype(np.float64))


def test_plain_pictures():
    np.testing.assert_array_equal(distance_transform_edt(np.zeros((3, 4))), np.zeros((3, 4)))
    np.testing.assert_array_equal(distance_transform_edt(np.ones((3, 4))), np.full((3, 4), np.inf))
    np.testing.assert_array_equal(distance_transform_edt(np.array([[1, 1, 0]])), [[2, 1, 0]])
    np.testing.assert_array_equal(distance_transform_edt(np.array([[np.nan, 1, 0]])), [[2, 1, 0]])


def test_bad_input():
    image = np.ones((3, 4))
    with pytest.raises(ValueError, match=r"distance_transform_edt: image must have 2 dimensions, got shape \(3,\)"):
        distance_transform_edt(image[:, 0])
    with pytest.raises(ValueError, match=r"sampling must be greater than 0, got 0"):
        distance_transform_edt(image, 0)
    with pytest.raises(ValueError, match="sampling must be a number or two"):
        distance_transform_edt(image, (1, 2, 3))
    with pytest.raises(ValueError, match="return_distances or return_indices must be true"):
        distance_transform_edt(image, return_distances=False)
    with pytest.raises(ValueError, match="image must be 0 somewhere for return_indices"):
        distance_transform_edt(image, return_indices=True)
    with pytest.raises(TypeError, match="image must be an array of real numbers"):
        distance_transform_edt(image.astype(complex))
