"""Optimizers: they change parameters in place by their gradients.

Each keeps what it remembers between steps in flat arrays over all parameters, and changes all of them in one launch of
one kernel.
"""

import math

import numpy as np

from ..kernels import _validate as check
from ..kernels.adam import adam
from ..kernels.rmsprop import rmsprop
from ..kernels.sgd import sgd
from ..kernels.sum_of_squares import sum_of_squares
from .saving import matching
from .tensor import Tensor


class Optimizer:
    """What all have in common: parameters, a learning rate that may be changed between steps, and a state.

    Attributes
    ----------
    parameters : list of Tensor
    learning_rate : float
    iterations : int
        Steps done.
    """

    remembered: tuple[str, ...] = ()  # names of the flat arrays

    def __init__(self, parameters, learning_rate):
        name = type(self).__name__
        self.parameters = list(parameters)
        for i, p in enumerate(self.parameters):
            if not isinstance(p, Tensor):
                raise TypeError(f"{name}: parameters[{i}] must be a Tensor, got {type(p).__name__}")
        if not self.parameters:
            raise ValueError(f"{name}: there are no parameters")
        if len({id(p) for p in self.parameters}) != len(self.parameters):
            raise ValueError(f"{name}: a parameter is given twice")
        dtypes = {p.dtype for p in self.parameters}
        if len(dtypes) != 1:
            raise TypeError(f"{name}: parameters must have one dtype, got {sorted(map(str, dtypes))}")
        self.learning_rate = check.real(name, "learning_rate", learning_rate, above=0)
        self.iterations = 0
        ends = np.cumsum([p.size for p in self.parameters])
        self._views = {}
        for key in self.remembered:
            flat = np.zeros(ends[-1], *dtypes)
            setattr(self, key, flat)
            self._views[key] = [
                flat[end - p.size : end].reshape(p.shape) for p, end in zip(self.parameters, ends, strict=True)
            ]

    def step(self):
        """Change every parameter that has a gradient."""
        self.iterations += 1
        chosen = [i for i, p in enumerate(self.parameters) if p.grad is not None]
        if chosen:
            data = [self.parameters[i].data for i in chosen]
            gradients = [self.parameters[i].grad.data for i in chosen]
            self.update(data, gradients, *([views[i] for i in chosen] for views in self._views.values()))

    def update(self, data, gradients, *remembered):
        """Change arrays in place; `remembered` has the pieces of each of the flat arrays."""
        raise NotImplementedError

    def zero_grad(self):
        """Forget the gradients of all parameters."""
        for p in self.parameters:
            p.grad = None

    def state_dict(self):
        """What is remembered between steps, as copies: flat arrays, and the number of steps."""
        return {key: getattr(self, key).copy() for key in self.remembered} | {"iterations": np.array(self.iterations)}

    def load_state_dict(self, state):
        """Take over the values of a `state_dict`.

        Raises
        ------
        ValueError
            If an entry is missing, unknown or has another shape; the optimizer is then unchanged.
        """
        own = {key: getattr(self, key) for key in self.remembered} | {"iterations": np.array(self.iterations)}
        arrays = matching(f"{type(self).__name__}.load_state_dict", own, state)
        for key in self.remembered:
            getattr(self, key)[...] = arrays[key]
        self.iterations = int(arrays["iterations"])


class SGD(Optimizer):
    """Gradient descent: b <- momentum * b + gradient; p <- p - learning_rate * b.

    Parameters
    ----------
    parameters : sequence of Tensor
        One dtype.
    learning_rate, momentum : float
    nesterov : bool
        Look ahead along the momentum: p <- p - learning_rate * (gradient + momentum * b).
    """

    remembered = ("b",)

    def __init__(self, parameters, learning_rate=0.01, momentum=0.0, nesterov=False):
        super().__init__(parameters, learning_rate)
        self.momentum, self.nesterov = _fraction(self, "momentum", momentum), bool(nesterov)

    def update(self, data, gradients, b):
        sgd(data, gradients, b, learning_rate=self.learning_rate, momentum=self.momentum, nesterov=self.nesterov)


