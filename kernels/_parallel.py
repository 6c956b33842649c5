"""One parallel loop: fixed chunks, one pool of threads, the same bits for any number of threads.

A kernel that runs in parallel is a function over a range of items::

    @chunked
    def _scale(lo, hi, x, out):          # Requires: items lo..hi-1 of out are written by nobody else
        for i in range(lo, hi):
            out[i] = 2 * x[i]

    _scale(n, x, out, grain=chunk_size(nanoseconds_per_item))

The chunks are ``[0, grain), [grain, 2 grain), ...``, whatever the number of threads; each output element has
one writer; a kernel that sums leaves one partial result for each chunk (``lo // grain`` is its number) to be
combined in order. Hence results do not depend on the number of threads.

How a launch works. Every participating thread enters compiled code once, without the GIL, and there does the
chunks of its own share, drawn one by one from an atomic counter, and then what is left of the others' shares.
Shares are equal runs of neighbouring chunks, in the order of the threads: so a thread mostly finds in its
caches what it wrote in the launch before; to fetch it from another core's can cost more than from memory. The
caller takes part and leaves when every thread that drew a chunk has finished it; threads that come late find
nothing to do. An idle worker watches for the next launch in compiled code for a moment (`_SPIN_SECONDS`)
before it sleeps on a semaphore, because waking a sleeping thread costs as much as 4 MB of memory traffic and
networks launch kernels back to back. The launch is announced by the caller's own compiled code, after it has
let go of the GIL, so that a watching worker never has to wait for it.

A launch runs on the caller alone where it is small, where the pool is busy (another caller's launch, or a
launch from within a kernel's caller), or in a child process until it makes its own pool. Same chunks, same
bits.
"""

import functools
import os
import platform
import threading
import time

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils

from ._jit import FAST, JIT, helper, kernel, primitive

_CHUNK_NANOSECONDS = 20_000
_SPIN_SECONDS = 300e-6

# A launch's state: how many threads are active, then how many chunks were drawn of each share. These counters are a
# cache line apart, so that drawing a chunk does not disturb the others.
_ACTIVE, _LINE = 0, 8


def chunk_size(nanoseconds):
    """Items for one chunk, from the estimated time of one item on one core."""
    return max(1, int(_CHUNK_NANOSECONDS / max(nanoseconds, 1e-3)))


def chunked(function=None, *, fastmath=FAST):
    """Make ``function(lo, hi, *args)`` a parallel loop: call the result as ``f(n, *args, grain=g)``.

    Requires: `args` are contiguous arrays and scalars; the function writes for each item only what belongs to
    it (or to its chunk), and raises nothing.
    """
    if function is None:
        return functools.partial(chunked, fastmath=fastmath)
    body = helper(function, fastmath=fastmath, allocates=True)

    def run_chunks(state, ticket, number, thread, spins, n, grain, *args):
        if thread == 0:
            _atomic_store(ticket, 0, number)
        _atomic_add(state, _ACTIVE, 1)
        chunks, shares = (n + grain - 1) // grain, state.size // _LINE - 1
        for turn in range(shares):
            share = (thread + turn) % shares
            first, last = share * chunks // shares, (share + 1) * chunks // shares
            while True:
                lo = (first + _atomic_add(state, (share + 1) * _LINE, 1)) * grain
                if lo >= last * grain:
                    break
                body(lo, min(lo + grain, n), *args)
        _atomic_add(state, _ACTIVE, -1)
        # The caller waits for the others' last chunks, a worker for the next launch, both without the GIL:
        # taking it here would make the other thread sleep.
        for _ in range(spins):
            if thread == 0:
                if _atomic_load(state, _ACTIVE) == 0:
                    break
            elif _atomic_load(ticket, 0) != number:
                break
            _pause()

    run_chunks.__qualname__ = f"{function.__qualname__}.chunks"
    run_chunks.__name__ = function.__name__
    run_chunks.__module__ = function.__module__
    run_chunks = kernel(run_chunks, fastmath=fastmath)

    @functools.wraps(function)
    def launch(n, *args, grain):
        _pool.run(run_chunks, n, grain, args)

    launch.kernel = body
    return launch


