"""Slow twin: all pairs of points, and a flood over core points."""

import numpy as np


def dbscan(x, eps, min_samples):
    x = np.asarray(x, np.float64)
    squares = np.zeros((len(x), len(x)))
    for feature in x.T:
        squares += (feature[:, None] - feature) ** 2
    near = squares <= eps * eps
    core = near.sum(axis=1) >= min_samples
    labels = np.full(len(x), -1)
    n_clusters = 0
    for start in np.flatnonzero(core):
        if labels[start] >= 0:
            continue
        stack = [start]
        while stack:
            p = stack.pop()
            labels[p] = n_clusters
            stack += [q for q in np.flatnonzero(near[p] & core) if labels[q] < 0]
        n_clusters += 1
    clusters = labels.copy()
    for p in np.flatnonzero(~core):
        around = clusters[near[p] & core]
        labels[p] = around.min() if around.size else -1
    return labels
