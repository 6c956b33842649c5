"""Geometry against scikit-image and OpenCV, on 1024 x 1536 pixels."""

import numpy as np

from smalti import kernels

from .harness import Case, close, peer, picture, row

cv2 = peer("cv2")
transform = peer("skimage.transform")


def _float_picture():
    return picture().astype(np.float32) / 255


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
