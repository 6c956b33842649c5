"""The flood of `watershed` where heights grow with the distance from the marker.

Neubert and Protzel, "Compact watershed and preemptive SLIC", ICPR 2014, section III: a pixel waits at its height plus
`compactness` times its distance from the pixel of the marker whose flood has reached it. It may be reached again from
nearer by, and then waits lower; it takes its label when it is served. What is lower than the pixel from whose source it
is reached takes its label at once, as in the flood without distances.

How high a pixel will wait is not known beforehand: the queue is a radix heap (`_radix_heap.py`).
"""

import math

import numpy as np

from ._framed import neighbours
from ._jit import EXACT, helper, kernel
from ._radix_heap import add, entries_of, key_of, new_heap, next_chunk, survey, take_lowest
from ._simd import prefetch

_AHEAD = 4  # entries of the queue
_FEW = 256  # entries of a bucket: they will be served soon


@helper
def _squared_distance(p, source, width):
    down, right = p // width - source // width, p % width - source % width
    return down * down + right * right


@helper
def _prefetch_around(image, p, width):
    for q in (p - width, p, p + width):
        prefetch(image, 2 * q)


@helper(fastmath=EXACT)
def _flood_from(p, key, source, image, sources, compactness, width, connectivity, pool, heap):
    """Serve pixel p and the lower ground around it; what is higher waits."""
    steps, n_neighbours = neighbours(connectivity, width)
    sources[p, 1] = ~source
    pool[0], n = p, 1
    while n > 0:
        n -= 1
        p = np.int64(pool[n])
        for k in range(n_neighbours):
            q = p + steps[k]
            known = np.int64(sources[q, 1])
            if known < 0:
                continue
            square = _squared_distance(q, source, width)
            if known > 0 and square >= _squared_distance(q, known, width):
                continue
            key_of_q = key_of(image[q, 0] + compactness * np.sqrt(np.float64(square)))
            if key_of_q < key:
                sources[q, 1] = ~source
                pool[n] = q
                n += 1
            else:
                sources[q, 1] = source
                add(heap, key_of_q, q, source)


@kernel(fastmath=EXACT)
def _flood_with_distance(image, sources, compactness, width, connectivity, seeds, pool, heap):
    """Find the source of each pixel, the pixel of a marker.

    Requires: all flat over a picture in a frame, with lines of `width`; image (N, 2) with the heights first; sources a
    view of its memory, with 0 second, or -1 where the flood may not go. There it leaves ~s where the source is s. Seeds
    are 0 where the flood may not go; pool as long as the picture; heap empty, with room.
    """
    for p in range(seeds.size):
        if seeds[p] > 0:
            sources[p, 1] = p
            add(heap, key_of(image[p, 0] + 0.0), p, p)
    while True:
        level, chunk, end = take_lowest(heap)
        if end == 0:
            break
        key, count = survey(heap, chunk, end)
        heap.served[0] = key
        while chunk >= 0:
            first, last = entries_of(chunk, end)
            for e in range(first, last):
                p, source = np.int64(heap.pixels[e]), np.int64(heap.sources[e])
                if level > 0 and count > 1:
                    add(heap, heap.keys[e], p, source)
                    if count <= _FEW:
                        _prefetch_around(image, p, width)
                    continue
                if e + _AHEAD < last:
                    _prefetch_around(image, np.int64(heap.pixels[e + _AHEAD]), width)
                if sources[p, 1] >= 0:  # it is not served yet: it may have waited twice
                    _flood_from(p, key, source, image, sources, compactness, width, connectivity, pool, heap)
            chunk = next_chunk(heap, chunk, end)


def flood_compactly(image, compactness, connectivity, seeds, labels):
    """Flood `labels` from `seeds`, both in frames, by height and distance."""
    reach = float(np.abs(image).max()) + compactness * math.hypot(*labels.shape)
    if not math.isfinite(reach):
        raise ValueError(f"watershed: image and compactness times distance must be finite, got {reach}")
    # A pixel's height and its source lie side by side, one line of memory for both.
    dtype = np.float64 if image.dtype == np.float64 else np.float32
    heights = np.zeros((*labels.shape, 2), dtype)
    heights[1:-1, 1:-1, 0] = image
    sources = heights.view(f"i{heights.itemsize}")
    sources[..., 1] = np.where(labels == 0, -1, 0)
    # A pixel may be reached from each of its neighbours, but not both of a pair from the other.
    heap = new_heap((2 * connectivity + 1) * image.size)
    _flood_with_distance(
        heights.reshape(-1, 2), sources.reshape(-1, 2), compactness, labels.shape[1], connectivity, seeds.reshape(-1),
        np.empty(image.size, np.int32), heap,
    )  # fmt: skip
    np.take(seeds, ~sources[..., 1], out=labels, mode="wrap")  # -1, the last of the frame, where no flood came
