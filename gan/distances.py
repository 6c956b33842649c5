"""How far two sets of pictures are from each other, by the features that a classifier sees in them.

All take (n, d) arrays of features, one row for each picture.
"""

import numpy as np

from smalti.kernels import matmul
from smalti.kernels._validate import as_array

_NEIGHBOURS = 3


def frechet_distance(real, fake):
    """|m - m'|^2 + tr(C + C' - 2 (C C')^(1/2)), of the means and covariances: 0 where these agree.

    Heusel et al., GANs Trained by a Two Time-Scale Update Rule, 2017, equation 6. The trace of the root is that of
    the symmetric (C^(1/2) C' C^(1/2))^(1/2). O(n d^2 + d^3).
    """
    real, fake = _features("frechet_distance", real, fake)
    means = real.mean(axis=0), fake.mean(axis=0)
    covariances = [np.atleast_2d(np.cov(features, rowvar=False)) for features in (real, fake)]
    values, vectors = np.linalg.eigh(covariances[0])
    root = (vectors * np.sqrt(values.clip(0))) @ vectors.T
    product = np.linalg.eigvalsh(root @ covariances[1] @ root)
    traces = np.trace(covariances[0]) + np.trace(covariances[1]) - 2 * np.sqrt(product.clip(0)).sum()
    return float(np.square(means[0] - means[1]).sum() + traces)


def kernel_distance(real, fake):
    """The unbiased squared maximum mean discrepancy with the kernel (x . y / d + 1)^3: about 0 for one distribution.

    Binkowski et al., Demystifying MMD GANs, 2018, section 4. O(n^2 d).
    """
    real, fake = _features("kernel_distance", real, fake)

    def kernel(x, y):
        return (x @ y.T / x.shape[1] + 1) ** 3

    def mean_of_pairs(x):
        between = kernel(x, x)
        return (between.sum() - np.trace(between)) / (len(x) * (len(x) - 1))

    return float(mean_of_pairs(real) + mean_of_pairs(fake) - 2 * kernel(real, fake).mean())


def precision_and_recall(real, fake):
    """Parts of the generated pictures that lie among the real ones, and of the real ones among the generated ones.

    A point lies among others if it is no further from one of them than that one's third nearest neighbour.
    Kynkaanniemi et al., Improved Precision and Recall Metric for Assessing Generative Models, 2019, section 2.
    O(n^2 d).
    """
    real, fake = _features("precision_and_recall", real, fake)
    return _part_among(fake, real), _part_among(real, fake)


def _part_among(points, others):
    if len(others) <= _NEIGHBOURS:
        raise ValueError(f"precision_and_recall: there must be more than {_NEIGHBOURS} pictures, got {len(others)}")
    own = _squared_distances(others, others)
    reach = np.partition(own, _NEIGHBOURS, axis=1)[:, _NEIGHBOURS]  # the nearest one is the point itself
    return float((_squared_distances(points, others) <= reach).any(axis=1).mean())


def _squared_distances(x, y):
    """(n, m) squared distances between rows."""
    lengths = np.square(x).sum(axis=1)[:, None] + np.square(y).sum(axis=1)
    return (lengths - 2 * matmul(x, np.ascontiguousarray(y.T))).clip(0)


def _features(function, real, fake):
    """Both as float64, of one width and of at least two rows."""
    real = as_array(function, "real", real, dtypes=(np.float64,), ndim=2, finite=True)
    fake = as_array(function, "fake", fake, dtypes=(np.float64,), shape=(None, real.shape[1]), finite=True)
    if min(len(real), len(fake)) < 2:
        raise ValueError(f"{function}: there must be at least 2 pictures of both, got {len(real)} and {len(fake)}")
    return real, fake
