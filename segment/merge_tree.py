"""All segmentations of a picture at once: the tree in which its finest regions are merged one by one."""

import numpy as np

from ..kernels import _validate as check
from ..kernels import merge_regions, region_adjacency
from ..kernels.merge_small import number_in_order
from .segmentation import Segmentation

# How much later large regions are merged, and the cost, in units of Lab, that becomes the threshold 0.5. Chosen for
# k-means and slic by the covering of every fourth training picture of BSDS500.
_AREA_EXPONENT = 0.2
_LEVEL = 10.0


class MergeTree:
    """A hierarchy of regions, from which any number of them can be cut.

    Attributes
    ----------
    image : (H, W, 3) float32 array
        The picture, in [0, 1].
    labels : (H, W) int32 array
        The finest regions, counted from 0; -1 for pixels of none.
    merges : Merges
        How they are merged, at heights in [0, 1] (see `smalti.kernels.merge_regions`).
    """

    def __init__(self, image, labels, merges):
        self.image = image
        self.labels = labels
        self.merges = merges

    def __repr__(self):
        height, width = self.labels.shape
        return f"<MergeTree of {height}x{width} pixels over {self.merges.n_regions} regions>"

    def cut(self, n_regions=None, threshold=None):
        """The segmentation into so many regions, or by all contours of at least some strength.

        Parameters
        ----------
        n_regions : int, optional
            At most so many; more only where a mask leaves more parts that do not touch.
        threshold : float, optional
            From 0 to 1. Give at most one of the two; with none it is 0.5, which agrees best with people.

        Returns
        -------
        Segmentation
        """
        if n_regions is None:
            threshold = check.real("MergeTree.cut", "threshold", 0.5 if threshold is None else threshold, low=0, high=1)
        elif threshold is not None:
            raise TypeError("MergeTree.cut: give n_regions or threshold, not both")
        if self.merges.n_regions == 0:
            return Segmentation(self.image, self.labels)
        united = self.merges.cut(n_regions, threshold)
        return Segmentation(self.image, number_in_order(np.where(self.labels >= 0, united[self.labels], -1)))

    def contours(self):
        """The ultrametric contour map: (H, W) float32 in [0, 1].

        At each pixel the height at which its region is united with that of its right or lower neighbour, whichever
        is higher; 0 within a region, 1 where they never are. The regions of ``cut(threshold=t)`` are the parts into
        which the pixels of at least t divide the picture.
        """
        labels = self.labels
        out = np.zeros(labels.shape, np.float32)
        for here, there in (
            ((slice(None), slice(None, -1)), (slice(None), slice(1, None))),
            ((slice(None, -1), slice(None)), (slice(1, None), slice(None))),
        ):
            a, b = labels[here], labels[there]
            differs = a != b
            pairs = np.stack([a[differs], b[differs]], axis=1)
            heights = np.ones(len(pairs))
            inside = pairs.min(axis=1, initial=0) >= 0
            heights[inside] = np.minimum(self.merges.separation(pairs[inside]), 1)
            out[here][differs] = np.maximum(out[here][differs], heights)
        return out


def merge_tree(image, labels, graph, criterion, *, area_exponent, level, growth=0.0):
    """The tree that `merge_regions` makes of a graph, with heights in [0, 1]: a cost of `level` becomes 0.5."""
    merges = merge_regions(graph, criterion, area_exponent=area_exponent, growth=growth)
    return MergeTree(image, labels, merges._replace(heights=merges.heights / (merges.heights + level)))


def color_tree(image, labels, lab):
    """The tree in which regions are merged by the distance of their mean colours, small ones first."""
    graph = region_adjacency(labels, lab)
    return merge_tree(image, labels, graph, "color", area_exponent=_AREA_EXPONENT, level=_LEVEL)
