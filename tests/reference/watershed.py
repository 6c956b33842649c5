"""Slow twin: flooding with a heap of (height, arrival), and local minima by definition."""

import heapq
import math

import numpy as np

STEPS = {
    1: [(-1, 0), (0, -1), (0, 1), (1, 0)],
    2: [(-1, 0), (0, -1), (0, 1), (1, 0), (-1, -1), (-1, 1), (1, -1), (1, 1)],
}


def _around(shape, r, c, connectivity):
    for down, right in STEPS[connectivity]:
        if 0 <= r + down < shape[0] and 0 <= c + right < shape[1]:
            yield r + down, c + right


def watershed(image, markers, connectivity=1, mask=None, compactness=0, lines=False):
    mask = np.ones(image.shape, bool) if mask is None else mask
    labels = np.where(mask, markers, 0)
    heap = [(float(image[r, c]), age, r, c, r, c) for age, (r, c) in enumerate(np.argwhere(labels).tolist())]
    heapq.heapify(heap)
    age = len(heap)
    while heap:
        _, _, r, c, top, left = heapq.heappop(heap)
        if compactness and labels[r, c] and (r, c) != (top, left):
            continue
        labels[r, c] = labels[top, left]
        for i, j in _around(image.shape, r, c, connectivity):
            if labels[i, j] == 0 and mask[i, j]:
                if not compactness:
                    labels[i, j] = labels[r, c]
                distance = math.sqrt((i - top) ** 2 + (j - left) ** 2)
                heapq.heappush(heap, (float(image[i, j]) + compactness * distance, age, i, j, top, left))
                age += 1
    if lines:
        drawn = labels.copy()
        for r, c in np.ndindex(labels.shape):
            if markers[r, c]:
                continue
            for i, j in _around(labels.shape, r, c, connectivity):
                if 0 < labels[i, j] < labels[r, c] or (labels[i, j] > labels[r, c] and markers[i, j]):
                    drawn[r, c] = 0
        labels = drawn
    return labels


def local_minima(image, connectivity=1, mask=None):
    """Plateaus without a lower neighbour, numbered in raster order."""
    mask = np.ones(image.shape, bool) if mask is None else mask
    seen = ~mask
    labels = np.zeros(image.shape, int)
    count = 0
    for r, c in np.ndindex(image.shape):
        if seen[r, c]:
            continue
        plateau, stack, lowest = [], [(r, c)], True
        seen[r, c] = True
        while stack:
            i, j = stack.pop()
            plateau.append((i, j))
            for k, m in _around(image.shape, i, j, connectivity):
                if mask[k, m]:
                    lowest &= not image[k, m] < image[r, c]
                    if image[k, m] == image[r, c] and not seen[k, m]:
                        seen[k, m] = True
                        stack.append((k, m))
        if lowest:
            count += 1
            for place in plateau:
                labels[place] = count
    return labels
