"""Slow twin: the votes around each pixel in a dictionary."""

import numpy as np


def majority(labels, footprint):
    height, width = labels.shape
    down, across = footprint.shape[0] // 2, footprint.shape[1] // 2
    out = labels.copy()
    for r, c in np.ndindex(height, width):
        if labels[r, c] < 0:
            continue
        votes = {}
        for i, j in np.ndindex(footprint.shape):
            place = r + i - down, c + j - across
            if footprint[i, j] and 0 <= place[0] < height and 0 <= place[1] < width and labels[place] >= 0:
                votes[labels[place]] = votes.get(labels[place], 0) + 1
        most = max(votes.values(), default=0)
        if votes.get(labels[r, c], 0) < most:
            out[r, c] = min(value for value, n in votes.items() if n == most)
    return out
