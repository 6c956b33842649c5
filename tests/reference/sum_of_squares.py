"""Slow twin: squares added exactly."""

import math


def sum_of_squares(arrays):
    return math.fsum(float(x) * float(x) for array in arrays for x in array.ravel())
