"""Batch normalisation over the last axis, with the rectifiers before and behind it, forward and backward.

With the batch seen as M rows of C channels, mu and v the mean and the (biased) variance of a channel and
s = gamma / sqrt(v + epsilon):

    u = (x - mu) s + beta,    y = u where u > 0, else negative_slope * u

`negative_slope` 1 is no rectifier, 0 is ReLU. With g = dy * (1 where u > 0, else negative_slope),

    dbeta = sum g,    dgamma = sum g (x - mu) / sqrt(v + epsilon)
    dx = s (g - dbeta / M - (x - mu) / sqrt(v + epsilon) * dgamma / M)

A rectifier before, of `input_slope`, makes x of what is given whenever it is read; dx is multiplied by its derivative.

Source: Ioffe & Szegedy, Batch Normalization, ICML 2015, algorithm 1 and section 3; rectifier: Maas et al. 2013.

Statistics are taken tile by tile: within a tile, which stays in the cache, first its mean and then the squares
around that mean; tiles are combined in order, in float64, by the parallel formula of Chan, Golub & LeVeque
(1979, equation 2.1). u is computed again in the backward pass instead of being kept. Time O(M C); forward
reads x twice, backward reads dy and x twice; memory: the result.
"""

import numpy as np

from ._image import load_up_to, store_up_to
from ._jit import helper, kernel
from ._memory import aligned_empty
from ._parallel import chunk_size, chunked
from ._simd import fma, lanes, load, load_part, select, splat, store, store_part
from ._validate import as_array, real

_TILE_BYTES = 1 << 17
_TILE_COLUMNS = 512
_TILE_ROWS = 128  # bounds the roundings of a sum


@helper
def _rectified(u, slope):
    """u where it is positive, else `slope` times u."""
    return select(u > 0.0, u, u * slope)


@helper
def _centred_square(x, at, before, mean, total):
    centred = _rectified(load(x, at), before) - mean
    return fma(centred, centred, total)


@helper
def _strip_moments(x, before, start, stop, column, means, squares, at):
    """Means and squares of rows [start, stop) of four vectors of columns: a row's memory is read as it lies."""
    step, columns, n = lanes(x), x.shape[1], float(stop - start)
    a = b = c = d = splat(x, 0.0)
    for i in range(start, stop):
        p = i * columns + column
        a, b = a + _rectified(load(x, p), before), b + _rectified(load(x, p + step), before)
        c, d = c + _rectified(load(x, p + 2 * step), before), d + _rectified(load(x, p + 3 * step), before)
    a, b, c, d = a / n, b / n, c / n, d / n
    e = f = g = h = splat(x, 0.0)
    for i in range(start, stop):
        p = i * columns + column
        e, f = _centred_square(x, p, before, a, e), _centred_square(x, p + step, before, b, f)
        g, h = _centred_square(x, p + 2 * step, before, c, g), _centred_square(x, p + 3 * step, before, d, h)
    _store_strip(means, at, a, b, c, d)
    _store_strip(squares, at, e, f, g, h)


@helper
def _store_strip(out, at, a, b, c, d):
    step = lanes(out)
    store(out, at, a)
    store(out, at + step, b)
    store(out, at + 2 * step, c)
    store(out, at + 3 * step, d)


@chunked
def _tile_moments(lo, hi, x, before, tile_rows, tile_columns, means, squares):
    # Requires: x (M, C); means, squares (ceil(M / tile_rows), C). Item t is tile t, by rows of tiles.
    n_rows, n_columns = x.shape
    across, step = (n_columns + tile_columns - 1) // tile_columns, lanes(x)
    for tile in range(lo, hi):
        block, column = tile // across, tile % across * tile_columns
        start, stop = block * tile_rows, min((block + 1) * tile_rows, n_rows)
        end = min(column + tile_columns, n_columns)
        while column + 4 * step <= end:
            _strip_moments(x, before, start, stop, column, means, squares, block * n_columns + column)
            column += 4 * step
        while column < end:
            n = min(step, n_columns - column)
            even, odd = splat(x, 0.0), splat(x, 0.0)  # two chains: an addition need not wait for the last
            for i in range(start, stop - 1, 2):
                even = even + _rectified(load_part(x, i * n_columns + column, n), before)
                odd = odd + _rectified(load_part(x, (i + 1) * n_columns + column, n), before)
            if (stop - start) % 2:
                even = even + _rectified(load_part(x, (stop - 1) * n_columns + column, n), before)
            mean = (even + odd) / float(stop - start)
            even, odd = splat(x, 0.0), splat(x, 0.0)
            for i in range(start, stop - 1, 2):
                centred = _rectified(load_part(x, i * n_columns + column, n), before) - mean
                even = fma(centred, centred, even)
                centred = _rectified(load_part(x, (i + 1) * n_columns + column, n), before) - mean
                odd = fma(centred, centred, odd)
            if (stop - start) % 2:
                centred = _rectified(load_part(x, (stop - 1) * n_columns + column, n), before) - mean
                even = fma(centred, centred, even)
            store_part(means, block * n_columns + column, mean, n)
            store_part(squares, block * n_columns + column, even + odd, n)
            column += step


