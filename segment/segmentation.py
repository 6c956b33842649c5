"""What a segmentation is: labels, and ways to look at them."""

import csv
import io
import json
from pathlib import Path

import numpy as np
from PIL import Image

from ..kernels import _validate as check
from ..kernels import region_adjacency
from .files import atomic

_INK = np.array((1.0, 0.85, 0.35), np.float32)
_GROUT = np.array((0.16, 0.15, 0.14), np.float32)
_BRIGHTNESS = np.array((0.2125, 0.7154, 0.0721), np.float32)  # of R, G, B, as in ITU-R BT.709

_TABLE = np.dtype(
    [
        ("label", np.int32),
        ("area", np.int64),
        ("centroid", np.float64, 2),
        ("box", np.int64, 4),
        ("mean_color", np.float32, 3),
        ("texture", np.float32),
        ("perimeter", np.int64),
        ("n_neighbors", np.int64),
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

    def overlay(self, *, mix=0.0):
        """The picture with its boundaries drawn in: (H, W, 3) uint8.

        `mix`, from 0 to 1, is the part of each region's mean colour: with 0.5 regions and picture are half and half.
        """
        mix = check.real("Segmentation.overlay", "mix", mix, low=0, high=1)
        line = self.boundaries()
        # A dark rim lets the line stand out on light ground as well.
        rim = line.copy()
        rim[1:] |= line[:-1]
        rim[:, 1:] |= line[:, :-1]
        rim[:-1] |= line[1:]
        rim[:, :-1] |= line[:, 1:]
        picture = self.image.copy()
        if mix > 0:
            share = np.float32(mix) * (self.labels >= 0)[..., None]
            picture += share * (self._in_mean_colors() - picture)
        picture[rim] *= 0.45
        picture[line] = _INK
        return _as_uint8(picture)

    def mosaic(self):
        """Every region in its mean colour, with grout between: (H, W, 3) uint8."""
        picture = self._in_mean_colors()
        line = self.boundaries()
        picture[line] = 0.35 * picture[line] + 0.65 * _GROUT
        return _as_uint8(picture)

    def _in_mean_colors(self):
        """The picture with every region in its mean colour, and pixels of none in that of the grout."""
        graph = self._graph(self.image)
        means = (graph.sums / graph.area[:, None]).astype(np.float32)
        return np.concatenate([means, _GROUT[None]]).take(self.labels, axis=0)  # -1 is the last

    def regions(self):
        """A structured array with one row for each region.

        Fields: ``label``; ``area`` in pixels; ``centroid`` (row, column); ``box`` (first row, first column, and those
        behind the last); ``mean_color``, RGB in [0, 1]; ``texture``, the standard deviation of brightness;
        ``perimeter``, the edges of its pixels that lead out of it or out of the picture; ``n_neighbors``.
        """
        width = self.labels.shape[1]
        inside = self.labels.ravel() >= 0
        labels = self.labels.ravel()[inside]
        n = self.n_regions
        brightness = self.image @ _BRIGHTNESS
        graph = self._graph(np.dstack([self.image, brightness, brightness * brightness]))
        pixels = np.flatnonzero(inside)
        rows, columns = pixels // width, pixels % width
        table = np.zeros(n, _TABLE)
        table["label"], table["area"] = np.arange(n), graph.area
        for k, place in enumerate((rows, columns)):
            table["centroid"][:, k] = np.bincount(labels, place, n) / graph.area
            first, last = np.full(n, np.iinfo(np.int64).max), np.full(n, -1)
            np.minimum.at(first, labels, place)
            np.maximum.at(last, labels, place)
            table["box"][:, k], table["box"][:, k + 2] = first, last + 1
        means = graph.sums / graph.area[:, None]
        table["mean_color"] = means[:, :3]
        table["texture"] = np.sqrt(np.maximum(means[:, 4] - means[:, 3] ** 2, 0))
        bordered = np.pad(self.labels, 1, constant_values=-1)
        for neighbor in (bordered[:-2, 1:-1], bordered[2:, 1:-1], bordered[1:-1, :-2], bordered[1:-1, 2:]):
            table["perimeter"] += np.bincount(self.labels[(neighbor != self.labels) & (self.labels >= 0)], minlength=n)
        table["n_neighbors"] = np.bincount(graph.edges.ravel(), minlength=n)
        return table

    def neighbors(self):
        """(E, 2) int32 array: pairs of regions that share an edge of a pixel, each once, in ascending order."""
        return self._graph(None).edges

    def _graph(self, image):
        return region_adjacency(self.labels, image)

    def save(self, path):
        """Write the labels or the table of regions, whole or not at all, as the ending of `path` says.

        ``.png``: labels in 16 bits, -1 as 65535. ``.npz``: labels as the array ``labels``. ``.csv`` and ``.json``: the
        table of `regions`, and in ``.json`` the neighbors of each.
        """
        path = Path(path)
        suffix = path.suffix.lower()
        buffer = io.BytesIO()
        if suffix == ".npz":
            np.savez_compressed(buffer, labels=self.labels)
        elif suffix == ".png":
            if self.n_regions > 65535:
                raise ValueError(f"Segmentation.save: {self.n_regions} regions do not fit into a PNG; save as .npz")
            Image.fromarray(self.labels.astype(np.uint16)).save(buffer, "PNG")
        elif suffix == ".csv":
            buffer.write(self._csv().encode())
        elif suffix == ".json":
            buffer.write(self._json().encode())
        else:
            raise ValueError(f"Segmentation.save: path must end in .png, .npz, .csv or .json, got {path.name!r}")
        with atomic(path) as file:
            file.write(buffer.getvalue())

    def _csv(self):
        parts = {"centroid": ("row", "column"), "box": ("top", "left", "bottom", "right"), "mean_color": "rgb"}
        header = [
            name if name not in parts else f"{name}_{part}"
            for name in _TABLE.names
            for part in parts.get(name, (name,))
        ]
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(header)
        for row in self.regions():
            writer.writerow([value for field in row.tolist() for value in np.atleast_1d(field).tolist()])
        return text.getvalue()

    def _json(self):
        neighbors = [[] for _ in range(self.n_regions)]
        for a, b in self.neighbors().tolist():
            neighbors[a].append(b)
            neighbors[b].append(a)
        rows = [
            {**{name: np.asarray(value).tolist() for name, value in zip(_TABLE.names, row.tolist())}, "neighbors": near}
            for row, near in zip(self.regions(), neighbors)
        ]
        return json.dumps({"shape": self.labels.shape, "regions": rows}, indent=1)

    def _repr_png_(self):
        buffer = io.BytesIO()
        Image.fromarray(self.overlay()).save(buffer, "PNG")
        return buffer.getvalue()


def _as_uint8(picture):
    return np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8)
