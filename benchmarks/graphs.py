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
