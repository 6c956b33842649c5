"""Correlation of a picture with a kernel of any size.

    out[i, j] = sum over k, l of weights[k, l] image[i + k - before, j + l - before'],  before = KH // 2 + origin

Two ways, the cheaper for the kernel at hand:

- Directly. The lines go with their borders through a ring in the cache; a tile of rows and vectors of sums stays in
  registers while each pixel is read once for all rows of the tile that it counts for. Weights of 0 cost nothing.
- As a sum of separable filters, in the two passes of `_separable`. The singular value decomposition of the kernel,
  weights = sum over t of down[t] along[t]', tells how many there must be: one for a Gaussian or a box, two for its
  Laplacian or a Gabor filter. What is left out is below the rounding of the weights to the working dtype.

O(H W C KH KW) time directly, O(H W C (KH + KW)) for each separable filter.
"""

import numpy as np

from . import _validate as check
from ._image import MODES, border_index, channels_last, fetch_line, float_dtype, scratch
from ._parallel import chunk_size, chunked
from ._separable import separable
from ._simd import REGISTERS, lanes
from ._tile import rank_one_where, store_tile, tile_of_row

_ROWS, _VECTORS = 6, 4 if REGISTERS == 32 else 2  # of a tile
_SECOND_PASS = 15  # what the second pass of separable filters costs by itself, in taps


