"""Slow twin: Adam, line by line as in algorithm 1 of Kingma & Ba, with the decay of Loshchilov & Hutter, in float64."""

import math


def adam(parameter, gradients, *, learning_rate, beta_1=0.9, beta_2=0.999, epsilon=1e-7, weight_decay=0.0):
    """The parameter, m and v (lists of floats) after one step for each of `gradients`."""
    p = [float(x) for x in parameter]
    m, v = [0.0] * len(p), [0.0] * len(p)
    for t, gradient in enumerate(gradients, start=1):
        for i, g in enumerate(map(float, gradient)):
            m[i] = beta_1 * m[i] + (1 - beta_1) * g
            v[i] = beta_2 * v[i] + (1 - beta_2) * g * g
            m_hat = m[i] / (1 - beta_1**t)
            v_hat = v[i] / (1 - beta_2**t)
            p[i] -= learning_rate * weight_decay * p[i]
            p[i] -= learning_rate * m_hat / (math.sqrt(v_hat) + epsilon)
    return p, m, v
