"""Slow twin: labels without gaps, by a dictionary."""

import numpy as np


def relabel_sequential(labels, offset=1):
    names = {0: 0}
    for value in sorted(set(labels.reshape(-1).tolist()) - {0}):
        names[value] = offset + len(names) - 1
    return np.array([names[value] for value in labels.reshape(-1).tolist()], object).reshape(labels.shape)
