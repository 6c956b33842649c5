"""A queue of pixels by their heights, which go up only; of equal ones the first to come is the first to go.

A radix heap (Ahuja, Mehlhorn, Orlin and Tarjan, "Faster algorithms for the shortest path problem", JACM 37(2), 1990,
section 3): an entry lies on the level of the highest digit in which its key differs from that of the entry that was
served last, in this digit's bucket there. The lowest bucket of the lowest level holds the lowest entries. Once it comes
to that, they move down to where they belong by their lower digits: an entry moves at most once for each digit, two or
three times in practice. A bucket is a list of chunks that are filled and read in order, so that equal entries keep
theirs, and memory is read in streams.
"""

from typing import NamedTuple

import numpy as np

from ._bits import leading_zeros, trailing_zeros
from ._jit import helper

_DIGIT = 8  # bits
_BUCKETS = 1 << _DIGIT  # of a level
_WORDS = _BUCKETS >> 6  # that hold a bit for each of them
_LEVELS = 64 // _DIGIT
_CHUNK = 3  # bits of the number of an entry within its chunk
_ONE, _SIGN = np.uint64(1), np.uint64(1 << 63)


class Heap(NamedTuple):
    """Entries of three numbers each, in chunks; `following` says which chunk comes after, in a bucket or to spare.

    `heads` are the first chunks of buckets, `ends` the numbers after their last entries, 0 for those that are empty;
    `filled` has a bit for each that is not. `served` is the key of the entry that was served last.
    """

    keys: np.ndarray
    pixels: np.ndarray
    sources: np.ndarray
    following: np.ndarray
    spare: np.ndarray
    heads: np.ndarray
    ends: np.ndarray
    filled: np.ndarray
    served: np.ndarray


def new_heap(room):
    """An empty heap for so many entries. What is not needed of the room takes no memory."""
    n_buckets = _LEVELS * _BUCKETS
    n_chunks = (room >> _CHUNK) + n_buckets + 2
    n = n_chunks << _CHUNK
    return Heap(
        np.empty(n, np.uint64), np.empty(n, np.int32), np.empty(n, np.int32),
        np.arange(1, n_chunks + 1, dtype=np.int32), np.zeros(1, np.int32),
        np.zeros(n_buckets, np.int32), np.zeros(n_buckets, np.int64), np.zeros((_LEVELS, _WORDS), np.uint64),
        np.zeros(1, np.uint64),
    )  # fmt: skip


@helper
def key_of(height):
    """A float64 that is not -0 as a uint64, in the same order."""
    bits = np.float64(height).view(np.uint64)
    return ~bits if height < 0 else bits | _SIGN


@helper
def add(heap, key, pixel, source):
    """Requires: no key before the one last served."""
    level = (63 - leading_zeros((key ^ heap.served[0]) | _ONE)) // _DIGIT
    digit = np.int64((key >> np.uint64(level * _DIGIT)) & np.uint64(_BUCKETS - 1))
    bucket = level * _BUCKETS + digit
    end = heap.ends[bucket]
    if end & ((1 << _CHUNK) - 1) == 0:
        chunk = np.int64(heap.spare[0])
        heap.spare[0] = heap.following[chunk]
        if end == 0:
            heap.heads[bucket] = chunk
            heap.filled[level, digit >> 6] |= _ONE << np.uint64(digit & 63)
        else:
            heap.following[(end >> _CHUNK) - 1] = chunk
        end = chunk << _CHUNK
    heap.keys[end], heap.pixels[end], heap.sources[end] = key, pixel, source
    heap.ends[bucket] = end + 1


@helper
def take_lowest(heap):
    """Take a lowest bucket out; returns its level, its first chunk, and the number after its last entry, 0 if none."""
    for level in range(_LEVELS):
        for word in range(_WORDS):
            bits = heap.filled[level, word]
            if bits != 0:
                heap.filled[level, word] = bits & (bits - _ONE)
                bucket = level * _BUCKETS + (word << 6) + trailing_zeros(bits)
                end = heap.ends[bucket]
                heap.ends[bucket] = 0
                return level, np.int64(heap.heads[bucket]), end
    return 0, 0, 0


@helper
def entries_of(chunk, end):
    """The numbers of the entries of a chunk of a bucket that ends there: the first, and that after the last."""
    first = chunk << _CHUNK
    last = first + (1 << _CHUNK)
    return first, end if first < end <= last else last


@helper
def next_chunk(heap, chunk, end):
    """Spare a chunk of a bucket that ends there; returns the next, or -1."""
    after = np.int64(heap.following[chunk])
    heap.following[chunk] = heap.spare[0]
    heap.spare[0] = chunk
    return -1 if (end - 1) >> _CHUNK == chunk else after


@helper
def survey(heap, chunk, end):
    """The least key of a bucket, and how many entries it has."""
    least, count = heap.keys[chunk << _CHUNK], 0
    while True:
        first, last = entries_of(chunk, end)
        count += last - first
        for e in range(first, last):
            least = min(least, heap.keys[e])
        if last == end:
            return least, count
        chunk = np.int64(heap.following[chunk])
