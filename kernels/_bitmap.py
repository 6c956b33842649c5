"""A set of numbers that gives its least at once: one bit for each, in three levels.

A bit of a coarser level says that a word of the finer one is not 0.
"""

import numpy as np

from ._bits import trailing_zeros
from ._jit import helper

_ONE = np.uint64(1)


@helper(allocates=True)
def empty_bitmap(n):
    """A bit for each of n places, one for each word of these that is not 0, and one for each of the words of those."""
    words, groups = np.zeros((n >> 6) + 1, np.uint64), np.zeros((n >> 12) + 1, np.uint64)
    return words, groups, np.zeros((n >> 18) + 1, np.uint64)


@helper
def take_place(place, words, groups, supergroups):
    words[place >> 6] |= _ONE << np.uint64(place & 63)
    groups[place >> 12] |= _ONE << np.uint64((place >> 6) & 63)
    supergroups[place >> 18] |= _ONE << np.uint64((place >> 12) & 63)


@helper
def leave_lowest(place, words, groups, supergroups):
    """Give back the lowest place taken; returns the next, or one beyond the last bit of the bitmap."""
    word, group, supergroup = place >> 6, place >> 12, place >> 18
    words[word] &= words[word] - _ONE
    if words[word] == 0:
        groups[group] &= groups[group] - _ONE
        if groups[group] == 0:
            supergroups[supergroup] &= supergroups[supergroup] - _ONE
            while supergroup < supergroups.size and supergroups[supergroup] == 0:
                supergroup += 1
            if supergroup == supergroups.size:
                return supergroup << 18
            group = (supergroup << 6) + trailing_zeros(supergroups[supergroup])
        word = (group << 6) + trailing_zeros(groups[group])
    return (word << 6) + trailing_zeros(words[word])
