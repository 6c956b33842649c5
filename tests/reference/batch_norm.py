"""Slow twin: batch normalisation, channel by channel in float64."""

import numpy as np


def rectified(x, slope):
    x = np.asarray(x, np.float64)
    return np.where(x > 0, x, slope * x)


def batch_statistics(x):
    rows = np.asarray(x, np.float64).reshape(-1, x.shape[-1])
    mean = np.array([column.sum() / len(column) for column in rows.T])
    variance = np.array([((column - m) ** 2).sum() / len(column) for column, m in zip(rows.T, mean, strict=True)])
    return mean, variance


def batch_norm(x, gamma, beta, mean=None, variance=None, *, epsilon=1e-3, negative_slope=1.0, input_slope=1.0):
    x = rectified(x, input_slope)
    if mean is None:
        mean, variance = batch_statistics(x)
    y = np.zeros(x.shape)
    for place in np.ndindex(x.shape):
        c = place[-1]
        u = (float(x[place]) - mean[c]) / np.sqrt(variance[c] + epsilon) * gamma[c] + beta[c]
        y[place] = u if u > 0 else negative_slope * u
    return y, mean, variance


def batch_norm_backward(dy, x, gamma, beta, epsilon=1e-3, negative_slope=1.0, input_slope=1.0):
    """By the chain rule through every intermediate value, as if each were a node of a graph."""
    given, x = x, rectified(x, input_slope)
    rows = np.asarray(x, np.float64).reshape(-1, x.shape[-1])
    gradient = np.asarray(dy, np.float64).reshape(rows.shape)
    n = len(rows)
    mean, variance = batch_statistics(x)
    dx, dgamma, dbeta = np.zeros(rows.shape), np.zeros(len(gamma)), np.zeros(len(gamma))
    for c in range(rows.shape[1]):
        centred = rows[:, c] - mean[c]
        deviation = np.sqrt(variance[c] + epsilon)
        u = centred / deviation * gamma[c] + beta[c]
        g = np.where(u > 0, gradient[:, c], negative_slope * gradient[:, c])
        dbeta[c] = g.sum()
        dgamma[c] = (g * centred / deviation).sum()
        dnormalised = g * gamma[c]
        ddeviation = -(dnormalised * centred).sum() / deviation**2
        dvariance = ddeviation / (2 * deviation)
        dcentred = dnormalised / deviation + dvariance * 2 * centred / n
        dx[:, c] = dcentred - dcentred.sum() / n
    dx = dx.reshape(x.shape)
    return np.where(given > 0, dx, input_slope * dx), dgamma, dbeta
