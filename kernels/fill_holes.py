"""Holes of regions: parts of a label map that one region encloses.

Let the connected parts of the map, by edges and corners, be the nodes of a graph, with one more for all that is
outside, and edges where two of them touch, at a corner suffices. A region encloses what its removal cuts off from the
outside: it is a cut vertex. One depth-first search from the outside finds them all: what is found from child v of node
u is cut off by u if no edge leads from there to a node found before u (Hopcroft and Tarjan, "Algorithm 447: efficient
algorithms for graph manipulation", Communications of the ACM 16(6), 1973).

Time and memory O(H W).
"""

import numpy as np

from . import _validate as check
from ._jit import EXACT, kernel
from .label import label
from .region_adjacency import region_adjacency

_OUTSIDE = -(2**31)


@kernel(fastmath=EXACT)
def _search(edges, sizes, parent, order, is_cut_off):
    """Depth first from node 0: the parent of each node, the nodes in the order of finding, and whether the parent cuts
    a node off. Sizes become those of all that is found from a node.

    Requires: edges (E, 2), each once, of a connected graph; parent all -1.
    """
    n = parent.size
    starts, ends = np.zeros(n + 1, np.int64), np.empty(2 * edges.shape[0], np.int64)
    for e in range(edges.shape[0]):
        starts[edges[e, 0] + 1] += 1
        starts[edges[e, 1] + 1] += 1
    for node in range(n):
        starts[node + 1] += starts[node]
    following = starts[:n].copy()
    for e in range(edges.shape[0]):
        for k in range(2):
            ends[following[edges[e, k]]] = edges[e, 1 - k]
            following[edges[e, k]] += 1
    following[:] = starts[:n]

    place, low = np.full(n, -1, np.int64), np.empty(n, np.int64)  # low: the first place touched from a node on
    node = found = np.int64(0)
    place[0] = low[0] = order[0] = 0
    while node >= 0:
        if following[node] < starts[node + 1]:
            other = ends[following[node]]
            following[node] += 1
            if place[other] < 0:
                found += 1
                parent[other], order[found] = node, other
                place[other] = low[other] = found
                node = other
            else:
                low[node] = min(low[node], place[other])
        else:
            above = parent[node]
            if above >= 0:
                sizes[above] += sizes[node]
                low[above] = min(low[above], low[node])
            node = above
    for node in range(1, n):
        is_cut_off[node] = low[node] >= place[parent[node]]


@kernel(fastmath=EXACT)
def _enclose(parent, order, is_cut_off, sizes, values, max_size):
    """Give each node's value to all that it encloses and that is small enough; outer nodes come first."""
    filled = np.zeros(parent.size, np.bool_)
    for k in range(1, order.size):
        node, above = order[k], parent[order[k]]
        if filled[above] or (is_cut_off[node] and values[above] >= 0 and sizes[node] <= max_size):
            filled[node] = True
            values[node] = values[above]


def fill_holes(labels, max_size=None, *, mask=None):
    """Give the holes of regions to the regions.

    Parameters
    ----------
    labels : (H, W) array of int
        Pixels below 0 belong to no region: they can be part of a hole, but not enclose one.
    max_size : int, optional
        Larger holes, in pixels, stay. By default none does.
    mask : (H, W) array of bool, optional
        Where it is False is outside, as beyond the border: no hole reaches there.

    Returns
    -------
    (H, W) int32 array
        Where a region encloses others, or pixels of none, so that no path by edges and corners leads from there to the
        outside but through the region, these have its label.

    Raises
    ------
    TypeError, ValueError
        If an array is not as said, or `max_size` is negative.

    Notes
    -----
    Of one region, 0 on a background of -1, these are the holes of `scipy.ndimage.binary_fill_holes` with a structure of
    3 x 3 ones.
    """
    name = "fill_holes"
    labels = check.as_labels(name, "labels", labels)
    max_size = labels.size if max_size is None else check.integer(name, "max_size", max_size, low=0)
    mask = check.as_mask(name, mask, labels.shape)
    inner = np.maximum(labels, -1)
    bordered = np.pad(inner if mask is None else np.where(mask, inner, _OUTSIDE), 1, constant_values=_OUTSIDE)
    parts, n_parts = label(bordered, connectivity=2, background=_OUTSIDE, return_num=True)
    graph = region_adjacency(parts, connectivity=2)
    values = np.empty(n_parts + 1, np.int32)
    values[parts.reshape(-1)] = bordered.reshape(-1)
    parent, order = np.full(n_parts + 1, -1), np.empty(n_parts + 1, np.int64)
    is_cut_off, sizes = np.empty(n_parts + 1, bool), graph.area.copy()
    _search(graph.edges, sizes, parent, order, is_cut_off)
    _enclose(parent, order, is_cut_off, sizes, values, max_size)
    filled = values[parts[1:-1, 1:-1]]
    return np.where(filled >= 0, filled, labels)
