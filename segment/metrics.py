"""How well a segmentation agrees with another, such as one that a person drew.

Regions are compared by the sizes of their overlaps, boundaries pixel by pixel. All of it follows the evaluation of
Arbelaez, Maire, Fowlkes and Malik, "Contour detection and hierarchical image segmentation", IEEE PAMI 33(5), 2011,
section 2.3, and gives its numbers. Where several people drew the same picture, scores of regions are averaged over
them; for boundaries see `boundary_counts`.
"""

import numpy as np

from ..kernels import _validate as check
from ..kernels.match_boundaries import match_boundaries
from ..kernels.thin import thin

_AXES = (1, 2, 3)


class _Overlaps:
    """The pixels that regions of two segmentations share: only of those that do overlap.

    Attributes
    ----------
    both : (P,) array
        The pixels of each pair of overlapping regions.
    truth, labels : (R,) and (S,) arrays
        The pixels of each region.
    of_truth, of_labels : (P,) arrays
        The regions of each pair; those of truth ascend.
    """

    def __init__(self, function, truth, labels, ignore=()):
        truth = check.as_labels(function, "truth", truth, ndim=_AXES)
        labels = check.as_labels(function, "labels", labels, shape=truth.shape, ndim=_AXES)
        if truth.size == 0:
            raise ValueError(f"{function}: truth must not be empty, got shape {truth.shape}")
        codes = truth.ravel().astype(np.int64) << 32 | labels.ravel().view(np.uint32)
        pairs, both = np.unique(codes, return_counts=True)
        kept = np.isin(pairs >> 32, ignore, invert=True)
        if not kept.any():
            raise ValueError(f"{function}: truth must have pixels beside those to be ignored")
        pairs, both = pairs[kept], both[kept].astype(np.float64)
        self.both = both
        _, self.of_truth = np.unique(pairs >> 32, return_inverse=True)
        _, self.of_labels = np.unique(pairs & 0xFFFFFFFF, return_inverse=True)
        self.truth = np.bincount(self.of_truth, both)
        self.labels = np.bincount(self.of_labels, both)


def covering(truth, labels):
    """How well regions cover the true ones: for each true region its best overlap, averaged over pixels.

        1/n sum over true R of |R| max over found S of |R & S| / |R or S|

    Equation 12 of the paper.

    Parameters
    ----------
    truth, labels : arrays of int, of one shape in up to three dimensions
        Any numbers; pixels of the same number are one region.

    Returns
    -------
    float
        From 0 to 1; 1 for the same regions.
    """
    o = _Overlaps("covering", truth, labels)
    union = o.truth[o.of_truth] + o.labels[o.of_labels] - o.both
    first_pairs = np.searchsorted(o.of_truth, np.arange(o.truth.size))
    best = np.maximum.reduceat(o.both / union, first_pairs)
    return float(o.truth @ best / o.truth.sum())


def rand_index(truth, labels):
    """The share of all pairs of pixels that both segmentations put into one region, or both into two.

    Rand, "Objective criteria for the evaluation of clustering methods", J. American Statistical Association 66 (1971)
    846-850. Its mean over several people's segmentations is the probabilistic Rand index.

    Parameters
    ----------
    truth, labels : arrays of int, of one shape in up to three dimensions
        At least two pixels.

    Returns
    -------
    float
        From 0 to 1; 1 for the same regions.
    """
    o = _Overlaps("rand_index", truth, labels)
    n = o.both.sum()
    if n < 2:
        raise ValueError(f"rand_index: truth must have at least 2 pixels, got shape {np.shape(truth)}")
    together, in_truth, in_labels = (sizes @ (sizes - 1) for sizes in (o.both, o.truth, o.labels))
    return float(1 - (in_truth + in_labels - 2 * together) / (n * (n - 1)))


def variation_of_information(truth, labels, *, ignore_labels=()):
    """How many bits are needed, on average over pixels, to tell the region in one segmentation from the other's.

    Meila, "Comparing clusterings by the variation of information", COLT 2003.

    Parameters
    ----------
    truth, labels : arrays of int, of one shape in up to three dimensions
    ignore_labels : sequence of int
        Pixels where `truth` is one of these do not count.

    Returns
    -------
    (2,) float64 array
        The conditional entropies H(labels | truth), of true regions that were split, and H(truth | labels), of those
        that were merged. Their sum is the variation of information, 0 for the same regions.

    Notes
    -----
    As `skimage.metrics.variation_of_information`.
    """
    o = _Overlaps("variation_of_information", truth, labels, ignore_labels)
    share = o.both / o.both.sum()
    split = share @ np.log2(o.truth[o.of_truth] / o.both)
    merged = share @ np.log2(o.labels[o.of_labels] / o.both)
    return np.array([split, merged])


