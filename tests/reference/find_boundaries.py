"""Slow twin: a pixel and its neighbours, one by one."""

import numpy as np


def _around(labels, r, c, connectivity):
    for i in range(max(r - 1, 0), min(r + 2, labels.shape[0])):
        for j in range(max(c - 1, 0), min(c + 2, labels.shape[1])):
            if abs(i - r) + abs(j - c) <= connectivity:
                yield labels[i, j]


def find_boundaries(labels, connectivity=1, mode="thick", background=0):
    labels = labels.astype(int)
    if mode == "subpixel":
        out = np.zeros((2 * labels.shape[0] - 1, 2 * labels.shape[1] - 1), bool)
        for r, c in np.ndindex(out.shape):
            out[r, c] = np.unique(labels[r // 2 : (r + 1) // 2 + 1, c // 2 : (c + 1) // 2 + 1]).size > 1
        return out
    out = np.zeros(labels.shape, bool)
    for r, c in np.ndindex(labels.shape):
        mine = labels[r, c]
        out[r, c] = any(other != mine for other in _around(labels, r, c, connectivity))
        if mode == "inner" and mine == background:
            out[r, c] = False
        if mode == "outer" and mine != background:
            around = list(_around(labels, r, c, 2))
            out[r, c] &= max(around) != min(other for other in around if other != background)
    return out
