"""Slow twin: Canny's edges step by step, summed in float64 in the order of scipy.ndimage."""

import math

import numpy as np

from .gaussian import source


def canny(image, sigma=1.0, low=0.1, high=0.2, mask=None, mode="constant", cval=0.0, use_quantiles=False):
    """The thresholds are those of a picture from 0 to 1."""
    picture = image / {"uint8": 255.0, "uint16": 65535.0}.get(image.dtype.name, 1.0)
    picture = picture.astype(np.float64)
    inside = np.ones(image.shape, bool) if mask is None else mask
    smooth = smoothed(np.where(inside, picture, 0.0), sigma, mode, cval)
    if mask is not None or mode == "constant":
        smooth /= smoothed(inside.astype(np.float64), sigma, mode, cval) + np.finfo(np.float64).eps
    x = np.pad(smooth, 1, mode="symmetric")
    d, e = x[2:] - x[:-2], x[:, 2:] - x[:, :-2]
    r = 2 * d[:, 1:-1] + (d[:, :-2] + d[:, 2:])
    c = 2 * e[1:-1] + (e[:-2] + e[2:])
    magnitude = np.sqrt(r * r + c * c)
    if use_quantiles:
        low, high = np.percentile(magnitude, [100 * low, 100 * high])
    weak = np.zeros(image.shape, bool)
    height, width = image.shape
    for i in range(1, height - 1):
        for j in range(1, width - 1):
            if inside[i - 1 : i + 2, j - 1 : j + 2].all() and magnitude[i, j] >= low and magnitude[i, j] > 0:
                weak[i, j] = is_greatest(magnitude, i, j, float(r[i, j]), float(c[i, j]))
    edges = weak & (magnitude >= high)
    while True:
        wide = np.pad(edges, 1)
        near = sum(wide[a : a + height, b : b + width].astype(int) for a in range(3) for b in range(3)) > 0
        if (near & weak == edges).all():
            return edges
        edges = near & weak


def is_greatest(magnitude, i, j, r, c):
    """Whether the magnitude, interpolated on the ring of eight neighbours, is not greater where the gradient points."""
    longest = max(abs(r), abs(c))
    w = min(abs(r), abs(c)) / longest
    for sign in (1, -1):
        diagonal = (i + sign * int(math.copysign(1, r)), j + sign * int(math.copysign(1, c)))
        straight = (diagonal[0], j) if abs(r) == longest else (i, diagonal[1])
        if not magnitude[diagonal] * w + magnitude[straight] * (1 - w) <= magnitude[i, j]:
            return False
    return True


def smoothed(x, sigma, mode, cval):
    return along_rows(along_rows(x.T, sigma, mode, cval).T, sigma, mode, cval)


def along_rows(x, sigma, mode, cval):
    radius = int(4 * sigma + 0.5)
    taps = np.arange(-radius, radius + 1)
    weights = np.exp(-0.5 / max(sigma, 1e-100) ** 2 * taps**2)
    weights /= weights.sum()
    n = x.shape[1]
    places = [source(i, n, mode) for i in range(-radius, n + radius)]
    wide = np.stack([np.full(len(x), cval) if p is None else x[:, p] for p in places], axis=1)
    total = weights[radius] * wide[:, radius : radius + n]
    for k in range(radius):
        total = total + weights[k] * (wide[:, k : k + n] + wide[:, 2 * radius - k : 2 * radius - k + n])
    return total
