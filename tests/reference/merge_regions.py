"""Greedy merging that looks at all pairs before each merge."""

import numpy as np


def merge_regions(edges, length, strength, area, sums, histograms, weights, exponent=0.0, growth=0.0):
    """(pairs, raw costs in order of the merges) for `weights` of color, ward, boundary and histogram."""
    n, total = len(area), float(np.sum(area))
    color, ward, boundary, texture = weights
    area, sums = [float(a) for a in area], [np.array(s, float) for s in sums]
    histograms = [np.array(h, float) for h in histograms]
    node = list(range(n))
    # strength and length by pair of regions; a region keeps its number when it takes over another
    links = {tuple(map(int, e)): (float(s), int(k)) for e, s, k in zip(edges, strength, length, strict=True)}

    def cost(a, b):
        square = float(np.sum((sums[a] / area[a] - sums[b] / area[b]) ** 2))
        value = color * np.sqrt(square) + ward * square * area[a] * area[b] / (area[a] + area[b])
        value += boundary * links[a, b][0]
        if texture:
            g, h = histograms[a] / area[a], histograms[b] / area[b]
            value += texture * 0.5 * np.sum((g - h) ** 2 / np.where(g + h > 0, g + h, 1)) / len(g)
        return value * (min(area[a], area[b]) / total) ** exponent

    pairs, costs = [], []
    now, known = {pair: cost(*pair) for pair in links}, list(area)
    while links:
        best = min(now.values())
        a, b = min(pair for pair in links if now[pair] == best)
        if area[a] < area[b]:
            a, b = b, a
        pairs.append(sorted((node[a], node[b])))
        costs.append(best)
        node[a] = n + len(pairs) - 1
        area[a] += area[b]
        sums[a] = sums[a] + sums[b]
        histograms[a] = histograms[a] + histograms[b]
        del links[min(a, b), max(a, b)], now[min(a, b), max(a, b)]
        changed = set()
        for pair in [p for p in links if b in p]:
            other = pair[0] if pair[1] == b else pair[1]
            s, k = links.pop(pair)
            del now[pair]
            new = (min(a, other), max(a, other))
            if new in links:
                s0, k0 = links[new]
                s, k = (s0 * k0 + s * k) / (k0 + k), k0 + k
            links[new] = (s, k)
            changed.add(new)
        if area[a] > (1 + growth) * known[a]:
            known[a] = area[a]
            changed |= {pair for pair in links if a in pair}
        now.update({pair: cost(*pair) for pair in changed})
    return np.array(pairs, int).reshape(-1, 2), np.array(costs)