@kernel
def _combine_moments(means, squares, tile_rows, n_rows, mean, variance):
    # Requires: means, squares (blocks, C) of tile_rows rows each, the last of what is left of n_rows.
    for j in range(means.shape[1]):
        count, centre, total = 0.0, 0.0, 0.0
        for block in range(means.shape[0]):
            n = float(min(tile_rows, n_rows - block * tile_rows))
            delta = np.float64(means[block, j]) - centre
            count += n
            centre += delta * (n / count)
            total += np.float64(squares[block, j]) + delta * delta * n * ((count - n) / count)
        mean[j] = centre
        variance[j] = total / count


@chunked
def _normalise(lo, hi, x, before, mean, scale, beta, slope, y):
    # Requires: x, y (M, C); mean, scale, beta (C,). Items are rows.
    columns = x.shape[1]
    for i in range(lo, hi):
        for j in range(0, columns, lanes(x)):
            n, at = columns - j, i * columns + j
            centred = _rectified(load_up_to(x, at, n), before) - load_up_to(mean, j, n)
            u = fma(centred, load_up_to(scale, j, n), load_up_to(beta, j, n))
            store_up_to(y, at, _rectified(u, slope), n)


@helper
def _add_gradient(g, x, before, mean, scale, beta, slope, total, product):
    """Add a vector's gradients before the last rectifier, and their products with what is normalised, to the sums."""
    centred = _rectified(x, before) - mean
    g = select(fma(centred, scale, beta) > 0.0, g, g * slope)
    return total + g, fma(g, centred, product)


@helper
def _strip_gradients(dy, x, before, mean, scale, beta, slope, start, stop, column, sums, products, at):
    """The sums of rows [start, stop) of four vectors of columns."""
    step, columns = lanes(x), x.shape[1]
    m0, m1, m2, m3 = _load_strip(mean, column)
    s0, s1, s2, s3 = _load_strip(scale, column)
    b0, b1, b2, b3 = _load_strip(beta, column)
    t0 = t1 = t2 = t3 = p0 = p1 = p2 = p3 = splat(x, 0.0)
    for i in range(start, stop):
        k = i * columns + column
        t0, p0 = _add_gradient(load(dy, k), load(x, k), before, m0, s0, b0, slope, t0, p0)
        t1, p1 = _add_gradient(load(dy, k + step), load(x, k + step), before, m1, s1, b1, slope, t1, p1)
        t2, p2 = _add_gradient(load(dy, k + 2 * step), load(x, k + 2 * step), before, m2, s2, b2, slope, t2, p2)
        t3, p3 = _add_gradient(load(dy, k + 3 * step), load(x, k + 3 * step), before, m3, s3, b3, slope, t3, p3)
    _store_strip(sums, at, t0, t1, t2, t3)
    _store_strip(products, at, p0, p1, p2, p3)


@helper
def _load_strip(a, at):
    step = lanes(a)
    return load(a, at), load(a, at + step), load(a, at + 2 * step), load(a, at + 3 * step)


