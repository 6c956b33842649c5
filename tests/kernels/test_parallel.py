"""The parallel loop: every item once, the same bits for any threads, safe to call from anywhere."""

import io
import os
import threading
import time
import weakref

import numpy as np
import pytest

import smalti
from smalti.kernels import _parallel
from smalti.kernels._parallel import chunk_size, chunked
from tests.helpers import THREADS, bit_identical_for_callers, bit_identical_for_threads, in_fork, run_alone, run_python

forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


@chunked
def _visit(lo, hi, visits):
    for i in range(lo, hi):
        visits[i] += 1


@chunked
def _partial_sums(lo, hi, x, sums, grain):
    total = x[lo] - x[lo]
    for i in range(lo, hi):
        total += x[i]
    sums[lo // grain] = total


def total(x, grain=1000):
    sums = np.zeros(-(-x.size // grain), x.dtype)
    _partial_sums(x.size, x, sums, grain, grain=grain)
    return sums


@chunked
def _begin_with_the_longest(lo, hi, lengths, out):
    for i in range(lo, hi):
        for j in range(lengths[i]):
            out[i] = out[i] * 0.5 + j


X = np.random.default_rng(0).standard_normal(20_001).astype(np.float32)


@pytest.mark.parametrize("n_threads", [*THREADS, 40])
def test_every_item_once(n_threads):
    before = smalti.get_num_threads()
    smalti.set_num_threads(n_threads)
    try:
        for n in (0, 1, 2, 3, 7, 64, 1001):
            for grain in (1, 2, 3, 64, 5000):
                visits = np.zeros(n, np.int64)
                _visit(n, visits, grain=grain)
                assert (visits == 1).all(), f"n={n}, grain={grain}"
    finally:
        smalti.set_num_threads(before)


def test_same_bits_for_any_threads():
    sums = bit_identical_for_threads(lambda: total(X))
    np.testing.assert_allclose(sums.sum(), X.sum(dtype=np.float64), rtol=1e-4)


def test_same_bits_for_any_caller():
    bit_identical_for_callers(lambda: total(X))


@pytest.mark.compiled
def test_many_launches_in_a_row():
    """Workers are found watching, falling asleep and asleep; no launch may miss or repeat a chunk."""
    visits = np.zeros(64, np.int64)
    launches = 20_000
    for _ in range(launches):
        _visit(64, visits, grain=8)
    assert (visits == launches).all()


@pytest.mark.compiled
@pytest.mark.compiled
def test_workers_that_have_finished_long_before_the_caller_keep_no_array_alive():
    lengths = np.zeros(40, np.int64)
    lengths[0] = 3_000_000  # mostly drawn by the caller, which comes first
    for _ in range(20):
        out = np.zeros(len(lengths))
        _begin_with_the_longest(len(lengths), lengths, out, grain=1)
        alive = weakref.ref(out)
        del out
        end = time.monotonic() + 10
        while alive() is not None and time.monotonic() < end:
            time.sleep(0.001)  # a worker may still be watching for the next launch
        assert alive() is None


def test_changing_threads_between_launches():
    before = smalti.get_num_threads()
    visits = np.zeros(64, np.int64)
    try:
        for i in range(2000):
            smalti.set_num_threads(1 + i % 4)
            _visit(64, visits, grain=4)
    finally:
        smalti.set_num_threads(before)
    assert (visits == 2000).all()


def test_busy_pool_is_not_waited_for():
    expected = total(X)
    with _parallel._pool.busy:
        np.testing.assert_array_equal(total(X), expected)


@forks
def test_fork_of_a_fork():
    expected = total(X).tobytes().hex()
    assert in_fork(lambda: in_fork(lambda: total(X).tobytes().hex())) == expected


def _fork_while_launching():
    """Children of a process whose other threads launch all the time inherit held locks and no workers."""
    stop = threading.Event()
    expected = total(X).tobytes()

    def launch():
        while not stop.is_set():
            total(X)

    threads = [threading.Thread(target=launch) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(20):
            assert in_fork(lambda: str(total(X).tobytes() == expected)) == "True"
    finally:
        stop.set()
        for thread in threads:
            thread.join()


@forks
def test_fork_while_launching():
    run_alone(_fork_while_launching, env={"SMALTI_NUM_THREADS": "3"})


def _launch_and_leave():
    smalti.set_num_threads(4)
    total(X)


def test_waiting_workers_do_not_hold_up_the_exit():
    run_alone(_launch_and_leave, seconds=60)


def _interrupted():
    import _thread
    import time

    smalti.set_num_threads(3)
    expected = total(X)
    for _ in range(20):
        try:
            timer = threading.Timer(0.005, _thread.interrupt_main)
            timer.start()
            start = time.perf_counter()
            while time.perf_counter() - start < 1:
                total(X)
        except KeyboardInterrupt:
            pass
        timer.join()
        assert (total(X) == expected).all()


def test_interrupt_leaves_the_pool_usable():
    run_alone(_interrupted, seconds=120)


def test_chunk_size():
    assert chunk_size(1e12) == 1
    assert chunk_size(0) >= 1_000_000
    assert chunk_size(20) == 1000


@pytest.mark.parametrize("n", [0, -1, 1025])
def test_threads_out_of_range(n):
    with pytest.raises(ValueError, match=f"set_num_threads: n must be .* got {n}"):
        smalti.set_num_threads(n)


@pytest.mark.parametrize("n", [2.0, "2", None, True])
def test_threads_of_another_type(n):
    with pytest.raises(TypeError, match="set_num_threads: n must be an int, got"):
        smalti.set_num_threads(n)


def test_set_num_threads():
    before = smalti.get_num_threads()
    try:
        smalti.set_num_threads(np.int64(3))
        assert smalti.get_num_threads() == 3
    finally:
        smalti.set_num_threads(before)


def test_environment_variable():
    code = "import smalti; print(smalti.get_num_threads())"
    assert run_python("-c", code, env={"SMALTI_NUM_THREADS": "7"}).stdout.strip() == "7"
    for text in ("0", "-1", "two", "1.5", "99999"):
        done = run_python("-c", code, env={"SMALTI_NUM_THREADS": text}, check=False)
        assert f"SMALTI_NUM_THREADS must be a whole number from 1 to 1024, got {text!r}" in done.stderr


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs sched_setaffinity")
def test_default_is_the_affinity():
    code = "import os, smalti; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); print(smalti.get_num_threads())"
    assert run_python("-c", code, env={"SMALTI_NUM_THREADS": ""}).stdout.strip() == "1"


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({"cpu.max": "150000 100000"}, 2),
        ({"cpu.max": "50000 100000"}, 1),
        ({"cpu.max": "max 100000"}, None),
        ({"cpu/cpu.cfs_quota_us": "400000", "cpu/cpu.cfs_period_us": "100000"}, 4),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, None),
        ({"cpu.max": "nonsense"}, None),
        ({}, None),
    ],
)
def test_control_group(monkeypatch, files, cores):
    def fake_open(path):
        name = path.removeprefix("/sys/fs/cgroup/")
        if name not in files:
            raise FileNotFoundError(path)
        return io.StringIO(files[name])

    monkeypatch.setattr(_parallel, "open", fake_open, raising=False)
    assert _parallel._cgroup_quota() == cores
