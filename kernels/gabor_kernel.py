"""Gabor filter: a Gaussian envelope times a complex wave.

    h[y, x] = exp(-(r**2 / sigma_x**2 + s**2 / sigma_y**2) / 2 + i (2 pi frequency r + offset)) / (2 pi sigma_x sigma_y)
    r = x cos(theta) + y sin(theta),  s = -x sin(theta) + y cos(theta)

Source: J. G. Daugman, "Uncertainty relation for resolution in space, spatial frequency, and orientation optimized by
two-dimensional visual cortical filters" (1985), sampled and scaled as scikit-image does it.
"""

import math

import numpy as np

from . import _validate as check


def envelope(bandwidth, frequency):
    """The standard deviation that answers to `bandwidth` octaves around `frequency` at half of the largest answer."""
    octaves = 2.0**bandwidth
    return math.sqrt(math.log(2) / 2) / math.pi * (octaves + 1) / (octaves - 1) / frequency


def gabor_kernel(
    frequency, theta=0, bandwidth=1, sigma_x=None, sigma_y=None, n_stds=3, offset=0, dtype=np.complex128
):  # fmt: skip
    """A complex Gabor filter.

    Parameters
    ----------
    frequency : float
        Of the wave, in cycles for each pixel, greater than 0.
    theta : float
        Direction in which the wave goes on, in radians from the columns towards the rows.
    bandwidth : float
        In octaves, greater than 0; it gives the deviations that are not given.
    sigma_x, sigma_y : float, optional
        Standard deviations of the envelope in pixels, along the wave and across it, greater than 0.
    n_stds : float
        Radius of the kernel in standard deviations.
    offset : float
        Phase of the wave at the middle, in radians.
    dtype : {numpy.complex64, numpy.complex128}

    Returns
    -------
    array of shape (KH, KW) of `dtype`, both sides odd and at least 3

    Raises
    ------
    TypeError, ValueError
        For anything but finite numbers in these ranges, and a dtype that is not complex.

    Notes
    -----
    As ``skimage.filters.gabor_kernel``.
    """
    frequency, bandwidth = (
        check.real("gabor_kernel", name, value, above=0)
        for name, value in (("frequency", frequency), ("bandwidth", bandwidth))
    )
    theta, offset = (check.real("gabor_kernel", n, v) for n, v in (("theta", theta), ("offset", offset)))
    n_stds = check.real("gabor_kernel", "n_stds", n_stds, low=0)
    sigma_x, sigma_y = (
        envelope(bandwidth, frequency) if value is None else check.real("gabor_kernel", name, value, above=0)
        for name, value in (("sigma_x", sigma_x), ("sigma_y", sigma_y))
    )
    if np.dtype(dtype) not in (np.complex64, np.complex128):
        raise ValueError(f"gabor_kernel: dtype must be complex64 or complex128, got {np.dtype(dtype)}")

    c, s = math.cos(theta), math.sin(theta)
    columns = math.ceil(max(abs(n_stds * sigma_x * c), abs(n_stds * sigma_y * s), 1))
    rows = math.ceil(max(abs(n_stds * sigma_y * c), abs(n_stds * sigma_x * s), 1))
    y, x = np.ogrid[-rows : rows + 1, -columns : columns + 1]
    along, across = x * c + y * s, y * c - x * s
    exponent = -0.5 * (along**2 / sigma_x**2 + across**2 / sigma_y**2)
    wave = np.exp(exponent + 1j * (2 * math.pi * frequency * along + offset))
    return (wave / (2 * math.pi * sigma_x * sigma_y)).astype(dtype)
