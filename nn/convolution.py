"""Convolution and its two adjoints, which are each other's derivatives.

Convolution y = x * w is linear in the picture x and in the weights w. With <a, b> the sum of products,

    <y, x * w> = <back(y, w), x> = <weights(y, x), w>

defines the gradient with respect to the picture, back(y, w), and to the weights, weights(y, x). Each of the
three is linear in both its arguments and differentiates into the other two, so derivatives of any order need
only three kernels. The transposed convolution is `back`, started from a smaller picture.
"""

from .. import kernels
from . import ops
from .function import Function


class _Convolution(Function):
    """What the three have in common: their window, and the biases of the first two."""

    def __init__(self, window, shape=None):
        self.window, self.shape = window, shape

    def bias_gradient(self, dy):
        return (ops.sum(dy, range(3)) if self.needs[2] else None,) if len(self.needs) == 3 else ()


class Conv2D(_Convolution):
    def forward(self, x, w, b=None):
        self.operands = x, w
        return kernels.conv2d(x.data, w.data, None if b is None else b.data, **self.window)

    def backward(self, dy):
        x, w = self.operands
        return (
            Conv2DBack.apply(dy, w, window=self.window, shape=x.shape) if self.needs[0] else None,
            Conv2DWeights.apply(dy, x, window=self.window, shape=w.shape) if self.needs[1] else None,
            *self.bias_gradient(dy),
        )


class Conv2DBack(_Convolution):
    """The picture of a given shape that weights w bring back from y."""

    def forward(self, y, w, b=None):
        self.operands = y, w
        x = kernels.conv2d_backward_input(y.data, w.data, self.shape, **self.window)
        if b is not None:
            x += b.data
        return x

    def backward(self, dx):
        y, w = self.operands
        return (
            Conv2D.apply(dx, w, window=self.window) if self.needs[0] else None,
            Conv2DWeights.apply(y, dx, window=self.window, shape=w.shape) if self.needs[1] else None,
            *self.bias_gradient(dx),
        )


class Conv2DWeights(_Convolution):
    """The weights, of a given shape, that correlate y with x."""

    def forward(self, y, x):
        self.operands = y, x
        return kernels.conv2d_backward_weight(y.data, x.data, self.shape, **self.window)

    def backward(self, dw):
        y, x = self.operands
        return (
            Conv2D.apply(x, dw, window=self.window) if self.needs[0] else None,
            Conv2DBack.apply(y, dw, window=self.window, shape=x.shape) if self.needs[1] else None,
        )


def conv2d(x, w, b=None, *, stride=1, padding=0, dilation=1, groups=1):
    """Convolution of (N, H, W, C_in) with (KH, KW, C_in / groups, C_out); see `smalti.kernels.conv2d`."""
    window = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    return Conv2D.apply(*((x, w) if b is None else (x, w, b)), window=window)


def conv2d_transpose(x, w, b=None, *, output_shape, stride=1, padding=0, groups=1):
    """Transposed convolution of (N, H, W, C_in) with (KH, KW, C_out / groups, C_in) to `output_shape`.

    A convolution of `output_shape` with `stride` and `padding` has the shape of `x`.
    """
    window = {"stride": stride, "padding": padding, "dilation": 1, "groups": groups}
    return Conv2DBack.apply(*((x, w) if b is None else (x, w, b)), window=window, shape=tuple(output_shape))
