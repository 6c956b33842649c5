"""What the two poolings share: arguments, and which pixels a window covers."""

from . import _validate as check
from ._jit import helper
from ._windows import pair, windows


def pooling(function, image, pool_size, stride, padding):
    """Check the arguments of pooling an (H, W) picture; gives its `Windows`, each of which holds a pixel."""
    pool_size = pair(function, "pool_size", pool_size, 1)
    geometry = windows(function, image, pool_size, pool_size if stride is None else stride, padding, 1)
    if not isinstance(padding, str) and any(2 * p > k for p, k in zip(geometry.pad, pool_size, strict=True)):
        raise ValueError(f"{function}: padding must be at most half of pool_size {pool_size}, got {padding}")
    return geometry


def batch_shape(function, input_shape):
    """The shape of a batch of pictures as a tuple of ints."""
    if not isinstance(input_shape, (tuple, list)) or len(input_shape) != 4:
        raise ValueError(f"{function}: input_shape must be (N, H, W, C), got {input_shape!r}")
    return tuple(check.integer(function, "input_shape", n, low=1) for n in input_shape)


@helper
def clip(first, length, limit):
    """The part of [first, first + length) that lies in [0, limit)."""
    return max(first, 0), min(first + length, limit)
