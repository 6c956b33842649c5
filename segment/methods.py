"""The whole way from a picture to its regions, by each method.

A method takes the smoothed picture and gives labels (``partitions.py``); what comes before and after is common to all.
"""

import inspect
import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from .. import kernels
from ..kernels import _validate as check
from ..kernels.merge_small import merge_small, number_in_order
from . import classic, partitions
from .merge_tree import color_tree
from .preprocess import Geometry, as_rgb, continued, geometry, preprocess
from .segmentation import Segmentation


def segment(
    image, method="hierarchy", *, n_regions=None, threshold=None, size=None, angle=None, axis=None, sigma=None,
    min_size=None, smoothing=0, max_hole=0, mask=None, **options,
):  # fmt: skip
    """Divide a picture into regions.

    Parameters
    ----------
    image : (H, W), (H, W, 1), (H, W, 3) or (H, W, 4) array
        uint8 and uint16, or floats in [0, 1]. A fourth channel is opacity; transparent parts are laid on white.
    method : {"hierarchy", "kmeans", "dbscan", "watershed", "felzenszwalb", "slic", "classic"}
        ``"hierarchy"``: a cut through the tree that `hierarchy` makes. Its option is `rng` (0).

        ``"kmeans"``: clusters of features; regions are their connected parts. Its options are `n_clusters` (10, or
        "auto" for 1 to 12, as `smalti.segment.partitions.number_of_clusters` finds them), `features` (("lab",): the
        names of groups, as `extract_features` has them), `weights` (a dict of what each group counts, 1 by default),
        `position_weight` (0: what the place of a pixel counts) and `rng` (0).

        ``"dbscan"``: parts that are dense in colour and place. Its options are `eps` (3: how far apart neighbours may
        be in Lab), `reach` (6: how far apart, in pixels, those of one colour) and `min_samples` (so many neighbours a
        pixel needs to belong to the inner part of a region; by default a sixth of the square around it). Pixels of no
        dense part are noise, -1.

        ``"watershed"``: basins of the gradient of Lab, from the flat parts of the picture. Its option is `flat`
        (1.75: the gradient, in units of Lab a pixel after smoothing, below which a pixel is part of one).

        ``"felzenszwalb"``: as `smalti.kernels.felzenszwalb` finds them; these may hang together by corners. Its option
        is `scale` (300).

        ``"slic"``: merged superpixels. Its options are `n_segments` (400) and `compactness` (30), as
        `smalti.kernels.slic` has them.

        ``"classic"``: the pipeline of the textbooks, at 224 x 224 pixels (see ``segment/classic.py``). Its options are
        `n_clusters` (2) and `rng` (0).
    n_regions : int, optional
        Merge neighbours, always the most similar, until at most so many are left; more only where they do not touch.
    threshold : float, optional
        From 0, for no merging, to 1: merge neighbours that differ less. Give at most one of the two; with none it is
        0.5, which agrees best with people, for ``"hierarchy"``, ``"kmeans"`` and ``"slic"``, else 0.
    size, angle, axis
        As `preprocess` has them: the picture is resized, turned and flipped before it is divided, and the labels are
        taken back to its own pixels. A smaller size takes less time. By default only for ``"classic"``.
    sigma : float, optional
        Standard deviation of the smoothing, in pixels of the resized picture; by default as suits the method.
    min_size : int, optional
        Regions of fewer pixels are merged into their most similar neighbour; by default none with ``"hierarchy"``, else
        those below the 100th to 400th part of the picture.
    smoothing : int
        Radius, at most 64 pixels, of the disk in which the majority tells the region of a pixel; 0 leaves boundaries as
        they are. What is thinner goes, and so do regions smaller than the disk.
    max_hole : int
        Parts of at most so many pixels that one region encloses, of other regions or of none, become part of it.
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
    usual = _METHODS[check.one_of("segment", "method", method, tuple(_METHODS))]
    partition = usual.partition
    unknown = set(options) - set(partition.__kwdefaults__)
    if unknown:
        known = ", ".join([*_COMMON, *partition.__kwdefaults__])
        raise TypeError(f"segment: method {method!r} has the options {known}, got {', '.join(sorted(unknown))}")
    rgb = as_rgb("segment", image)
    mask = check.as_mask("segment", mask, rgb.shape[:2])
    if mask is not None and not mask.any():
        return Segmentation(rgb, np.full(mask.shape, -1, np.int32))
    if n_regions is not None and threshold is not None:
        raise TypeError("segment: give n_regions or threshold, not both")
    if n_regions is None:
        threshold = check.real(
            "segment", "threshold", usual.threshold if threshold is None else threshold, low=0, high=1
        )
    else:
        check.integer("segment", "n_regions", n_regions, low=1)
    sigma = usual.sigma if sigma is None else check.real("segment", "sigma", sigma, low=0)
    if min_size is None:
        min_size = round(usual.min_size * rgb[..., 0].size)
    min_size = check.integer("segment", "min_size", min_size, low=0)
    smoothing = check.integer("segment", "smoothing", smoothing, low=0, high=64)
    max_hole = check.integer("segment", "max_hole", max_hole, low=0)

    asked = zip((size, angle, axis), usual.geometry)
    way = geometry("segment", *(default if given is None else given for given, default in asked))

    inner = continued(rgb, mask)
    smooth = preprocess(inner, sigma=sigma)
    common = {"n_regions": n_regions, "threshold": threshold, "sigma": sigma}
    area = rgb[..., 0].size
    common["min_size"] = min_size if way.size is None else round(min_size * math.prod(way.size) / area)
    own = {name: common[name] for name in inspect.signature(partition).parameters if name in common}
    if "sigma" in own:
        turned = way.apply(inner)
    else:
        turned = smooth if way == Geometry() else preprocess(inner, sigma=sigma, **way._asdict())
    labels = way.undo(partition(turned, way.apply_mask(mask, rgb.shape[:2]), **own, **options), rgb.shape[:2])
    if mask is not None:
        labels = np.where(mask, labels, -1)
    labels = _connected(labels, usual.connectivity)
    lab = kernels.rgb2lab(smooth)
    if "threshold" not in own and threshold != 0:
        labels = color_tree(rgb, labels, lab).cut(n_regions, threshold).labels
    if smoothing > 0:
        disk = np.hypot(*np.mgrid[-smoothing : smoothing + 1, -smoothing : smoothing + 1]) < smoothing + 0.5
        labels = _connected(kernels.majority(labels, disk), usual.connectivity)
        min_size = max(min_size, np.count_nonzero(disk))  # what came off its region
    labels = merge_small(labels, lab, min_size)
    if max_hole > 0:
        labels = number_in_order(kernels.fill_holes(labels, max_hole, mask=mask))
    return Segmentation(rgb, labels)


_COMMON = [name for name, kind in inspect.signature(segment).parameters.items() if kind.kind == kind.KEYWORD_ONLY]


def _connected(labels, connectivity):
    """Regions are connected: the parts of a cluster are regions of their own."""
    return kernels.label(labels, connectivity=connectivity, background=-1) - 1


class _Method(NamedTuple):
    """How a method divides, and what suits it; min_size is a part of the picture."""

    partition: Callable
    sigma: float = 0.0
    min_size: float = 0.0
    threshold: float = 0.0
    connectivity: int = 1
    geometry: Geometry = Geometry()


# Chosen by the covering of every fourth training picture of BSDS500: 0.56 for k-means, felzenszwalb and slic, 0.53 for
# the watershed.
_METHODS = {
    "hierarchy": _Method(partitions.hierarchy, threshold=0.5),
    "kmeans": _Method(partitions.kmeans, 1.5, 0.0025, threshold=0.5),
    "dbscan": _Method(partitions.dbscan, 2.5, 0.01),
    "watershed": _Method(partitions.watershed, 3.5, 0.01),
    "felzenszwalb": _Method(partitions.felzenszwalb, 1.5, 0.005, connectivity=2),
    "slic": _Method(partitions.slic, 1.0, 0.0025, threshold=0.5),
    "classic": _Method(classic.partition, geometry=Geometry(classic.SIZE, classic.ANGLE, classic.AXIS)),
}
