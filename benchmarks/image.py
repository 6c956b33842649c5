"""Filters, colour and geometry against scipy.ndimage, scikit-image and OpenCV, on 1024 x 1536 pixels."""

import numpy as np

from smalti import kernels

from .harness import Case, close, peer, picture, row

cv2 = peer("cv2")
ndimage = peer("scipy.ndimage")
color, filters, transform = (peer(f"skimage.{name}") for name in ("color", "filters", "transform"))


def _float_picture(channels):
    image = picture().astype(np.float32) / 255
    return np.ascontiguousarray(image[..., 0]) if channels == 1 else image


@row("gaussian", "1024x1536 float32", sigma=[1.0, 5.0], channels=[1, 3])
def gaussian(sigma, channels):
    image = _float_picture(channels)
    sigmas = (sigma, sigma, 0)[: image.ndim]
    side = 2 * int(4 * sigma + 0.5) + 1
    return Case(
        lambda: kernels.gaussian(image, sigma, channel_axis=None if channels == 1 else -1),
        close(1e-5),
        {
            "scipy": ndimage and (lambda: ndimage.gaussian_filter(image, sigmas, mode="nearest")),
            "skimage": filters and (lambda: filters.gaussian(image, sigma, channel_axis=None if channels == 1 else -1)),
            "cv2": cv2 and (lambda: cv2.GaussianBlur(image, (side, side), sigma, borderType=cv2.BORDER_REPLICATE)),
        },
    )


@row("sobel", "1024x1536 float32")
def sobel():
    image = _float_picture(1)

    def with_cv2():
        rows = cv2.Sobel(image, cv2.CV_32F, 0, 1, scale=1 / 4, borderType=cv2.BORDER_REFLECT)
        columns = cv2.Sobel(image, cv2.CV_32F, 1, 0, scale=1 / 4, borderType=cv2.BORDER_REFLECT)
        return cv2.magnitude(rows, columns) * np.float32(0.5**0.5)

    def with_scipy():
        return np.hypot(ndimage.sobel(image, 0), ndimage.sobel(image, 1)) * np.float32(0.5**0.5 / 4)

    return Case(
        lambda: kernels.sobel(image),
        close(1e-5),
        {
            "skimage": filters and (lambda: filters.sobel(image)),
            "scipy": ndimage and with_scipy,
            "cv2": cv2 and with_cv2,
        },
    )


@row("rgb2lab", "1024x1536x3", dtype=["uint8", "float32"])
def rgb2lab(dtype):
    image = picture() if dtype == "uint8" else _float_picture(3)
    unit = _float_picture(3)

    def with_cv2():  # uint8 in would mean uint8 out, with other ranges
        return cv2.cvtColor(image if dtype == "float32" else image.astype(np.float32) / 255, cv2.COLOR_RGB2Lab)

    return Case(
        lambda: kernels.rgb2lab(image),
        close(5e-3),  # OpenCV interpolates in tables
        {"skimage": color and (lambda: color.rgb2lab(unit)), "cv2": cv2 and with_cv2},
    )


@row("resize", "1024x1536x3 float32", to=[(2048, 3072), (700, 1000), (256, 384)])
def resize(to):
    image = _float_picture(3)
    smaller = to[0] < image.shape[0]
    size, method = to[::-1], cv2 and (cv2.INTER_AREA if smaller else cv2.INTER_LINEAR)

    return Case(
        lambda: kernels.resize(image, to),
        close(1e-4),
        {
            "skimage": transform and (lambda: transform.resize(image, to)),
            "cv2": cv2 and (lambda: cv2.resize(image, size, interpolation=method)),
        },
        unlike=("cv2",),  # averages an area where smaller; repeats the edge where larger
    )
