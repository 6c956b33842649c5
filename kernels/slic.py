"""Superpixels: k-means of colours and places, each centre within its window only.

Centres start on a regular grid. A pixel belongs to the centre of least

    |place - place of centre|**2 / step**2 + |colour - colour of centre|**2 / compactness**2

among those in whose window it lies, two grid steps to each side; centres then move to the means of their pixels.
Achanta, Shaji, Smith, Lucchi, Fua and Süsstrunk, "SLIC superpixels compared to state-of-the-art superpixel methods",
IEEE PAMI 34(11), 2012, section 3; SLIC-zero, which in place of the compactness takes the greatest distance of colour
that each superpixel has had, from the authors' page; masks: Irving, "maskSLIC", arXiv:1606.09518.

Row after row, the centres whose windows meet the row compete for its pixels, a vector of them at a time, while the row
is in the nearest cache; sums for the new centres are taken right after. Sums are float64, of bands of rows, and are
combined in order: the same bits for any number of threads.

Time O(H W C) for an iteration, whatever the number of superpixels; memory O(H W C) and 32 sums for each superpixel.
"""

import functools
import math

import numpy as np

from . import _validate as check
from ._bits import mask_bits
from ._image import float_dtype, scratch
from ._jit import EXACT, helper, kernel
from ._parallel import chunk_size, chunked
from ._parts import picture_and_mask, smooth_within
from ._simd import WIDTH, lanes, load, select, splat, store
from .lab import rgb2lab

_BANDS = 32  # of rows, each with its own sums
_NEW, _WAITING = -1, -2  # in place of a number


@kernel(fastmath=EXACT)
def _open_windows(centers, reach, height, width, windows, starts, members):
    """The window of each centre (top, bottom, left, right), and for each row the centres whose windows meet it.

    Requires: reach in rows and in columns; starts (H + 1,); members as long as all windows together are high.
    """
    for k in range(centers.shape[0]):
        r, c = np.float64(centers[k, 0]), np.float64(centers[k, 1])
        windows[k, 0], windows[k, 1] = int(max(r - reach[0], 0.0)), int(min(r + reach[0] + 1, float(height)))
        windows[k, 2], windows[k, 3] = int(max(c - reach[1], 0.0)), int(min(c + reach[1] + 1, float(width)))
    filled = np.zeros(height, np.int64)
    for k in range(centers.shape[0]):
        for r in range(windows[k, 0], windows[k, 1]):
            filled[r] += 1
    starts[0] = 0
    for r in range(height):
        starts[r + 1] = starts[r] + filled[r]
        filled[r] = 0
    for k in range(centers.shape[0]):
        for r in range(windows[k, 0], windows[k, 1]):
            members[starts[r] + filled[r]] = k
            filled[r] += 1


