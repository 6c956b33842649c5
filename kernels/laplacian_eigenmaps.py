"""Laplacian eigenmaps: places for the nodes of a graph, close together where many strong edges connect them.

The generalised eigenvectors with the smallest eigenvalues of

    (D - W) v = lambda D v,    W the weights of edges, D = diag(W 1) the degrees,

vary as little as any vectors can along strong edges. The first is constant, with lambda = 0. The others are the relaxed
solutions of the normalised cut: where they change fast, the graph is best divided (Shi and Malik, "Normalized cuts and
image segmentation", IEEE PAMI 22(8), 2000, section 2; Belkin and Niyogi, "Laplacian eigenmaps for dimensionality
reduction and data representation", Neural Computation 15(6), 2003).

With u = sqrt(D) v they are the eigenvectors of A = I - N, N = D**-1/2 W D**-1/2, whose eigenvalues lie in [0, 2]. A
block of a few more vectors than are wanted is iterated: a Chebyshev polynomial of A, small on [a, 2] and steep below,
is applied to it, where a is the greatest eigenvalue that the block has found so far; then the eigenvectors within its
span are taken (Rayleigh-Ritz). Zhou, Saad, Tiago and Chelikowsky, "Self-consistent-field calculations using
Chebyshev-filtered subspace iteration", J. Computational Physics 219(1), 2006, algorithms 3.1 and 4.3. A product with A
reads the graph once for all vectors of the block.

Time O((E + N) B) for each of the products with A, whose number grows as 1 / sqrt(lambda); B vectors in the block.
Memory O((N + E) B). No result depends on the number of threads.
"""

import math

import numpy as np

from . import _validate as check
from ._parallel import chunked
from ._simd import fma, lanes, load, splat, store

_COLUMNS = 8  # vectors that one thread works on: a cache line of each row
_SPARE = 4  # vectors in the block beside those that are wanted, at least
_GAIN = 1e4  # of the polynomial at 0 over [a, 2]: what double precision bears in a Gram matrix, squared


@chunked
def _filter(lo, hi, starts, neighbours, couplings, factors, x, y):
    """Item k: the vectors from number 8 k on, x and y being (N, B), B a multiple of 8, and y being 0.

    For each row (a, b, c) of factors x and y change places after y = a x + b N x + c y. There is an odd number of
    them, so that the last result is in y.
    """
    step, width = lanes(x), x.shape[1]
    for j in range(lo * _COLUMNS, hi * _COLUMNS, step):
        for k in range(factors.shape[0]):
            source, target = (x, y) if k % 2 == 0 else (y, x)
            own, coupled, old = factors[k, 0], factors[k, 1], factors[k, 2]
            for i in range(starts.size - 1):
                total = splat(x, 0.0)
                for p in range(starts[i], starts[i + 1]):
                    total = fma(splat(x, couplings[p]), load(source, neighbours[p] * width + j), total)
                at = i * width + j
                store(target, at, own * load(source, at) + coupled * total + old * load(target, at))


def _chebyshev(a):
    """The factors for `_filter` of the polynomial that is small on [a, 2], 1 at 0, and of odd degree."""
    middle, half = (2 + a) / 2, (2 - a) / 2
    degree = math.ceil(math.acosh(_GAIN) / math.acosh(middle / half)) | 1
    sigma = -half / middle
    factors = np.empty((degree, 3))
    factors[0] = (1 - middle) * sigma / half, -sigma / half, 0
    first, before = sigma, sigma
    for k in range(1, degree):
        sigma = 1 / (2 / first - before)
        factors[k] = (1 - middle) * 2 * sigma / half, -2 * sigma / half, -before * sigma
        before = sigma
    return factors