@chunked
def _tile_gradients(lo, hi, dy, x, before, mean, scale, beta, slope, tile_rows, tile_columns, sums, products):
    # Requires: dy, x (M, C); sums, products (ceil(M / tile_rows), C). Tiles as in _tile_moments.
    n_rows, n_columns = x.shape
    across, step = (n_columns + tile_columns - 1) // tile_columns, lanes(x)
    for tile in range(lo, hi):
        block, column = tile // across, tile % across * tile_columns
        start, stop = block * tile_rows, min((block + 1) * tile_rows, n_rows)
        end = min(column + tile_columns, n_columns)
        while column + 4 * step <= end:
            at = block * n_columns + column
            _strip_gradients(dy, x, before, mean, scale, beta, slope, start, stop, column, sums, products, at)
            column += 4 * step
        while column < end:
            n = min(step, n_columns - column)
            mu, s, b = load_part(mean, column, n), load_part(scale, column, n), load_part(beta, column, n)
            total, product = splat(x, 0.0), splat(x, 0.0)
            for i in range(start, stop):
                g, value = load_part(dy, i * n_columns + column, n), load_part(x, i * n_columns + column, n)
                total, product = _add_gradient(g, value, before, mu, s, b, slope, total, product)
            store_part(sums, block * n_columns + column, total, n)
            store_part(products, block * n_columns + column, product, n)
            column += step


@kernel
def _combine_gradients(sums, products, gamma, variance, epsilon, n_rows, offset, factor, dgamma, dbeta):
    # Requires: sums, products (blocks, C); the other arrays (C,). dx = g * scale - offset - (x - mean) * factor.
    for j in range(sums.shape[1]):
        total, product = 0.0, 0.0
        for block in range(sums.shape[0]):
            total += np.float64(sums[block, j])
            product += np.float64(products[block, j])
        inverse = 1 / np.sqrt(np.float64(variance[j]) + epsilon)
        scale = np.float64(gamma[j]) * inverse
        offset[j] = scale * total / n_rows
        factor[j] = scale * inverse * inverse * product / n_rows
        dgamma[j] = product * inverse
        dbeta[j] = total


@kernel
def _scale(gamma, variance, epsilon, scale):
    # Requires: gamma, variance, scale (C,).
    for j in range(gamma.size):
        scale[j] = np.float64(gamma[j]) / np.sqrt(np.float64(variance[j]) + epsilon)


@chunked
def _input_gradient(lo, hi, dy, x, before, mean, scale, beta, slope, offset, factor, dx):
    # Requires: dy, x, dx (M, C); the others (C,). Items are rows.
    columns = x.shape[1]
    for i in range(lo, hi):
        for j in range(0, columns, lanes(x)):
            n, at = columns - j, i * columns + j
            s, g, value = load_up_to(scale, j, n), load_up_to(dy, at, n), load_up_to(x, at, n)
            centred = _rectified(value, before) - load_up_to(mean, j, n)
            g = select(fma(centred, s, load_up_to(beta, j, n)) > 0.0, g, g * slope)
            g = g * s - load_up_to(offset, j, n) - centred * load_up_to(factor, j, n)
            store_up_to(dx, at, select(value > 0.0, g, g * before), n)