@helper(fastmath=EXACT)
def _compete(r, k, left, right, planes, centers, weights, scale, places, use_color, distance, nearest):
    """Centre k takes the pixels of row r from left to right - 1 that are nearer to it than to any other, or as near and
    its number is lower.

    The order of sums is that of the definition, without fused multiply-add: equal distances stay equal.
    """
    step, (_, n_channels, pitch) = lanes(planes), planes.shape
    down = scale[0] * (centers[k, 0] - places[r])
    down *= down
    number = centers.dtype.type(k)
    for c in range(left // step * step, right, step):
        columns, before = load(places, c), load(distance, c)
        across = scale[1] * (centers[k, 1] - columns)
        total = (down + across * across) * scale[2]
        if mask_bits(total <= before) == 0:  # whatever the colours
            continue
        if use_color:
            color = splat(total, 0.0)
            for channel in range(n_channels):
                difference = load(planes, (r * n_channels + channel) * pitch + c) - centers[k, 2 + channel]
                color = color + difference * difference
            total = total + color * weights[k]
        holder = load(nearest, c)
        nearer = (total < before) | ((total == before) & (number < holder))
        nearer = nearer & (places[left] <= columns) & (columns < places[right])
        store(distance, c, select(nearer, total, before))
        store(nearest, c, select(nearer, splat(total, number), holder))


@helper
def _sum(line, begin, end):
    total = 0.0
    for c in range(begin, end):
        total += np.float64(line[c])
    return total


@chunked(fastmath=EXACT)
def _assign(
    lo,
    hi,
    planes,
    allowed,
    windows,
    starts,
    members,
    centers,
    weights,
    scale,
    places,
    use_color,
    labels,
    sums,
    lost,
    grain,
):
    """Assign the pixels of rows lo..hi-1 to their nearest centres, and sum what the centres become the means of.

    Requires: planes (H, C, pitch), pitch a multiple of a vector; places 0, 1, 2, ... as far as rows and columns go, and
    all of the dtype of planes; scale of rows, columns and squares of places; labels (H, W), -1 to begin with. sums
    (n_bands, n, 3 + C) of pixels, rows, columns, colours; lost (n_bands,) counts pixels that no window reaches.
    """
    width, n_channels, pitch = labels.shape[1], planes.shape[1], planes.shape[2]
    band = sums[lo // grain]
    for k in range(band.shape[0]):
        for f in range(band.shape[1]):
            band[k, f] = 0
    distance, nearest, n_lost = scratch(pitch, planes), scratch(pitch, planes), 0
    for r in range(lo, hi):
        for c in range(pitch):
            distance[c] = -1  # nothing is nearer
            nearest[c] = -1
        for c in range(width):
            if allowed[r, c]:
                distance[c] = np.inf
                nearest[c] = labels[r, c]
        # Centres in rows nearby come first: most of the others are then too far away, whatever their colours.
        for turn in range(2):
            for m in range(starts[r], starts[r + 1]):
                k = members[m]
                is_near = 4 * abs(centers[k, 0] - places[r]) <= windows[k, 1] - windows[k, 0]
                if is_near == (turn == 0):
                    left, right = windows[k, 2], windows[k, 3]
                    _compete(
                        r, k, left, right, planes, centers, weights, scale, places, use_color, distance, nearest
                    )  # fmt: skip
        begin = 0
        while begin < width:
            k, end = int(nearest[begin]), begin + 1
            while end < width and nearest[end] == nearest[begin]:
                end += 1
            for c in range(begin, end):
                labels[r, c] = k
            if k >= 0:
                n = end - begin
                band[k, 0] += n
                band[k, 1] += n * r
                band[k, 2] += n * (begin + end - 1) / 2
                for channel in range(n_channels):
                    band[k, 3 + channel] += _sum(planes[r, channel], begin, end)
            else:
                for c in range(begin, end):
                    n_lost += allowed[r, c]
            begin = end
    lost[lo // grain] = n_lost


@chunked(fastmath=EXACT)
def _farthest(lo, hi, planes, labels, centers, farthest, grain):
    """The greatest squared distance of colour of each centre's pixels; farthest (n_bands, n) zeros."""
    band = farthest[lo // grain]
    for r in range(lo, hi):
        for c in range(labels.shape[1]):
            k = labels[r, c]
            if k >= 0:
                color = planes[r, 0, c] * 0
                for channel in range(planes.shape[1]):
                    difference = planes[r, channel, c] - centers[k, 2 + channel]
                    color += difference * difference
                band[k] = max(band[k], color)


@chunked(fastmath=EXACT)
def _to_planes(lo, hi, image, factor, planes):
    """(H, W, C) times a factor as (H, C, pitch); the rest of a line becomes 0."""
    _, width, n_channels = image.shape
    for r in range(lo, hi):
        for channel in range(n_channels):
            line = planes[r, channel]
            for c in range(width):
                line[c] = image[r, c, channel] * factor
            for c in range(width, line.size):
                line[c] = 0


@helper(fastmath=EXACT)
def _grow(labels, seed, number, max_size, steps, out, queue):
    """Number the pixels of one label around a seed, breadth first, up to max_size of them.

    Returns how many those are, and the number met last of any other region, or _NEW.
    """
    queue[0], end, done, beside = seed, 1, 0, _NEW
    out[seed] = number
    while done < end < max_size:
        for step in steps:
            pixel = queue[done] + step
            if labels[pixel] == labels[seed] and out[pixel] == _NEW:
                out[pixel] = number
                queue[end] = pixel
                end += 1
                if end >= max_size:
                    break
            elif out[pixel] >= 0 and out[pixel] != number:
                beside = out[pixel]
        done += 1
    return end, beside


@helper(fastmath=EXACT)
def _adopt(number, end, steps, out, queue):
    """Number all pixels that wait beside the first `end` of the queue, or beside each other; returns how many."""
    done, first = 0, end
    while done < end:
        for step in steps:
            pixel = queue[done] + step
            if out[pixel] == _WAITING:
                out[pixel] = number
                queue[end] = pixel
                end += 1
        done += 1
    return end - first


@kernel(fastmath=EXACT)
def _connect(labels, pitch, min_size, max_size, out, queue):
    """Number the connected parts of regions, of at most max_size pixels; one of fewer than min_size joins a neighbour.

    Where no neighbour has a number yet, it waits for the first that gets one.

    Requires: labels flat, with lines of `pitch` and a border of -1, as for pixels of no region; out likewise, all _NEW;
    queue as large.
    """
    steps = (1, -1, pitch, -pitch)
    number = n_waiting = 0
    for seed in range(labels.size):
        if labels[seed] < 0 or out[seed] != _NEW:
            continue
        size, final = _grow(labels, seed, number, max_size, steps, out, queue)
        if size >= min_size:
            final = number
            number += 1
        else:
            if final == _NEW:
                final = _WAITING
                n_waiting += size
            for k in range(size):
                out[queue[k]] = final
        if final >= 0 and n_waiting > 0:
            n_waiting -= _adopt(final, size, steps, out, queue)
    if n_waiting > 0:  # parts of the mask that are small themselves
        for seed in range(labels.size):
            if out[seed] == _WAITING:
                out[seed], queue[0] = number, seed
                _adopt(number, 1, steps, out, queue)
                number += 1


def _connected(labels, min_size, max_size):
    """Connected regions, counted from 0; -1 where labels are."""
    padded = np.pad(labels, 1, constant_values=-1)
    out = np.full_like(padded, _NEW)
    _connect(
        padded.reshape(-1), padded.shape[1], min_size, max_size, out.reshape(-1), np.empty(padded.size, np.int64)
    )  # fmt: skip
    return out[1:-1, 1:-1]


def _grid(shape, n):
    """(first places, steps) in both directions of about n places at equal distances."""
    height, width = shape
    if height * width <= n:
        return (0, 0), (1, 1)
    steps = [math.sqrt(height * width / n)] * 2
    short = int(width < height)
    if steps[0] > shape[short]:
        steps[short], steps[1 - short] = shape[short], shape[1 - short] / n
    return [int(s // 2) for s in steps], [round(s) for s in steps]


def _seeds(shape, n):
    """Places of about n centres on a grid, and its wider step."""
    (top, left), (down, right) = _grid(shape, n)
    places = np.mgrid[top : shape[0] : down, left : shape[1] : right]
    return places.reshape(2, -1).T, max(down, right)


def _seeds_within(allowed, n):
    """Places of n centres, in the middle of parts of equally many pixels, and the side of a square of as many.

    The parts are pieces of one band that winds through the mask, to the right and back to the left below.
    """
    rows, columns = np.nonzero(allowed)
    area, n = len(rows), min(n, len(rows))
    step = math.sqrt(area / n)
    some = slice(None, None, max(1, area // (100 * n)))
    rows, columns = rows[some], columns[some]
    band = rows // math.ceil(step)
    order = np.lexsort((np.where(band % 2, -columns, columns), band))
    part = np.arange(len(order)) * n // len(order)
    places = [np.bincount(part, along[order]) / np.bincount(part) for along in (rows, columns)]
    return np.stack(places, axis=1), step


def _iterate(planes, allowed, centers, step, spacing, max_num_iter, slic_zero, use_color):
    """Assign and move centres, in turn. Returns the labels of the last turn, -1 outside the mask, and the centres."""
    (height, width), dtype, n = allowed.shape, planes.dtype, len(centers)
    centers = centers.astype(dtype)
    scale = np.array([*spacing, 1 / (step * step)], dtype)
    places = np.arange(max(height, planes.shape[2]) + 1).astype(dtype)
    reach = 2 * np.array(_grid((height, width), n)[1])
    grain = -(-height // _BANDS)
    n_bands = -(-height // grain)
    labels = np.full((height, width), -1, np.int32)
    weights, limits, lost = np.ones(n, dtype), np.ones(n, dtype), np.zeros(n_bands, np.int64)
    sums, windows = np.empty((n_bands, n, 3 + planes.shape[1])), np.empty((n, 4), np.int64)
    starts = np.empty(height + 1, np.int64)
    turn = 0
    while turn < max_num_iter:
        members = np.empty(n * min(height, 2 * int(reach[0]) + 2), np.int32)
        _open_windows(centers, reach, height, width, windows, starts, members)
        _assign(
            height, planes, allowed, windows, starts, members, centers, weights, scale, places, use_color, labels, sums,
            lost, grain, grain=grain,
        )  # fmt: skip
        if lost.any():  # the mask has parts far from all centres
            reach *= 2
            continue
        turn += 1
        totals = sums.sum(axis=0)
        taken = totals[:, 0] > 0
        centers[taken] = totals[taken, 1:] / totals[taken, :1]
        if slic_zero:
            farthest = np.zeros((n_bands, n), dtype)
            _farthest(height, planes, labels, centers, farthest, grain, grain=grain)
            limits = np.maximum(limits, farthest.max(axis=0))
            weights = 1 / limits
    return labels, centers


def slic(
    image, n_segments=100, compactness=10.0, max_num_iter=10, sigma=0, spacing=None, convert2lab=None,
    enforce_connectivity=True, min_size_factor=0.5, max_size_factor=3, slic_zero=False, start_label=1, mask=None, *,
    channel_axis=-1,
):  # fmt: skip
    """Divide a picture into superpixels: parts of about one size that follow its edges.

    Parameters
    ----------
    image : array of shape (H, W) or (H, W, C)
        uint8, uint16, float32 or float64, with any number of channels. Before all else its values are brought to
        [0, 1], from the least to the greatest.
    n_segments : int
        About how many superpixels there are to be.
    compactness : float
        How much places count, against colours; from 1e-9 to 1e9. With `slic_zero` only to begin with.
    max_num_iter : int
        How often pixels are assigned and centres moved.
    sigma : float or (float, float)
        Standard deviation of the Gaussian that smooths the picture, in pixels of spacing 1; or in rows and columns.
    spacing : (float, float), optional
        Distances of two rows and of two columns; from 1e-6 to 1e6, 1 by default.
    convert2lab : bool, optional
        Whether to take the picture for RGB and measure colours in Lab; by default where it has three channels.
    enforce_connectivity : bool
        Whether superpixels are connected. Their parts, by edges of pixels, then become superpixels of their own, and
        small ones join a neighbour.
    min_size_factor, max_size_factor : float
        The least and the greatest size of a connected superpixel, in mean sizes.
    slic_zero : bool
        Whether each superpixel adapts its compactness to its colours.
    start_label : {0, 1}
        The first number. Pixels of no superpixel have the one before.
    mask : (H, W) array of bool, optional
        Only pixels where it is True belong to superpixels, and to the picture: the others may hold anything. Centres
        are spread over them, and move as places alone first.
    channel_axis : int or None
        Which axis of a picture with three counts the channels. None for pictures without.

    Returns
    -------
    (H, W) int32 array
        The superpixel of each pixel.

    Raises
    ------
    TypeError, ValueError
        If it is not such a picture, not finite, or has no pixels, or an argument is out of its range.

    Notes
    -----
    As `skimage.segmentation.slic` for two dimensions. It differs within a mask, where centres start on a band that
    winds through it, smoothing looks at no pixel outside, and every pixel belongs to a superpixel; and in that a centre
    without pixels stays where it is. uint8 and uint16 are worked in float32, not float64: a few pixels that are all but
    equally near to two centres may belong to the other one.
    """
    name = "slic"
    image, allowed = picture_and_mask(name, image, channel_axis, mask)
    n_segments = check.integer(name, "n_segments", n_segments, low=1)
    compactness = check.real(name, "compactness", compactness, low=1e-9, high=1e9)
    max_num_iter = check.integer(name, "max_num_iter", max_num_iter, low=1)
    spacing = _pair(name, "spacing", 1.0 if spacing is None else spacing, low=1e-6, high=1e6)
    along = _pair(name, "sigma", sigma, low=0)
    if np.ndim(sigma) == 0:
        along = [s / d for s, d in zip(along, spacing, strict=True)]
    least = check.real(name, "min_size_factor", min_size_factor, low=0)
    most = check.real(name, "max_size_factor", max_size_factor, low=0)
    start_label = check.integer(name, "start_label", start_label, low=0, high=1)
    if convert2lab is None:
        convert2lab = image.shape[2] == 3
    elif convert2lab and image.shape[2] != 3:
        raise ValueError(f"{name}: convert2lab needs an image of 3 channels, got {image.shape[2]}")

    height, width, n_channels = image.shape
    counted = image if allowed is None else image[allowed]
    if counted.size == 0:
        return np.full((height, width), start_label - 1, np.int32)
    dtype = float_dtype(image.dtype)
    low, high = dtype.type(counted.min()), dtype.type(counted.max())
    if float(high) - float(low) > np.finfo(dtype).max:
        raise ValueError(f"{name}: image must have a range within that of {dtype}, got from {low} to {high}")
    image = (image - low) / (high - low if high > low else dtype.type(1))
    if allowed is not None:
        image[~allowed] = 0
    if convert2lab:
        image = rgb2lab(image)
    image = smooth_within(image, along, allowed)
    step = WIDTH // 8 // dtype.itemsize
    planes = np.empty((height, n_channels, -(-width // step) * step), dtype)
    _to_planes(
        height, image, dtype.type(1 / compactness), planes, grain=chunk_size(1.0 * n_channels * width)
    )  # fmt: skip

    iterate = functools.partial(_iterate, planes, spacing=spacing, max_num_iter=max_num_iter, slic_zero=slic_zero)
    if allowed is None:
        allowed = np.ones((height, width), bool)
        places, step = _seeds((height, width), n_segments)
        centers = np.concatenate([places, np.zeros((len(places), n_channels))], axis=1)
    else:
        places, step = _seeds_within(allowed, n_segments)
        centers = np.concatenate([places, np.zeros((len(places), n_channels))], axis=1)
        _, centers = iterate(allowed, centers, step, use_color=False)
    labels, _ = iterate(allowed, centers, step, use_color=True)
    if enforce_connectivity:
        size = np.count_nonzero(allowed) / len(centers)
        labels = _connected(labels, int(least * size), max(1, int(most * size)))
    return labels + np.int32(start_label)


def _pair(function, name, value, **limits):
    """One number for rows and columns, or one for each."""
    values = [value, value] if np.ndim(value) == 0 else list(value)
    if len(values) != 2:
        raise ValueError(f"{function}: {name} must be one number or one for each of 2 axes, got {len(values)}")
    return [check.real(function, name, v, **limits) for v in values]
