"""Thinning: what is wide shrinks to lines, one pixel wide and connected as before.

The two-subiteration algorithm of Guo and Hall, "Parallel thinning with two-subiteration algorithms", Communications
of the ACM 32 (1989) 359-373, section 2 (algorithm A1). In turn, pixels on the upper right and on the lower left side
go, all those of one subiteration at once. With neighbours x1..x8 counted from the right, anticlockwise, a pixel goes if

    it joins nothing:              1 = sum over k of (not x[2k-1]) and (x[2k] or x[2k+1])
    it ends no line:               2 <= min(sum of x[2k-1] or x[2k], sum of x[2k] or x[2k+1]) <= 3
    it lies on the side in turn:   not ((x2 or x3 or not x8) and x1), and then not ((x6 or x7 or not x4) and x5)

A pixel that stayed is looked at again only after a neighbour went: time O(H W), however wide the shapes; memory 2 bytes
a pixel and three numbers for each that is set.
"""

import numpy as np

from . import _validate as check
from ._jit import EXACT, helper, kernel


def _removable():
    """For each subiteration, and each of the 256 sets of neighbours, whether the pixel goes."""
    x = (np.arange(256)[:, None] >> np.arange(8) & 1).astype(bool)
    edges, corners, next_edges = x[:, ::2], x[:, 1::2], np.roll(x, -1, axis=1)[:, 1::2]
    joins_nothing = (~edges & (corners | next_edges)).sum(axis=1) == 1
    thickness = np.minimum((edges | corners).sum(axis=1), (corners | next_edges).sum(axis=1))
    x1, x2, x3, x4, x5, x6, x7, x8 = x.T
    sides = np.stack([~((x2 | x3 | ~x8) & x1), ~((x6 | x7 | ~x4) & x5)])
    return sides & joins_nothing & (thickness >= 2) & (thickness <= 3)


_REMOVABLE = _removable()


@helper
def _neighbours(pixel, width):
    """The places of x1..x8 in a flat picture."""
    return (
        pixel + 1, pixel - width + 1, pixel - width, pixel - width - 1,
        pixel - 1, pixel + width - 1, pixel + width, pixel + width + 1,
    )  # fmt: skip


@kernel(fastmath=EXACT)
def _thin(picture, waiting, removable, max_num_iter, queues, removed):
    """Thin a picture of 0 and 1 in place.

    Requires: picture (H, W) with a border of 0; waiting (H * W,) all 3, which says in which queues a pixel is; queues
    (2, n) the n pixels that are set; removed (n,).
    """
    width, flat = picture.shape[1], picture.reshape(-1)
    lengths = np.full(2, queues.shape[1])
    iteration = 0
    while iteration < max_num_iter and lengths.max() > 0:
        iteration += 1
        for turn in range(2):
            mine, n_removed = np.uint8(1 << turn), 0
            for k in range(lengths[turn]):
                pixel = queues[turn, k]
                waiting[pixel] &= ~mine
                pattern = 0
                for bit, place in enumerate(_neighbours(pixel, width)):
                    pattern |= int(flat[place]) << bit
                if flat[pixel] and removable[turn, pattern]:
                    removed[n_removed] = pixel
                    n_removed += 1
            lengths[turn] = 0
            for k in range(n_removed):
                flat[removed[k]] = 0
            for k in range(n_removed):
                for place in _neighbours(removed[k], width):
                    for queue in range(2):
                        if flat[place] and not waiting[place] >> queue & 1:
                            waiting[place] |= np.uint8(1 << queue)
                            queues[queue, lengths[queue]] = place
                            lengths[queue] += 1


def thin(image, max_num_iter=None):
    """Thin shapes to lines one pixel wide.

    Parameters
    ----------
    image : (H, W) array of bool or numbers
        What is not 0 is thinned.
    max_num_iter : int, optional
        The most layers that are taken away; by default all.

    Returns
    -------
    (H, W) bool array

    Raises
    ------
    TypeError, ValueError
        If it is not such an array, or `max_num_iter` is less than 1.

    Notes
    -----
    As `skimage.morphology.thin`.
    """
    image = check.as_array("thin", "image", np.asarray(image) != 0, dtypes=(np.bool_,), ndim=2, empty=True)
    if max_num_iter is None:
        max_num_iter = image.size + 1
    max_num_iter = check.integer("thin", "max_num_iter", max_num_iter, low=1)
    picture = np.pad(image, 1).view(np.uint8)
    pixels = np.flatnonzero(picture)
    queues = np.stack([pixels, pixels])
    _thin(picture, np.full(picture.size, 3, np.uint8), _REMOVABLE, max_num_iter, queues, np.empty_like(pixels))
    return picture[1:-1, 1:-1].astype(bool)
