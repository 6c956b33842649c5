"""Slow twin: pixel by pixel, bins found by bisection."""

import bisect

import numpy as np


def histogram(pixels, edges, weights=None, mask=None):
    """Of (N, C) pixels and the edges of the bins of each channel."""
    counts = np.zeros([len(line) - 1 for line in edges])
    for p, pixel in enumerate(pixels):
        if mask is not None and not mask[p]:
            continue
        if all(line[0] <= value <= line[-1] for value, line in zip(pixel, edges, strict=True)):
            place = [
                min(bisect.bisect_right(line, value) - 1, len(line) - 2)
                for value, line in zip(pixel, edges, strict=True)
            ]
            counts[tuple(place)] += 1 if weights is None else weights[p]
    return counts
