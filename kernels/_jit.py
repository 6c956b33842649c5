"""The only decorators: how every kernel of this library is compiled and cached.

Fast-math policy
----------------
A kernel states how much freedom the compiler has with its floating-point arithmetic:

- ``FAST`` (default): contraction into fused multiply-adds, reassociation, no signed zeros. Enough for
  sums and dot products to vectorise.
- ``ORDERED``: contraction only; sums keep the order in which they are written.
- ``EXACT``: nothing, every operation rounds as written.

The flags that assume away NaN and infinity are in none of them: a NaN in a picture must stay a NaN.

Cache
-----
Compiled code is kept on disk, one file for each signature, named by a hash of *everything* that went into
it: all sources of this package, the function and what its closure holds, the decorator's options, the
versions of Python, Numba and LLVM, the CPU, and the Numba settings that change code (bounds checks,
optimisation level, CPU features). Editing any file here, or any of those settings, names another file, so
stale code cannot be reached. Numba's own cache hashes only the function's own file and none of its options
(numba issue 1833). One file for each signature, replaced atomically, also avoids the shared index file that
two processes can leave inconsistent.

The directory is the first writable of ``$NUMBA_CACHE_DIR``, the user's cache directory and ``__pycache__``
beside this file; with none, kernels are compiled anew in each process.
"""

import functools
import hashlib
import os
import platform
import shutil
import sys
import tempfile
import types as pytypes
from pathlib import Path

import llvmlite
import numba
import numba.extending
from numba.core import config, types
from numba.core.caching import _Cache
from numba.core.serialize import dumps, loads
from numba.misc.appdirs import AppDirs

FAST = frozenset({"contract", "reassoc", "nsz"})
ORDERED = frozenset({"contract"})
EXACT: frozenset[str] = frozenset()

JIT = not config.DISABLE_JIT
"""False when NUMBA_DISABLE_JIT is set: every kernel then is its own Python source."""

_KEPT_GENERATIONS = 8  # cache directories of older sources that are kept before the oldest is removed


def kernel(function=None, *, fastmath=FAST):
    """Compile a function that Python calls with arrays and scalars. Runs without the GIL, cached on disk."""
    if function is None:
        return functools.partial(kernel, fastmath=fastmath)
    return _compile(function, fastmath, nogil=True)


def helper(function=None, *, fastmath=FAST, allocates=False):
    """Compile a function that only kernels call; it is inlined into them.

    Unless it `allocates` arrays it counts no references to those it is given, which its caller holds anyway: the
    counting is atomic, is not removed when a helper with branches is inlined, and can double the time of a loop.
    """
    if function is None:
        return functools.partial(helper, fastmath=fastmath, allocates=allocates)
    return _compile(function, fastmath, forceinline=True, no_cpython_wrapper=True, _nrt=allocates)


def primitive(twin):
    """Make a typing function of `numba.extending.intrinsic` an instruction for kernels, and `twin` its Python.

    Without the JIT the name stands for the twin, so that kernels run as plain Python.
    """

    def decorate(typing_function):
        return numba.extending.intrinsic(typing_function) if JIT else twin

    return decorate


def _compile(function, fastmath, **options):
    options.update(fastmath=set(fastmath), error_model="numpy")
    dispatcher = numba.njit(**options)(function)
    if JIT:
        # Sorted, because the order of a set differs between processes.
        dispatcher._smalti_options = sorted(map(repr, {**options, "fastmath": sorted(fastmath)}.items()))
        if options.get("forceinline"):
            _compile_only_into_callers(dispatcher)
        elif cache_directory() is not None:
            dispatcher._cache = _KernelCache(dispatcher)
    return dispatcher


def _compile_only_into_callers(dispatcher):
    """Spare a helper the two thirds of its compile time that only calls from Python would need.

    Numba makes machine code of every function at every level of calls. A helper needs only its LLVM code, to be linked
    into its callers, and one variant for an argument that one caller gives as a variable and another as a literal.
    """
    compiler, get_call_template = dispatcher._compiler, dispatcher.get_call_template
    customize_flags, compile_function = compiler._customize_flags, compiler.compile

    def without_machine_code(flags):
        flags = customize_flags(flags)
        flags.no_compile = True
        return flags

    def compile_and_register(args, return_type):
        result = compile_function(args, return_type)
        name = [].append  # callers look the helper up by an object of its own, of the type of a compiled function
        result.target_context.insert_user_function(name, result.fndesc, [result.library])
        return result._replace(entry_point=name)

    def without_literals(args, kws):
        plain = {key: types.unliteral(kind) for key, kind in kws.items()}
        return get_call_template(tuple(types.unliteral(kind) for kind in args), plain)

    compiler._customize_flags = without_machine_code
    compiler.compile = compile_and_register
    dispatcher.get_call_template = without_literals


