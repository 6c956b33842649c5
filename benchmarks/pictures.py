"""A contact sheet of every filter on one photograph: ``python -m benchmarks --pictures [--image FILE] [-o DIR]``.

Speed is worth nothing where the result is wrong, and what is wrong with a filter the eye often finds first.
"""

import math
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from smalti import kernels
from smalti._picture import picture
from smalti.segment.files import read_image

SIDE = 300  # pixels of the longer side of a tile
COLUMNS, GAP, CAPTION, TITLE = 6, 10, 24, 44
NIGHT, GOLD, CREAM = (14, 26, 43), (227, 176, 75), (255, 246, 222)
BELOW, NOTHING, ABOVE = np.array([(38, 94, 160), (247, 243, 235), (201, 76, 40)]) / 255


# ---- what the kernels make of a picture -----------------------------------------------------------------


def sections(rgb):
    """Title -> {caption: picture (H, W) or (H, W, 3) from 0 to 1}, of a picture (H, W, 3) uint8."""
    gray = kernels.rgb2gray(rgb)
    return {
        "Colour and brightness": _colours(rgb, gray),
        "Smoothing and derivatives": _derivatives(rgb, gray),
        "Edges and texture": _textures(gray),
        "Shapes": _shapes(gray),
        "Geometry": _geometry(rgb),
    }


def _colours(rgb, gray):
    hsv, lab = kernels.rgb2hsv(rgb), kernels.rgb2lab(rgb)
    hue, saturation, value = np.moveaxis(hsv, 2, 0)
    lightness, a, b = np.moveaxis(lab, 2, 0)
    same, none = np.full_like(a, 65), np.zeros_like(a)
    return {
        "the picture": rgb / 255,
        "rgb2gray": gray,
        "rgb2hsv: hue": _as_hue(hue),
        "rgb2hsv: saturation": saturation,
        "rgb2hsv: value": value,
        "hsv2rgb: hues turned": kernels.hsv2rgb(np.dstack([(hue + 1 / 3) % 1, saturation, value])),
        "rgb2lab: lightness": lightness / 100,
        "rgb2lab: a, green to red": kernels.lab2rgb(np.dstack([same, a, none])),
        "rgb2lab: b, blue to yellow": kernels.lab2rgb(np.dstack([same, none, b])),
        "lab2rgb: chroma doubled": kernels.lab2rgb(lab * np.float32([1, 2, 2])),
        "histogram of the channels": _bars(rgb),
        "threshold_otsu": gray > kernels.threshold_otsu(gray),
    }


def _derivatives(rgb, gray):
    sharper = np.float32([[0, -1, 0], [-1, 5, -1], [0, -1, 0]])
    return {
        "gaussian, sigma 2": kernels.gaussian(rgb, 2),
        "gaussian, sigma (1, 12)": kernels.gaussian(rgb, (1, 12)),
        "convolve with a diagonal": kernels.convolve(rgb, np.eye(15, dtype=np.float32) / 15) / 255,
        "correlate: sharpened": kernels.correlate(rgb, sharper) / 255,
        "laplace": _signed(kernels.laplace(gray)),
        "gaussian_laplace, sigma 3": _signed(kernels.gaussian_laplace(gray, 3)),
        "sobel": _strength(kernels.sobel(gray)),
        "scharr": _strength(kernels.scharr(gray)),
        "prewitt": _strength(kernels.prewitt(gray)),
        "sobel of each channel": _strength(kernels.sobel(rgb)),
        "sobel, axis 0": _signed(kernels.sobel(gray, axis=0)),
        "sobel, axis 1": _signed(kernels.sobel(gray, axis=1)),
    }


def _textures(gray):
    wave = {"frequency": 0.15, "theta": math.pi / 4}
    kernel = kernels.gabor_kernel(**wave).real.astype(np.float32)
    real, imaginary = kernels.gabor(gray, **wave)
    directions = kernels.gabor_bank(gray, frequencies=(0.12, 0.2, 0.35), n_orientations=8).sum(axis=2)
    strongest = directions.argmax(axis=2).astype(np.float32) / 8
    return {
        "canny, sigma 1": kernels.canny(gray, 1),
        "canny, sigma 2, quantiles": kernels.canny(gray, 2, 0.8, 0.95, use_quantiles=True),
        "gabor_kernel, enlarged": _signed(kernels.resize(kernel, [min(gray.shape)] * 2, order=0)),
        "gabor, real part": _signed(real),
        "gabor, magnitude": _strength(np.hypot(real, imaginary)),
        "gabor_bank: directions": _as_hue(strongest, _strength(directions.max(axis=2))),
    }


def _shapes(gray):
    r, c = np.ogrid[-3:4, -3:4]
    disk = r * r + c * c <= 10
    objects = kernels.remove_small_objects(gray > kernels.threshold_otsu(gray))
    smooth = kernels.gaussian(gray, 2)
    peaks = np.zeros(gray.shape, bool)
    peaks[tuple(kernels.peak_local_max(smooth, 5).T)] = True
    return {
        "erosion by a disk": kernels.erosion(gray, disk),
        "dilation by a disk": kernels.dilation(gray, disk),
        "opening by a disk": kernels.opening(gray, disk),
        "closing by a disk": kernels.closing(gray, disk),
        "remove_small_objects": objects,
        "distance_transform_edt": _strength(kernels.distance_transform_edt(objects)),
        "peak_local_max, smoothed": _marked(gray, peaks),
        "h_maxima of 0.1, smoothed": _marked(gray, kernels.h_maxima(smooth, 0.1) > 0),
    }


