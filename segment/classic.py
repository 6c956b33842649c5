"""The pipeline of the textbooks, step by step: `segment(image, "classic")`.

The picture is resized to 224 x 224, turned by 90 degrees clockwise and flipped left to right. Each pixel is described
by histograms of the window around it: joint ones of hue, saturation and value, of a smoothed Laplacian, and of Canny's
edges. k-means makes two clusters of them, and the watershed of the gradient, flooded from the inner parts of the
clusters, puts the borders where the picture has them.

Every step is a function here, and `steps` shows them all.
"""

import numpy as np
from PIL import Image, ImageDraw

from .. import kernels
from ..kernels import _validate as check
from .preprocess import preprocess, with_unreached
from .segmentation import Segmentation

SIZE, ANGLE, AXIS = (224, 224), -90.0, 1
COLOR_STEPS, TEXTURE_STEPS = 8, 32
RADIUS = 7  # of the windows of histograms
LOW, HIGH = 50 / 255, 150 / 255  # thresholds of Canny's gradient
MAX_ITER = 10  # of k-means
_GAUSSIAN = np.array((1, 4, 6, 4, 1)) / 16
_LAPLACE = np.array(((0, 1, 0), (1, -4, 1), (0, 1, 0)))
_ROUNDING = 1e-4  # of a step: values at an edge of two, such as 1/2, that interpolation has changed a little stay alike
_TEXTURE_RANGE = 0.25  # of the Laplacian; what lies beyond is in the first or the last step


def color_steps(rgb):
    """8 steps each of hue, saturation and value, joined in one number from 0 to 511: (H, W) int32."""
    steps = kernels.rgb2hsv(rgb) * COLOR_STEPS + _ROUNDING
    steps = np.minimum(steps, COLOR_STEPS - 1).astype(np.int32)
    return (steps[..., 0] * COLOR_STEPS + steps[..., 1]) * COLOR_STEPS + steps[..., 2]


def texture_steps(gray):
    """The Laplacian after a 5 x 5 Gaussian, in 32 steps: (H, W) int32."""
    smooth = kernels.correlate(gray, np.outer(_GAUSSIAN, _GAUSSIAN))
    response = kernels.correlate(smooth, _LAPLACE)
    steps = (response + _TEXTURE_RANGE) * (TEXTURE_STEPS / 2 / _TEXTURE_RANGE) + _ROUNDING
    return np.clip(steps, 0, TEXTURE_STEPS - 1).astype(np.int32)


def edges(gray):
    """Canny's edges of the picture as it is, with thresholds of 50 and 150 of 255: (H, W) bool."""
    return kernels.canny(gray, 0, LOW, HIGH)


def features(rgb, mask=None):
    """Histograms of the window around each pixel: (H, W, number of colours that occur + 32 + 2) float32."""
    gray = kernels.rgb2gray(rgb)
    colors = color_steps(rgb)
    occurs = np.bincount(colors.ravel(), minlength=COLOR_STEPS**3) > 0
    number = np.cumsum(occurs, dtype=np.int32) - 1  # colours that do not occur would make no difference
    bins = np.stack([number[colors], texture_steps(gray), edges(gray)], axis=-1, dtype=np.int32)
    return kernels.local_histogram(bins, (number[-1] + 1, TEXTURE_STEPS, 2), radius=RADIUS, mask=mask)


def clusters(stack, mask=None, *, n_clusters=2, rng=0):
    """k-means of the features: (H, W) int32 from 0, -1 outside the mask."""
    shape = stack.shape[:2]
    inside = np.ones(shape, bool) if mask is None else mask
    points = stack.reshape(-1, stack.shape[2]) if mask is None else stack[mask]
    labels = np.full(shape, -1, np.int32)
    if len(points):
        labels[inside] = kernels.kmeans(points, min(n_clusters, len(points)), max_iter=MAX_ITER, rng=rng).labels
    return labels


