"""Large arrays: how to have the memory that one training step frees ready for the next."""

import numpy as np


def keep_freed_memory():
    """Make the C library keep freed memory instead of returning it to the system.

    A training step frees as many megabytes as the next one asks for. Returned to the system, each page costs a
    fault when it is touched again, up to a fifth of the time of a step. The GNU library learns from what is
    freed: blocks up to the size of the largest one seen (at most 32 MB) it serves from its heap, of which it then
    keeps twice that size. So it is shown one large block, whose pages are never touched. Other libraries
    are not affected.
    """
    np.empty(31 << 20, np.uint8)
