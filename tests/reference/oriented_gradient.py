"""The oriented gradient of histograms, every window looked at by itself."""

import math

import numpy as np


def oriented_gradient(bins, radii, weights, blur, n_orientations):
    bins = bins.reshape(*bins.shape[:2], -1)
    height, width, channels = bins.shape
    n = int(bins.max()) + 1
    distance = np.arange(n)[:, None] - np.arange(n)
    share = np.exp(-0.5 * (distance / blur) ** 2) if blur > 0 else np.eye(n)
    table = np.rint(256 * share / share.sum(axis=1, keepdims=True))
    table += np.diag(256 - table.sum(axis=1))
    out = np.zeros((n_orientations, height, width))
    for o in range(n_orientations):
        cosine, sine = math.cos(math.pi * o / n_orientations), math.sin(math.pi * o / n_orientations)
        for r in range(height):
            for c in range(width):
                u = math.floor(cosine * r - sine * c + 0.5)
                v = math.floor(sine * r + cosine * c + 0.5)
                for s, radius in enumerate(radii):
                    wide = int(0.79 * radius + 0.5)
                    halves = np.zeros((2, channels, n))
                    for step in range(1, radius + 1):
                        for half, du in ((0, -step), (1, step)):
                            for dv in range(-wide, wide + 1):
                                i = math.floor(cosine * (u + du) + sine * (v + dv) + 0.5)
                                j = math.floor(cosine * (v + dv) - sine * (u + du) + 0.5)
                                if 0 <= i < height and 0 <= j < width:
                                    halves[half] += table[bins[i, j]]
                    for k in range(channels):
                        g, h = halves[:, k]
                        if g.sum() and h.sum():
                            g, h = g / g.sum(), h / h.sum()
                            squares = (g - h) ** 2 / np.where(g + h > 0, g + h, 1)
                            out[o, r, c] += weights[k, s] * math.sqrt(0.5 * squares.sum())
    return out