def adapted_rand_error(truth, labels, *, ignore_labels=(0,), alpha=0.5):
    """One minus the F-measure of pairs of pixels in one region.

    Arganda-Carreras et al., "Crowdsourcing the creation of image segmentation algorithms for connectomics", Frontiers
    in Neuroanatomy 9:142, 2015.

    Parameters
    ----------
    truth, labels : arrays of int, of one shape in up to three dimensions
    ignore_labels : sequence of int
        Pixels where `truth` is one of these do not count.
    alpha : float
        Weight of the pairs in `truth`, from 0 to 1; the rest is that of the pairs in `labels`.

    Returns
    -------
    error, precision, recall : float
        The pairs that both put into one region are so many of those in `truth` (precision), and of those in `labels`
        (recall). 1 where there are no such pairs to be found.

    Notes
    -----
    As `skimage.metrics.adapted_rand_error`, but that 0 / 0 is 1, not NaN. Its numbers are these, though its
    documentation has precision and recall the other way round.
    """
    alpha = check.real("adapted_rand_error", "alpha", alpha, low=0, high=1)
    o = _Overlaps("adapted_rand_error", truth, labels, ignore_labels)
    together, in_truth, in_labels = (sizes @ (sizes - 1) for sizes in (o.both, o.truth, o.labels))
    error = 1 - _ratio(together, alpha * in_truth + (1 - alpha) * in_labels)
    return float(error), float(_ratio(together, in_truth)), float(_ratio(together, in_labels))


def dice(truth, mask):
    """Twice the common part of two masks over the sum of their sizes.

    Dice, "Measures of the amount of ecologic association between species", Ecology 26 (1945) 297-302.

    Parameters
    ----------
    truth, mask : arrays of bool or int, of one shape in up to three dimensions
        What is not 0 belongs to the mask. For one region of a label map: ``dice(truth == i, labels == j)``.

    Returns
    -------
    float
        From 0 to 1; 1 for the same masks, empty ones among them.
    """
    both, sizes = _common("dice", truth, mask)
    return float(_ratio(2 * both, sizes))


def iou(truth, mask):
    """Intersection over union: the common part of two masks over all that is in either.

    Jaccard, "The distribution of the flora in the alpine zone", New Phytologist 11 (1912) 37-50.

    Parameters
    ----------
    truth, mask : arrays of bool or int, of one shape in up to three dimensions
        What is not 0 belongs to the mask. For one region of a label map: ``iou(truth == i, labels == j)``.

    Returns
    -------
    float
        From 0 to 1; 1 for the same masks, empty ones among them.
    """
    both, sizes = _common("iou", truth, mask)
    return float(_ratio(both, sizes - both))


def _common(function, truth, mask):
    """The pixels that two masks share, and the sum of their sizes."""
    truth = check.as_labels(function, "truth", truth, ndim=_AXES) != 0
    mask = check.as_labels(function, "mask", mask, shape=truth.shape, ndim=_AXES) != 0
    return np.count_nonzero(truth & mask), np.count_nonzero(truth) + np.count_nonzero(mask)


def boundary_f(truth, labels, *, tolerance=0.0075):
    """F-measure of boundaries: the harmonic mean of their precision and recall.

    For one threshold on one picture; `boundary_counts` and `optimal_boundary_f` serve for many.

    Parameters
    ----------
    truth : (H, W) or (A, H, W) array
        What a person, or each of A people, drew: regions as integers, or boundaries as bool.
    labels : (H, W) array
        What was found, likewise.
    tolerance : float
        How far apart matched pixels may be, in diagonals of the picture.

    Returns
    -------
    float
        From 0 to 1; 1 for the same boundaries.
    """
    counts = _boundary_counts("boundary_f", truth, labels, 2, tolerance)
    return float(f_measure(counts[0])[0])