@chunked
def _correlate(lo, hi, image, places, columns, taps, weights, channels, cval, out):
    # Requires: image, out (H, W C); taps, weights from _taps, the columns of taps in elements of a bordered line;
    # places, columns from border_index, places with _ROWS - 1 entries to spare, columns with equal borders.
    length, step = image.shape[1], lanes(out)
    n_lines = places.size - image.shape[0] + 1
    border = (columns.size * channels - length) // 2
    begin = -(-border // step) * step  # a line without its border begins at a whole vector
    width = begin + -(-(length + border) // step) * step + _VECTORS * step
    lines, zeros = scratch(n_lines * width, out), np.zeros(_VECTORS * step, out.dtype)
    starts, rows = np.empty(n_lines, np.int64), np.arange(_ROWS) * length
    fetched = lo
    for i in range(lo, hi, _ROWS):
        for p in range(fetched, i + n_lines):
            fetch_line(image, places[p], columns, channels, cval, lines, p % n_lines * width + begin - border)
        fetched = i + n_lines
        for s in range(n_lines):
            starts[s] = (i + s) % n_lines * width + begin - border
        for j in range(0, length, _VECTORS * step):
            tile = tile_of_row(zeros, 0, _ROWS, _VECTORS)
            for t in range(len(taps)):
                at = starts[taps[t, 0]] + taps[t, 1] + j
                tile = rank_one_where(tile, taps[t, 2], weights, t * _ROWS, lines, at)
            store_tile(tile, out, i * length + j, rows, 0, min(_ROWS, hi - i), length - j, False)


def _taps(weights):
    """What the pixels around a tile count for: (taps, weights), one line for each pixel that counts.

    taps: the pixel's line and column, counted from the first that the tile reaches, and the bits of the rows of the
    tile that it counts for; weights: that with which it counts for each row.
    """
    height, width = weights.shape
    counts = np.zeros((height + _ROWS - 1, width, _ROWS), weights.dtype)
    for row in range(_ROWS):
        counts[row : row + height, :, row] = weights
    rows = (counts != 0) @ (1 << np.arange(_ROWS))
    line, column = rows.nonzero()
    return np.stack([line, column, rows[line, column]], axis=1), counts[line, column]


def correlate_directly(image, weights, before, mode, cval, out):
    """Write into `out` the correlation of a clean picture, tap by tap; `before` counts the taps before the pixel."""
    (height, width), channels, dtype = image.shape[:2], image[0, 0].size, out.dtype
    lines = (height, width * channels)
    (rows, columns), (above, left) = weights.shape, before
    border = max(left, columns - 1 - left)
    taps, weights = _taps(weights.astype(dtype))
    taps[:, 1] = (taps[:, 1] + border - left) * channels
    _correlate(
        height, image.reshape(lines), border_index(height, above, rows - above + _ROWS - 2, mode),
        border_index(width, border, border, mode), taps, weights, channels, dtype.type(cval), out.reshape(lines),
        grain=_ROWS * chunk_size(_ROWS * lines[1] * (0.1 + 0.01 * len(taps))),
    )  # fmt: skip


def _separated(weights, dtype):
    """(down, along) of the separable filters that add up to `weights`, as precise as `dtype`."""
    down, size, along = np.linalg.svd(weights, full_matrices=False)
    n = max(1, np.count_nonzero(size > 2 * np.finfo(dtype).eps * size[0]))
    return (down * size).T[:n], along[:n]


def correlate_cheaply(image, weights, before, mode, cval, out):
    """`correlate_directly`, but by separable filters where that is less work; NaN then reaches the whole kernel."""
    if sum(weights.shape) + _SECOND_PASS < weights.size:  # if it were one separable filter
        down, along = _separated(weights, out.dtype)
        if down.size + along.size + _SECOND_PASS < weights.size:
            separable(image, down, along, before, mode, cval, cval * down.sum(1), out)
            return
    correlate_directly(image, weights, before, mode, cval, out)


def correlation(function, image, weights, mode, cval, origin, channel_axis, *, flip):
    """The public function of that name; with `flip` it is the convolution."""
    image = check.as_image(function, image)
    weights = check.as_array(function, "weights", weights, dtypes=(np.float64,), ndim=2, finite=True)
    mode = check.one_of(function, "mode", mode, MODES)
    cval = check.real(function, "cval", cval)
    origins = list(origin) if np.iterable(origin) and not isinstance(origin, str) else [origin, origin]
    if len(origins) != 2:
        raise ValueError(f"{function}: origin must be one int or one for each of 2 axes, got {len(origins)}")
    origins = [
        check.integer(function, "origin", o, low=-(n // 2), high=(n - 1) // 2)
        for o, n in zip(origins, weights.shape)
    ]  # fmt: skip
    before = [n // 2 + o for n, o in zip(weights.shape, origins)]
    if flip:
        weights = weights[::-1, ::-1]
        before = [n - 1 - b for n, b in zip(weights.shape, before)]
    image, axis = channels_last(function, image, channel_axis)

    out = np.empty(image.shape, float_dtype(image.dtype))
    if weights.all():  # separable filters would let NaN through weights of 0
        correlate_cheaply(image, weights, before, mode, cval, out)
    else:
        correlate_directly(image, weights, before, mode, cval, out)
    return np.moveaxis(out, 2, axis) if image.ndim == 3 else out


def correlate(image, weights, *, mode="reflect", cval=0.0, origin=0, channel_axis=None):
    """Sums of the pixels around each pixel of a picture, weighted by a kernel that is laid over them.

    Parameters
    ----------
    image : array of shape (H, W) or (H, W, C)
        uint8, uint16, float32 or float64, taken as they are. Each channel is filtered by itself.
    weights : array of shape (KH, KW)
        The kernel, of any size, odd or even, also larger than the picture. It must be finite.
    mode : {"reflect", "constant", "nearest", "mirror", "wrap"}
        How the picture goes on beyond its border, in the words of scipy.ndimage.
    cval : float
        What lies beyond the border in mode "constant".
    origin : int or pair of int
        How far the kernel's place for the pixel itself is from (KH // 2, KW // 2), for both axes or for each. It must
        be within the kernel.
    channel_axis : int, optional
        Which axis of a picture with three counts the channels; the last one where it is not given.

    Returns
    -------
    array of the shape of `image`
        float64 for float64, otherwise float32. NaN where a pixel is NaN that has another weight than 0.

    Raises
    ------
    TypeError, ValueError
        For anything but real numbers in two or three axes, for an empty picture or kernel, weights that are not finite,
        and an origin outside of the kernel.

    Notes
    -----
    As ``scipy.ndimage.correlate``, with three differences: the third axis of an array is always channels and the
    kernel has two axes, integer pictures give float32, and complex numbers are refused.
    """
    return correlation("correlate", image, weights, mode, cval, origin, channel_axis, flip=False)
