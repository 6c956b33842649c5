"""Objects grown from each pixel in turn, and cleared where they are small."""

import numpy as np


def remove_small_objects(ar, max_size, connectivity=1):
    out = ar.copy()
    if ar.dtype != bool:
        for value in np.unique(ar):
            if (ar == value).sum() <= max_size:
                out[ar == value] = 0
        return out
    seen = np.zeros(ar.shape, bool)
    for start in zip(*np.nonzero(ar)):
        if seen[start]:
            continue
        pixels, seen[start] = [start], True
        for r, c in pixels:
            for i in range(max(r - 1, 0), min(r + 2, ar.shape[0])):
                for j in range(max(c - 1, 0), min(c + 2, ar.shape[1])):
                    if ar[i, j] and not seen[i, j] and (connectivity == 2 or i == r or j == c):
                        seen[i, j] = True
                        pixels.append((i, j))
        if len(pixels) <= max_size:
            for pixel in pixels:
                out[pixel] = False
    return out
