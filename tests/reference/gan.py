"""Losses of a GAN, element by element."""

import math


def _log_sigmoid(x):
    return min(x, 0.0) - math.log1p(math.exp(-abs(x)))


def _mean(values):
    values = list(values)
    return math.fsum(values) / len(values)


def discriminator_loss(real_logits, fake_logits, objective, target=1.0):
    """(part of the real pictures, part of the generated ones); `target` is that of real pictures."""
    real, fake = [float(z) for z in real_logits.ravel()], [float(z) for z in fake_logits.ravel()]
    if objective == "least-squares":
        return _mean((z - target) ** 2 / 2 for z in real), _mean(z**2 / 2 for z in fake)
    if objective == "hinge":
        return _mean(max(0.0, 1 - z) for z in real), _mean(max(0.0, 1 + z) for z in fake)
    if objective == "wgan-gp":
        return -_mean(real), _mean(fake)
    of_real = _mean(-target * _log_sigmoid(z) - (1 - target) * _log_sigmoid(-z) for z in real)
    return of_real, _mean(-_log_sigmoid(-z) for z in fake)


def generator_loss(fake_logits, objective):
    fake = [float(z) for z in fake_logits.ravel()]
    if objective == "least-squares":
        return _mean((z - 1) ** 2 / 2 for z in fake)
    if objective in ("hinge", "wgan-gp"):
        return -_mean(fake)
    if objective == "minimax":
        return _mean(_log_sigmoid(-z) for z in fake)
    return _mean(-_log_sigmoid(z) for z in fake)


def kernel_distance(real, fake):
    """The unbiased squared maximum mean discrepancy with the kernel (x . y / d + 1)^3, pair by pair."""

    def kernel(x, y):
        return (math.fsum(float(a) * float(b) for a, b in zip(x, y, strict=True)) / len(x) + 1) ** 3

    def of_pairs(points):
        return _mean(kernel(x, y) for i, x in enumerate(points) for j, y in enumerate(points) if i != j)

    return of_pairs(real) + of_pairs(fake) - 2 * _mean(kernel(x, y) for x in real for y in fake)


def part_among(points, others, neighbours=3):
    """Part of the points that are no further from one of the others than that is from its k-th neighbour."""

    def reach(i):
        return sorted(math.dist(others[i], other) for j, other in enumerate(others) if j != i)[neighbours - 1]

    reaches = [reach(i) for i in range(len(others))]
    inside = [any(math.dist(p, q) <= r for q, r in zip(others, reaches, strict=True)) for p in points]
    return sum(inside) / len(inside)
