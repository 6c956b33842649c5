"""Geometry against scikit-image and OpenCV."""

import numpy as np

from smalti import kernels

from .harness import Case, close, peer, picture, row

cv2, transform = peer("cv2"), peer("skimage.transform")


def _picture(kind, size):
    """uint8 or float32, in gray or RGB: `kind` is "float32 RGB", say."""
    dtype, colours = kind.split()
    image = picture(*size) if colours == "RGB" else picture(*size)[..., 0].copy()
    return image if dtype == "uint8" else image.astype(np.float32) / 255


def _mostly_close(share):
    """A check: all but so small a share of the pixels are the same: rounding decides which of two is nearer."""

    def check(ours, theirs):
        for name, other in theirs.items():
            differ = float(np.mean(ours != other))
            if not differ <= share:
                raise AssertionError(f"{differ:.2g} of the pixels differ from {name}")

    return check


@row("flip", kind=["uint8 RGB", "float32 gray"], axis=[0, 1])
def flip(kind, axis, size):
    image = _picture(kind, size)
    return Case(
        lambda: kernels.flip(image, axis),
        close(0),
        {
            "numpy": lambda: np.flip(image, axis).copy(),
            "cv2": cv2 and (lambda: cv2.flip(image, axis)),
        },
        reads=image,
    )


@row("resize", "RGB float32", by=[2, 0.65, 0.25])
def resize(by, size):
    image = _picture("float32 RGB", size)
    to = [round(by * n) for n in size]
    method = cv2 and (cv2.INTER_AREA if by < 1 else cv2.INTER_LINEAR)

    return Case(
        lambda: kernels.resize(image, to),
        close(1e-4),
        {
            "skimage": transform and (lambda: transform.resize(image, to)),
            "cv2": cv2 and (lambda: cv2.resize(image, to[::-1], interpolation=method)),
        },
        unlike=("cv2",),  # averages an area where smaller; repeats the edge where larger
        reads=image,
    )


@row("resize", "RGB float32", order=[3, "area"], by=[2, 0.25])
def resize_otherwise(order, by, size):
    image = _picture("float32 RGB", size)
    to = [round(by * n) for n in size]
    method = cv2 and (cv2.INTER_AREA if order == "area" else cv2.INTER_CUBIC)
    peers = {"cv2": cv2 and (lambda: cv2.resize(image, to[::-1], interpolation=method))}
    if order == 3:
        peers["skimage"] = transform and (lambda: transform.resize(image, to, 3))

    return Case(
        lambda: kernels.resize(image, to, order),
        close(1e-4),
        peers,
        unlike=() if order == "area" and by < 1 else ("cv2",),  # no spline through the pixels, and no smoothing
        reads=image,
    )


@row("rotate", kind=["float32 gray", "float32 RGB", "uint8 RGB"], order=[0, 1, 3])
def rotate(kind, order, size):
    image = _picture(kind, size)
    height, width = size
    turn = cv2 and cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), 30, 1)
    method = cv2 and {0: cv2.INTER_NEAREST, 1: cv2.INTER_LINEAR, 3: cv2.INTER_CUBIC}[order]
    return Case(
        lambda: kernels.rotate(image, 30, order=order),
        _mostly_close(5e-3) if order == 0 else close(2e-3),
        {
            "skimage": transform and (lambda: transform.rotate(image, 30, order=order, preserve_range=order == 0)),
            "cv2": cv2 and (lambda: cv2.warpAffine(image, turn, (width, height), flags=method)),
        },
        unlike=("cv2",),  # places in 32nds of a pixel, integers for integers
        reads=image,
    )
