"""Slow twin: the largest matching by augmenting paths, one pixel after another (Kuhn)."""

import numpy as np


def largest_matching(boundary, truth, max_distance):
    """How many pixels of two maps can be matched one to one."""
    places = np.argwhere(truth).tolist()
    near = [
        [j for j, (y, x) in enumerate(places) if (r - y) ** 2 + (c - x) ** 2 <= max_distance**2]
        for r, c in np.argwhere(boundary).tolist()
    ]
    owner = {}

    def find(i, seen):
        for j in near[i]:
            if j not in seen:
                seen.add(j)
                if j not in owner or find(owner[j], seen):
                    owner[j] = i
                    return True
        return False

    return sum(find(i, set()) for i in range(len(near)))
