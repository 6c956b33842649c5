"""Learn what the segmenter knows of boundaries from pictures in which people drew them.

    python -m benchmarks.learn_boundaries FOLDER [--first N]

FOLDER holds BSDS500's training set, as ``bsds.py`` describes it. Prints the numbers that stand in
``segment/boundary.py`` and ``segment/hierarchy.py``.

1. A logistic regression of the share of people who drew a boundary near a pixel, on the differences of each cue there,
   in the direction in which the sum of all is largest. Only ridges of that sum count, since only they can become
   boundaries.
2. A logistic regression of that share, on average along each boundary of the finest regions of every fourth picture,
   on what the whole picture tells of it, weighted by the lengths of the boundaries.
3. The weights of colours and histograms and the exponent of area in the merging: for each choice the covering at its
   best common threshold on these pictures, and that threshold.
"""

import argparse
import itertools
from pathlib import Path

import numpy as np
from scipy.ndimage import distance_transform_edt

from smalti.kernels import merge_regions, oriented_gradient, region_adjacency, rgb2lab, watershed
from smalti.segment import boundary
from smalti.segment.hierarchy import boundary_odds, finest_regions, globalised, spectral_distance

from .bsds import read

NEAR = 2.5  # pixels
COLOR_WEIGHTS = (0.002, 0.004, 0.008)
HISTOGRAM_WEIGHTS = (0.1, 0.2, 0.3)
AREA_EXPONENTS = (0.1, 0.15, 0.2)
LEVELS = np.geomspace(0.05, 0.5, 24)


def differences(rgb):
    """Each cue's difference for each channel and radius: (features, 8, H, W)."""
    channels = boundary.cue_channels(rgb)
    planes = [
        boundary.smoothed(oriented_gradient(channels[name][..., k], [radius], blur=blur))
        for name, radii, blur in boundary.CUES
        for k in range(channels[name].shape[2])
        for radius in radii
    ]
    return np.stack(planes)


def examples(path):
    """Differences at ridges (pixels, features), and the share of people who drew a boundary near each."""
    rgb, _, boundaries = read(path)
    planes = differences(rgb)
    total = planes.sum(axis=0)
    basins = watershed(np.ascontiguousarray(total.max(axis=0)))
    r, c = np.nonzero((basins[:-1, :-1] != basins[1:, :-1]) | (basins[:-1, :-1] != basins[:-1, 1:]))
    features = planes[:, total.argmax(axis=0)[r, c], r, c].T
    return features[::4].astype(np.float64), share_near(boundaries)[r, c][::4]


def share_near(boundaries):
    """The share of people who drew a boundary near each pixel."""
    return np.mean([distance_transform_edt(~drawn) <= NEAR for drawn in boundaries], axis=0)


def logistic_regression(x, y, counts=1.0, *, steps=20):
    """Weights and offset that make 1 / (1 + exp(-(x w + b))) the likeliest shares y, by Newton's method."""
    x = np.concatenate([x, np.ones((len(x), 1))], axis=1)
    w = np.zeros(x.shape[1])
    for _ in range(steps):
        p = 1 / (1 + np.exp(-(x @ w)))
        hessian = x.T @ (x * (counts * p * (1 - p))[:, None])
        w -= np.linalg.solve(hessian + 1e-6 * np.eye(len(w)), x.T @ (counts * (p - y)))
    return w[:-1], w[-1]


def coverings(graph, labels, truths, settings):
    """Mean covering of each setting at each level: (settings, levels)."""
    n = len(graph.area)
    overlaps = []  # of the finest regions with each person's; those of united regions are sums of these
    for truth in truths:
        k = int(truth.max()) + 1
        overlaps.append(np.bincount(labels.ravel() * k + truth.ravel(), minlength=n * k).reshape(n, k))
    out = np.zeros((len(settings), len(LEVELS)))
    for i, (color, histogram, exponent) in enumerate(settings):
        criterion = {"boundary": 1.0, "color": color, "histogram": histogram}
        merges = merge_regions(graph, criterion, area_exponent=exponent)
        for j, level in enumerate(LEVELS):
            united = merges.cut(threshold=level)
            for finest in overlaps:
                both = np.zeros((united.max() + 1, finest.shape[1]))
                np.add.at(both, united, finest)
                union = both.sum(axis=1, keepdims=True) + both.sum(axis=0) - both
                out[i, j] += (both.sum(axis=0) * (both / union).max(axis=0)).sum() / labels.size / len(truths)
    return out


def finest_graph(path):
    """The finest regions of a picture and their graph."""
    rgb = read(path)[0]
    channels = boundary.cue_channels(rgb)
    strengths = boundary.boundary_strengths(channels)
    labels = finest_regions(strengths)
    bins = np.concatenate(list(channels.values()), axis=2)
    return labels, region_adjacency(labels, rgb2lab(rgb), boundary=strengths, bins=bins)


def main():
    parser = argparse.ArgumentParser(prog="python -m benchmarks.learn_boundaries")
    parser.add_argument("folder", metavar="FOLDER", type=Path)
    parser.add_argument("--first", metavar="N", type=int, help="only the first N (default: all)")
    arguments = parser.parse_args()
    paths = sorted(arguments.folder.glob("*.jpg"))[: arguments.first]
    if not paths:
        raise SystemExit(f"no pictures in {arguments.folder}")

    x, y = (np.concatenate(part) for part in zip(*map(examples, paths), strict=True))
    weights, offset = logistic_regression(x, y)
    print(f"{len(y)} ridge pixels of {len(paths)} pictures, mean share {y.mean():.4f}")
    n_channels = {"brightness": 1, "color": 2, "texture": 1}
    rest = iter(np.round(weights, 2).tolist())
    boundary.WEIGHTS = {
        name: tuple(tuple(next(rest) for _ in radii) for _ in range(n_channels[name]))
        for name, radii, _ in boundary.CUES
    }
    boundary.OFFSET = round(float(offset), 2)
    print(f"WEIGHTS = {boundary.WEIGHTS}\nOFFSET = {boundary.OFFSET}")

    graphs = [finest_graph(path) for path in paths[::4]]
    x, y, counts = [], [], []
    for path, (labels, graph) in zip(paths[::4], graphs, strict=True):
        odds = boundary_odds(graph.strength)
        x.append(np.log([odds, 1 + spectral_distance(graph, odds)]).T)
        y.append(region_adjacency(labels, boundary=share_near(read(path)[2])).strength)
        counts.append(graph.length)
    weights, offset = logistic_regression(*map(np.concatenate, (x, y, counts)))
    weights, offset = tuple(np.round(weights, 2).tolist()), round(float(offset), 2)
    print(f"GLOBAL_WEIGHTS = {weights}\nGLOBAL_OFFSET = {offset}")

    settings = list(itertools.product(COLOR_WEIGHTS, HISTOGRAM_WEIGHTS, AREA_EXPONENTS))
    total = np.zeros((len(settings), len(LEVELS)))
    for path, (labels, graph) in zip(paths[::4], graphs, strict=True):
        total += coverings(globalised(graph, weights, offset), labels, read(path)[1], settings)
    total /= len(paths[::4])
    for setting, row in zip(settings, total, strict=True):
        text = ", ".join(f"{value:g}" for value in setting)
        print(f"color, histogram, exponent {text}: covering {row.max():.4f} at {LEVELS[row.argmax()]:.3f}")


if __name__ == "__main__":
    main()