def _tiling(rows, columns, itemsize):
    """Rows and columns of a tile that stays in the cache, and how many tiles there are down and across."""
    tile_columns = min(columns, _TILE_COLUMNS)
    tile_rows = min(rows, _TILE_ROWS, max(4, _TILE_BYTES // (tile_columns * itemsize)))
    return tile_rows, tile_columns, -(-rows // tile_rows), -(-columns // tile_columns)


def _matrix(function, x):
    x = as_array(function, "x", x)
    if x.ndim < 2:
        raise ValueError(f"{function}: x must have at least 2 dimensions, the last for channels, got shape {x.shape}")
    return x, x.reshape(-1, x.shape[-1])


def _per_channel(function, x, **arrays):
    dtype, shape = (x.dtype.type,), (x.shape[-1],)
    return [as_array(function, name, array, dtypes=dtype, shape=shape) for name, array in arrays.items()]


def _slope(function, name, value, x):
    return x.dtype.type(real(function, name, value))


def batch_statistics(x, *, input_slope=1.0):
    """Mean and variance of each channel over all other axes.

    Parameters
    ----------
    x : (..., C) array of float32 or float64, at least 2-D
    input_slope : float
        That of a rectifier before, as for `batch_norm`.

    Returns
    -------
    mean, variance : (C,) arrays, dtype of `x`
        The variance divides by the number of values, not by one less.
    """
    _, rows = _matrix("batch_statistics", x)
    before = _slope("batch_statistics", "input_slope", input_slope, rows)
    n_rows, n_columns = rows.shape
    tile_rows, tile_columns, down, across = _tiling(n_rows, n_columns, rows.itemsize)
    means, squares = np.empty((2, down, n_columns), rows.dtype)
    _tile_moments(down * across, rows, before, tile_rows, tile_columns, means, squares, grain=1)
    mean, variance = np.empty((2, n_columns), rows.dtype)
    _combine_moments(means, squares, tile_rows, n_rows, mean, variance)
    return mean, variance


def batch_norm(x, gamma, beta, mean=None, variance=None, *, epsilon=1e-3, negative_slope=1.0, input_slope=1.0):
    """Rectify, normalise each channel over all other axes, scale and shift it, and rectify again.

    Parameters
    ----------
    x : (..., C) array of float32 or float64, at least 2-D
    gamma, beta : (C,) arrays
        Scale and shift.
    mean, variance : (C,) arrays, optional
        Statistics to normalise with (both or neither); `batch_statistics` of `x` if not given.
    epsilon : float
        Added to the variance; greater than 0.
    negative_slope : float
        Factor of negative results: 1 leaves them (no rectifier), 0 is ReLU, between them a leaky ReLU.
    input_slope : float
        The same for `x`, before all else.

    Returns
    -------
    y : (..., C) array, dtype of `x`
    mean, variance : (C,) arrays
        The statistics used.

    Raises
    ------
    ValueError, TypeError
        Shapes that do not fit, an epsilon that is not positive, only one of mean and variance.
    """
    x, rows = _matrix("batch_norm", x)
    gamma, beta = _per_channel("batch_norm", x, gamma=gamma, beta=beta)
    epsilon = real("batch_norm", "epsilon", epsilon, above=0)
    slope = _slope("batch_norm", "negative_slope", negative_slope, x)
    before = _slope("batch_norm", "input_slope", input_slope, x)
    if (mean is None) != (variance is None):
        raise ValueError("batch_norm: mean and variance must be given both or not at all")
    if mean is None:
        mean, variance = batch_statistics(x, input_slope=input_slope)
    else:
        mean, variance = _per_channel("batch_norm", x, mean=mean, variance=variance)
    y, scale = aligned_empty(rows.shape, x.dtype), np.empty_like(gamma)
    _scale(gamma, variance, epsilon, scale)
    _normalise(len(rows), rows, before, mean, scale, beta, slope, y, grain=chunk_size(0.3 * rows.shape[1]))
    return y.reshape(x.shape), mean, variance


def batch_norm_backward(
    dy, x, gamma, beta, mean, variance, *, epsilon=1e-3, negative_slope=1.0, input_slope=1.0
):  # fmt: skip
    """Gradients of `batch_norm` with the statistics of `x` itself.

    Parameters
    ----------
    dy : (..., C) array
        Gradient of the result.
    x, gamma, beta, epsilon, negative_slope, input_slope
        As given to `batch_norm`.
    mean, variance : (C,) arrays
        As returned by `batch_norm`.

    Returns
    -------
    dx : (..., C) array, dtype of `x`
    dgamma, dbeta : (C,) arrays

    Raises
    ------
    ValueError, TypeError
        Shapes that do not fit, an epsilon that is not positive.
    """
    name = "batch_norm_backward"
    x, rows = _matrix(name, x)
    dy = as_array(name, "dy", dy, dtypes=(x.dtype.type,), shape=x.shape).reshape(rows.shape)
    gamma, beta, mean, variance = _per_channel(name, x, gamma=gamma, beta=beta, mean=mean, variance=variance)
    epsilon = real(name, "epsilon", epsilon, above=0)
    slope, before = _slope(name, "negative_slope", negative_slope, x), _slope(name, "input_slope", input_slope, x)

    n_rows, n_columns = rows.shape
    scale, offset, factor, dgamma, dbeta = np.empty((5, n_columns), x.dtype)
    _scale(gamma, variance, epsilon, scale)
    tile_rows, tile_columns, down, across = _tiling(n_rows, n_columns, 2 * rows.itemsize)
    sums, products = np.empty((2, down, n_columns), x.dtype)
    tiling = (tile_rows, tile_columns)
    _tile_gradients(down * across, dy, rows, before, mean, scale, beta, slope, *tiling, sums, products, grain=1)
    _combine_gradients(sums, products, gamma, variance, epsilon, n_rows, offset, factor, dgamma, dbeta)
    dx = aligned_empty(rows.shape, x.dtype)
    grain = chunk_size(0.4 * n_columns)
    _input_gradient(n_rows, dy, rows, before, mean, scale, beta, slope, offset, factor, dx, grain=grain)
    return dx.reshape(x.shape), dgamma, dbeta
