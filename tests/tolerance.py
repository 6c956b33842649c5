"""The one tolerance policy: |actual - ref| <= atol + k * eps(dtype of actual) * |ref|.

`k` is stated by each test with its reason: about the number of roundings on the way, or the condition of the
operation. Integers and labels are compared exactly, after `canonical_labels` where numbering is free.
"""

import numpy as np


def close(actual, ref, k, atol=0.0):
    """Hold a float array to its reference; `ref` may be of a wider dtype. NaN equals NaN only."""
    actual, ref = np.asarray(actual), np.asarray(ref)
    assert actual.dtype.kind == "f", f"expected floats, got {actual.dtype}"
    assert actual.shape == ref.shape, f"shape {actual.shape}, reference {ref.shape}"
    a, r = actual.astype(np.float64), ref.astype(np.float64)
    with np.errstate(invalid="ignore", over="ignore"):
        error = np.where((a == r) | (np.isnan(a) & np.isnan(r)), 0.0, np.abs(a - r))
        allowed = atol + k * np.finfo(actual.dtype).eps * np.abs(r)
        bad = ~(error <= allowed)  # a NaN error is bad, too
    if bad.any():
        excess = np.where(bad, np.where(np.isnan(error), np.inf, error / np.maximum(allowed, 1e-300)), 0)
        place = np.unravel_index(int(excess.argmax()), excess.shape)
        raise AssertionError(
            f"{int(bad.sum())} of {bad.size} elements are off; worst at {tuple(map(int, place))}: "
            f"{a[place]!r} against {r[place]!r}, {excess[place]:.3g} times the tolerance (k={k}, atol={atol})"
        )


def canonical_labels(labels, background=None):
    """Labels renumbered from 0 by first appearance in scan order; `background` becomes -1."""
    labels = np.asarray(labels)
    values, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    first = np.where(values == background, -1, first) if background is not None else first
    rank = np.empty(len(values), np.int64)
    rank[np.argsort(first, kind="stable")] = np.arange(len(values))
    if background is not None and background in values:
        rank -= 1
    return rank[inverse].reshape(labels.shape)


def same_partition(actual, ref, background=None):
    """Hold two label maps to the same partition, whatever its numbers."""
    np.testing.assert_array_equal(canonical_labels(actual, background), canonical_labels(ref, background))
