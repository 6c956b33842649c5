"""Slow twin: gradient descent with momentum, number by number in float64."""


def sgd(parameter, gradients, *, learning_rate, momentum=0.0, nesterov=False):
    """The parameter and its buffer (lists of floats) after one step for each of `gradients`."""
    p, b = [float(x) for x in parameter], [0.0] * len(parameter)
    for gradient in gradients:
        for i, g in enumerate(map(float, gradient)):
            b[i] = momentum * b[i] + g
            p[i] -= learning_rate * (g + momentum * b[i] if nesterov else b[i])
    return p, b
