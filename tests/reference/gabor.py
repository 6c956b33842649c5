"""Slow twins: the Gabor filter, its two answers, and the magnitudes of a bank, pixel by pixel in float64."""

import cmath
import math

import numpy as np

from .correlate import convolve


def deviation(bandwidth, frequency):
    return math.sqrt(math.log(2) / 2) / math.pi * (2**bandwidth + 1) / (2**bandwidth - 1) / frequency


def gabor_kernel(frequency, theta=0.0, bandwidth=1.0, sigma_x=None, sigma_y=None, n_stds=3, offset=0.0):
    sx = deviation(bandwidth, frequency) if sigma_x is None else sigma_x
    sy = deviation(bandwidth, frequency) if sigma_y is None else sigma_y
    c, s = math.cos(theta), math.sin(theta)
    columns = math.ceil(max(abs(n_stds * sx * c), abs(n_stds * sy * s), 1))
    rows = math.ceil(max(abs(n_stds * sy * c), abs(n_stds * sx * s), 1))
    kernel = np.zeros((2 * rows + 1, 2 * columns + 1), complex)
    for y in range(-rows, rows + 1):
        for x in range(-columns, columns + 1):
            along, across = x * c + y * s, y * c - x * s
            envelope = math.exp(-((along / sx) ** 2 + (across / sy) ** 2) / 2) / (2 * math.pi * sx * sy)
            kernel[y + rows, x + columns] = envelope * cmath.exp(1j * (2 * math.pi * frequency * along + offset))
    return kernel


def gabor(image, frequency, theta=0.0, mode="reflect", cval=0.0, **options):
    kernel = gabor_kernel(frequency, theta, **options)
    return convolve(image, kernel.real, mode, cval), convolve(image, kernel.imag, mode, cval)


def bank_kernel(frequency, theta):
    """Of the same square at all directions, with squared magnitudes that add up to 1."""
    sigma = deviation(1, frequency)
    radius = max(1, math.ceil(3 * sigma))
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    along = x * math.cos(theta) + y * math.sin(theta)
    kernel = np.exp(-(x**2 + y**2) / (2 * sigma**2) + 2j * math.pi * frequency * along)
    return kernel / np.sqrt((np.abs(kernel) ** 2).sum())


def gabor_bank(image, frequencies, n_orientations):
    scale = {"uint8": 255.0, "uint16": 65535.0}.get(image.dtype.name, 1.0)
    out = np.zeros((*image.shape, len(frequencies), n_orientations))
    for f, frequency in enumerate(frequencies):
        for o in range(n_orientations):
            kernel = bank_kernel(frequency, o * math.pi / n_orientations)
            parts = [convolve(image / scale, part) for part in (kernel.real, kernel.imag)]
            out[:, :, f, o] = np.hypot(*parts)
    return out
