"""Segmentations against those that people drew: ``python -m benchmarks bsds [--data FOLDER] [--first N]``.

FOLDER holds ``ID.jpg`` and ``ID.npz`` of a part of BSDS500 (Arbelaez, Maire, Fowlkes and Malik, IEEE PAMI 33(5), 2011):
``labels`` (people, H, W), ``boundaries`` (people, H, packed bits of W) and ``width``.

ODS is the score at the one setting of a method that is best for all pictures, OIS at the best for each picture. Methods
with one setting have only the first.
"""

import os
import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image

from smalti.segment import hierarchy, segment
from smalti.segment.metrics import (
    boundary_counts,
    covering,
    optimal_boundary_f,
    rand_index,
    variation_of_information,
)

from .harness import peer

segmentation, graph = peer("skimage.segmentation"), peer("skimage.graph")
cluster, color = peer("sklearn.cluster"), peer("skimage.color")

THRESHOLDS = [{"threshold": t} for t in np.linspace(0.15, 0.8, 27)]
SCALES = [{"scale": scale} for scale in (50, 100, 200, 300, 500, 800)]
MERGED = (5, 10, 15, 20, 25, 30, 40, 50)

PUBLISHED = """\
Published on the whole test set of 200 pictures: gPb-owt-ucm covering 0.588 / 0.647, Rand 0.827 / 0.856,
VI 1.690 / 1.475, F 0.726 / 0.760 (the data set's own files); Felzenszwalb F 0.610, Canny F 0.600 (Kirillov et al.,
"Segment Anything", ICCV 2023, table 3)."""


def _with_skimage_merging(rgb):
    finest = segmentation.slic(rgb, n_segments=400, compactness=10, start_label=0)
    rag = graph.rag_mean_color(rgb, finest)
    return lambda threshold: graph.cut_threshold(finest, rag, threshold, in_place=False)


def _with_sklearn(rgb):
    lab = color.rgb2lab(rgb).reshape(-1, 3)
    return lambda k: cluster.KMeans(k, n_init=1, random_state=0).fit_predict(lab).reshape(rgb.shape[:2])


def contestants():
    """(name, settings, function): the function makes of a picture another, from a setting to labels."""

    def hierarchy_cuts(rgb):
        tree = hierarchy(rgb)
        return lambda setting: tree.cut(**setting).labels

    yield "hierarchy", THRESHOLDS, hierarchy_cuts

    def parts(method, **options):
        return lambda rgb: lambda setting: segment(rgb, method, **{**options, **setting}).labels

    yield "kmeans", ({},), parts("kmeans")
    yield "kmeans, automatic k", ({},), parts("kmeans", n_clusters="auto")
    yield "dbscan", ({},), parts("dbscan")
    yield "watershed", ({},), parts("watershed")
    yield "felzenszwalb", SCALES, parts("felzenszwalb", sigma=0.8, min_size=50)
    yield "felzenszwalb, at its defaults", ({},), parts("felzenszwalb")
    yield "slic, merged", THRESHOLDS[::3], parts("slic", compactness=10.0)
    yield "slic, merged at its defaults", ({},), parts("slic")
    if segmentation:
        yield (
            "skimage felzenszwalb", SCALES,
            lambda rgb: lambda setting: segmentation.felzenszwalb(rgb, sigma=0.8, min_size=50, **setting),
        )  # fmt: skip
    if segmentation and graph:
        yield "skimage slic, cut_threshold", MERGED, _with_skimage_merging
    if cluster and color:
        yield "sklearn KMeans of Lab", (4,), _with_sklearn


def read(path):
    """A picture, and the regions and boundaries that each person drew."""
    rgb = np.asarray(Image.open(path))
    with np.load(path.with_suffix(".npz")) as truth:
        boundaries = np.unpackbits(truth["boundaries"], axis=-1)[..., : int(truth["width"])].astype(bool)
        return rgb, truth["labels"].astype(np.int32), boundaries


def score(paths, settings, function):
    """(covering, Rand index, variation of information, F), each ODS and OIS, and the median seconds for a picture."""
    regions, counts, seconds = [], [], []
    for path in paths:
        rgb, truths, boundaries = read(path)
        start = time.perf_counter()
        at = function(rgb)
        found = [at(settings[0])]
        seconds.append(time.perf_counter() - start)
        found += [at(setting) for setting in settings[1:]]
        measures = (covering, rand_index, lambda t, f: -np.sum(variation_of_information(t, f)))
        regions.append([[np.mean([m(t, f) for t in truths]) for m in measures] for f in found])
        counts.append(boundary_counts(boundaries, np.stack(found)))
    regions = np.array(regions)  # (pictures, settings, measures), the more the better
    pairs = np.array([regions.mean(axis=0).max(axis=0), regions.max(axis=1).mean(axis=0)]).T
    pairs = np.concatenate([np.abs(pairs), [optimal_boundary_f(np.array(counts))[:2]]])
    return pairs, float(np.median(seconds))


def main(folder, n_pictures=None):
    folder = Path(folder or Path(os.environ.get("SMALTI_TEST_DATA", ""), "bsds500", "val"))
    paths = sorted(folder.glob("*.jpg"))[:n_pictures]
    if not paths:
        print(f"no pictures in {folder}: give --data FOLDER", file=sys.stderr)
        return 2
    print(f"{len(paths)} pictures; ODS / OIS\n")
    print("| | covering | Rand index | variation of information | boundary F | seconds |\n|-|-:|-:|-:|-:|-:|")
    for name, settings, function in contestants():
        function(read(paths[0])[0])(settings[0])  # compiles
        pairs, seconds = score(paths, settings, function)
        cells = [f"{ods:.3f} / {ois:.3f}" if len(settings) > 1 else f"{ods:.3f}" for ods, ois in pairs]
        print(f"| {name} | {' | '.join(cells)} | {seconds:.3f} |", flush=True)
    print(f"\n{PUBLISHED}")
    return 0
