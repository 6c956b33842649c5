"""Magnitudes of the answers to a bank of Gabor filters, in one pass over the picture.

    h[y, x] = exp(-(x**2 + y**2) / (2 sigma**2) + 2 pi i frequency (x cos(theta) + y sin(theta))) / norm
    out[i, j, f, o] = |sum over y, x of h[y, x] image[i + y, j + x]|,  |x|, |y| <= radius = ceil(3 sigma)

with theta = pi o / n_orientations, the standard deviation sigma that gives the filter a bandwidth of one octave, and
the norm that makes the sum of |h|**2 equal to 1. The envelope being the same in all directions, the filter is the
product of one down the columns and one along the rows, both complex: with sums C, S down the columns with the cosine
and the sine, and with * for sums along the row,

    real = C * cos - S * sin,  imaginary = C * sin + S * cos

which are the same four sums for theta and, with the other signs, for pi - theta. Four rows at a time are made for all
filters while they are in the cache. Source: B. S. Manjunath and W. Y. Ma, "Texture features for browsing and retrieval
of image data" (1996), for banks of such filters.

O(H W n_orientations radius) time for each frequency; four lines of memory for each filter and thread.
"""

import math

import numpy as np

from . import _validate as check
from ._image import border_index, extend_line, is_large, scratch, unit_scale, write_line
from ._jit import helper
from ._parallel import chunk_size, chunked
from ._separable import ROWS, sum_columns
from ._simd import fma, lanes, load, splat, store, transpose, vsqrt
from .gabor_kernel import envelope


@helper
def _put_magnitudes(lines, at_cosine, at_sine, cosines, sines, length, magnitudes, direct, mirrored):
    """The lines of magnitudes at theta and, if `mirrored` is an index, at pi - theta."""
    step = lanes(lines)
    for j in range(0, length, 2 * step):
        zero = splat(lines, 0.0)
        cc0, ss0, cs0, sc0 = zero, zero, zero, zero
        cc1, ss1, cs1, sc1 = zero, zero, zero, zero
        for k in range(cosines.size):
            c0, c1 = load(lines, at_cosine + j + k), load(lines, at_cosine + j + k + step)
            s0, s1 = load(lines, at_sine + j + k), load(lines, at_sine + j + k + step)
            c, s = splat(lines, cosines[k]), splat(lines, sines[k])
            cc0, ss0, cs0, sc0 = fma(c, c0, cc0), fma(s, s0, ss0), fma(s, c0, cs0), fma(c, s0, sc0)
            cc1, ss1, cs1, sc1 = fma(c, c1, cc1), fma(s, s1, ss1), fma(s, c1, cs1), fma(c, s1, sc1)
        store(magnitudes, direct + j, _magnitude(cc0 - ss0, cs0 + sc0))
        store(magnitudes, direct + j + step, _magnitude(cc1 - ss1, cs1 + sc1))
        if mirrored >= 0:
            store(magnitudes, mirrored + j, _magnitude(cc0 + ss0, sc0 - cs0))
            store(magnitudes, mirrored + j + step, _magnitude(cc1 + ss1, sc1 - cs1))


@helper
def _magnitude(real, imaginary):
    return vsqrt(fma(real, real, imaginary * imaginary))


@helper
def _interleave(magnitudes, start, width, square, n_filters, out, at, length, large):
    """Write the lines of one row, `width` apart from flat index `start`, filter by filter for each pixel."""
    step = lanes(out)
    pitch = square.size // step
    for j in range(0, length, step):
        for f in range(0, n_filters, step):
            transpose(magnitudes, start + f * width + j, width, square, f, pitch)
        for p in range(min(step, length - j)):
            write_line(square, p * pitch, out, at + (j + p) * n_filters, n_filters, large)


