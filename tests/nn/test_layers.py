"""Layers and modules: shapes, names, modes, initial weights, text, and errors that name the layer."""

from functools import partial

import numpy as np
import pytest

from smalti import nn
from smalti.nn import init


def pictures(*shape, dtype=np.float32):
    return nn.tensor(np.random.default_rng(0).standard_normal(shape).astype(dtype))


SHAPES = [
    (nn.Conv2D(5, 3), (7, 8, 2), (5, 6, 5)),
    (nn.Conv2D(5, (3, 4), strides=(2, 3), padding="same"), (7, 8, 2), (4, 3, 5)),
    (nn.Conv2D(5, 3, padding=(1, 0)), (7, 8, 2), (7, 6, 5)),
    (nn.Conv2D(5, 3, padding="same", dilation_rate=2), (7, 8, 2), (7, 8, 5)),
    (nn.Conv2D(5, 3, 2, 1, dilation_rate=(1, 2)), (7, 8, 2), (4, 3, 5)),
    (nn.Conv2DTranspose(5, 3, strides=2, padding=1, output_padding=(1, 0)), (4, 4, 2), (8, 7, 5)),
    (nn.Conv2D(6, 3, groups=2), (7, 8, 4), (5, 6, 6)),
    (nn.Conv2DTranspose(6, 4, strides=2, padding=1, groups=2), (3, 4, 4), (6, 8, 6)),
    (nn.SpectralNormalization(nn.Conv2D(5, 3)), (7, 8, 2), (5, 6, 5)),
    (nn.Conv2DTranspose(5, 4, strides=2, padding="same"), (7, 8, 2), (14, 16, 5)),
    (nn.Conv2DTranspose(5, 3, strides=2), (7, 8, 2), (15, 17, 5)),
    (nn.Conv2DTranspose(5, 4, strides=2, padding=1, use_bias=False), (7, 8, 2), (14, 16, 5)),
    (nn.Dense(5), (7,), (5,)),
    (nn.BatchNorm(), (7, 8, 2), (7, 8, 2)),
    (nn.Flatten(), (7, 8, 2), (112,)),
    (nn.Reshape((2, 56)), (7, 8, 2), (2, 56)),
    (nn.Tanh(), (3, 4), (3, 4)),
    (nn.Softmax(), (3, 4), (3, 4)),
    (nn.Dropout(0.5), (7, 8, 2), (7, 8, 2)),
    (nn.MaxPooling2D(), (7, 8, 2), (3, 4, 2)),
    (nn.MaxPooling2D((3, 2), strides=(2, 3), padding="same"), (7, 8, 2), (4, 3, 2)),
    (nn.AveragePooling2D(3, 2, padding=1), (7, 8, 2), (4, 4, 2)),
    (nn.GlobalAveragePooling2D(), (7, 8, 2), (2,)),
    (nn.UpSampling2D((2, 3)), (7, 8, 2), (14, 24, 2)),
]


@pytest.mark.parametrize(("layer", "input_shape", "output_shape"), SHAPES, ids=lambda v: repr(v)[:40])
def test_shapes(layer, input_shape, output_shape):
    assert layer.build(input_shape, rng=0) == output_shape
    y = layer(pictures(3, *input_shape))
    assert y.shape == (3, *output_shape) and y.dtype == np.float32
    with pytest.raises(RuntimeError, match=f"{type(layer).__name__}: already built"):
        layer.build(input_shape, rng=0)


def test_convolutions_take_pictures_of_other_sizes():
    layer = nn.Conv2D(2, 3)
    layer.build((5, 5, 1), rng=0)
    assert layer(pictures(1, 9, 4, 1)).shape == (1, 7, 2, 2)


def test_upsampling_repeats_pixels():
    x = pictures(2, 3, 4, 5)
    np.testing.assert_array_equal(nn.UpSampling2D((2, 3))(x).data, x.data.repeat(2, axis=1).repeat(3, axis=2))


