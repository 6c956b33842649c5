"""Gradient of a convolution with respect to its weights.

    dw[i, j, g, f] = sum over n, r, c of x[n, r s + i d - p, c s + j d - p, g] dy[n, r, c, f]

A matrix product again: its rows are the KH KW C_in places of the window, found at fixed offsets in the padded pictures,
its inner dimension the output pixels, one segment for each row of them.

The pictures are divided into a fixed number of parts, each summed by itself, and the parts are added up in order.

Time O(N OH OW KH KW C_in C_out); memory: the gradient once for each part.
"""

import functools

import numpy as np

from . import _validate as check
from ._parallel import chunk_size, chunked
from ._product import SCRATCH_BYTES, aligned_empty, offsets, pad_start, product, segment_table
from ._windows import copy_padded, windows

_PARTS = 4
_ROW_BLOCKS = 2
_PARTS_BYTES = 1 << 26


@functools.lru_cache(maxsize=512)
def _plan(n, geometry, c_in, c_out, itemsize):
    """Parts, row blocks, pictures that are worked on at once, and the tables for them."""
    (_, _), (kh, kw), (sh, sw), (dh, dw), _, (oh, ow) = geometry
    in_rows, in_columns = (oh - 1) * sh + dh * (kh - 1) + 1, (ow - 1) * sw + dw * (kw - 1) + 1
    size = in_rows * in_columns * c_in
    depth = kh * kw * c_in
    blocks = _ROW_BLOCKS if depth >= 48 else 1
    parts = max(1, min(n, _PARTS * _ROW_BLOCKS // blocks, _PARTS_BYTES // (depth * c_out * itemsize)))
    images = max(1, min(-(-n // parts), SCRATCH_BYTES // (size * itemsize)))
    a_rows = offsets(np.arange(kh) * (dh * in_columns * c_in), np.arange(kw) * (dw * c_in), np.arange(c_in))
    c_rows = offsets(np.arange(depth) * c_out)
    segments = segment_table(
        [((i * in_rows + r * sh) * in_columns * c_in, (i * oh + r) * ow, ow) for i in range(images) for r in range(oh)],
        step=sw * c_in,
    )
    return parts, blocks, (images, in_rows, in_columns, a_rows, c_rows, segments)


@chunked
def _correlate_items(
    lo, hi, x, dy, zeros, ph, pw, step, parts, blocks, images, in_rows, in_columns, a_rows, c_rows, segments, dw
):  # fmt: skip
    n, oh, ow, c_out = dy.shape
    c_in = x.shape[3]
    depth = dw.shape[1]
    width = zeros.size  # the columns of dy, padded to whole vectors
    scratch = np.empty(images * in_rows * in_columns * c_in, x.dtype)
    padded_dy = np.empty(images * oh * ow * width if width != c_out else 0, x.dtype)
    flat, sums = dy.reshape(-1), dw.reshape(-1)
    for item in range(lo, hi):
        part, block = item // blocks, item % blocks
        first, last = part * n // parts, (part + 1) * n // parts
        # whole tiles of rows, but for the last block
        share = -(-depth // (blocks * 12)) * 12
        row = min(depth, block * share)
        rows = min(share, depth - row)
        for n0 in range(first, last, images):
            count = min(images, last - n0)
            copy_padded(x, n0, count, -ph, -pw, in_rows, in_columns, scratch)
            b = flat[n0 * oh * ow * c_out : (n0 + count) * oh * ow * c_out]
            if width != c_out:
                for k in range(count * oh * ow):
                    for f in range(c_out):
                        padded_dy[k * width + f] = b[k * c_out + f]
                    for f in range(c_out, width):
                        padded_dy[k * width + f] = 0
                b = padded_dy
            part_segments = segments[: count * (segments.shape[0] // images)]
            product(
                scratch, 0, a_rows[row:], rows, step, b, 0, width, part_segments, zeros, sums, part * depth * c_out,
                c_rows[row:], 0, c_out, n0 == first,
            )  # fmt: skip


@chunked
def _add_parts(lo, hi, parts, out):
    for i in range(lo, hi):
        total = parts[0, i]
        for p in range(1, parts.shape[0]):
            total += parts[p, i]
        out[i] = total


def conv2d_backward_weight(dy, x, kernel_shape, *, stride=1, padding=0, dilation=1):
    """Gradient of `conv2d` with respect to its weights.

    Parameters
    ----------
    dy : (N, OH, OW, C_out) array of float32 or float64
        Gradient with respect to the output.
    x : (N, H, W, C_in) array
        Input of the convolution; converted to the dtype of `dy`.
    kernel_shape : (KH, KW) or (KH, KW, C_in, C_out)
    stride, padding, dilation
        As they were given to `conv2d`.

    Returns
    -------
    (KH, KW, C_in, C_out) array of the dtype of `dy`.

    Raises
    ------
    ValueError
        If the shapes are not those of one convolution.
    """
    name = "conv2d_backward_weight"
    dy = check.as_array(name, "dy", dy, ndim=4)
    n, c_out = dy.shape[0], dy.shape[3]
    x = check.as_array(name, "x", x, dtypes=(dy.dtype,), shape=(n, None, None, None))
    c_in = x.shape[3]
    if len(kernel_shape) not in (2, 4) or tuple(kernel_shape[2:]) not in ((), (c_in, c_out)):
        raise ValueError(
            f"{name}: kernel_shape must be (KH, KW) or (KH, KW, {c_in}, {c_out}), got {tuple(kernel_shape)}"
        )
    kh, kw = (check.integer(name, "kernel_shape", k, low=1) for k in kernel_shape[:2])
    geometry = windows(name, x.shape[1:3], (kh, kw), stride, padding, dilation)
    if dy.shape[1:3] != geometry.output:
        raise ValueError(f"{name}: dy must have shape {(n, *geometry.output, c_out)}, got {dy.shape}")
    parts, blocks, plan = _plan(n, geometry, c_in, c_out, dy.itemsize)
    sums = aligned_empty((parts, kh * kw * c_in * c_out), dy.dtype)
    zeros = pad_start(None, c_out, dy.dtype)
    step = geometry.stride[1] * c_in
    shaped = sums.reshape(parts, kh * kw * c_in, c_out)
    _correlate_items(parts * blocks, x, dy, zeros, *geometry.pad, step, parts, blocks, *plan, shaped, grain=1)
    if parts == 1:
        return sums.reshape(kh, kw, c_in, c_out)
    dw = np.empty((kh, kw, c_in, c_out), dy.dtype)
    _add_parts(dw.size, sums, dw.reshape(-1), grain=chunk_size(0.3 * parts))
    return dw
