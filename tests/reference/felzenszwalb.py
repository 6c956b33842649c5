"""Slow twin: all edges in one list, sorted by cost, then kind and place; sets of pixels are united."""

import numpy as np


def felzenszwalb(image, scale, min_size, mask):
    """Of a picture (H, W, C) in float64 that is smooth already."""
    height, width = mask.shape
    edges = []
    for way, (down, right) in enumerate([(0, 1), (1, 0), (1, 1), (1, -1)]):
        for r, c in np.ndindex(height, width):
            i, j = r + down, c + right
            if i < height and 0 <= j < width and mask[r, c] and mask[i, j]:
                square = 0.0
                for a, b in zip(image[r, c], image[i, j], strict=True):
                    square += (a - b) * (a - b)
                edges.append((float(np.float32(np.sqrt(square))), way, r * width + c, i * width + j))
    edges.sort()
    region = list(range(height * width))
    pixels = {p: [p] for p in region}
    inner = dict.fromkeys(region, 0.0)

    def unite(a, b):
        for p in pixels[b]:
            region[p] = a
        pixels[a] += pixels.pop(b)

    for cost, _, p, q in edges:
        a, b = region[p], region[q]
        if a != b and cost < min(inner[k] + scale / 255 / len(pixels[k]) for k in (a, b)):
            unite(a, b)
            inner[a] = cost
    for _, _, p, q in edges:
        a, b = region[p], region[q]
        if a != b and min(len(pixels[a]), len(pixels[b])) < min_size:
            unite(a, b)
    numbers = {}
    labels = np.full(height * width, -1)
    for p in np.flatnonzero(mask).tolist():
        labels[p] = numbers.setdefault(region[p], len(numbers))
    return labels.reshape(height, width)
