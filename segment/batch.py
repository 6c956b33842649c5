"""Many pictures from files to files."""

import os
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from ..kernels import _validate as check
from ..kernels._parallel import get_num_threads
from . import classic
from .explore import explore_page
from .files import IMAGE_SUFFIXES, atomic, read_image
from .hierarchy import hierarchy
from .methods import segment
from .progress import Progress

WRITE = {
    "labels": "_labels.png",
    "overlay": "_overlay.png",
    "mosaic": "_mosaic.png",
    "contours": "_contours.png",
    "table": "_regions.csv",
    "explore": ".html",
    "steps": "_steps.png",
}
"""What can be written of each picture, and how the names of the files end."""

_ONLY = {"hierarchy": {"contours", "explore"}, "classic": {"steps"}}
_OF_TREE = {"n_regions", "threshold", "rng"}  # options of what shows the whole hierarchy
_OF_STEPS = {"n_clusters", "rng"}


class FileResult(NamedTuple):
    """What became of one picture: `n_regions`, None if it was skipped or failed; `error` is a line, or None."""

    path: Path
    n_regions: int | None
    error: str | None


def segment_files(
    images, out, *, method="hierarchy", write=("labels", "overlay", "mosaic"), jobs=None, redo=False, progress=False,
    **options,
):  # fmt: skip
    """Segment picture files, several at a time, and write what is asked for of each.

    Parameters
    ----------
    images : path or sequence of paths
        Files, and folders, which stand for the picture files in them.
    out : path
        Folder for the results. Those of ``NAME.jpg`` are ``NAME_labels.png`` (16 bits) and so on; each appears
        complete or not at all.
    method : str
        As `segment` has it, and so `options`.
    write : sequence of {"labels", "overlay", "mosaic", "contours", "table", "explore", "steps"}
        ``"table"``: the regions as CSV. Only of the hierarchy, ``"contours"``: the ultrametric contour map in 8 bits;
        ``"explore"``: an HTML page on which the number of regions is chosen; with these two, the options are
        `n_regions`, `threshold` and `rng`. Only of ``"classic"``, ``"steps"``: what each step makes, side by side; its
        overlay is mixed half and half with the colours of the regions.
    jobs : int, optional
        Pictures at a time; by default as many as there are threads.
    redo : bool
        Whether to segment pictures again whose results are all there.
    progress : bool
        Show on stderr how far it is.

    Returns
    -------
    list of FileResult, in the order of the pictures
        A picture that cannot be read does not stop the others.

    Raises
    ------
    TypeError, ValueError
        If an argument is wrong, there are no pictures, or two of them have the same name.
    """
    paths = _pictures([images] if isinstance(images, (str, os.PathLike)) else images)
    if isinstance(write, str) or not write or set(write) - set(WRITE):
        raise ValueError(f"segment_files: write must name some of {', '.join(WRITE)}, got {write!r}")
    jobs = get_num_threads() if jobs is None else check.integer("segment_files", "jobs", jobs, low=1)
    for only, kinds in _ONLY.items():
        if method != only and (asked := ", ".join(sorted(set(write) & kinds))):
            raise ValueError(f"segment_files: to write {asked}, method must be {only!r}, got {method!r}")
    of_tree = sorted(set(write) & _ONLY["hierarchy"])
    if of_tree and (other := set(options) - _OF_TREE):
        known, got = ", ".join(sorted(_OF_TREE)), ", ".join(sorted(other))
        raise TypeError(f"segment_files: {', '.join(of_tree)} have the options {known}, got {got}")
    if any(path.exists() for path in paths):  # or kernels would be compiled for nothing
        segment(np.zeros((8, 8)), method, **options)  # a wrong option is an error now, not one of each picture
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)

    def job(path):
        try:
            targets = {kind: out / (path.stem + WRITE[kind]) for kind in write}
            if not redo and all(target.is_file() for target in targets.values()):
                return FileResult(path, None, None)
            return FileResult(path, _segment_file(path, targets, method, options), None)
        except (OSError, ValueError, MemoryError) as error:
            return FileResult(path, None, " ".join(str(error).split()) or type(error).__name__)

    results = {}
    bar = Progress(len(paths), name="segmenting") if progress else None
    with ThreadPoolExecutor(jobs) as pool:
        waiting = {pool.submit(job, path) for path in paths}
        try:
            while waiting:
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                for future in done:
                    result = future.result()
                    results[result.path] = result
                    if bar is not None:
                        bar.update(len(results), result.path.name)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
        finally:
            if bar is not None:
                bar.__exit__()
    return [results[path] for path in paths]


def _pictures(images):
    paths = []
    for path in map(Path, images):
        if path.is_dir():
            inside = sorted(p for p in path.iterdir() if p.suffix.lower() in IMAGE_SUFFIXES and p.is_file())
            if not inside:
                raise ValueError(f"{path}: holds no images ({' '.join(IMAGE_SUFFIXES)})")
            paths += inside
        else:
            paths.append(path)
    stems = [path.stem for path in paths]
    twice = next((stem for stem in stems if stems.count(stem) > 1), None)
    if twice is not None:
        raise ValueError(f"two of the images are named {twice}, their results would overwrite each other")
    return paths


def _segment_file(path, targets, method, options):
    image = read_image(path)
    if {"contours", "explore"} & set(targets):
        cut = {name: options[name] for name in ("n_regions", "threshold") if name in options}
        rest = {name: value for name, value in options.items() if name not in cut}
        tree = hierarchy(image, **rest)
        result = tree.cut(**cut)
    else:
        result = segment(image, method, **options)
    for kind, target in targets.items():
        if kind in ("labels", "table"):
            result.save(target)
            continue
        with atomic(target) as file:
            if kind == "explore":
                file.write(explore_page(tree, title=path.name).encode())
                continue
            if kind == "contours":
                pixels = (tree.contours() * 255 + 0.5).astype(np.uint8)
            elif kind == "steps":
                pixels = classic.steps_sheet(image, **{name: options[name] for name in _OF_STEPS & set(options)})
            elif kind == "overlay":
                pixels = result.overlay(mix=0.5 if method == "classic" else 0.0)
            else:
                pixels = result.mosaic()
            Image.fromarray(pixels).save(file, "PNG")
    return result.n_regions
