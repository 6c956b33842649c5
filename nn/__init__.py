"""Networks: tensors with reverse-mode differentiation, layers, losses and optimizers, on the kernels of smalti.

To read: `tensor` and `function` (how differentiation works), `ops` (what a derivative looks like), `layers`.
"""

from . import init, losses, optim
from .function import no_grad
from .gradients import check_gradients
from .layers import BatchNorm, Conv2D, Conv2DTranspose, Dense, Flatten, LeakyReLU, ReLU, Reshape, Sigmoid, Tanh
from .memory import keep_freed_memory
from .module import Module, Parameter
from .saving import load, save
from .sequential import Sequential
from .tensor import Tensor, grad, tensor

__all__ = [
    "BatchNorm", "Conv2D", "Conv2DTranspose", "Dense", "Flatten", "LeakyReLU", "Module", "Parameter", "ReLU",
    "Reshape", "Sequential", "Sigmoid", "Tanh", "Tensor", "check_gradients", "grad", "init", "load", "losses",
    "no_grad", "optim", "save", "tensor",
]  # fmt: skip

keep_freed_memory()
