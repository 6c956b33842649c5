"""Gradient of a convolution with respect to its weights.

    dw[i, j, g, f] = sum over n, r, c of x[n, r s + i d - p, c s + j d - p, g] dy[n, r, c, f]

With groups, g counts within the group of input channels that belongs to the group of f.

A matrix product again: its rows are the KH KW C_in places of the window, found at fixed offsets in the pictures, its
inner dimension the output pixels, one segment for each row of them. The products with the zeros around a picture are
left out: taps that stand over the same output pixels share their segments. Where that would fill tiles badly, as with
few channels, all taps read a padded copy instead. Windows of 3 x 3 over many channels have a quicker way, `_winograd`,
and so has every channel by itself, `_depthwise`.

The pictures are divided into a fixed number of parts, each summed by itself, and the parts are added up in order.

Time O(N OH OW KH KW C_in C_out); memory: the gradient once for each part.
"""

import functools

import numpy as np

from . import _depthwise, _winograd
from . import _validate as check
from ._image import load_up_to, scratch, store_up_to
from ._memory import aligned_empty
from ._parallel import chunk_size, chunked
from ._product import (
    FLOPS_PER_NANOSECOND,
    ITEM_NANOSECONDS,
    LEAST_ROWS,
    offsets,
    pack_rows,
    pad_start,
    padded,
    product,
    tile_rows,
)
from ._simd import lanes
from ._windows import check_groups, copy_padded, under_tap, windows

_PIXELS = 384  # about as many are worked on at once: their gradients and pictures stay in the second-level cache,
_BLOCK_BYTES = 1 << 18  # and so does this much of the sums
_ITEMS = 16  # as many work items, if there is enough to do
_PARTS_BYTES = 1 << 26
_PACKING_PAYS = 128  # rows of the gradient from which on it pays to pack `dy`


