"""Gradient of a convolution with respect to its input, which is also the transposed convolution.

    dx[n, r, c, g] = sum of dy[n, u, v, f] w[i, j, g, f] over all u s + i d - p = r, v s + j d - p = c, and f

The pixels r = s t + e of one residue e meet only the taps i with (e + p - i d) divisible by s, and those at u = t +
(e + p - i d) / s: for each of the s * s residues this is an ordinary convolution of `dy` with stride 1 and part of the
taps (Dumoulin and Visin, "A guide to convolution arithmetic for deep learning", arXiv:1603.07285, section 4), written
to every s-th pixel: see `_gather`.

With few input channels (a generator's last layer) most of each vector would be empty. Then all taps of a pixel are
the columns of one product, and are added up where they belong. With windows of 3 x 3 and stride 1, `dy` is convolved
with the windows turned by half a turn, for which `_winograd` has a quicker way; and so has `_depthwise` for every
channel by itself.

Time O(N OH OW KH KW C_in C_out); memory: `w` once more, and for each thread the pictures it works on.
"""

import functools

import numpy as np

from . import _depthwise, _winograd
from . import _validate as check
from ._gather import Phase, gather, plan
from ._memory import aligned_empty
from ._parallel import chunked
from ._product import (
    FLOPS_PER_NANOSECOND,
    ITEM_NANOSECONDS,
    goes_past_caches,
    offsets,
    pack,
    pad_start,
    padded,
    product,
    row_starts,
    segment_table,
)
from ._windows import check_groups, windows


