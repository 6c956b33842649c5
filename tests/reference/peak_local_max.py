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


def peaks_of_labels(image, distance, threshold, labels, num_peaks_per_label):
    """The peaks of each label above 0, as if the rest of the picture were lower than all else; no plain regions."""
    found = [np.empty((0, 2), int)]
    for label in range(1, labels.max() + 1):
        inside = labels == label
        apart = np.where(inside, image.astype(np.float64), -np.inf)
        found.append(peak_local_max(apart, distance, threshold, (0, 0), num_peaks_per_label))
    return np.concatenate(found)
