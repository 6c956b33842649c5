"""Slow twin: connected components by depth-first search, in any number of dimensions."""

import itertools

import numpy as np


def label(image, connectivity, background=0):
    labels = np.zeros(image.shape, int)
    steps = [s for s in itertools.product((-1, 0, 1), repeat=image.ndim) if 0 < np.abs(s).sum() <= connectivity]
    count = 0
    for place in np.ndindex(image.shape):
        if labels[place] or image[place] == background:
            continue
        count += 1
        labels[place] = count
        stack = [place]
        while stack:
            here = stack.pop()
            for step in steps:
                there = tuple(a + b for a, b in zip(here, step, strict=True))
                if all(0 <= a < n for a, n in zip(there, image.shape, strict=True)):
                    if not labels[there] and image[there] == image[place]:
                        labels[there] = count
                        stack.append(there)
    return labels
