"""The first step: any picture becomes RGB in [0, 1], resized, turned and flipped as asked for, a little smoothed."""

from typing import NamedTuple

import numpy as np

from .. import kernels
from ..kernels import _validate as check


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
    _, nearest = kernels.distance_transform_edt(~mask, return_indices=True)
    return rgb[tuple(nearest)]


def with_unreached(labels, mask):
    """Labels in which what a flood within the mask has not reached, for want of a marker, is a part as well."""
    return labels if mask is None else np.where(mask & (labels < 0), labels.max() + 1, labels)


class Geometry(NamedTuple):
    """Resizing, then turning, then flipping; labels can be taken back through it.

    Attributes
    ----------
    size : (height, width), optional
    angle : float
        In degrees, counter-clockwise. The picture grows so that nothing is cut off; its border goes on outside.
    axis : {None, 0, 1, (0, 1)}
        None flips nothing, 0 flips upside down, 1 left to right.
    """

    size: tuple | None = None
    angle: float = 0.0
    axis: int | tuple | None = None

    def apply(self, image, **how):
        """The picture (H, W) or (H, W, C) after it; `how` are arguments of `resize` and `rotate`, such as order."""
        if self.size is not None:
            image = kernels.resize(image, self.size, **how)
        if self.angle % 360:
            image = kernels.rotate(image, self.angle, resize=True, **{"mode": "edge", **how})
        return image if self.axis is None else kernels.flip(image, self.axis)

    def undo(self, labels, shape):
        """For each pixel of the picture of this shape, the label at the nearest place of `labels` after it."""
        return labels if self == Geometry() else labels[self._places(shape, labels.shape)]

    def apply_mask(self, mask, shape):
        """The pixels after it that `undo` needs for those of the mask, None for all, or that show one."""
        if self.angle % 90 == 0 and (mask is None or self == Geometry()):
            return mask
        mask = np.ones(shape, bool) if mask is None else mask
        inside = self.apply(mask, order=0, mode="constant")
        rows, columns = self._places(shape, inside.shape)
        inside[rows[mask], columns[mask]] = True
        return inside

    def _places(self, shape, turned_shape):
        """(rows, columns) after it of each pixel before it."""
        size = shape if self.size is None else self.size
        y, x = ((np.arange(n) + 0.5) * (m / n) - 0.5 * m for n, m in zip(shape, size))  # from the middle
        y, x = y[:, None], x[None, :]
        cosine, sine = np.cos(np.radians(self.angle)), np.sin(np.radians(self.angle))
        places = [cosine * y - sine * x, sine * y + cosine * x]
        for axis in () if self.axis is None else np.atleast_1d(self.axis):
            places[axis] = -places[axis]
        for axis, n in enumerate(turned_shape):
            places[axis] = np.clip(np.rint(places[axis] + 0.5 * (n - 1)), 0, n - 1).astype(np.int64)
        return tuple(places)


def preprocess(image, *, sigma=1.0, size=None, angle=0.0, axis=None):
    """Make any picture ready for `extract_features`.

    Parameters
    ----------
    image : (H, W), (H, W, 1), (H, W, 3) or (H, W, 4) array
        uint8 and uint16, or floats in [0, 1]. A fourth channel is opacity; transparent parts are laid on white.
    sigma : float
        Standard deviation, in pixels of the result, of the Gaussian that takes out noise; 0 for none.
    size : (height, width), optional
        First, the picture is resized; smoothed before where it gets smaller.
    angle : float
        Then it is turned, by so many degrees counter-clockwise; by others than multiples of 90 it grows.
    axis : {None, 0, 1, (0, 1)}
        Then it is flipped along this axis: 0 upside down, 1 left to right.

    Returns
    -------
    (H, W, 3) float32 array in [0, 1]

    Raises
    ------
    TypeError, ValueError
        If it is not such a picture, or not finite, or an argument is out of range.
    """
    rgb = geometry("preprocess", size, angle, axis).apply(as_rgb("preprocess", image))
    sigma = check.real("preprocess", "sigma", sigma, low=0)
    return kernels.gaussian(rgb, sigma, channel_axis=-1) if sigma > 0 else rgb


def geometry(function, size, angle, axis):
    """A checked `Geometry`."""
    if size is not None:
        if np.shape(size) != (2,):
            raise ValueError(f"{function}: size must be (height, width), got {size!r}")
        size = tuple(check.integer(function, "size", n, low=1) for n in size)
    if not (axis is None or axis in (0, 1, (0, 1))):
        raise ValueError(f"{function}: axis must be None, 0, 1 or (0, 1), got {axis!r}")
    return Geometry(size, check.real(function, "angle", angle), axis)
