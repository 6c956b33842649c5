"""Scores of segmentations, and the thinning that they need, against scipy and scikit-image."""

import numpy as np

from smalti import kernels
from smalti.segment import metrics

from .harness import Case, peer, picture, row

sparse, csgraph, spatial = peer("scipy.sparse"), peer("scipy.sparse.csgraph"), peer("scipy.spatial")
morphology = peer("skimage.morphology")


def outlines(seed):
    """Boundaries between parts of a picture's size and kind."""
    gray = kernels.gaussian(picture(321, 481, seed)[..., 0].astype(np.float32), 2)
    levels = (gray // 16).astype(np.int32)
    edges = np.zeros(levels.shape, bool)
    edges[:, :-1] |= levels[:, :-1] != levels[:, 1:]
    edges[:-1] |= levels[:-1] != levels[1:]
    return edges


@row("thin", "1024x1536")
def thin():
    image = kernels.gaussian(picture()[..., 0].astype(np.float32), 3) > 128

    def check(ours, theirs):
        for name, other in theirs.items():
            if not np.array_equal(ours, other):
                raise AssertionError(f"not the lines of {name}")

    return Case(lambda: kernels.thin(image), check, {"skimage": morphology and (lambda: morphology.thin(image))})


@row("boundary_counts", "321x481, one against five")
def boundary_counts():
    truth = np.stack([kernels.thin(outlines(seed)) for seed in range(1, 6)])
    found = kernels.thin(outlines(0))
    distance = 0.0075 * np.hypot(*found.shape)

    def with_scipy():
        pixels, total = np.argwhere(found), 0
        tree = spatial.cKDTree(pixels)
        for drawn in truth:
            near = tree.sparse_distance_matrix(spatial.cKDTree(np.argwhere(drawn)), distance, output_type="coo_matrix")
            graph = sparse.csr_matrix((np.ones(near.nnz), (near.row, near.col)), shape=near.shape)
            total += np.count_nonzero(csgraph.maximum_bipartite_matching(graph) >= 0)
        return total

    def check(ours, theirs):
        for name, total in theirs.items():
            if total != ours[0, 0]:
                raise AssertionError(f"{ours[0, 0]} pixels matched, {name} matches {total}")

    return Case(
        lambda: metrics.boundary_counts(truth, found[None]),
        check,
        {"scipy": sparse and csgraph and spatial and with_scipy},
    )
