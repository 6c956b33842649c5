"""Networks: gradients by projection, layers and training against PyTorch, memory, saving, and what is refused."""

import gc
import weakref

import numpy as np
import pytest

from smalti import nn
from smalti.nn import losses, optim
from smalti.nn.function import Function
from tests.helpers import bit_identical_for_threads
from tests.tolerance import close


def normal(*shape, seed=0, dtype=np.float64):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def leaf(*shape, seed=0, away_from_zero=False):
    data = normal(*shape, seed=seed)
    if away_from_zero:  # where functions have a kink
        data += np.where(data < 0, -0.1, 0.1)
    return nn.tensor(data, requires_grad=True)


# Gradients

OPERATIONS = {
    "add, broadcast": lambda x: x + nn.tensor(normal(4, seed=1)),
    "subtract from a number": lambda x: 3 - x,
    "multiply": lambda x: x * nn.tensor(normal(3, 1, seed=1)) * x,
    "divide": lambda x: nn.tensor(normal(3, 4, seed=1)) / (x * x + 1) / 2,
    "power": lambda x: (x * x + 1) ** 1.5,
    "negative": lambda x: -x,
    "matrix product": lambda x: x @ nn.tensor(normal(4, 5, seed=1)),
    "matrix product, transposed": lambda x: x.T @ x,
    "sum": lambda x: x.sum(axis=1, keepdims=True) * x.sum(axis=0) + x.sum(),
    "mean": lambda x: x.mean(axis=0) * x.mean(),
    "reshape and transpose": lambda x: x.reshape(2, 6).transpose(1, 0).reshape(3, 4) * x,
    "exp": lambda x: x.exp(),
    "log and sqrt": lambda x: (x * x + 1).log() + (x * x + 1).sqrt(),
    "abs": lambda x: x.abs(),
    "maximum": lambda x: x.maximum(nn.tensor(normal(3, 4, seed=1))),
    "clip": lambda x: x.clip(-0.7, 0.7),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_gradient_of_operation(name):
    assert nn.check_gradients(OPERATIONS[name], leaf(3, 4, away_from_zero=True)) < 1e-6


def test_gradient_of_both_operands():
    nn.check_gradients(lambda x, y: x * y + x / (y * y + 1) - y @ x.T @ y, leaf(3, 3), leaf(3, 3, seed=1))


LAYERS = {
    "dense": (lambda: nn.Dense(5), (7,)),
    "dense without bias": (lambda: nn.Dense(1, use_bias=False), (7,)),
    "conv": (lambda: nn.Conv2D(3, 3, padding="same"), (6, 5, 2)),
    "conv, strides": (lambda: nn.Conv2D(2, (4, 3), strides=2, padding=1, use_bias=False), (7, 6, 3)),
    "transpose": (lambda: nn.Conv2DTranspose(3, 4, strides=2, padding="same"), (3, 4, 2)),
    "transpose, thin": (lambda: nn.Conv2DTranspose(1, 3, strides=(1, 2)), (4, 3, 2)),
    "batch norm": (lambda: nn.BatchNorm(), (4, 3, 2)),
    "batch norm, dense": (lambda: nn.BatchNorm(), (5,)),
    "relu": (lambda: nn.ReLU(), (9,)),
    "leaky relu": (lambda: nn.LeakyReLU(0.2), (9,)),
    "sigmoid": (lambda: nn.Sigmoid(), (9,)),
    "tanh": (lambda: nn.Tanh(), (9,)),
    "flatten": (lambda: nn.Flatten(), (2, 3, 2)),
    "reshape": (lambda: nn.Reshape((3, 4)), (2, 6)),
    "softmax": (lambda: nn.Softmax(), (3, 5)),
    "max pooling": (lambda: nn.MaxPooling2D(3, strides=2, padding=1), (6, 5, 2)),
    "average pooling": (lambda: nn.AveragePooling2D(3, strides=2, padding="same"), (6, 5, 2)),
    "global average pooling": (lambda: nn.GlobalAveragePooling2D(), (4, 5, 3)),
    "upsampling": (lambda: nn.UpSampling2D((2, 3)), (3, 4, 2)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_gradient_of_layer(name):
    make, shape = LAYERS[name]
    layer = make()
    layer.build(shape, rng=0)
    layer.astype(np.float64)
    x = leaf(4, *shape, away_from_zero=True)
    parameters = list(layer.parameters())
    nn.check_gradients(lambda x, *_: layer(x), x, *parameters)


def test_gradient_of_fused_layers():
    net = nn.Sequential([nn.Conv2D(4, 3), nn.BatchNorm(), nn.LeakyReLU(0.2)], input_shape=(5, 5, 2), rng=0)
    net.astype(np.float64)
    nn.check_gradients(lambda x, *_: net(x), leaf(3, 5, 5, 2), *net.parameters())


def test_gradient_of_embedding():
    layer = nn.Embedding(6, 3)
    layer.build((2,), rng=0)
    layer.astype(np.float64)
    numbers = np.array([[0, 5], [5, 5], [2, 0]])
    nn.check_gradients(lambda w: layer(numbers) * layer(numbers), layer.embeddings)


LOSSES = {
    "binary cross entropy": lambda x: losses.binary_cross_entropy(x, np.random.default_rng(1).random((4, 3))),
    "of one target": lambda x: losses.binary_cross_entropy(x, 1.0),
    "smoothed": lambda x: losses.binary_cross_entropy(x, 1.0, label_smoothing=0.2),
    "cross entropy": lambda x: losses.cross_entropy(x, [0, 2, 1, 1]),
    "of probabilities": lambda x: losses.cross_entropy(x, np.random.default_rng(1).random((4, 3))),
    "of smoothed classes": lambda x: losses.cross_entropy(x, [0, 2, 1, 1], label_smoothing=0.3),
    "mean squared error": lambda x: losses.mean_squared_error(x, np.random.default_rng(1).random((4, 3))),
    "hinge": lambda x: losses.hinge(x, [[1, -1, 1]] * 4),
    "wasserstein": lambda x: losses.wasserstein(x, -1),
    "weighted sum": lambda x: losses.weighted_sum([(2, (x * x).mean()), (-0.5, x.exp().mean())]),
}


@pytest.mark.parametrize("name", LOSSES)
def test_gradient_of_loss(name):
    nn.check_gradients(LOSSES[name], leaf(4, 3))


def test_losses_against_torch():
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional
    x, t = normal(5, 4), np.random.default_rng(1).dirichlet(np.ones(4), 5)
    logits, tx, tt = nn.tensor(x), torch.from_numpy(x), torch.from_numpy(t)
    classes = np.array([0, 3, 2, 2, 1])
    for e in (0.0, 0.1):
        ours = losses.cross_entropy(logits, classes, label_smoothing=e).item()
        assert ours == pytest.approx(functional.cross_entropy(tx, torch.from_numpy(classes), label_smoothing=e).item())
        ours = losses.cross_entropy(logits, t, label_smoothing=e).item()
        assert ours == pytest.approx(functional.cross_entropy(tx, tt, label_smoothing=e).item())
    smooth = 0.9 * tt + 0.05
    ours = losses.binary_cross_entropy(logits, t, label_smoothing=0.1).item()
    assert ours == pytest.approx(functional.binary_cross_entropy_with_logits(tx, smooth).item())
    signs = np.sign(x[::-1])
    ours = losses.hinge(logits, signs).item()
    assert ours == pytest.approx(functional.relu(1 - torch.from_numpy(signs.copy()) * tx).mean().item())
    assert losses.wasserstein(logits, 1).item() == pytest.approx(-x.mean())


def test_weighted_sum_tells_its_parts():
    x = nn.tensor([2.0], requires_grad=True)
    loss = losses.weighted_sum([(3, x.sum()), (0.5, (x * x))])
    assert loss.item() == 8 and loss.parts == [6, 2] and loss.shape == ()
    loss.backward()
    np.testing.assert_array_equal(x.grad.data, [5])


def test_a_wrong_gradient_is_found():
    class Wrong(Function):
        def forward(self, x):
            return 2 * x.data

        def backward(self, dy):
            return (3 * dy,)

    with pytest.raises(ArithmeticError, match="derivative along a random direction of input 0"):
        nn.check_gradients(lambda x: Wrong.apply(x), leaf(3))


def test_loss_is_stable():
    x = nn.tensor([[-1e4], [1e4], [0.0]], requires_grad=True)
    loss = losses.binary_cross_entropy(x, np.array([[0], [1], [1]], np.float32))
    assert loss.item() == pytest.approx(np.log(2) / 3, rel=1e-6)
    loss.backward()
    np.testing.assert_allclose(x.grad.numpy(), [[0], [0], [-0.5 / 3]], atol=1e-7)


# The graph


def test_shared_parts_add_up():
    x = nn.tensor([2.0, 3.0], requires_grad=True)
    y = x * x
    (y + y * x).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), 2 * x.data + 3 * x.data**2)


def test_gradients_accumulate_until_cleared():
    x = nn.tensor([2.0], requires_grad=True)
    for _ in range(2):
        (3 * x).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [6])