class _Graph:
    """The matrix N by rows: neighbours and couplings from starts[i] to starts[i + 1] belong to node i."""

    def __init__(self, edges, weights, n):
        both = np.concatenate([edges, edges[:, ::-1]])
        twice = np.concatenate([weights, weights])
        self.degrees = np.bincount(both[:, 0], twice, n)
        order = np.argsort(both[:, 0], kind="stable")
        self.starts = np.concatenate([[0], np.cumsum(np.bincount(both[:, 0], minlength=n))])
        self.neighbours = both[order, 1].astype(np.int64)
        root = np.sqrt(self.degrees)
        self.couplings = twice[order] / (root[both[order, 0]] * root[self.neighbours])
        self.trivial = (root / np.sqrt(self.degrees.sum()))[:, None]  # the eigenvector of eigenvalue 1

    def apply(self, factors, x):
        """What `_filter` makes of x, which is lost."""
        y = np.zeros_like(x)
        _filter(x.shape[1] // _COLUMNS, self.starts, self.neighbours, self.couplings, factors, x, y, grain=1)
        return y

    def dense(self):
        out = np.zeros((self.degrees.size, self.degrees.size))
        rows = np.repeat(np.arange(self.degrees.size), np.diff(self.starts))
        np.add.at(out, (rows, self.neighbours), self.couplings)
        return out


_PRODUCT = np.array([[0.0, 1.0, 0.0]])  # of N and x


def _iterate(graph, n_wanted, tol, max_iter, rng):
    """The greatest eigenvalues of N, but for the trivial one, and their eigenvectors as columns."""
    x = rng.standard_normal((graph.degrees.size, _block(n_wanted)))
    for iteration in range(max_iter + 1):
        x -= graph.trivial * (graph.trivial.T @ x)
        x /= np.sqrt((x * x).sum(axis=0))
        product = graph.apply(_PRODUCT, x.copy())
        lengths, axes = np.linalg.eigh(x.T @ x)
        axes /= np.sqrt(np.maximum(lengths, np.finfo(float).tiny))
        inner = axes.T @ (x.T @ product) @ axes
        values, turn = np.linalg.eigh(0.5 * (inner + inner.T))
        turn = (axes @ turn)[:, ::-1]
        values = values[::-1]
        x, product = x @ turn, product @ turn
        residuals = np.sqrt(((product - x * values)[:, :n_wanted] ** 2).sum(axis=0))
        if iteration == max_iter or residuals.max() <= tol * (1 - values[n_wanted - 1]):
            break
        x = graph.apply(_chebyshev(min(max(1 - values[-1], 1e-8), 1.9)), x)
    return values[:n_wanted], x[:, :n_wanted]


def _block(n_wanted):
    return -(-(n_wanted + _SPARE) // _COLUMNS) * _COLUMNS


def laplacian_eigenmaps(edges, weights, n_nodes=None, *, n_components=8, tol=1e-2, max_iter=50, rng=0):
    """Places for the nodes of a weighted graph, close together where many strong edges connect them.

    Parameters
    ----------
    edges : (E, 2) array of int
        Pairs of nodes, which are counted from 0, in any order. Equal pairs add up; a node paired with itself counts
        nothing.
    weights : (E,) array of float
        At least 0. What counts are their ratios.
    n_nodes : int, optional
        How many nodes there are; by default so many that the last one has an edge.
    n_components : int
        How many coordinates each node gets.
    tol : float
        How far |A u - lambda u| may be from 0, in units of the last eigenvalue.
    max_iter : int
        Iterations after which it ends in any case.
    rng : int or numpy.random.Generator
        For the vectors to start from.

    Returns
    -------
    values : (n_components,) float64 array
        The smallest eigenvalues but the first, ascending, from 0 to 2; further ones are 0 for each further part of a
        graph that does not hang together. Fewer where there are not so many nodes.
    vectors : (n_nodes, n_components) float64 array
        Their eigenvectors, of which the mean of squares, weighted by the degrees of the nodes, is 1, and the component
        of greatest magnitude is positive. 0 for nodes without edges.

    Raises
    ------
    TypeError, ValueError
        If shapes do not fit, a node is out of range, or a weight is negative or not finite.

    Notes
    -----
    `vectors` are those of `sklearn.manifold.spectral_embedding`, but for sign and scale.
    """
    name = "laplacian_eigenmaps"
    edges = check.as_labels(name, "edges", edges)
    if edges.shape[1] != 2:
        raise ValueError(f"{name}: edges must have shape (E, 2), got {edges.shape}")
    weights = check.as_array(
        name, "weights", weights, dtypes=(np.float64,), shape=(len(edges),), empty=True, finite=True
    )
    if weights.min(initial=0) < 0:
        raise ValueError(f"{name}: weights must be at least 0, got {weights.min()}")
    if edges.min(initial=0) < 0:
        raise ValueError(f"{name}: edges must be at least 0, got {edges.min()}")
    highest = int(edges.max(initial=-1))
    n_nodes = highest + 1 if n_nodes is None else check.integer(name, "n_nodes", n_nodes, low=highest + 1)
    n_components = check.integer(name, "n_components", n_components, low=1)
    tol = check.real(name, "tol", tol, above=0)
    max_iter = check.integer(name, "max_iter", max_iter, low=1)
    rng = check.as_rng(name, rng)

    weights = np.ldexp(weights, -np.frexp(weights.max(initial=0))[1])  # sums of the greatest may be infinite
    counts = (edges[:, 0] != edges[:, 1]) & (weights > 0)
    nodes, ends = np.unique(edges[counts], return_inverse=True)
    n_components = min(n_components, max(0, len(nodes) - 1))
    vectors = np.zeros((n_nodes, n_components))
    if n_components == 0:
        return np.zeros(0), vectors
    graph = _Graph(ends.reshape(-1, 2), weights[counts], len(nodes))
    if len(nodes) <= 3 * _block(n_components):
        # Its eigenvalue moved from 1 to -2, the trivial one does not mix with those of the graph's further parts.
        values, found = np.linalg.eigh(graph.dense() - 3 * graph.trivial @ graph.trivial.T)
        values, found = values[: -1 - n_components : -1], found[:, : -1 - n_components : -1]
    else:
        values, found = _iterate(graph, n_components, tol, max_iter, rng)
    found = found * np.sqrt(graph.degrees.sum() / graph.degrees)[:, None]
    greatest = np.abs(found).argmax(axis=0)
    vectors[nodes] = found * np.sign(found[greatest, np.arange(n_components)])
    return np.clip(1 - values, 0, 2), vectors
