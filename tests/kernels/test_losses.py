"""Cross entropies and their gradients against the twin, with logits of any size."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smalti.kernels.losses import binary_cross_entropy, cross_entropy
from tests.helpers import bit_identical_for_threads, check_layouts
from tests.reference import losses as reference
from tests.strategies import arrays, examples, seeds, sides
from tests.tolerance import close


@examples(50)
@given(sides(1, 40).flatmap(lambda n: st.tuples(arrays((n, 2), low=-60, high=60), arrays((n, 2), low=0, high=1))))
def test_binary_against_the_twin(pair):
    logits, targets = pair
    loss, gradient = binary_cross_entropy(logits, targets)
    ref_loss, ref_gradient = reference.binary_cross_entropy(logits, targets.astype(logits.dtype))
    # In float64 inside; max(z, 0) - t z cancels where t is near 1.
    assert abs(loss - ref_loss) <= 1e-13 * max(1.0, ref_loss)
    close(gradient, ref_gradient, k=1, atol=1e-16)


@examples(50)
@given(sides(1, 40).flatmap(lambda n: arrays((3, n), low=-60, high=60)), seeds)
def test_classes_against_the_twin(logits, seed):
    targets = np.random.default_rng(seed).random(logits.shape).astype(logits.dtype)
    loss, gradient = cross_entropy(logits, targets)
    ref_loss, ref_gradient = reference.cross_entropy(logits, targets)
    eps, weight = np.finfo(gradient.dtype).eps, logits.shape[1]
    # The sum of exponentials, of up to 40 numbers, is in the dtype.
    assert abs(loss - ref_loss) <= 40 * eps * weight + 1e-13 * ref_loss
    close(gradient, ref_gradient, k=160, atol=4 * eps * weight)


def test_confident_classes():
    logits = np.array([[1e4, 0], [0, 1e4]])
    loss, gradient = cross_entropy(logits, np.array([[1.0, 0.0], [1.0, 0.0]]))
    assert loss == 5000
    np.testing.assert_array_equal(gradient, [[0, 0], [-0.5, 0.5]])


def test_confident_logits():
    loss, gradient = binary_cross_entropy(np.array([1e4, -1e4, 1e4, -1e4]), np.array([1.0, 0.0, 0.0, 1.0]))
    assert loss == 5000
    np.testing.assert_array_equal(gradient, [0, 0, 0.25, -0.25])
    assert binary_cross_entropy(np.array([40.0]), np.array([1.0]))[0] == pytest.approx(np.exp(-40), rel=1e-14)


@pytest.mark.compiled
def test_threads():
    rng = np.random.default_rng(0)
    logits, targets = rng.standard_normal(50001).astype(np.float32), rng.random(50001).astype(np.float32)
    bit_identical_for_threads(lambda: binary_cross_entropy(logits, targets))
    rows = logits[:50000].reshape(-1, 10)
    bit_identical_for_threads(lambda: cross_entropy(rows, np.abs(rows)))


def test_layouts():
    rng = np.random.default_rng(1)
    check_layouts(cross_entropy, rng.standard_normal((5, 3)), rng.random((5, 3)))
    check_layouts(binary_cross_entropy, rng.standard_normal((5, 3)), rng.random((5, 3)))


def test_classes_of_other_shapes():
    with pytest.raises(ValueError, match=r"cross_entropy: targets must have shape \(2, 3\), got \(2,\)"):
        cross_entropy(np.ones((2, 3)), np.ones(2))


BAD = [
    (np.ones(3), np.ones(4), ValueError, r"binary_cross_entropy: targets must have shape \(3,\), got \(4,\)"),
    (np.ones(0), np.ones(0), ValueError, "binary_cross_entropy: logits must not be empty"),
    (np.ones(3, complex), np.ones(3), TypeError, "binary_cross_entropy: logits must be an array of real numbers"),
]


@pytest.mark.parametrize(("logits", "targets", "error", "message"), BAD)
def test_bad_input(logits, targets, error, message):
    with pytest.raises(error, match=message):
        binary_cross_entropy(logits, targets)