def test_long_chain_does_not_recurse():
    x = nn.tensor([1.0], requires_grad=True)
    y = x
    for _ in range(100_000):
        y = y + 1
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [1])


def test_graph_is_freed_without_the_collector():
    gc.collect()
    gc.disable()
    try:
        x = nn.tensor(normal(5, 4), requires_grad=True)
        middle = (x * x).exp()
        gone = weakref.ref(middle.data), weakref.ref(middle)
        loss = middle.sum()
        del middle
        loss.backward()
        assert gone[0]() is None and gone[1]() is None
        abandoned = (x * 2).exp()
        gone = weakref.ref(abandoned)
        del abandoned
        assert gone() is None
    finally:
        gc.enable()


def test_no_grad_and_detach():
    x = nn.tensor([1.0, 2.0], requires_grad=True)
    with nn.no_grad():
        assert not (x * 2).requires_grad
    assert not x.detach().requires_grad
    (x.detach() * x).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), x.data)


def test_frozen_layers_get_no_gradient():
    net = nn.Sequential([nn.Dense(3), nn.Dense(2)], input_shape=(4,), rng=0)
    net.trainable = False
    x = nn.tensor(normal(5, 4, dtype=np.float32), requires_grad=True)
    net(x).sum().backward()
    assert x.grad is not None and all(p.grad is None for p in net.parameters())


