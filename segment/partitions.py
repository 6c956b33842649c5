"""The methods: each divides a picture into parts.

A method is a function of the picture, as RGB, the mask or None, and its options by keyword; it returns labels, -1 where
there is no part. Keywords without a default are options of `segment` that the method sees to itself (see
``methods.py``).
"""

import numpy as np

from .. import kernels
from ..kernels import _validate as check
from .features import extract_features, stack_features
from .hierarchy import hierarchy as hierarchy_tree
from .preprocess import with_unreached

_MOST_CLUSTERS = 12  # that are chosen automatically
_SAMPLE = 4096  # pixels that the choice is made by


def hierarchy(rgb, mask, *, n_regions, threshold, rng=0):
    """A cut through the tree of all segmentations."""
    return hierarchy_tree(rgb, mask=mask, rng=rng).cut(n_regions, threshold).labels


def kmeans(rgb, mask, *, n_clusters=10, features=("lab",), weights=None, position_weight=0.0, rng=0):
    """Clusters of what is known about each pixel."""
    if n_clusters != "auto":
        n_clusters = check.integer("segment", "n_clusters", n_clusters, low=1)
    weight = check.real("segment", "position_weight", position_weight, low=0)
    if weight > 0:
        features, weights = (*features, "position"), {**(weights or {}), "position": weight}
    stack = stack_features(extract_features(rgb, features, rng=rng), weights, mask=mask)
    points = _points(stack, mask)
    if n_clusters == "auto":
        n_clusters = number_of_clusters(points[:: -(-len(points) // _SAMPLE)], rng=rng)
    found = kernels.kmeans(points, min(n_clusters, len(points)), max_iter=50, tol=1e-3, rng=rng)
    return _labels(found.labels, rgb.shape[:2], mask)


def number_of_clusters(points, *, rng=0):
    """How many clusters points (N, C) fall into, from 1 to 12: where the variance ratio is greatest.

    That is the variance of k clusters' centres over that within them, each divided by its degrees of freedom, k - 1 and
    N - k. Calinski and Harabasz, "A dendrite method for cluster analysis", Communications in Statistics 3(1), 1974.
    """
    inertias = []
    for k in range(1, min(_MOST_CLUSTERS, len(points)) + 1):
        inertias.append(kernels.kmeans(points, k, max_iter=50, tol=1e-3, rng=rng).inertia)
        if inertias[-1] <= 1e-9 * inertias[0]:  # as many clusters as there are different points
            return k
    k = np.arange(2, len(inertias) + 1)
    within = np.array(inertias[1:])
    return int(np.argmax((inertias[0] - within) / (k - 1) / (within / (len(points) - k)))) + 2


def dbscan(rgb, mask, *, eps=3.0, reach=6.0, min_samples=None):
    """Where like colours lie dense."""
    eps = check.real("segment", "eps", eps, above=0)
    reach = check.real("segment", "reach", reach, above=0)
    height, width = rgb.shape[:2]
    if min_samples is None:
        side = 2 * int(reach) + 1
        min_samples = max(1, min(height, side) * min(width, side) // 6)  # fewer than a corner of an even picture has
    places = np.moveaxis(np.indices((height, width), np.float32), 0, -1) * np.float32(eps / reach)
    points = _points(np.concatenate([kernels.rgb2lab(rgb), places], axis=2), mask)
    return _labels(kernels.dbscan(points, eps, min_samples=min_samples), (height, width), mask)


def felzenszwalb(rgb, mask, *, sigma, min_size, scale=300.0):
    """Regions that differ more from their neighbours than within."""
    return kernels.felzenszwalb(rgb, scale, sigma, min_size, mask=mask)


def slic(rgb, mask, *, n_segments=400, compactness=30.0):
    """Superpixels."""
    return kernels.slic(rgb, n_segments, compactness, start_label=0, mask=mask)


def watershed(rgb, mask, *, flat=1.75):
    """Basins of the gradient, from the flat parts of the picture."""
    flat = check.real("segment", "flat", flat, low=0)
    gradient = extract_features(rgb, ("gradient",))["gradient"]
    # A wide flat part, such as a sky, is one marker; its local minima would be many.
    is_flat = gradient < flat if mask is None else (gradient < flat) & mask
    markers = kernels.label(is_flat, connectivity=1)
    return with_unreached(kernels.watershed(gradient, markers if markers.any() else None, mask=mask) - 1, mask)


def _points(stack, mask):
    """The numbers of each pixel (H, W, C) as points (N, C), of the mask only."""
    return stack.reshape(-1, stack.shape[2]) if mask is None else stack[mask]


def _labels(of_points, shape, mask):
    """Labels of such points as a picture, -1 outside the mask."""
    labels = np.full(shape, -1, np.int32)
    labels[... if mask is None else mask] = of_points.reshape(shape) if mask is None else of_points
    return labels
