"""Sorting numbers by their digits: a stable counting sort for each digit, the lowest first.

Knuth, "The Art of Computer Programming" 3, section 5.2.5. The digits of each chunk are counted by themselves, so that
every chunk knows its place in the result and chunks are moved in parallel. Time O(n) for a digit.
"""

import numpy as np

from ._jit import EXACT, kernel
from ._parallel import chunked

_DIGIT = 11  # bits; as many lines of memory are written at a time as the nearest caches hold
GRAIN = 2**18


@chunked(fastmath=EXACT)
def _count(lo, hi, numbers, shift, counts, grain):
    chunk = counts[lo // grain]
    for digit in range(chunk.size):
        chunk[digit] = 0
    for i in range(lo, hi):
        chunk[(numbers[i] >> shift) & ((1 << _DIGIT) - 1)] += 1


@kernel(fastmath=EXACT)
def _place(counts):
    """Counts become the places of each chunk's first number with that digit."""
    total = 0
    for digit in range(counts.shape[1]):
        for chunk in range(counts.shape[0]):
            count = counts[chunk, digit]
            counts[chunk, digit] = total
            total += count


@chunked(fastmath=EXACT)
def _move(lo, hi, numbers, shift, places, out, grain):
    chunk = places[lo // grain]
    for i in range(lo, hi):
        digit = (numbers[i] >> shift) & ((1 << _DIGIT) - 1)
        out[chunk[digit]] = numbers[i]
        chunk[digit] += 1


def sort_bits(numbers, low, high):
    """Sort int64 numbers by their bits from `low` on; returns them, sorted. Equal ones keep their order.

    Requires: numbers from 0 to 2**high - 1, which are overwritten.
    """
    spare = np.empty_like(numbers)
    counts = np.empty((-(-numbers.size // GRAIN), 1 << _DIGIT), np.int64)
    for shift in range(low, high, _DIGIT):
        _count(numbers.size, numbers, shift, counts, GRAIN, grain=GRAIN)
        _place(counts)
        _move(numbers.size, numbers, shift, counts, spare, GRAIN, grain=GRAIN)
        numbers, spare = spare, numbers
    return numbers
