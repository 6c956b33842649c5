"""The hierarchy: every segmentation of a picture from one run.

1. How strongly a boundary runs through each pixel, in each of eight directions (``boundary.py``).
2. The finest regions are the basins of the strongest direction, divided by its ridges. Each boundary between two of
   them has the strength of its own direction (``kernels/region_adjacency.py``).
3. Boundaries that take part in dividing the picture as a whole become stronger, others weaker (`globalised`).
4. Regions are merged one by one, always the two that differ least: by the mean strength of their common boundary, the
   distance of their mean colours and that of their histograms, small regions first (``kernels/merge_regions.py``).

After Arbelaez, Maire, Fowlkes and Malik, "Contour detection and hierarchical image segmentation", IEEE PAMI 33(5),
2011, sections 3 and 4, whose merging looks at boundaries alone, and whose eigenvectors are those of pixels.
"""

import numpy as np

from ..kernels import _validate as check
from ..kernels import laplacian_eigenmaps, merge_regions, region_adjacency, rgb2lab, watershed
from .boundary import boundary_strengths, cue_channels
from .merge_tree import merge_tree
from .preprocess import as_rgb, continued

# What counts when regions are merged: the mean probability of a boundary between them, the distance of their mean
# colours in units of Lab, and that of their histograms of all cues; how much later large regions are merged; and the
# cost that becomes the threshold 0.5. Chosen by the covering of BSDS500's training pictures
# (`benchmarks/learn_boundaries.py`).
CRITERION = {"boundary": 1.0, "color": 0.004, "histogram": 0.2}
AREA_EXPONENT = 0.15
GROWTH = 0.01  # costs of a region's boundaries are up to date but for so much of its area: time linear in the pixels
LEVEL = 0.24

# The logarithm of the odds of a boundary after a look at the whole picture: weights of that before and of the logarithm
# of the regions' distance, and what is added; a logistic regression on every fourth training picture of BSDS500
# (`benchmarks/learn_boundaries.py`).
GLOBAL_WEIGHTS = (0.43, 0.29)
GLOBAL_OFFSET = -1.38

_REGIONS = 2000  # so many at most are looked at together
_VECTORS = 8
_LEAST_EIGENVALUE = 1e-5  # parts of a picture that do not touch have 0, by which nothing is divided


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
    graph = globalised(graph)
    return merge_tree(rgb, labels, graph, CRITERION, area_exponent=AREA_EXPONENT, growth=GROWTH, level=LEVEL)


def finest_regions(strengths, mask=None):
    """The basins of the strongest direction, counted from 0; -1 outside the mask."""
    if mask is not None and not mask.any():
        return np.full(strengths.shape[1:], -1, np.int32)
    return watershed(strengths.max(axis=0), mask=mask) - 1


def globalised(graph, weights=GLOBAL_WEIGHTS, offset=GLOBAL_OFFSET):
    """The graph with strengths of boundaries that heed the whole picture.

    Regions lie close together where many boundaries, or long ones, have to be crossed to part them that are hardly any:
    their places are eigenvectors over the roots of their eigenvalues, of a graph whose weights are the length of a
    boundary over the square of its odds. A boundary is the likelier the further it parts its two regions. The paper,
    section 3.2, has pixels for regions, and the vectors' gradients for distances.
    """
    odds = boundary_odds(graph.strength)
    distance = spectral_distance(graph, odds)
    scores = weights[0] * np.log(odds) + weights[1] * np.log1p(distance) + offset
    return graph._replace(strength=1 / (1 + np.exp(-scores)))


def boundary_odds(strength):
    """Odds of probabilities, within sensible bounds."""
    strength = np.clip(strength, 0.001, 0.999)
    return strength / (1 - strength)


def spectral_distance(graph, odds):
    """How far boundaries of such odds place the two regions of each of them apart."""
    merges = merge_regions(graph, CRITERION, area_exponent=AREA_EXPONENT, growth=GROWTH)
    ends = merges.cut(n_regions=_REGIONS)[graph.edges]
    values, places = laplacian_eigenmaps(ends, graph.length / odds**2, n_components=_VECTORS)
    places /= np.sqrt(np.maximum(values, _LEAST_EIGENVALUE))
    return np.linalg.norm(places[ends[:, 0]] - places[ends[:, 1]], axis=1)
