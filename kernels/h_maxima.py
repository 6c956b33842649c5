"""Maxima of at least a height: those from which every way up goes down by h first.

Lower the picture by h and let it grow again, each value as far as the picture nowhere on its way is less than it:

    below = image - h;    below[p] = min(image[p], max of below[q] over p and its neighbours q), until nothing changes.

A pixel is such a maximum if it has not grown, image[p] - below[p] >= h: no higher pixel is reached from it without
going down that far.

Growing is done in two sweeps over the picture, downwards and upwards, which take most values where they get, and a
queue for those that go round corners. O(H W) time for the sweeps, and for the queue in practice; 5 bytes for each pixel
beside two copies of the picture.

Source: P. Soille, "Morphological Image Analysis", 2nd edition (2003), section 6.3.4; L. Vincent, "Morphological
grayscale reconstruction in image analysis: applications and efficient algorithms", IEEE Transactions on Image
Processing 2 (1993) 176-201, the hybrid algorithm.
"""

import numpy as np

from . import _validate as check
from ._framed import neighbours
from ._jit import EXACT, helper, kernel
from ._morphology import comparable


@helper(fastmath=EXACT)
def _raise(line, below, at, diagonal):
    """Raise each pixel of a line to the one that belongs to it in the line from `at` on, and to those beside that."""
    n = line.size
    here, left, right = below[at : at + n], below[at - 1 : at - 1 + n], below[at + 1 : at + 1 + n]
    for j in range(line.size):
        value = here[j] if here[j] > line[j] else line[j]
        if diagonal:
            value = left[j] if left[j] > value else value
            value = right[j] if right[j] > value else value
        line[j] = value


@helper(fastmath=EXACT)
def _sweep(line, limit):
    """Carry each value along the line as far as the limits let it."""
    value = line[0]
    for j in range(line.size):
        value = line[j] if line[j] > value else value
        value = limit[j] if limit[j] < value else value
        line[j] = value


@kernel(fastmath=EXACT)
def _grow(image, below, width, connectivity, best, queue, waiting):
    """Let `below` grow under the picture.

    Requires: image, below flat, of lines of `width` with a frame that is less than all else; best as long as a line
    without the frame; queue as long as the picture; waiting false.
    """
    height, n, diagonal = image.size // width, width - 2, connectivity == 2
    for i in range(1, height - 1):
        at = i * width + 1
        line, limit = below[at : at + n], image[at : at + n]
        _raise(line, below, at - width, diagonal)
        _sweep(line, limit)
    for i in range(height - 2, 0, -1):
        at = i * width + 1
        line, limit = below[at : at + n], image[at : at + n]
        _raise(line, below, at + width, diagonal)
        _sweep(line[::-1], limit[::-1])

    end = 0
    for i in range(1, height - 1):
        at = i * width + 1
        line, limit = below[at : at + n], image[at : at + n]
        for j in range(n):
            best[j] = line[j]
        _raise(best, below, at - width, diagonal)
        _raise(best, below, at, True)
        _raise(best, below, at + width, diagonal)
        for j in range(n):
            if best[j] > line[j] and limit[j] > line[j]:
                line[j] = min(best[j], limit[j])
                queue[end], waiting[at + j] = at + j, True
                end += 1
    steps, n_steps = neighbours(connectivity, width)
    begin, count = 0, end
    while count > 0:
        p = queue[begin]
        waiting[p] = False
        begin, count = begin + 1 if begin + 1 < queue.size else 0, count - 1
        for s in range(n_steps):
            q = p + steps[s]
            value = min(below[p], image[q])
            if value > below[q]:
                below[q] = value
                if not waiting[q]:
                    waiting[q] = True
                    place = begin + count
                    queue[place if place < queue.size else place - queue.size] = q
                    count += 1


def h_maxima(image, h, footprint=None):
    """Find the maxima of at least a height.

    Parameters
    ----------
    image : (H, W) array
        Of bool, integers or floats, all finite.
    h : float
        The height, above 0: how far one must go down from the maximum to get to anything higher.
    footprint : (3, 3) array, optional
        The neighbours of a pixel: by default all eight, or those four by an edge.

    Returns
    -------
    (H, W) uint8 array
        1 for the pixels of such maxima, those of the greatest value among them, otherwise 0. All 0 where h is more than
        the difference between the greatest and the least value.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as said.

    Notes
    -----
    As `skimage.morphology.h_maxima`, also in that floats are taken to be higher only beyond their rounding.
    """
    image, _ = comparable("h_maxima", image)
    check.check_finite("h_maxima", "image", image)
    h = check.real("h_maxima", "h", h, above=0)
    connectivity = _connectivity(footprint)
    if h > float(image.max()) - float(image.min()):
        return np.zeros(image.shape, np.uint8)
    if image.dtype.kind in "ui" and h % 1:
        image = image.astype(np.float64)
    elif image.dtype.kind == "i":
        image = image.astype(np.int64)  # which holds the difference of any two
    if image.dtype.kind == "f":
        lowest = -np.inf
        below = image - h - 2 * np.finfo(image.dtype).resolution * np.abs(image)
    else:
        lowest, h = np.iinfo(image.dtype).min, int(h)
        below = np.maximum(image, lowest + h) - image.dtype.type(h)
    framed, below = (np.pad(a, 1, constant_values=lowest) for a in (image, below))
    _grow(
        framed.reshape(-1), below.reshape(-1), framed.shape[1], connectivity, np.empty(image.shape[1], image.dtype),
        np.empty(image.size, np.int32), np.zeros(framed.size, np.bool_),
    )  # fmt: skip
    return (image - below[1:-1, 1:-1] >= h).astype(np.uint8)


def _connectivity(footprint):
    """1 for four neighbours, 2 for eight."""
    if footprint is None:
        return 2
    footprint = np.asarray(footprint)
    if footprint.shape == (3, 3) and footprint.all():
        return 2
    if footprint.shape == (3, 3) and np.array_equal(footprint != 0, [[0, 1, 0], [1, 1, 1], [0, 1, 0]]):
        return 1
    raise ValueError(f"h_maxima: footprint must be 3 x 3 pixels or a cross of five, got {footprint.tolist()}")