def test_misuse_is_named():
    x = nn.tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(ValueError, match=r"scalar|one element|gradient"):
        (x * 2).backward()
    y = (x * x).sum()
    y.backward()
    with pytest.raises((ValueError, RuntimeError), match=r"backward|again|twice|freed"):
        y.backward()
    with pytest.raises((TypeError, ValueError)):
        nn.tensor("text")
    with pytest.raises(ValueError):
        x + nn.tensor([1.0, 2.0, 3.0])
    with pytest.raises((TypeError, ValueError)):
        x + nn.tensor([1.0, 2.0], dtype=np.float64)


# Networks


def small_gan_like(dtype=np.float32):
    net = nn.Sequential(
        [
            nn.Conv2D(8, 4, strides=2, padding="same"), nn.LeakyReLU(0.2),
            nn.Conv2D(12, 4, strides=2, padding="same", use_bias=False), nn.BatchNorm(momentum=0.9, epsilon=1e-5),
            nn.LeakyReLU(0.2), nn.Flatten(), nn.Dense(1),
        ],
        input_shape=(8, 8, 1), rng=0,
    )  # fmt: skip
    net.astype(dtype)
    return net


def train(net, steps=5, seed=0):
    adam = optim.Adam(net.parameters(), learning_rate=1e-2, beta_1=0.5)
    x = nn.tensor(normal(6, 8, 8, 1, seed=seed, dtype=net.parameters()[0].dtype))
    history = []
    for _ in range(steps):
        loss = losses.binary_cross_entropy(net(x), (np.arange(6) % 2).reshape(6, 1).astype(x.dtype))
        adam.zero_grad()
        loss.backward()
        adam.step()
        history.append(loss.item())
    return history


def test_training_lowers_the_loss_and_repeats_itself():
    first, second = small_gan_like(), small_gan_like()
    history = train(first, 20)
    assert history[-1] < 0.2 * history[0]
    assert train(second, 20) == history


@pytest.mark.compiled
def test_threads():
    def weights():
        net = small_gan_like()
        train(net)
        return {name: np.array(value) for name, value in net.state_dict().items()}

    bit_identical_for_threads(weights)


