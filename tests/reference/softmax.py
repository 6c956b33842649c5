"""Slow twin: softmax of each row, and its gradient by the matrix of derivatives."""

import math

import numpy as np


def softmax(x):
    y = np.zeros(x.shape)
    for place in np.ndindex(x.shape[:-1]):
        row = [float(v) for v in x[place]]
        exponentials = [math.exp(v - max(row)) for v in row]
        y[place] = [e / math.fsum(exponentials) for e in exponentials]
    return y


def softmax_backward(dy, y):
    dx = np.zeros(y.shape)
    for place in np.ndindex(y.shape[:-1]):
        row = y[place].astype(np.float64)
        dx[place] = (np.diag(row) - np.outer(row, row)) @ dy[place].astype(np.float64)
    return dx
