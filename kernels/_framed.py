"""Pictures in a frame one pixel wide, flat: each pixel has all its neighbours, at fixed steps."""

import numpy as np

from ._jit import helper
from ._simd import prefetch


@helper
def neighbours(connectivity, width):
    """Steps to the neighbours in a picture of framed lines, those by an edge first, and how many they are."""
    return (-width, -1, 1, width, -width - 1, -width + 1, width - 1, width + 1), 4 * connectivity


@helper
def prefetch_around(array, p, width):
    """Begin to fetch what lies around pixel p of a picture with lines of `width`."""
    prefetch(array, p - width)
    prefetch(array, np.int64(p))
    prefetch(array, p + width)
