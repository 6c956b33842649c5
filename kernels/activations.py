"""Activations of networks and their gradients, one pass over memory each.

    leaky ReLU   y = x where x > 0, else a x      dx = dy where y > 0, else a dy    (a = 0: ReLU)
    sigmoid      y = 1 / (1 + exp(-x))            dx = dy y (1 - y)
    tanh         y = tanh(x)                      dx = dy (1 - y**2)

The gradients need only the results y, which the next layer keeps anyway; for the leaky ReLU y has the sign of
x because a >= 0. Time O(n); memory: the result.

Source: Maas, Hannun & Ng, Rectifier Nonlinearities Improve Neural Network Acoustic Models, 2013 (leaky ReLU).
"""

from ._jit import helper
from ._memory import aligned_empty
from ._parallel import chunk_size, chunked
from ._simd import lanes, load, load_part, select, store, store_part, vabs
from ._simd_math import vexp, vtanh
from ._validate import as_array, real


@chunked
def _leaky_relu(lo, hi, x, slope, y):
    # Requires: x, y flat, of one length.
    part, out = x[lo:hi], y[lo:hi]
    for i in range(part.size):
        v = part[i]
        out[i] = v if v > 0 else v * slope


@chunked
def _leaky_relu_backward(lo, hi, dy, y, slope, dx):
    # Requires: dy, y, dx flat, of one length.
    gradient, result, out = dy[lo:hi], y[lo:hi], dx[lo:hi]
    for i in range(out.size):
        g = gradient[i]
        out[i] = g if result[i] > 0 else g * slope


@helper
def _sigmoid_of(x):
    e = vexp(-vabs(x))  # at most 1: nothing overflows
    positive = 1.0 / (1.0 + e)
    return select(x >= 0.0, positive, e * positive)


@chunked
def _sigmoid(lo, hi, x, y):
    # Requires: x, y flat, of one length.
    i = lo
    while i + lanes(x) <= hi:
        store(y, i, _sigmoid_of(load(x, i)))
        i += lanes(x)
    if i < hi:
        store_part(y, i, _sigmoid_of(load_part(x, i, hi - i)), hi - i)


@chunked
def _tanh(lo, hi, x, y):
    # Requires: x, y flat, of one length.
    i = lo
    while i + lanes(x) <= hi:
        store(y, i, vtanh(load(x, i)))
        i += lanes(x)
    if i < hi:
        store_part(y, i, vtanh(load_part(x, i, hi - i)), hi - i)


@chunked
def _sigmoid_backward(lo, hi, dy, y, dx):
    # Requires: dy, y, dx flat, of one length.
    gradient, result, out = dy[lo:hi], y[lo:hi], dx[lo:hi]
    for i in range(out.size):
        out[i] = gradient[i] * (result[i] * (1 - result[i]))


@chunked
def _tanh_backward(lo, hi, dy, y, dx):
    # Requires: dy, y, dx flat, of one length.
    gradient, result, out = dy[lo:hi], y[lo:hi], dx[lo:hi]
    for i in range(out.size):
        out[i] = gradient[i] * (1 - result[i] * result[i])


_COPY, _EXP = 0.3, 2.0  # nanoseconds for one element


def _forward(function, kernel, x, nanoseconds, *options):
    x = as_array(function, "x", x, empty=True)
    y = aligned_empty(x.shape, x.dtype)
    kernel(x.size, x.reshape(-1), *(x.dtype.type(o) for o in options), y.reshape(-1), grain=chunk_size(nanoseconds))
    return y


def _backward(function, kernel, dy, y, *options):
    y = as_array(function, "y", y, empty=True)
    dy = as_array(function, "dy", dy, dtypes=(y.dtype.type,), shape=y.shape, empty=True)
    dx = aligned_empty(y.shape, y.dtype)
    options = [y.dtype.type(o) for o in options]
    kernel(y.size, dy.reshape(-1), y.reshape(-1), *options, dx.reshape(-1), grain=chunk_size(_COPY))
    return dx


def leaky_relu(x, negative_slope=0.0):
    """x where it is positive, else `negative_slope` times x; ReLU for slope 0.

    Parameters
    ----------
    x : array of float32 or float64
    negative_slope : float
        At least 0.

    Returns
    -------
    array of the shape and dtype of `x`
    """
    slope = real("leaky_relu", "negative_slope", negative_slope, low=0)
    return _forward("leaky_relu", _leaky_relu, x, _COPY, slope)


def leaky_relu_backward(dy, y, negative_slope=0.0):
    """Gradient with respect to x, from the gradient `dy` of the result and the result `y` of `leaky_relu`."""
    slope = real("leaky_relu_backward", "negative_slope", negative_slope, low=0)
    return _backward("leaky_relu_backward", _leaky_relu_backward, dy, y, slope)


def sigmoid(x):
    """1 / (1 + exp(-x)) for an array of float32 or float64; no overflow for any x."""
    return _forward("sigmoid", _sigmoid, x, _EXP)


def sigmoid_backward(dy, y):
    """Gradient with respect to x, from the gradient `dy` of the result and the result `y` of `sigmoid`."""
    return _backward("sigmoid_backward", _sigmoid_backward, dy, y)


def tanh(x):
    """Hyperbolic tangent of an array of float32 or float64."""
    return _forward("tanh", _tanh, x, _EXP)


def tanh_backward(dy, y):
    """Gradient with respect to x, from the gradient `dy` of the result and the result `y` of `tanh`."""
    return _backward("tanh_backward", _tanh_backward, dy, y)
