"""Transposed convolution: every input pixel adds its window, weighted, to the output; a learned upsampling.

It is the gradient of a convolution with respect to its input (Dumoulin and Visin, arXiv:1603.07285, section 4), and
computed by it: see `conv2d_backward_input`.
"""

from . import _validate as check
from ._windows import check_groups, pair, windows
from .conv2d_backward_input import input_gradient


def conv2d_transpose(x, w, b=None, *, stride=1, padding=0, output_padding=0, groups=1):
    """Transposed two-dimensional convolution of a batch of pictures.

    Parameters
    ----------
    x : (N, H, W, C_in) array of float32 or float64
    w : (KH, KW, C_out / groups, C_in) array
        Converted to the dtype of `x`.
    b : (C_out,) array, optional
        Added to every pixel of the result.
    stride : int or (rows, columns)
    padding : int, (rows, columns), "same" or "valid"
        Rows and columns taken off each side of the result. "same" gives H * stride rows; "valid" is 0.
    output_padding : int or (rows, columns)
        Rows below and columns to the right that are added to the result, less than the stride.
    groups : int
        Input and output channels are divided, in their order, into so many groups, each convolved by itself.

    Returns
    -------
    (N, OH, OW, C_out) array of the dtype of `x`, with OH = (H - 1) stride - 2 padding + KH + output_padding.

    Raises
    ------
    ValueError
        If shapes do not fit together, `groups` does not divide the channels or nothing of the result would be left.
    """
    name = "conv2d_transpose"
    x = check.as_array(name, "x", x, ndim=4)
    w = check.as_array(name, "w", w, dtypes=(x.dtype,), shape=(None, None, None, x.shape[3]))
    groups = check.integer(name, "groups", groups, low=1)
    kernel, c_out = w.shape[:2], w.shape[2] * groups
    check_groups(name, groups, x.shape[3], c_out)
    if b is not None:
        b = check.as_array(name, "b", b, dtypes=(x.dtype,), shape=(c_out,))
    stride = pair(name, "stride", stride, 1)
    extra = pair(name, "output_padding", output_padding, 0)
    if any(e >= s for e, s in zip(extra, stride, strict=True)):
        raise ValueError(f"{name}: output_padding must be less than stride {stride}, got {extra}")
    if padding == "same":
        image = tuple(size * s for size, s in zip(x.shape[1:3], stride, strict=True))
    else:
        pad = (0, 0) if padding == "valid" else pair(name, "padding", padding, 0)
        image = tuple(
            (size - 1) * s - 2 * p + k + e
            for size, s, p, k, e in zip(x.shape[1:3], stride, pad, kernel, extra, strict=True)
        )
    if min(image) < 1:
        raise ValueError(f"{name}: padding must leave some of the result, got {padding}, which leaves {image}")
    return input_gradient(x, w, b, windows(name, image, kernel, stride, padding, 1), groups)
