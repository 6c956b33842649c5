"""Slow twin: the variance between the classes of every threshold, from its definition."""

import numpy as np


def between_class_variances(counts, centers):
    """For each centre but the last that counts, the weights of both classes times their squared distance; else -1."""
    pairs = [(float(n), float(c)) for n, c in zip(counts, centers, strict=True)]
    occupied = [k for k, (n, _) in enumerate(pairs) if n > 0]
    variances = np.full(len(pairs), -1.0)
    for t in range(occupied[0], occupied[-1]):
        below, above = pairs[: t + 1], pairs[t + 1 :]
        n0, n1 = sum(n for n, _ in below), sum(n for n, _ in above)
        mean0, mean1 = sum(n * c for n, c in below) / n0, sum(n * c for n, c in above) / n1
        variances[t] = n0 * n1 * (mean0 - mean1) ** 2
    return variances
