"""How time grows with pictures: ``python -m benchmarks scaling [NAME...] [--size HxW...] [--threads N...]``.

The nanoseconds that a pixel takes, for each row of regions and their graphs (or those named) whose picture may have any
size. Time is linear in pixels where they stay the same; small pictures, which the caches hold, may take less.
"""

import statistics
import time

import smalti

from . import graphs, regions  # noqa: F401  they register their rows
from .harness import ROWS, set_threads

SIZES = ((512, 512), (1024, 1536), (2000, 3000), (4000, 6000))
_CALLS = 3  # after one that compiles; their median counts


def main(names, sizes, threads):
    sizes = sizes or SIZES
    for n in threads or [smalti.get_num_threads()]:
        set_threads(n)
        heads = "".join(f"{f'{height}x{width}':>12}" for height, width in sizes)
        print(f"\n{f'{n} threads, ns a pixel':52}{heads}", flush=True)
        for row in ROWS:
            if row.sized and (not names or row.name in names):
                print(f"{f'{row.name} {row.detail}':52}", end="", flush=True)
                for size in sizes:
                    print(f"{nanoseconds(row, *size):12.1f}", end="", flush=True)
                print()
    return 0


def nanoseconds(row, height, width):
    """What one pixel takes."""
    case = row.at(height, width).prepare()
    case.ours()
    times = []
    for _ in range(_CALLS):
        start = time.perf_counter()
        case.ours()
        times.append(time.perf_counter() - start)
    return 1e9 * statistics.median(times) / (height * width)