def test_against_torch():
    torch = pytest.importorskip("torch")
    net = small_gan_like(np.float64)
    t = torch.nn
    twin = t.Sequential(
        t.Conv2d(1, 8, 4, 2, 1), t.LeakyReLU(0.2), t.Conv2d(8, 12, 4, 2, 1, bias=False),
        t.BatchNorm2d(12, eps=1e-5, momentum=0.1), t.LeakyReLU(0.2), t.Flatten(), t.Linear(48, 1),
    ).double()  # fmt: skip

    def as_torch(array):
        array = torch.from_numpy(np.array(array))
        if array.ndim == 4:
            return array.permute(3, 2, 0, 1)
        return array.reshape(2, 2, 12).permute(2, 0, 1).reshape(1, -1) if array.ndim == 2 else array

    for ours, theirs in zip(net.parameters(), twin.parameters(), strict=True):
        theirs.data.copy_(as_torch(ours.data))
    x = normal(6, 8, 8, 1)
    adam = torch.optim.Adam(twin.parameters(), lr=1e-2, betas=(0.5, 0.999), eps=1e-7)
    targets = (torch.arange(6) % 2).reshape(6, 1).double()
    for _ in range(10):
        loss = t.functional.binary_cross_entropy_with_logits(twin(torch.from_numpy(x).permute(0, 3, 1, 2)), targets)
        adam.zero_grad()
        loss.backward()
        adam.step()
    train(net, 10)
    for ours, theirs in zip(net.parameters(), twin.parameters(), strict=True):
        close(as_torch(ours.data).numpy(), theirs.detach().numpy(), k=1e4, atol=1e-7)
    net.eval(), twin.eval()
    ours = net(nn.tensor(x)).numpy()
    theirs = twin(torch.from_numpy(x).permute(0, 3, 1, 2)).detach().numpy()
    # torch's running variance is of the unbiased estimate
    np.testing.assert_allclose(ours, theirs, atol=0.1)


def test_batch_norm_statistics():
    layer = nn.BatchNorm(momentum=0.5, epsilon=1e-5)
    layer.build((3,), rng=0)
    x = normal(50, 3, dtype=np.float32) * 4 + 7
    y = layer(nn.tensor(x)).numpy()
    np.testing.assert_allclose(y.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(y.std(axis=0), 1, atol=1e-3)
    for _ in range(30):
        layer(nn.tensor(x))
    layer.eval()
    np.testing.assert_allclose(layer(nn.tensor(x)).numpy(), y, atol=0.05)
    alone = layer(nn.tensor(x[:1])).numpy()
    np.testing.assert_array_equal(alone, layer(nn.tensor(x)).numpy()[:1])


def test_shapes_that_do_not_fit():
    net = small_gan_like()
    with pytest.raises(ValueError, match="8"):
        net(nn.tensor(normal(2, 8, 8, 3, dtype=np.float32)))
    with pytest.raises(ValueError):
        nn.Sequential([nn.Dense(3), nn.Conv2D(2, 3)], input_shape=(4,), rng=0)
    with pytest.raises(ValueError):
        nn.Sequential([nn.Reshape((5,))], input_shape=(4,), rng=0)


# Saving


def test_save_and_load(tmp_path):
    net, other = small_gan_like(), small_gan_like()
    train(net, 3)
    nn.save(tmp_path / "net.npz", net.state_dict())
    other.load_state_dict(nn.load(tmp_path / "net.npz"))
    assert train(net, 3, seed=5) == train(other, 3, seed=5)
    assert [p.name for p in tmp_path.iterdir()] == ["net.npz"]


def test_adam_goes_on_exactly():
    one, two = small_gan_like(), small_gan_like()
    states = []
    for net, cut in ((one, None), (two, 2)):
        adam = optim.Adam(net.parameters())
        for step in range(5):
            if step == cut:
                state = adam.state_dict()
                adam = optim.Adam(net.parameters())
                adam.load_state_dict({name: np.array(value) for name, value in state.items()})
            adam.zero_grad()
            net(nn.tensor(normal(4, 8, 8, 1, seed=step, dtype=np.float32))).sum().backward()
            adam.step()
        states.append({name: np.array(value) for name, value in net.state_dict().items()})
    for name, value in states[0].items():
        np.testing.assert_array_equal(states[1][name], value, err_msg=name)


def test_bad_states_are_named(tmp_path):
    net = small_gan_like()
    state = dict(net.state_dict())
    name = next(iter(state))
    for bad in (
        {k: v for k, v in state.items() if k != name},
        {**state, "stranger": np.zeros(3)},
        {**state, name: np.zeros((1, 2, 3))},
    ):
        with pytest.raises(ValueError, match=f"{name}|stranger"):
            net.load_state_dict(bad)
    path = tmp_path / "net.npz"
    nn.save(path, state)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"net\.npz"):
        nn.load(path)
    with pytest.raises(OSError, match=r"missing\.npz"):
        nn.load(tmp_path / "missing.npz")