@functools.cache
def cache_directory():
    """The directory of this generation of compiled kernels as a Path, or None where nothing is writable."""
    user = AppDirs("smalti", appauthor=False).user_cache_dir
    candidates = [Path(config.CACHE_DIR, "smalti")] if config.CACHE_DIR else []
    for base in [*candidates, Path(user), Path(__file__).parent / "__pycache__" / "smalti"]:
        try:
            base.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=base):
                return base / _generation()
        except OSError:
            continue
    return None


def _generation():
    """A hash of the package's sources and of every setting that changes compiled code."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("**/*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    settings = (
        sys.version, platform.machine(), numba.__version__, llvmlite.__version__,
        config.OPT, config.BOUNDSCHECK, config.DEBUGINFO_DEFAULT, config.LOOP_VECTORIZE, config.SLP_VECTORIZE,
        config.CPU_NAME, config.CPU_FEATURES, os.environ.get("SMALTI_SIMD"),
    )  # fmt: skip
    digest.update(repr(settings).encode())
    return digest.hexdigest()[:16]


def _identity(value):
    """What a function is, as text: the same text means the same machine code for the same signature."""
    function = getattr(value, "py_func", value)
    if not isinstance(function, pytypes.FunctionType):
        return repr(value)
    code = function.__code__
    file = Path(code.co_filename)
    source = b""
    if not file.is_relative_to(Path(__file__).parent) and file.is_file():
        source = file.read_bytes()  # a kernel defined outside this package
    parts = [
        function.__module__, function.__qualname__, code.co_firstlineno, code.co_code.hex(),
        getattr(value, "_smalti_options", ""), hashlib.sha256(source).hexdigest(),
        [_identity(cell.cell_contents) for cell in function.__closure__ or ()],
    ]  # fmt: skip
    return repr(parts)


class _KernelCache(_Cache):
    """One file for each compiled signature, named by a hash of all that determines its code."""

    def __init__(self, dispatcher):
        self._dispatcher = dispatcher
        self._directory = cache_directory()
        self._enabled = True

    @property
    def cache_path(self):
        return str(self._directory)

    def enable(self):
        self._enabled = True

    def disable(self):
        self._enabled = False

    def flush(self):
        """Nothing to forget: files of other code are never looked at."""

    def _path(self, signature, codegen):
        key = repr((_identity(self._dispatcher), signature, codegen.magic_tuple()))
        name = self._dispatcher.py_func.__name__
        return self._directory / f"{name}-{hashlib.sha256(key.encode()).hexdigest()[:24]}.bin"

    def load_overload(self, sig, target_context):
        if not self._enabled:
            return None
        target_context.refresh()
        try:
            blob = self._path(sig, target_context.codegen()).read_bytes()
        except OSError:
            return None
        digest, payload = blob[:32], blob[32:]
        if hashlib.sha256(payload).digest() != digest:
            return None  # truncated or damaged: compile again
        return numba.core.compiler.CompileResult._rebuild(target_context, *loads(payload))

    def save_overload(self, sig, data):
        if not self._enabled or data.library.has_dynamic_globals:
            return
        payload = dumps(data._reduce())
        try:
            if not self._directory.exists():
                self._directory.mkdir(parents=True, exist_ok=True)
                _forget_old_generations(self._directory)
            handle, temporary = tempfile.mkstemp(dir=self._directory, suffix=".tmp")
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(hashlib.sha256(payload).digest() + payload)
                os.replace(temporary, self._path(sig, data.codegen))
            except BaseException:
                os.unlink(temporary)
                raise
        except OSError:
            pass  # a full or vanished disk costs a compilation next time, nothing else


def _forget_old_generations(current):
    others = [d for d in current.parent.iterdir() if d.is_dir() and d != current and len(d.name) == 16]
    others.sort(key=lambda d: d.stat().st_mtime, reverse=True)
    for directory in others[_KEPT_GENERATIONS - 1 :]:
        shutil.rmtree(directory, ignore_errors=True)