def _geometry(rgb):
    height, width = rgb.shape[:2]
    small = max(1, height // 8), max(1, width // 8)
    rough, fine = (kernels.resize(rgb, small, order=order) for order in (0, 1))
    return {
        "resize, 1/8, order 0": kernels.resize(rough, (height, width), order=0) / 255,
        "resize, 1/8, order 1": kernels.resize(fine, (height, width), order=0),
        "resize, back by order 1": kernels.resize(fine, (height, width), order=1),
        "resize, back by order 3": kernels.resize(fine, (height, width), order=3),
        "flip, axis 1": kernels.flip(rgb, 1) / 255,
        "rotate, order 3": kernels.rotate(rgb, 20, order=3),
    }


# ---- how results are shown ------------------------------------------------------------------------------


def _strength(x):
    """From black for nothing to white for (nearly) the greatest."""
    return x / max(np.percentile(x, 99.5), 1e-6)


def _signed(x):
    """Blue below 0, red above, with (nearly) the greatest magnitude at full colour."""
    share = (x / max(np.percentile(np.abs(x), 99), 1e-6)).clip(-1, 1)[..., None]
    return NOTHING + np.where(share < 0, BELOW - NOTHING, ABOVE - NOTHING) * np.abs(share)


def _marked(gray, places):
    """The picture, darker, with a golden dot at each of the places."""
    dots = kernels.dilation(places, np.ones((3, 3)))[..., None]
    return np.where(dots, np.array(GOLD) / 255, 0.6 * gray[..., None])


def _as_hue(hue, value=None):
    full = np.ones_like(hue)
    return kernels.hsv2rgb(np.dstack([hue, 0.75 * full, 0.95 * full if value is None else value.clip(0, 1)]))


def _bars(rgb):
    """Histograms of the three channels, one over the other, as a picture of the same size."""
    height, width = rgb.shape[:2]
    bins = min(width, 128)
    counts = np.stack([kernels.histogram(channel, bins, (0, 256))[0] for channel in np.moveaxis(rgb, 2, 0)])
    counts = counts[:, np.arange(width) * bins // width] / np.percentile(counts, 99)
    return (1 - (np.arange(height)[:, None, None] + 0.5) / height < counts.T) * 0.9


# ---- the sheet ------------------------------------------------------------------------------------------


def tile(image):
    """A picture (H, W, 1) or (H, W, 3) uint8 in three channels, and no larger than a tile."""
    image = np.repeat(image, 3, axis=2) if image.shape[2] == 1 else image
    scale = SIDE / max(image.shape[:2])
    if scale >= 1:
        return image
    shape = [max(1, round(n * scale)) for n in image.shape[:2]]
    return (kernels.resize(image, shape) * 255 + 0.5).astype(np.uint8)


def sheet(groups):
    """The pictures of `sections` in rows, each with its caption, as a Pillow image."""
    heights, widths = zip(*(p.shape[:2] for pictures in groups.values() for p in pictures.values()), strict=True)
    height, width = max(heights) + CAPTION, max(max(widths), SIDE * 2 // 3)
    rows = sum(-(-len(pictures) // COLUMNS) for pictures in groups.values())
    size = GAP + COLUMNS * (width + GAP), GAP + len(groups) * TITLE + rows * (height + GAP)
    image = Image.new("RGB", size, NIGHT)
    draw, font, title_font = ImageDraw.Draw(image), ImageFont.load_default(15), ImageFont.load_default(24)
    top = GAP
    for title, pictures in groups.items():
        draw.text((GAP, top + TITLE // 2), title, GOLD, title_font, anchor="lm")
        top += TITLE
        for k, (caption, values) in enumerate(pictures.items()):
            left = GAP + k % COLUMNS * (width + GAP)
            if k and k % COLUMNS == 0:
                top += height + GAP
            values = values if values.ndim == 3 else np.repeat(values[..., None], 3, axis=2)
            pixels = Image.fromarray((np.clip(values, 0, 1) * 255 + 0.5).astype(np.uint8))
            image.paste(pixels, (left + (width - pixels.width) // 2, top + (height - CAPTION - pixels.height) // 2))
            draw.text((left + width // 2, top + height - CAPTION // 2), caption, CREAM, font, anchor="mm")
        top += height + GAP
    return image


def main(path, out):
    """Draw the sheet of the picture at `path`, or of the built-in one, into the folder `out`; the exit status."""
    try:
        image = picture()[0] if path is None else read_image(path)
        out = Path(out)
        out.mkdir(parents=True, exist_ok=True)
        sheet(sections(tile(image))).save(out / "filters.png", optimize=True)
    except (OSError, ValueError) as error:
        print(f"benchmarks --pictures: {error}", file=sys.stderr)
        return 1
    print(f"look at {out / 'filters.png'}")
    return 0
