"""The first step: any picture becomes RGB in [0, 1], a little smoothed."""

import numpy as np

from ..kernels import _validate as check
from ..kernels import distance_transform_edt, gaussian


def as_rgb(function, image):
    """A picture as (H, W, 3) float32 in [0, 1].

    Grey becomes three equal channels; transparent parts are laid on white.
    """
    image = check.as_image(function, image, finite=True)
    if image.ndim == 3 and image.shape[2] not in (1, 3, 4):
        raise ValueError(f"{function}: image must have shape (H, W) or (H, W, 1, 3 or 4), got {image.shape}")
    unit = check.as_unit_range(image).astype(np.float32, copy=False)
    if unit.min() < 0 or unit.max() > 1:
        raise ValueError(
            f"{function}: image must be uint8, uint16, or floats in [0, 1], got {image.dtype} from {image.min():.6g} "
            f"to {image.max():.6g}"
        )
    if unit.ndim == 2 or unit.shape[2] == 1:
        return np.repeat(unit.reshape(*unit.shape[:2], 1), 3, axis=2)
    if unit.shape[2] == 4:
        alpha = unit[:, :, 3:]
        unit = unit[:, :, :3] * alpha + (1 - alpha)
    return np.ascontiguousarray(unit)


def continued(rgb, mask):
    """The picture with what is outside the mask in the colours of its nearest pixels, so that nothing shows there."""
    if mask is None or not mask.any():
        return rgb
    _, nearest = distance_transform_edt(~mask, return_indices=True)
    return rgb[tuple(nearest)]


def preprocess(image, *, sigma=1.0):
    """Make any picture ready for `extract_features`.

    Parameters
    ----------
    image : (H, W), (H, W, 1), (H, W, 3) or (H, W, 4) array
        uint8 and uint16, or floats in [0, 1]. A fourth channel is opacity; transparent parts are laid on white.
    sigma : float
        Standard deviation, in pixels, of the Gaussian that takes out noise; 0 for none.

    Returns
    -------
    (H, W, 3) float32 array in [0, 1]

    Raises
    ------
    TypeError, ValueError
        If it is not such a picture, or not finite.
    """
    rgb = as_rgb("preprocess", image)
    sigma = check.real("preprocess", "sigma", sigma, low=0)
    return gaussian(rgb, sigma, channel_axis=-1) if sigma > 0 else rgb
