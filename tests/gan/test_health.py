"""What is said of a training that does not go well, and of one that does."""

import numpy as np
import pytest

from smalti.gan.health import diagnose, spread


def records(n, real=0.5, fake=0.5, spread=0.9):
    steps = range(100, 100 * n + 1, 100)
    return [r for s in steps for r in ({"step": s, "real": real, "fake": fake}, {"step": s, "spread": spread})]


def test_all_is_well():
    assert diagnose([], "hinge") == diagnose(records(30), "non-saturating") == {}


def test_mode_collapse():
    assert list(diagnose(records(30, spread=0.1), "non-saturating")) == ["mode collapse"]
    assert diagnose(records(4, spread=0.1), "non-saturating") == {}  # it has hardly begun
    assert diagnose([*records(30, spread=0.1), *records(6)[-1:]], "non-saturating") == {}  # it came back


@pytest.mark.parametrize(("objective", "at_first"), [("minimax", 1.386), ("hinge", 2.0), ("least-squares", 0.5)])
def test_saturated_discriminator(objective, at_first):
    for share, expected in ((0.015, ["saturated discriminator"]), (0.03, [])):
        part = share * at_first / 2
        assert list(diagnose(records(30, part, part), objective)) == expected
    assert diagnose(records(10, 0.0, 0.0), objective) == {}


def test_a_critic_does_not_saturate():
    assert diagnose(records(30, -3.0, -4.0), "wgan-gp") == {}


def test_spread():
    rng = np.random.default_rng(0)
    pictures = rng.random((500, 4, 4, 1))
    assert spread(pictures) == pytest.approx(np.sqrt(1 / 12), rel=0.02)
    assert spread(np.repeat(pictures[:1], 9, axis=0)) < 1e-6
