"""Rows of the benchmark: verified first, then timed in turn with their peers.

A row is a function that prepares its data and returns a `Case`. What is reported of each contestant is the
median over rounds and the spread between the quartiles; in each round every contestant takes its turn, so that
whatever else the machine does hits all of them. The ratio is the best peer's median over ours: above 1 we are
faster. The first call, which compiles, is timed apart.

Where a row states its arithmetic, or what it must read, the machine's limits take their turns as well: so many
multiply-adds in registers, and a copy that moves as many bytes. Our share of a limit is its time over ours.
"""

import ctypes
import functools
import gc
import importlib
import inspect
import itertools
import math
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

import smalti

from .limits import copy, fma_peak

ROWS: list["Row"] = []

_MIN_SAMPLE = 2e-3  # seconds; shorter calls are repeated within a sample
_SETTLE = 0.02  # seconds of calls before each that is timed: threads of a library that was busy spin for a while
_SLOW = 0.2  # seconds; a call that takes longer does not need that
_MIN_ROUNDS, _MAX_ROUNDS = 7, 60
_ROUNDS_OF_SLOW = 3  # of rows of which one round takes longer than the time for the row
_PEAK_FLOPS = 1e9  # for a measurement of the peak
_PR_SET_THP_DISABLE = 41  # of Linux


class Seconds(float):
    """What a call returns that has measured itself, where the time on the clock is not what is wanted."""


@dataclass
class Case:
    """The contestants of a row, and what makes their results right.

    `check(ours, theirs)` raises AssertionError; `theirs` maps names of peers to their results. A peer that is
    None is not installed. Peers in `unlike` do something similar, not the same: they take no part in the check, and the
    ratio is to one of them only where there is no other.
    `flops` is the arithmetic of one call; `reads` is the array that it must read, if the bytes that it must move are
    those and the bytes of its result.
    """

    ours: Callable[[], Any]
    check: Callable[[Any, dict[str, Any]], None]
    peers: dict[str, Callable[[], Any] | None] = field(default_factory=dict)
    unlike: tuple[str, ...] = ()
    flops: float | None = None
    reads: np.ndarray | None = None


@dataclass
class Row:
    """`sized` rows are of a picture: `prepare` takes its size, which `at` fixes."""

    group: str
    name: str
    detail: str
    prepare: Callable[..., Case]
    sized: bool = False
    pixels: int | None = None

    def at(self, height, width):
        detail = ", ".join(filter(None, [f"{height}x{width}", self.detail]))
        prepare = functools.partial(self.prepare, size=(height, width))
        return replace(self, detail=detail, prepare=prepare, sized=False, pixels=height * width)


def row(name, *details, **choices):
    """Register a function that makes a `Case`; with `choices`, one row for each of them.

    ``@row("conv2d", shape=SHAPES)`` registers ``f(shape=s)`` for each s of SHAPES; the detail is then str(s). A
    function with a parameter ``size`` that is no choice is given the size of the picture, (height, width).
    """

    def register(function):
        group = function.__module__.rpartition(".")[2]
        sized = "size" in inspect.signature(function).parameters.keys() - choices.keys()
        for values in itertools.product(*choices.values()):
            given = dict(zip(choices, values, strict=True))
            text = ", ".join([*details, *map(str, values)])
            ROWS.append(Row(group, name, text, functools.partial(function, **given), sized))
        return function

    return register


def peer(module):
    """A peer's module, or None where it is not installed."""
    try:
        return importlib.import_module(module)
    except ImportError:
        return None


def set_threads(n):
    """Give smalti and every peer that is installed the same number of threads."""
    smalti.set_num_threads(n)
    if torch := peer("torch"):
        torch.set_num_threads(n)
    if cv2 := peer("cv2"):
        cv2.setNumThreads(n)
    if pools := peer("threadpoolctl"):
        for module in ("scipy.linalg", "sklearn.cluster"):
            peer(module)  # loads the libraries that are to be limited
        pools.threadpool_limits(n)


def measure(row, seconds):
    """Verify a row and time it for about so many seconds; everything that is known of it, as a dict."""
    case = row.prepare()
    start = time.perf_counter()
    result = case.ours()
    first_call = result if isinstance(result, Seconds) else time.perf_counter() - start
    peers = {name: call for name, call in case.peers.items() if call is not None}
    case.check(result, {name: call() for name, call in peers.items() if name not in case.unlike})
    contestants = {"smalti": case.ours, **peers}
    limits = {}
    if case.flops:
        call, flops = fma_peak(_PEAK_FLOPS)
        limits["FMA peak"] = call, case.flops / flops
    if case.reads is not None:
        limits["bandwidth"] = copy(case.reads.nbytes + _nbytes(result)), 1.0
    del result
    samples = _time_in_turn({**contestants, **{name: call for name, (call, _) in limits.items()}}, seconds)

    medians = {name: statistics.median(times) for name, times in samples.items()}
    alike = [name for name in peers if name not in case.unlike]
    best = min(alike or peers, key=medians.__getitem__, default=None)
    return {
        "group": row.group, "name": row.name, "detail": row.detail, "threads": smalti.get_num_threads(),
        "first_call": first_call, "rounds": len(samples["smalti"]), "flops": case.flops,
        "missing": [name for name, call in case.peers.items() if call is None],
        "unlike": [name for name in case.unlike if name in peers],
        "best_peer": best, "ratio": best and medians[best] / medians["smalti"],
        "times": {name: _quartiles(samples[name]) for name in contestants},
        "limits": {name: medians[name] * scale / medians["smalti"] for name, (_, scale) in limits.items()},
        "memory": {name: peak_memory(call) / row.pixels for name, call in contestants.items()}
        if row.pixels and sys.platform == "linux" else {},
    }  # fmt: skip


