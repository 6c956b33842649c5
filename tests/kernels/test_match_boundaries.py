"""One-to-one matching of boundaries against its twin and scipy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smalti.kernels.match_boundaries import match_boundaries
from tests.helpers import bit_identical_for_callers, bit_identical_for_threads, check_layouts
from tests.reference import match_boundaries as reference
from tests.strategies import examples, seeds, sides


def noise(seed, *shape, share=0.2):
    return np.random.default_rng(seed).random(shape) < share


@examples(60)
@given(seeds, sides(1, 14), sides(1, 14), st.sampled_from([0, 1, 1.5, 2.3, 40]), st.sampled_from([0.05, 0.3, 0.8]))
def test_against_twin(seed, height, width, max_distance, share):
    boundaries, truths = noise(seed, 2, height, width, share=share), noise(seed + 1, 3, height, width)
    counts = match_boundaries(boundaries, truths, max_distance)
    for t, (matched_truth, n_truth, matched, n) in enumerate(counts):
        sizes = [reference.largest_matching(boundaries[t], truth, max_distance) for truth in truths]
        assert matched_truth == sum(sizes)
        assert max(sizes) <= matched <= min(sum(sizes), n)
        assert (n_truth, n) == (truths.sum(), boundaries[t].sum())
        one = match_boundaries(boundaries[t : t + 1], truths[:1], max_distance)
        assert one[0, 0] == one[0, 2] == sizes[0]


@pytest.mark.compiled
def test_against_scipy():
    sparse, spatial = pytest.importorskip("scipy.sparse"), pytest.importorskip("scipy.spatial")
    csgraph = pytest.importorskip("scipy.sparse.csgraph")
    boundary, truth = noise(0, 150, 170, share=0.1), noise(1, 150, 170, share=0.1)
    trees = [spatial.cKDTree(np.argwhere(m)) for m in (boundary, truth)]
    graph = trees[0].sparse_distance_matrix(trees[1], 4.2, output_type="coo_matrix")
    graph = sparse.csr_matrix((np.ones(graph.nnz), (graph.row, graph.col)), shape=graph.shape)
    size = (csgraph.maximum_bipartite_matching(graph) >= 0).sum()
    assert match_boundaries(boundary[None], truth[None], 4.2)[0, 0] == size


def test_each_pixel_is_used_once():
    boundary, truth = np.zeros((2, 1, 5, 9), bool)
    boundary[0, 2, 2:7] = True
    truth[0, 2, 4] = True
    np.testing.assert_array_equal(match_boundaries(boundary, truth, 3), [[1, 1, 1, 5]])
    np.testing.assert_array_equal(match_boundaries(truth, boundary, 3), [[1, 5, 1, 1]])
    np.testing.assert_array_equal(match_boundaries(boundary, np.concatenate([truth, truth]), 3)[:, :2], [[2, 2]])
    np.testing.assert_array_equal(match_boundaries(~boundary, boundary, 0), [[0, 5, 0, 40]])


@pytest.mark.compiled
def test_threads_and_callers():
    boundaries, truths = noise(0, 7, 60, 80), noise(1, 3, 60, 80)
    bit_identical_for_threads(lambda: match_boundaries(boundaries, truths, 3))
    bit_identical_for_callers(lambda: match_boundaries(boundaries, truths, 3), callers=3, calls=1)


def test_layouts_and_empty():
    check_layouts(lambda a, b: match_boundaries(a, b, 2), noise(0, 2, 9, 11), noise(1, 2, 9, 11))
    np.testing.assert_array_equal(
        match_boundaries(np.ones((1, 2, 2), bool), np.ones((0, 2, 2), bool), 1), [[0, 0, 0, 4]]
    )
    assert match_boundaries(np.ones((0, 2, 2), bool), np.ones((1, 2, 2), bool), 1).shape == (0, 4)


def test_bad_input():
    maps = np.zeros((1, 3, 4), bool)
    for call, message in [
        (lambda: match_boundaries(maps[0], maps, 1), "match_boundaries: boundaries must have 3 dimensions"),
        (lambda: match_boundaries(maps, maps[:, 1:], 1), r"truths must have shape \(any, 3, 4\), got \(1, 2, 4\)"),
        (lambda: match_boundaries(maps, maps, -1), "match_boundaries: max_distance must be at least 0, got -1"),
        (lambda: match_boundaries(maps, maps, np.inf), "match_boundaries: max_distance must be finite, got inf"),
    ]:
        with pytest.raises(ValueError, match=message):
            call()
