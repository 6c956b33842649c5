"""Slow twin: Lloyd's iteration from given centres, in float64."""

import numpy as np


def lloyd(x, centers, weights, n_iter):
    """Labels, centres and the inertia before each iteration and after the last. Empty clusters stay where they are."""
    x, centers = x.astype(np.float64), centers.astype(np.float64).copy()
    history = []
    for step in range(n_iter + 1):
        distances = ((x[:, None] - centers) ** 2).sum(axis=2)
        labels = distances.argmin(axis=1)
        history.append((weights * distances.min(axis=1)).sum())
        if step == n_iter:
            break
        for k in range(len(centers)):
            mine = labels == k
            if weights[mine].sum() > 0:
                centers[k] = np.average(x[mine], axis=0, weights=weights[mine])
    return labels, centers, history