def _nbytes(result):
    return sum(map(_nbytes, result)) if isinstance(result, (tuple, list)) else np.asarray(result).nbytes


def peak_memory(call):
    """By how many bytes a call makes this process grow at the most, its result included. Linux.

    At least the result's own: a library that keeps its last result until the next call does not grow by it.
    """
    libc = ctypes.CDLL(None)
    smalti.nn.release_memory()
    libc.malloc_trim(0)  # what was freed before shall not serve again unseen
    libc.prctl(_PR_SET_THP_DISABLE, 1, 0, 0, 0)  # huge pages round up
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak that there was
    before = _status("VmRSS")
    result = call()
    peak = _status("VmHWM")
    libc.prctl(_PR_SET_THP_DISABLE, 0, 0, 0, 0)
    return max(peak - before, _nbytes(result))


def _status(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(name))


def _time_in_turn(calls, seconds):
    repeats, once, total = {}, {}, 0.0
    for name, call in calls.items():
        once[name] = _sample(call, 1)
        repeats[name] = 1 if once[name] > _MIN_SAMPLE else math.ceil(_MIN_SAMPLE / max(once[name], 1e-7))
        total += once[name] * repeats[name] + (max(once[name], _SETTLE) if once[name] < _SLOW else 0)
    least = _MIN_ROUNDS if total < seconds else _ROUNDS_OF_SLOW
    rounds = max(least, min(_MAX_ROUNDS, round(seconds / total)))
    samples = {name: [] for name in calls}
    order = list(calls)
    gc.collect()
    gc.disable()
    try:
        for _ in range(rounds):
            for name in order:
                if once[name] < _SLOW:
                    _settle(calls[name])
                samples[name].append(_sample(calls[name], repeats[name]))
            order.append(order.pop(0))
    finally:
        gc.enable()
    return samples


def _settle(call):
    """Bring its data into the caches, its threads to work, and the other libraries' threads to sleep."""
    end = time.perf_counter() + _SETTLE
    call()
    while time.perf_counter() < end:
        call()


def _sample(call, repeats):
    start = time.perf_counter()
    for _ in range(repeats):
        result = call()
    elapsed = (time.perf_counter() - start) / repeats
    return float(result) if isinstance(result, Seconds) else elapsed


def _quartiles(times):
    return dict(zip(("low", "median", "high"), map(float, np.percentile(times, (25, 50, 75))), strict=True))


def close(tolerance, reduce=None):
    """A check: every peer's result is within `tolerance` of ours, relative to the largest magnitude."""

    def check(ours, theirs):
        ours = np.asarray(ours, np.float64)
        for name, other in theirs.items():
            other = np.asarray(other if reduce is None else reduce(name, other), np.float64)
            if ours.shape != other.shape:
                raise AssertionError(f"shape {ours.shape}, {name} has {other.shape}")
            error = float(np.abs(ours - other).max() / max(np.abs(other).max(), 1e-30))
            if not error <= tolerance:
                raise AssertionError(f"differs from {name} by {error:.2g} of the largest value")

    return check


USUAL = (1024, 1536)


def picture(height=USUAL[0], width=USUAL[1], seed=0):
    """Something like a photograph, uint8 RGB: soft areas at all scales, a few edges, a little noise.

    What is larger than the usual size repeats itself.
    """
    image = _drawn(min(height, USUAL[0]), min(width, USUAL[1]), seed)
    copies = (-(-height // image.shape[0]), -(-width // image.shape[1]), 1)
    return np.ascontiguousarray(np.tile(image, copies)[:height, :width])


@functools.cache
def _drawn(height, width, seed):
    rng = np.random.default_rng(seed)
    image = np.zeros((height, width, 3))
    r, c = np.mgrid[:height, :width]
    for octave in range(2, 8):
        cells = rng.standard_normal((2**octave + 2, 2**octave + 2, 3)) / octave**1.5
        y, x = r * 2**octave / height, c * 2**octave / width
        i, j, fy, fx = y.astype(int), x.astype(int), (y % 1)[..., None], (x % 1)[..., None]
        image += (cells[i, j] * (1 - fy) + cells[i + 1, j] * fy) * (1 - fx)
        image += (cells[i, j + 1] * (1 - fy) + cells[i + 1, j + 1] * fy) * fx
    for _ in range(40):
        y, x, radius = rng.integers(height), rng.integers(width), rng.integers(20, 160)
        image[(r - y) ** 2 + (c - x) ** 2 < radius**2] += rng.standard_normal(3) / 2
    image += rng.standard_normal(image.shape) / 30
    low, high = np.percentile(image, (1, 99))
    return (255 * np.clip((image - low) / (high - low), 0, 1)).astype(np.uint8)
