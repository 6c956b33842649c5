"""Slow twin: small regions into their most similar neighbours, with sets."""

import numpy as np


def merge_small(labels, features, min_size):
    features = features.reshape(*labels.shape, -1).astype(np.float64)
    n = labels.max() + 1
    pixels = {k: int((labels == k).sum()) for k in range(n)}
    sums = {k: features[labels == k].sum(axis=0) for k in range(n)}
    around = {k: set() for k in range(n)}
    for a, b in ((labels[:, :-1], labels[:, 1:]), (labels[:-1], labels[1:])):
        for x, y in zip(a.ravel().tolist(), b.ravel().tolist(), strict=True):
            if x != y and x >= 0 and y >= 0:
                around[x].add(y)
                around[y].add(x)
    out = labels.copy()
    for k in sorted(range(n), key=lambda k: pixels[k]):
        if k not in around or pixels[k] >= min_size or not around[k]:
            continue
        mean = sums[k] / pixels[k]
        best = min(around[k], key=lambda o: (((sums[o] / pixels[o] - mean) ** 2).sum(), o))
        pixels[best] += pixels[k]
        sums[best] = sums[best] + sums[k]
        around[best] |= around[k]
        around[best] -= {best, k}
        for o in around[k]:
            around[o].discard(k)
            if o != best:
                around[o].add(best)
        del around[k]
        out[out == k] = best
    return out
