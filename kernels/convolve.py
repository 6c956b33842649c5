"""Convolution of a picture with a kernel of any size: the correlation with the kernel turned by half a circle.

out[i, j] = sum over k, l of weights[k, l] image[i - k + after, j - l + after'],  after = KH // 2 + origin
"""

from .correlate import correlation


def convolve(image, weights, *, mode="reflect", cval=0.0, origin=0, channel_axis=None):
    """Convolution of a picture with a kernel.

    As ``scipy.ndimage.convolve``: parameters, result, errors and the three differences are those of `correlate`.

    Parameters
    ----------
    image : array of shape (H, W) or (H, W, C)
    weights : array of shape (KH, KW)
    mode : {"reflect", "constant", "nearest", "mirror", "wrap"}
    cval : float
    origin : int or pair of int
    channel_axis : int, optional

    Returns
    -------
    array of the shape of `image`, float32 or float64
    """
    return correlation("convolve", image, weights, mode, cval, origin, channel_axis, flip=True)
