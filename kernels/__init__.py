"""The compiled loops of smalti: arrays in, arrays out.

Every file here is one algorithm, and every public function is a name of this package: ``kernels.label`` is the
function, from ``kernels/label.py``. A file is imported when one of its names is first used.

The letters of shapes, everywhere in this library:

==============  ==========================================================
``N``           pictures of a batch, or samples
``H W C``       rows, columns and channels; channels come last
``KH KW``       rows and columns of a kernel (a stencil, a filter)
``C_in C_out``  channels before and after
``OH OW``       rows and columns of an output
==============  ==========================================================

Images are ``(H, W)`` or ``(H, W, C)``, batches ``(N, H, W, C)``, weights of a convolution
``(KH, KW, C_in, C_out)``.
"""

import importlib
import sys
import types

_FILES = {
    "batch_norm": "batch_norm batch_norm_backward",
    "conv2d": "conv2d",
    "conv2d_backward_input": "conv2d_backward_input",
    "conv2d_backward_weight": "conv2d_backward_weight",
    "conv2d_transpose": "conv2d_transpose",
    "gaussian": "gaussian",
    "kmeans": "kmeans KMeansResult",
    "lab": "rgb2lab",
    "label": "label",
    "matmul": "matmul",
    "resize": "resize",
    "sobel": "sobel",
    "watershed": "watershed",
}
_HOME = {name: file for file, names in _FILES.items() for name in names.split()}

__all__ = list(_HOME)


def __getattr__(name):
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__():
    return sorted({*globals(), *__all__})


class _Package(types.ModuleType):
    def __setattr__(self, name, value):
        # Importing smalti.kernels.label sets `label` here to that module, but the name means its function.
        if isinstance(value, types.ModuleType) and name in _HOME:
            value = getattr(value, name)
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
