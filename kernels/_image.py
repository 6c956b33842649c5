"""What the filters of pictures share: borders, the scale of integers, the place of the channels.

A filter that reaches beyond the picture looks every place up in a table as long as the line with its two borders, so
that a border may be wider than the picture. The modes, in the words of scipy.ndimage, for a line a b c d:

============  =========================================
``nearest``   a a a | a b c d | d d d
``reflect``   c b a | a b c d | d c b
``mirror``    d c b | a b c d | c b a
``wrap``      b c d | a b c d | a b c
``constant``  k k k | a b c d | k k k
============  =========================================
"""

import functools

import numpy as np

from ._jit import JIT, helper
from ._simd import lanes, load, load_part, splat, store, store_part, stream
from ._validate import integer

MODES = ("reflect", "constant", "nearest", "mirror", "wrap")
NUMPY_MODES = {"constant": "constant", "edge": "nearest", "symmetric": "reflect", "reflect": "mirror", "wrap": "wrap"}
"""What numpy.pad calls them, and scikit-image where it changes the shape of a picture."""
AHEAD = 16  # vectors to prefetch; on its own the processor foresees the way through several lines badly


@helper
def load_up_to(a, i, n):
    """The vector at flat index `i` of which only the first `n` elements need exist; zero in the other lanes."""
    return load(a, i) if n >= lanes(a) else load_part(a, i, n)


@helper
def store_up_to(a, i, value, n):
    """Write a vector to flat index `i` of which only the first `n` elements exist."""
    if n >= lanes(a):
        store(a, i, value)
    else:
        store_part(a, i, value, n)


@helper(allocates=True)
def scratch(n, like):
    """An uninitialised line of n elements, of the dtype of `like`, that begins at a cache line."""
    line, element = 64, like.itemsize
    memory = np.empty(n + line // element, like.dtype)
    if not JIT:
        memory[:] = 0  # NumPy warns about what it computes from the rest of a last vector
    skip = -memory.ctypes.data % line // element
    return memory[skip : skip + n]


@helper
def write_line(line, i, out, o, n, large):
    """Copy the n elements from flat index `i` of line to flat index `o` of out.

    A large picture is written past the caches: they would first read what is to be overwritten, and would have
    forgotten it before anyone comes to read it.
    """
    step, done = lanes(out), 0
    if large:
        element = out.itemsize
        done = min(n, -(out.ctypes.data + o * element) % (step * element) // element)
        store_part(out, o, load_part(line, i, done), done)
        while done + step <= n:
            stream(out, o + done, load(line, i + done))
            done += step
    while done + step <= n:
        store(out, o + done, load(line, i + done))
        done += step
    store_part(out, o + done, load_part(line, i + done, n - done), n - done)


@helper
def extend_line(lines, start, length, columns, channels, cval):
    """Fill the two borders of the line of `length` elements, borders not counted, that begins at flat index `start`.

    Requires: lines is 1-D; columns as from `border_index` with equal borders.
    """
    width = length // channels
    border = (columns.size - width) // 2
    for p in range(2 * border):
        column = p if p < border else p + width
        place = columns[column]
        for c in range(channels):
            value = cval
            if place >= 0:
                value = lines[start + (border + place) * channels + c]
            lines[start + column * channels + c] = value


@helper
def fetch_line(image, place, columns, channels, cval, lines, start):
    """Line `place` of image (H, W C), or for -1 one of `cval`, with its two borders to flat index `start` of lines.

    Requires: room for a whole vector at the end; columns as from `border_index` with equal borders.
    """
    length = image.shape[1]
    at = start + (columns.size * channels - length) // 2
    for j in range(0, length, lanes(lines)):
        value = splat(lines, cval)
        if place >= 0:
            value = load_up_to(image, place * length + j, length - j)
        store(lines, at + j, value)
    extend_line(lines, start, length, columns, channels, cval)


@functools.lru_cache(64)
def border_index(n, before, after, mode):
    """Where each of the before + n + after pixels of a bordered line is read from; -1 is the constant.

    The array is shared between callers: not to be written to.
    """
    place = np.arange(-before, n + after)
    if mode == "nearest":
        return place.clip(0, n - 1)
    if mode == "wrap":
        return place % n
    if mode == "reflect":
        place %= 2 * n
        return np.minimum(place, 2 * n - 1 - place)
    if mode == "mirror":
        place %= max(2 * n - 2, 1)
        return np.minimum(place, max(2 * n - 2, 1) - place) if n > 1 else place
    return np.where((place >= 0) & (place < n), place, -1)


def is_large(out):
    """Whether a result is better written past the caches: it would fill those of most processors."""
    return out.nbytes >= 8 * 2**20


def unit_scale(dtype):
    """What takes the integers of a picture to [0, 1]; 1 for floats."""
    return 1 / np.iinfo(dtype).max if dtype.kind == "u" else 1.0


def float_dtype(dtype):
    """The dtype of results: float64 for float64, otherwise float32."""
    return np.dtype(np.float64 if dtype == np.float64 else np.float32)


def clip_to_range(out, image, scale, cval=None):
    """Clip to the range of the picture, extended to `cval` if the result reaches it, as scikit-image does."""
    low, high = (limit * scale for limit in value_range(image))
    if cval is not None and not low <= cval <= high and value_range(out)[0] <= cval <= value_range(out)[1]:
        low, high = min(low, cval), max(high, cval)
    if low <= high:
        np.clip(out, low, high, out=out)


def value_range(image):
    """The least and the greatest value that are not NaN."""
    return np.fmin.reduce(image, axis=None), np.fmax.reduce(image, axis=None)


def channels_last(function, image, channel_axis):
    """(image with its channels last, the axis on which they were); without channels the image as it is."""
    if image.ndim == 2:
        if channel_axis is not None:
            raise ValueError(f"{function}: channel_axis must be None for shape {image.shape}, got {channel_axis!r}")
        return image, 1
    axis = 2 if channel_axis is None else integer(function, "channel_axis", channel_axis, low=-3, high=2) % 3
    return np.ascontiguousarray(np.moveaxis(image, axis, 2)), axis