@chunked
def _gabor_bank(lo, hi, image, places, columns, weights, filters, large, out):
    # Requires: image (H, W); out (H, W, n_filters); weights, filters from _filters; places, columns from border_index
    # with borders of the largest radius, places with ROWS - 1 entries to spare.
    length, n_filters, step = image.shape[1], out.shape[2], lanes(out)
    border = (columns.size - length) // 2
    begin = -(-border // step) * step  # a line without its border begins at a whole vector
    width = begin + -(-(length + border) // step) * step + 2 * step
    pitch = -(-n_filters // step) * step
    lines, square = scratch(2 * ROWS * width, out), scratch(step * pitch, out)
    magnitudes = scratch(ROWS * pitch * width, out)
    for i in range(lo, hi, ROWS):
        for f in range(len(filters)):
            first, radius, direct, mirrored = filters[f, 0], filters[f, 1], filters[f, 2], filters[f, 3]
            taps = 2 * radius + 1
            for part in range(2):
                down = weights[first + part * taps : first + (part + 1) * taps]
                sum_columns(image, places, down, i + border - radius, 0.0, lines, part * ROWS * width + begin, width)
            cosines = weights[first + 2 * taps : first + 3 * taps]
            sines = weights[first + 3 * taps : first + 4 * taps]
            for q in range(min(ROWS, hi - i)):
                cosine, sine = q * width + begin - border, (ROWS + q) * width + begin - border
                extend_line(lines, cosine, length, columns, 1, 0.0)
                extend_line(lines, sine, length, columns, 1, 0.0)
                row, reach = q * pitch * width, border - radius
                _put_magnitudes(
                    lines, cosine + reach, sine + reach, cosines, sines, length,
                    magnitudes, row + direct * width, row + mirrored * width if mirrored >= 0 else -1,
                )  # fmt: skip
        for q in range(min(ROWS, hi - i)):
            at = (i + q) * length * n_filters
            _interleave(magnitudes, q * pitch * width, width, square, n_filters, out, at, length, large)


def _filters(frequencies, n_orientations, scale):
    """(weights, filters): for each filter and its mirror image the place of its first weight, its radius, and the
    indices of both, -1 for none; its weights are cosines and sines down the columns, then along the rows."""
    weights, filters, place = [], [], 0
    for f, frequency in enumerate(frequencies):
        sigma = envelope(1.0, frequency)
        radius = max(1, math.ceil(3 * sigma))
        taps = np.arange(-radius, radius + 1)
        gauss = np.exp(-(taps**2) / (2 * sigma**2))
        gauss /= math.sqrt((gauss**2).sum())
        for o in range(n_orientations // 2 + 1):
            theta = math.pi * o / n_orientations
            for step, factor in ((math.sin(theta), scale), (math.cos(theta), 1)):
                phase = 2 * math.pi * frequency * step * taps
                weights += [factor * gauss * np.cos(phase), factor * gauss * np.sin(phase)]
            mirrored = n_orientations - o
            has_other = o < mirrored < n_orientations
            base = f * n_orientations
            filters.append((place, radius, base + o, base + mirrored if has_other else -1))
            place += 4 * taps.size
    return np.concatenate(weights), np.array(filters)


def gabor_bank(image, *, frequencies, n_orientations):
    """How strongly each pixel answers to waves of some frequencies in some directions: features of texture.

    Parameters
    ----------
    image : array of shape (H, W)
        uint8 and uint16, which are scaled to [0, 1], or floats. It goes on beyond its border by reflection.
    frequencies : sequence of float
        In cycles for each pixel, greater than 0, at most 0.5. A filter may be larger than the picture.
    n_orientations : int
        At least 1. Filter o answers to waves that go on in the direction o pi / n_orientations, counted from the
        columns towards the rows.

    Returns
    -------
    float32 array of shape (H, W, n_frequencies, n_orientations)
        Magnitudes. The filters are normalised by their energy: the squared magnitudes of the weights of each add up to
        1, so that white noise has the same mean squared answer, its variance, at all frequencies and in all directions.
        A pixel that has a NaN in the reach of a filter, a square of the same size in all directions, is NaN there.

    Raises
    ------
    TypeError, ValueError
        For anything but real numbers in two axes, an empty picture, and frequencies or a number of orientations outside
        of their ranges.
    """
    image = check.as_image("gabor_bank", image, dtypes=(np.uint8, np.uint16, np.float32), ndim=2)
    frequencies = check.as_array("gabor_bank", "frequencies", frequencies, dtypes=(np.float64,), ndim=1, finite=True)
    frequencies = [check.real("gabor_bank", "frequencies", f, above=0, high=0.5) for f in frequencies.tolist()]
    n_orientations = check.integer("gabor_bank", "n_orientations", n_orientations, low=1)

    (height, width), n_filters = image.shape, len(frequencies) * n_orientations
    weights, filters = _filters(frequencies, n_orientations, unit_scale(image.dtype))
    border = int(filters[:, 1].max())
    weights = weights.astype(np.float32)
    out = np.empty((height, width, len(frequencies), n_orientations), np.float32)
    _gabor_bank(
        height, image, border_index(height, border, border + ROWS - 1, "reflect"),
        border_index(width, border, border, "reflect"), weights, filters, is_large(out),
        out.reshape(height, width, n_filters),
        grain=ROWS * chunk_size(ROWS * width * (n_filters + 0.02 * weights.size)),
    )  # fmt: skip
    return out
