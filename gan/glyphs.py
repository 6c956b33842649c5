"""The built-in dataset: letters and digits in Pillow's own font, each warped at random.

A glyph is drawn once, large, in each of a few stroke widths. A sample is that drawing seen through the affine map

    p_source = c_source + A (p - c - shift),    A = (1/size) * R(angle) * shear * diag(stretch, 1/stretch)

so that no two samples are alike while each class stays easy to read. O(n_images), about 60 us an image.
"""

import functools

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from smalti.kernels._validate import as_rng, integer, real

CHARACTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"

_SIZE = 28
_FINE = 2  # samples are warped at this many times their size, then averaged down
_CANVAS = 112  # side of the large drawing
_HEIGHT = 64  # of a capital in the large drawing
_STROKES = (1, 2, 3)


def glyphs(n_images=20_000, *, characters=CHARACTERS, warp=1.0, rng=0):
    """Draw glyphs, classes in turn.

    Parameters
    ----------
    n_images : int
    characters : str
        One class for each, in this order.
    warp : float
        Strength of the random warps: 0 none, 1 as different as handwriting of one person.
    rng : int or numpy.random.Generator
        The same seed gives the same pictures.

    Returns
    -------
    images : (n_images, 28, 28, 1) uint8, white on black
    labels : (n_images,) int32, index into `characters`
    """
    n_images = integer("glyphs", "n_images", n_images, low=1)
    if not isinstance(characters, str) or not characters or len(set(characters)) < len(characters):
        raise ValueError(f"glyphs: characters must be a string without repeats, got {characters!r}")
    warp = real("glyphs", "warp", warp, low=0, high=2)
    rng = as_rng("glyphs", rng)
    labels = np.arange(n_images, dtype=np.int32) % len(characters)
    strokes = rng.integers(len(_STROKES), size=n_images)
    maps = _affine_maps(n_images, warp, rng)
    images = np.empty((n_images, _SIZE, _SIZE, 1), np.uint8)
    fine = (_FINE * _SIZE, _FINE * _SIZE)
    for i in range(n_images):
        large = _drawing(characters[labels[i]], _STROKES[strokes[i]])
        warped = large.transform(fine, Image.Transform.AFFINE, maps[i].ravel(), Image.Resampling.BILINEAR)
        images[i, :, :, 0] = warped.reduce(_FINE)
    return images, labels


def _affine_maps(n, warp, rng):
    """(n, 2, 3) maps from fine sample coordinates to coordinates of the large drawing."""
    angle = np.radians(10) * warp * rng.uniform(-1, 1, n)
    shear = 0.2 * warp * rng.uniform(-1, 1, n)
    stretch = 1 + 0.1 * warp * rng.uniform(-1, 1, n)
    height = _FINE * (18.5 + 1.5 * warp * rng.uniform(-1, 1, n))  # of a capital in the sample
    shift = _FINE * 1.2 * warp * rng.uniform(-1, 1, (n, 2))
    cos, sin = np.cos(angle), np.sin(angle)
    linear = np.empty((n, 2, 2))
    linear[:, 0] = np.stack([cos * stretch, (shear * cos - sin) / stretch], axis=1)
    linear[:, 1] = np.stack([sin * stretch, (shear * sin + cos) / stretch], axis=1)
    linear *= (_HEIGHT / height)[:, None, None]
    centre = _FINE * _SIZE / 2 + shift
    offset = _CANVAS / 2 - np.einsum("nij,nj->ni", linear, centre)
    return np.concatenate([linear, offset[:, :, None]], axis=2)


@functools.lru_cache(maxsize=512)
def _drawing(character, stroke):
    """The character in white on black, as high as a capital or as wide as one is high, centred on a square canvas."""
    size = _HEIGHT
    for _ in range(2):  # the second time in the size that fits
        font = ImageFont.load_default(size)
        left, top, right, bottom = font.getbbox(character)
        capital_top, capital_bottom = font.getbbox("H")[1::2]
        size *= _HEIGHT / max(capital_bottom - capital_top, right - left)
    canvas = Image.new("L", (_CANVAS, _CANVAS))
    corner = ((_CANVAS - left - right) / 2, (_CANVAS - top - bottom) / 2)
    ImageDraw.Draw(canvas).text(corner, character, fill=255, font=font, stroke_width=stroke)
    return canvas
