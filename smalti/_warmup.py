"""Compile what is used most, so that later processes start from the cache."""

import contextlib
import time
from collections.abc import Callable

import numpy as np


def _jobs() -> dict[str, Callable[[], object]]:
    """What warms up what: each call compiles the kernels behind it for their usual dtypes."""
    from . import gan, kernels, segment

    rng = np.random.default_rng(0)
    rgb = rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)
    gray = rng.random((32, 32), dtype=np.float32)
    features = rng.random((64, 3), dtype=np.float32)
    blobs = (gray > 0.5).astype(np.int32)

    def train_step():
        model = gan.dcgan((28, 28, 1), latent_dim=8, width=16)
        trainer = gan.Trainer(model, batch_size=4, rng=0)
        trainer.step(rng.random((4, 28, 28, 1), dtype=np.float32))
        gan.generate(model, 2, rng=0)

    return {
        "matmul": lambda: kernels.matmul(gray, gray),
        "gaussian": lambda: [kernels.gaussian(image, 1.0) for image in (gray, rgb)],
        "sobel": lambda: kernels.sobel(gray),
        "rgb2lab": lambda: kernels.rgb2lab(rgb),
        "correlate": lambda: kernels.correlate(gray, np.ones((3, 3), np.float32)),
        "gabor_bank": lambda: kernels.gabor_bank(gray, frequencies=(0.2,), n_orientations=2),
        "canny": lambda: [kernels.canny(image) for image in (gray, rgb[..., 0])],
        "rgb2gray, rgb2hsv": lambda: [convert(rgb) for convert in (kernels.rgb2gray, kernels.rgb2hsv)],
        "erosion": lambda: kernels.erosion(blobs.astype(np.uint8)),
        "rotate": lambda: kernels.rotate(gray, 30),
        "histogram": lambda: kernels.histogram(gray, 8),
        "resize": lambda: [kernels.resize(image, (16, 24)) for image in (gray, rgb)],
        "kmeans": lambda: kernels.kmeans(features, 3, rng=0),
        "label": lambda: kernels.label(blobs),
        "watershed": lambda: kernels.watershed(gray, kernels.label(blobs)),
        "segment by hierarchy": lambda: segment.segment(rgb, "hierarchy"),
        "segment by kmeans": lambda: segment.segment(rgb, "kmeans", rng=0),
        "segment by dbscan": lambda: segment.segment(rgb, "dbscan"),
        "segment by the textbooks' pipeline": lambda: segment.segment(rgb, "classic"),
        "segment by watershed": lambda: segment.segment(rgb, "watershed"),
        "segment by felzenszwalb": lambda: segment.segment(rgb, "felzenszwalb"),
        "segment by slic": lambda: segment.segment(rgb, "slic"),
        "DCGAN training": train_step,
    }


def warmup(*, progress: bool = True) -> float:
    """Compile the kernels that are used most, or load them from the cache, by small calls with the usual dtypes.

    What it leaves out is compiled when it is first used.

    Parameters
    ----------
    progress : bool
        Show on stderr how far it is: a bar on a terminal, lines elsewhere.

    Returns
    -------
    float
        The seconds that it took: about half a minute with an empty cache, a second with a full one.
    """
    from .segment.progress import Progress

    start = time.perf_counter()
    jobs = _jobs()
    with Progress(len(jobs), name="compiling") if progress else contextlib.nullcontext() as bar:
        for number, (name, call) in enumerate(jobs.items()):
            call()
            if bar is not None:
                bar.update(number + 1, name)
    return time.perf_counter() - start
