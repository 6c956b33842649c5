"""What a segmentation is: labels, and ways to look at them."""

import io
from pathlib import Path

import numpy as np
from PIL import Image

from .files import atomic

_INK = np.array((1.0, 0.85, 0.35), np.float32)
_GROUT = np.array((0.16, 0.15, 0.14), np.float32)

_TABLE = np.dtype(
    [
        ("label", np.int32),
        ("area", np.int64),
        ("centroid", np.float64, 2),
        ("box", np.int64, 4),
        ("mean_color", np.float32, 3),
    ]
)


class Segmentation:
    """The regions of a picture.

    Attributes
    ----------
    image : (H, W, 3) float32 array
        The picture, in [0, 1].
    labels : (H, W) int32 array
        The region of each pixel, counted from 0 without gaps in raster order; -1 for pixels of none.
    n_regions : int
    """

    def __init__(self, image, labels):
        self.image = image
        self.labels = labels
        self.n_regions = int(labels.max(initial=-1)) + 1

    def __repr__(self):
        height, width = self.labels.shape
        return f"<Segmentation of {height}x{width} pixels into {self.n_regions} regions>"

    def boundaries(self):
        """(H, W) bool array: pixels whose right or lower neighbour lies in another region."""
        labels = self.labels
        edges = np.zeros(labels.shape, bool)
        edges[:, :-1] |= labels[:, :-1] != labels[:, 1:]
        edges[:-1] |= labels[:-1] != labels[1:]
        return edges

    def overlay(self):
        """The picture with its boundaries drawn in: (H, W, 3) uint8."""
        line = self.boundaries()
        # A dark rim lets the line stand out on light ground as well.
        rim = line.copy()
        rim[1:] |= line[:-1]
        rim[:, 1:] |= line[:, :-1]
        rim[:-1] |= line[1:]
        rim[:, :-1] |= line[:, 1:]
        picture = self.image.copy()
        picture[rim] *= 0.45
        picture[line] = _INK
        return _as_uint8(picture)

    def mosaic(self):
        """Every region in its mean colour, with grout between: (H, W, 3) uint8."""
        colors = np.concatenate([self.regions()["mean_color"], _GROUT[None]])  # -1 is the last
        picture = colors[self.labels]
        line = self.boundaries()
        picture[line] = 0.35 * picture[line] + 0.65 * _GROUT
        return _as_uint8(picture)

    def regions(self):
        """A structured array with one row for each region.

        Fields: ``label``; ``area`` in pixels; ``centroid`` (row, column); ``box`` (first row, first column, and those
        behind the last); ``mean_color``, RGB in [0, 1].
        """
        width = self.labels.shape[1]
        inside = self.labels.ravel() >= 0
        labels = self.labels.ravel()[inside]
        n = self.n_regions
        area = np.bincount(labels, minlength=n)
        pixels = np.flatnonzero(inside)
        rows, columns = pixels // width, pixels % width
        table = np.zeros(n, _TABLE)
        table["label"], table["area"] = np.arange(n), area
        for k, place in enumerate((rows, columns)):
            table["centroid"][:, k] = np.bincount(labels, place, n) / area
            first, last = np.full(n, np.iinfo(np.int64).max), np.full(n, -1)
            np.minimum.at(first, labels, place)
            np.maximum.at(last, labels, place)
            table["box"][:, k], table["box"][:, k + 2] = first, last + 1
        for k in range(3):
            table["mean_color"][:, k] = np.bincount(labels, self.image[..., k].ravel()[inside], n) / area
        return table

    def save(self, path):
        """Write the labels, whole or not at all: ``.png`` (16 bits, -1 as 65535) or ``.npz`` (array ``labels``)."""
        path = Path(path)
        suffix = path.suffix.lower()
        buffer = io.BytesIO()
        if suffix == ".npz":
            np.savez_compressed(buffer, labels=self.labels)
        elif suffix == ".png":
            if self.n_regions > 65535:
                raise ValueError(f"Segmentation.save: {self.n_regions} regions do not fit into a PNG; save as .npz")
            Image.fromarray(self.labels.astype(np.uint16)).save(buffer, "PNG")
        else:
            raise ValueError(f"Segmentation.save: path must end in .png or .npz, got {path.name!r}")
        with atomic(path) as file:
            file.write(buffer.getvalue())

    def _repr_png_(self):
        buffer = io.BytesIO()
        Image.fromarray(self.overlay()).save(buffer, "PNG")
        return buffer.getvalue()


def _as_uint8(picture):
    return np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8)
