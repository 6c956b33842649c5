"""Matrix products and convolutions against torch, and the peak that the core allows."""

import numpy as np

from smalti import kernels
from smalti.kernels._simd import WIDTH

from .harness import Case, close, peer, row
from .limits import SUMS, fma_peak

torch = peer("torch")

# N, H = W, C_in, C_out, KH = KW, stride, padding: the layers of small GANs first, then of other networks
SHAPES = [
    (64, 28, 1, 64, 4, 2, 1), (64, 14, 64, 128, 4, 2, 1), (64, 32, 3, 64, 4, 2, 1), (64, 16, 64, 128, 4, 2, 1),
    (64, 8, 128, 256, 4, 2, 1), (64, 8, 256, 256, 3, 1, 1), (64, 32, 64, 64, 3, 1, 1), (64, 16, 128, 128, 3, 1, 1),
    (32, 64, 3, 64, 5, 2, 2), (16, 64, 32, 32, 3, 1, 1),
    (128, 33, 1, 32, 5, 1, 2), (8, 97, 3, 32, 7, 2, 3), (1, 128, 64, 64, 3, 1, 1), (1, 64, 128, 128, 3, 1, 1),
    (128, 7, 128, 128, 3, 1, 1), (32, 8, 512, 512, 3, 1, 1), (16, 4, 512, 512, 3, 1, 1), (4, 31, 96, 192, 5, 2, 2),
    (2, 225, 3, 64, 7, 3, 3), (16, 65, 8, 16, 3, 1, 1), (32, 27, 48, 96, 5, 3, 2), (1, 56, 256, 512, 3, 2, 1),
    (8, 45, 32, 32, 7, 1, 3), (64, 15, 16, 40, 6, 2, 2),
]  # fmt: skip
DEPTHWISE = [
    (16, 57, 64, 64, 3, 1, 1),
    (32, 28, 96, 96, 3, 2, 1),
    (8, 56, 144, 144, 5, 1, 2),
    (64, 14, 40, 40, 3, 1, 1),
]
TRANSPOSED = [
    (64, 7, 128, 64, 4, 2, 1),
    (64, 14, 64, 1, 4, 2, 1),
    (64, 8, 256, 128, 4, 2, 1),
    (64, 16, 128, 3, 4, 2, 1),
]


@row("FMA peak", "float32, registers only")
def peak():
    call, flops = fma_peak(2e9)

    def check(out, theirs):
        if not np.allclose(out, 0.5 * SUMS * WIDTH / 32):  # the fixed point of x / 2 + 1 / 4
            raise AssertionError(f"the sums do not converge: {out[0]}")

    return Case(call, check, flops=flops)


@row("matmul", "float32", n=[1024, 256])
def matmul(n):
    rng = np.random.default_rng(0)
    a, b = (rng.standard_normal((n, n), dtype=np.float32) for _ in range(2))
    flops = 2 * n**3
    peers = {"numpy": lambda: a @ b, "torch": None}
    if torch:
        ta, tb = torch.from_numpy(a), torch.from_numpy(b)
        peers["torch"] = lambda: ta @ tb
    return Case(lambda: kernels.matmul(a, b), close(1e-5), peers, flops=flops)


class _Layer:
    """The arrays of one convolution, for us and for torch in both of its memory layouts."""

    def __init__(self, shape, transposed=False, groups=1):
        n, size, c_in, c_out, k, stride, padding = shape
        out = (size - 1) * stride - 2 * padding + k if transposed else (size + 2 * padding - k) // stride + 1
        rng = np.random.default_rng(0)
        self.x = rng.standard_normal((n, size, size, c_in), dtype=np.float32)
        self.dy = rng.standard_normal((n, out, out, c_out), dtype=np.float32)
        depth = c_in // groups
        self.w = rng.standard_normal((k, k, c_out, c_in) if transposed else (k, k, depth, c_out), dtype=np.float32)
        self.options = {"stride": stride, "padding": padding, "groups": groups}
        self.flops = 2 * n * (size if transposed else out) ** 2 * k * k * depth * c_out
        self.torch = {}
        if torch:
            arrays = [torch.from_numpy(a).permute(0, 3, 1, 2) for a in (self.x, self.dy)]
            arrays.append(torch.from_numpy(self.w).permute(3, 2, 0, 1))
            for name, layout in (("torch", torch.contiguous_format), ("torch channels_last", torch.channels_last)):
                self.torch[name] = [a.clone(memory_format=layout) for a in arrays]

    def case(self, ours, theirs, from_torch):
        """`theirs(x, dy, w)` in torch, whose result `from_torch` permutes to our axes."""
        peers = {"torch": None, "torch channels_last": None}
        for name, arrays in self.torch.items():
            peers[name] = lambda arrays=arrays: theirs(*arrays)
        check = close(1e-4, lambda name, result: result.permute(*from_torch).numpy())
        return Case(ours, check, peers, flops=self.flops)

    def gradient(self, which):
        """torch's gradient of the convolution with respect to its input (0) or weights (1)."""
        s, p = ([self.options[o]] * 2 for o in ("stride", "padding"))
        mask = [which == 0, which == 1, False]
        return lambda x, dy, w: torch.ops.aten.convolution_backward(
            dy, x, w, None, s, p, [1, 1], False, [0, 0], self.options["groups"], mask
        )[which]


def _forward(layer):
    return layer.case(
        lambda: kernels.conv2d(layer.x, layer.w, **layer.options),
        lambda x, dy, w: torch.nn.functional.conv2d(x, w, **layer.options),
        (0, 2, 3, 1),
    )


def _backward_input(layer):
    return layer.case(
        lambda: kernels.conv2d_backward_input(layer.dy, layer.w, layer.x.shape, **layer.options),
        layer.gradient(0),
        (0, 2, 3, 1),
    )


def _backward_weight(layer):
    return layer.case(
        lambda: kernels.conv2d_backward_weight(layer.dy, layer.x, layer.w.shape, **layer.options),
        layer.gradient(1),
        (2, 3, 1, 0),
    )


@row("conv2d", shape=SHAPES)
def conv2d(shape):
    return _forward(_Layer(shape))


@row("conv2d_backward_input", shape=SHAPES)
def conv2d_backward_input(shape):
    return _backward_input(_Layer(shape))


@row("conv2d_backward_weight", shape=SHAPES)
def conv2d_backward_weight(shape):
    return _backward_weight(_Layer(shape))


@row("depthwise", shape=DEPTHWISE)
def depthwise(shape):
    return _forward(_Layer(shape, groups=shape[2]))


@row("depthwise_backward_input", shape=DEPTHWISE)
def depthwise_backward_input(shape):
    return _backward_input(_Layer(shape, groups=shape[2]))


@row("depthwise_backward_weight", shape=DEPTHWISE)
def depthwise_backward_weight(shape):
    return _backward_weight(_Layer(shape, groups=shape[2]))


@row("conv2d_transpose", shape=TRANSPOSED)
def conv2d_transpose(shape):
    layer = _Layer(shape, transposed=True)
    return layer.case(
        lambda: kernels.conv2d_transpose(layer.x, layer.w, **layer.options),
        lambda x, dy, w: torch.nn.functional.conv_transpose2d(x, w, **layer.options),
        (0, 2, 3, 1),
    )
