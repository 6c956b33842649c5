"""Hierarchical merging against its twin and scikit-image."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smalti.kernels import merge_regions, region_adjacency
from smalti.kernels.merge_regions import CRITERIA
from tests.reference import merge_regions as reference
from tests.strategies import examples, seeds
from tests.tolerance import same_partition


def graph_of(seed, n, side=12, holes=False):
    """Many-coloured blocks with everything that a criterion can look at."""
    rng = np.random.default_rng(seed)
    small = rng.integers(-1 if holes else 0, n, (side // 3, side // 3))
    labels = np.repeat(np.repeat(small, 3, axis=0), 3, axis=1)
    labels = np.unique(labels, return_inverse=True)[1].reshape(labels.shape) - int(holes and (small < 0).any())
    image, boundary = rng.random((side, side, 2)), rng.random((side, side))
    bins = rng.integers(0, 3, (side, side, 2))
    return labels, image, region_adjacency(labels, image, boundary=boundary, bins=bins)


@examples(120)
@given(
    seeds,
    st.integers(1, 12),
    st.booleans(),
    st.sampled_from([*CRITERIA, "all"]),
    st.sampled_from([0.0, 0.1, 1.0]),
    st.sampled_from([0.0, 0.2, 5.0]),
)
def test_against_the_twin(seed, n, holes, criterion, exponent, growth):
    _, _, graph = graph_of(seed, n, holes=holes)
    weights = (
        {"color": 1.0, "ward": 0.01, "boundary": 0.5, "histogram": 2.0} if criterion == "all" else {criterion: 1.0}
    )
    merges = merge_regions(graph, weights, area_exponent=exponent, growth=growth)
    pairs, costs = reference.merge_regions(*graph, [weights.get(c, 0.0) for c in CRITERIA], exponent, growth)
    np.testing.assert_array_equal(merges.pairs, pairs)
    np.testing.assert_allclose(merges.heights, np.maximum.accumulate(costs), rtol=1e-12)


@pytest.mark.compiled
@pytest.mark.parametrize("threshold", [10, 40, 80])
def test_against_scikit_image(threshold):
    skimage_graph = pytest.importorskip("skimage.graph")
    rng = np.random.default_rng(3)
    labels = np.repeat(np.repeat(np.arange(600).reshape(20, 30), 4, axis=0), 4, axis=1)
    image = np.repeat(np.repeat(rng.integers(0, 256, (20, 30, 3)), 4, axis=0), 4, axis=1).astype(np.uint8)
    ours = merge_regions(region_adjacency(labels, image, connectivity=2)).cut(threshold=threshold)

    def unite(graph, source, target):
        nodes = graph.nodes
        nodes[target]["total color"] += nodes[source]["total color"]
        nodes[target]["pixel count"] += nodes[source]["pixel count"]
        nodes[target]["mean color"] = nodes[target]["total color"] / nodes[target]["pixel count"]

    def weigh(graph, source, target, neighbour):
        return {"weight": np.linalg.norm(graph.nodes[target]["mean color"] - graph.nodes[neighbour]["mean color"])}

    theirs = skimage_graph.merge_hierarchical(
        labels, skimage_graph.rag_mean_color(image, labels), threshold, rag_copy=False, in_place_merge=True,
        merge_func=unite, weight_func=weigh,
    )  # fmt: skip
    same_partition(ours[labels], theirs)


def test_every_number_of_regions():
    _, _, graph = graph_of(7, 12)
    merges = merge_regions(graph, "ward")
    n = len(graph.area)
    finer = None
    for k in range(1, n + 3):
        united = merges.cut(n_regions=k)
        assert united.max() + 1 == min(k, n)
        assert np.array_equal(np.unique(united), np.arange(min(k, n)))
        coarser = merges.cut(n_regions=max(1, k - 1))
        assert len(np.unique(np.stack([united, coarser]), axis=1).T) == min(k, n), "a cut does not refine a coarser one"
        finer = united
    same_partition(finer, np.arange(n))
    assert np.all(np.diff(merges.heights) >= 0)
    for threshold in (*merges.heights[:3], -1.0, 1e9):
        assert merges.cut(threshold=threshold).max() + 1 == n - (merges.heights < threshold).sum()


def test_separation_is_the_height_at_which_a_cut_unites():
    _, _, graph = graph_of(11, 12, holes=True)
    merges = merge_regions(graph, "color")
    n = len(graph.area)
    edges = np.array([(a, b) for a in range(n) for b in range(n)])
    for (a, b), height in zip(edges, merges.separation(edges), strict=True):
        if a == b:
            assert height == 0
        elif np.isfinite(height):
            below, above = merges.cut(threshold=height), merges.cut(threshold=np.nextafter(height, np.inf))
            assert below[a] != below[b] and above[a] == above[b]
        else:
            united = merges.cut(n_regions=1)
            assert united[a] != united[b]


def test_inputs_are_left_alone():
    _, _, graph = graph_of(5, 9)
    before = [array.copy() for array in graph]
    merge_regions(graph, {c: 1.0 for c in CRITERIA}, area_exponent=0.5)
    for name, now, then in zip(graph._fields, graph, before, strict=True):
        np.testing.assert_array_equal(now, then, err_msg=name)


def test_bad_input():
    _, _, graph = graph_of(0, 5)
    bare = region_adjacency(np.array([[0, 1]]))
    with pytest.raises(TypeError, match="merge_regions: graph must be a RegionGraph, got ndarray"):
        merge_regions(np.zeros(3))
    with pytest.raises(
        ValueError, match="criterion must be one of 'color', 'ward', 'boundary', 'histogram', got 'hue'"
    ):
        merge_regions(graph, "hue")
    with pytest.raises(ValueError, match=r"merge_regions: criterion must be one of .*, got \['color'\]"):
        merge_regions(graph, ["color"])
    with pytest.raises(ValueError, match="weight of 'color' must be at least 0, got -1"):
        merge_regions(graph, {"color": -1.0})
    with pytest.raises(ValueError, match="this criterion needs a graph made with image, got one without"):
        merge_regions(bare)
    with pytest.raises(ValueError, match="needs a graph made with bins"):
        merge_regions(bare, "histogram")
    with pytest.raises(TypeError, match="give either n_regions or threshold"):
        merge_regions(graph).cut()
    with pytest.raises(ValueError, match="n_regions must be at least 1, got 0"):
        merge_regions(graph).cut(n_regions=0)
