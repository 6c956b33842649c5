"""Memory that is used again: only when nothing looks at it any more, and not kept for ever."""

import os
import threading

import numpy as np
import pytest

from smalti.kernels import _memory
from smalti.kernels._memory import aligned_empty, release_memory

LARGE = (600, 700)


@pytest.fixture(autouse=True)
def empty_store():
    release_memory()
    yield
    release_memory()


def kept():
    return _memory._store.blocks


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32])
@pytest.mark.parametrize("shape", [(), (0, 4), (3, 5), (1, 1, 70_000), LARGE])
def test_arrays(shape, dtype):
    array = aligned_empty(shape, dtype)
    assert array.shape == shape and array.dtype == dtype and array.flags.carray
    assert array.ctypes.data % 64 == 0
    array[...] = 7
    assert (array == 7).all()


def test_memory_is_used_again():
    first = aligned_empty(LARGE, np.float32)
    address = first.ctypes.data
    second = aligned_empty(LARGE, np.float32)
    assert not np.shares_memory(first, second)
    del first
    third = aligned_empty((LARGE[0] // 2, LARGE[1]), np.float32)
    assert third.ctypes.data == address and len(kept()) == 2
    del third
    assert aligned_empty((LARGE[0] // 2 - 1, LARGE[1]), np.float32).ctypes.data != address  # too much would lie idle


def test_whatever_looks_at_memory_holds_it():
    array = aligned_empty(LARGE, np.float32)
    array[...] = 1
    looking = {
        "a view of a view": array[5:, ::2].T[3],
        "a buffer": memoryview(array),
        "another dtype": np.frombuffer(array, np.int32),
    }
    address = array.ctypes.data
    del array
    while looking:
        other = aligned_empty(LARGE, np.float32)
        assert other.ctypes.data != address
        looking.popitem()
    assert aligned_empty(LARGE, np.float32).ctypes.data == address


def test_memory_is_released():
    array = aligned_empty(LARGE, np.float32)
    aligned_empty((900, 900), np.float32)
    assert len(kept()) == 2
    release_memory()
    assert len(kept()) == 1
    del array
    release_memory()
    assert not kept()


def test_memory_that_is_free_for_long_is_let_go(monkeypatch):
    monkeypatch.setattr(_memory, "_PATIENCE", 10)
    aligned_empty(LARGE, np.float32)
    for _ in range(10):
        aligned_empty((900, 900), np.float64)
    assert len(kept()) == 2
    aligned_empty((2000, 900), np.float64)  # asks the system, and lets go of the first
    assert len(kept()) == 2


def test_threads_share_no_memory():
    wrong = []

    def work(number):
        for _ in range(300):
            array = aligned_empty(LARGE, np.float32)
            array[::100] = number
            if (array[::100] != number).any():
                wrong.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # a process with threads forks, on purpose
def test_a_forked_child_is_not_locked_out():
    with _memory._store.lock:
        child = os.fork()
        if child == 0:
            os._exit(0 if aligned_empty(LARGE, np.float32).size else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
