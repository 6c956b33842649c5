"""Colour and geometry against scikit-image and OpenCV, on 1024 x 1536 pixels."""

import numpy as np

from smalti import kernels

from .harness import Case, close, peer, picture, row

cv2 = peer("cv2")
color, transform = (peer(f"skimage.{name}") for name in ("color", "transform"))


def _float_picture():
    return picture().astype(np.float32) / 255


@row("rgb2lab", "1024x1536x3", dtype=["uint8", "float32"])
def rgb2lab(dtype):
    image = picture() if dtype == "uint8" else _float_picture()
    unit = _float_picture()

    def with_cv2():  # uint8 in would mean uint8 out, with other ranges
        return cv2.cvtColor(image if dtype == "float32" else image.astype(np.float32) / 255, cv2.COLOR_RGB2Lab)

    return Case(
        lambda: kernels.rgb2lab(image),
        close(5e-3),  # OpenCV interpolates in tables
        {"skimage": color and (lambda: color.rgb2lab(unit)), "cv2": cv2 and with_cv2},
    )


@row("resize", "1024x1536x3 float32", to=[(2048, 3072), (700, 1000), (256, 384)])
def resize(to):
    image = _float_picture()
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
