"""Disjoint sets as a forest: `parents[i]` leads towards the root of i, which is its own parent.

Paths are halved on the way (Tarjan and van Leeuwen, "Worst-case analysis of set union algorithms", JACM 31(2), 1984).
"""

from ._jit import helper


@helper
def root(parents, i):
    while parents[i] != i:
        parents[i] = parents[parents[i]]
        i = parents[i]
    return i
