"""Second derivatives of what networks are made of, by projection in float64: what a gradient penalty needs."""

import numpy as np
import pytest

from smalti import nn
from smalti.nn import activations, convolution, losses, normalization, pooling
from tests.tolerance import close


def leaf(*shape, seed=0):
    return nn.tensor(np.random.default_rng(seed).standard_normal(shape), requires_grad=True)


def norm_of_gradient(operation, inputs):
    """A number that depends on all gradients, itself differentiable."""
    y = operation(*inputs)
    weights = np.random.default_rng(9).standard_normal(y.shape)
    gradients = nn.grad(y, inputs, weights, create_graph=True)
    return sum((g * g).sum() for g in gradients)


WINDOWS = {
    "plain": {},
    "strides": {"stride": (2, 1)},
    "same": {"stride": 2, "padding": "same"},
    "padding and dilation": {"padding": (1, 2), "dilation": (1, 2)},
    "groups": {"stride": 2, "padding": 1, "groups": 2},
}


@pytest.mark.parametrize("name", WINDOWS)
def test_convolution(name):
    window = WINDOWS[name]
    groups = window.get("groups", 1)
    x, w = leaf(2, 6, 7, 2), leaf(3, 2, 2 // groups, 4, seed=1)
    nn.check_gradients(lambda x, w: convolution.conv2d(x, w, **window), x, w)
    nn.check_gradients(lambda x, w: norm_of_gradient(lambda x, w: convolution.conv2d(x, w, **window), (x, w)), x, w)


def test_convolution_with_biases():
    x, w, b = leaf(2, 5, 4, 2), leaf(3, 3, 2, 3, seed=1), leaf(3, seed=2)
    nn.check_gradients(lambda x, w, b: convolution.conv2d(x, w, b, padding=1), x, w, b)
    w = leaf(3, 3, 3, 2, seed=1)
    window = {"output_shape": (2, 11, 8, 3), "stride": 2, "padding": "same"}
    with pytest.raises(ValueError, match="shape"):
        convolution.conv2d_transpose(x, w, b, **window)
    window["output_shape"] = (2, 10, 8, 3)
    nn.check_gradients(lambda x, w, b: convolution.conv2d_transpose(x, w, b, **window), x, w, b)


@pytest.mark.parametrize("groups", [1, 2])
def test_transposed_convolution(groups):
    y, w = leaf(2, 3, 4, 2), leaf(4, 4, 4 // groups, 2, seed=1)
    window = {"output_shape": (2, 6, 8, 4), "stride": 2, "padding": "same", "groups": groups}

    def operation(y, w):
        return convolution.conv2d_transpose(y, w, **window)

    nn.check_gradients(operation, y, w)
    nn.check_gradients(lambda y, w: norm_of_gradient(operation, (y, w)), y, w)


POOLINGS = {
    "maximum": lambda x: pooling.max_pool2d(x, 3, stride=2, padding=1),
    "mean": lambda x: pooling.avg_pool2d(x, (2, 3), stride=(2, 1), padding="same"),
    "mean of pixels": lambda x: pooling.avg_pool2d(x, 3, padding=1, count_include_pad=False),
    "repeated": lambda x: pooling.repeat2d(x, (2, 3)),
}


@pytest.mark.parametrize("name", POOLINGS)
def test_pooling(name):
    x = leaf(2, 5, 6, 3)
    nn.check_gradients(POOLINGS[name], x)
    nn.check_gradients(lambda x: norm_of_gradient(lambda x: POOLINGS[name](x * x), (x,)), x)


@pytest.mark.parametrize("name", ["leaky_relu", "relu", "sigmoid", "tanh", "softmax"])
def test_activations(name):
    x = leaf(3, 5)
    operation = getattr(activations, name)
    nn.check_gradients(operation, x)
    if name != "relu":
        nn.check_gradients(lambda x: norm_of_gradient(lambda x: operation(x * x), (x,)), x)


@pytest.mark.parametrize("slopes", [{}, {"negative_slope": 0.2}, {"negative_slope": 0.2, "input_slope": 0.5}])
def test_batch_norm(slopes):
    x, gamma, beta = leaf(7, 2, 3), leaf(3, seed=1), leaf(3, seed=2)

    def operation(x, gamma, beta):
        return normalization.batch_norm(x, gamma, beta, **slopes)[0]

    nn.check_gradients(lambda *inputs: norm_of_gradient(operation, inputs), x, gamma, beta)
    nn.check_gradients(lambda x: norm_of_gradient(lambda x: operation(x, gamma, beta.detach()), (x,)), x)
    first, again = (nn.grad((operation(x, gamma, beta) ** 2).sum(), x, create_graph=c) for c in (False, True))
    close(again.data, first.data, k=100, atol=1e-13)


LOSSES = {
    "binary cross entropy": lambda x, t: losses.binary_cross_entropy(x, t, label_smoothing=0.1),
    "cross entropy": losses.cross_entropy,
    "mean squared error": losses.mean_squared_error,
    "wasserstein": losses.wasserstein,
    "hinge": losses.hinge,
}


@pytest.mark.parametrize("name", LOSSES)
def test_losses(name):
    x, targets = leaf(4, 3), np.random.default_rng(1).random((4, 3))
    nn.check_gradients(lambda x: norm_of_gradient(lambda x: LOSSES[name](x * x, targets), (x,)), x)


def test_gradient_penalty_of_a_discriminator():
    """R1: the weights' gradient of |d D(x) / d x|**2."""
    net = nn.Sequential(
        [
            nn.Conv2D(3, 4, strides=2, padding="same"), nn.LeakyReLU(0.2), nn.Flatten(), nn.Dense(4), nn.Tanh(),
            nn.Dense(1),
        ],
        input_shape=(6, 6, 1), rng=0,
    ).astype(np.float64)  # fmt: skip
    x = leaf(2, 6, 6, 1)
    weights = [p for name, p in net.named_parameters() if name.endswith("kernel")]

    def penalty(*_):
        dx = nn.grad(net(x).sum(), x, create_graph=True)
        return (dx * dx).sum()

    nn.check_gradients(penalty, *weights)
