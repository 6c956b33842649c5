"""Memory for results: what one training step frees is there for the next.

A step asks for the same large arrays as the one before. From the system, each page of them costs a fault and is filled
with zeros first, and the GNU library gives blocks of more than 32 MB back as soon as they are freed: at 128x128 pixels
a fifth of a GAN's step. So large blocks are kept here.

Nothing is handed back: a block is free when nobody but this list knows it, because every array made of it, and every
view of one, holds a reference to it. Blocks that were free for long are let go when another size is asked for;
`release_memory` lets go of all that are free.
"""

import bisect
import math
import operator
import os
import sys
import threading

import numpy as np

from ._jit import kernel

_KEPT = 1 << 18  # bytes from which on a block is kept; allocating smaller ones is quick
_PATIENCE = 2000  # requests during which a block may be free, several steps of a large network
_LOOSE = 2  # a block serves requests down to its size divided by this
_LINE = 64


@kernel
def _to_cache_line(memory):
    """Bytes from the beginning of `memory` to the next cache line; compiled, this is quicker to ask than of NumPy."""
    return -memory.ctypes.data % 64


class _Block:
    """Memory, and where its first cache line begins."""

    __slots__ = ("memory", "size", "start", "references", "used")  # used: the number of the last request it met

    def __init__(self, size):
        self.size = size
        self.memory = np.empty(size + _LINE, np.uint8)
        self.start = _to_cache_line(self.memory)
        self.references = sys.getrefcount(self.memory)

    def is_free(self):
        return sys.getrefcount(self.memory) == self.references


class _Store:
    """The blocks, smallest first."""

    def __init__(self):
        self.blocks = []
        self.requests = 0
        self.begin_anew()

    def begin_anew(self):
        self.lock = threading.Lock()  # a forked child may have inherited a held one

    def array(self, shape, dtype, size):
        with self.lock:
            self.requests += 1
            fitting = (b for b in self.blocks if size <= b.size <= _LOOSE * size and b.is_free())
            block = next(fitting, None)
            if block is None:
                self.release(self.requests - _PATIENCE)
                block = _Block(size)
                bisect.insort(self.blocks, block, key=operator.attrgetter("size"))
            block.used = self.requests
            return np.ndarray(shape, dtype, block.memory, block.start)

    def release(self, last):
        """Let go of the free blocks that were last asked for before request `last`."""
        self.blocks = [b for b in self.blocks if b.used >= last or not b.is_free()]


_store = _Store()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_store.begin_anew)


def aligned_empty(shape, dtype):
    """An uninitialised array that begins at a cache line, so that no vector of it lies across two."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    if size >= _KEPT:
        return _store.array(shape, dtype, size)
    memory = np.empty(size + _LINE, np.uint8)
    return np.ndarray(shape, dtype, memory, _to_cache_line(memory))


def release_memory():
    """Return to the system the memory of results that are no longer in use; it is kept for the next ones otherwise."""
    with _store.lock:
        _store.release(math.inf)
