"""Sums over windows, without a matrix of patches and without the zeros around a picture.

    y[n, r, c, f] = start[f] + sum over taps i, j and g of x[n, u, v, g] b(i, j, g; f)

A forward convolution and its gradient with respect to the input both are such sums; they differ in which pixels (u, v)
the taps of output (r, c) meet. Along each axis the outputs are divided into phases, r = first + t step for t < length,
within which tap i meets u = t in_step + shift_i. A forward convolution has one phase, the gradient of a convolution
with stride s has s of them. Groups of channels are convolved each by itself.

With channels last, the pixels under one row of the window are consecutive numbers, and so are the rows of `b` that
they meet: the sum is a matrix product whose rows are found through a table (Dukhan, "The Indirect Convolution
Algorithm", arXiv:1907.02129). Each phase is cut where a tap leaves the picture, so that all outputs of a rectangle
have the same taps, none of which meets a zero; at 8 x 8 pixels a window of 3 x 3 spends a sixth of its taps on zeros.
"""

import itertools
from typing import NamedTuple

import numpy as np

from ._parallel import chunked
from ._product import (
    FLOPS_PER_NANOSECOND,
    ITEM_NANOSECONDS,
    LEAST_ROWS,
    WIDEST,
    offsets,
    padded,
    product,
    segment_table,
    unit,
)

_ITEMS = 24  # as many work items, if there is enough to do


class Phase(NamedTuple):
    """Outputs along one axis that are `step` apart, and the taps that they meet."""

    first: int
    step: int
    length: int
    in_step: int
    taps: list  # (tap, shift), in ascending order of the latter

    def spans(self, size):
        """(t_lo, t_hi, positions in `taps`) of the ranges of t that have the same taps within `size` pixels."""
        reach = [
            [min(max(0, -(-(edge - shift) // self.in_step)), self.length) for edge in (0, size)]
            for _, shift in self.taps
        ]
        cuts = sorted({0, self.length, *itertools.chain(*reach)})
        for low, high in itertools.pairwise(cuts):
            yield low, high, [k for k, (first, last) in enumerate(reach) if first <= low and high <= last]


def plan(n, image, output, down, right, depth, columns, groups, itemsize):
    """How the sums are divided into work items, for pictures of `depth` channels and outputs of `columns` a group.

    Gives the order of the taps in `b`, as pairs, and the arguments of `gather` that depend on shapes only.
    """
    (h, w), (oh, ow), channels, out_channels = image, output, groups * depth, groups * columns
    in_step, step = (down[0].in_step, right[0].in_step), (down[0].step, right[0].step)
    order, a_rows, c_rows, segments, rectangles = [], [], [], [], []
    items = total_time = n_rows = 0
    for d, r in itertools.product(down, right):
        first_row = len(order) * depth
        order += [(i, j) for i, _ in d.taps for j, _ in r.taps]
        for (t_lo, t_hi, taps_down), (v_lo, v_hi, taps_right) in itertools.product(d.spans(h), r.spans(w)):
            taps = [
                ((d.taps[i][1] * w + r.taps[j][1]) * channels, first_row + (i * len(r.taps) + j) * depth)
                for i, j in itertools.product(taps_down, taps_right)
            ]
            t_count, v_count = t_hi - t_lo, v_hi - v_lo
            pixel_time = 2.0 * max(1, len(taps)) * depth * columns / FLOPS_PER_NANOSECOND
            images, rows = unit(n, t_count, v_count, max(LEAST_ROWS, ITEM_NANOSECONDS / pixel_time))
            n0, t, v = np.arange(images), np.arange(rows), np.arange(v_lo, v_hi)
            a_rows.append(
                offsets(n0 * (h * w * channels), t * (in_step[0] * w * channels), v * (in_step[1] * channels))
            )
            c_rows.append(
                offsets(
                    n0 * (oh * ow * out_channels),
                    t * (step[0] * ow * out_channels),
                    (r.first + v * step[1]) * out_channels,
                )
            )
            s_first = len(segments)
            segments.extend(segment_table(_joined(taps, depth)))
            rectangles.append(
                (items, images, rows, t_count, v_count, n_rows, s_first, len(segments), t_lo * in_step[0],
                 d.first + t_lo * step[0])
            )  # fmt: skip
            n_rows += len(a_rows[-1])
            items += -(-n // images) * -(-t_count // rows)
            total_time += groups * n * t_count * v_count * pixel_time
    rectangles.append((items, *[0] * 9))

    panel = WIDEST * padded(1, f"f{itemsize}")
    panels = -(-columns // panel)
    splits = min(panels, -(-_ITEMS // (groups * items)), max(1, round(total_time / ITEM_NANOSECONDS)))
    share = -(-panels // splits) * panel
    items *= groups * -(-columns // share)
    grain = max(1, int(items * ITEM_NANOSECONDS / 2 / max(total_time, 1)))
    tables = np.concatenate(a_rows), np.concatenate(c_rows)
    tables += np.array(segments, np.int64).reshape(-1, 3), np.array(rectangles, np.int64)
    return order, items, grain, (groups, in_step[0], step[0], share, *tables)


def _joined(taps, depth):
    """(place in the picture, row of `b`, length) of the segments of taps; neighbours in both become one."""
    segments = []
    for place, row in taps:
        if segments and segments[-1][0] + segments[-1][2] == place and segments[-1][1] + segments[-1][2] == row:
            segments[-1] = (*segments[-1][:2], segments[-1][2] + depth)
        else:
            segments.append((place, row, depth))
    return segments


@chunked
def gather(
    lo, hi, x, b, depth, b_step, start, groups, in_step, step, share, a_rows, c_rows, segments, rectangles, past_caches,
    y,
):  # fmt: skip
    """Requires: `b` packed from `depth` rows a group, or of one group, with depth 0, and `b_step` from row to row;
    `past_caches` as from `goes_past_caches`."""
    n, h, w, channels = x.shape
    oh, ow, out_channels = y.shape[1], y.shape[2], y.shape[3]
    columns = out_channels // groups
    x_flat, y_flat = x.reshape(-1), y.reshape(-1)
    splits = -(-columns // share)
    rectangle = 0
    for item in range(lo, hi):
        place, split, group = item // (splits * groups), item // groups % splits, item % groups
        while place >= rectangles[rectangle + 1, 0]:
            rectangle += 1
        first, images, rows, t_count, v_count, table, s_first, s_last, u_lo, r_lo = rectangles[rectangle]
        bands = -(-t_count // rows)
        n0, t0 = (place - first) // bands * images, (place - first) % bands * rows
        m = min(images, n - n0) * min(rows, t_count - t0) * v_count
        a_base = (n0 * h + u_lo + t0 * in_step) * w * channels + group * (channels // groups)
        c_base = (n0 * oh + r_lo + t0 * step) * ow * out_channels + group * columns
        product(
            x_flat, a_base, a_rows[table:], m, 1, b[group * (b.size // groups) :], depth, b_step,
            segments[s_first:s_last], start[group * (start.size // groups) :], y_flat, c_base, c_rows[table:],
            split * share, min(columns, (split + 1) * share), True, past_caches,
        )  # fmt: skip
