"""Initial weights: functions of a shape and a random generator.

A layer calls ``initializer(shape, rng)`` with the shape of its kernel: (inputs, outputs) for a dense layer,
(KH, KW, C_in, C_out) for a convolution. Their fans are the numbers of values that make one output, and that
one input contributes to. Other deviations: ``functools.partial(init.normal, std=0.05)``.
"""

import math

import numpy as np


def he(shape, rng):
    """Normal with variance 2 / fan_in: keeps the variance through layers with ReLU (He et al., ICCV 2015)."""
    fan_in, _ = _fans("he", shape)
    return normal(shape, rng, std=math.sqrt(2 / fan_in))


def glorot(shape, rng):
    """Uniform with variance 2 / (fan_in + fan_out) (Glorot & Bengio, AISTATS 2010, equation 16)."""
    limit = math.sqrt(6 / sum(_fans("glorot", shape)))
    return (limit * (2 * rng.random(shape, np.float32) - 1)).astype(np.float32)


def normal(shape, rng, std=0.02):
    """Normal with mean 0; 0.02 is the deviation of DCGAN (Radford et al., ICLR 2016, section 4)."""
    return np.float32(std) * rng.standard_normal(shape, np.float32)


def zeros(shape, rng=None):
    """Zeros."""
    return np.zeros(shape, np.float32)


def _fans(function, shape):
    if len(shape) < 2:
        raise ValueError(f"{function}: shape must have at least 2 axes, the last two inputs and outputs, got {shape}")
    window = math.prod(shape[:-2])
    return window * shape[-2], window * shape[-1]
