"""A k-d tree whose leaves are cliques: points that all lie within one distance of each other, or few points.

A node's points are divided at the middle of the longest side of their bounding box (Maneewongvatana and Mount, "It's
okay to be skinny, if your friends are fat", 1999, section 3: each half holds points, and cells stay fat) until the
box's diagonal is at most that distance, or the points are few. Where points lie dense, a leaf holds many, of which one
can often speak for all; where they are sparse, a leaf's few points share one search.

All distances here are sums of squares, taken feature by feature in order and without fused operations. Rounding is
monotone, so that a bound from a box is never at odds with the distance of a point in it: exactly the pairs are found
that a loop over all pairs would find.

Time O(n C log n) unless the points' scales differ wildly; memory 8 C + 4 bytes a point, and 16 C + 20 a node, of which
there are about a quarter as many as points.
"""

from typing import NamedTuple

import numpy as np

from ._bits import mask_bits
from ._image import load_up_to
from ._jit import EXACT, helper, kernel
from ._simd import lanes, splat

FEW = 16  # points of a leaf that is no clique; two vectors of the widest registers

_ONE = np.uint64(1)


class Cliques(NamedTuple):
    """Points in the order of the leaves, and the tree; plain arrays, for kernels."""

    points: np.ndarray  # (C, N)
    order: np.ndarray  # (N,): the points' numbers
    boxes: np.ndarray  # (nodes, 2, C): least and greatest of each feature
    children: np.ndarray  # (nodes,): the first of two that follow each other, or ~leaf
    leaf_nodes: np.ndarray  # (leaves,)
    starts: np.ndarray  # (leaves + 1,): where the points of each leaf begin
    is_clique: np.ndarray  # (leaves,)
    stack_size: int  # for a walk through the tree


@helper(fastmath=EXACT)
def _measure(points, first, last, box):
    """Fill in the box of a node's points; returns the square of its diagonal and the longest side."""
    diagonal, longest, longest_side = 0.0, 0, -1.0
    for k in range(points.shape[0]):
        values = points[k, first:last]
        least = greatest = values[0]
        for value in values:
            least, greatest = min(least, value), max(greatest, value)
        box[0, k], box[1, k] = least, greatest
        side = greatest - least
        diagonal += side * side
        if side > longest_side:
            longest, longest_side = k, side
    return diagonal, longest


@helper(fastmath=EXACT)
def _part(points, order, first, last, side, middle):
    """Bring the points up to `middle` before the others; returns where these begin."""
    values = points[side]
    while True:
        while first < last and values[first] <= middle:
            first += 1
        while first < last and values[last - 1] > middle:
            last -= 1
        if first == last:
            return first
        last -= 1
        for k in range(points.shape[0]):
            points[k, first], points[k, last] = points[k, last], points[k, first]
        order[first], order[last] = order[last], order[first]
        first += 1


@kernel(fastmath=EXACT)
def _divide(points, order, reach, boxes, spans, levels, children, done, n):
    """Divide nodes, breadth first, from number `done` of n on; returns how many are done and how many there are.

    Ends where there is no room for two more nodes. children becomes -1 for a clique and -2 for a leaf of few points.
    """
    while done < n and n + 2 <= children.size:
        first, last = spans[done, 0], spans[done, 1]
        diagonal, side = _measure(points, first, last, boxes[done])
        if diagonal <= reach:
            children[done] = -1
        elif last - first <= FEW:
            children[done] = -2
        else:
            least, greatest = boxes[done, 0, side], boxes[done, 1, side]
            middle = least + (greatest - least) / 2
            if middle >= greatest:  # rounded up, between two numbers that follow each other
                middle = least
            children[done] = n
            second = _part(points, order, first, last, side, middle)
            spans[n, 0], spans[n, 1], spans[n + 1, 0], spans[n + 1, 1] = first, second, second, last
            levels[n] = levels[n + 1] = levels[done] + 1
            n += 2
        done += 1
    return done, n


def build(X, reach):
    """The tree of points (N, C) whose cliques have squared distances of at most `reach`."""
    n_points, n_features = X.shape
    points = np.array(X.T, np.float64, order="C")  # a copy, also of a single feature
    order = np.arange(n_points, dtype=np.int32)
    room = n_points // 4 + 64
    nodes = (
        np.empty((room, 2, n_features)), np.empty((room, 2), np.int32), np.zeros(room, np.int32),
        np.empty(room, np.int32),
    )  # fmt: skip
    nodes[1][0] = 0, n_points
    done, n = 0, 1
    while True:
        done, n = _divide(points, order, reach, *nodes, done, n)
        if done == n:
            break
        nodes = tuple(np.concatenate([part, np.empty_like(part)]) for part in nodes)
    boxes, spans, levels, children = (part[:n] for part in nodes)
    leaf_nodes = np.flatnonzero(children < 0)
    leaf_nodes = leaf_nodes[np.argsort(spans[leaf_nodes, 0])].astype(np.int32)
    starts = np.append(spans[leaf_nodes, 0], np.int32(n_points))
    is_clique = children[leaf_nodes] == -1
    children[leaf_nodes] = ~np.arange(len(leaf_nodes), dtype=np.int32)
    # A walk that keeps the second child for later holds one node for each level, and the two it comes to last.
    return Cliques(points, order, boxes, children, leaf_nodes, starts, is_clique, int(levels.max()) + 2)


@helper(fastmath=EXACT)
def between_boxes(a, b):
    """The square of the least distance of two boxes."""
    total = 0.0
    for k in range(a.shape[1]):
        gap = max(max(b[0, k] - a[1, k], a[0, k] - b[1, k]), 0.0)
        total += gap * gap
    return total


@helper(fastmath=EXACT)
def least_to_box(points, p, box):
    """The square of the least distance of point p to a box."""
    total = 0.0
    for k in range(points.shape[0]):
        gap = max(max(box[0, k] - points[k, p], points[k, p] - box[1, k]), 0.0)
        total += gap * gap
    return total


@helper(fastmath=EXACT)
def greatest_to_box(points, p, box):
    """The square of the greatest distance of point p to a box."""
    total = 0.0
    for k in range(points.shape[0]):
        gap = max(box[1, k] - points[k, p], points[k, p] - box[0, k])
        total += gap * gap
    return total


@helper(fastmath=EXACT)
def leaves_within(tree, leaf, reach, stack, found):
    """Find the leaves whose boxes come near to that of a leaf, itself included; returns how many there are."""
    box = tree.boxes[tree.leaf_nodes[leaf]]
    n, height = 0, 1
    stack[0] = 0
    while height > 0:
        height -= 1
        node = stack[height]
        if between_boxes(box, tree.boxes[node]) <= reach:
            child = tree.children[node]
            if child < 0:
                found[n] = ~child
                n += 1
            else:
                stack[height], stack[height + 1] = child + 1, child
                height += 2
    return n


@helper(fastmath=EXACT)
def neighbours_of(points, p, i, last, reach):
    """Bits for the points i, i + 1, ... before `last`, as many as a vector has lanes: which are near point p."""
    n_points = points.shape[1]
    count = min(lanes(points), last - i)
    total = splat(points, 0.0)
    for k in range(points.shape[0]):
        difference = load_up_to(points, k * n_points + i, count) - points[k, p]
        total = total + difference * difference
    return mask_bits(total <= reach) & ((_ONE << np.uint64(count)) - _ONE)
