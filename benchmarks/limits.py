"""What the machine allows: multiply-adds in registers only, and copies of memory."""

import numpy as np

from smalti import get_num_threads
from smalti.kernels._image import is_large, write_line
from smalti.kernels._parallel import chunked
from smalti.kernels._simd import WIDTH, fma, hsum, splat

SUMS = 12  # independent sums: two multiply-adds start in each cycle, and each takes four
_STEPS = 20_000


@chunked
def _multiply_add(lo, hi, start, out):
    x, y = splat(start, start[0]), splat(start, start[1])
    for i in range(lo, hi):
        a = b = c = d = e = f = g = h = j = k = m = n = splat(start, start[2])
        for _ in range(_STEPS):
            a, b, c, d = fma(a, x, y), fma(b, x, y), fma(c, x, y), fma(d, x, y)
            e, f, g, h = fma(e, x, y), fma(f, x, y), fma(g, x, y), fma(h, x, y)
            j, k, m, n = fma(j, x, y), fma(k, x, y), fma(m, x, y), fma(n, x, y)
        out[i] = hsum(a + b + c + d + e + f + g + h + j + k + m + n)


def fma_peak(flops):
    """(call, how many): a call that does about so many operations in registers only, on every thread."""
    lanes = WIDTH // 32
    pieces = max(get_num_threads() * 4, round(flops / (2 * lanes * SUMS * _STEPS)))
    out, start = np.zeros(pieces, np.float32), np.array([0.5, 0.25, 0.1], np.float32)

    def call():
        _multiply_add(pieces, start, out, grain=1)
        return out

    return call, pieces * 2 * lanes * SUMS * _STEPS


@chunked
def _copy(lo, hi, source, large, out):
    write_line(source, lo, out, lo, hi - lo, large)


def copy(n_bytes):
    """A call that moves so many bytes: half are read, half are written into a new array."""
    source = np.zeros(max(1, n_bytes // 8), np.float32)

    def call():
        out = np.empty_like(source)
        _copy(source.size, source, is_large(out), out, grain=2**14)
        return out

    return call
