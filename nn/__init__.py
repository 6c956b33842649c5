"""Networks: tensors with reverse-mode differentiation, layers, losses and optimizers, on the kernels of smalti.

To read: `tensor` and `function` (how differentiation works), `ops` (what a derivative looks like), `layers`.
"""

from ..kernels._memory import release_memory
from . import exchange, init, losses, optim
from .function import no_grad
from .gradients import check_gradients
from .layers import BatchNorm, Conv2D, Conv2DTranspose, Dense, Embedding
from .module import Module, Parameter
from .ops import concatenate, pad
from .saving import load, save
from .sequential import Sequential
from .spectral import SpectralNormalization
from .stateless import (
    AveragePooling2D,
    Dropout,
    Flatten,
    GlobalAveragePooling2D,
    LeakyReLU,
    MaxPooling2D,
    ReLU,
    Reshape,
    Sigmoid,
    Softmax,
    Tanh,
    UpSampling2D,
)
from .tensor import Tensor, grad, tensor

__all__ = [
    "AveragePooling2D", "BatchNorm", "Conv2D", "Conv2DTranspose", "Dense", "Dropout", "Embedding", "Flatten",
    "GlobalAveragePooling2D", "LeakyReLU", "MaxPooling2D", "Module", "Parameter", "ReLU", "Reshape", "Sequential",
    "Sigmoid", "Softmax", "SpectralNormalization", "Tanh", "Tensor", "UpSampling2D", "check_gradients", "concatenate",
    "exchange", "grad", "init", "load", "losses", "no_grad", "optim", "pad", "release_memory", "save", "tensor",
]  # fmt: skip
