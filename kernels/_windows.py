"""The geometry that forward convolution and its two gradients share: arguments, sizes and padded copies.

A window of KH x KW taps, `dilation` apart, stands at every `stride`-th pixel of a picture of H x W pixels with
`padding` rows and columns of zeros around it:

    OH = (H + pad_top + pad_bottom - dilation (KH - 1) - 1) // stride + 1,  OW alike.
"""

import functools
import numbers
from typing import NamedTuple

from . import _validate as check
from ._jit import helper


class Windows(NamedTuple):
    """Sizes of a convolution; pairs are (rows, columns)."""

    image: tuple  # H, W
    kernel: tuple  # KH, KW
    stride: tuple
    dilation: tuple
    pad: tuple  # before the first row and column; what lies behind the last follows from `output`
    output: tuple  # OH, OW


def windows(function, image, kernel, stride, padding, dilation):
    """Check the arguments of a convolution over an (H, W) picture and give its `Windows`."""
    stride = pair(function, "stride", stride, 1)
    dilation = pair(function, "dilation", dilation, 1)
    if isinstance(padding, str):
        check.one_of(function, "padding", padding, ("same", "valid"))
    else:
        padding = pair(function, "padding", padding, 0)
    return _sizes(function, tuple(image), tuple(kernel), stride, padding, dilation)


@functools.lru_cache(maxsize=512)
def _sizes(function, image, kernel, stride, padding, dilation):
    reach = tuple(d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True))
    if padding == "same":
        # As many outputs as strides fit into the picture; the odd row of zeros goes behind the last.
        output = tuple(-(-i // s) for i, s in zip(image, stride, strict=True))
        total = [max(0, (o - 1) * s + r - i) for o, s, r, i in zip(output, stride, reach, image, strict=True)]
        return Windows(image, kernel, stride, dilation, (total[0] // 2, total[1] // 2), output)
    pad = (0, 0) if padding == "valid" else padding
    output = tuple((i + 2 * p - r) // s + 1 for i, p, r, s in zip(image, pad, reach, stride, strict=True))
    if min(output) < 1:
        raise ValueError(
            f"{function}: the kernel must fit into the padded image: it covers {reach[0]}x{reach[1]} pixels of "
            f"{image[0] + 2 * pad[0]}x{image[1] + 2 * pad[1]}"
        )
    return Windows(image, kernel, stride, dilation, pad, output)


def check_groups(function, groups, *channels):
    """`groups` as an int that divides each of `channels`."""
    groups = check.integer(function, "groups", groups, low=1)
    if any(c % groups for c in channels):
        raise ValueError(f"{function}: groups must divide the channels {channels[0]} and {channels[1]}, got {groups}")
    return groups


def pair(function, name, value, low):
    """An int or a pair of ints, at least `low`, as a pair."""
    if not isinstance(value, (tuple, list)) and isinstance(value, numbers.Integral):
        value = (value, value)
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise TypeError(f"{function}: {name} must be an int or a pair of ints, got {value!r}")
    return tuple(check.integer(function, name, v, low=low) for v in value)


def under_tap(i, stride, dilation, pad, size, output):
    """The range of outputs along an axis whose window has its tap `i` within the picture."""
    first = i * dilation - pad
    low, high = (min(max(0, -(-(edge - first) // stride)), output) for edge in (0, size))
    return low, max(low, high)


@helper
def copy_padded(x, n0, images, top, left, rows, columns, padded):
    """padded[i, r, c] = x[n0 + i, top + r, left + c], zero where that lies outside of the picture.

    Requires: x (N, H, W, C); padded flat, at least images * rows * columns * C long.
    """
    h, w, channels = x.shape[1], x.shape[2], x.shape[3]
    flat = x.reshape(-1)
    c_lo = min(max(0, -left), columns)
    c_hi = max(c_lo, min(columns, w - left))
    for i in range(images):
        for r in range(rows):
            target = padded[(i * rows + r) * columns * channels : (i * rows + r + 1) * columns * channels]
            if top + r < 0 or top + r >= h:
                for k in range(target.size):
                    target[k] = 0
                continue
            origin = (((n0 + i) * h + top + r) * w + left + c_lo) * channels
            source = flat[origin : origin + (c_hi - c_lo) * channels]
            for k in range(c_lo * channels):
                target[k] = 0
            inner = target[c_lo * channels : c_hi * channels]
            for k in range(source.size):
                inner[k] = source[k]
            for k in range(c_hi * channels, target.size):
                target[k] = 0
