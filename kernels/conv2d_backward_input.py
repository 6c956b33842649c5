"""Gradient of a convolution with respect to its input, which is also the transposed convolution.

    dx[n, r, c, g] = sum of dy[n, u, v, f] w[i, j, g, f] over all u s + i d - p = r, v s + j d - p = c, and f

The pixels r = s t + e of one residue e meet only the taps i with (e + p - i d) divisible by s, and those at u = t +
(e + p - i d) / s: for each of the s * s residues this is an ordinary convolution of `dy` with stride 1 and part of the
taps (Dumoulin and Visin, "A guide to convolution arithmetic for deep learning", arXiv:1603.07285, section 4), written
to every s-th pixel. All residues of a work item read one padded copy of `dy`.

With few input channels (a generator's last layer) most of each vector would be empty. Then all taps of a pixel are
the columns of one product, and are added up where they belong.

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
    padded,
    product,
    segment_table,
    well_filled,
)
from ._windows import copy_padded, windows


@functools.lru_cache(maxsize=512)
def _plan(n, geometry, c_in, c_out, itemsize):
    """How the pictures are divided into work items, and the tables of all residues for one item."""
    (h, w), (kh, kw), (sh, sw), (dh, dw), (ph, pw), _ = geometry
    down = [_residue_taps(e, kh, sh, dh, ph) for e in range(min(sh, h))]
    right = [_residue_taps(e, kw, sw, dw, pw) for e in range(min(sw, w))]
    top, bottom = _reach(down)
    left, far = _reach(right)
    t_total, v_total = -(-h // sh), -(-w // sw)

    pixel_time = 2.0 * kh * kw * c_in * c_out / FLOPS_PER_NANOSECOND / (sh * sw)
    residues = sh * sw
    wanted = max(LEAST_ROWS, ITEM_NANOSECONDS / (pixel_time * residues))
    rows, images = t_total, 1
    if t_total * v_total > 2 * wanted:
        rows = well_filled(wanted / v_total, t_total, v_total)
    in_rows, in_columns = rows + bottom - top, v_total + far - left
    size = in_rows * in_columns * c_out
    if rows == t_total:
        limit = min(n, max(1, SCRATCH_BYTES // (size * itemsize)))
        images = well_filled(wanted / (t_total * v_total), limit, t_total * v_total)

    a_rows, c_rows, segments, k_start, parts = [], [], [], [], []
    b_row = 0
    for e, taps_down in enumerate(down):
        for q, taps_right in enumerate(right):
            t_count, v_count = min(rows, -(-(h - e) // sh)), -(-(w - q) // sw)
            a_rows.append(
                offsets(np.arange(images) * size, np.arange(t_count) * (in_columns * c_out), np.arange(v_count) * c_out)
            )
            image_size = h * w * c_in
            c_rows.append(
                offsets(
                    np.arange(images) * image_size,
                    (np.arange(t_count) * sh + e) * (w * c_in),
                    (np.arange(v_count) * sw + q) * c_in,
                )
            )
            part = []
            for i, u in taps_down:
                for j, v in taps_right:
                    a_start = ((u - top) * in_columns + v - left) * c_out
                    if part and part[-1][0] + part[-1][2] == a_start:  # next to the tap before: one segment
                        part[-1] = (*part[-1][:2], part[-1][2] + c_out)
                    else:
                        part.append((a_start, b_row, c_out))
                    b_row += c_out
                    k_start.append((i * kw + j) * c_in * c_out)
            segments.append(segment_table(part))
            parts.append((e, -(-(h - e) // sh), v_count))
    starts = [np.cumsum([0] + [len(table) for table in tables]) for tables in (a_rows, segments)]
    parts = np.array(
        [(*p, a, s, s_end) for p, a, s, s_end in zip(parts, starts[0], starts[1], starts[1][1:])], np.int64
    )
    k_start = (np.array(k_start, np.int64)[:, None] + np.arange(c_out)).reshape(-1)
    tables = np.concatenate(a_rows), np.concatenate(c_rows), np.concatenate(segments), parts
    return k_start, (images, rows, top, left, in_rows, in_columns, *tables)


def _residue_taps(e, taps, stride, dilation, pad):
    """The taps that pixels of residue `e` meet, with where: (tap, u - t), in ascending order of the latter."""
    met = [(i, (e + pad - i * dilation) // stride) for i in range(taps) if (e + pad - i * dilation) % stride == 0]
    return sorted(met, key=lambda tap: tap[1])


def _reach(residues):
    """Least and greatest u - t of any tap."""
    shifts = [shift for taps in residues for _, shift in taps] or [0]
    return min(shifts), max(shifts)


@chunked
def _gather_items(
    lo, hi, dy, w_packed, depth, start, h, w, c_in, sh, images, rows, top, left, in_rows, in_columns, a_rows, c_rows,
    segments, parts, dx,
):  # fmt: skip
    n, c_out = dy.shape[0], dy.shape[3]
    t_total = -(-h // sh)
    bands = -(-t_total // rows)
    scratch = np.empty(images * in_rows * in_columns * c_out, dy.dtype)
    flat = dx.reshape(-1)
    for item in range(lo, hi):
        n0, t0 = (item // bands) * images, (item % bands) * rows
        count = min(images, n - n0)
        copy_padded(dy, n0, count, t0 + top, left, in_rows, in_columns, scratch)
        c_base = (n0 * h + t0 * sh) * w * c_in
        for p in range(parts.shape[0]):
            m = count * min(rows, parts[p, 1] - t0) * parts[p, 2]
            tables = parts[p, 3]
            part = segments[parts[p, 4] : parts[p, 5]]
            product(
                scratch, 0, a_rows[tables:], m, 1, w_packed, depth, 0, part, start, flat, c_base, c_rows[tables:],
                0, c_in, True,
            )  # fmt: skip


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


def input_gradient(dy, w, b, geometry):
    """dx for checked, contiguous arrays of one dtype; `b`, if any, is added to every pixel.

    Requires: dy (N, OH, OW, C_out) and w (KH, KW, C_in, C_out) fit `geometry`.
    """
    n, c_out = dy.shape[0], dy.shape[3]
    kh, kw, c_in = w.shape[:3]
    (h, wide), _, stride, dilation, pad, _ = geometry
    dx = aligned_empty((n, h, wide, c_in), dy.dtype)
    start = pad_start(b, c_in, dy.dtype)
    columns = kh * kw * c_in
    if 2 * c_in <= padded(1, dy.dtype):
        images, *plan = _scatter_plan(n, geometry, c_in, c_out)
        w_packed = pack(w, np.arange(c_out), c_out, c_out, columns, dy.dtype)
        zeros = pad_start(None, columns, dy.dtype)
        _scatter_items(n, dy, w_packed, zeros, start, kh, kw, *stride, *dilation, *pad, *plan, dx, grain=images)
        return dx
    k_start, plan = _plan(n, geometry, c_in, c_out, dy.itemsize)
    w_packed = pack(w, k_start, c_out, c_out, c_in, dy.dtype)
    t_total = -(-h // stride[0])
    items = -(-n // plan[0]) * -(-t_total // plan[1])
    _gather_items(items, dy, w_packed, len(k_start), start, h, wide, c_in, stride[0], *plan, dx, grain=1)
    return dx


def conv2d_backward_input(dy, w, input_shape, *, stride=1, padding=0, dilation=1):
    """Gradient of `conv2d` with respect to its input.

    Parameters
    ----------
    dy : (N, OH, OW, C_out) array of float32 or float64
        Gradient with respect to the output.
    w : (KH, KW, C_in, C_out) array
        Converted to the dtype of `dy`.
    input_shape : (N, H, W, C_in)
        Shape of the input of the convolution.
    stride, padding, dilation
        As they were given to `conv2d`.

    Returns
    -------
    (N, H, W, C_in) array of the dtype of `dy`.

    Raises
    ------
    ValueError
        If the shapes are not those of one convolution.
    """
    name = "conv2d_backward_input"
    if len(input_shape) != 4:
        raise ValueError(f"{name}: input_shape must be (N, H, W, C_in), got {tuple(input_shape)}")
    n, h, wide, c_in = (check.integer(name, "input_shape", s, low=1) for s in input_shape)
    w = check.as_array(name, "w", w, ndim=4)
    geometry = windows(name, (h, wide), w.shape[:2], stride, padding, dilation)
    dy = check.as_array(name, "dy", dy, shape=(n, *geometry.output, w.shape[3]))
    w = check.as_array(name, "w", w, dtypes=(dy.dtype,), shape=(None, None, c_in, None))
    return input_gradient(dy, w, None, geometry)
