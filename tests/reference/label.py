"""Slow twin: connected components by depth-first search."""

import numpy as np


def label(image, connectivity=2, background=0):
    labels = np.zeros(image.shape, int)
    steps = [(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1) if 0 < abs(i) + abs(j) <= connectivity]
    count = 0
    for place in np.ndindex(image.shape):
        if labels[place] or image[place] == background:
            continue
        count += 1
        labels[place] = count
        stack = [place]
        while stack:
            r, c = stack.pop()
            for i, j in steps:
                p, q = r + i, c + j
                if 0 <= p < image.shape[0] and 0 <= q < image.shape[1]:
                    if not labels[p, q] and image[p, q] == image[place]:
                        labels[p, q] = count
                        stack.append((p, q))
    return labels
