"""smalti cuts pictures into tiles and learns to lay new ones.

======================  =====================================================================
``smalti.kernels``      every compiled loop: arrays in, arrays out
``smalti.nn``           tensors that know their gradients, layers, losses, optimizers
``smalti.segment``      a photograph into regions
``smalti.gan``          data, models and training of generative adversarial networks
======================  =====================================================================

They are loaded when they are first used, so that ``import smalti`` costs next to nothing.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from . import gan as gan
    from . import kernels as kernels
    from . import nn as nn
    from . import segment as segment
    from ._warmup import warmup as warmup
    from .kernels._parallel import get_num_threads as get_num_threads
    from .kernels._parallel import set_num_threads as set_num_threads

__version__ = "0.1.0"

_HOME = {"set_num_threads": ".kernels._parallel", "get_num_threads": ".kernels._parallel", "warmup": "._warmup"}
_FOLDERS = ("kernels", "nn", "segment", "gan")

__all__ = ["__version__", "set_num_threads", "get_num_threads", "warmup", "kernels", "nn", "segment", "gan"]


def __getattr__(name):
    if name in _FOLDERS:
        return importlib.import_module(f".{name}", __name__)
    if name in _HOME:
        value = getattr(importlib.import_module(_HOME[name], __name__), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *__all__})
