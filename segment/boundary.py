"""How strongly a boundary runs through each pixel, in each of eight directions.

Brightness, two colours and texture differ across a boundary: each is compared between the two halves of windows of two
sizes (see ``kernels/oriented_gradient.py``), and a logistic model weighs the eight differences. Martin, Fowlkes and
Malik, IEEE PAMI 26(5), 2004; several sizes after Arbelaez, Maire, Fowlkes and Malik, "Contour detection and
hierarchical image segmentation", IEEE PAMI 33(5), 2011, section 3.1.
"""

import functools

import numpy as np

from ..kernels import conv2d, gaussian, kmeans, oriented_gradient, rgb2lab

N_DIRECTIONS = 8
N_TEXTONS = 32

# Group of channels, radii of its windows in pixels, blur of its histograms in bins.
CUES = (("brightness", (3, 10), 1.0), ("color", (5, 20), 1.0), ("texture", (5, 20), 0.0))

# Weight of each channel at each radius and what is added: the logistic regression of `benchmarks/learn_boundaries.py`
# on the 200 training pictures of BSDS500.
WEIGHTS = {
    "brightness": ((2.05, 1.19),),
    "color": ((0.86, 0.74), (1.08, 0.98)),
    "texture": ((1.49, 2.06),),
}
OFFSET = -6.96

_BINS = 16
_RANGES = ((0.0, 100.0), (-40.0, 60.0), (-40.0, 60.0))  # of L, a, b; what lies outside is in the last bins
_SMOOTHING = 1.0
_SAMPLES = 2**14
_BAND_PIXELS = 2**20


def cue_channels(rgb, *, rng=0):
    """The channels of each cue as numbers of bins: a dict of (H, W, C) int32 arrays."""
    lab = rgb2lab(rgb)
    bins = [_quantised(lab[..., k], *_RANGES[k]) for k in range(3)]
    return {
        "brightness": bins[0][..., None],
        "color": np.stack(bins[1:], axis=-1),
        "texture": textons(lab[..., 0] * np.float32(0.01), rng=rng)[..., None],
    }


def boundary_strengths(channels):
    """The probability that a boundary runs through each pixel in each of eight directions: (8, H, W) float32.

    Direction number d is at the angle pi d / 8 to a row, clockwise as the picture is seen. `channels` are those of
    `cue_channels`.
    """
    shape = channels["brightness"].shape[:2]
    scores = np.full((N_DIRECTIONS, *shape), OFFSET, np.float32)
    for name, radii, blur in CUES:
        scores += oriented_gradient(
            channels[name], radii, weights=WEIGHTS[name], blur=blur, n_orientations=N_DIRECTIONS
        )
    return 1 / (1 + np.exp(-smoothed(scores)))


def smoothed(planes):
    """Each plane smoothed a little, which takes out the steps of turned windows."""
    return np.stack([gaussian(plane, _SMOOTHING) for plane in planes])


def _quantised(channel, low, high):
    bins = ((channel - low) * (_BINS / (high - low))).astype(np.int32)
    return np.clip(bins, 0, _BINS - 1, out=bins)


def textons(gray, *, n_textons=N_TEXTONS, rng=0):
    """The texture at each pixel, as the number of the nearest of a few typical filter responses.

    The responses of a bank of filters at a sample of pixels are clustered. The nearest centre c of a response f is that
    with the largest c f - |c|**2 / 2, and f is linear in the picture: to assign all pixels is one convolution with as
    many filters as there are centres. Malik, Belongie, Leung and Shi, "Contour and texture analysis for image
    segmentation", IJCV 43(1), 2001, section 2.

    Parameters
    ----------
    gray : (H, W) array in [0, 1]
    n_textons : int
    rng : int or numpy.random.Generator

    Returns
    -------
    (H, W) int32 array, from 0
    """
    bank = _filter_bank()
    side, n_filters = bank.shape[0], bank.shape[3]
    bordered = np.pad(np.asarray(gray, np.float32), side // 2, mode="symmetric")[None, :, :, None]
    step = max(1, round((gray.size / _SAMPLES) ** 0.5))
    sample = conv2d(bordered, bank, stride=step).reshape(-1, n_filters)
    centers = kmeans(sample, min(n_textons, len(sample)), max_iter=20, tol=1e-3, rng=rng).centers.astype(np.float32)
    nearest = np.ascontiguousarray(bank @ centers.T)
    offset = -0.5 * (centers * centers).sum(axis=1)
    height, width = gray.shape
    rows = max(1, _BAND_PIXELS // width)
    out = np.empty((height, width), np.int32)
    for r in range(0, height, rows):
        band = bordered[:, r : r + min(rows, height - r) + side - 1]
        out[r : r + rows] = conv2d(band, nearest, offset)[0].argmax(axis=-1)
    return out


@functools.cache
def _filter_bank():
    """(KH, KW, 1, 17): long bars and edges in eight directions and a spot, without mean and of equal weight."""
    radius, across, along = 6, 2.0, 4.8
    r, c = np.mgrid[-radius : radius + 1, -radius : radius + 1].astype(float)
    filters = []
    for angle in np.pi / N_DIRECTIONS * np.arange(N_DIRECTIONS):
        u, v = r * np.cos(angle) - c * np.sin(angle), r * np.sin(angle) + c * np.cos(angle)
        envelope = np.exp(-0.5 * ((u / across) ** 2 + (v / along) ** 2))
        filters += [envelope * ((u / across) ** 2 - 1), envelope * u]
    square = (r * r + c * c) / across**2
    filters.append(np.exp(-0.5 * square) * (0.5 * square - 1))
    filters = [f - f.mean() for f in filters]
    return np.stack([f / np.abs(f).sum() for f in filters], axis=-1)[:, :, None].astype(np.float32)
