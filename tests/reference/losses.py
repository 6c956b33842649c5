"""Slow twin: binary cross entropy of logits, number by number."""

import math

import numpy as np


def binary_cross_entropy(logits, targets):
    total, gradient = [], np.zeros(logits.shape)
    for place in np.ndindex(logits.shape):
        z, t = float(logits[place]), float(targets[place])
        # log p and log(1 - p), each in the form that neither overflows nor cancels for its sign of z
        log_p = -math.log1p(math.exp(-z)) if z >= 0 else z - math.log1p(math.exp(z))
        log_q = -z - math.log1p(math.exp(-z)) if z >= 0 else -math.log1p(math.exp(z))
        total.append(-t * log_p - (1 - t) * log_q)
        gradient[place] = (math.exp(log_p) - t) / logits.size
    return math.fsum(total) / logits.size, gradient
