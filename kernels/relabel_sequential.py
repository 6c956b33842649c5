"""Labels without gaps: the k-th of the labels that occur becomes offset + k.

A table over all labels up to the highest, of which those that occur are marked first and then numbered. Time
O(N + highest label); where the highest is far beyond the number of pixels, labels are sorted instead.
"""

import numpy as np

from ._jit import EXACT, kernel
from ._parallel import chunk_size, chunked
from ._validate import as_labels, integer

_SMALL_TABLE = 2**16  # entries that are always affordable


@kernel(fastmath=EXACT)
def _mark(labels, occurs):
    last = -1
    for i in range(labels.size):
        if labels[i] != last:
            last = labels[i]
            occurs[last] = True


@chunked(fastmath=EXACT)
def _replace(lo, hi, labels, table, out):
    for i in range(lo, hi):
        out[i] = table[labels[i]]


class LabelMap:
    """From labels `in_values`, ascending, to labels `out_values`: ``label_map[labels]``, and any others to 0.

    As an array it is a table over all labels up to the highest.
    """

    def __init__(self, in_values, out_values):
        self.in_values, self.out_values = in_values, out_values

    def __len__(self):
        return int(self.in_values[-1]) + 1

    def __array__(self, dtype=None, copy=None):
        table = np.zeros(len(self), self.out_values.dtype if dtype is None else dtype)
        table[self.in_values] = self.out_values
        return table

    def __getitem__(self, labels):
        labels = np.asarray(labels)
        place = np.minimum(np.searchsorted(self.in_values, labels), len(self.in_values) - 1)
        return np.where(self.in_values[place] == labels, self.out_values[place], 0).astype(self.out_values.dtype)


def relabel_sequential(label_field, offset=1):
    """Give the labels that occur consecutive numbers, in their order.

    Parameters
    ----------
    label_field : array of integers, of any shape
        Labels of at least 0, which is the background and stays 0.
    offset : int, optional
        The first number, at least 1.

    Returns
    -------
    relabeled : array of the shape of `label_field`
        Labels from `offset` on without gaps, in the dtype of `label_field` where the highest is below that
        dtype's, otherwise in the smallest unsigned one.
    forward_map, inverse_map : LabelMap
        From the labels of `label_field` to those of `relabeled` and back: ``forward_map[label_field]`` is
        `relabeled`. Other labels become 0. As an array each is a table over all labels up to its highest.

    Raises
    ------
    TypeError
        If `label_field` is not of integers, or `offset` is no int.
    ValueError
        If `label_field` is empty or has negative labels, or `offset` is less than 1.

    Notes
    -----
    As `skimage.segmentation.relabel_sequential`.
    """
    name = "relabel_sequential"
    offset = integer(name, "offset", offset, low=1)
    labels = np.asarray(label_field)
    if labels.dtype.kind not in "iu":
        raise TypeError(f"{name}: label_field must be an integer array, got dtype {labels.dtype}")
    if labels.size == 0:
        raise ValueError(f"{name}: label_field must not be empty, got shape {labels.shape}")
    lowest, highest = int(labels.min()), int(labels.max())
    if lowest < 0:
        raise ValueError(f"{name}: label_field must be at least 0, got {lowest}")

    dtype = labels.dtype.newbyteorder("=")
    in_table = highest < max(4 * labels.size, _SMALL_TABLE) and highest + offset < 2**31
    if in_table:
        pixels = as_labels(name, "label_field", labels, ndim=labels.ndim).reshape(-1)
        occurs = np.zeros(highest + 1, bool)
        _mark(pixels, occurs)
        in_values = np.flatnonzero(occurs).astype(dtype)
    else:
        in_values = np.unique(labels).astype(dtype, copy=False)
    out_values = np.arange(offset, offset + len(in_values))
    if in_values[0] == 0:
        out_values = np.concatenate([[0], out_values[:-1]])
    if int(out_values[-1]) >= np.iinfo(dtype).max:
        dtype = np.min_scalar_type(out_values[-1])
    forward_map = LabelMap(in_values, out_values.astype(dtype))
    if in_table:
        relabeled = np.empty(labels.shape, np.int32)
        table = np.asarray(forward_map, np.int32)
        _replace(pixels.size, pixels, table, relabeled.reshape(-1), grain=chunk_size(0.5))
        relabeled = relabeled.astype(dtype, copy=False)
    else:
        relabeled = forward_map[labels]
    return relabeled, forward_map, LabelMap(forward_map.out_values, in_values)
