"""Morphology and distances against OpenCV, scikit-image and scipy, on 1024 x 1536 pixels."""

import numpy as np

from smalti import kernels

from .harness import Case, close, peer, picture, row

cv2 = peer("cv2")
ndimage = peer("scipy.ndimage")
morphology = peer("skimage.morphology")


def _same(ours, theirs):
    for name, other in theirs.items():
        if not np.array_equal(ours, other):
            raise AssertionError(f"not what {name} has")


@row("erosion", "1024x1536", dtype=["uint8", "float32"], footprint=["3x3", "15x15", "disk 7"])
def erosion(dtype, footprint):
    image = np.ascontiguousarray(picture()[..., 1]).astype(dtype)
    shape = np.hypot(*np.mgrid[-7:8, -7:8]) <= 7 if footprint == "disk 7" else np.ones((int(footprint[-1]),) * 2, bool)
    if footprint == "15x15":
        shape = np.ones((15, 15), bool)
    theirs = shape.astype(np.uint8)
    return Case(
        lambda: kernels.erosion(image, shape),
        _same,
        {
            "cv2": cv2 and (lambda: cv2.erode(image, theirs)),
            "skimage": morphology and (lambda: morphology.erosion(image, theirs)),
        },
    )


@row("remove_small_objects", "1024x1536")
def remove_small_objects():
    mask = np.random.default_rng(0).random((1024, 1536)) < 0.5
    return Case(
        lambda: kernels.remove_small_objects(mask, max_size=20),
        _same,
        {"skimage": morphology and (lambda: morphology.remove_small_objects(mask, max_size=20))},
    )


@row("distance_transform_edt", "1024x1536", background=["blobs", "1 %"])
def distance_transform_edt(background):
    mask = np.random.default_rng(0).random((1024, 1536)) > 0.01
    if background == "blobs":
        mask = kernels.gaussian(picture()[..., 0].astype(np.float32), 3) > 128
    bytes_ = mask.view(np.uint8)
    return Case(
        lambda: kernels.distance_transform_edt(mask),
        close(1e-4),
        {
            "scipy": ndimage and (lambda: ndimage.distance_transform_edt(mask)),
            "cv2": cv2 and (lambda: cv2.distanceTransform(bytes_, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)),
        },
    )
