"""The whole way from a picture to its regions, by each method.

A method takes the smoothed picture and gives labels; what comes before and after is common to all.
"""

import numpy as np

from .. import kernels
from ..kernels import _validate as check
from ..kernels.merge_small import merge_small
from .features import extract_features
from .hierarchy import hierarchy
from .preprocess import as_rgb, preprocess
from .segmentation import Segmentation


def segment(image, method="hierarchy", *, sigma=None, min_size=None, mask=None, **options):
    """Divide a picture into regions.

    Parameters
    ----------
    image : (H, W), (H, W, 1), (H, W, 3) or (H, W, 4) array
        uint8 and uint16, or floats in [0, 1]. A fourth channel is opacity; transparent parts are laid on white.
    method : {"hierarchy", "kmeans", "watershed"}
        ``"hierarchy"``: a cut through the tree that `hierarchy` makes. Its options are `n_regions` or `threshold`
        (0.5), and `rng` (0).
        ``"kmeans"``: clusters of colours in Lab; regions are their connected parts. Its options are `n_clusters`
        (4), `position_weight` (0: how much the place of a pixel counts, in units of Lab across the picture) and
        `rng` (0).
        ``"watershed"``: basins of the gradient of Lab, from the flat parts of the picture. Its option is `flat`
        (1.75: the gradient, in units of Lab a pixel after smoothing, below which a pixel is part of one).
    sigma : float, optional
        Standard deviation of the smoothing before all else, in pixels; by default as suits the method.
    min_size : int, optional
        Regions of fewer pixels are merged into their most similar neighbour; by default none with ``"hierarchy"``,
        else those below the 100th part of the picture.
    mask : (H, W) array of bool, optional
        Pixels to divide; the others belong to no region.

    Returns
    -------
    Segmentation

    Raises
    ------
    TypeError, ValueError
        If it is not such a picture, or not finite, or an option is unknown or out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from smalti.segment import segment
    >>> picture = np.zeros((320, 480, 3))
    >>> picture[:, 200:] = 0.0, 0.5, 1.0
    >>> segment(picture).n_regions
    2
    """
    partition, usual_sigma, usual_min_size = _METHODS[check.one_of("segment", "method", method, tuple(_METHODS))]
    unknown = set(options) - set(partition.__kwdefaults__)
    if unknown:
        known = ", ".join(["sigma", "min_size", "mask", *partition.__kwdefaults__])
        raise TypeError(f"segment: method {method!r} has the options {known}, got {', '.join(sorted(unknown))}")
    rgb = as_rgb("segment", image)
    mask = check.as_mask("segment", mask, rgb.shape[:2])
    if min_size is None:
        min_size = round(usual_min_size * rgb[..., 0].size)
    min_size = check.integer("segment", "min_size", min_size, low=0)
    smooth = preprocess(rgb, sigma=usual_sigma if sigma is None else sigma)
    if mask is not None and not mask.any():
        return Segmentation(rgb, np.full(mask.shape, -1, np.int32))
    labels = partition(smooth, mask, **options)
    if mask is not None:
        labels = np.where(mask, labels, -1)
    # Regions are connected: the parts of a cluster are regions of their own.
    labels = kernels.label(labels, connectivity=1, background=-1) - 1
    return Segmentation(rgb, merge_small(labels, kernels.rgb2lab(smooth), min_size))


def _hierarchy(rgb, mask, *, n_regions=None, threshold=None, rng=0):
    return hierarchy(rgb, mask=mask, rng=rng).cut(n_regions, threshold).labels


def _kmeans(rgb, mask, *, n_clusters=4, position_weight=0.0, rng=0):
    n_clusters = check.integer("segment", "n_clusters", n_clusters, low=1)
    weight = check.real("segment", "position_weight", position_weight, low=0)
    lab = extract_features(rgb)["lab"]
    height, width = lab.shape[:2]
    points = lab.reshape(-1, 3)
    if weight > 0:
        scale = weight / max(height, width)
        rows, columns = np.mgrid[:height, :width].reshape(2, -1, 1).astype(np.float32) * np.float32(scale)
        points = np.concatenate([points, rows, columns], axis=1)
    labels = np.full(height * width, -1, np.int32)
    inside = slice(None) if mask is None else mask.reshape(-1)
    points = points[inside]
    if len(points):
        result = kernels.kmeans(points, min(n_clusters, len(points)), max_iter=50, tol=1e-3, rng=rng)
        labels[inside] = result.labels
    return labels.reshape(height, width)


def _watershed(rgb, mask, *, flat=1.75):
    flat = check.real("segment", "flat", flat, low=0)
    gradient = extract_features(rgb)["gradient"]
    # A wide flat part, such as a sky, is one marker; its local minima would be many.
    is_flat = gradient < flat if mask is None else (gradient < flat) & mask
    markers = kernels.label(is_flat, connectivity=1)
    return kernels.watershed(gradient, markers if markers.any() else None, mask=mask)


# Function, sigma, and min_size as a part of the picture, these chosen by the covering of every fourth training picture
# of BSDS500: 0.52 for k-means, 0.53 for the watershed.
_METHODS = {"hierarchy": (_hierarchy, 0.0, 0.0), "kmeans": (_kmeans, 2.5, 0.01), "watershed": (_watershed, 3.5, 0.01)}
