"""DBSCAN against its twin and scikit-learn; its memory; trees of all shapes."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smalti.kernels import _cliques, dbscan
from tests.helpers import bit_identical_for_callers, bit_identical_for_threads, check_layouts, guarded, posix, run_alone
from tests.reference import dbscan as reference
from tests.strategies import examples, seeds, sides


def points(n, c, kind, seed):
    rng = np.random.default_rng(seed)
    if kind == "uniform":
        return rng.random((n, c))
    if kind == "blobs":
        return rng.random((4, c))[rng.integers(0, 4, n)] + 0.1 * rng.standard_normal((n, c))
    if kind == "grid":
        return rng.integers(0, 6, (n, c)) / 4  # distances that are eps exactly, and equal points
    return 2.0 ** -rng.integers(0, 200, (n, c))  # a deep tree


@examples(150)
@given(
    n=sides(1, 200),
    c=st.integers(1, 6),
    kind=st.sampled_from(["uniform", "blobs", "grid", "powers"]),
    seed=seeds,
    eps=st.sampled_from([1e-9, 0.05, 0.25, 0.5, 3.0]),
    min_samples=st.integers(1, 12),
    dtype=st.sampled_from([np.float32, np.float64]),
)
def test_against_twin(n, c, kind, seed, eps, min_samples, dtype):
    x = points(n, c, kind, seed).astype(dtype)
    labels = dbscan(x, eps, min_samples=min_samples)
    assert labels.dtype == np.int32
    np.testing.assert_array_equal(labels, reference.dbscan(x, eps, min_samples))


@pytest.mark.compiled
@pytest.mark.parametrize("c, eps", [(1, 1e-3), (2, 0.02), (3, 0.06), (4, 0.12), (6, 0.3)])
def test_against_sklearn(c, eps):
    cluster = pytest.importorskip("sklearn.cluster")
    for kind, dtype in [("uniform", np.float64), ("blobs", np.float32)]:
        x = points(5000, c, kind, c).astype(dtype)
        expected = cluster.DBSCAN(eps=eps, min_samples=6).fit(x).labels_
        np.testing.assert_array_equal(dbscan(x, eps, min_samples=6), expected)


def test_border_point_belongs_to_the_first_cluster():
    x = np.array([[0.0], [0.1], [0.2], [0.3], [1.02], [1.7], [1.8], [1.9], [2.0]])  # the middle one is nearer to 1.7
    np.testing.assert_array_equal(dbscan(x, 0.75, min_samples=4), [0, 0, 0, 0, 0, 1, 1, 1, 1])
    np.testing.assert_array_equal(dbscan(x[::-1], 0.75, min_samples=4), [0, 0, 0, 0, 0, 1, 1, 1, 1])


def test_numbers_that_follow_each_other():
    """The middle of two such numbers is one of them."""
    x = np.repeat([[1.0], [np.nextafter(1, 2)], [np.nextafter(1, 0)]], 20, axis=0)
    np.testing.assert_array_equal(dbscan(x, 1e-17), np.repeat([0, 1, 2], 20))
    np.testing.assert_array_equal(dbscan(x, 1e-15), np.zeros(60))


def test_all_points_equal():
    np.testing.assert_array_equal(dbscan(np.ones((40, 3)), 1e-9), np.zeros(40))
    np.testing.assert_array_equal(dbscan(np.ones((4, 3)), 1e-9), np.full(4, -1))


@pytest.mark.compiled
@pytest.mark.parametrize("c, eps", [(2, 10.0), (2, 0.01), (6, 0.2)])
def test_memory_is_linear(c, eps):
    """Also where all points are neighbours of all (scikit-learn issue 26726)."""
    x = np.random.default_rng(0).random((50_000, c))
    dbscan(x[:100], eps)
    tracemalloc.start()
    labels = dbscan(x, eps)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 200 * len(x)
    assert eps < 10 or not labels.any()


@pytest.mark.compiled
def test_threads_and_callers():
    x = points(20_000, 3, "blobs", 0)
    bit_identical_for_threads(lambda: [dbscan(x, eps) for eps in (0.01, 0.02, 0.05)])
    bit_identical_for_callers(lambda: dbscan(x, 0.02), calls=1)


def test_layouts():
    check_layouts(lambda x: dbscan(x, 0.2), points(60, 3, "uniform", 0))
    check_layouts(lambda x: dbscan(x, 0.02), points(60, 1, "uniform", 0))


def test_bad_input():
    x = points(10, 2, "uniform", 0)
    for call, message in [
        (lambda: dbscan(x, 0), "dbscan: eps must be greater than 0, got 0"),
        (lambda: dbscan(x, np.nan), "dbscan: eps must be finite, got nan"),
        (lambda: dbscan(x, 1, min_samples=0), "dbscan: min_samples must be at least 1, got 0"),
        (lambda: dbscan(x[0], 1), "dbscan: X must have 2 dimensions"),
        (lambda: dbscan(x[:0], 1), "dbscan: X must not be empty"),
        (lambda: dbscan(np.where(x > 0.5, np.nan, x), 1), "dbscan: X must be finite, got nan"),
        (lambda: dbscan(x * 1e160, 1), r"dbscan: X must be at most 1e\+150 in magnitude"),
    ]:
        with pytest.raises(ValueError, match=message):
            call()
    with pytest.raises(TypeError, match="dbscan: min_samples must be an int"):
        dbscan(x, 1, min_samples=2.5)


def _protected():
    """Vectors are read from the tree's points, which here end at a protected page."""
    build = _cliques.build
    for side in ("start", "end"):

        def guarded_tree(X, reach, side=side):
            tree = build(X, reach)
            return tree._replace(points=guarded(tree.points, side))

        dbscan.__globals__["build"] = guarded_tree
        for n in (1, 7, 8, 9, 100):
            dbscan(points(n, 3, "uniform", n), 0.1)


@posix
@pytest.mark.compiled
def test_stays_within_its_arrays():
    run_alone(_protected)