def boundary_counts(truth, labels, *, tolerance=0.0075):
    """What precision and recall of boundaries are made of, for many segmentations of one picture.

    Boundaries are thinned, and their pixels matched one to one with the true ones; a pixel is right if any of the
    people drew it, and everything that any of them drew is to be found.

    Parameters
    ----------
    truth : (H, W) or (A, H, W) array
        What a person, or each of A people, drew: regions as integers, or boundaries as bool.
    labels : (T, H, W) array
        What was found, likewise, at T settings.
    tolerance : float
        How far apart matched pixels may be, in diagonals of the picture.

    Returns
    -------
    (T, 4) int64 array
        True pixels matched, true pixels, own pixels matched, own pixels. Sums over pictures are to be taken before
        `f_measure`.
    """
    return _boundary_counts("boundary_counts", truth, labels, 3, tolerance)


def f_measure(counts):
    """Precision, recall and their harmonic mean from the `boundary_counts` of one or more pictures.

    Parameters
    ----------
    counts : (..., 4) array

    Returns
    -------
    f, precision, recall : (...) float64 arrays
        Precision is 1 where nothing was found, and recall where nothing was to be found.
    """
    counts = check.as_array("f_measure", "counts", counts, dtypes=(np.float64,), empty=True)
    if counts.ndim == 0 or counts.shape[-1] != 4:
        raise ValueError(f"f_measure: counts must have shape (..., 4), got {counts.shape}")
    matched_truth, truth, matched, found = np.moveaxis(counts, -1, 0)
    recall, precision = _ratio(matched_truth, truth), _ratio(matched, found)
    both = precision + recall
    return 2 * precision * recall / np.where(both > 0, both, 1), precision, recall


def optimal_boundary_f(counts):
    """The F-measure over a set of pictures at the best threshold.

    Parameters
    ----------
    counts : (N, T, 4) array
        The `boundary_counts` of N pictures at the same T thresholds.

    Returns
    -------
    ods : float
        F at the one threshold that is best for the whole set (optimal data-set scale).
    ois : float
        F where each picture has the threshold that is best for it (optimal image scale).
    best : int
        The number of the threshold of `ods`.
    """
    counts = check.as_array("optimal_boundary_f", "counts", counts, dtypes=(np.float64,), shape=(None, None, 4))
    overall = f_measure(counts.sum(axis=0))[0]
    own = f_measure(counts)[0].argmax(axis=1)
    ois = f_measure(counts[np.arange(len(counts)), own].sum(axis=0))[0]
    return float(overall.max()), float(ois), int(overall.argmax())


def _boundary_counts(function, truth, labels, ndim, tolerance):
    tolerance = check.real(function, "tolerance", tolerance, low=0)
    truth = _boundaries(function, "truth", truth, ndim=(2, 3))
    labels = _boundaries(function, "labels", labels, ndim=ndim, shape=truth.shape[1:])
    return match_boundaries(labels, truth, tolerance * np.hypot(*truth.shape[1:]))


def _boundaries(function, name, maps, *, ndim, shape=None):
    """The boundaries, thinned, of maps of regions or of boundaries, as (N, H, W) bool."""
    are_regions = np.asarray(maps).dtype != bool
    maps = check.as_labels(function, name, maps, ndim=ndim)
    if maps.size == 0 or (shape is not None and maps.shape[-2:] != shape):
        rows, columns = shape or ("H", "W")
        raise ValueError(f"{function}: {name} must have pixels, of shape ({rows}, {columns}), got {maps.shape}")
    maps = maps.reshape(-1, *maps.shape[-2:])
    if are_regions:  # where a pixel's right, lower or lower right neighbour lies in another region
        edges = np.zeros(maps.shape, bool)
        edges[:, :, :-1] |= maps[:, :, :-1] != maps[:, :, 1:]
        edges[:, :-1] |= maps[:, :-1] != maps[:, 1:]
        edges[:, :-1, :-1] |= maps[:, :-1, :-1] != maps[:, 1:, 1:]
        maps = edges
    return np.stack([thin(m) for m in maps])


def _ratio(part, whole):
    """part / whole; 1 for 0 / 0, since nothing is missing there."""
    return np.where(whole > 0, part / np.where(whole > 0, whole, 1), 1.0)
