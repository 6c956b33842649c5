"""Removal of objects of few pixels: a count of the pixels of each, and one pass that clears the small ones. O(H W)."""

import numpy as np

from . import _validate as check
from ._jit import EXACT, kernel
from ._parallel import chunk_size, chunked
from .label import label


@kernel(fastmath=EXACT)
def _count(labels, sizes):
    for p in range(labels.size):
        sizes[labels[p]] += 1


@chunked(fastmath=EXACT)
def _clear(lo, hi, labels, keeps, out):
    for p in range(lo, hi):
        if not keeps[labels[p]]:
            out[p] = 0


def remove_small_objects(ar, min_size=None, connectivity=1, *, max_size=64):
    """Set the pixels of small objects to 0.

    Parameters
    ----------
    ar : (H, W) array of bool or of int at least 0
        Of bool: objects are its connected components. Of int: pixels of one number are one object, whether they touch
        or not, and 0 is no object.
    min_size : int, optional
        Objects of fewer pixels are removed, as scikit-image had it before its version 0.26; overrules `max_size`.
    connectivity : {1, 2}
        For bool: pixels touch by an edge (1), or by an edge or a corner (2).
    max_size : int
        Objects of at most so many pixels are removed.

    Returns
    -------
    (H, W) array of the dtype of `ar`

    Raises
    ------
    TypeError, ValueError
        If an argument is not as said.

    Notes
    -----
    As `skimage.morphology.remove_small_objects`.
    """
    name = "remove_small_objects"
    given = np.asarray(ar)
    labels = check.as_labels(name, "ar", given)
    if labels.min(initial=0) < 0:
        raise ValueError(f"{name}: ar must be at least 0, got {labels.min()}")
    check.integer(name, "connectivity", connectivity, low=1, high=2)
    largest = check.integer(name, "max_size", max_size, low=0)
    if min_size is not None:
        largest = check.integer(name, "min_size", min_size, low=0) - 1
    if given.dtype == np.bool_:
        labels = label(given, connectivity=connectivity)
    sizes = np.zeros(int(labels.max(initial=0)) + 1, np.int64)
    _count(labels.reshape(-1), sizes)
    out = np.array(given, given.dtype.newbyteorder("="), order="C")
    _clear(out.size, labels.reshape(-1), sizes > largest, out.reshape(-1), grain=chunk_size(0.5))
    return out
