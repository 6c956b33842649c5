"""What the two poolings share: arguments, and which pixels a window covers."""

import functools

import numpy as np

from . import _validate as check
from ._windows import pair, windows


def pooling(function, image, pool_size, stride, padding):
    """Check the arguments of pooling an (H, W) picture; gives its `Windows`, each of which holds a pixel."""
    pool_size = pair(function, "pool_size", pool_size, 1)
    geometry = windows(function, image, pool_size, pool_size if stride is None else stride, padding, 1)
    if not isinstance(padding, str) and any(2 * p > k for p, k in zip(geometry.pad, pool_size, strict=True)):
        raise ValueError(f"{function}: padding must be at most half of pool_size {pool_size}, got {padding}")
    return geometry


def batch_shape(function, input_shape):
    """The shape of a batch of pictures as a tuple of ints."""
    if not isinstance(input_shape, (tuple, list)) or len(input_shape) != 4:
        raise ValueError(f"{function}: input_shape must be (N, H, W, C), got {input_shape!r}")
    return tuple(check.integer(function, "input_shape", n, low=1) for n in input_shape)


@functools.lru_cache(maxsize=256)
def ranges(geometry):
    """Of the rows and of the columns: the pixels of each window, and the windows that cover each pixel.

    A range is (first, last), two arrays, the last one not counted. What lies beyond the picture is left out.
    """
    axes = zip(geometry.image, geometry.kernel, geometry.stride, geometry.pad, geometry.output, strict=True)
    return tuple(_axis_ranges(*axis) for axis in axes)


def _axis_ranges(size, kernel, stride, pad, count):
    begin, pixel = np.arange(count) * stride - pad, np.arange(size) + pad
    of_windows = np.maximum(begin, 0), np.minimum(begin + kernel, size)
    of_pixels = np.maximum(0, (pixel - kernel) // stride + 1), np.minimum(count, pixel // stride + 1)
    return of_windows, of_pixels
