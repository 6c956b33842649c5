"""Laplacian eigenmaps by a dense matrix: all eigenvectors, the smallest eigenvalue first."""

import numpy as np


def laplacian(edges, weights, n):
    """(D - W, the diagonal of D)."""
    w = np.zeros((n, n))
    for (a, b), weight in zip(edges, weights, strict=True):
        if a != b:
            w[a, b] += weight
            w[b, a] += weight
    degrees = w.sum(axis=1)
    return np.diag(degrees) - w, degrees


def laplacian_eigenmaps(edges, weights, n):
    """Eigenvalues, the trivial one among them, and eigenvectors v with v' D v = sum(D), of nodes that have edges."""
    matrix, degrees = laplacian(edges, weights, n)
    nodes = degrees > 0
    root = np.sqrt(degrees[nodes])
    values, u = np.linalg.eigh(matrix[np.ix_(nodes, nodes)] / np.outer(root, root))
    vectors = np.zeros((n, len(values)))
    vectors[nodes] = u / root[:, None] * np.sqrt(degrees.sum())
    return values, vectors
