"""What the filters share: borders, and results written past the caches."""

import importlib

import numpy as np
import pytest

from smalti import kernels
from smalti.kernels import _image
from tests.helpers import guarded, posix, run_alone
from tests.reference.gaussian import source

CALLS = {
    "_separable": lambda image: kernels.gaussian(image, 1.0),
    "_gradient": kernels.sobel,
    "laplace": kernels.laplace,
    "resize": lambda image: kernels.resize(image, (len(image), 37)),
    "resize, spline": lambda image: kernels.resize(image, (len(image) + 9, 37), 3),
}


@pytest.mark.parametrize("mode", _image.MODES)
@pytest.mark.parametrize("n", [1, 2, 5])
def test_borders(n, mode):
    expected = [source(i, n, mode) for i in range(-17, n + 13)]
    np.testing.assert_array_equal(_image.border_index(n, 17, 13, mode), [-1 if i is None else i for i in expected])


@pytest.mark.compiled
@pytest.mark.parametrize("name", CALLS)
def test_large_results_have_the_same_bits(name, monkeypatch):
    module = importlib.import_module(f"smalti.kernels.{name.split(',')[0]}")
    for dtype in (np.float32, np.float64):
        for shape in ((1, 1, 3), (7, 3, 3), (20, 37, 3), (5, 200, 3)):
            image = np.random.default_rng(0).random(shape).astype(dtype)
            small = CALLS[name](image)
            with monkeypatch.context() as patch:
                patch.setattr(module, "is_large", lambda out: True)
                np.testing.assert_array_equal(CALLS[name](image), small)


@pytest.mark.compiled
def test_what_is_large():
    assert not _image.is_large(np.empty((1024, 1024), np.float32))
    assert _image.is_large(np.empty((2048, 1024), np.float32))


def write_only_the_line():
    from smalti.kernels._jit import kernel

    write = kernel(lambda line, out, o, n, large: _image.write_line(line, 0, out, o, n, large))
    line = np.arange(100, dtype=np.float32)
    for side in ("start", "end"):
        for n in (1, 5, 15, 16, 17, 40, 63, 90):
            for o in range(0, 5):
                out = guarded(np.full(o + n, -1, np.float32), side)
                write(line, out, o, n, True)
                assert (out[:o] == -1).all()
                np.testing.assert_array_equal(out[o:], line[:n])


@posix
@pytest.mark.compiled
def test_protected_pages():
    run_alone(write_only_the_line)
