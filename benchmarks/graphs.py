"""Region graphs, hierarchical merging and spectral embedding against scikit-image, scikit-learn and SciPy."""

import numpy as np

from smalti import kernels

from .harness import Case, peer, picture, row

graph = peer("skimage.graph")
manifold, sparse = peer("sklearn.manifold"), peer("scipy.sparse")
linalg = peer("scipy.sparse.linalg")


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


@row("laplacian_eigenmaps", "8 eigenvectors of a region graph", n_regions=[2000])
def laplacian_eigenmaps(n_regions):
    rgb = picture(321, 481)
    g = kernels.region_adjacency(kernels.slic(rgb, n_regions, compactness=1.0, start_label=0), kernels.rgb2lab(rgb))
    edges, mean = g.edges, g.sums / g.area[:, None]
    weights = np.exp(-np.linalg.norm(mean[edges[:, 0]] - mean[edges[:, 1]], axis=1) / 5)
    n = len(mean)

    def matrix():
        half = sparse.coo_array((weights, edges.T), shape=(n, n))
        return (half + half.T).tocsr()

    def with_sklearn():
        return manifold.spectral_embedding(matrix(), n_components=8, random_state=0)

    def with_scipy():
        w = matrix()
        root = sparse.diags_array(1 / np.sqrt(w.sum(axis=1)))
        start = np.random.default_rng(0).standard_normal(n)
        return root @ linalg.eigsh(root @ w @ root, k=9, which="LA", v0=start)[1][:, -2::-1]

    def check(result, theirs):
        degrees = np.bincount(edges.ravel(), np.repeat(weights, 2))[:, None]
        ours = result[1] / np.sqrt(degrees.sum())
        for name, other in theirs.items():
            other = other / np.sqrt((degrees * other**2).sum(axis=0))
            cosines = np.linalg.svd(ours.T @ (degrees * other), compute_uv=False)
            if cosines[-2] < 0.99:  # the last may have changed places with the next
                raise AssertionError(f"another space than that of {name}: cosines {cosines}")

    peers = {"sklearn": manifold and with_sklearn, "scipy": linalg and with_scipy}
    return Case(lambda: kernels.laplacian_eigenmaps(edges, weights), check, peers)