@functools.lru_cache(maxsize=512)
def _plan(n, geometry, depth, c_out, groups, itemsize):
    """How pixels and rows of the gradient are divided into work items, and the tables of all taps.

    A unit of pixels is either `images` whole pictures or a band of `rows` output rows of one picture. A piece is a
    range of rows of the gradient with the same segments; a block of pieces and a part of the units are an item.
    """
    (h, w), (kh, kw), (sh, sw), (dh, dw), (ph, pw), (oh, ow) = geometry
    channels = depth * groups
    pixels = min(_PIXELS, max(LEAST_ROWS, n * oh * ow // _ITEMS))
    rows, images = oh, max(1, min(n, round(pixels / (oh * ow))))
    if oh * ow > 2 * pixels:
        rows = -(-oh // round(oh * ow / pixels))
    in_rows, in_columns = (rows - 1) * sh + dh * (kh - 1) + 1, (ow - 1) * sw + dw * (kw - 1) + 1

    alike = {}
    for i in range(kh):
        for j in range(kw):
            over = under_tap(i, sh, dh, ph, h, oh), under_tap(j, sw, dw, pw, w, ow)
            alike.setdefault(over, []).append((i, j))
    height = tile_rows(c_out // groups, itemsize)
    work = [
        -(-len(taps) * depth // height) * (r_hi - r_lo) * (c_hi - c_lo)
        for ((r_lo, r_hi), (c_lo, c_hi)), taps in alike.items()
    ]
    is_padded = -(-kh * kw * depth // height) * oh * ow < sum(work)
    if is_padded:
        alike = {((0, oh), (0, ow)): sorted(tap for taps in alike.values() for tap in taps)}
        h, w, ph, pw = in_rows, in_columns, 0, 0

    share = max(12, _BLOCK_BYTES // (c_out * itemsize) // 12 * 12)
    a_rows, c_rows, segments, pieces, blocks = [], [], [], [], []
    n_rows = n_segments = 0
    room = 0
    for ((r_lo, r_hi), (c_lo, c_hi)), taps in alike.items():
        i, j = np.array(taps).T
        a_rows.append(offsets(((i * dh - ph) * w + j * dw - pw) * channels, np.arange(depth)))
        c_rows.append(offsets((i * kw + j) * (depth * c_out), np.arange(depth) * c_out))
        of_image = [
            (((r % rows if is_padded else r) * sh * w + c_lo * sw) * channels, r % rows * ow + c_lo, c_hi - c_lo)
            for r in range(r_lo, r_hi)
        ]
        segments += [
            (k * h * w * channels + a, k * rows * ow + b, length) for k in range(images) for a, b, length in of_image
        ]
        m = len(taps) * depth
        cut = -(-m // (-(-m // share) * 12)) * 12
        for row in range(0, m, cut):
            count = min(cut, m - row)
            if count > room:
                blocks.append(len(pieces))
                room = share
            room -= count
            pieces.append((n_rows + row, count, n_segments, r_lo, r_hi))
        n_rows += m
        n_segments = len(segments)
    blocks.append(len(pieces))

    units = -(-n // images) * -(-oh // rows)
    time = 2.0 * n * oh * ow * kh * kw * depth * c_out / FLOPS_PER_NANOSECOND
    items = max(1, min(_ITEMS, round(time / ITEM_NANOSECONDS)))
    most = max(1, _PARTS_BYTES // (kh * kw * depth * c_out * itemsize))
    parts = min(units, most, -(-items // (len(blocks) - 1)))
    dy_starts = offsets(np.arange(images * rows * ow) * c_out)
    tables = np.concatenate(a_rows), np.concatenate(c_rows), np.array(segments, np.int64).reshape(-1, 3)
    pieces, blocks = np.array(pieces, np.int64), np.array(blocks, np.int64)
    return parts, (units, images, rows, in_rows, in_columns, is_padded, dy_starts, *tables, pieces, blocks)


@chunked
def _correlate_items(
    lo, hi, x, dy, zeros, groups, sh, ph, pw, step, parts, units, images, rows, in_rows, in_columns, is_padded,
    dy_starts, a_rows, c_rows, segments, pieces, blocks, sums,
):  # fmt: skip
    n, oh, ow, c_out = dy.shape
    h, w, channels = x.shape[1], x.shape[2], x.shape[3]
    depth, columns = channels // groups, c_out // groups
    size, bands = sums.size // parts, -(-oh // rows)
    x_flat, dy_flat = x.reshape(-1), dy.reshape(-1)
    is_packed = zeros.size != columns or size // c_out >= _PACKING_PAYS
    copy = np.empty(images * in_rows * in_columns * channels if is_padded else 0, x.dtype)
    packed = scratch(images * rows * ow * zeros.size if is_packed else 0, dy)
    for item in range(lo, hi):
        block, part = item // parts, item % parts
        first, last = part * units // parts, (part + 1) * units // parts
        for unit in range(first, last):
            n0, r0 = (unit // bands) * images, (unit % bands) * rows
            count, r1 = min(images, n - n0), min(oh, r0 + rows)
            a, base = x_flat, n0 * h * w * channels
            if is_padded:
                a, base = copy, 0
                copy_padded(x, n0, count, r0 * sh - ph, -pw, in_rows, in_columns, copy)
            for group in range(groups):
                b, b_depth = dy_flat[(n0 * oh + r0) * ow * c_out + group * columns :], 0
                if is_packed:
                    b_depth = count * (r1 - r0) * ow
                    pack_rows(0, b_depth, b, dy_starts, 1, 1, 0, columns, packed, 0, b_depth)
                    b = packed
                for piece in range(blocks[block], blocks[block + 1]):
                    row, m, s, r_lo, r_hi = pieces[piece]
                    # of the piece's segments, one for each row from r_lo to r_hi of each picture, those of this unit
                    s_first = s + min(max(r0, r_lo), r_hi) - r_lo
                    s_last = s + (count - 1) * (r_hi - r_lo) + max(min(r1, r_hi), r_lo) - r_lo
                    product(
                        a, base + group * depth, a_rows[row:], m, step, b, b_depth, c_out, segments[s_first:s_last],
                        zeros, sums, part * size + group * columns, c_rows[row:], 0, columns, unit == first,
                    )  # fmt: skip


@chunked
def _add_parts(lo, hi, parts, out):
    # Requires: parts (P, size), out (size,). Items are vectors of out.
    step, size = lanes(out), out.size
    for i in range(lo * step, min(hi * step, size), step):
        total = load_up_to(parts, i, size - i)
        for p in range(1, parts.shape[0]):
            total = total + load_up_to(parts, p * size + i, size - i)
        store_up_to(out, i, total, size - i)


def conv2d_backward_weight(dy, x, kernel_shape, *, stride=1, padding=0, dilation=1, groups=1):
    """Gradient of `conv2d` with respect to its weights.

    Parameters
    ----------
    dy : (N, OH, OW, C_out) array of float32 or float64
        Gradient with respect to the output.
    x : (N, H, W, C_in) array
        Input of the convolution; converted to the dtype of `dy`.
    kernel_shape : (KH, KW) or (KH, KW, C_in / groups, C_out)
    stride, padding, dilation, groups
        As they were given to `conv2d`.

    Returns
    -------
    (KH, KW, C_in / groups, C_out) array of the dtype of `dy`.

    Raises
    ------
    ValueError
        If the shapes are not those of one convolution, or `groups` does not divide the channels.
    """
    name = "conv2d_backward_weight"
    dy = check.as_array(name, "dy", dy, ndim=4)
    n, c_out = dy.shape[0], dy.shape[3]
    x = check.as_array(name, "x", x, dtypes=(dy.dtype,), shape=(n, None, None, None))
    groups = check_groups(name, groups, x.shape[3], c_out)
    depth = x.shape[3] // groups
    if len(kernel_shape) not in (2, 4) or tuple(kernel_shape[2:]) not in ((), (depth, c_out)):
        raise ValueError(
            f"{name}: kernel_shape must be (KH, KW) or (KH, KW, {depth}, {c_out}), got {tuple(kernel_shape)}"
        )
    kh, kw = (check.integer(name, "kernel_shape", k, low=1) for k in kernel_shape[:2])
    geometry = windows(name, x.shape[1:3], (kh, kw), stride, padding, dilation)
    if dy.shape[1:3] != geometry.output:
        raise ValueError(f"{name}: dy must have shape {(n, *geometry.output, c_out)}, got {dy.shape}")
    if groups == 1 and _winograd.pays(n, geometry, geometry.output, depth, c_out, dy.dtype, of_weights=True):
        dw = aligned_empty((kh, kw, depth, c_out), dy.dtype)
        _winograd.weight_gradient(dy, x, geometry.pad, dw)
        return dw
    if _depthwise.fits(groups, x.shape[3], c_out):
        sums = _depthwise.weight_gradient(dy, x, geometry)
    else:
        parts, plan = _plan(n, geometry, depth, c_out, groups, dy.itemsize)
        sums = aligned_empty((parts, kh * kw * depth * c_out), dy.dtype)
        zeros = pad_start(None, c_out // groups, dy.dtype)
        items = parts * (len(plan[-1]) - 1)
        step = geometry.stride[1] * x.shape[3]
        _correlate_items(
            items, x, dy, zeros, groups, geometry.stride[0], *geometry.pad, step, parts, *plan, sums.reshape(-1),
            grain=1,
        )  # fmt: skip
    if len(sums) == 1:
        return sums.reshape(kh, kw, depth, c_out)
    dw = aligned_empty((kh, kw, depth, c_out), dy.dtype)
    vectors = -(-dw.size // padded(1, dw.dtype))
    _add_parts(vectors, sums, dw.reshape(-1), grain=chunk_size(3.0 * len(sums)))
    return dw