def test_pooling():
    x = nn.tensor(np.arange(16.0).reshape(1, 4, 4, 1))
    np.testing.assert_array_equal(nn.MaxPooling2D()(x).data.ravel(), [5, 7, 13, 15])
    np.testing.assert_array_equal(nn.AveragePooling2D()(x).data.ravel(), [2.5, 4.5, 10.5, 12.5])
    np.testing.assert_array_equal(nn.GlobalAveragePooling2D()(x).data, [[7.5]])
    corner = {count: nn.AveragePooling2D(3, padding=1, count_include_pad=count)(x).data[0, 0, 0, 0] for count in (0, 1)}
    assert corner == {0: 2.5, 1: pytest.approx(10 / 9)}  # of the pixels 0, 1, 4, 5


def test_dropout():
    layer = nn.Dropout(0.25)
    layer.build((50,), rng=0)
    x = nn.tensor(np.ones((200, 50)), requires_grad=True)
    first, second = layer(x).data, layer(x).data
    assert set(np.unique(first)) == {0, 4 / 3} and (first != second).any()
    assert (first == 0).mean() == pytest.approx(0.25, abs=0.02)
    other = nn.Dropout(0.25)
    other.build((50,), rng=0)
    y = other(x)
    np.testing.assert_array_equal(y.data, first)
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.data, first)
    assert layer.eval()(x) is x
    assert nn.Dropout(0)(x) is x


def test_embedding():
    net = nn.Sequential([nn.Embedding(5, 3), nn.Flatten(), nn.Dense(1)], input_shape=(2,), rng=0)
    vectors = net.layers[0].embeddings
    numbers = np.array([[0, 4], [4, 4]])
    y = net.layers[0](numbers)
    np.testing.assert_array_equal(y.data, vectors.data[numbers])
    np.testing.assert_array_equal(net.layers[0](nn.tensor(numbers)).data, y.data)
    y.sum().backward()
    np.testing.assert_array_equal(vectors.grad.data, np.outer([1, 0, 0, 0, 3], [1, 1, 1]))
    assert net(numbers).shape == (2, 1)


def network():
    return nn.Sequential(
        [nn.Dense(4), nn.BatchNorm(), nn.ReLU(), nn.Sequential([nn.Dense(2, use_bias=False)])], input_shape=(3,), rng=0
    )


def test_names():
    net = network()
    parameters = ["layers.0.kernel", "layers.0.bias", "layers.1.gamma", "layers.1.beta", "layers.3.layers.0.kernel"]
    assert [name for name, _ in net.named_parameters()] == parameters
    state = {"layers.1.moving_mean", "layers.1.moving_variance", *parameters}
    assert set(net.state_dict()) == state
    assert [name for name, _ in net.modules()][:3] == ["", "layers.0", "layers.1"]


def test_text():
    text = "Sequential(\n  (0) Dense(4),\n  (1) BatchNorm(momentum=0.99, epsilon=0.001),\n  (2) ReLU(),\n"
    assert repr(network()).startswith(text)
    assert repr(nn.Conv2D(4, 1, groups=2)) == "Conv2D(4, (1, 1), strides=(1, 1), padding='valid', groups=2)"
    assert repr(nn.Conv2D(3, 4, 2, "same")) == "Conv2D(3, (4, 4), strides=(2, 2), padding='same')"
    assert repr(nn.LeakyReLU(0.2)) == "LeakyReLU(0.2)"


def test_summary(capsys):
    net = network()
    net.layers[0].trainable = False
    net.summary()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["output", "shape", "parameters"]
    assert lines[1].split() == ["layers.0", "Dense(4)", "(N,", "4)", "16"]
    assert [line.split()[0] for line in lines[2:5]] == ["layers.1", "layers.2", "layers.3.layers.0"]
    assert lines[5].split() == ["total", "32"] and lines[6].split() == ["of", "which", "frozen", "16"]


def spectral(layer, input_shape):
    layer = nn.SpectralNormalization(layer, power_iterations=30)
    layer.build(input_shape, rng=0)
    return layer.astype(np.float64)


