"""Convolution, its gradients and its transpose against their twins and against PyTorch."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smalti.kernels import conv2d, conv2d_backward_input, conv2d_backward_weight, conv2d_transpose
from smalti.kernels._windows import windows
from smalti.kernels._winograd import convolve, pays, weight_gradient
from tests.helpers import bit_identical_for_callers, bit_identical_for_threads, check_layouts, guarded, posix, run_alone
from tests.reference import conv2d as reference
from tests.strategies import examples, seeds, sides
from tests.tolerance import close

PAIRS = st.tuples(st.integers(1, 3), st.integers(1, 3))


@st.composite
def cases(draw):
    """Arrays x, w, b and dy of one convolution, and its geometry."""
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    kernel, stride, dilation = draw(PAIRS), draw(PAIRS), draw(st.tuples(st.integers(1, 2), st.integers(1, 2)))
    pad = draw(st.tuples(st.integers(0, 2), st.integers(0, 2)))
    n, h, w = draw(st.integers(1, 3)), draw(sides(7, 14)), draw(sides(7, 14))
    groups = draw(st.sampled_from([1, 1, 2, 3, 70]))
    depth, columns = (1 if groups == 70 else draw(st.sampled_from([1, 2, 3, 16, 17, 35, 70])) for _ in range(2))
    c_in, c_out = groups * depth, groups * columns
    rng = np.random.default_rng(draw(seeds))
    x = rng.uniform(-1, 1, (n, h, w, c_in)).astype(dtype)
    weight = rng.uniform(-1, 1, (*kernel, depth, c_out)).astype(dtype)
    b = rng.uniform(-1, 1, c_out).astype(dtype)
    y = reference.conv2d(x, weight, b, stride, pad, dilation, groups)
    dy = rng.uniform(-1, 1, y.shape).astype(dtype)
    return x, weight, b, dy, dict(stride=stride, padding=pad, dilation=dilation, groups=groups)


def held(actual, ref, terms, dtype):
    # Every addition rounds a sum of at most `terms` numbers below one.
    close(actual, ref, k=1, atol=2 * np.finfo(dtype).eps * (terms + 4))


@examples(40)
@given(cases())
def test_forward(case):
    x, w, b, _, geometry = case
    y = conv2d(x, w, b, **geometry)
    assert y.dtype == x.dtype
    held(y, reference.conv2d(x, w, b, *geometry.values()), w[..., 0].size, x.dtype)


@examples(40)
@given(cases())
def test_backward_input(case):
    x, w, _, dy, geometry = case
    dx = conv2d_backward_input(dy, w, x.shape, **geometry)
    held(dx, reference.conv2d_backward_input(dy, w, x.shape, *geometry.values()), w[..., 0, :].size, x.dtype)


@examples(40)
@given(cases())
def test_backward_weight(case):
    x, w, _, dy, geometry = case
    dw = conv2d_backward_weight(dy, x, w.shape[:2], **geometry)
    held(dw, reference.conv2d_backward_weight(dy, x, w.shape[:2], *geometry.values()), dy[..., 0].size, x.dtype)


@pytest.mark.parametrize("groups", [1, 2])
def test_backward_weight_of_windows_as_large_as_the_picture(groups):
    """Nearly every tap stands over other pixels than its neighbours."""
    rng = np.random.default_rng(0)
    x, dy = (rng.uniform(-1, 1, shape).astype(np.float32) for shape in ((2, 4, 4, 8), (2, 3, 3, 8)))
    dw = conv2d_backward_weight(dy, x, (4, 4), padding=1, groups=groups)
    ref = reference.conv2d_backward_weight(dy, x, (4, 4), (1, 1), (1, 1), (1, 1), groups)
    held(dw, ref, dy[..., 0].size, x.dtype)


@examples(40)
@given(cases(), st.tuples(st.integers(0, 2), st.integers(0, 2)))
def test_transpose(case, extra):
    x, w, _, _, geometry = case
    stride, pad, groups = geometry["stride"], geometry["padding"], geometry["groups"]
    extra = tuple(min(e, s - 1) for e, s in zip(extra, stride, strict=True))
    w = np.resize(w, (*w.shape[:2], w.shape[3] // groups, x.shape[3]))
    b = np.resize(w, w.shape[2] * groups)
    ref = reference.conv2d_transpose(x, w, b, stride, pad, extra, groups)
    y = conv2d_transpose(x, w, b, stride=stride, padding=pad, output_padding=extra, groups=groups)
    held(y, ref, w[:, :, 0].size, x.dtype)


@pytest.mark.compiled
@pytest.mark.parametrize("n, h, w, c_in, c_out, k, s", [(1, 130, 97, 16, 33, 3, 1), (9, 28, 28, 1, 64, 4, 2),
                                                      (3, 16, 16, 200, 96, 4, 2), (2, 61, 64, 3, 8, 7, 3)])  # fmt: skip
def test_large(n, h, w, c_in, c_out, k, s):
    """Shapes that are divided into bands, several pictures at once, and several blocks of the inner dimension."""
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (n, h, w, c_in)).astype(np.float32)
    weight = rng.uniform(-1, 1, (k, k, c_in, c_out)).astype(np.float32)
    geometry = ((s, s), (1, 1), (1, 1))
    arguments = dict(stride=s, padding=1)
    y = conv2d(x, weight, **arguments)
    held(y, reference.conv2d(x, weight, None, *geometry), weight[..., 0].size, x.dtype)
    dx = conv2d_backward_input(y, weight, x.shape, **arguments)
    scale = np.abs(y).max()
    held(
        dx / scale,
        reference.conv2d_backward_input(y / scale, weight, x.shape, *geometry),
        weight[..., 0, :].size,
        x.dtype,
    )
    dw = conv2d_backward_weight(y, x, (k, k), **arguments)
    held(dw / scale, reference.conv2d_backward_weight(y / scale, x, (k, k), *geometry), y[..., 0].size, x.dtype)


@pytest.mark.compiled
@examples(20)
@given(st.integers(6, 25), st.integers(6, 25), *[st.sampled_from([32, 48, 128])] * 2, st.integers(0, 3), seeds)
def test_many_channels(h, w, c_in, c_out, pad, seed):
    """Windows of 3 x 3 over so many channels and pixels are computed in their own way."""
    rng = np.random.default_rng(seed)
    n, pad = -(-512 // ((h - 2) * (w - 2))), (pad, 1)
    x, b = rng.uniform(-1, 1, (n, h, w, c_in)).astype(np.float32), rng.uniform(-1, 1, c_out).astype(np.float32)
    weight = rng.uniform(-1, 1, (3, 3, c_in, c_out)).astype(np.float32)
    geometry = windows("conv2d", (h, w), (3, 3), 1, pad, 1)
    if h > 12 and w > 12:
        assert pays(n, geometry, geometry.output, c_in, c_out, x.dtype)
        assert pays(n, geometry, geometry.image, c_out, c_in, x.dtype)
        assert pays(n, geometry, geometry.output, c_in, c_out, x.dtype, of_weights=True)
    y = conv2d(x, weight, b, padding=pad)
    held(y, reference.conv2d(x, weight, b, (1, 1), pad, (1, 1)), 9 * c_in, x.dtype)
    dy = rng.uniform(-1, 1, y.shape).astype(np.float32)
    dx = conv2d_backward_input(dy, weight, x.shape, padding=pad)
    held(dx, reference.conv2d_backward_input(dy, weight, x.shape, (1, 1), pad, (1, 1)), 9 * c_out, x.dtype)
    dw = conv2d_backward_weight(dy, x, (3, 3), padding=pad)
    held(dw, reference.conv2d_backward_weight(dy, x, (3, 3), (1, 1), pad, (1, 1)), dy[..., 0].size, x.dtype)


def test_few_tiles():
    """The same way for a small picture, in plain Python too."""
    rng = np.random.default_rng(0)
    x, weight = (rng.uniform(-1, 1, shape).astype(np.float32) for shape in ((1, 3, 5, 32), (3, 3, 32, 16)))
    y, b = np.empty((1, 3, 3, 16), np.float32), weight[0, 0, 0]
    convolve(x, weight, False, b, (1, 0), y)
    held(y, reference.conv2d(x, weight, b, (1, 1), (1, 0), (1, 1)), 9 * 32, x.dtype)
    dw = np.empty_like(weight)
    weight_gradient(y, x, (1, 0), dw)
    close(dw, reference.conv2d_backward_weight(y, x, (3, 3), (1, 1), (1, 0), (1, 1)), k=50, atol=1e-3)


@pytest.mark.compiled
def test_results_that_go_past_the_caches():
    """They are the same as those of fewer pictures, which do not."""
    rng = np.random.default_rng(4)
    x = rng.uniform(-1, 1, (2, 262, 259, 1)).astype(np.float32)
    w = rng.uniform(-1, 1, (3, 3, 1, 16)).astype(np.float32)
    y = conv2d(x, w, padding=1)
    assert y.nbytes > 8 << 20 > y[:1].nbytes
    np.testing.assert_array_equal(y[1:], conv2d(x[1:], w, padding=1))
    turned = w.swapaxes(2, 3)
    dx = conv2d_backward_input(x, turned, y.shape, padding=1)
    np.testing.assert_array_equal(dx[1:], conv2d_backward_input(x[1:], turned, y[1:].shape, padding=1))


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("kernel", [1, 2, 3, 4])
def test_same_padding(stride, kernel):
    x = np.random.default_rng(0).uniform(-1, 1, (1, 7, 8, 2)).astype(np.float32)
    w = np.ones((kernel, kernel, 2, 3), np.float32)
    y = conv2d(x, w, stride=stride, padding="same")
    assert y.shape == (1, -(-7 // stride), -(-8 // stride), 3)
    total = [max(0, (o - 1) * stride + kernel - i) for o, i in zip(y.shape[1:3], (7, 8), strict=True)]
    padded = np.pad(x, ((0, 0), *((t // 2, t - t // 2) for t in total), (0, 0)))
    held(y, reference.conv2d(padded, w, None, (stride,) * 2, (0, 0), (1, 1)), w[..., 0].size, x.dtype)
    z = conv2d_transpose(x, np.ones((kernel, kernel, 3, 2), np.float32), stride=stride, padding="same")
    assert z.shape == (1, 7 * stride, 8 * stride, 3)
    np.testing.assert_array_equal(conv2d(x, w, stride=stride, padding="valid"), conv2d(x, w, stride=stride))


@pytest.mark.parametrize("groups", [1, 2])
def test_against_torch(groups):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    x, w = rng.uniform(-1, 1, (2, 13, 12, 20)), rng.uniform(-1, 1, (4, 3, 20 // groups, 18))
    tx = torch.tensor(x).permute(0, 3, 1, 2).contiguous().requires_grad_()
    tw = torch.tensor(w).permute(3, 2, 0, 1).contiguous().requires_grad_()
    geometry = dict(stride=(2, 1), padding=(1, 2), groups=groups)
    ty = torch.nn.functional.conv2d(tx, tw, **geometry)
    y = conv2d(x, w, **geometry)
    held(y, ty.detach().permute(0, 2, 3, 1).numpy(), 240, np.float64)
    dy = rng.uniform(-1, 1, y.shape)
    ty.backward(torch.tensor(dy).permute(0, 3, 1, 2))
    held(conv2d_backward_input(dy, w, x.shape, **geometry), tx.grad.permute(0, 2, 3, 1).numpy(), 240, np.float64)
    held(conv2d_backward_weight(dy, x, (4, 3), **geometry), tw.grad.permute(2, 3, 1, 0).numpy(), 300, np.float64)
    w = rng.uniform(-1, 1, (4, 3, 18 // groups, 20))
    tw = torch.tensor(w).permute(3, 2, 0, 1)
    ty = torch.nn.functional.conv_transpose2d(tx, tw, output_padding=(1, 0), **geometry).detach()
    held(conv2d_transpose(x, w, output_padding=(1, 0), **geometry), ty.permute(0, 2, 3, 1).numpy(), 240, np.float64)


def test_layouts():
    x = np.random.default_rng(0).uniform(-1, 1, (2, 6, 5, 3)).astype(np.float32)
    w = np.random.default_rng(1).uniform(-1, 1, (3, 3, 3, 4)).astype(np.float32)
    check_layouts(conv2d, x, w)
    dy = conv2d(x, w)
    check_layouts(lambda dy, w: conv2d_backward_input(dy, w, x.shape), dy, w)
    check_layouts(lambda dy, x: conv2d_backward_weight(dy, x, (3, 3)), dy, x)


def _depthwise_gradients(x, w):
    y = conv2d(x, w, groups=32)
    return y, conv2d_backward_input(y, w, x.shape, groups=32), conv2d_backward_weight(y, x, (3, 3), groups=32)


@pytest.mark.compiled
def test_threads_and_callers():
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (13, 28, 28, 20)).astype(np.float32)
    w = rng.uniform(-1, 1, (4, 4, 20, 40)).astype(np.float32)
    thin = rng.uniform(-1, 1, (4, 4, 1, 20)).astype(np.float32)
    deep = rng.uniform(-1, 1, (13, 28, 27, 32)).astype(np.float32)
    square = rng.uniform(-1, 1, (3, 3, 32, 48)).astype(np.float32)

    def everything():
        y = conv2d(x, w, stride=2, padding=1)
        return [
            conv2d(deep, square, padding=1),
            conv2d_backward_weight(deep, deep, (3, 3), padding=1),
            conv2d_transpose(deep, square.swapaxes(2, 3), padding=1),
            y,
            conv2d_backward_input(y, w, x.shape, stride=2, padding=1),
            conv2d_backward_weight(y, x, (4, 4), stride=2, padding=1),
            conv2d_backward_weight(y, x, (4, 4), stride=2, padding=1, groups=4),
            conv2d(deep, square[:, :, :8], groups=4),
            *_depthwise_gradients(deep, square[:, :, :1, :32]),
            conv2d_transpose(x, thin, stride=2, padding=1),
        ]

    bit_identical_for_threads(everything)
    bit_identical_for_callers(everything, calls=1)


def test_bad_input():
    x, w = np.ones((1, 5, 5, 2), np.float32), np.ones((3, 3, 2, 4), np.float32)
    for call, message in [
        (lambda: conv2d(x[0], w), r"conv2d: x must have 4 dimensions, got shape \(5, 5, 2\)"),
        (lambda: conv2d(x, w[:, :, :1]), r"conv2d: w must have shape \(any, any, 2, any\), got \(3, 3, 1, 4\)"),
        (lambda: conv2d(x, w, groups=3), "conv2d: groups must divide the channels 2 and 4, got 3"),
        (lambda: conv2d(x, w, groups=2), r"conv2d: w must have shape \(any, any, 1, any\), got \(3, 3, 2, 4\)"),
        (lambda: conv2d(x, w, groups=0), "conv2d: groups must be at least 1, got 0"),
        (lambda: conv2d_backward_input(x, w, (1, 7, 7, 3), groups=2), "must divide the channels 3 and 4, got 2"),
        (lambda: conv2d_backward_weight(x, x, (1, 1), groups=3), "must divide the channels 2 and 2, got 3"),
        (lambda: conv2d_transpose(x, np.ones((3, 3, 4, 2)), groups=3), "must divide the channels 2 and 12, got 3"),
        (lambda: conv2d(x, w, np.ones(3)), r"conv2d: b must have shape \(4,\), got \(3,\)"),
        (lambda: conv2d(x, w, stride=0), "conv2d: stride must be at least 1, got 0"),
        (lambda: conv2d(x, w, padding=-1), "conv2d: padding must be at least 0, got -1"),
        (lambda: conv2d(x, w, padding="full"), "conv2d: padding must be one of 'same', 'valid', got 'full'"),
        (lambda: conv2d(x, w, dilation=3), "conv2d: the kernel must fit into the padded image: it covers 7x7"),
        (lambda: conv2d_backward_input(x, w, (1, 5, 5, 2)), r"dy must have shape \(1, 3, 3, 4\), got \(1, 5, 5, 2\)"),
        (lambda: conv2d_backward_input(x, w, (5, 5)), r"input_shape must be \(N, H, W, C_in\), got \(5, 5\)"),
        (lambda: conv2d_backward_weight(x, x, (3, 3)), r"dy must have shape \(1, 3, 3, 2\), got \(1, 5, 5, 2\)"),
        (lambda: conv2d_backward_weight(x, x, (3, 3, 1, 1)), r"kernel_shape must be \(KH, KW\) or \(KH, KW, 2, 2\)"),
        (lambda: conv2d_transpose(x, w), r"conv2d_transpose: w must have shape \(any, any, any, 2\)"),
        (lambda: conv2d_transpose(x, np.ones((3, 3, 4, 2)), output_padding=1), "output_padding must be less than"),
        (lambda: conv2d_transpose(x, np.ones((1, 1, 4, 2)), padding=3), "padding must leave some of the result"),
    ]:  # fmt: skip
        with pytest.raises(ValueError, match=message):
            call()
    with pytest.raises(TypeError, match=r"conv2d: stride must be an int or a pair of ints, got 1\.5"):
        conv2d(x, w, stride=1.5)


def _protected():
    rng = np.random.default_rng(0)
    for side in ("start", "end"):
        for c_in, c_out, pad in [(1, 1, 1), (3, 17, 0), (16, 64, 0), (20, 33, 1), (9, 130, 1)]:
            for dtype in (np.float32, np.float64):
                x = guarded(rng.uniform(-1, 1, (3, 7, 6, c_in)).astype(dtype), side)
                w = guarded(rng.uniform(-1, 1, (3, 2, c_in, c_out)).astype(dtype), side)
                b = guarded(rng.uniform(-1, 1, c_out).astype(dtype), side)
                for stride in (1, 2):
                    geometry = dict(stride=stride, padding=pad)
                    y = guarded(conv2d(x, w, b, **geometry), side)
                    conv2d_backward_input(y, w, x.shape, **geometry)
                    conv2d_backward_weight(y, x, (3, 2), **geometry)
        for groups, depth, columns in [(3, 1, 1), (70, 1, 1), (3, 3, 17), (3, 16, 5)]:
            shapes = (3, 7, 6, groups * depth), (3, 2, depth, groups * columns)
            x, w = (guarded(rng.uniform(-1, 1, s), side) for s in shapes)
            y = guarded(conv2d(x, w, groups=groups), side)
            conv2d_backward_input(y, w, x.shape, groups=groups)
            conv2d_backward_weight(y, x, (3, 2), groups=groups)
        x, w = (guarded(rng.uniform(-1, 1, s).astype(np.float32), side) for s in ((3, 14, 13, 32), (3, 3, 32, 48)))
        y = guarded(conv2d(x, w, padding=1), side)
        conv2d_backward_input(y, w, x.shape, padding=1)
        conv2d_backward_weight(y, x, (3, 3), padding=1)


@posix
@pytest.mark.compiled
def test_stays_within_its_arrays():
    run_alone(_protected)
