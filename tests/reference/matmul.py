"""Slow twin: the definition, summed in float64."""

import numpy as np


def matmul(a, b, bias=None):
    c = np.zeros((a.shape[0], b.shape[1]))
    if bias is not None:
        c += bias
    for k in range(a.shape[1]):
        c += np.multiply.outer(a[:, k].astype(np.float64), b[k].astype(np.float64))
    return c
