"""Connected components of a label map in two or three dimensions, by runs and union-find.

A row falls into runs of equal values, and two runs of adjacent rows belong together where they have the same
value and touch. A row has one adjacent row among the earlier, and in a volume, whose planes lie one after the other,
up to four. Each run is a node of a forest of disjoint sets whose parents always come earlier in raster order, so that
the root of a component is its first run, and one pass in raster order turns parents into consecutive numbers: by the
time a run is met, the number of its parent is known. Bands of rows are joined in parallel, then their seams.

A map of changes (one byte a pixel: does its value differ from its left neighbour's?) says where runs begin.
Eight columns without a change in either row are passed over by one test, and in the others the pairs of runs
to be joined are listed without a branch on the data, so that noise costs no mispredictions there.

After Wu, Otoo and Suzuki, "Optimizing two-pass connected-component labeling algorithms", Pattern Analysis and
Applications 12 (2009) 117-135, section 3, with runs in place of pixels (He, Chao and Suzuki, IEEE Transactions
on Image Processing 17 (2008) 749-756). Time O(N) for N pixels; memory 5 bytes a pixel beside the result, of which
only what the runs need is touched.
"""

import numpy as np

from ._bits import bit_count
from ._jit import helper, kernel
from ._parallel import chunked
from ._sets import root
from ._validate import as_array, as_labels, integer

_BAND_PIXELS = 2**16
_BAND_PLANES = 8  # of a volume, at least: all rows of the first of them are seams
_WORD = 8  # columns whose changes are tested at once
_ONE = np.uint64(1)


@helper
def _join(parents, a, b):
    """Unite the sets of two runs; the earlier root becomes the root of both."""
    a, b = root(parents, a), root(parents, b)
    if a < b:
        parents[b] = a
    else:
        parents[a] = b


@helper
def _up_to_lowest(word):
    """A mask of all bits up to the lowest that is set in `word`, itself included."""
    return word ^ (word - _ONE)


@helper
def _begin_runs(image, background, row, changes, marks, parents):
    """Map the changes of a row and make each of its runs a set of its own. Returns the number of runs."""
    width = image.shape[1]
    values, changed, empty = image[row], changes[row].view(np.uint8), marks[0].view(np.uint8)
    left, right, right_changed = values[: width - 1], values[1:], changed[1:]
    for column in range(width - 1):
        right_changed[column] = left[column] != right[column]
    changed[0] = 0
    changed[width:] = 0
    for column in range(width):
        empty[column] = changed[column] & (values[column] == background)
    empty[0] = values[0] == background
    empty[width:] = 0
    count = 1
    for k in range(changes.shape[1]):
        count += bit_count(changes[row, k])
    first = row * width
    runs = parents[first : first + count]
    for k in range(count):
        runs[k] = first + k
    run = 0
    for k in range(changes.shape[1]):
        word = marks[0, k]
        while word != 0:
            runs[run + bit_count(changes[row, k] & _up_to_lowest(word))] = -1
            word &= word - _ONE
        run += bit_count(changes[row, k])
    return count


@helper
def _join_rows(image, background, above_row, row, diagonal, changes, marks, parents):
    """Unite touching runs of `row` and an adjacent earlier one, `diagonal` if by corners, too; `marks` is scratch.

    Runs that share a column do so first where one of them begins. Runs that touch by a corner only do so where
    both rows change.
    """
    width = image.shape[1]
    above, here = image[above_row], image[row]
    above_changed, here_changed = changes[above_row].view(np.uint8), changes[row].view(np.uint8)
    straight, falling, rising = marks[0].view(np.uint8), marks[1].view(np.uint8), marks[2].view(np.uint8)
    for column in range(width):
        joined = (above[column] == here[column]) & (here[column] != background)
        straight[column] = (above_changed[column] | here_changed[column]) & joined
    straight[0] = (above[0] == here[0]) & (here[0] != background)
    straight[width:] = 0
    if diagonal:
        _mark_corners(above, here, background, above_changed, here_changed, falling)
        _mark_corners(here, above, background, above_changed, here_changed, rising)
    i, j = above_row * width, row * width
    for k in range(changes.shape[1]):
        above_word, here_word = changes[above_row, k], changes[row, k]
        _join_marked(marks[0, k], above_word, here_word, i, j, parents)
        if diagonal:
            _join_marked(marks[1, k], above_word, here_word, i - 1, j, parents)
            _join_marked(marks[2, k], above_word, here_word, i, j - 1, parents)
        i += bit_count(above_word)
        j += bit_count(here_word)


@helper
def _mark_corners(left, right, background, above_changed, here_changed, marked):
    """Mark columns where both rows change and a pixel of `left` touches one of `right` by a corner."""
    width = left.size
    before, after = left[: width - 1], right[1:]
    above_changes, here_changes, marks = above_changed[1:], here_changed[1:], marked[1:]
    for column in range(width - 1):
        joined = (before[column] == after[column]) & (after[column] != background)
        marks[column] = above_changes[column] & here_changes[column] & joined
    marked[0] = 0
    marked[width:] = 0


@helper
def _join_marked(word, above_changes, here_changes, i, j, parents):
    """Unite the runs at the marked columns of a word; `i` and `j` are those before its first change."""
    while word != 0:
        columns = _up_to_lowest(word)
        _join(parents, i + bit_count(above_changes & columns), j + bit_count(here_changes & columns))
        word &= word - _ONE


@helper
def _adjacent(row, height, link):
    """The row that a link leads to from `row`, negative where there is none."""
    place = row % height + link[1]
    return row + link[0] * height + link[1] if 0 <= place < height else -1


