"""Scores of segmentations: by hand, against scikit-image, and the published numbers of the Berkeley benchmark."""

import json

import numpy as np
import pytest
from hypothesis import given

from smalti.kernels import label
from smalti.segment import metrics
from tests.helpers import check_layouts, data
from tests.strategies import examples, seeds, sides

OF_REGIONS = ("covering", "rand_index", "variation_of_information", "adapted_rand_error")


def two_maps(seed, height, width):
    rng = np.random.default_rng(seed)
    return rng.integers(-2, 4, (height, width)), rng.integers(0, 7, (height, width)) * 10**8


@examples(40)
@given(seeds, sides(1, 12), sides(2, 12))
def test_regions_by_pairs_of_pixels(seed, height, width):
    truth, labels = two_maps(seed, height, width)
    together = [(m.ravel()[:, None] == m.ravel()) for m in (truth, labels)]
    pairs = np.triu(np.ones_like(together[0]), 1)
    agree = (together[0] == together[1])[pairs].mean()
    assert metrics.rand_index(truth, labels) == pytest.approx(agree)
    error, precision, recall = metrics.adapted_rand_error(truth, labels, ignore_labels=())
    both = (together[0] & together[1] & pairs).sum()
    n_truth, n_labels = ((t & pairs).sum() for t in together)
    assert precision == pytest.approx(both / n_truth if n_truth else 1)
    assert recall == pytest.approx(both / n_labels if n_labels else 1)
    assert error == pytest.approx(1 - 2 * both / (n_truth + n_labels) if n_truth + n_labels else 0)
    # For a pixel: how much of its true region its own region holds, and the other way round.
    share = (together[0] & together[1]).sum(axis=1)
    entropies = [np.log2(t.sum(axis=1) / share).mean() for t in together]
    np.testing.assert_allclose(metrics.variation_of_information(truth, labels), entropies, atol=1e-12)
    best = 0
    for i in np.unique(truth):
        best += (truth == i).sum() * max(metrics.iou(truth == i, labels == j) for j in np.unique(labels))
    assert metrics.covering(truth, labels) == pytest.approx(best / truth.size)


def test_against_skimage():
    peer = pytest.importorskip("skimage.metrics")
    rng = np.random.default_rng(0)
    truth, labels = rng.integers(0, 5, (2, 6, 20, 30))
    for ignore in ((), (0,), (1, 4)):
        for name in ("variation_of_information", "adapted_rand_error"):
            ours, theirs = (getattr(m, name)(truth, labels, ignore_labels=ignore) for m in (metrics, peer))
            np.testing.assert_allclose(ours, theirs, rtol=1e-12)
    expected = peer.adapted_rand_error(truth, labels, alpha=0.2)
    np.testing.assert_allclose(metrics.adapted_rand_error(truth, labels, alpha=0.2), expected)


