"""Networks drawn at random train as PyTorch's do: same weights and data, same weights after twenty steps.

In float64 of all layers. In float32 of those without kinks: at a kink the two libraries' roundings may fall on
different sides, and from there on they learn different things. Some networks magnify rounding until torch's float32
ends far from its float64: what counts is the distance to the latter, and torch's own is allowed for.
"""

import copy

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smalti import nn
from smalti.nn import exchange, losses, optim
from tests.strategies import examples, seeds

pytestmark = pytest.mark.compiled  # plain Python would take minutes
STEPS, BATCH, CLASSES = 20, 6, 3


def activation(draw, t, smooth):
    pairs = [(nn.Tanh(), t.Tanh()), (nn.Sigmoid(), t.Sigmoid())]
    kinked = [(nn.ReLU(), t.ReLU()), (nn.LeakyReLU(0.2), t.LeakyReLU(0.2))]
    return draw(st.sampled_from(pairs if smooth else pairs + kinked))


def convolution(draw, t, channels, side):
    """(our layer, theirs, channels and side after it), of either kind; no bias: batch normalisation takes it away."""
    filters, kernel = draw(st.sampled_from((3, 8, 16))), draw(st.integers(1, 4))
    stride, padding = draw(st.integers(1, 2)), draw(st.integers(0, min(1, kernel - 1)))
    groups = 2 if channels % 2 == filters % 2 == 0 and draw(st.booleans()) else 1
    if draw(st.booleans()):
        extra = draw(st.integers(0, stride - 1))
        padding = min(padding, ((side - 1) * stride + kernel + extra - 1) // 2)
        ours = nn.Conv2DTranspose(filters, kernel, stride, padding, output_padding=extra, groups=groups, use_bias=False)
        theirs = t.ConvTranspose2d(
            channels, filters, kernel, stride, padding, output_padding=extra, groups=groups, bias=False
        )
    else:
        dilation = draw(st.integers(1, 2))
        if dilation * (kernel - 1) + 1 > side + 2 * padding:
            dilation, kernel, padding = 1, 1, 0
        ours = nn.Conv2D(filters, kernel, stride, padding, dilation_rate=dilation, groups=groups, use_bias=False)
        theirs = t.Conv2d(channels, filters, kernel, stride, padding, dilation, groups, bias=False)
    return ours, theirs, filters, ours.shape_after((side, side, channels))[0]


def resizing(draw, t, side, smooth):
    """(our pooling or upsampling, theirs, side after it)."""
    size, stride = draw(st.integers(1, min(3, side))), draw(st.integers(1, 2))
    padding = draw(st.integers(0, size // 2))
    mean = nn.AveragePooling2D(size, stride, padding, count_include_pad=True), t.AvgPool2d(size, stride, padding)
    maximum = nn.MaxPooling2D(size, stride, padding), t.MaxPool2d(size, stride, padding)
    repeated = nn.UpSampling2D(2), t.Upsample(scale_factor=2)
    ours, theirs = draw(st.sampled_from([mean, repeated] if smooth else [mean, repeated, maximum]))
    return ours, theirs, ours.shape_after((side, side, 1))[0]


@st.composite
def networks(draw, torch, dtype):
    smooth = dtype == np.float32
    t, side, channels = torch.nn, draw(st.integers(4, 9)), draw(st.sampled_from((1, 3)))
    shape, pairs = (side, side, channels), []
    for _ in range(draw(st.integers(1, 3))):
        *pair, channels, side = convolution(draw, t, channels, side)
        pairs += [pair, (nn.BatchNorm(epsilon=1e-3), t.BatchNorm2d(channels, eps=1e-3)), activation(draw, t, smooth)]
        if draw(st.booleans()) and side < 12:
            *pair, side = resizing(draw, t, side, smooth)
            pairs.append(pair)
    if draw(st.booleans()):
        pairs.append((nn.GlobalAveragePooling2D(), t.Sequential(t.AdaptiveAvgPool2d(1), t.Flatten())))
        features = channels
    else:
        pairs.append((nn.Flatten(), t.Flatten()))
        features = side * side * channels
    pairs += [
        (nn.Dense(12), t.Linear(features, 12)),
        activation(draw, t, smooth),
        (nn.Dense(CLASSES), t.Linear(12, CLASSES)),
    ]
    net = nn.Sequential([ours for ours, _ in pairs], input_shape=shape, rng=draw(seeds)).astype(dtype)
    twin = t.Sequential(*(theirs for _, theirs in pairs)).to(torch.from_numpy(np.zeros(0, dtype)).dtype)
    twin.load_state_dict({key: torch.from_numpy(value) for key, value in exchange.to_torch(net).items()})
    return net, twin


OPTIMIZERS = {  # an epsilon well above the rounding of gradients, which these optimizers divide by their own size
    "SGD": (lambda p: optim.SGD(p, 0.02), lambda t, p: t.SGD(p, 0.02)),
    "momentum": (lambda p: optim.SGD(p, 0.01, 0.9), lambda t, p: t.SGD(p, 0.01, 0.9)),
    "Nesterov": (
        lambda p: optim.SGD(p, 0.01, 0.9, nesterov=True),
        lambda t, p: t.SGD(p, 0.01, 0.9, nesterov=True),
    ),
    "RMSprop": (lambda p: optim.RMSprop(p, 1e-3, 0.9, 1e-3), lambda t, p: t.RMSprop(p, 1e-3, 0.9, 1e-3)),
    "Adam": (
        lambda p: optim.Adam(p, 1e-3, 0.5, 0.999, 1e-3),
        lambda t, p: t.Adam(p, 1e-3, (0.5, 0.999), 1e-3),
    ),
    "AdamW": (
        lambda p: optim.Adam(p, 1e-3, epsilon=1e-3, weight_decay=0.1),
        lambda t, p: t.AdamW(p, 1e-3, eps=1e-3, weight_decay=0.1),
    ),
}
LOSSES = {
    "cross entropy": (losses.cross_entropy, lambda f, x, t: f.cross_entropy(x, t)),
    "smoothed": (
        lambda x, t: losses.cross_entropy(x, t, label_smoothing=0.1),
        lambda f, x, t: f.cross_entropy(x, t, label_smoothing=0.1),
    ),
    "binary": (
        lambda x, t: losses.binary_cross_entropy(x, np.eye(CLASSES)[t]),
        lambda f, x, t: f.binary_cross_entropy_with_logits(x, f.one_hot(t, CLASSES).to(x)),
    ),
    "squares": (
        lambda x, t: losses.mean_squared_error(x, np.eye(CLASSES)[t]),
        lambda f, x, t: f.mse_loss(x, f.one_hot(t, CLASSES).to(x)),
    ),
}


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Small networks gain nothing by more, and torch's threads wait for each other on a busy machine."""
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-8), (np.float32, 1e-4)])
@examples(30)
@given(st.data(), st.sampled_from(sorted(OPTIMIZERS)), st.sampled_from(sorted(LOSSES)), seeds)
def test_networks(dtype, tolerance, data, optimizer, loss, seed):
    torch = pytest.importorskip("torch")
    net, twin = data.draw(networks(torch, dtype))
    ours, twins = OPTIMIZERS[optimizer][0](net.parameters()), [twin, copy.deepcopy(twin).double()]
    theirs = [OPTIMIZERS[optimizer][1](torch.optim, one.parameters()) for one in twins]
    rng = np.random.default_rng(seed)
    for _ in range(STEPS):
        x, targets = rng.standard_normal((BATCH, *net.input_shape)).astype(dtype), rng.integers(CLASSES, size=BATCH)
        ours.zero_grad()
        LOSSES[loss][0](net(nn.tensor(x)), targets).backward()
        ours.step()
        for one, steps in zip(twins, theirs, strict=True):
            steps.zero_grad()
            logits = one(torch.from_numpy(x).to(next(one.parameters())).permute(0, 3, 1, 2))
            LOSSES[loss][1](torch.nn.functional, logits, torch.from_numpy(targets)).backward()
            steps.step()
    single, exact = ({key: p.detach().numpy() for key, p in one.named_parameters()} for one in twins)
    for key, value in exchange.to_torch(net).items():
        if key in exact:
            rounding = np.abs(single[key] - exact[key]).max()
            np.testing.assert_allclose(value, exact[key], rtol=0, atol=tolerance + rounding, err_msg=key)


def test_embeddings():
    torch = pytest.importorskip("torch")
    net = nn.Sequential([nn.Embedding(5, 4), nn.Flatten(), nn.Dense(CLASSES)], input_shape=(2,), rng=0)
    twin = torch.nn.Sequential(torch.nn.Embedding(5, 4), torch.nn.Flatten(), torch.nn.Linear(8, CLASSES))
    twin.load_state_dict({key: torch.from_numpy(value) for key, value in exchange.to_torch(net).items()})
    ours, theirs = optim.SGD(net.parameters(), 0.1), torch.optim.SGD(twin.parameters(), 0.1)
    rng = np.random.default_rng(0)
    for _ in range(STEPS):
        x, targets = rng.integers(5, size=(BATCH, 2)), rng.integers(CLASSES, size=BATCH)
        ours.zero_grad(), theirs.zero_grad()
        losses.cross_entropy(net(x), targets).backward()
        torch.nn.functional.cross_entropy(twin(torch.from_numpy(x)), torch.from_numpy(targets)).backward()
        ours.step(), theirs.step()
    for key, value in exchange.to_torch(net).items():
        np.testing.assert_allclose(value, twin.state_dict()[key].numpy(), atol=1e-5)
