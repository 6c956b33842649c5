"""The region graph, pixel by pixel, in dictionaries."""

import numpy as np


def region_adjacency(labels, image=None, boundary=None, bins=None, connectivity=1):
    """(edges, length, strength, area, sums, histograms)"""
    height, width = labels.shape
    n = int(labels.max(initial=-1)) + 1
    steps = [(0, 1), (1, 0), (1, 1), (1, -1)][: 2 * connectivity]
    found = {}
    for r in range(height):
        for c in range(width):
            for step in steps:
                i, j = r + step[0], c + step[1]
                if not (i < height and 0 <= j < width):
                    continue
                a, b = sorted((int(labels[r, c]), int(labels[i, j])))
                if a >= 0 and a != b:
                    found.setdefault((a, b), []).append((r, c, *step))
    edges = sorted(found)
    length = [len(found[e]) for e in edges]
    strength = np.zeros(len(edges))
    if boundary is not None:
        planes = boundary.reshape(-1, height, width).astype(float)
        for k, e in enumerate(edges):
            strength[k] = np.mean([_strength(planes, pair, found[e]) for pair in found[e]])
    area = np.array([(labels == k).sum() for k in range(n)], int)
    image = np.zeros((height, width, 0)) if image is None else image.reshape(height, width, -1)
    sums = np.array([image[labels == k].sum(axis=0, dtype=float) for k in range(n)]).reshape(n, image.shape[2])
    histograms = np.zeros((n, 0, 0), int)
    if bins is not None:
        bins = bins.reshape(height, width, -1)
        values = range(int(bins.max(initial=-1)) + 1)
        histograms = np.array(
            [[[(plane[labels == k] == v).sum() for v in values] for plane in np.moveaxis(bins, 2, 0)] for k in range(n)]
        ).reshape(n, bins.shape[2], len(values))
    return np.array(edges, int).reshape(-1, 2), np.array(length, int), strength, area, sums, histograms


def _strength(planes, pair, pairs):
    """Mean of the two pixels of a pair, in the direction of the boundary there."""
    r, c, down, right = pair
    both = (planes[:, r, c] + planes[:, r + down, c + right]) / 2
    if len(planes) == 1:
        return both[0]
    points = np.array([(2 * i + d, 2 * j + e) for i, j, d, e in pairs]) - (2 * r + down, 2 * c + right)
    points = points[(points**2).sum(axis=1) <= 100]  # within five pixels
    covariance = len(points) * points.T @ points - np.outer(points.sum(axis=0), points.sum(axis=0))
    if covariance[0, 0] == covariance[1, 1] and covariance[0, 1] == 0:
        angle = np.arctan2(right, -down)
    else:
        rows, columns = np.linalg.eigh(covariance.astype(float))[1][:, 1]  # of the larger eigenvalue
        angle = np.arctan2(rows, columns)
    turn = (angle % np.pi) / np.pi * len(planes)
    before = int(turn)
    share = turn - before
    return (1 - share) * both[before % len(planes)] + share * both[(before + 1) % len(planes)]
