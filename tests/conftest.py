"""Settings of all tests. The kernels run compiled, with bounds checks, or as plain Python, by Numba's variables."""

import os

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
