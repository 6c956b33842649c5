"""The hierarchy: every segmentation of a picture from one run.

1. How strongly a boundary runs through each pixel (``boundary.py``).
2. The finest regions are the basins of that strength, divided by its ridges.
3. Regions are merged one by one, always the two that differ least: by the mean strength of their common boundary
   and the distance of their mean colours, small regions first (``kernels/merge_regions.py``).

After Arbelaez, Maire, Fowlkes and Malik, "Contour detection and hierarchical image segmentation", IEEE PAMI 33(5),
2011, sections 3.1 and 4, whose merging looks at boundaries alone.
"""

import numpy as np

from ..kernels import _validate as check
from ..kernels import merge_regions, region_adjacency, rgb2lab, watershed
from .boundary import boundary_strength
from .merge_tree import MergeTree
from .preprocess import as_rgb

# What the distance of two colours, in units of Lab, counts beside the probability of a boundary, and how much later
# large regions are merged; the cost that becomes the threshold 0.5. Chosen by the covering of every fourth of BSDS500's
# training pictures, by `python -m benchmarks.learn_boundaries`: 0.592 on these, between 0.578 and 0.592 for halved and
# doubled values.
COLOR_WEIGHT = 0.004
AREA_EXPONENT = 0.1
LEVEL = 0.21


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
    strength = boundary_strength(rgb, rng=rng)
    if mask is None or mask.any():
        labels = watershed(strength, mask=mask) - 1
    else:
        labels = np.full(strength.shape, -1, np.int32)
    graph = region_adjacency(labels, rgb2lab(rgb), boundary=strength)
    criterion = {"boundary": 1.0, "color": COLOR_WEIGHT}
    merges = merge_regions(graph, criterion, area_exponent=AREA_EXPONENT)
    return MergeTree(rgb, labels, merges._replace(heights=merges.heights / (merges.heights + LEVEL)))