@chunked
def _join_bands(lo, hi, image, background, height, links, counts, changes, parents):
    """Find the runs of rows lo..hi-1 and unite them. Run number k of a row is node row * W + k.

    Requires: image (rows, W) with W > 0, of planes of `height` rows; links (n, 3) to earlier rows: planes and rows
    away, and whether corners touch; counts (rows,); changes (rows, W / 8 rounded up) uint64; parents (rows * W,).
    """
    marks = np.empty((3, changes.shape[1]), np.uint64)
    for row in range(lo, hi):
        counts[row] = _begin_runs(image, background, row, changes, marks, parents)
        for k in range(links.shape[0]):
            other = _adjacent(row, height, links[k])
            if other >= lo:
                _join_rows(image, background, other, row, links[k, 2] != 0, changes, marks, parents)


@kernel
def _number(image, background, band, height, links, counts, changes, parents):
    """Unite runs across seams, then replace each run's parent by its component's number; background 0."""
    n_rows, width = image.shape
    marks = np.empty((3, changes.shape[1]), np.uint64)
    for start in range(band, n_rows, band):
        for k in range(links.shape[0]):
            for row in range(start, min(start - links[k, 0] * height - links[k, 1], n_rows)):
                other = _adjacent(row, height, links[k])
                if other >= 0:
                    _join_rows(image, background, other, row, links[k, 2] != 0, changes, marks, parents)
    n = 0
    for row in range(n_rows):
        first = row * width
        for run in range(first, first + counts[row]):
            parent = parents[run]
            if parent < 0:
                parents[run] = 0
            elif parent == run:
                n += 1
                parents[run] = n
            else:
                parents[run] = parents[parent]
    return n


@chunked
def _paint(lo, hi, changes, numbers, labels):
    width = labels.shape[1]
    for row in range(lo, hi):
        out, changed = labels[row], changes[row].view(np.uint8)
        run = row * width
        for word in range(width // _WORD):
            part = out[_WORD * word : _WORD * word + _WORD]
            number = numbers[run]
            if changes[row, word] == 0:
                for k in range(_WORD):
                    part[k] = number
            else:
                part_changed = changed[_WORD * word : _WORD * word + _WORD]
                for k in range(_WORD):
                    run += int(part_changed[k])
                    part[k] = numbers[run]
        for column in range(width // _WORD * _WORD, width):
            run += int(changed[column])
            out[column] = numbers[run]


def _links(ndim, connectivity):
    """The earlier rows that touch a row: planes and rows away, and whether pixels do so by a corner of the row's."""
    steps = [(0, -1), (-1, -1), (-1, 0), (-1, 1)][: 1 if ndim == 2 else None]
    near = [(plane, row, abs(plane) + abs(row)) for plane, row in steps]
    return np.array([(plane, row, d < connectivity) for plane, row, d in near if d <= connectivity], np.int64)


def label(image, *, connectivity=None, background=0, return_num=False):
    """Number the connected components of a label map.

    Two pixels belong to one component if a path of touching pixels of the same value leads from one to the
    other.

    Parameters
    ----------
    image : (H, W) or (D, H, W) array of bool or integers
        A map or a volume of D planes. Values must fit into int32.
    connectivity : int, optional
        In how many coordinates touching pixels may differ, by one. 1: 4 neighbours in a map, 6 in a volume. 2: 8
        neighbours (by an edge or a corner), 18 in a volume. 3: 26 neighbours. By default all the dimensions.
    background : int, optional
        Pixels of this value belong to no component. None means 0.
    return_num : bool, optional
        Whether to return the number of components, too.

    Returns
    -------
    labels : int32 array of the shape of `image`
        0 for the background, components counted from 1 by their first pixel in raster order.
    num : int
        Only with `return_num`.

    Raises
    ------
    TypeError
        If `image` is not of bool or integers, or an argument is no int.
    ValueError
        If `image` has not two or three dimensions or has values beyond int32, or `connectivity` is not from 1 to
        its number of dimensions.

    Notes
    -----
    As `skimage.measure.label`. The result does not depend on the number of threads.
    """
    background = 0 if background is None else integer("label", "background", background, low=-(2**31), high=2**31 - 1)
    image = np.asarray(image)
    if image.dtype in (np.bool_, np.uint8) and 0 <= background <= 255:
        image = as_array("label", "image", image.view(np.uint8), dtypes=(np.uint8,), ndim=(2, 3), empty=True)
    else:
        image = as_labels("label", "image", image, ndim=(2, 3))
    ndim = image.ndim
    connectivity = ndim if connectivity is None else integer("label", "connectivity", connectivity, low=1, high=ndim)
    background = image.dtype.type(background)  # compared with pixels 64 at a time, hence of their dtype
    labels = np.empty(image.shape, np.int32)
    num = 0
    if image.size:
        height, width = image.shape[-2:]
        rows, out = image.reshape(-1, width), labels.reshape(-1, width)
        band = max(1, _BAND_PIXELS // width, _BAND_PLANES * height if ndim == 3 else 1)
        counts = np.empty(len(rows), np.int64)
        changes = np.empty((len(rows), -(-width // _WORD)), np.uint64)
        parents = np.empty(image.size, np.int32 if image.size < 2**31 else np.int64)
        links = _links(ndim, connectivity)
        _join_bands(len(rows), rows, background, height, links, counts, changes, parents, grain=band)
        num = _number(rows, background, band, height, links, counts, changes, parents)
        _paint(len(rows), changes, parents, out, grain=band)
    return (labels, num) if return_num else labels