@functools.lru_cache(maxsize=512)
def _plan(n, geometry, c_in, c_out, groups, itemsize):
    """`_gather.plan`, with where the rows of the packed weights begin in `w` instead of the taps' order."""
    axes = [
        [Phase(e, s, -(-(size - e) // s), 1, _residue_taps(e, k, s, d, p)) for e in range(min(s, size))]
        for size, k, s, d, p in zip(
            geometry.image, geometry.kernel, geometry.stride, geometry.dilation, geometry.pad, strict=True
        )
    ]
    order, *rest = plan(n, geometry.output, geometry.image, *axes, c_out // groups, c_in // groups, groups, itemsize)
    starts = [(i * geometry.kernel[1] + j) * (c_in // groups) * c_out for i, j in order]
    return offsets(starts, np.arange(c_out // groups)), *rest


def _residue_taps(e, taps, stride, dilation, pad):
    """The taps that pixels of residue `e` meet, with where: (tap, u - t), in ascending order of the latter."""
    met = [(i, (e + pad - i * dilation) // stride) for i in range(taps) if (e + pad - i * dilation) % stride == 0]
    return sorted(met, key=lambda tap: tap[1])


@functools.lru_cache(maxsize=512)
def _scatter_plan(n, geometry, c_in, c_out):
    (_, _), (kh, kw), _, _, _, (oh, ow) = geometry
    columns = kh * kw * c_in
    time = 2.0 * oh * ow * columns * c_out / FLOPS_PER_NANOSECOND + oh * ow * columns
    images = max(1, min(n, round(ITEM_NANOSECONDS / time)))
    a_rows = offsets(np.arange(oh * ow) * c_out)
    c_rows = offsets(np.arange(oh * ow) * columns)
    return images, a_rows, c_rows, segment_table([(0, 0, c_out)])


@chunked
def _scatter_items(
    lo, hi, dy, w_packed, zeros, start, kh, kw, sh, sw, dh, dw, ph, pw, a_rows, c_rows, segments, dx
):  # fmt: skip
    oh, ow, c_out = dy.shape[1], dy.shape[2], dy.shape[3]
    h, w, c_in = dx.shape[1], dx.shape[2], dx.shape[3]
    columns = kh * kw * c_in
    taps = np.empty(oh * ow * columns, dy.dtype)
    flat = dy.reshape(-1)
    for n in range(lo, hi):
        product(
            flat, n * oh * ow * c_out, a_rows, oh * ow, 1, w_packed, c_out, 0, segments, zeros, taps, 0, c_rows,
            0, columns, True,
        )  # fmt: skip
        for r in range(h):
            for c in range(w):
                for g in range(c_in):
                    dx[n, r, c, g] = start[g]
        for u in range(oh):
            for i in range(kh):
                r = u * sh + i * dh - ph
                if 0 <= r < h:
                    row = dx[n, r]
                    for v in range(ow):
                        base = ((u * ow + v) * kh + i) * kw * c_in
                        for j in range(kw):
                            c = v * sw + j * dw - pw
                            if 0 <= c < w:
                                for g in range(c_in):
                                    row[c, g] += taps[base + j * c_in + g]


def input_gradient(dy, w, b, geometry, groups):
    """dx for checked, contiguous arrays of one dtype; `b`, if any, is added to every pixel.

    Requires: dy (N, OH, OW, C_out) and w (KH, KW, C_in / groups, C_out) fit `geometry`.
    """
    n, c_out = dy.shape[0], dy.shape[3]
    kh, kw, columns = w.shape[:3]
    c_in = groups * columns
    (h, wide), _, stride, dilation, pad, _ = geometry
    dx = aligned_empty((n, h, wide, c_in), dy.dtype)
    if _depthwise.fits(groups, c_in, c_out):
        _depthwise.input_gradient(dy, w, b, geometry, dx)
        return dx
    start = pad_start(b, columns, dy.dtype, groups)
    if groups == 1 and 4 * c_in <= padded(1, dy.dtype):
        images, *tables = _scatter_plan(n, geometry, c_in, c_out)
        taps = kh * kw * c_in
        w_packed = pack(w, row_starts(c_out, 1), c_out, c_out, taps, dy.dtype)
        zeros = pad_start(None, taps, dy.dtype)
        _scatter_items(n, dy, w_packed, zeros, start, kh, kw, *stride, *dilation, *pad, *tables, dx, grain=images)
        return dx
    if groups == 1 and _winograd.pays(n, geometry, geometry.image, c_out, c_in, dy.dtype):
        _winograd.convolve(dy, w, True, b, [2 - p for p in pad], dx)
        return dx
    k_start, items, grain, tables = _plan(n, geometry, c_in, c_out, groups, dy.itemsize)
    shares = c_out // groups
    w_packed = pack(w, k_start, shares, c_out, columns, dy.dtype, groups, shares)
    past_caches = goes_past_caches(dx, columns)
    gather(items, dy, w_packed, len(k_start), 0, start, *tables, past_caches, dx, grain=grain)
    return dx


def conv2d_backward_input(dy, w, input_shape, *, stride=1, padding=0, dilation=1, groups=1):
    """Gradient of `conv2d` with respect to its input.

    Parameters
    ----------
    dy : (N, OH, OW, C_out) array of float32 or float64
        Gradient with respect to the output.
    w : (KH, KW, C_in / groups, C_out) array
        Converted to the dtype of `dy`.
    input_shape : (N, H, W, C_in)
        Shape of the input of the convolution.
    stride, padding, dilation, groups
        As they were given to `conv2d`.

    Returns
    -------
    (N, H, W, C_in) array of the dtype of `dy`.

    Raises
    ------
    ValueError
        If the shapes are not those of one convolution, or `groups` does not divide the channels.
    """
    name = "conv2d_backward_input"
    if len(input_shape) != 4:
        raise ValueError(f"{name}: input_shape must be (N, H, W, C_in), got {tuple(input_shape)}")
    n, h, wide, c_in = (check.integer(name, "input_shape", s, low=1) for s in input_shape)
    w = check.as_array(name, "w", w, ndim=4)
    groups = check_groups(name, groups, c_in, w.shape[3])
    geometry = windows(name, (h, wide), w.shape[:2], stride, padding, dilation)
    dy = check.as_array(name, "dy", dy, shape=(n, *geometry.output, w.shape[3]))
    w = check.as_array(name, "w", w, dtypes=(dy.dtype,), shape=(None, None, c_in // groups, None))
    return input_gradient(dy, w, None, geometry, groups)
