"""Colours, histograms, thresholds and edges against NumPy, scikit-image and OpenCV."""

import numpy as np

from smalti import kernels

from .harness import Case, close, peer, picture, row

cv2 = peer("cv2")
color, feature, filters = (peer(f"skimage.{name}") for name in ("color", "feature", "filters"))


def _unit(image):
    return image if image.dtype == np.float32 else image.astype(np.float32) / 255


@row("rgb2gray", "RGB", dtype=["uint8", "float32"])
def rgb2gray(dtype, size):
    image = picture(*size) if dtype == "uint8" else _unit(picture(*size))
    unit, weights = _unit(image), np.array([[0.2125, 0.7154, 0.0721]], np.float32)
    return Case(
        lambda: kernels.rgb2gray(image),
        close(1e-6),
        {
            "skimage": color and (lambda: color.rgb2gray(unit)),
            "cv2": cv2 and (lambda: cv2.transform(_unit(image), weights)),  # cvtColor has other weights
        },
        reads=image,
    )


@row("rgb2hsv", "RGB", dtype=["uint8", "float32"])
def rgb2hsv(dtype, size):
    image = picture(*size) if dtype == "uint8" else _unit(picture(*size))
    unit = _unit(image)

    def with_cv2():  # uint8 in would mean uint8 out, the hue in steps of two degrees
        hsv = cv2.cvtColor(_unit(image), cv2.COLOR_RGB2HSV)
        hsv[..., 0] *= 1 / 360
        return hsv

    return Case(
        lambda: kernels.rgb2hsv(image),
        close(1e-4),  # OpenCV adds a small number to what it divides by
        {"skimage": color and (lambda: color.rgb2hsv(unit)), "cv2": cv2 and with_cv2},
        reads=image,
    )


@row("hsv2rgb", "RGB float32")
def hsv2rgb(size):
    hsv = kernels.rgb2hsv(_unit(picture(*size)))
    degrees = hsv * np.float32([360, 1, 1])
    return Case(
        lambda: kernels.hsv2rgb(hsv),
        close(1e-5),
        {
            "skimage": color and (lambda: color.hsv2rgb(hsv)),
            "cv2": cv2 and (lambda: cv2.cvtColor(degrees, cv2.COLOR_HSV2RGB)),
        },
        reads=hsv,
    )


@row("rgb2lab", "RGB", dtype=["uint8", "float32"])
def rgb2lab(dtype, size):
    image = picture(*size) if dtype == "uint8" else _unit(picture(*size))
    unit = _unit(image)
    return Case(
        lambda: kernels.rgb2lab(image),
        close(5e-3),  # OpenCV interpolates in tables
        {
            "skimage": color and (lambda: color.rgb2lab(unit)),
            # uint8 in would mean uint8 out, with other ranges
            "cv2": cv2 and (lambda: cv2.cvtColor(_unit(image), cv2.COLOR_RGB2Lab)),
        },
        reads=image,
    )


@row("lab2rgb", "RGB float32")
def lab2rgb(size):
    lab = kernels.rgb2lab(picture(*size))
    return Case(
        lambda: kernels.lab2rgb(lab),
        close(5e-3),  # OpenCV interpolates in tables
        {
            "skimage": color and (lambda: color.lab2rgb(lab)),
            "cv2": cv2 and (lambda: cv2.cvtColor(lab, cv2.COLOR_Lab2RGB)),
        },
        reads=lab,
    )


@row("histogram", of=["uint8", "float32", "3 x uint8", "3 x float32"])
def histogram(of, size):
    image = picture(*size) if "uint8" in of else _unit(picture(*size))
    top = 256 if "uint8" in of else 1
    if of.startswith("3"):
        bins, channels = [16] * 3, [0, 1, 2]
        ours = lambda: kernels.histogram(image, bins, (0, top), channel_axis=-1)[0]  # noqa: E731
        with_numpy = lambda: np.histogramdd(image.reshape(-1, 3), bins, [(0, top)] * 3)[0]  # noqa: E731
    else:
        image, bins, channels = np.ascontiguousarray(image[..., 0]), [256], [0]
        ours = lambda: kernels.histogram(image, 256, (0, top))[0]  # noqa: E731
        with_numpy = lambda: np.histogram(image, 256, (0, top))[0]  # noqa: E731
    return Case(
        ours,
        close(0),
        {
            "numpy": with_numpy,
            # leaves out the end of the last bin, and puts values near an edge where rounding puts them
            "cv2": cv2 and (lambda: cv2.calcHist([image], channels, None, bins, [0, top] * len(channels))),
        },
        unlike=("cv2",) if top == 1 else (),
        reads=image,
    )


@row("threshold_otsu", dtype=["uint8", "float32"])
def threshold_otsu(dtype, size):
    image = np.ascontiguousarray(picture(*size)[..., 0])
    image = image if dtype == "uint8" else _unit(image)
    return Case(
        lambda: kernels.threshold_otsu(image),
        close(0),
        {
            "skimage": filters and (lambda: filters.threshold_otsu(image)),
            # applies the threshold, too
            "cv2": (cv2 and dtype == "uint8" and (lambda: cv2.threshold(image, 0, 255, cv2.THRESH_OTSU)[0])) or None,
        },
        reads=image,
    )


@row("canny", dtype=["uint8", "float32"], sigma=[1.0, 2.0])
def canny(dtype, sigma, size):
    image = np.ascontiguousarray(picture(*size)[..., 0])
    side = 2 * int(4 * sigma + 0.5) + 1

    def same_edges(ours, theirs):
        for name, edges in theirs.items():
            if np.mean(ours != edges) > 5e-4:
                raise AssertionError(f"differs from {name} in {np.mean(ours != edges):.2%} of the pixels")

    def with_cv2():  # 8-bit integers, four directions without interpolation: on photographs 2 % of the pixels differ
        smooth = cv2.GaussianBlur(image, (side, side), sigma)
        return cv2.Canny(smooth, 25.5, 51, L2gradient=True)

    given = image if dtype == "uint8" else _unit(image)
    return Case(
        lambda: kernels.canny(given, sigma),
        same_edges,
        {"skimage": feature and (lambda: feature.canny(given, sigma)), "cv2": cv2 and with_cv2},
        unlike=("cv2",),
        reads=given,
    )
