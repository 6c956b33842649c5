"""Boundaries of regions: pixels with a neighbour of another label.

A pixel is one where the largest label of its neighbourhood is not the smallest, which is the difference of the
dilation and the erosion of the label map (its morphological gradient: Serra, "Image Analysis and Mathematical
Morphology", 1982, chapter IX). Whether these differ is whether any neighbour does, so no maximum need be taken.

Time O(H W): one pass, rows in parallel; memory one byte a pixel, the result.
"""

import numpy as np

from ._jit import EXACT, helper
from ._parallel import chunk_size, chunked
from ._validate import as_labels, integer, one_of

MODES = ("thick", "inner", "outer", "subpixel")
_NANOSECONDS = 1.0  # for a pixel


@helper(fastmath=EXACT)
def _touches_two(labels, background, r, c):
    """Whether two regions, as ``skimage`` counts them, meet in the 3 x 3 pixels around one that is no background."""
    height, width = labels.shape
    low = high = labels[r, c]
    for i in range(max(r - 1, 0), min(r + 2, height)):
        for j in range(max(c - 1, 0), min(c + 2, width)):
            other = labels[i, j]
            high = max(high, other)
            if other != background:
                low = min(low, other)
    return low != high


@helper(fastmath=EXACT)
def _mark_changes(row, above, below, diagonal, out):
    """out: which pixels of a row have a neighbour of another label. Beyond the picture, labels are as on its rim."""
    n = row.size - 2
    here, left, right, found = row[1 : n + 1], row[:n], row[2:], out[1 : n + 1]
    up, down = above[1 : n + 1], below[1 : n + 1]
    for c in range(n):
        mine = here[c]
        found[c] = (left[c] != mine) | (right[c] != mine) | (up[c] != mine) | (down[c] != mine)
    if diagonal:
        up_left, up_right, down_left, down_right = above[:n], above[2:], below[:n], below[2:]
        for c in range(n):
            mine = here[c]
            corners = (up_left[c] != mine) | (up_right[c] != mine) | (down_left[c] != mine) | (down_right[c] != mine)
            found[c] |= corners
    for c in (0, row.size - 1):
        mine, inward = row[c], min(1, n + 1) if c == 0 else max(c - 1, 0)
        differs = (row[inward] != mine) | (above[c] != mine) | (below[c] != mine)
        if diagonal:
            differs |= (above[inward] != mine) | (below[inward] != mine)
        out[c] = differs


@chunked(fastmath=EXACT)
def _find(lo, hi, labels, diagonal, inner, outer, background, out):
    height, width = labels.shape
    for r in range(lo, hi):
        row, found = labels[r], out[r]
        _mark_changes(row, labels[max(r - 1, 0)], labels[min(r + 1, height - 1)], diagonal, found)
        if inner:
            for c in range(width):
                found[c] &= row[c] != background
        elif outer:
            for c in range(width):
                if found[c] and row[c] != background:
                    found[c] = _touches_two(labels, background, r, c)


@chunked(fastmath=EXACT)
def _find_between(lo, hi, labels, out):
    """Boundaries in the gaps between pixels; out (2 H - 1, 2 W - 1)."""
    height, width = labels.shape
    for r in range(lo, hi):
        row, below = labels[r], labels[min(r + 1, height - 1)]
        for c in range(width):
            right = min(c + 1, width - 1)
            across, down = row[c] != row[right], row[c] != below[c]
            out[2 * r, 2 * c] = False
            if c < right:
                out[2 * r, 2 * c + 1] = across
            if r + 1 < height:
                out[2 * r + 1, 2 * c] = down
                if c < right:
                    out[2 * r + 1, 2 * c + 1] = across | down | (row[c] != below[right])


def find_boundaries(label_img, connectivity=1, mode="thick", background=0):
    """Find the pixels that have a neighbour of another label.

    Parameters
    ----------
    label_img : (H, W) array of int or bool
        Regions.
    connectivity : {1, 2}
        1: neighbours share an edge. 2: or a corner.
    mode : {"thick", "inner", "outer", "subpixel"}
        ``"thick"``: the pixels on both sides of a boundary. ``"inner"``: of these, those of regions, not of the
        background. ``"outer"``: those of the background, and of regions where two of them meet. ``"subpixel"``: the
        gaps between pixels, in a map that has one more place between any two of them; always of connectivity 2.
    background : int
        The label that is no region, for ``"inner"`` and ``"outer"``.

    Returns
    -------
    (H, W) bool array, or (2 H - 1, 2 W - 1) for ``"subpixel"``.

    Raises
    ------
    TypeError, ValueError
        If `label_img` is not such a map, or empty, or an argument is none of those named.

    Notes
    -----
    As ``skimage.segmentation.find_boundaries`` for two dimensions; with int64 labels its ``"outer"`` loses boundaries,
    since its largest number does not survive the way through float64.
    """
    labels = as_labels("find_boundaries", "label_img", label_img)
    if labels.size == 0:
        raise ValueError(f"find_boundaries: label_img must not be empty, got shape {labels.shape}")
    connectivity = integer("find_boundaries", "connectivity", connectivity, low=1, high=2)
    mode = one_of("find_boundaries", "mode", mode, MODES)
    background = integer("find_boundaries", "background", background, low=-(2**31), high=2**31 - 1)
    height, width = labels.shape
    grain = chunk_size(_NANOSECONDS * width)
    if mode == "subpixel":
        out = np.empty((2 * height - 1, 2 * width - 1), np.bool_)
        _find_between(height, labels, out, grain=grain)
    else:
        out = np.empty(labels.shape, np.bool_)
        flags = mode == "inner", mode == "outer"
        _find(height, labels, connectivity == 2, *flags, np.int32(background), out, grain=grain)
    return out