@pytest.mark.parametrize(
    ("layer", "input_shape"),
    [(nn.Dense(4), (6,)), (nn.Conv2D(4, 3), (5, 5, 2)), (nn.Conv2DTranspose(4, 3, 2), (3, 3, 2))],
    ids=["dense", "convolution", "transposed"],
)
def test_spectral_normalisation(layer, input_shape):
    layer = spectral(layer, input_shape)
    x = pictures(2, *input_shape, dtype=np.float64)
    y = layer(x)
    largest = np.linalg.svd(layer.matrix(layer.layer.kernel).data, compute_uv=False)[0]
    np.testing.assert_allclose(y.data, layer.layer(x).data / largest, rtol=1e-6)
    assert {name for name, _ in layer.named_parameters()} == {"layer.kernel", "layer.bias"}
    state = layer.state_dict()
    assert set(state) == {"layer.kernel", "layer.bias", "left", "right"}
    layer.eval()
    layer(x)
    np.testing.assert_array_equal(layer.left.data, state["left"])  # in use nothing moves
    nn.check_gradients(lambda x, *_: layer(x), nn.tensor(x.data, requires_grad=True), *layer.parameters())


def test_the_seed_decides():
    first, second = network().state_dict(), network().state_dict()
    for name in first:
        np.testing.assert_array_equal(first[name], second[name])


def test_a_state_is_a_copy():
    net = network()
    state = net.state_dict()
    state["layers.0.kernel"] += 1
    assert (net.layers[0].kernel.data != state["layers.0.kernel"]).all()


@pytest.mark.parametrize("before", [None, 0.5])
@pytest.mark.parametrize("after", [None, 0.2, 0.0])
def test_batch_norm_and_rectifiers_in_one_are_each_by_itself(before, after):
    def network():
        first, last = ([] if slope is None else [nn.LeakyReLU(slope)] for slope in (before, after))
        return nn.Sequential([*first, nn.BatchNorm(), *last], input_shape=(4, 3), rng=0)

    fused, apart = network(), network()
    x = pictures(5, 4, 3)

    def one_by_one(y):
        for layer in apart.layers:
            y = layer(y)
        return y

    np.testing.assert_array_equal(fused(x).data, one_by_one(x).data)
    for net in (fused, apart):
        net.eval()
    y = one_by_one(x)
    np.testing.assert_allclose(fused(x).data, y.data, rtol=1e-5, atol=1e-6)
    with nn.no_grad():
        np.testing.assert_allclose(fused(x).data, y.data, rtol=1e-5, atol=1e-6)


def test_gradients_in_use_are_those_of_constants():
    """In evaluation the statistics do not depend on the batch, and derivatives of any order exist."""
    net = nn.Sequential([nn.BatchNorm(), nn.LeakyReLU(0.2)], input_shape=(3,)).astype(np.float64)
    net(pictures(6, 3, dtype=np.float64))
    before = net.state_dict()
    net.eval()
    x = nn.tensor(np.random.default_rng(1).standard_normal((6, 3)), requires_grad=True)
    nn.check_gradients(lambda x, *_: net(x), x, *net.parameters())
    for name, value in net.state_dict().items():
        np.testing.assert_array_equal(value, before[name])


def test_modes_reach_every_layer():
    net = network()
    assert all(not m.training for _, m in net.eval().modules())
    assert all(m.training for _, m in net.train().modules())
    net.trainable = False
    assert not net.trainable and not net(pictures(2, 3)).requires_grad
    net.trainable = True
    assert net(pictures(2, 3)).requires_grad


def test_own_modules():
    class Twice(nn.Module):
        def __init__(self):
            self.branches = [nn.Dense(2), nn.Dense(2)]
            for i, branch in enumerate(self.branches):
                branch.build((3,), rng=i)
            self.factor = nn.Parameter(np.ones(1, np.float32))

        def forward(self, x):
            return self.factor * self.branches[0](x) + self.branches[1](x)

    net = Twice()
    assert [n for n, _ in net.named_parameters()][:2] == ["factor", "branches.0.kernel"]
    net(pictures(4, 3)).sum().backward()
    assert all(p.grad is not None for p in net.parameters())


@pytest.mark.parametrize("initializer", [init.he, init.glorot, init.normal, partial(init.normal, std=0.5)])
def test_initial_weights(initializer):
    shape = (3, 3, 40, 60)
    weights = initializer(shape, np.random.default_rng(0))
    fan_in, fan_out = 9 * 40, 9 * 60
    expected = {init.he: (2 / fan_in) ** 0.5, init.glorot: (2 / (fan_in + fan_out)) ** 0.5, init.normal: 0.02}
    assert weights.shape == shape and weights.dtype == np.float32
    assert weights.std() == pytest.approx(expected.get(initializer, 0.5), rel=0.02)
    assert abs(weights.mean()) < 0.02 * weights.std()
    assert not init.zeros(shape).any()
    with pytest.raises(ValueError, match="he: shape must have at least 2 axes"):
        init.he((3,), np.random.default_rng(0))


