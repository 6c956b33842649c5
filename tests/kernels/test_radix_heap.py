"""The queue against a sorted list, and its order among equals."""

import heapq

import numpy as np
import pytest

from smalti.kernels import _radix_heap as radix
from smalti.kernels._jit import kernel


@kernel
def _serve(heap, heights, steps, served):
    """Add the first heights, then after each that is served the next, above it; returns how many were served."""
    for i in range(steps.size):
        radix.add(heap, radix.key_of(heights[i]), i, -i)
    i, n = steps.size, 0
    while True:
        level, chunk, end = radix.take_lowest(heap)
        if end == 0:
            return n
        key, count = radix.survey(heap, chunk, end)
        heap.served[0] = key
        while chunk >= 0:
            first, last = radix.entries_of(chunk, end)
            for e in range(first, last):
                p = np.int64(heap.pixels[e])
                if level > 0 and count > 1:
                    radix.add(heap, heap.keys[e], p, heap.sources[e])
                    continue
                served[n] = p
                n += 1
                if i < heights.size:
                    heights[i] = heights[p] + steps[i % steps.size]
                    radix.add(heap, radix.key_of(heights[i]), i, -i)
                    i += 1
            chunk = radix.next_chunk(heap, chunk, end)


@pytest.mark.parametrize("levels", [1, 3, 40, None])
def test_order(levels):
    rng = np.random.default_rng(0)
    n = 3000  # so many that chunks are used again
    heights, steps = rng.standard_normal(n) * 10.0 ** rng.integers(-9, 9, n), abs(rng.standard_normal(200))
    if levels is not None:
        heights, steps = np.floor(heights % levels) + 0.0, np.floor(steps)
    served = np.empty(heights.size, np.int64)
    assert _serve(radix.new_heap(steps.size), heights, steps, served) == heights.size

    queue, i, expected = [(height, k) for k, height in enumerate(heights[: steps.size])], steps.size, []
    heapq.heapify(queue)
    while queue:
        height, k = heapq.heappop(queue)
        expected.append(k)
        if i < heights.size:
            heapq.heappush(queue, (height + steps[i % steps.size], i))
            i += 1
    np.testing.assert_array_equal(served, expected)
