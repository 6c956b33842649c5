"""The flood of `watershed` where heights grow with the distance from the marker.

Neubert and Protzel, "Compact watershed and preemptive SLIC", ICPR 2014, section III: a pixel waits at its height plus
`compactness` times its distance from the pixel of the marker whose flood has reached it. It may be reached again from
nearer by, and then waits lower; it takes its label when it is served.

How high a pixel will wait is not known beforehand. The range of heights is divided into as many lists as there are
pixels, and only the lowest list that is not empty is put in order, by a heap: constant time for a pixel as long as
heights are spread, O(log n) otherwise.
"""

import math

import numpy as np

from ._bitmap import empty_bitmap, leave_lowest, take_place
from ._framed import neighbours, prefetch_around
from ._jit import EXACT, helper, kernel

_TINY = 1e-300


@helper
def _push(heap, ages, pixels, n, height, age, pixel):
    """Add to a heap of n entries, each above four; it must have room."""
    i = n
    while i > 0:
        above = (i - 1) >> 2
        if heap[above] < height or (heap[above] == height and ages[above] < age):
            break
        heap[i], ages[i], pixels[i] = heap[above], ages[above], pixels[above]
        i = above
    heap[i], ages[i], pixels[i] = height, age, pixel


@helper
def _drop_first(heap, ages, pixels, n):
    """Take the lowest and of these the oldest from a heap of n entries."""
    last, i = n - 1, 0
    height, age = heap[last], ages[last]
    while 4 * i + 1 < last:
        first = 4 * i + 1
        for child in range(first + 1, min(first + 4, last)):
            if heap[child] < heap[first] or (heap[child] == heap[first] and ages[child] < ages[first]):
                first = child
        if height < heap[first] or (height == heap[first] and age < ages[first]):
            break
        heap[i], ages[i], pixels[i] = heap[first], ages[first], pixels[first]
        i = first
    heap[i], ages[i], pixels[i] = height, age, pixels[last]


@kernel(fastmath=EXACT)
def _flood_with_distance(
    image, low, reach, compactness, width, connectivity, seeds, labels,
    heights, ages, sources, following, heap, heap_ages, heap_pixels,
):  # fmt: skip
    """Flood `labels` in place; to the height counts the distance from the marker's pixel.

    Requires: all flat over a picture in a frame, with lines of `width`, but for the heap's three of n_neighbours / 2
    times the size; image of float64 from `low` up, heights at most low + reach; seeds and labels as for `_flood`;
    heights infinite.
    """
    steps, n_neighbours = neighbours(connectivity, width)
    downs, rights = (-1, 0, 0, 1, -1, -1, 1, 1), (0, -1, 1, 0, -1, 1, -1, 1)
    # A pixel waits in a list with others of nearly its height; then, or where its height was lowered, in the heap.
    lists = np.full(image.size, -1, np.int32)
    words, groups, supergroups = empty_bitmap(lists.size)
    scale = (lists.size - 1) / max(reach, _TINY)
    none = lowest = supergroups.size << 18
    n = age = 0
    for p in range(labels.size):
        if seeds[p] > 0:
            heights[p], ages[p], sources[p] = image[p], age, p
            place = np.int64((image[p] - low) * scale)
            following[p] = lists[place]
            lists[place] = p
            take_place(place, words, groups, supergroups)
            lowest = min(lowest, place)
            age += 1
    while n > 0 or lowest < none:
        while lowest < none and (n == 0 or lowest <= np.int64((heap[0] - low) * scale)):
            p = np.int64(lists[lowest])
            lists[lowest] = -1
            lowest = leave_lowest(lowest, words, groups, supergroups)
            while p >= 0:
                _push(heap, heap_ages, heap_pixels, n, heights[p], ages[p], p)
                n += 1
                p = np.int64(following[p])
        p = np.int64(heap_pixels[0])
        _drop_first(heap, heap_ages, heap_pixels, n)
        n -= 1
        if lowest < none:
            for array in (image, heights):
                prefetch_around(array, lists[lowest], width)
            prefetch_around(labels, lists[lowest], width)
        source = np.int64(sources[p])
        if labels[p] > 0:
            continue  # it has waited twice
        labels[p] = seeds[source]
        down, right = p // width - source // width, p % width - source % width
        for k in range(n_neighbours):
            q = p + steps[k]
            if labels[q] >= 0:
                continue
            a, b = np.float64(down + downs[k]), np.float64(right + rights[k])
            height = image[q] + compactness * np.sqrt(a * a + b * b)
            if height >= heights[q]:
                continue
            is_known = heights[q] < np.inf
            heights[q], ages[q], sources[q] = height, age, source
            age += 1
            if is_known:
                _push(heap, heap_ages, heap_pixels, n, height, ages[q], q)
                n += 1
            else:
                place = np.int64((height - low) * scale)
                following[q] = lists[place]
                lists[place] = q
                take_place(place, words, groups, supergroups)
                lowest = min(lowest, place)


def flood_compactly(image, compactness, connectivity, seeds, labels):
    """Flood `labels` from `seeds`, both in frames, by height and distance."""
    low = float(image.min())
    reach = float(image.max()) - low + compactness * math.hypot(*labels.shape)
    if not math.isfinite(reach):
        raise ValueError(f"watershed: image and compactness times distance must be finite, got {reach}")
    heights = np.pad(image.astype(np.float64), 1).reshape(-1)
    # Arrays from NumPy lie on large pages of memory, if the system has them, those made in a kernel do not.
    n = labels.size
    waiting = np.full(n, np.inf), np.empty(n, np.int64), np.empty(n, np.int32), np.empty(n, np.int32)
    # In the heap, a pixel that waits may be found once for each of its neighbours that were served. The half of all
    # pairs of neighbours is the most that there can be of such; the little that is used costs memory.
    room = 2 * connectivity * n
    heap = np.empty(room), np.empty(room, np.int64), np.empty(room, np.int32)
    width, flat = labels.shape[1], labels.reshape(-1)
    _flood_with_distance(
        heights, low, reach, compactness, width, connectivity, seeds.reshape(-1), flat, *waiting, *heap
    )
