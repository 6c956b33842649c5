"""Morphology and distances against OpenCV, scikit-image and scipy."""

import numpy as np

from smalti import kernels

from .harness import Case, close, peer, picture, row

cv2 = peer("cv2")
ndimage = peer("scipy.ndimage")
morphology = peer("skimage.morphology")
feature = peer("skimage.feature")


def _same(ours, theirs):
    for name, other in theirs.items():
        if not np.array_equal(ours, other):
            raise AssertionError(f"not what {name} has")


@row("erosion", dtype=["uint8", "float32"], footprint=["3x3", "15x15", "disk 7"])
def erosion(dtype, footprint, size):
    image = np.ascontiguousarray(picture(*size)[..., 1]).astype(dtype)
    shape = {
        "3x3": np.ones((3, 3), bool),
        "15x15": np.ones((15, 15), bool),
        "disk 7": np.hypot(*np.mgrid[-7:8, -7:8]) <= 7,
    }[footprint]
    theirs = shape.astype(np.uint8)
    return Case(
        lambda: kernels.erosion(image, shape),
        _same,
        {
            "cv2": cv2 and (lambda: cv2.erode(image, theirs)),
            "skimage": morphology and (lambda: morphology.erosion(image, theirs)),
        },
        reads=image,
    )


@row("remove_small_objects")
def remove_small_objects(size):
    mask = np.random.default_rng(0).random(size) < 0.5
    return Case(
        lambda: kernels.remove_small_objects(mask, max_size=20),
        _same,
        {"skimage": morphology and (lambda: morphology.remove_small_objects(mask, max_size=20))},
        reads=mask,
    )


@row("h_maxima", dtype=["uint8", "float32"], h=[5, 50])
def h_maxima(dtype, h, size):
    image = np.ascontiguousarray(picture(*size)[..., 1]).astype(dtype)
    return Case(
        lambda: kernels.h_maxima(image, h),
        _same,
        {"skimage": morphology and (lambda: morphology.h_maxima(image, h))},
        reads=image,
    )


@row("peak_local_max", dtype=["uint8", "float32"], min_distance=[1, 10])
def peak_local_max(dtype, min_distance, size):
    image = np.ascontiguousarray(picture(*size)[..., 1]).astype(dtype)
    return Case(
        lambda: kernels.peak_local_max(image, min_distance),
        _same,
        {"skimage": feature and (lambda: feature.peak_local_max(image, min_distance))},
        reads=image,
    )


@row("distance_transform_edt", background=["blobs", "1 %"])
def distance_transform_edt(background, size):
    mask = np.random.default_rng(0).random(size) > 0.01
    if background == "blobs":
        mask = kernels.gaussian(picture(*size)[..., 0].astype(np.float32), 3) > 128
    bytes_ = mask.view(np.uint8)
    return Case(
        lambda: kernels.distance_transform_edt(mask),
        close(1e-4),
        {
            "scipy": ndimage and (lambda: ndimage.distance_transform_edt(mask)),
            "cv2": cv2 and (lambda: cv2.distanceTransform(bytes_, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)),
        },
        reads=mask,
    )