def regions(rgb, found, mask=None, *, line=False):
    """The watershed of the gradient from the inner parts of the clusters: (H, W) int32 from 1, 0 outside.

    With `line` there are zeros between the regions as well, which mark the borders.
    """
    inner = np.zeros(found.shape, bool)
    for cluster in range(found.max() + 1):
        inner |= kernels.erosion(found == cluster, np.ones((3, 3), bool))
    markers = kernels.label(np.where(inner, found, -1), connectivity=1, background=-1)
    if not markers.any():  # every part is thinner than three pixels
        markers = kernels.label(found, connectivity=1, background=-1)
    gradient = kernels.sobel(kernels.rgb2gray(rgb))
    return kernels.watershed(gradient, markers, mask=mask, watershed_line=line)


def partition(rgb, mask, *, n_clusters=2, rng=0):
    """All steps after preprocessing, as `segment` takes them."""
    n_clusters = check.integer("segment", "n_clusters", n_clusters, low=1)
    found = clusters(features(rgb, mask), mask, n_clusters=n_clusters, rng=rng)
    return with_unreached(regions(rgb, found, mask) - 1, mask)


def steps(image, *, n_clusters=2, rng=0):
    """What each step makes of a picture.

    Parameters
    ----------
    image : (H, W), (H, W, 1), (H, W, 3) or (H, W, 4) array
        uint8 and uint16, or floats in [0, 1].
    n_clusters, rng
        Of the k-means.

    Returns
    -------
    dict of str to (224, 224, 3) uint8 array
        A picture of each step, by its name.

    Raises
    ------
    TypeError, ValueError
        If it is not such a picture, or not finite, or `n_clusters` or `rng` is not what it should be.
    """
    n_clusters = check.integer("steps", "n_clusters", n_clusters, low=1)
    rgb = preprocess(image, sigma=0, size=SIZE, angle=ANGLE, axis=AXIS)
    gray = kernels.rgb2gray(rgb)
    colors = color_steps(rgb)
    hsv = np.stack([colors // COLOR_STEPS**2, colors // COLOR_STEPS % COLOR_STEPS, colors % COLOR_STEPS], axis=-1)
    found = clusters(features(rgb), n_clusters=n_clusters, rng=rng)
    lined = regions(rgb, found, line=True)
    result = Segmentation(rgb, lined - 1)
    pictures = {
        "resized, turned, flipped": rgb,
        "8 x 8 x 8 colours": kernels.hsv2rgb(((hsv + 0.5) / COLOR_STEPS).astype(np.float32)),
        "Laplacian in 32 steps": texture_steps(gray) / (TEXTURE_STEPS - 1),
        "Canny's edges": edges(gray),
        "clusters": (found + 1) / (n_clusters + 1),
        "watershed": np.where(lined[..., None] == 0, 1, rgb * 0.5),
        "half and half": result.overlay(mix=0.5) / 255,
    }
    return {name: _rgb8(picture) for name, picture in pictures.items()}


def steps_sheet(image, **options):
    """The picture and all `steps` with their names, side by side in two rows: (H, W, 3) uint8."""
    tiles = {"picture": _rgb8(preprocess(image, sigma=0, size=SIZE)), **steps(image, **options)}
    side, caption, gap = SIZE[0], 18, 8
    columns = (len(tiles) + 1) // 2
    sheet = Image.new("RGB", (columns * (side + gap) + gap, 2 * (side + caption + gap) + gap), "white")
    draw = ImageDraw.Draw(sheet)
    for k, (name, tile) in enumerate(tiles.items()):
        left, top = gap + k % columns * (side + gap), gap + k // columns * (side + caption + gap)
        sheet.paste(Image.fromarray(tile), (left, top))
        draw.text((left, top + side + 3), name, fill="black")
    return np.asarray(sheet)


def _rgb8(picture):
    picture = np.rint(np.clip(np.asarray(picture, np.float32), 0, 1) * 255).astype(np.uint8)
    return picture if picture.ndim == 3 else np.repeat(picture[..., None], 3, axis=2)
