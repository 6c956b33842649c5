"""Distances of sets of features against their definitions."""

import numpy as np
import pytest

from smalti.gan.distances import frechet_distance, kernel_distance, precision_and_recall
from tests.reference import gan as reference


def clouds(n=12, m=9, d=3, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, d)), 0.5 + rng.standard_normal((m, d)) @ rng.standard_normal((d, d))


def test_frechet_distance_of_known_gaussians():
    """In one direction each: means 0 and 3, deviations 1 and 2."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((500, 1))
    x = (x - x.mean()) / x.std(ddof=1)
    assert frechet_distance(x, 3 + 2 * x) == pytest.approx(3**2 + (1 - 2) ** 2)
    assert frechet_distance(x, x) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("d", [2, 5, 20])  # 20: more than there are points
def test_frechet_distance_against_scipy(d):
    linalg = pytest.importorskip("scipy.linalg")
    real, fake = clouds(n=15, m=18, d=d)
    a, b = (np.cov(f, rowvar=False) for f in (real, fake))
    if d < 15:
        root = linalg.sqrtm(a @ b).real.trace()
    else:  # scipy's root of a singular matrix is no use; this is the same trace
        root = linalg.svdvals(linalg.cholesky(a + 1e-14 * np.eye(d)) @ linalg.cholesky(b + 1e-14 * np.eye(d)).T).sum()
    expected = np.square(real.mean(0) - fake.mean(0)).sum() + a.trace() + b.trace() - 2 * root
    assert frechet_distance(real, fake) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("seed", range(3))
def test_kernel_distance_against_definition(seed):
    real, fake = clouds(seed=seed)
    assert kernel_distance(real, fake) == pytest.approx(reference.kernel_distance(real, fake), rel=1e-10)


def test_kernel_distance_is_unbiased():
    rng = np.random.default_rng(1)
    values = [kernel_distance(*rng.standard_normal((2, 40, 4))) for _ in range(60)]
    assert abs(np.mean(values)) < 3 * np.std(values) / np.sqrt(60) and min(values) < 0


@pytest.mark.parametrize("seed", range(3))
def test_precision_and_recall_against_definition(seed):
    real, fake = clouds(seed=seed)
    expected = reference.part_among(fake, real), reference.part_among(real, fake)
    assert precision_and_recall(real, fake) == pytest.approx(expected)
    assert precision_and_recall(real, real) == (1.0, 1.0)


def test_precision_and_recall_tell_quality_from_variety():
    rng = np.random.default_rng(2)
    real = rng.standard_normal((300, 2))
    precision, recall = precision_and_recall(real, 0.1 * rng.standard_normal((300, 2)))  # good, all alike
    assert precision > 0.95 and recall < 0.2
    precision, recall = precision_and_recall(real, 5 * rng.standard_normal((300, 2)))  # bad, of all kinds
    assert precision < 0.3 and recall > 0.7


@pytest.mark.parametrize("function", [frechet_distance, kernel_distance, precision_and_recall])
def test_bad_input(function):
    x = np.zeros((5, 3))
    for real, fake, reason in (
        (x[0], x, "real must have 2 dimensions"),
        (x, x[:, :2], r"fake must have shape \(any, 3\), got \(5, 2\)"),
        (x, np.full((5, 3), np.nan), "fake must be finite"),
        (x[:1], x, "at least 2 pictures of both, got 1 and 5"),
    ):
        with pytest.raises(ValueError, match=f"{function.__name__}: .*{reason}"):
            function(real, fake)
    with pytest.raises(ValueError, match="more than 3 pictures, got 3"):
        precision_and_recall(x[:3], x)
