"""Laplacian eigenmaps against their twin and scikit-learn, and on graphs whose eigenvalues are known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smalti.kernels import laplacian_eigenmaps
from smalti.kernels.laplacian_eigenmaps import _chebyshev, _filter, _Graph
from tests.helpers import bit_identical_for_threads, check_layouts, guarded, posix, run_alone
from tests.reference import laplacian_eigenmaps as reference
from tests.strategies import examples, seeds


def grid(height, width, seed=0, spread=3.0):
    """A grid of nodes whose weights are of different magnitudes, as those of pictures are."""
    rng = np.random.default_rng(seed)
    number = np.arange(height * width).reshape(height, width)
    edges = np.concatenate(
        [
            np.stack([number[:, :-1].ravel(), number[:, 1:].ravel()], axis=1),
            np.stack([number[:-1].ravel(), number[1:].ravel()], axis=1),
        ]
    )
    return edges, np.exp(spread * rng.standard_normal(len(edges)))


def hold_to_the_equation(edges, weights, values, vectors, tol):
    """(D - W) v = lambda D v, the vectors orthogonal to one another and to constants."""
    matrix, degrees = reference.laplacian(edges, weights, len(vectors))
    root = np.sqrt(np.where(degrees > 0, degrees, 1))[:, None]
    total = degrees.sum()
    residuals = (matrix @ vectors - degrees[:, None] * vectors * values) / root / np.sqrt(total)
    assert np.linalg.norm(residuals, axis=0).max(initial=0) <= tol * values[-1] + 1e-12
    gram = vectors.T @ (degrees[:, None] * vectors) / total
    np.testing.assert_allclose(gram, np.eye(len(values)), atol=1e-6)
    np.testing.assert_allclose(degrees @ vectors / total, 0, atol=1e-6)
    assert (vectors[np.abs(vectors).argmax(axis=0), np.arange(len(values))] > 0).all()


@examples(60)
@given(seeds, st.integers(2, 24), st.integers(1, 90), st.integers(1, 9))
def test_small_graphs_against_the_twin(seed, n, n_edges, n_components):
    """Graphs in parts, with nodes without edges, equal edges, and edges from a node to itself."""
    rng = np.random.default_rng(seed)
    edges, weights = rng.integers(0, n, (n_edges, 2)), rng.integers(0, 3, n_edges) * rng.random(n_edges)
    values, vectors = laplacian_eigenmaps(edges, weights, n, n_components=n_components)
    expected, _ = reference.laplacian_eigenmaps(edges, weights, n)
    count = min(n_components, max(0, len(expected) - 1))
    assert vectors.shape == (n, count)
    np.testing.assert_allclose(values, expected[1 : count + 1], atol=1e-12)
    if count:
        hold_to_the_equation(edges, weights, values, vectors, 1e-9)


@pytest.mark.compiled
@examples(8)
@given(seeds, st.integers(8, 14), st.integers(13, 14), st.sampled_from([1, 4, 8, 13]), st.sampled_from([0.1, 3.0]))
def test_large_graphs_against_the_twin(seed, height, width, n_components, spread):
    edges, weights = grid(height, width, seed, spread)
    values, vectors = laplacian_eigenmaps(edges, weights, n_components=n_components, tol=1e-6)
    expected, _ = reference.laplacian_eigenmaps(edges, weights, height * width)
    # Off by the square of the residual over the distance of the next eigenvalue, which may be as close as it likes.
    np.testing.assert_allclose(values, expected[1 : n_components + 1], rtol=1e-6, atol=1e-6 * values[-1])
    hold_to_the_equation(edges, weights, values, vectors, 1e-5)


def test_the_iteration_in_plain_python_as_well():
    edges, weights = grid(5, 13, spread=0.3)
    values, vectors = laplacian_eigenmaps(edges, weights, n_components=2, tol=1e-3)
    hold_to_the_equation(edges, weights, values, vectors, 1.1e-3)
    np.testing.assert_allclose(values, reference.laplacian_eigenmaps(edges, weights, 65)[0][1:3], rtol=1e-3)


@pytest.mark.parametrize("a", [0.02, 0.5, 1.9])
def test_the_filter_is_a_polynomial_of_chebyshev(a):
    """With any other the iteration would come to the same end, later."""
    graph, factors = _Graph(*grid(3, 4, spread=1.0), 12), _chebyshev(a)
    values, vectors = np.linalg.eigh(np.eye(12) - graph.dense())
    at = 2 * (np.append(values, [0, a, 2]) - a) / (2 - a) - 1
    gains = np.polynomial.chebyshev.chebval(at, np.eye(len(factors) + 1)[-1])
    gains, (most, *ends) = gains[:-3] / gains[-3], gains[-3:]
    assert abs(most) >= 1e4 and np.allclose(np.abs(ends), 1) and len(factors) % 2
    x = np.random.default_rng(1).standard_normal((12, 16))
    np.testing.assert_allclose(graph.apply(factors, x.copy()), vectors * gains @ (vectors.T @ x), atol=1e-9)


@pytest.mark.parametrize("scale", [1e-320, 1e300, 1.7e308])
def test_ratios_count(scale):
    edges = np.array([[0, 1], [1, 2], [2, 3], [3, 0], [0, 2]])
    values, vectors = laplacian_eigenmaps(edges, np.full(5, scale))
    expected = laplacian_eigenmaps(edges, np.ones(5))
    np.testing.assert_allclose(values, expected[0], rtol=1e-12)
    np.testing.assert_allclose(np.abs(vectors), np.abs(expected[1]), atol=1e-12)


@pytest.mark.compiled
def test_a_ring_has_known_eigenvalues():
    n = 200
    edges = np.stack([np.arange(n), (np.arange(n) + 1) % n], axis=1)
    values, vectors = laplacian_eigenmaps(edges, np.full(n, 7.0), tol=1e-6)
    expected = 1 - np.cos(2 * np.pi * np.repeat(np.arange(1, 5), 2) / n)
    np.testing.assert_allclose(values, expected, rtol=1e-6)
    np.testing.assert_allclose((vectors[:, :2] ** 2).sum(axis=1), 2, rtol=1e-3)  # a circle


@pytest.mark.compiled
def test_parts_that_do_not_touch():
    edges, weights = grid(10, 12, spread=1.0)
    both = np.concatenate([edges, edges + 120])
    values, vectors = laplacian_eigenmaps(both, np.concatenate([weights, weights]), 250, n_components=4, tol=1e-6)
    assert values[0] == pytest.approx(0, abs=1e-9) and values[1] > 1e-4
    assert np.ptp(vectors[:120, 0]) < 1e-3 and np.ptp(vectors[120:240, 0]) < 1e-3
    assert vectors[0, 0] * vectors[120, 0] < 0 and not vectors[240:].any()


@pytest.mark.compiled
def test_against_scikit_learn():
    manifold, sparse = pytest.importorskip("sklearn.manifold"), pytest.importorskip("scipy.sparse")
    edges, weights = grid(11, 12, spread=1.0)
    _, vectors = laplacian_eigenmaps(edges, weights, n_components=4, tol=1e-8)
    matrix = sparse.coo_array((weights, edges.T), shape=(132, 132))
    theirs = manifold.spectral_embedding((matrix + matrix.T).tocsr(), n_components=4, random_state=0)
    for ours, other in zip(vectors.T, theirs.T, strict=True):
        cosine = ours @ other / np.linalg.norm(ours) / np.linalg.norm(other)
        assert abs(cosine) > 1 - 1e-6


@pytest.mark.compiled
def test_threads_and_layouts():
    edges, weights = grid(15, 20)
    bit_identical_for_threads(lambda: laplacian_eigenmaps(edges, weights, n_components=13))
    check_layouts(laplacian_eigenmaps, edges, weights)


def reach_only_the_graph():
    rng = np.random.default_rng(4)
    edges, weights = grid(5, 13)
    graph = _Graph(edges, weights, 65)
    for side in ("start", "end"):
        laplacian_eigenmaps(guarded(edges, side), guarded(weights, side), n_components=2)
        for columns in (8, 16):
            x, y = guarded(rng.standard_normal((65, columns)), side), guarded(np.zeros((65, columns)), side)
            lines = (guarded(a, side) for a in (graph.starts, graph.neighbours, graph.couplings, _chebyshev(0.5)))
            _filter(columns // 8, *lines, x, y, grain=1)


@posix
@pytest.mark.compiled
def test_protected_pages():
    run_alone(reach_only_the_graph)


def test_nothing_to_place():
    for edges, n in ((np.empty((0, 2), int), 3), (np.array([[1, 1]]), 2)):
        values, vectors = laplacian_eigenmaps(edges, np.ones(len(edges)), n)
        assert values.shape == (0,) and vectors.shape == (n, 0)


def test_bad_input():
    edges = np.array([[0, 1], [1, 2]])
    with pytest.raises(TypeError, match="laplacian_eigenmaps: edges must be an integer array"):
        laplacian_eigenmaps(edges / 2, [1, 1])
    with pytest.raises(ValueError, match=r"edges must have shape \(E, 2\), got \(2, 1\)"):
        laplacian_eigenmaps(edges[:, :1], [1, 1])
    with pytest.raises(ValueError, match="edges must be at least 0, got -1"):
        laplacian_eigenmaps(edges - 1, [1, 1])
    with pytest.raises(ValueError, match=r"weights must have shape \(2,\), got \(3,\)"):
        laplacian_eigenmaps(edges, [1, 1, 1])
    with pytest.raises(ValueError, match=r"weights must be at least 0, got -1\.0"):
        laplacian_eigenmaps(edges, [1.0, -1.0])
    with pytest.raises(ValueError, match="weights must be finite, got nan"):
        laplacian_eigenmaps(edges, [1.0, np.nan])
    with pytest.raises(ValueError, match="n_nodes must be at least 3, got 2"):
        laplacian_eigenmaps(edges, [1.0, 1.0], 2)
    with pytest.raises(ValueError, match="n_components must be at least 1, got 0"):
        laplacian_eigenmaps(edges, [1.0, 1.0], n_components=0)