class RMSprop(Optimizer):
    """RMSprop (Tieleman & Hinton, 2012).

    Parameters
    ----------
    parameters : sequence of Tensor
        One dtype.
    learning_rate, rho, epsilon : float
    """

    remembered = ("v",)

    def __init__(self, parameters, learning_rate=1e-3, rho=0.9, epsilon=1e-7):
        super().__init__(parameters, learning_rate)
        self.rho = _fraction(self, "rho", rho)
        self.epsilon = check.real("RMSprop", "epsilon", epsilon, above=0)

    def update(self, data, gradients, v):
        rmsprop(data, gradients, v, learning_rate=self.learning_rate, rho=self.rho, epsilon=self.epsilon)


class Adam(Optimizer):
    """Adam (Kingma & Ba, ICLR 2015); with `weight_decay` it is AdamW (Loshchilov & Hutter, ICLR 2019).

    Parameters
    ----------
    parameters : sequence of Tensor
        One dtype.
    learning_rate, beta_1, beta_2, epsilon : float
    weight_decay : float
        Part of the parameters, times the learning rate, that each step takes away.
    """

    remembered = ("m", "v")

    def __init__(self, parameters, learning_rate=1e-3, beta_1=0.9, beta_2=0.999, epsilon=1e-7, weight_decay=0.0):
        super().__init__(parameters, learning_rate)
        self.beta_1, self.beta_2 = _fraction(self, "beta_1", beta_1), _fraction(self, "beta_2", beta_2)
        self.epsilon = check.real("Adam", "epsilon", epsilon, above=0)
        self.weight_decay = check.real("Adam", "weight_decay", weight_decay, low=0)

    def update(self, data, gradients, m, v):
        adam(
            data, gradients, m, v, self.iterations, learning_rate=self.learning_rate, beta_1=self.beta_1,
            beta_2=self.beta_2, epsilon=self.epsilon, weight_decay=self.weight_decay,
        )  # fmt: skip


def _fraction(optimizer, name, value):
    """A number in [0, 1)."""
    function = type(optimizer).__name__
    value = check.real(function, name, value, low=0)
    if value >= 1:
        raise ValueError(f"{function}: {name} must be less than 1, got {value}")
    return value


def clip_gradients(parameters, max_norm):
    """Scale all gradients so that their norm, taken over all of them together, is at most `max_norm`.

    Parameters
    ----------
    parameters : sequence of Tensor
        Those without a gradient are passed over.
    max_norm : float
        Greater than 0.

    Returns
    -------
    float
        The norm before; not finite if a gradient is not, and then nothing is scaled.

    Source: Pascanu, Mikolov & Bengio, On the difficulty of training recurrent neural networks, ICML 2013, algorithm 1.
    """
    max_norm = check.real("clip_gradients", "max_norm", max_norm, above=0)
    chosen = [p for p in parameters if p.grad is not None]
    norm = math.sqrt(sum_of_squares([p.grad.data for p in chosen])) if chosen else 0.0
    if max_norm < norm < math.inf:
        for p in chosen:
            p.grad = p.grad * (max_norm / norm)
    return norm


def cosine_decay(initial, steps, *, final=0.0, warmup_steps=0):
    """A learning rate for each step: up a straight line, then down half a cosine.

    Parameters
    ----------
    initial, final : float
        The rate after the rise, and from step `steps` on.
    steps, warmup_steps : int
        Length of all, and of the rise from 0.

    Returns
    -------
    callable
        Of the number of steps done; use it as ``optimizer.learning_rate = rate(optimizer.iterations)``.

    Source: Loshchilov & Hutter, SGDR, ICLR 2017, equation 5.
    """
    steps = check.integer("cosine_decay", "steps", steps, low=1)
    warmup_steps = check.integer("cosine_decay", "warmup_steps", warmup_steps, low=0, high=steps)

    def rate(step):
        if step < warmup_steps:
            return initial * (step + 1) / (warmup_steps + 1)
        passed = min(1.0, (step - warmup_steps) / max(1, steps - warmup_steps))
        return final + (initial - final) * 0.5 * (1 + math.cos(math.pi * passed))

    return rate


def step_decay(initial, factor, every):
    """A learning rate for each step: multiplied by `factor` after each `every` steps.

    Returns
    -------
    callable
        Of the number of steps done; use it as ``optimizer.learning_rate = rate(optimizer.iterations)``.
    """
    every = check.integer("step_decay", "every", every, low=1)
    return lambda step: initial * factor ** (step // every)
