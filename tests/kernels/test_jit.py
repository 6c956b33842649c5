"""The decorators: what fast-math may do, and that the cache can never run stale code."""

import math
import os
import textwrap
import time

import numpy as np
import pytest

from smalti.kernels import _jit
from tests.helpers import ROOT, run_python

HELPER = "from ._jit import helper\n\n@helper\ndef double(x):\n    return {factor} * x\n"
KERNEL = textwrap.dedent(
    """
    from ._jit import EXACT, FAST, kernel
    from .doubling import double

    @kernel
    def use(x):
        total = 0.0
        for i in range(x.size):
            total += double(x[i])
        return total

    def make(fastmath, constant):
        @kernel(fastmath=fastmath)
        def residue(x, y):
            return x * y - constant
        return residue

    @kernel
    def beyond(x, i):
        return x[i]
    """
)
RUN = "import numpy as np; from pkg.kernels import use; print(use(np.arange(4.0)), sum(use.stats.cache_hits.values()))"


@pytest.fixture
def package(tmp_path):
    """A package of its own with the house's decorators, a kernel and a helper in another file."""
    folder = tmp_path / "pkg"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "_jit.py").write_bytes((ROOT / "kernels" / "_jit.py").read_bytes())
    (folder / "doubling.py").write_text(HELPER.format(factor=2))
    (folder / "kernels.py").write_text(KERNEL)
    return folder


def run(package, code=RUN, **env):
    env = {"NUMBA_CACHE_DIR": str(package.parent / "cache"), "PYTHONDONTWRITEBYTECODE": "1", **env}
    return run_python("-c", code, cwd=package.parent, env=env).stdout.split()


def test_fastmath_sets_keep_nan_and_infinity():
    for flags in (_jit.FAST, _jit.ORDERED, _jit.EXACT):
        assert not flags & {"fast", "nnan", "ninf", "arcp", "afn"}

        @_jit.kernel(fastmath=flags)
        def count(x):
            n_nan = n_inf = 0
            for i in range(x.size):
                n_nan += math.isnan(x[i])
                n_inf += math.isinf(x[i])
            return n_nan, n_inf, x[0] != x[0], x.sum()

        n_nan, n_inf, differs, total = count(np.array([np.nan, np.inf, -np.inf, 1, np.nan], np.float32))
        assert (n_nan, n_inf, differs) == (2, 2, True)
        assert math.isnan(total)


def test_division_by_zero_is_infinite():
    @_jit.kernel
    def divide(x, y):
        return x / y

    with np.errstate(divide="ignore"):
        assert divide(np.float64(1.0), np.float64(0.0)) == math.inf


def test_options_are_stated_by_keyword():
    with pytest.raises(TypeError):
        _jit.kernel(lambda x: x, _jit.EXACT)


@pytest.mark.compiled
def test_second_process_loads_from_the_cache(package):
    assert run(package) == ["12.0", "0"]
    assert run(package) == ["12.0", "1"]


@pytest.mark.compiled
def test_edit_in_another_file_is_seen(package):
    assert run(package) == ["12.0", "0"]
    before = os.stat(package / "doubling.py")
    (package / "doubling.py").write_text(HELPER.format(factor=3))
    os.utime(package / "doubling.py", ns=(before.st_atime_ns, before.st_mtime_ns))  # same size and time
    assert run(package) == ["18.0", "0"]
    (package / "doubling.py").write_text(HELPER.format(factor=2))
    assert run(package) == ["12.0", "1"], "the first state's code is still there"


@pytest.mark.compiled
def test_fastmath_and_closures_are_part_of_the_key(package):
    code = """if True:
        from pkg.kernels import EXACT, FAST, make
        x = 1 + 2.0**-30
        kernels = [make(flags, constant) for flags in (EXACT, FAST) for constant in (1.0, x * x)]
        print(*[k(x, x) for k in kernels], sum(sum(k.stats.cache_hits.values()) for k in kernels))
    """
    *first, hits = run(package, code)
    assert hits == "0"
    x = 1 + 2.0**-30
    assert float(first[0]) == x * x - 1 and float(first[1]) == 0
    assert float(first[3]) in (0, 2.0**-60), "the rounding error, where the host has fused multiply-add"
    assert run(package, code) == [*first, "4"]


@pytest.mark.compiled
def test_bounds_checks_are_part_of_the_key(package):
    code = """if True:
        import numpy as np
        from pkg.kernels import beyond
        try:
            print(beyond(np.arange(8.0)[:4], 6))
        except IndexError:
            print("checked")
    """
    for _ in range(2):
        assert run(package, code, NUMBA_BOUNDSCHECK="0") == ["6.0"]
        assert run(package, code, NUMBA_BOUNDSCHECK="1") == ["checked"]


@pytest.mark.compiled
def test_damaged_files_are_compiled_again(package):
    run(package)
    files = list((package.parent / "cache").rglob("*.bin"))
    assert files
    for damage in (lambda blob: blob[: len(blob) // 2], lambda blob: b"", lambda blob: blob[:-1] + b"?"):
        for file in files:
            file.write_bytes(damage(file.read_bytes()))
        assert run(package) == ["12.0", "0"]
    assert run(package) == ["12.0", "1"]


@pytest.mark.compiled
def test_nothing_is_writable(package):
    (package / "__pycache__").touch()  # a file where a folder would be made
    nowhere = {"NUMBA_CACHE_DIR": "/dev/null/a", "HOME": "/dev/null/b", "XDG_CACHE_HOME": "/dev/null/c"}
    if os.name != "posix":
        pytest.skip("needs /dev/null")
    for _ in range(2):
        assert run(package, **nowhere) == ["12.0", "0"]


@pytest.mark.compiled
def test_falls_back_to_the_users_cache(package):
    if os.name != "posix":
        pytest.skip("needs /dev/null")
    home = package.parent / "home"
    places = {"NUMBA_CACHE_DIR": "/dev/null/a", "HOME": str(home), "XDG_CACHE_HOME": str(home / "cache")}
    assert run(package, **places) == ["12.0", "0"]
    assert run(package, **places) == ["12.0", "1"]
    assert list(home.rglob("use-*.bin"))


def test_plain_python(package):
    code = "import numpy as np; from pkg.kernels import use; print(use(np.arange(4.0)), type(use).__name__)"
    assert run(package, code, NUMBA_DISABLE_JIT="1") == ["12.0", "function"]
    assert not list(package.parent.rglob("*.bin"))


def test_old_generations_are_forgotten(tmp_path):
    for age in range(12):
        folder = tmp_path / f"{age:016d}"
        folder.mkdir()
        (folder / "x.bin").touch()
        os.utime(folder, (time.time() - 100 * age,) * 2)
    (tmp_path / "something else").mkdir()
    _jit._forget_old_generations(tmp_path / f"{11:016d}")
    left = sorted(p.name for p in tmp_path.iterdir())
    assert left == [*(f"{age:016d}" for age in range(7)), f"{11:016d}", "something else"]
