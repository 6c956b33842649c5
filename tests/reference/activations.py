"""Slow twin: activations and their gradients, number by number in float64."""

import math

import numpy as np


def _each(function, *arrays):
    return np.array([function(*map(float, v)) for v in zip(*(a.ravel() for a in arrays), strict=True)]).reshape(
        arrays[0].shape
    )


def leaky_relu(x, negative_slope=0.0):
    return _each(lambda v: v if v > 0 else negative_slope * v, x)


def leaky_relu_backward(dy, y, negative_slope=0.0):
    return _each(lambda g, v: g if v > 0 else negative_slope * g, dy, y)


def sigmoid(x):
    return _each(lambda v: 1 / (1 + math.exp(-v)) if v >= 0 else math.exp(v) / (1 + math.exp(v)), x)


def sigmoid_backward(dy, y):
    return _each(lambda g, v: g * v * (1 - v), dy, y)


def tanh(x):
    return _each(math.tanh, x)


def tanh_backward(dy, y):
    return _each(lambda g, v: g * (1 - v * v), dy, y)