def dense():
    return nn.Sequential([nn.Dense(2)], input_shape=(3,), rng=0)


def embedding():
    return nn.Sequential([nn.Embedding(4, 2)], input_shape=(3,), rng=0)


BAD = [
    (lambda: dense()(pictures(4, 2)), ValueError, r"^layers\.0: Dense: input must have shape \(N, 3\), got \(4, 2\)"),
    (lambda: dense()(np.ones((4, 3))), TypeError, "Dense: input must be a Tensor, got ndarray"),
    (lambda: dense()(pictures(4, 3, dtype=np.float64)), TypeError, "input must have the dtype of kernel, float32"),
    (lambda: nn.Dense(2)(pictures(4, 3)), RuntimeError, r"Dense: not built yet; call build"),
    (lambda: nn.Dense(0), ValueError, "Dense: units must be at least 1, got 0"),
    (lambda: nn.Dense(2).build((3, 3)), ValueError, r"Dense: input_shape must have 1 axis, got \(3, 3\); put Flatten"),
    (lambda: nn.Dense(2).build((0,)), ValueError, "Dense: input_shape must be a tuple of positive ints"),
    (lambda: nn.Dense(2).build((2,), rng="x"), TypeError, "Dense: rng must be a seed"),
    (lambda: nn.Conv2D(2, 3.5), TypeError, "Conv2D: kernel_size must be an int or a pair of ints, got 3.5"),
    (lambda: nn.Conv2D(2, 3, padding="full"), ValueError, "Conv2D: padding must be one of 'same', 'valid', got 'full'"),
    (lambda: nn.Conv2D(2, 3, strides=0), ValueError, "Conv2D: strides must be at least 1, got 0"),
    (lambda: nn.Conv2D(2, 9).build((5, 5, 1)), ValueError, "Conv2D: the kernel must fit .* covers 9x9 pixels of 5x5"),
    (lambda: nn.Conv2DTranspose(2, 2, padding=3).build((2, 2, 1)), ValueError, "leaves nothing of input_shape"),
    (lambda: nn.Sequential([nn.Dense(2), nn.Conv2D(1, 1)], input_shape=(3,)), ValueError, r"layers.1: Conv2D: .*\(2"),
    (lambda: nn.Conv2D(2, 3, groups=0), ValueError, "Conv2D: groups must be at least 1, got 0"),
    (lambda: nn.Conv2D(4, 1, groups=2).build((5, 5, 3)), ValueError, "Conv2D: groups must divide the channels 3 and 4"),
    (lambda: nn.Conv2D(2, 3, dilation_rate=0), ValueError, "Conv2D: dilation_rate must be at least 1, got 0"),
    (
        lambda: nn.Conv2DTranspose(2, 3, 2, output_padding=2),
        ValueError,
        r"Conv2DTranspose: output_padding must be less than strides \(2, 2\), got \(2, 2\)",
    ),
    (lambda: nn.SpectralNormalization(nn.ReLU()), TypeError, "layer must have a kernel, got ReLU"),
    (lambda: nn.SpectralNormalization(nn.Dense(1), 0), ValueError, "power_iterations must be at least 1, got 0"),
    (lambda: nn.Sequential([3]), TypeError, r"Sequential: layers\[0\] must be a Module, got int"),
    (lambda: nn.BatchNorm(momentum=2), ValueError, "BatchNorm: momentum must be from 0 to 1, got 2"),
    (lambda: nn.BatchNorm(epsilon=0), ValueError, "BatchNorm: epsilon must be greater than 0"),
    (lambda: nn.LeakyReLU(-1), ValueError, "LeakyReLU: negative_slope must be at least 0"),
    (lambda: nn.Reshape((2,)).build((3,)), ValueError, r"Reshape: input_shape \(3,\) cannot become \(2,\)"),
    (lambda: dense().astype(np.int32), TypeError, "Sequential.astype: dtype must be float32 or float64"),
    (lambda: nn.Module()(1), NotImplementedError, "Module has no forward"),
    (lambda: nn.losses.binary_cross_entropy(pictures(3), np.ones(2)), ValueError, r"targets must have shape \(3,\)"),
    (lambda: nn.losses.mean_squared_error(np.ones(3), 1), TypeError, "first argument must be a Tensor"),
    (
        lambda: nn.Sequential([nn.BatchNorm(), nn.ReLU()], input_shape=(3,))(pictures(4, 2)),
        ValueError,
        r"BatchNorm: input must have shape \(..., 3\), got \(4, 2\)",
    ),
    (lambda: embedding()(np.ones((2, 4), int)), ValueError, r"Embedding: input must have shape \(N, 3\), got \(2, 4\)"),
    (lambda: embedding()(np.full((1, 3), 4)), ValueError, r"Embedding: input must be in \[0, 4\), got from 4 to 4"),
    (lambda: embedding()(np.full((1, 3), 0.5)), TypeError, "Embedding: input must be whole numbers, got an array of"),
    (lambda: nn.Embedding(4, 2)(np.zeros(3, int)), RuntimeError, "Embedding: not built yet"),
    (lambda: nn.Dropout(1), ValueError, "Dropout: rate must be less than 1, got 1"),
    (lambda: nn.Dropout(0.5)(pictures(2)), RuntimeError, "Dropout: not built yet"),
    (lambda: nn.MaxPooling2D(0), ValueError, "MaxPooling2D: pool_size must be at least 1, got 0"),
    (lambda: nn.MaxPooling2D(2)(pictures(4, 4)), ValueError, r"MaxPooling2D: input must have shape \(N, H, W, C\)"),
    (lambda: nn.MaxPooling2D(9).build((4, 4, 1)), ValueError, "MaxPooling2D: the kernel must fit"),
    (lambda: nn.AveragePooling2D(padding="full").build((4, 4, 1)), ValueError, "AveragePooling2D: padding must be one"),
    (lambda: nn.UpSampling2D(2).build((4,)), ValueError, r"UpSampling2D: input_shape must be \(H, W, C\), got \(4,\)"),
    (
        lambda: nn.losses.cross_entropy(pictures(2, 3), [1, 3]),
        ValueError,
        r"targets must be in \[0, 3\), got from 1 to 3",
    ),
    (
        lambda: nn.losses.cross_entropy(pictures(2, 3), [1.0, 2.0]),
        ValueError,
        "cross_entropy: targets must be integers of",
    ),
    (lambda: nn.losses.cross_entropy(pictures(3).sum(), 1), ValueError, "logits must have an axis of classes"),
    (lambda: nn.losses.hinge(pictures(3), np.ones(2)), ValueError, r"hinge: targets must have shape \(3,\)"),
    (lambda: nn.losses.wasserstein(np.ones(3), 1), TypeError, "wasserstein: first argument must be a Tensor"),
    (lambda: nn.losses.weighted_sum([]), ValueError, "weighted_sum: there are no terms"),
    (lambda: nn.losses.weighted_sum([pictures(1)]), TypeError, r"terms\[0\] must be a pair \(weight, loss\)"),
    (lambda: nn.losses.weighted_sum([(1, pictures(2))]), ValueError, r"loss of terms\[0\] must have one element"),
    (lambda: nn.losses.weighted_sum([("a", pictures(1))]), TypeError, r"the weight of terms\[0\] must be a number"),
    (lambda: nn.check_gradients(lambda x: x, pictures(3)), TypeError, "input 0 must be a Tensor of float64"),
]


@pytest.mark.parametrize(("call", "error", "message"), BAD)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_a_state_that_does_not_fit_changes_nothing():
    net = network()
    before, state = net.state_dict(), net.state_dict()
    wrong = {**{k: v + 1 for k, v in state.items()}, "layers.3.layers.0.kernel": np.zeros((4, 3), np.float32)}
    with pytest.raises(ValueError, match=r"layers\.3\.layers\.0\.kernel must have shape \(4, 2\), got \(4, 3\)"):
        net.load_state_dict(wrong)
    with pytest.raises(ValueError, match=r"missing: \['layers\.0\.bias'\], unknown: \['more'\]"):
        net.load_state_dict({**{k: v for k, v in state.items() if k != "layers.0.bias"}, "more": np.ones(1)})
    for name, value in net.state_dict().items():
        np.testing.assert_array_equal(value, before[name])
