"""Features by their names: shapes, known values, and their parts in distances."""

import numpy as np
import pytest

from smalti.segment import extract_features, stack_features
from smalti.segment.features import FEATURES

CHANNELS = {
    "rgb": 3, "hsv": 3, "lab": 3, "color_histogram": 24, "gabor": 18, "log": 4, "texton_histogram": 32,
    "gradient": None, "canny": None, "boundary": 8, "position": 2,
}  # fmt: skip


@pytest.mark.parametrize("shape", [(1, 1), (21, 18)])
def test_shapes(shape):
    image = np.random.default_rng(0).random((*shape, 3))
    features = extract_features(image, tuple(FEATURES))
    assert list(features) == list(FEATURES)
    for name, group in features.items():
        assert group.shape == (*shape, CHANNELS[name]) if CHANNELS[name] else group.shape == shape, name
        assert group.dtype == np.float32 and np.isfinite(group).all(), name
    for name in ("color_histogram", "texton_histogram"):
        np.testing.assert_allclose(features[name].sum(axis=2), features[name][0, 0].sum(), rtol=1e-5)


def test_known_values():
    red = extract_features(np.full((5, 7, 3), (1.0, 0, 0)), tuple(FEATURES))
    np.testing.assert_allclose(red["hsv"], np.full((5, 7, 3), (1, 0, 1)), atol=1e-6)
    np.testing.assert_allclose(red["lab"][0, 0], (53.24, 80.09, 67.20), atol=0.02)
    assert red["color_histogram"][2, 2].nonzero()[0].tolist() == [4, 15, 23]
    assert not red["gradient"].any() and not red["canny"].any()
    np.testing.assert_allclose(red["log"], 0, atol=1e-3)  # the filters, cut off at 4 sigma, do not quite sum to 0
    np.testing.assert_allclose(red["position"][4, 6], (4 / 7, 6 / 7), rtol=1e-6)


@pytest.mark.compiled
def test_waves_are_told_apart_by_gabor_filters_and_textons():
    rows, columns = np.indices((80, 160))
    wave = np.where(columns < 80, np.sin(2 * np.pi * rows / 8), np.sin(2 * np.pi * columns / 8))
    features = extract_features(np.repeat(0.5 + 0.3 * wave[..., None], 3, axis=2), ("gabor", "texton_histogram"))
    for group in features.values():
        left, right = group[20:60, 20:60].reshape(1600, -1), group[20:60, 100:140].reshape(1600, -1)
        apart = np.linalg.norm(left.mean(axis=0) - right.mean(axis=0))
        assert apart > 3 * max(np.linalg.norm(side.std(axis=0)) for side in (left, right))
    strongest = features["gabor"][40, [40, 120]].reshape(2, 3, 6)
    assert np.unravel_index(strongest[0].argmax(), (3, 6)) == (1, 3)
    assert np.unravel_index(strongest[1].argmax(), (3, 6)) == (1, 0)


def test_edges():
    image = np.zeros((20, 20, 3))
    image[:, 10:] = 1
    features = extract_features(image, ("canny", "gradient", "boundary"))
    assert set(np.flatnonzero(features["canny"].any(axis=0))) <= {9, 10} and features["canny"][1:-1].any(axis=1).all()
    assert features["gradient"][10].argmax() in (9, 10)
    assert features["boundary"][10, 9].argmax() == 4


def test_equal_parts():
    rng = np.random.default_rng(0)
    features = {"a": 100 * rng.random((8, 9, 3)) + 5, "b": rng.random((8, 9)), "c": np.full((8, 9), 3.3)}
    stack = stack_features(features, {"b": 2})
    assert stack.shape == (8, 9, 5) and stack.dtype == np.float32
    flat = stack.reshape(-1, 5)
    np.testing.assert_allclose(flat.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose([flat[:, :3].var(axis=0).sum(), flat[:, 3].var()], [1, 4], rtol=1e-5)
    assert not flat[:, 4].any()
    mask = rng.random((8, 9)) < 0.5
    part = stack_features(features, mask=mask)[mask]
    np.testing.assert_allclose([part[:, :3].var(axis=0).sum(), part[:, 3].var()], [1, 1], rtol=1e-5)


def test_bad_input():
    image = np.zeros((4, 5, 3))
    with pytest.raises(ValueError, match=r"extract_features: names must be some of rgb, .*, got \('lab', 'smell'\)"):
        extract_features(image, ("lab", "smell"))
    with pytest.raises(ValueError, match=r"extract_features: names must be some of rgb, .*, got 'lab'"):
        extract_features(image, "lab")
    with pytest.raises(ValueError, match=r"extract_features: image must have shape \(H, W, 3\), got \(4, 5, 4\)"):
        extract_features(np.zeros((4, 5, 4)))
    with pytest.raises(ValueError, match="extract_features: image must be finite"):
        extract_features(np.full((4, 5, 3), np.nan))
    with pytest.raises(ValueError, match="stack_features: features must be arrays of one height and width"):
        stack_features({"a": image, "b": image[1:]})
    with pytest.raises(TypeError, match="stack_features: features must be a dict, got list"):
        stack_features([image])
    with pytest.raises(TypeError, match="stack_features: weights must be a dict, got list"):
        stack_features({"a": image}, [1])
    with pytest.raises(ValueError, match="stack_features: weights must be of a, got b"):
        stack_features({"a": image}, {"b": 1})
    with pytest.raises(ValueError, match=r"stack_features: weights\['a'\] must be at least 0, got -1"):
        stack_features({"a": image}, {"a": -1})
