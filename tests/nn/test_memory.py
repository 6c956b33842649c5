"""Memory: how many tensors and bytes a training step has alive at once, and that none stay behind."""

import gc
import tracemalloc

import numpy as np
import pytest

from smalti import nn
from smalti.nn.function import Function

CHANNELS, SIDE, BATCH = 16, 16, 8
PICTURES = BATCH * SIDE * SIDE * CHANNELS * 4  # bytes of the pictures that each layer makes


def network():
    layers = [layer for _ in range(4) for layer in (nn.Conv2D(CHANNELS, 3, padding="same"), nn.Tanh())]
    return nn.Sequential(layers, input_shape=(SIDE, SIDE, CHANNELS), rng=0)


def step(net, optimizer, x):
    loss = (net(x) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def alive():
    return sum(issubclass(type(o), (nn.Tensor, Function)) for o in gc.get_objects())


@pytest.fixture
def no_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()
    tracemalloc.stop()


@pytest.mark.compiled
def test_a_step_keeps_what_it_needs_and_frees_it(no_collector):
    net, x = network(), nn.tensor(np.ones((BATCH, SIDE, SIDE, CHANNELS), np.float32))
    optimizer = nn.optim.Adam(net.parameters())
    for _ in range(2):
        step(net, optimizer, x)
    tensors = alive()
    tracemalloc.start()
    step(net, optimizer, x)
    before, _ = tracemalloc.get_traced_memory()
    tracemalloc.reset_peak()
    step(net, optimizer, x)
    after, peak = tracemalloc.get_traced_memory()
    assert alive() == tensors
    assert after - before < 20_000
    # Four results of tanh are kept, by it and by the convolution that follows; those of convolutions are not. Besides,
    # an operation has its input, its result and, for each thread, what it works on.
    assert 4 * PICTURES <= peak - before <= 8 * PICTURES


@pytest.mark.compiled
def test_a_further_step_allocates_nothing_large(no_collector):
    net = nn.Sequential(
        [
            nn.Conv2D(32, 4, strides=2, padding="same"), nn.BatchNorm(), nn.LeakyReLU(0.2), nn.MaxPooling2D(),
            nn.Conv2DTranspose(32, 4, strides=2, padding="same"), nn.ReLU(), nn.Flatten(), nn.Dense(32), nn.Tanh(),
        ],
        input_shape=(32, 32, 3), rng=0,
    )  # fmt: skip
    x = nn.tensor(np.ones((64, 32, 32, 3), np.float32))
    targets = np.ones((64, 32), np.float32)
    optimizer = nn.optim.Adam(net.parameters())

    def step():
        optimizer.zero_grad()
        (nn.losses.mean_squared_error(net(x), targets) + nn.losses.binary_cross_entropy(net(x), targets)).backward()
        optimizer.step()

    step(), step()
    tracemalloc.start()
    step()
    before, _ = tracemalloc.get_traced_memory()
    tracemalloc.reset_peak()
    step()
    _, peak = tracemalloc.get_traced_memory()
    assert peak - before < 1_000_000  # weights, and what kernels work on; the pictures of a layer are 0.5 to 8 MB


@pytest.mark.compiled
def test_without_recording_no_result_is_kept(no_collector):
    net, x = network(), nn.tensor(np.ones((BATCH, SIDE, SIDE, CHANNELS), np.float32))
    with nn.no_grad():
        net(x)
        tracemalloc.start()
        net(x)
        _, peak = tracemalloc.get_traced_memory()
    assert peak < 5 * PICTURES  # an operation's input and result, and what it works on


def test_second_derivatives_leave_nothing_behind(no_collector):
    net, x = network(), nn.tensor(np.ones((1, SIDE, SIDE, CHANNELS), np.float32), requires_grad=True)

    def penalty():
        dx = nn.grad(net(x).sum(), x, create_graph=True)
        (dx * dx).sum().backward()
        for t in (x, *net.parameters()):
            t.grad = None

    penalty()
    tensors = alive()
    penalty()
    assert alive() == tensors
