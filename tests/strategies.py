"""What Hypothesis draws: pictures of all dtypes and layouts, with ties, constant areas and sides of one."""

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

from smalti.kernels._jit import JIT

from .helpers import LAYOUTS, laid_out

PIXELS = (np.uint8, np.uint16, np.float32, np.float64)
FLOATS = (np.float32, np.float64)
CONTENTS = ("noise", "few values", "constant", "ramp")

seeds = st.integers(0, 2**32 - 1)


def examples(n):
    """How many examples a test runs; fewer where kernels are plain Python."""
    return settings(max_examples=n if JIT else max(2, n // 10))


def sides(low=1, high=24):
    """Lengths of an axis, small ones and one itself drawn often; shorter where kernels are plain Python."""
    return st.integers(low, high if JIT else max(low, min(high, 9)))


def floats(low=-1.0, high=1.0):
    """Bounded floats that a float32 holds exactly."""
    return st.floats(low, high, allow_nan=False, allow_subnormal=False, width=32)


@st.composite
def arrays(draw, shape, dtypes=FLOATS, low=-1.0, high=1.0, contents=CONTENTS, layouts=LAYOUTS):
    """An array of a given shape; floats lie in [low, high], integers fill their range."""
    dtype = np.dtype(draw(st.sampled_from(dtypes)))
    content = draw(st.sampled_from(contents))
    rng = np.random.default_rng(draw(seeds))
    values = {
        "noise": lambda: rng.random(shape),
        "few values": lambda: rng.integers(0, 4, shape) / 3,
        "constant": lambda: np.full(shape, rng.random()),
        "ramp": lambda: np.linspace(0, 1, int(np.prod(shape))).reshape(shape),
    }[content]()
    if dtype.kind in "ui":
        array = (values * min(np.iinfo(dtype).max, 2**53)).astype(dtype)
    else:
        array = (low + (high - low) * values).astype(dtype)
    return laid_out(array, draw(st.sampled_from(layouts)))


@st.composite
def images(draw, dtypes=PIXELS, channels=(None, 1, 3), low=0.0, high=1.0, min_side=1, max_side=24, **options):
    """An (H, W) image (channels None) or an (H, W, C) one."""
    shape = (draw(sides(min_side, max_side)), draw(sides(min_side, max_side)))
    n_channels = draw(st.sampled_from(channels))
    if n_channels is not None:
        shape = (*shape, n_channels)
    return draw(arrays(shape, dtypes, low, high, **options))


@st.composite
def poolings(draw):
    """A batch of pictures (N, H, W, C), often with ties, and the arguments of a pooling that fits."""
    shape = (draw(sides(1, 2)), draw(sides(1, 9)), draw(sides(1, 9)), draw(sides(1, 19)))
    x = draw(arrays(shape, low=-2, high=2))
    pool_size, padding = [], []
    for n in shape[1:3]:
        k = draw(st.integers(1, min(n + 1, 4)))
        least = -(-max(0, k - n) // 2)
        pool_size.append(k)
        padding.append(draw(st.integers(least, max(least, k // 2))))
    stride = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    padding = "same" if draw(st.booleans()) else tuple(padding)
    return x, {"pool_size": tuple(pool_size), "stride": stride, "padding": padding}
