"""What the partitions of pictures share: where the channels are, and which pixels count."""

import numpy as np

from . import _validate as check
from ._image import channels_last
from .gaussian import gaussian


def picture_and_mask(function, image, channel_axis, mask):
    """The picture as (H, W, C) and the mask as (H, W) bool, or None. What it leaves out is 0, the rest is finite."""
    image = check.as_image(function, image)
    if channel_axis is None and image.ndim == 3:
        raise ValueError(f"{function}: image must have shape (H, W) where channel_axis is None, got {image.shape}")
    if image.ndim == 2 and channel_axis == -1:
        channel_axis = None
    image, _ = channels_last(function, image, channel_axis)
    allowed = check.as_mask(function, mask, image.shape[:2])
    image = image.reshape(*image.shape[:2], -1)
    if allowed is not None:
        image = np.where(allowed[..., None], image, image.dtype.type(0))
    check.check_finite(function, "image", image)
    return image, allowed


def smooth_within(image, sigma, allowed):
    """Gaussian means over the allowed pixels alone. The others are 0 before, and may hold anything afterwards.

    image (H, W, C) of floats; allowed (H, W) of bool, or None for all.
    """
    if not np.any(sigma):
        return image
    smooth = gaussian(image, sigma, mode="reflect")
    if allowed is not None:
        weights = gaussian(allowed.astype(image.dtype), sigma, mode="reflect")
        smooth /= np.maximum(weights, np.finfo(image.dtype).tiny)[..., None]
    return smooth
