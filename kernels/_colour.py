"""What the conversions of colours share: pixels of three channels, whatever axis counts them, in one pass.

Vectors of pixels are taken apart into channels as they are loaded, converted in registers, and put together again as
they are stored.
"""

import numpy as np

from . import _validate as check
from ._image import float_dtype
from ._jit import ORDERED, helper
from ._parallel import chunk_size, chunked
from ._simd import lanes, load_channels, load_channels_part, store_channels, store_channels_part


def pixelwise(nanoseconds):
    """Make ``convert(first, second, third, *parameters)``, of vectors of channels, a conversion of pictures.

    The result is called as ``converted(pixels, axis, *parameters)`` with what `as_pixels` gives; `nanoseconds` is the
    time of one pixel.
    """

    def decorate(function):
        convert = helper(function, fastmath=ORDERED)

        @chunked(fastmath=ORDERED)
        def convert_all(lo, hi, pixels, out, *parameters):
            # Requires: pixels, out (N, 3).
            step = lanes(out)
            whole = hi - (hi - lo) % step
            for i in range(lo, whole, step):
                first, second, third = load_channels(pixels, 3 * i, 3)
                store_channels(out, 3 * i, convert(first, second, third, *parameters))
            first, second, third = load_channels_part(pixels, 3 * whole, 3, hi - whole)
            store_channels_part(out, 3 * whole, convert(first, second, third, *parameters), hi - whole)

        def converted(pixels, axis, *parameters):
            out = np.empty(pixels.shape, float_dtype(pixels.dtype))
            pixels, flat = pixels.reshape(-1, 3), out.reshape(-1, 3)
            convert_all(len(pixels), pixels, flat, *parameters, grain=chunk_size(nanoseconds))
            return np.moveaxis(out, -1, axis)

        return converted

    return decorate


def as_pixels(function, name, value, channel_axis, dtypes=check.PIXELS):
    """(the array with its three channels last, the axis on which they were, of which -1 is the last)."""
    array = check.as_array(function, name, value, dtypes=dtypes)
    axis = (
        check.integer(function, "channel_axis", channel_axis, low=-array.ndim, high=array.ndim - 1) if array.ndim else 0
    )
    if array.ndim == 0 or array.shape[axis] != 3:
        raise ValueError(f"{function}: {name} must have 3 channels on axis {axis}, got shape {array.shape}")
    return np.ascontiguousarray(np.moveaxis(array, axis, -1)), axis
