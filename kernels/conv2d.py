"""Convolution of pictures as networks use it (cross-correlation), without building a matrix of patches.

    y[n, r, c, f] = b[f] + sum over i, j, g of x[n, r s + i d - p, c s + j d - p, g] w[i, j, g, f]

With groups, g counts within the group of input channels that belongs to the group of f.

`_gather` computes it, in place (as do Georganas et al., "Anatomy of High-Performance Deep Learning Convolutions on SIMD
Architectures", SC 2018); windows of 3 x 3 over many channels have a quicker way, `_winograd`, and so has every channel
by itself, `_depthwise`.

Time O(N OH OW KH KW C_in C_out); memory: `w` once more, unless few pixels use it or it has few columns.
"""

import functools

from . import _depthwise, _winograd
from . import _validate as check
from ._gather import Phase, gather, plan
from ._memory import aligned_empty
from ._product import goes_past_caches, pack, pad_start, padded, row_starts
from ._windows import check_groups, windows

_PACKING_PAYS = 256  # pixels from which on it pays to pack `w`,
_LONG_ROW = 1024  # if a row of it has so many bytes: shorter ones are read as quickly where they lie


@functools.lru_cache(maxsize=512)
def _plan(n, geometry, depth, columns, groups, itemsize):
    axes = [
        [Phase(0, 1, output, s, [(i, i * d - p) for i in range(k)])]
        for output, s, k, d, p in zip(
            geometry.output, geometry.stride, geometry.kernel, geometry.dilation, geometry.pad, strict=True
        )
    ]
    return plan(n, geometry.image, geometry.output, *axes, depth, columns, groups, itemsize)


def conv2d(x, w, b=None, *, stride=1, padding=0, dilation=1, groups=1):
    """Two-dimensional convolution (cross-correlation) of a batch of pictures.

    Parameters
    ----------
    x : (N, H, W, C_in) array of float32 or float64
    w : (KH, KW, C_in / groups, C_out) array
        Converted to the dtype of `x`.
    b : (C_out,) array, optional
        Added to every pixel of the result.
    stride, dilation : int or (rows, columns)
        At least 1.
    padding : int, (rows, columns), "same" or "valid"
        Zeros around the picture. "same" gives ceil(H / stride) rows, the odd row of zeros below; "valid" is 0.

    groups : int
        Input and output channels are divided, in their order, into so many groups, each convolved by itself.

    Returns
    -------
    (N, OH, OW, C_out) array of the dtype of `x`, with OH = (H + 2 padding - dilation (KH - 1) - 1) // stride + 1.

    Notes
    -----
    With float32, many channels, windows of 3 x 3 and stride 1, an infinity or NaN in `x` can make NaN of outputs one
    pixel beyond those whose windows hold it, and an infinity makes NaN of these too.

    Raises
    ------
    ValueError
        If shapes do not fit together, `groups` does not divide the channels or the window does not fit into the padded
        picture.
    """
    x = check.as_array("conv2d", "x", x, ndim=4)
    w = check.as_array("conv2d", "w", w, dtypes=(x.dtype,), ndim=4)
    groups = check_groups("conv2d", groups, x.shape[3], w.shape[3])
    check.as_array("conv2d", "w", w, shape=(None, None, x.shape[3] // groups, None))
    kh, kw, depth, c_out = w.shape
    if b is not None:
        b = check.as_array("conv2d", "b", b, dtypes=(x.dtype,), shape=(c_out,))
    geometry = windows("conv2d", x.shape[1:3], (kh, kw), stride, padding, dilation)
    n, (oh, ow) = x.shape[0], geometry.output
    y = aligned_empty((n, oh, ow, c_out), x.dtype)
    if _depthwise.fits(groups, x.shape[3], c_out):
        _depthwise.convolve(x, w, b, geometry, y)
        return y
    if groups == 1 and _winograd.pays(n, geometry, geometry.output, depth, c_out, x.dtype):
        _winograd.convolve(x, w, False, b, geometry.pad, y)
        return y
    columns = c_out // groups
    _, items, grain, tables = _plan(n, geometry, depth, columns, groups, x.itemsize)
    rows, source = 0, w.reshape(-1)
    is_long = n * oh * ow >= _PACKING_PAYS and c_out * x.itemsize >= _LONG_ROW
    if is_long or groups > 1 or columns != padded(columns, x.dtype):
        rows = kh * kw * depth
        source = pack(w, row_starts(rows, c_out), 1, 1, columns, x.dtype, groups, columns)
    start, past_caches = pad_start(b, columns, x.dtype, groups), goes_past_caches(y, columns)
    gather(items, x, source, rows, c_out, start, *tables, past_caches, y, grain=grain)
    return y
