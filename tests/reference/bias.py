"""Slow twin: the sum over all axes but the last, exactly rounded."""

import math

import numpy as np


def sum_leading(x):
    rows = x.reshape(-1, x.shape[-1])
    return np.array([math.fsum(float(v) for v in column) for column in rows.T])
