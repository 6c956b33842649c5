"""Tiles: the regions of photographs, cut out and aligned, as pictures for a GAN to learn from.

A photograph is segmented; each region of some size is turned so that its longest extent lies along the row (the
principal axis of its pixels), scaled to fill a square tile, and laid on black; lines are left out. What is alike in
colour, texture and shape becomes a class, by k-means of these.
"""

import math
from pathlib import Path

import numpy as np
from PIL import Image

from smalti.kernels import kmeans, resize, rgb2lab
from smalti.kernels._validate import integer
from smalti.segment import segment

from ..segment.files import read_image
from ..segment.progress import Progress
from .files import images_in

_LONGEST = 512  # side of a photograph as it is segmented
_THRESHOLD = 0.35  # of the segmentation: finer than people would divide, as there is more to learn from many regions
_SMALLEST, _LARGEST = 1 / 1000, 1 / 4  # regions, as parts of the photograph
_LEAST_FILLED = 0.15  # part of its tile that a region must fill: what fills less is but a line
_MARGIN = 1.05  # of a tile around its region
_TEXTURE, _SHAPE = 200.0, 20.0  # what a texture of 1 and a length of e times the breadth count, in units of Lab


def regions(folder, *, side=32, n_classes=8, rng=0):
    """Cut the photographs of a folder into tiles. How far it is shows on stderr.

    Parameters
    ----------
    folder : path
    side : int
        Rows and columns of a tile.
    n_classes : int
    rng : int or numpy.random.Generator
        Seed of the classes.

    Returns
    -------
    images : (n, side, side, 3) uint8
    labels : (n,) int32

    Raises
    ------
    FileNotFoundError, ValueError
        One line that names the file and what is wrong with it, or that there are too few regions.
    """
    side = integer("regions", "side", side, low=4)
    n_classes = integer("regions", "n_classes", n_classes, low=2)
    tiles, looks = [], []
    if not Path(folder).is_dir():
        raise FileNotFoundError(f"{folder}: no such folder")
    paths = images_in(Path(folder))
    with Progress(len(paths), name="cutting out regions") as bar:
        for number, path in enumerate(paths):
            segmentation = segment(_reduced(read_image(path)), threshold=_THRESHOLD)
            for region in segmentation.regions():
                if _SMALLEST <= region["area"] / segmentation.labels.size <= _LARGEST:
                    tile, filled, length_to_breadth = _cut_out(segmentation, region, side)
                    if filled >= _LEAST_FILLED:
                        tiles.append(tile)
                        looks.append((*region["mean_color"], region["texture"], length_to_breadth))
            bar.update(number + 1, f"{len(tiles)} regions")
    if len(tiles) < n_classes:
        raise ValueError(f"{folder}: {len(tiles)} regions are too few for {n_classes} classes")
    looks = np.array(looks, np.float32)
    features = np.column_stack([rgb2lab(looks[None, :, :3])[0], _TEXTURE * looks[:, 3], _SHAPE * np.log(looks[:, 4])])
    return np.stack(tiles), kmeans(features, n_classes, n_init=4, rng=rng).labels


def _reduced(image):
    """A picture whose sides are no longer than they need be."""
    h, w, _ = image.shape
    scale = _LONGEST / max(h, w)
    if scale >= 1:
        return image
    return resize(image, (max(1, round(scale * h)), max(1, round(scale * w))), anti_aliasing=True)


def _cut_out(segmentation, region, side):
    """((side, side, 3) uint8 tile of a region, the part of it that is filled, the region's length / breadth)."""
    top, left, bottom, right = region["box"]
    mask = segmentation.labels[top:bottom, left:right] == region["label"]
    centre = region["centroid"] - (top, left)
    places = np.argwhere(mask) - centre
    (row_row, row_column), (_, column_column) = places.T @ places / len(places)
    angle = 0.5 * math.atan2(2 * row_column, column_column - row_row)
    along = np.array([math.sin(angle), math.cos(angle)])  # (row, column) of the principal axis
    across = np.array([along[1], -along[0]])
    across_and_along = places @ np.stack([across, along], axis=1)
    extent = _MARGIN * (2 * np.abs(across_and_along).max() + 1)
    spread = across_and_along.std(axis=0) + 0.5

    fine = max(1, math.ceil(extent / side))  # so that no pixel is passed over; averaged down after
    scale = extent / (side * fine)
    corner = centre[::-1] + 0.5 - extent / 2 * (along + across)[::-1]  # (x, y), as Pillow has it
    to_source = (scale * along[1], scale * across[1], corner[0], scale * along[0], scale * across[0], corner[1])
    alone = segmentation.image[top:bottom, left:right] * mask[..., None]
    image = Image.fromarray(np.rint(255 * alone).astype(np.uint8))
    size = (side * fine, side * fine)
    tile = image.transform(size, Image.Transform.AFFINE, to_source, Image.Resampling.BILINEAR).reduce(fine)
    return np.asarray(tile), len(places) / extent**2, spread[1] / spread[0]
