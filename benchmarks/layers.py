"""What stands between the matrix products of a network: pooling, against torch in both of its layouts."""

import numpy as np

from smalti import kernels

from .harness import Case, close, peer, row

torch = peer("torch")

# N, H = W, C, KH = KW, stride, padding
POOLINGS = [(64, 28, 32, 2, 2, 0), (64, 14, 64, 3, 2, 1), (128, 32, 3, 2, 2, 0), (16, 57, 64, 3, 1, 1)]


class _Pooling:
    """The arrays of one pooling, for us and for torch in both of its memory layouts."""

    def __init__(self, shape):
        n, size, channels, self.pool_size, stride, padding = shape
        self.options = {"stride": stride, "padding": padding}
        rng = np.random.default_rng(0)
        self.x = rng.standard_normal((n, size, size, channels), dtype=np.float32)
        out = (size + 2 * padding - self.pool_size) // stride + 1
        self.dy = rng.standard_normal((n, out, out, channels), dtype=np.float32)

    def case(self, ours, theirs):
        """`theirs(x, dy)` in torch gives a call."""
        peers = {"torch": None, "torch channels_last": None}
        if torch:
            for name, layout in zip(peers, (torch.contiguous_format, torch.channels_last), strict=True):
                arrays = (
                    torch.from_numpy(a).permute(0, 3, 1, 2).clone(memory_format=layout) for a in (self.x, self.dy)
                )
                peers[name] = theirs(*arrays)
        check = close(1e-5, lambda name, result: result.detach().permute(0, 2, 3, 1).numpy())
        return Case(ours, check, peers)

    def forward(self, function):
        return lambda x, dy: lambda: function(x, self.pool_size, **self.options)

    def gradient(self, function):
        def prepare(x, dy):
            y = function(x.requires_grad_(), self.pool_size, **self.options)
            return lambda: torch.autograd.grad(y, x, dy, retain_graph=True)[0]

        return prepare


@row("max_pool2d", shape=POOLINGS)
def max_pool2d(shape):
    p = _Pooling(shape)
    ours = lambda: kernels.max_pool2d(p.x, p.pool_size, **p.options, return_indices=True)[0]  # noqa: E731
    return p.case(ours, p.forward(torch and torch.nn.functional.max_pool2d))


@row("max_pool2d_backward", shape=POOLINGS)
def max_pool2d_backward(shape):
    p = _Pooling(shape)
    _, indices = kernels.max_pool2d(p.x, p.pool_size, **p.options, return_indices=True)
    ours = lambda: kernels.max_pool2d_backward(p.dy, indices, p.x.shape, p.pool_size, **p.options)  # noqa: E731
    return p.case(ours, p.gradient(torch and torch.nn.functional.max_pool2d))


@row("avg_pool2d", shape=POOLINGS)
def avg_pool2d(shape):
    p = _Pooling(shape)
    ours = lambda: kernels.avg_pool2d(p.x, p.pool_size, **p.options)  # noqa: E731
    return p.case(ours, p.forward(torch and torch.nn.functional.avg_pool2d))


@row("avg_pool2d_backward", shape=POOLINGS)
def avg_pool2d_backward(shape):
    p = _Pooling(shape)
    ours = lambda: kernels.avg_pool2d_backward(p.dy, p.x.shape, p.pool_size, **p.options)  # noqa: E731
    return p.case(ours, p.gradient(torch and torch.nn.functional.avg_pool2d))
