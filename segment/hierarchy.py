"""The hierarchy: every segmentation of a picture from one run.

1. How strongly a boundary runs through each pixel, in each of eight directions (``boundary.py``).
2. The finest regions are the basins of the strongest direction, divided by its ridges. Each boundary between two of
   them has the strength of its own direction (``kernels/region_adjacency.py``).
3. Regions are merged one by one, always the two that differ least: by the mean strength of their common boundary, the
   distance of their mean colours and that of their histograms, small regions first (``kernels/merge_regions.py``).

After Arbelaez, Maire, Fowlkes and Malik, "Contour detection and hierarchical image segmentation", IEEE PAMI 33(5),
2011, sections 3.1 and 4, whose merging looks at boundaries alone.
"""

import numpy as np

from ..kernels import _validate as check
from ..kernels import region_adjacency, rgb2lab, watershed
from .boundary import boundary_strengths, cue_channels
from .merge_tree import merge_tree
from .preprocess import as_rgb, continued

# What counts when regions are merged: the mean probability of a boundary between them, the distance of their mean
# colours in units of Lab, and that of their histograms of all cues; how much later large regions are merged; and the
# cost that becomes the threshold 0.5. Chosen by the covering of BSDS500's training pictures
# (`benchmarks/learn_boundaries.py`).
CRITERION = {"boundary": 1.0, "color": 0.004, "histogram": 0.3}
AREA_EXPONENT = 0.15
GROWTH = 0.01  # costs of a region's boundaries are up to date but for so much of its area: time linear in the pixels
LEVEL = 0.22


def hierarchy(image, *, mask=None, rng=0):
    """All segmentations of a picture at once.

    Parameters
    ----------
    image : (H, W), (H, W, 1), (H, W, 3) or (H, W, 4) array
        uint8 and uint16, or floats in [0, 1]. A fourth channel is opacity; transparent parts are laid on white.
    mask : (H, W) array of bool, optional
        Pixels to divide; the others belong to no region.
    rng : int or numpy.random.Generator
        For the start of the clustering of textures.

    Returns
    -------
    MergeTree
        Its heights are in [0, 1]; 0.5 is where the regions agree best with people's.

    Raises
    ------
    TypeError, ValueError
        If it is not such a picture, or not finite.

    Examples
    --------
    >>> import numpy as np
    >>> from smalti.segment import hierarchy
    >>> picture = np.zeros((60, 90, 3))
    >>> picture[:, 30:] = 0.0, 0.5, 1.0
    >>> picture[:, 60:] = 0.1, 0.6, 1.0
    >>> tree = hierarchy(picture)
    >>> [tree.cut(n_regions=n).regions()["area"].tolist() for n in (2, 3)]
    [[1800, 3600], [1800, 1800, 1800]]
    """
    rgb = as_rgb("hierarchy", image)
    mask = check.as_mask("hierarchy", mask, rgb.shape[:2])
    inner = continued(rgb, mask)
    channels = cue_channels(inner, rng=rng)
    strengths = boundary_strengths(channels)
    labels = finest_regions(strengths, mask)
    bins = np.concatenate(list(channels.values()), axis=2)
    graph = region_adjacency(labels, rgb2lab(inner), boundary=strengths, bins=bins)
    return merge_tree(rgb, labels, graph, CRITERION, area_exponent=AREA_EXPONENT, growth=GROWTH, level=LEVEL)


def finest_regions(strengths, mask=None):
    """The basins of the strongest direction, counted from 0; -1 outside the mask."""
    if mask is not None and not mask.any():
        return np.full(strengths.shape[1:], -1, np.int32)
    return watershed(strengths.max(axis=0), mask=mask) - 1
