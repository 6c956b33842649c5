"""k-means against its twin and scikit-learn; that it always ends, and with labels of its own centres."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smalti.kernels import KMeansResult, kmeans
from smalti.kernels._jit import JIT
from tests.helpers import bit_identical_for_callers, bit_identical_for_threads, check_layouts, guarded, posix, run_alone
from tests.reference import kmeans as reference
from tests.strategies import examples, seeds, sides


def blobs(n, k, c, seed=0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    return (10 * rng.standard_normal((k, c))[rng.integers(0, k, n)] + rng.standard_normal((n, c))).astype(dtype)


@examples(60)
@given(
    n=sides(4, 300), k=st.integers(1, 4), c=st.sampled_from([1, 2, 3, 6, 9, 33]), seed=seeds, weighted=st.booleans(),
)  # fmt: skip
def test_iterations_against_twin(n, k, c, seed, weighted):
    x = blobs(n, 4, c, seed)
    rng = np.random.default_rng(seed)
    start = x[rng.choice(n, k, replace=False)]
    weights = rng.uniform(0.5, 2, n) if weighted else np.ones(n)
    for n_iter in (1, 3, 8):
        labels, centers, history = reference.lloyd(x, start, weights, n_iter)
        if len(np.unique(labels)) < k:
            return  # a cluster ran empty: it is moved, which the twin does not do
        result = kmeans(x, k, init=start, max_iter=n_iter, tol=0, sample_weight=weights if weighted else None)
        np.testing.assert_allclose(result.centers, centers, rtol=1e-9, atol=1e-9)
        np.testing.assert_array_equal(result.labels, labels)
        assert result.inertia == pytest.approx(history[-1], rel=1e-9, abs=1e-9)
        assert np.all(np.diff(history) <= 1e-9 * (history[0] + 1))


@examples(40)
@given(n=sides(3, 200), k=st.integers(1, 8), c=st.integers(1, 4), seed=seeds, values=st.sampled_from([2, 5, 1000]))
def test_result_is_consistent(n, k, c, seed, values):
    """Labels are those of the final centres, also with many equal points and too many clusters."""
    k = min(k, n)
    x = np.random.default_rng(seed).integers(0, values, (n, c)).astype(np.float32)
    result = kmeans(x, k, rng=0, max_iter=30)
    distances = ((x[:, None].astype(np.float64) - result.centers) ** 2).sum(axis=2)
    np.testing.assert_allclose(distances[np.arange(n), result.labels], distances.min(axis=1), rtol=1e-5, atol=1e-6)
    assert result.inertia == pytest.approx(distances.min(axis=1).sum(), rel=1e-5, abs=1e-5)
    assert result.centers.shape == (k, c) and np.isfinite(result.centers).all()


@pytest.mark.compiled
def test_against_sklearn():
    cluster = pytest.importorskip("sklearn.cluster")
    for dtype in (np.float32, np.float64):
        x = blobs(3000, 8, 3, dtype=dtype)
        start = x[:8]
        theirs = cluster.KMeans(8, init=start, n_init=1, max_iter=300, tol=1e-4).fit(x)
        ours = kmeans(x, 8, init=start)
        assert ours.inertia == pytest.approx(theirs.inertia_, rel=1e-4)
        assert (
            kmeans(x, 8, n_init=5, rng=0).inertia <= 1.01 * cluster.KMeans(8, n_init=5, random_state=0).fit(x).inertia_
        )


def test_fewer_points_than_clusters_end():
    """All points equal, and fewer different points than clusters: it ends, and nothing is NaN."""
    for x in (np.ones((50, 2)), np.repeat([[0.0], [1.0]], 20, axis=0)):
        result = kmeans(x, 5, rng=0)
        assert result.inertia == 0 and np.isfinite(result.centers).all()


@examples(30)
@given(n=sides(30, 700), k=st.integers(1, 40), c=st.integers(1, 5), seed=seeds, size=st.sampled_from([1e-25, 1, 1e6]))
def test_centres_passed_over_are_not_the_nearest(n, k, c, seed, size):
    """Points that follow each other are alike; ties, and squares that underflow, included."""
    rng = np.random.default_rng(seed)
    x = (size * np.cumsum(rng.integers(-1, 2, (n, c)), axis=0)).astype(np.float32)
    centers = x[rng.integers(0, n, k)].astype(np.float64)
    predicted = KMeansResult(None, centers.astype(np.float32), 0.0, 0).predict(x)
    distances = ((x[:, None].astype(np.float64) - centers) ** 2).sum(axis=2)
    if size == 1:  # whole numbers have exact distances
        np.testing.assert_array_equal(predicted, distances.argmin(axis=1))
    found, least = distances[np.arange(n), predicted], distances.min(axis=1)
    np.testing.assert_allclose(found, least, rtol=1e-5, atol=1e-5 * size**2)


@examples(30)
@given(n=sides(6, 400), n_channels=st.integers(1, 2), seed=seeds, weighted=st.booleans(), values=st.integers(2, 256))
def test_colours_are_clustered_as_their_numbers(n, n_channels, seed, weighted, values):
    """Each different one is worked on once, but the objective is that of all pixels."""
    rng = np.random.default_rng(seed)
    x = rng.integers(0, values, (n + 1020 * (n_channels - 1), n_channels), dtype=np.uint8)
    weight = rng.integers(0, 3, len(x)).astype(float) if weighted else np.ones(len(x))
    weight[:4] = 1
    start = [[20.0], [60], [130], [220]] * np.ones(n_channels)
    result = kmeans(x, 4, init=start, max_iter=1, sample_weight=weight if weighted else None)
    first, _, _ = reference.lloyd(x, start, weight, 0)
    _, centers, history = reference.lloyd(x, start, weight, 1)
    if len(np.unique(first[weight > 0])) == 4:  # else an empty cluster is moved
        np.testing.assert_allclose(result.centers, centers, rtol=1e-5)
        assert result.inertia == pytest.approx(history[-1], rel=1e-4, abs=1e-3)
    distances = ((x[:, None].astype(np.float64) - result.centers) ** 2).sum(axis=2)
    np.testing.assert_allclose(distances[np.arange(len(x)), result.labels], distances.min(axis=1), rtol=1e-4, atol=1e-3)
    assert kmeans(x, 4, rng=0, sample_weight=weight).labels.shape == (len(x),)


@pytest.mark.compiled
def test_colours_of_three_channels():
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (1 << 18, 3), dtype=np.uint8)
    x[10::2] = x[0] // 2
    as_bytes = bit_identical_for_threads(lambda: kmeans(x, 5, init=x[:5], max_iter=3))
    as_floats = kmeans(x.astype(np.float32), 5, init=x[:5], max_iter=3)
    assert as_bytes.inertia == pytest.approx(as_floats.inertia, rel=1e-5)
    np.testing.assert_allclose(as_bytes.centers, as_floats.centers, rtol=1e-5)
    assert np.mean(as_bytes.labels == as_floats.labels) > 0.9999


def test_fewer_colours_than_clusters():
    x = np.repeat(np.array([[7], [9]], np.uint8), 20, axis=0)
    result = kmeans(x, 3, rng=0)
    assert result.inertia == 0 and result.labels[0] != result.labels[-1]


@pytest.mark.parametrize("weighted", [False, True])
def test_mini_batches(weighted):
    """Nearly as good as all points at once; labels and inertia are those of all."""
    x = blobs(3000 if JIT else 90, 5, 3)
    weight = np.random.default_rng(1).integers(0, 3, len(x)) if weighted else np.ones(len(x))
    given = {"sample_weight": weight} if weighted else {}
    result = kmeans(x, 5, rng=0, batch_size=200, **given)
    distances = ((x[:, None] - result.centers) ** 2).sum(axis=2)
    np.testing.assert_array_equal(result.labels, distances.argmin(axis=1))
    assert result.inertia == pytest.approx((weight * distances.min(axis=1)).sum())
    assert result.inertia <= 1.1 * kmeans(x, 5, rng=0, n_init=3, **given).inertia
    assert result.n_iter < 300
    np.testing.assert_array_equal(result.labels, kmeans(x, 5, rng=0, batch_size=200, **given).labels)


def test_mini_batches_move_empty_clusters():
    x = np.repeat([[0.0], [1.0], [5.0]], 10, axis=0)
    result = kmeans(x, 3, init=[[0.0], [50.0], [90.0]], batch_size=30, rng=0)
    np.testing.assert_allclose(np.sort(result.centers[:, 0]), [0, 1, 5], atol=0.3)


def test_empty_clusters_are_moved_once():
    """More centres than different points, and starts that leave clusters empty (scikit-learn issue 28055)."""
    x = [[100, 100], [100, 102], [106, 100], [107, 101], [107, 101], [108, 100]]
    start = [[98, 104], [103, 100], [109, 102], [110, 100], [111, 100], [112, 100]]
    result = kmeans(x, 6, init=start, tol=0, max_iter=10_000)
    assert result.inertia == 0 and result.n_iter < 5


def test_labels_after_a_move():
    """They are those of the final centres (scikit-learn issue 34074)."""
    x = np.array([[1.0], [2.0], [3.0]])
    for max_iter in (1, 2, 3, 10):
        result = kmeans(x, 3, init=[[4.0], [0.0], [1.0]], tol=0, max_iter=max_iter)
        np.testing.assert_array_equal(result.labels, np.abs(x - result.centers.T).argmin(axis=1))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_predict(dtype):
    x = blobs(300, 5, 3, dtype=dtype)
    result = kmeans(x, 5, rng=0)
    np.testing.assert_array_equal(result.predict(x), result.labels)
    for factor in (1e-30, 1, 1e10):  # the points much smaller than the centres, and much larger
        other = (factor * blobs(100, 5, 3, seed=1)).astype(dtype)
        distances = ((other[:, None].astype(np.float64) - result.centers) ** 2).sum(axis=2)
        predicted = distances[np.arange(100), result.predict(other)]
        np.testing.assert_allclose(predicted, distances.min(axis=1), rtol=1e-5)
    with pytest.raises(ValueError, match=r"predict: X must have shape \(any, 3\), got \(300, 2\)"):
        result.predict(x[:, :2])
    with pytest.raises(ValueError, match="predict: X must be finite"):
        result.predict(x * np.nan)


@pytest.mark.parametrize(
    "dtype, size", [(np.float32, 3e38), (np.float32, 1e-45), (np.float64, 1e150), (np.float64, 1e-310)]
)
def test_extreme_magnitudes(dtype, size):
    x = np.array([[-size], [0], [size]], dtype)
    result = kmeans(x, 3, rng=0)
    np.testing.assert_array_equal(np.sort(result.centers, axis=0), x)
    assert result.inertia == 0
    start = np.array([[0], [size]], dtype)
    assert np.isfinite(kmeans(x, 2, init=start).centers).all()
    far = kmeans(np.ones((3, 1), dtype), 2, init=[[1e140], [2e140]] if dtype == np.float64 else [[1e30], [2e30]])
    assert far.centers[far.labels[0]] == 1 and far.inertia == 0


def test_outlier_leaves_no_trace():
    """A huge point that changes its cluster is taken out of the sums exactly."""
    x = np.concatenate([np.linspace(0, 1, 101), [1e18]])[:, None]
    result = kmeans(x, 2, init=[[0.5], [0.6]], tol=0)
    np.testing.assert_allclose(np.sort(result.centers, axis=0), [[0.5], [1e18]], rtol=1e-12)


def test_more_restarts_are_no_worse():
    x = blobs(500, 9, 2)
    assert kmeans(x, 9, n_init=8, rng=3).inertia <= kmeans(x, 9, n_init=1, rng=3).inertia * (1 + 1e-12)


@pytest.mark.compiled
@pytest.mark.parametrize("c", [2, 40])
def test_neighbours_of_many_iterations(c):
    """Points that come in order, of which most tiles are passed over; several blocks of them are sorted."""
    rng = np.random.default_rng(0)
    x = np.cumsum(rng.standard_normal((70_000 if c == 2 else 7_000, c)), axis=0)
    start = x[rng.choice(len(x), 5, replace=False)]
    result = kmeans(x, 5, init=start, max_iter=25, tol=0)
    labels, centers, history = reference.lloyd(x, start, np.ones(len(x)), 25)
    np.testing.assert_array_equal(result.labels, labels)
    np.testing.assert_allclose(result.centers, centers, rtol=1e-9, atol=1e-9)
    assert result.inertia == pytest.approx(history[-1], rel=1e-9)


@pytest.mark.compiled
@pytest.mark.parametrize("n, c", [(70_000, 3), (9_000, 35)])
def test_threads_and_callers(n, c):
    x = blobs(n, 6, c, dtype=np.float32)
    bit_identical_for_threads(lambda: kmeans(x, 6, rng=0, max_iter=10))
    bit_identical_for_callers(lambda: kmeans(x, 6, rng=0, max_iter=5), calls=1)


def test_layouts_and_seeds():
    x = blobs(100, 3, 4)
    check_layouts(lambda x: kmeans(x, 3, rng=0), x)
    one, two = kmeans(x, 3, rng=7), kmeans(x, 3, rng=np.random.default_rng(7))
    np.testing.assert_array_equal(one.labels, two.labels)


def test_bad_input():
    x = blobs(10, 2, 3)
    for call, message in [
        (lambda: kmeans(x, 11), "kmeans: n_clusters must be"),
        (lambda: kmeans(x, 0), "kmeans: n_clusters must be"),
        (lambda: kmeans(x * np.nan, 2), r"kmeans: X must be finite, got nan at \(0, 0\)"),
        (lambda: kmeans(x * 1e160, 2), r"kmeans: X must be at most 1e\+150 in magnitude"),
        (lambda: kmeans(x[0], 2), "kmeans: X must have 2 dimensions"),
        (lambda: kmeans(x, 2, init="best"), "kmeans: init"),
        (lambda: kmeans(x, 2, init=np.zeros((3, 3))), "kmeans: init"),
        (lambda: kmeans(x, 2, init=np.full((2, 3), 1e160)), r"kmeans: init must be at most 1e\+150"),
        (lambda: kmeans(x, 2, sample_weight=np.ones(4)), "kmeans: sample_weight"),
        (lambda: kmeans(x, 2, sample_weight=-np.ones(10)), "kmeans: sample_weight"),
        (lambda: kmeans(x, 2, max_iter=0), "kmeans: max_iter"),
        (lambda: kmeans(x, 4, batch_size=3), "kmeans: batch_size must be at least 4, got 3"),
    ]:
        with pytest.raises(ValueError, match=message):
            call()
    with pytest.raises(TypeError, match="kmeans: rng"):
        kmeans(x, 2, rng="seed")


def _protected():
    for side in ("start", "end"):
        for n in (1, 63, 64, 65, 200):
            for dtype in (np.float32, np.float64):
                for c in (3, 33):
                    kmeans(guarded(blobs(n, 2, c, dtype=dtype), side), min(n, 3), rng=0)
        kmeans(guarded(np.random.default_rng(0).integers(0, 256, (1100, 2), dtype=np.uint8), side), 3, rng=0)


@posix
@pytest.mark.compiled
def test_stays_within_its_arrays():
    run_alone(_protected)