def set_num_threads(n):
    """Set how many threads the kernels of this process use. Results do not depend on it.

    Parameters
    ----------
    n : int
        At least 1. More than the number of cores is allowed, but slower.
    """
    if isinstance(n, bool) or not isinstance(n, (int, np.integer)):
        raise TypeError(f"set_num_threads: n must be an int, got {type(n).__name__}")
    if not 1 <= n <= 1024:
        raise ValueError(f"set_num_threads: n must be from 1 to 1024, got {n}")
    _pool.n_threads = int(n)


def get_num_threads():
    """The number of threads that kernels use.

    From `set_num_threads`, else ``SMALTI_NUM_THREADS``, else the cores this process may use (its affinity and
    its control group's quota).
    """
    return _pool.n_threads


def _default_num_threads():
    text = os.environ.get("SMALTI_NUM_THREADS")
    if text:
        if not text.isdecimal() or not 1 <= int(text) <= 1024:
            raise ValueError(f"SMALTI_NUM_THREADS must be a whole number from 1 to 1024, got {text!r}")
        return int(text)
    return _available_cores()


def _available_cores():
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # not on Linux
        cores = os.cpu_count() or 1
    return max(1, min(cores, _cgroup_quota() or cores))


def _cgroup_quota():
    """CPUs that the control group grants, rounded up, or None where there is no limit."""
    try:
        with open("/sys/fs/cgroup/cpu.max") as file:
            quota, period = file.read().split()
    except (OSError, ValueError):
        try:
            with open("/sys/fs/cgroup/cpu/cpu.cfs_quota_us") as file:
                quota = file.read().strip()
            with open("/sys/fs/cgroup/cpu/cpu.cfs_period_us") as file:
                period = file.read().strip()
        except OSError:
            return None
    if quota in ("max", "-1") or not quota.isdecimal() or not period.isdecimal():
        return None
    return max(1, -(-int(quota) // int(period)))


class _Pool:
    """The worker threads of this process, and the one launch they may be busy with."""

    def __init__(self, n_threads):
        self.n_threads = n_threads
        self.forget_threads()

    def forget_threads(self):
        """Begin anew, as a forked child must: it has none of the threads, and may have inherited a held lock."""
        self.n_cores = _available_cores()
        self.busy = threading.Lock()  # held by the caller whose launch has the pool
        self.workers = []
        self.ticket = np.zeros(1, np.int64)  # number of the newest launch; compiled code announces it here
        self.launch = (0, None)  # the same number, and what a worker calls to take part
        self.spins = None

    def run(self, run_chunks, n, grain, args):
        helpers = min(self.n_threads - 1, -(-n // grain) - 1) if JIT and n > 2 * grain else 0
        if helpers < 1 or not self.busy.acquire(blocking=False):
            alone = _new_state(1)
            run_chunks(alone, alone, 0, 1, 0, n, grain, *args)
            return
        try:
            self._run_together(run_chunks, n, grain, args, helpers)
        finally:
            self.launch = (self.launch[0], None)
            self.busy.release()

    def _run_together(self, run_chunks, n, grain, args, helpers):
        state = _new_state(helpers + 1)
        number = self.launch[0] + 1
        spins = self._affordable_spins()
        errors = []

        def take_part(thread):
            try:
                run_chunks(state, self.ticket, number, thread, spins, n, grain, *args)
            except BaseException as error:
                errors.append(error)
                _abandon(state, n)

        self.launch = (number, take_part)
        try:
            self._wake(helpers)
            run_chunks(state, self.ticket, number, 0, spins, n, grain, *args)
        except Exception:
            _abandon(state, n)
            raise
        finally:
            # Also after an exception or Ctrl-C: nobody may still be writing when this returns.
            while state[_ACTIVE] > 0:
                _yield_core()
        if errors:
            raise errors[0]

    def _affordable_spins(self):
        """How many pauses fit into `_SPIN_SECONDS`; few where threads outnumber the cores."""
        if self.n_threads > self.n_cores:
            return 50
        if self.spins is None:
            _spin(10)
            start = time.perf_counter()
            _spin(1000)
            self.spins = int(1000 * _SPIN_SECONDS / (time.perf_counter() - start)) + 1
        return self.spins

    def _wake(self, helpers):
        while len(self.workers) < helpers:
            worker = _Worker(self, len(self.workers) + 1)
            try:
                worker.thread.start()
            except RuntimeError:  # no more threads to be had, or the interpreter is shutting down
                break
            self.workers.append(worker)
        for worker in self.workers[:helpers]:
            if worker.asleep:
                worker.asleep = False
                worker.bell.release()


class _Worker:
    def __init__(self, pool, number):
        self.pool = pool
        self.number = number  # the caller is thread 0
        self.asleep = False
        self.bell = threading.Semaphore(0)
        self.thread = threading.Thread(target=self._loop, name="smalti", daemon=True)

    def _loop(self):
        seen = 0
        while True:
            if self.pool.launch[0] != seen:
                seen, take_part = self.pool.launch
                if take_part is not None:
                    take_part(self.number)
                take_part = None  # keeps the launch's arrays alive otherwise
                continue
            # Say "asleep" first and look once more then: the caller publishes first and looks at `asleep`
            # then, so one of the two always sees the other.
            self.asleep = True
            if self.pool.launch[0] != seen:
                self.asleep = False
                continue
            self.bell.acquire()


def _new_state(shares):
    return np.zeros((shares + 1) * _LINE, np.int64)


def _yield_core():
    if hasattr(os, "sched_yield"):
        os.sched_yield()
    else:
        time.sleep(0)


def _slot(context, builder, array_type, array, index):
    return builder.gep(context.make_array(array_type)(context, builder, array).data, [index])


def _atomic_add_twin(array, index, value):
    old = array[index]
    array[index] += value
    return old


@primitive(twin=_atomic_add_twin)
def _atomic_add(typing_context, array, index, value):
    """Add to an int64 element, return what it was."""

    def codegen(context, builder, signature, args):
        pointer = _slot(context, builder, signature.args[0], args[0], args[1])
        return builder.atomic_rmw("add", pointer, args[2], "seq_cst")

    return types.int64(array, types.intp, types.int64), codegen


@primitive(twin=lambda array, index: array[index])
def _atomic_load(typing_context, array, index):
    def codegen(context, builder, signature, args):
        return builder.load_atomic(_slot(context, builder, signature.args[0], *args), "seq_cst", 8)

    return types.int64(array, types.intp), codegen


@primitive(twin=lambda array, index, value: array.__setitem__(index, value))
def _atomic_store(typing_context, array, index, value):
    def codegen(context, builder, signature, args):
        pointer = _slot(context, builder, signature.args[0], args[0], args[1])
        builder.store_atomic(args[2], pointer, "seq_cst", 8)
        return context.get_dummy_value()

    return types.void(array, types.intp, types.int64), codegen


def _atomic_replace_twin(array, index, old, new):
    if array[index] != old:
        return False
    array[index] = new
    return True


@primitive(twin=_atomic_replace_twin)
def atomic_replace(typing_context, array, index, old, new):
    """Put `new` where an int64 element is `old`, whatever other threads do; returns whether it was."""

    def codegen(context, builder, signature, args):
        pointer = _slot(context, builder, signature.args[0], args[0], args[1])
        return builder.extract_value(builder.cmpxchg(pointer, args[2], args[3], "seq_cst", "seq_cst"), 1)

    return types.boolean(array, types.intp, types.int64, types.int64), codegen


@primitive(twin=lambda: None)
def _pause(typing_context):
    """Tell the core that this is a waiting loop."""

    def codegen(context, builder, signature, args):
        machine = platform.machine().lower()
        if machine in ("x86_64", "amd64"):
            hint = ir.FunctionType(ir.VoidType(), [])
            builder.call(cgutils.get_or_insert_function(builder.module, hint, "llvm.x86.sse2.pause"), [])
        elif machine in ("aarch64", "arm64"):
            hint = ir.FunctionType(ir.VoidType(), [ir.IntType(32)])
            function = cgutils.get_or_insert_function(builder.module, hint, "llvm.aarch64.hint")
            builder.call(function, [ir.Constant(ir.IntType(32), 1)])
        return context.get_dummy_value()

    return types.void(), codegen


@kernel
def _spin(count):
    for _ in range(count):
        _pause()


@kernel
def _abandon(state, n):
    """After an error within a chunk: this thread has left, and the others find no more chunks."""
    for k in range(_LINE, state.size, _LINE):
        _atomic_store(state, k, n)
    _atomic_add(state, _ACTIVE, -1)


_pool = _Pool(_default_num_threads())
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.forget_threads)
