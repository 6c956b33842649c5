"""Slow twin: cross entropies of logits, number by number."""

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


def cross_entropy(logits, targets):
    rows, t = (np.asarray(a, np.float64).reshape(-1, logits.shape[-1]) for a in (logits, targets))
    losses, gradient = [], np.zeros(rows.shape)
    for i, row in enumerate(rows):
        log_total = max(row) + math.log(math.fsum(math.exp(z - max(row)) for z in row))
        log_p = [z - log_total for z in row]
        losses.append(-math.fsum(t[i, j] * log_p[j] for j in range(len(row))))
        gradient[i] = [(math.exp(log_p[j]) * t[i].sum() - t[i, j]) / len(rows) for j in range(len(row))]
    return math.fsum(losses) / len(rows), gradient.reshape(logits.shape)
