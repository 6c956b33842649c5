"""What the tests share: layouts of arrays, guarded memory, determinism, data."""

import ctypes
import dataclasses
import hashlib
import mmap
import os
import signal
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import smalti

ROOT = Path(__file__).resolve().parent.parent
THREADS = (1, 2, 3, 5)
LAYOUTS = ("C", "transposed", "strided", "negative", "read-only", "swapped bytes", "unaligned")


# Layouts


def laid_out(array, layout):
    """The same values and shape in another memory layout."""
    array = np.ascontiguousarray(array).reshape(array.shape)
    if layout == "transposed":
        return array.T.copy().T
    if layout == "strided":
        wide = np.zeros((*array.shape, 2), array.dtype)
        wide[..., 0] = array
        return wide[..., 0]
    if layout == "negative":
        back = (slice(None, None, -1),) * array.ndim
        return array[back].copy()[back]
    if layout == "read-only":
        array = array.copy()
        array.flags.writeable = False
        return array
    if layout == "swapped bytes":
        return array.astype(array.dtype.newbyteorder())
    if layout == "unaligned":
        memory = np.zeros(array.nbytes + 1, np.uint8)
        view = memory[1:].view(array.dtype).reshape(array.shape)
        view[...] = array
        return view
    return array.copy()


def check_layouts(function, *arrays):
    """`function(*arrays)` gives the same bits for every layout of its arrays and modifies none of them."""
    expected = fingerprint(function(*map(np.ascontiguousarray, arrays)))
    for layout in LAYOUTS:
        variants = [laid_out(a, layout) for a in arrays]
        assert fingerprint(function(*variants)) == expected, f"layout {layout!r} gives another result"
        for variant, array in zip(variants, arrays, strict=True):
            np.testing.assert_array_equal(variant, array, err_msg=f"input was modified, layout {layout!r}")


# Determinism


def fingerprint(result):
    """A hash of all arrays and numbers in a result: tuples, lists, dicts and dataclasses are walked."""
    digest = hashlib.sha256()
    for leaf in _leaves(result):
        array = np.asarray(leaf)
        digest.update(f"{array.dtype.str} {array.shape} ".encode() + array.tobytes())
    return digest.hexdigest()


def _leaves(result):
    if dataclasses.is_dataclass(result):
        result = [getattr(result, f.name) for f in dataclasses.fields(result)]
    if isinstance(result, dict):
        result = [part for key in sorted(result) for part in (key, result[key])]
    if isinstance(result, (tuple, list)):
        for part in result:
            yield from _leaves(part)
    else:
        yield result


def bit_identical_for_threads(function, threads=THREADS):
    """`function()` gives the same bits for any number of threads; returns its result."""
    before = smalti.get_num_threads()
    try:
        results = {}
        for n in threads:
            smalti.set_num_threads(n)
            results[n] = function()
        prints = {n: fingerprint(r) for n, r in results.items()}
    finally:
        smalti.set_num_threads(before)
    assert len(set(prints.values())) == 1, f"results differ between numbers of threads: {prints}"
    return results[threads[0]]


def bit_identical_for_callers(function, callers=8, calls=3):
    """Concurrent callers and a forked child get the bits of a lone caller."""
    expected = fingerprint(function())
    with ThreadPoolExecutor(callers) as pool:
        prints = list(pool.map(lambda _: fingerprint(function()), range(callers * calls)))
    assert set(prints) == {expected}, "concurrent callers get another result"
    if hasattr(os, "fork"):
        assert in_fork(lambda: fingerprint(function())) == expected, "a forked child gets another result"


def in_fork(function, seconds=60):
    """The string that `function` returns in a forked child; a child that hangs is killed by an alarm."""
    reader, writer = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # forking with threads is what is tested
        child = os.fork()
    if child == 0:
        try:
            signal.alarm(seconds)
            os.close(reader)
            os.write(writer, function().encode())
            os._exit(0)
        except BaseException as error:
            os.write(writer, repr(error).encode())
            os._exit(1)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        answer = pipe.read().decode()
    _, status = os.waitpid(child, 0)
    assert status == 0, f"the forked child ended with status {status}: {answer}"
    return answer


# Memory

posix = pytest.mark.skipif(os.name != "posix", reason="needs mprotect")


def guarded(array, side="end"):
    """A copy that ends exactly at a page that nobody may touch, or with side="start" begins right after one.

    One element too far is a segmentation fault. Mark the test with `posix`; see `run_alone`.
    """
    array = np.ascontiguousarray(array)
    page = mmap.PAGESIZE
    size = -(-max(array.nbytes, 1) // page) * page
    memory = mmap.mmap(-1, size + page)
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mprotect.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    offset = size - array.nbytes if side == "end" else page
    copy = np.frombuffer(memory, array.dtype, array.size, offset).reshape(array.shape)
    copy[...] = array
    no_access = 0  # PROT_NONE
    if libc.mprotect(address + (size if side == "end" else 0), page, no_access):
        raise OSError(ctypes.get_errno(), "mprotect failed")
    return copy


def run_alone(function, seconds=300, env=None):
    """Call a function of a test module in a process of its own, where a crash is a failure and nothing more."""
    code = f"from {function.__module__} import {function.__qualname__} as f; f()"
    return run_python("-X", "faulthandler", "-c", code, seconds=seconds, env=env)


def run_python(*arguments, seconds=300, env=None, cwd=ROOT, check=True):
    """Run this Python in a process of its own; returns the finished process with its text."""
    done = subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=cwd, env={**os.environ, **(env or {})}, capture_output=True, text=True, timeout=seconds,
    )  # fmt: skip
    if check:
        assert done.returncode == 0, f"exit status {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


# Data


def data(*parts):
    """Path of a file of the test data; without it the test is skipped.

    The data lie in ``$SMALTI_TEST_DATA``, or in ``shared/data`` beside the checkout.
    """
    folder = os.environ.get("SMALTI_TEST_DATA") or ROOT.parent / "shared" / "data"
    path = Path(folder, *parts)
    if not path.exists():
        pytest.skip(f"no {Path(*parts)} in {folder}; set SMALTI_TEST_DATA")
    return path
