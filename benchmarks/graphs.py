"""Region graphs and hierarchical merging against scikit-image."""

import numpy as np

from smalti import kernels

from .harness import Case, peer, picture, row

graph = peer("skimage.graph")


@row("merge_regions", "region graph and merges by mean colour, 321x481", n_regions=[1000, 4000])
def merge_regions(n_regions):
    rgb = np.ascontiguousarray(picture()[:321, :481])
    markers = np.zeros(rgb.shape[:2], np.int32)
    step = int((markers.size / n_regions) ** 0.5)
    places = markers[step // 2 :: step, step // 2 :: step]
    places[...] = np.arange(1, places.size + 1).reshape(places.shape)
    labels = kernels.watershed(kernels.sobel(rgb[..., 1]), markers) - 1
    threshold = 20.0

    def ours():
        merges = kernels.merge_regions(kernels.region_adjacency(labels, rgb, connectivity=2))
        return merges.cut(threshold=threshold)[labels]

    def unite(g, source, target):
        nodes = g.nodes
        nodes[target]["total color"] += nodes[source]["total color"]
        nodes[target]["pixel count"] += nodes[source]["pixel count"]
        nodes[target]["mean color"] = nodes[target]["total color"] / nodes[target]["pixel count"]

    def weigh(g, source, target, neighbour):
        return {"weight": np.linalg.norm(g.nodes[target]["mean color"] - g.nodes[neighbour]["mean color"])}

    def with_skimage():
        rag = graph.rag_mean_color(rgb, labels)
        return graph.merge_hierarchical(
            labels, rag, threshold, rag_copy=False, in_place_merge=True, merge_func=unite, weight_func=weigh
        )

    def check(result, theirs):
        for name, other in theirs.items():
            n = len(np.unique(result.astype(np.int64) * (labels.max() + 1) + other))
            if not n == len(np.unique(result)) == len(np.unique(other)):
                raise AssertionError(f"not the regions of {name}")

    return Case(ours, check, {"skimage": graph and with_skimage})


def superpixels(size):
    rgb = picture(*size)
    return rgb, kernels.slic(rgb, rgb.size // 1200, start_label=0)


@row("region_adjacency", "RGB, superpixels of 400 pixels")
def region_adjacency(size):
    """Without a peer, which takes seconds: the row of a small picture has it."""
    rgb, labels = superpixels(size)

    def check(g, _):
        if not np.array_equal(g.sums[:, 1], np.bincount(labels.reshape(-1), rgb[..., 1].reshape(-1))):
            raise AssertionError("not the sums of the regions")
        if g.length.sum() != sum(map(np.count_nonzero, (np.diff(labels, axis=0), np.diff(labels, axis=1)))):
            raise AssertionError("not all pairs of pixels of different regions")

    return Case(lambda: kernels.region_adjacency(labels, rgb), check)


@row("merge_regions", "by mean colour, superpixels of 400 pixels")
def merge_superpixels(size):
    rgb, labels = superpixels(size)
    g = kernels.region_adjacency(labels, rgb)

    def check(merges, _):
        if len(merges.pairs) != len(g.area) - 1 or (np.diff(merges.heights) < 0).any():
            raise AssertionError("not all regions are merged in order")

    return Case(lambda: kernels.merge_regions(g), check)
