"""How well a segmentation agrees with another, such as one that a person drew."""

import numpy as np

from ..kernels import _validate as check


def _overlaps(function, truth, labels):
    """Pixels that each region of one has in common with each of the other."""
    truth = check.as_labels(function, "truth", truth)
    labels = check.as_labels(function, "labels", labels, shape=truth.shape)
    if truth.size == 0:
        raise ValueError(f"{function}: truth must not be empty, got shape {truth.shape}")
    rows, columns = (np.unique(x, return_inverse=True) for x in (truth, labels))
    n = len(columns[0])
    codes = rows[1].reshape(-1) * n + columns[1].reshape(-1)
    return np.bincount(codes, minlength=len(rows[0]) * n).reshape(-1, n)


def covering(truth, labels):
    """How well regions cover the true ones: for each true region its best overlap, averaged over pixels.

        1/n sum over true R of |R| max over found S of |R & S| / |R or S|

    Arbelaez, Maire, Fowlkes and Malik, "Contour detection and hierarchical image segmentation", IEEE PAMI 33(5), 2011,
    equation 12.

    Parameters
    ----------
    truth, labels : (H, W) arrays of int
        Any numbers; pixels of the same number are one region.

    Returns
    -------
    float
        From 0 to 1; 1 for the same regions.
    """
    both = _overlaps("covering", truth, labels)
    sizes = both.sum(axis=1)
    union = sizes[:, None] + both.sum(axis=0) - both
    return float((sizes * (both / union).max(axis=1)).sum() / sizes.sum())
