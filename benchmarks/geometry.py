"""Geometry against scikit-image and OpenCV, on 1024 x 1536 pixels."""

import numpy as np

from smalti import kernels

from .harness import Case, close, peer, picture, row

cv2, transform = peer("cv2"), peer("skimage.transform")


def _picture(kind):
    """uint8 or float32, in gray or RGB: `kind` is "float32 RGB", say."""
    dtype, colours = kind.split()
    image = picture() if colours == "RGB" else picture()[..., 0].copy()
    return image if dtype == "uint8" else image.astype(np.float32) / 255


@row("flip", "1024x1536", kind=["uint8 RGB", "float32 gray"], axis=[0, 1])
def flip(kind, axis):
    image = _picture(kind)
    return Case(
        lambda: kernels.flip(image, axis),
        close(0),
        {
            "numpy": lambda: np.flip(image, axis).copy(),
            "cv2": cv2 and (lambda: cv2.flip(image, axis)),
        },
    )


@row("resize", "1024x1536x3 float32", to=[(2048, 3072), (700, 1000), (256, 384)])
def resize(to):
    image = _picture("float32 RGB")
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
