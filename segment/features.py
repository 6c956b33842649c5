"""The second step: what is known about each pixel, as named groups of numbers."""

import numpy as np

from .. import kernels
from ..kernels import _validate as check
from .boundary import N_TEXTONS, boundary_strengths, cue_channels, textons

_FREQUENCIES = (1 / 16, 1 / 8, 1 / 4)  # of the Gabor filters, in cycles a pixel
_N_ORIENTATIONS = 6
_SIGMAS = (1.0, 2.0, 4.0, 8.0)  # of the Laplacians of Gaussians, in pixels
_RADIUS = 8  # of the windows of local histograms
_COLOR_BINS = 8
_LAB_RANGES = ((0.0, 100.0), (-60.0, 60.0), (-60.0, 60.0))


class _Picture:
    """A picture and what several features are made from."""

    def __init__(self, rgb, rng):
        self.rgb = rgb
        self.lab = kernels.rgb2lab(rgb)
        self.gray = self.lab[..., 0] * np.float32(0.01)
        self.rng = rng


def _hsv(picture):
    hue, saturation, value = np.moveaxis(kernels.rgb2hsv(picture.rgb), -1, 0)
    angle, radius = 2 * np.pi * hue, saturation * value
    return np.stack([radius * np.cos(angle), radius * np.sin(angle), value], axis=-1)


def _color_histogram(picture):
    low, high = np.array(_LAB_RANGES, np.float32).T
    bins = np.clip((picture.lab - low) * (_COLOR_BINS / (high - low)), 0, _COLOR_BINS - 1).astype(np.int32)
    return kernels.local_histogram(bins, _COLOR_BINS, radius=_RADIUS)


def _gabor(picture):
    bank = kernels.gabor_bank(picture.gray, frequencies=_FREQUENCIES, n_orientations=_N_ORIENTATIONS)
    return bank.reshape(*picture.gray.shape, -1)


def _log(picture):
    return np.stack([sigma**2 * kernels.gaussian_laplace(picture.gray, sigma) for sigma in _SIGMAS], axis=-1)


def _texton_histogram(picture):
    return kernels.local_histogram(textons(picture.gray, rng=picture.rng), N_TEXTONS, radius=_RADIUS)


def _gradient(picture):
    slopes = kernels.sobel(picture.lab)
    return np.sqrt((slopes * slopes).sum(axis=2))


def _boundary(picture):
    return np.moveaxis(boundary_strengths(cue_channels(picture.rgb, rng=picture.rng)), 0, -1)


def _position(picture):
    shape = picture.gray.shape
    return np.moveaxis(np.indices(shape, np.float32), 0, -1) * np.float32(1 / max(shape))


FEATURES = {
    "rgb": lambda picture: picture.rgb,
    "hsv": _hsv,
    "lab": lambda picture: picture.lab,
    "color_histogram": _color_histogram,
    "gabor": _gabor,
    "log": _log,
    "texton_histogram": _texton_histogram,
    "gradient": _gradient,
    "canny": lambda picture: kernels.canny(picture.gray),
    "boundary": _boundary,
    "position": _position,
}
"""How each group of features is made from a `_Picture`."""


def extract_features(image, names=("lab", "gradient"), *, rng=0):
    """What is known about every pixel: colours, texture, edges, its place.

    Parameters
    ----------
    image : (H, W, 3) array
        RGB: uint8 and uint16, or floats in [0, 1], as from `preprocess`.
    names : sequence of str
        The groups to make:

        ``"rgb"`` (3 numbers for each pixel); ``"lab"`` (3), CIE Lab, L from 0 to 100; ``"hsv"`` (3), the point of the
        cone of colours, s v cos(2 pi h), s v sin(2 pi h), v, where like colours are near each other;
        ``"color_histogram"`` (24), the shares of 8 steps of L, of a and of b in a window of 17 x 17 pixels;

        ``"gabor"`` (18), the magnitudes of Gabor filters of L / 100, 3 frequencies, 1/16, 1/8 and 1/4, by 6
        directions; ``"log"`` (4), the Laplacian of Gaussians of L / 100 at sigma = 1, 2, 4 and 8, times sigma squared;
        ``"texton_histogram"`` (32), the shares of 32 typical textures of this picture in a window of 17 x 17 pixels;

        ``"gradient"`` (1), the length of the Sobel gradient of L, a and b, in units of Lab a pixel; ``"canny"`` (1), 1
        on the edges that `smalti.kernels.canny` finds in L / 100, else 0; ``"boundary"`` (8), the probability that a
        boundary runs through the pixel in each of eight directions, as the hierarchy has it;

        ``"position"`` (2), row and column over the longer side of the picture.
    rng : int or numpy.random.Generator
        Chooses the first textures.

    Returns
    -------
    dict of str to float32 array
        In the order of `names`, (H, W) for a single number, otherwise (H, W, C).

    Raises
    ------
    TypeError, ValueError
        If it is not such a picture, or not finite, or a name is unknown.
    """
    rgb = check.as_unit_range(check.as_image("extract_features", image, channels=3, finite=True))
    unknown = [name for name in names if name not in FEATURES]
    if isinstance(names, str) or unknown:
        raise ValueError(f"extract_features: names must be some of {', '.join(FEATURES)}, got {names!r}")
    picture = _Picture(np.ascontiguousarray(rgb, np.float32), rng)
    return {name: FEATURES[name](picture).astype(np.float32, copy=False) for name in names}


def stack_features(features, weights=None, *, mask=None):
    """Groups of features side by side, each with an equal part in the distances between pixels.

    Parameters
    ----------
    features : dict of str to (H, W) or (H, W, C) array
        As from `extract_features`.
    weights : dict of str to float, optional
        What a group counts; 1 by default. The distance between two pixels grows in proportion.
    mask : (H, W) array of bool, optional
        The pixels whose spread is measured.

    Returns
    -------
    (H, W, sum of C) float32 array
        Each group has mean 0, and the variances of its columns have the sum weight**2 (0 if all pixels are alike).

    Raises
    ------
    TypeError, ValueError
        If there are no features, their shapes differ, or a weight is negative or of no group.
    """
    name = "stack_features"
    weights = {} if weights is None else weights
    for argument, value in (("features", features), ("weights", weights)):
        if not isinstance(value, dict):
            raise TypeError(f"{name}: {argument} must be a dict, got {type(value).__name__}")
    shapes = {np.shape(group)[:2] for group in features.values()}
    if len(shapes) != 1:
        raise ValueError(f"{name}: features must be arrays of one height and width, got {sorted(shapes)}")
    if unknown := sorted(set(weights) - set(features)):
        raise ValueError(f"{name}: weights must be of {', '.join(features)}, got {', '.join(unknown)}")
    shape = shapes.pop()
    mask = check.as_mask(name, mask, shape)
    inside = ... if mask is None else mask
    columns = []
    for key, group in features.items():
        weight = check.real(name, f"weights[{key!r}]", weights.get(key, 1.0), low=0)
        group = np.asarray(group, np.float32).reshape(*shape, -1)
        flat = group[inside].reshape(-1, group.shape[2])
        mean, spread = flat.mean(axis=0, dtype=np.float64), np.sqrt(flat.var(axis=0, dtype=np.float64).sum())
        # What rounding alone sets apart is alike.
        scale = weight / spread if spread > 1e-6 * np.abs(flat).max(initial=0) else 0.0
        columns.append((group - mean.astype(np.float32)) * np.float32(scale))
    return np.concatenate(columns, axis=-1)
