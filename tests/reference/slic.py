"""Slow twin: centres and pixels in loops, distances in the order of their definition; connectivity by lists."""

import numpy as np


def iterate(image, mask, centers, step, reach, spacing, max_num_iter, slic_zero=False, use_color=True):
    """Labels and new centres of a picture (H, W, C) divided by the compactness; centres are row, column, colours."""
    dtype = image.dtype.type
    height, width, _ = image.shape
    centers = centers.astype(dtype)
    labels = np.full((height, width), -1)
    weights, limits = np.ones(len(centers), dtype), np.ones(len(centers), dtype)
    scale = dtype(1 / (step * step))
    for _ in range(max_num_iter):
        least = np.full((height, width), np.inf, dtype)
        for k, center in enumerate(centers):
            r0, r1 = (
                int(f) for f in (max(float(center[0]) - reach[0], 0), min(float(center[0]) + reach[0] + 1, height))
            )
            c0, c1 = (
                int(f) for f in (max(float(center[1]) - reach[1], 0), min(float(center[1]) + reach[1] + 1, width))
            )
            for r in range(r0, r1):
                down = dtype(spacing[0]) * (center[0] - dtype(r))
                for c in range(c0, c1):
                    across = dtype(spacing[1]) * (center[1] - dtype(c))
                    distance = (down * down + across * across) * scale
                    if use_color:
                        color = dtype(0)
                        for mine, its in zip(image[r, c], center[2:], strict=True):
                            color += (mine - its) * (mine - its)
                        distance += color * weights[k]
                    if mask[r, c] and distance < least[r, c]:
                        least[r, c], labels[r, c] = distance, k
        for k in range(len(centers)):
            rows, columns = np.nonzero(labels == k)
            if len(rows):
                colors = image[rows, columns].astype(np.float64)
                centers[k] = [rows.mean(), columns.mean(), *(colors.sum(axis=0) / len(rows))]
                if slic_zero:
                    squares = np.zeros(len(rows), dtype)
                    for channel in range(image.shape[2]):
                        difference = image[rows, columns, channel] - centers[k, 2 + channel]
                        squares += difference * difference
                    limits[k] = max(limits[k], squares.max())
        weights = 1 / limits
    return labels, centers


def connect(labels, min_size, max_size):
    """Without masked pixels. A first region that is small takes in the regions that follow, up to one that is not."""
    height, width = labels.shape
    out = np.full(labels.shape, -1)
    number = 0
    for start in np.ndindex(height, width):
        if out[start] >= 0:
            continue
        part, done, beside = [start], 0, number
        out[start] = number
        while done < len(part) < max_size:
            r, c = part[done]
            done += 1
            for i, j in ((r, c + 1), (r, c - 1), (r + 1, c), (r - 1, c)):
                if not (0 <= i < height and 0 <= j < width):
                    continue
                if labels[i, j] == labels[start] and out[i, j] < 0:
                    out[i, j] = number
                    part.append((i, j))
                    if len(part) >= max_size:
                        break
                elif out[i, j] >= 0 and out[i, j] != number:
                    beside = out[i, j]
        if len(part) >= min_size:
            number += 1
        else:
            for place in part:
                out[place] = beside
    return out
