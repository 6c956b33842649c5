"""Settings of all tests. The kernels run compiled, with bounds checks, or as plain Python, by Numba's variables."""

import os
import signal

import hypothesis
import pytest

from smalti.kernels import _jit

hypothesis.settings.register_profile(
    "smalti",
    deadline=None,  # a first call compiles
    derandomize="CI" in os.environ,
    suppress_health_check=[hypothesis.HealthCheck.too_slow, hypothesis.HealthCheck.data_too_large],
)
hypothesis.settings.load_profile("smalti")

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it, and its children too


def pytest_configure(config):
    if not _jit.JIT:  # NumPy warns where compiled code computes on, to infinity or NaN or in lanes that nobody reads
        quiet = "ignore:(overflow|invalid value|divide by zero|underflow) encountered:RuntimeWarning"
        config.addinivalue_line("filterwarnings", quiet)


def pytest_report_header():
    mode = "compiled" if _jit.JIT else "plain Python"
    checks = ", bounds checked" if _jit.JIT and _jit.config.BOUNDSCHECK else ""
    return f"smalti: kernels {mode}{checks}, cache {_jit.cache_directory()}"


def pytest_collection_modifyitems(items):
    if not _jit.JIT:
        skip = pytest.mark.skip(reason="needs compiled kernels")
        for item in items:
            if "compiled" in item.keywords:
                item.add_marker(skip)