@pytest.mark.parametrize("name", OF_REGIONS)
def test_same_regions_are_perfect(name):
    labels = np.repeat(np.repeat([[1, 2, 3], [4, 4, 5]], 3, axis=0), 4, axis=1)
    score = np.atleast_1d(getattr(metrics, name)(labels, 7 - labels))
    expected = {"variation_of_information": [0, 0], "adapted_rand_error": [0, 1, 1]}.get(name, [1])
    np.testing.assert_allclose(score, expected, atol=1e-15)
    check_layouts(getattr(metrics, name), labels, labels // 2)


def test_covering_by_hand():
    truth = np.array([[0, 0, 0, 5], [0, 0, 0, 5]])
    # 6 pixels overlap by 6 of 8, 2 by 2 of 8.
    assert metrics.covering(truth, np.zeros((2, 4), int)) == pytest.approx((6 * 6 / 8 + 2 * 2 / 8) / 8)


def test_masks():
    truth, mask = np.array([[1, 1, 0, 0]]), np.array([[0, 1, 1, 1]], bool)
    assert metrics.dice(truth, mask) == pytest.approx(2 / 5)
    assert metrics.iou(truth, mask) == pytest.approx(1 / 4)
    assert metrics.dice(mask, mask) == metrics.iou(mask, mask) == 1
    assert metrics.dice(0 * truth, 0 * mask) == metrics.iou(0 * truth, 0 * truth) == 1
    assert metrics.dice(truth, 0 * truth) == metrics.iou(truth, truth == 0) == 0


def halves(column):
    return np.repeat([np.arange(100) >= column], 80, axis=0).astype(int)


def test_boundary_f():
    """The tolerance is 0.96 pixels here: diagonal 128."""
    truth = halves(50)
    assert metrics.boundary_f(truth, 5 * truth) == 1
    assert metrics.boundary_f(truth, halves(52)) == 0
    assert metrics.boundary_f(truth, halves(52), tolerance=0.02) == 1
    assert metrics.boundary_f(truth, halves(0)) == metrics.boundary_f(halves(0), truth) == 0
    assert metrics.boundary_f(halves(0), halves(0)) == 1
    people = np.stack([truth, halves(20)])
    # One of two lines: all that was found is right, half of what there is was found.
    assert metrics.boundary_f(people, truth) == pytest.approx(2 / 3)
    lines = np.stack([halves(50) != halves(49), halves(20) != halves(19)])
    assert metrics.boundary_f(lines, truth) == pytest.approx(2 / 3)
    check_layouts(metrics.boundary_f, people, truth)
    np.testing.assert_array_equal(metrics.boundary_counts(truth, people), [[80, 80, 80, 80], [0, 80, 0, 80]])


def test_best_thresholds():
    """F at the three thresholds: 0.8, 0.6, 0 together; 1, 0.5, 0 and 2/3, 2/3, 0 for the two pictures."""
    counts = np.array([[[4, 4, 4, 4], [2, 4, 2, 4], [0, 4, 0, 0]], [[4, 6, 4, 6], [4, 6, 4, 6], [0, 6, 0, 0]]])
    ods, ois, best = metrics.optimal_boundary_f(counts)
    assert (ods, ois, best) == (pytest.approx(0.8), pytest.approx(0.8), 0)
    counts[0, 0] = counts[0, 2]
    ods, ois, best = metrics.optimal_boundary_f(counts)
    assert (ods, ois, best) == (pytest.approx(0.6), pytest.approx(0.6), 1)
    f, precision, recall = metrics.f_measure(counts[0, 2])
    assert (f, precision, recall) == (0, 1, 0)


@pytest.mark.compiled
def test_published_contours():
    """gPb-owt-ucm on ten photographs: regions to 1e-4, and boundaries to 0.003."""
    expected = json.loads(data("bsds500", "gpb_ucm_val", "expected.json").read_text())
    thresholds = [row["threshold"] for row in expected["per_threshold"]]
    scores = np.zeros((len(thresholds), 4))
    pixels, counts = 0, []
    for name in expected["ids"]:
        contours = np.load(data("bsds500", "gpb_ucm_val", f"{name}.npz"))["ucm2"]
        people = np.load(data("bsds500", "val", f"{name}.npz"))
        truths, outlines = people["labels"], np.unpackbits(people["boundaries"], axis=-1)[..., : people["width"]] > 0
        found = np.stack([contours[2::2, 2::2] >= t for t in thresholds])
        counts.append(metrics.boundary_counts(outlines, found))
        for t, threshold in enumerate(thresholds):
            labels = label(contours <= threshold)[1::2, 1::2]
            scores[t, 0] += sum(metrics.covering(truth, labels) * labels.size for truth in truths)
            scores[t, 1] += np.mean([metrics.rand_index(truth, labels) for truth in truths])
            scores[t, 2] += np.mean([metrics.variation_of_information(truth, labels).sum() for truth in truths])
            scores[t, 3] += len(np.unique(labels))
        pixels += truths.size
    scores /= pixels, *[len(expected["ids"])] * 3
    f, precision, recall = metrics.f_measure(np.sum(counts, axis=0))
    for t, row in enumerate(expected["per_threshold"]):
        names = "covering", "pri", "vi_bits", "mean_regions"
        np.testing.assert_allclose(scores[t], [row[k] for k in names], rtol=0, atol=1e-4)
        names = "boundary_f", "precision", "recall"
        np.testing.assert_allclose([f[t], precision[t], recall[t]], [row[k] for k in names], rtol=0, atol=0.003)


def test_bad_input():
    truth = np.zeros((2, 4), int)
    for name in OF_REGIONS:
        score = getattr(metrics, name)
        with pytest.raises(ValueError, match=rf"{name}: labels must have shape \(2, 4\), got \(4, 2\)"):
            score(truth, truth.T)
        with pytest.raises(ValueError, match=f"{name}: truth must not be empty"):
            score(truth[:0], truth[:0])
        with pytest.raises(TypeError, match=f"{name}: truth must be an integer array, got dtype float64"):
            score(truth / 2, truth)
    for call, message in [
        (lambda: metrics.adapted_rand_error(truth, truth), "truth must have pixels beside those to be ignored"),
        (lambda: metrics.adapted_rand_error(truth, truth, alpha=2), "alpha must be from 0.* to 1.*, got 2"),
        (lambda: metrics.rand_index([[1]], [[1]]), r"truth must have at least 2 pixels, got shape \(1, 1\)"),
        (lambda: metrics.iou(truth, truth.T), r"iou: mask must have shape \(2, 4\), got \(4, 2\)"),
        (lambda: metrics.boundary_f(truth, truth.T), r"boundary_f: labels must have pixels, of shape \(2, 4\)"),
        (lambda: metrics.boundary_f(truth[:0], truth), r"boundary_f: truth must have pixels, of shape \(H, W\)"),
        (lambda: metrics.boundary_f(truth, truth, tolerance=-1), "boundary_f: tolerance must be at least 0, got -1"),
        (lambda: metrics.boundary_counts(truth, truth), "boundary_counts: labels must have 3 dimensions"),
        (lambda: metrics.f_measure(np.zeros(3)), r"f_measure: counts must have shape \(..., 4\), got \(3,\)"),
    ]:
        with pytest.raises(ValueError, match=message):
            call()
