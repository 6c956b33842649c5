"""What handing work to another thread costs, and what an import costs."""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np

import smalti
from smalti.kernels._jit import kernel
from smalti.kernels._parallel import chunked

from .harness import Case, Seconds, row


def _touch(lo, hi, visits):
    for i in range(lo, hi):
        visits[i] += 1


_touch_together, _touch_alone = chunked(_touch), kernel(_touch)


@row("hand-off", pause=["back to back", "after 5 ms of sleep"])
def hand_off(pause):
    """A launch that has next to nothing to do: all of its time is the hand-off."""
    n = max(3, smalti.get_num_threads())
    visits = np.zeros(n, np.int64)
    executor = ThreadPoolExecutor(n - 1)

    def timed(call):
        def wait_and_call():
            time.sleep(0.005)
            start = time.perf_counter()
            call()
            return Seconds(time.perf_counter() - start)

        return call if pause == "back to back" else wait_and_call

    def launch():
        _touch_together(n, visits, grain=1)

    def submit():
        futures = [executor.submit(_touch_alone, i, i + 1, visits) for i in range(1, n)]
        _touch_alone(0, 1, visits)
        for future in futures:
            future.result()

    def check(ours, theirs):
        if visits.min() != visits.max():
            raise AssertionError(f"items were visited {visits} times")

    return Case(timed(launch), check, {"ThreadPoolExecutor": timed(submit)})


@row("import", "over numba", what=["smalti", "smalti.kernels", "smalti.segment", "smalti.gan"])
def import_time(what):
    """Seconds of an import in a new process that has imported numba already."""

    code = f"import time, numba; t = time.perf_counter(); import {what}; print(time.perf_counter() - t)"

    def call():
        return Seconds(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout)

    def check(ours, theirs):
        if what == "smalti" and ours > 0.15:
            raise AssertionError(f"import smalti takes {ours:.3f} s over numba")

    return Case(call, check)
