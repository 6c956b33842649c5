"""Slow twin: peaks, pixel by pixel."""

import numpy as np


def peak_local_max(image, distance, threshold, borders, num_peaks):
    """(P, 2) peaks above `threshold`, `distance` apart and outside of `borders`, the highest first."""
    height, width = image.shape
    if distance and image.size > 1 and (image == image[0, 0]).all():
        return np.empty((0, 2), int)
    found = []
    for i in range(borders[0], height - borders[0]):
        for j in range(borders[1], width - borders[1]):
            around = image[max(0, i - distance) : i + distance + 1, max(0, j - distance) : j + distance + 1]
            if image[i, j] > threshold and image[i, j] == around.max():
                found.append((i, j))
    found.sort(key=lambda place: -float(image[place]))
    peaks = []
    for i, j in found:
        if all(max(abs(i - a), abs(j - b)) >= distance for a, b in peaks):
            peaks.append((i, j))
    return np.array(peaks[:num_peaks], int).reshape(-1, 2)
