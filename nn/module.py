"""Modules: parts of networks that own parameters, and the sequence of them."""

import numpy as np

from ..kernels._validate import as_rng
from .saving import matching
from .tensor import Tensor


class Parameter(Tensor):
    """A tensor that training changes."""

    __slots__ = ()

    def __init__(self, data):
        super().__init__(np.array(data), requires_grad=True)


class Module:
    """A part of a network.

    Attributes that are a `Parameter`, another tensor (state that is not trained), a module or a list of modules
    are found by themselves, in the order in which they were set. A subclass writes ``forward(self, x)``; and if its
    parameters depend on the shape of its input, ``create(self, input_shape, rng)``, which makes them and
    returns the shape of the output. Shapes of inputs and outputs leave out the batch.
    """

    training = True
    input_shape = None
    output_shape = None

    def __call__(self, x):
        return self.forward(x)

    def forward(self, x):
        raise NotImplementedError(f"{type(self).__name__} has no forward")

    def create(self, input_shape, rng):
        return input_shape

    def build(self, input_shape, rng=None):
        """Make the parameters.

        Parameters
        ----------
        input_shape : tuple of int
            Shape of one input, without the batch.
        rng : int or numpy.random.Generator, optional
            Where initial weights are drawn from.

        Returns
        -------
        tuple of int
            Shape of one output.
        """
        name = type(self).__name__
        if self.input_shape is not None:
            raise RuntimeError(f"{name}: already built, for inputs of shape {self.input_shape}")
        shape = tuple(input_shape)
        if any(isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 1 for n in shape):
            raise ValueError(f"{name}: input_shape must be a tuple of positive ints, got {input_shape!r}")
        output_shape = self.create(shape, as_rng(name, rng))
        self.input_shape, self.output_shape = shape, output_shape
        return output_shape

    # State

    def modules(self):
        """(name, module) of this module and all in it; a name is the path of attributes, "" for this one."""
        found, stack = [], [("", self)]
        while stack:
            path, module = stack.pop()
            found.append((path, module))
            stack.extend(reversed([(f"{path}{name}.", child) for name, child in module._children()]))
        return [(path.rstrip("."), module) for path, module in found]

    def _children(self):
        for name, value in vars(self).items():
            if isinstance(value, Module):
                yield name, value
            elif isinstance(value, (list, tuple)):
                yield from ((f"{name}.{i}", m) for i, m in enumerate(value) if isinstance(m, Module))

    def named_tensors(self):
        """(name, tensor) of all parameters and other state."""
        for path, module in self.modules():
            for name, value in vars(module).items():
                if isinstance(value, Tensor):
                    yield f"{path}.{name}" if path else name, value

    def named_parameters(self):
        """(name, parameter) of all parameters."""
        return [(name, t) for name, t in self.named_tensors() if isinstance(t, Parameter)]

    def parameters(self):
        """All parameters."""
        return [t for _, t in self.named_parameters()]

    def state_dict(self):
        """All parameters and other state by name, as copies."""
        return {name: t.data.copy() for name, t in self.named_tensors()}

    def load_state_dict(self, state):
        """Take over the values of a `state_dict`.

        Raises
        ------
        ValueError
            If an entry is missing, unknown or has another shape; the module is then unchanged.
        """
        own = dict(self.named_tensors())
        values = {key: t.data for key, t in own.items()}
        arrays = matching(f"{type(self).__name__}.load_state_dict", values, state)
        for key, t in own.items():
            t.data[...] = arrays[key]

    def astype(self, dtype):
        """Convert parameters and other state to float32 or float64; returns the module."""
        if np.dtype(dtype) not in (np.float32, np.float64):
            raise TypeError(f"{type(self).__name__}.astype: dtype must be float32 or float64, got {np.dtype(dtype)}")
        for _, t in self.named_tensors():
            t.data, t.grad = t.data.astype(dtype), None
        return self

    # Modes

    def train(self, mode=True):
        """Behave as in training (the default); returns the module."""
        for _, module in self.modules():
            module.training = bool(mode)
        return self

    def eval(self):
        """Behave as in use: batch normalisation takes its running statistics. Returns the module."""
        return self.train(False)

    @property
    def trainable(self):
        """Whether any parameter requires a gradient; set it to freeze or thaw all of them."""
        return any(p.requires_grad for p in self.parameters())

    @trainable.setter
    def trainable(self, value):
        for p in self.parameters():
            p.requires_grad = bool(value)

    def __repr__(self):
        return f"{type(self).__name__}({self.describe()})"

    def summary(self):
        """Print a table of the parts that hold no other parts: where they are, what they give, how many parameters."""
        rows = [("", "", "output shape", "parameters")]
        for path, module in self.modules():
            if not any(True for _ in module._children()):
                shape = "" if module.output_shape is None else f"(N, {', '.join(map(str, module.output_shape))})"
                rows.append((path, repr(module), shape, f"{sum(p.size for p in module.parameters()):,}"))
        own = [p.size for name, p in self.named_parameters()]
        frozen = sum(p.size for p in self.parameters() if not p.requires_grad)
        rows.append(("", "total", "", f"{sum(own):,}"))
        if frozen:
            rows.append(("", "of which frozen", "", f"{frozen:,}"))
        widths = [max(len(row[i]) for row in rows) for i in range(4)]
        for a, b, c, d in rows:
            print(f"{a:<{widths[0]}}  {b:<{widths[1]}}  {c:<{widths[2]}}  {d:>{widths[3]}}".rstrip())

    def describe(self):
        """What stands between the parentheses of the module's repr."""
        return ""
