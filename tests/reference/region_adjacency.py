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
            for down, right in steps:
                i, j = r + down, c + right
                if not (i < height and 0 <= j < width):
                    continue
                a, b = sorted((int(labels[r, c]), int(labels[i, j])))
                if a < 0 or a == b:
                    continue
                value = 0.0 if boundary is None else (float(boundary[r, c]) + float(boundary[i, j])) / 2
                found.setdefault((a, b), []).append(value)
    edges = sorted(found)
    length = [len(found[e]) for e in edges]
    strength = [np.mean(found[e]) for e in edges]
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
    return np.array(edges, int).reshape(-1, 2), np.array(length, int), np.array(strength), area, sums, histograms
