"""What stands between the matrix products of a network, and its optimizer, against torch in both of its layouts."""

import numpy as np

from smalti import kernels, nn

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


# N, H = W, C
NORMALISED = [(64, 14, 64), (64, 7, 128), (32, 32, 64), (128, 1, 512)]


class _Normalised:
    """The arrays of a batch normalisation, for us and for torch in both of its memory layouts."""

    def __init__(self, shape):
        n, size, channels = shape
        rng = np.random.default_rng(0)
        self.x, self.dy = rng.standard_normal((2, n, size, size, channels), dtype=np.float32)
        self.gamma, self.beta = rng.standard_normal((2, channels), dtype=np.float32)

    def case(self, ours, theirs):
        """`theirs(x, dy, gamma, beta)` in torch gives a call."""
        peers = {"torch": None, "torch channels_last": None}
        if torch:
            for name, layout in zip(peers, (torch.contiguous_format, torch.channels_last), strict=True):
                x, dy = (torch.from_numpy(a).permute(0, 3, 1, 2).clone(memory_format=layout) for a in (self.x, self.dy))
                peers[name] = theirs(x, dy, torch.from_numpy(self.gamma), torch.from_numpy(self.beta))
        check = close(1e-4, lambda name, result: result.detach().permute(0, 2, 3, 1).numpy())
        return Case(ours, check, peers)


def _torch_batch_norm(x, gamma, beta):
    return torch.nn.functional.batch_norm(x, None, None, gamma, beta, training=True, eps=1e-3)


@row("batch_norm", shape=NORMALISED)
def batch_norm(shape):
    b = _Normalised(shape)
    return b.case(
        lambda: kernels.batch_norm(b.x, b.gamma, b.beta)[0],
        lambda x, dy, gamma, beta: lambda: _torch_batch_norm(x, gamma, beta),
    )


@row("batch_norm_backward", shape=NORMALISED)
def batch_norm_backward(shape):
    b = _Normalised(shape)
    _, *statistics = kernels.batch_norm(b.x, b.gamma, b.beta)

    def gradient(x, dy, gamma, beta):
        inputs = [t.requires_grad_() for t in (x, gamma, beta)]
        y = _torch_batch_norm(*inputs)
        return lambda: torch.autograd.grad(y, inputs, dy, retain_graph=True)[0]

    return b.case(lambda: kernels.batch_norm_backward(b.dy, b.x, b.gamma, b.beta, *statistics)[0], gradient)


@row("Adam", "760,000 parameters in 8 arrays")
def adam():
    shapes = [(100, 6272), (128,), (128,), (4, 4, 64, 128), (64,), (64,), (4, 4, 1, 64), (1,)]
    rng = np.random.default_rng(0)
    data, gradients = ([rng.standard_normal(s, dtype=np.float32) for s in shapes] for _ in range(2))
    ours = [nn.Parameter(a) for a in data]
    for p, g in zip(ours, gradients, strict=True):
        p.grad = nn.tensor(g)
    optimizer, steps = nn.optim.Adam(ours, 1e-3), {"torch fused": None}
    theirs = []
    if torch:
        theirs = [torch.from_numpy(a.copy()).requires_grad_() for a in data]
        for p, g in zip(theirs, gradients, strict=True):
            p.grad = torch.from_numpy(g)
        steps["torch fused"] = torch.optim.Adam(theirs, 1e-3, eps=1e-7, fused=True).step

    def check(_, results):  # after one step of each
        for name in results:
            for a, b in zip(ours, theirs, strict=True):
                if not np.allclose(a.data, b.detach().numpy(), atol=1e-5):
                    raise AssertionError(f"{name} makes other parameters")

    return Case(optimizer.step, check, steps)
