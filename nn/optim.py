"""Optimizers: they change parameters in place by their gradients."""

import numpy as np

from ..kernels.adam import adam
from .saving import matching
from .tensor import Tensor


class _Optimizer:
    def __init__(self, parameters):
        name = type(self).__name__
        self.parameters = list(parameters)
        for i, p in enumerate(self.parameters):
            if not isinstance(p, Tensor):
                raise TypeError(f"{name}: parameters[{i}] must be a Tensor, got {type(p).__name__}")
        if not self.parameters:
            raise ValueError(f"{name}: there are no parameters")

    def zero_grad(self):
        """Forget the gradients of all parameters."""
        for p in self.parameters:
            p.grad = None


class SGD(_Optimizer):
    """p <- p - learning_rate * gradient.

    Parameters
    ----------
    parameters : sequence of Tensor
    learning_rate : float
    """

    def __init__(self, parameters, learning_rate=0.01):
        super().__init__(parameters)
        self.learning_rate = learning_rate

    def step(self):
        """Change every parameter that has a gradient."""
        for p in self.parameters:
            if p.grad is not None:
                p.data -= p.dtype.type(self.learning_rate) * p.grad.data

    def state_dict(self):
        """Nothing is remembered between steps."""
        return {}

    def load_state_dict(self, state):
        """Takes an empty `state_dict`."""
        matching("SGD.load_state_dict", {}, state)


class Adam(_Optimizer):
    """Adam (Kingma & Ba, ICLR 2015).

    Parameters
    ----------
    parameters : sequence of Tensor
        One dtype.
    learning_rate, beta_1, beta_2, epsilon : float
    """

    def __init__(self, parameters, learning_rate=1e-3, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
        super().__init__(parameters)
        self.learning_rate, self.beta_1, self.beta_2, self.epsilon = learning_rate, beta_1, beta_2, epsilon
        self.iterations = 0
        dtypes = {p.dtype for p in self.parameters}
        if len(dtypes) != 1:
            raise TypeError(f"Adam: parameters must have one dtype, got {sorted(map(str, dtypes))}")
        # One flat buffer each, so that the state is three arrays; each parameter has its views of them.
        sizes = [p.size for p in self.parameters]
        self.m, self.v = np.zeros((2, sum(sizes)), dtypes.pop())
        ends = np.cumsum(sizes)
        self._moments = [
            (self.m[end - p.size : end].reshape(p.shape), self.v[end - p.size : end].reshape(p.shape))
            for p, end in zip(self.parameters, ends, strict=True)
        ]

    def step(self):
        """Change every parameter that has a gradient."""
        self.iterations += 1
        options = {
            "learning_rate": self.learning_rate, "beta_1": self.beta_1, "beta_2": self.beta_2, "epsilon": self.epsilon
        }  # fmt: skip
        for p, (m, v) in zip(self.parameters, self._moments, strict=True):
            if p.grad is not None:
                adam(p.data, p.grad.data, m, v, self.iterations, **options)

    def state_dict(self):
        """What is remembered between steps, as copies: the moments m and v, and the number of steps."""
        return {"m": self.m.copy(), "v": self.v.copy(), "iterations": np.array(self.iterations)}

    def load_state_dict(self, state):
        """Take over the values of a `state_dict`.

        Raises
        ------
        ValueError
            If an entry is missing, unknown or has another shape; the optimizer is then unchanged.
        """
        own = {"m": self.m, "v": self.v, "iterations": np.array(self.iterations)}
        arrays = matching("Adam.load_state_dict", own, state)
        self.m[...], self.v[...] = arrays["m"], arrays["v"]
        self.iterations = int(arrays["iterations"])
