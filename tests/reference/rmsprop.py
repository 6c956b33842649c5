"""Slow twin: RMSprop, number by number in float64."""

import math


def rmsprop(parameter, gradients, *, learning_rate, rho=0.9, epsilon=1e-7):
    """The parameter and the mean of its squared gradients (lists of floats) after one step for each of `gradients`."""
    p, v = [float(x) for x in parameter], [0.0] * len(parameter)
    for gradient in gradients:
        for i, g in enumerate(map(float, gradient)):
            v[i] = rho * v[i] + (1 - rho) * g * g
            p[i] -= learning_rate * g / (math.sqrt(v[i]) + epsilon)
    return p, v
