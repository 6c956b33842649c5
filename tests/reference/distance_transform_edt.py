"""The distance from the nearest background pixel, each compared with all."""

import numpy as np


def distance_transform_edt(image, sampling=(1.0, 1.0)):
    rows, columns = np.nonzero(image == 0)
    out = np.full(image.shape, np.inf)
    if len(rows):
        for r in range(image.shape[0]):
            for c in range(image.shape[1]):
                squares = (sampling[0] * (rows - r)) ** 2 + (sampling[1] * (columns - c)) ** 2
                out[r, c] = np.sqrt(squares.min())
    return out
