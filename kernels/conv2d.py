"""Convolution of pictures as networks use it (cross-correlation), without building a matrix of patches.

    y[n, r, c, f] = b[f] + sum over i, j, g of x[n, r s + i d - p, c s + j d - p, g] w[i, j, g, f]

With channels last, the pixels under one row of the window are KW * C_in consecutive numbers, and so are the rows of `w`
that they meet: the convolution is a matrix product whose rows are found at r s, c s in the picture, in KH segments
(Dukhan, "The Indirect Convolution Algorithm", arXiv:1907.02129; Georganas et al., "Anatomy of High-Performance
Deep Learning Convolutions on SIMD Architectures", SC 2018). Padding is a copy that stays in the cache.

Time O(N OH OW KH KW C_in C_out); memory: `w` once more, and for each thread the pictures it works on.
"""

import functools

import numpy as np

from . import _validate as check
from ._parallel import chunked
from ._product import (
    FLOPS_PER_NANOSECOND,
    ITEM_NANOSECONDS,
    LEAST_ROWS,
    SCRATCH_BYTES,
    aligned_empty,
    offsets,
    pack,
    pad_start,
    product,
    segment_table,
    well_filled,
)
from ._windows import copy_padded, windows


@functools.lru_cache(maxsize=512)
def _plan(n, geometry, c_in, c_out, itemsize):
    """How the pictures are divided into work items, and the tables of one item.

    An item is either `images` whole pictures or a band of `rows` output rows of one picture.
    """
    (h, w), (kh, kw), (sh, sw), (dh, dw), (ph, pw), (oh, ow) = geometry
    pixel_time = 2.0 * kh * kw * c_in * c_out / FLOPS_PER_NANOSECOND
    wanted = max(LEAST_ROWS, ITEM_NANOSECONDS / pixel_time)
    in_columns = (ow - 1) * sw + dw * (kw - 1) + 1
    rows, images = oh, 1
    if oh * ow > 2 * wanted:
        rows = well_filled(wanted / ow, oh, ow)
    in_rows = (rows - 1) * sh + dh * (kh - 1) + 1
    size = in_rows * in_columns * c_in
    if rows == oh:
        images = well_filled(wanted / (oh * ow), min(n, max(1, SCRATCH_BYTES // (size * itemsize))), oh * ow)
    is_padded = ph > 0 or pw > 0 or (oh - 1) * sh + dh * (kh - 1) + 1 > h or in_columns > w
    if not is_padded:
        in_columns, size = w, h * w * c_in
    a_rows = offsets(np.arange(images) * size, np.arange(rows) * (sh * in_columns * c_in), np.arange(ow) * (sw * c_in))
    c_rows = offsets(np.arange(images * rows * ow) * c_out)
    taps_down = np.arange(kh) * (dh * in_columns * c_in)
    if dw == 1:
        segments = [(a, i * kw * c_in, kw * c_in) for i, a in enumerate(taps_down)]
    else:
        taps = (taps_down[:, None] + np.arange(kw) * (dw * c_in)).reshape(-1)
        segments = [(a, i * c_in, c_in) for i, a in enumerate(taps)]
    return images, rows, in_rows, in_columns, is_padded, a_rows, c_rows, segment_table(segments)


@chunked
def _convolve_items(
    lo, hi, x, w_packed, start, c_out, oh, ow, sh, ph, pw, images, rows, in_rows, in_columns, is_padded, a_rows, c_rows,
    segments, y,
):  # fmt: skip
    n, h, w, c_in = x.shape
    depth = segments[-1, 1] + segments[-1, 2]
    bands = -(-oh // rows)
    flat, y_flat = x.reshape(-1), y.reshape(-1)
    for item in range(lo, hi):
        n0, r0 = (item // bands) * images, (item % bands) * rows
        count, r_count = min(images, n - n0), min(rows, oh - r0)
        a, base = flat, (n0 * h + r0 * sh) * w * c_in
        if is_padded:
            a, base = np.empty(images * in_rows * in_columns * c_in, x.dtype), 0
            copy_padded(x, n0, count, r0 * sh - ph, -pw, in_rows, in_columns, a)
        m = count * r_count * ow
        c_base = (n0 * oh + r0) * ow * c_out
        product(a, base, a_rows, m, 1, w_packed, depth, 0, segments, start, y_flat, c_base, c_rows, 0, c_out, True)


def conv2d(x, w, b=None, *, stride=1, padding=0, dilation=1):
    """Two-dimensional convolution (cross-correlation) of a batch of pictures.

    Parameters
    ----------
    x : (N, H, W, C_in) array of float32 or float64
    w : (KH, KW, C_in, C_out) array
        Converted to the dtype of `x`.
    b : (C_out,) array, optional
        Added to every pixel of the result.
    stride, dilation : int or (rows, columns)
        At least 1.
    padding : int, (rows, columns), "same" or "valid"
        Zeros around the picture. "same" gives ceil(H / stride) rows, the odd row of zeros below; "valid" is 0.

    Returns
    -------
    (N, OH, OW, C_out) array of the dtype of `x`, with OH = (H + 2 padding - dilation (KH - 1) - 1) // stride + 1.

    Raises
    ------
    ValueError
        If shapes do not fit together or the window does not fit into the padded picture.
    """
    x = check.as_array("conv2d", "x", x, ndim=4)
    w = check.as_array("conv2d", "w", w, dtypes=(x.dtype,), shape=(None, None, x.shape[3], None))
    kh, kw, c_in, c_out = w.shape
    if b is not None:
        b = check.as_array("conv2d", "b", b, dtypes=(x.dtype,), shape=(c_out,))
    geometry = windows("conv2d", x.shape[1:3], (kh, kw), stride, padding, dilation)
    (sh, _), (ph, pw), (oh, ow) = geometry.stride, geometry.pad, geometry.output
    n = x.shape[0]
    images, rows, *plan = _plan(n, geometry, c_in, c_out, x.itemsize)
    y = aligned_empty((n, oh, ow, c_out), x.dtype)
    w_packed = pack(w, np.arange(kh * kw * c_in) * c_out, 1, 1, c_out, x.dtype)
    items = -(-n // images) * -(-oh // rows)
    start = pad_start(b, c_out, x.dtype)
    _convolve_items(items, x, w_packed, start, c_out, oh, ow, sh, ph, pw, images, rows, *plan, y, grain=1)
    return y
