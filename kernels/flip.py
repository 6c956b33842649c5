"""Flipping a picture upside down, left to right, or both: out[i, j] = image[H - 1 - i, W - 1 - j].

One copy: O(H W C) time, no memory beside the result.
"""

import numpy as np

from . import _validate as check
from ._reorder import reordered


def flip(image, axis=None):
    """Flip a picture.

    Parameters
    ----------
    image : array of shape (H, W) or (H, W, C)
        Of any real dtype.
    axis : {None, 0, 1, (0, 1)}
        0 flips upside down, 1 left to right, both or None turns by 180 degrees. Axes may be counted from the last.

    Returns
    -------
    array of the shape and dtype of `image`
        C-contiguous.

    Raises
    ------
    TypeError, ValueError
        For anything but real numbers in two or three axes, an empty picture, or other axes.

    Notes
    -----
    As ``numpy.flip``, which returns a view, with one difference: the third axis is channels, and stays as it is.
    """
    image = check.as_array("flip", "image", image, dtypes=check.REAL, ndim=(2, 3))
    axes = (0, 1) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    axes = tuple(check.integer("flip", "axis", a, low=-image.ndim, high=1) % image.ndim for a in axes)
    if not 0 < len(set(axes)) == len(axes) or max(axes) > 1:
        raise ValueError(f"flip: axis must be None, 0, 1 or (0, 1), got {axis!r}")
    return reordered(np.flip(image, axes), image)
