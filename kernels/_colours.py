"""The different colours among pixels of 8-bit channels: every one once, with a weight for all its pixels.

A bitmap has a bit for each colour there could be; the number of a colour is how many bits are set before its own.
Colours are in the order of their codes, in which the bits of the channels are interleaved (Morton, "A computer
oriented geodetic data base", IBM, 1966), so that colours close in number are alike. Time O(N); memory 3 MB for
three channels, beside the colours themselves.
"""

import numpy as np

from ._bits import bit_count
from ._jit import EXACT, helper, kernel
from ._parallel import chunk_size, chunked

_ONE = np.uint64(1)
_WORD = 64


@helper
def _code(X, i, spread):
    code = 0
    for c in range(X.shape[1]):
        code |= spread[X[i, c]] << c
    return code


@helper
def _number(code, words, before):
    """The number of a colour that is in the bitmap; before: how many colours are in earlier words."""
    word = words[code >> 6]
    return before[code >> 6] + bit_count(word & ((_ONE << np.uint64(code & 63)) - _ONE))


@kernel(fastmath=EXACT)
def _mark(X, spread, words, before):
    """Set the bits of all colours; returns how many there are."""
    for i in range(X.shape[0]):
        code = _code(X, i, spread)
        words[code >> 6] |= _ONE << np.uint64(code & 63)
    count = 0
    for k in range(words.size):
        before[k] = count
        count += bit_count(words[k])
    return count


@kernel(fastmath=EXACT)
def _collect(X, weight, spread, words, before, colours, weights):
    """Requires: weight (N,), or (1,) for all; weights, of the colours, are 0."""
    for i in range(X.shape[0]):
        number = _number(_code(X, i, spread), words, before)
        weights[number] += weight[min(i, weight.size - 1)]
        for c in range(X.shape[1]):
            colours[number, c] = X[i, c]


@chunked(fastmath=EXACT)
def _paint(lo, hi, X, spread, words, before, labels, out):
    for i in range(lo, hi):
        out[i] = labels[_number(_code(X, i, spread), words, before)]


def are_colours(X):
    """Whether points are of few bytes, and many: at least one for each word of the bitmap."""
    dtype, shape = getattr(X, "dtype", None), getattr(X, "shape", ())
    return dtype == np.uint8 and len(shape) == 2 and 1 <= shape[1] <= 3 and shape[0] >= 256 ** shape[1] // _WORD


class Colours:
    """The different ones `values` (M, C) among pixels X (N, C) of uint8, and their `weights` (M,)."""

    def __init__(self, X, weight=None):
        n_channels = X.shape[1]
        self._pixels = X
        self._spread = sum((np.arange(256) >> bit & 1) << (bit * n_channels) for bit in range(8))
        self._words = np.zeros(256**n_channels // _WORD, np.uint64)
        self._before = np.empty(self._words.size, np.int64)
        count = _mark(X, self._spread, self._words, self._before)
        self.values, self.weights = np.empty((count, n_channels), np.uint8), np.zeros(count)
        weight = np.ones(1) if weight is None else weight
        _collect(X, weight, self._spread, self._words, self._before, self.values, self.weights)

    def paint(self, labels):
        """Give each pixel the label (M,) of its colour."""
        out = np.empty(len(self._pixels), labels.dtype)
        maps = (self._spread, self._words, self._before)
        _paint(out.size, self._pixels, *maps, labels, out, grain=chunk_size(2))
        return out
