"""Clustering, components and watershed against scikit-learn, scipy.ndimage, scikit-image and OpenCV."""

import numpy as np

from smalti import kernels
from smalti.segment import metrics

from .harness import Case, close, peer, picture, row

cv2 = peer("cv2")
ndimage = peer("scipy.ndimage")
measure, segmentation = peer("skimage.measure"), peer("skimage.segmentation")
cluster, rank = peer("sklearn.cluster"), peer("skimage.filters.rank")


@row("kmeans", "Lab, 20 iterations", n_clusters=[8, 32])
def kmeans(n_clusters, size):
    X = kernels.rgb2lab(picture(*size)).reshape(-1, 3)
    init = X[np.random.default_rng(0).choice(len(X), n_clusters, replace=False)]

    def ours():
        return kernels.kmeans(X, n_clusters, init=init, max_iter=20, tol=0)

    def with_sklearn():
        return cluster.KMeans(n_clusters, init=init, n_init=1, max_iter=20, tol=0, algorithm="lloyd").fit(X)

    def with_cv2():
        labels = kernels.KMeansResult(None, init, 0.0, 0).predict(X)
        stop = (cv2.TERM_CRITERIA_MAX_ITER, 20, 0)

        def call():
            return cv2.kmeans(X, n_clusters, labels.copy(), stop, 1, cv2.KMEANS_USE_INITIAL_LABELS)

        return call

    def check(result, theirs):
        d2 = ((X.astype(np.float64) - result.centers[result.labels]) ** 2).sum()
        if not np.isclose(d2, result.inertia, rtol=1e-4):
            raise AssertionError(f"inertia {result.inertia} is not {d2}")
        for name, other in theirs.items():
            inertia = other[0] if name == "cv2" else other.inertia_
            if not np.isclose(result.inertia, inertia, rtol=2e-3 if name == "cv2" else 1e-4):  # cv2 sums in float32
                raise AssertionError(f"inertia {result.inertia}, {name} {inertia}")

    return Case(ours, check, {"sklearn": cluster and with_sklearn, "cv2": cv2 and with_cv2()})


@row("kmeans", "uint8 RGB, k-means++, 20 iterations", n_clusters=[8, 32])
def kmeans_of_colours(n_clusters, size):
    X = picture(*size).reshape(-1, 3)

    def with_sklearn():
        return cluster.KMeans(n_clusters, n_init=1, max_iter=20, tol=0, random_state=0).fit(X)

    def check(result, theirs):
        for name, other in theirs.items():
            if not np.isclose(result.inertia, other.inertia_, rtol=0.1):  # from other starts
                raise AssertionError(f"inertia {result.inertia}, {name} {other.inertia_}")

    return Case(
        lambda: kernels.kmeans(X, n_clusters, max_iter=20, tol=0, rng=0), check, {"sklearn": cluster and with_sklearn}
    )


@row("dbscan", "100000 points", kind=["uniform 2-D", "uniform 3-D", "Lab colours"])
def dbscan(kind):
    rng = np.random.default_rng(0)
    X, eps = {
        "uniform 2-D": lambda: (rng.random((100_000, 2)), 0.01),
        "uniform 3-D": lambda: (rng.random((100_000, 3)), 0.03),
        "Lab colours": lambda: (kernels.rgb2lab(picture(250, 400)).reshape(-1, 3), 1.5),
    }[kind]()

    def check(ours, theirs):
        for name, other in theirs.items():
            if not np.array_equal(ours, other.labels_):
                raise AssertionError(f"labels differ from those of {name}")

    def with_sklearn():
        return cluster.DBSCAN(eps=eps, min_samples=10).fit(X)

    return Case(lambda: kernels.dbscan(X, eps, min_samples=10), check, {"sklearn": cluster and with_sklearn})


def same_components(ours, theirs):
    """A check of label maps, whatever their numbers; scipy and cv2 return how many there are, too."""
    n = ours.max()
    for name, other in theirs.items():
        other = {"cv2": lambda o: o[1], "scipy": lambda o: o[0]}.get(name, lambda o: o)(other)
        if other.max() != n or len(np.unique(ours.astype(np.int64) * (n + 1) + other)) != n + 1:
            raise AssertionError(f"{n} components, not those of {name} ({other.max()})")


@row("dbscan", "Lab", eps=[0.3, 0.8])
def dbscan_of_pixels(eps, size):
    """At 0.8 without a peer: scikit-learn keeps all neighbours of all points."""
    X = kernels.rgb2lab(picture(*size)).reshape(-1, 3)

    def check(labels, theirs):
        if labels.shape != (len(X),) or labels.max() < 100:
            raise AssertionError("few clusters")
        for name, other in theirs.items():
            if not np.array_equal(labels, other.labels_):
                raise AssertionError(f"labels differ from those of {name}")

    def with_sklearn():
        return cluster.DBSCAN(eps=eps, min_samples=5).fit(X)

    return Case(
        lambda: kernels.dbscan(X, eps, min_samples=5), check, {"sklearn": cluster and with_sklearn} if eps < 0.5 else {}
    )


@row("label", picture_of=["blobs", "noise"])
def label(picture_of, size):
    if picture_of == "noise":
        mask = np.random.default_rng(0).random(size) < 0.5
    else:
        gray = picture(*size)[..., 0]
        mask = kernels.gaussian(gray.astype(np.float32), 3) > 128
    bytes_ = mask.view(np.uint8)
    return Case(
        lambda: kernels.label(mask, connectivity=2),
        same_components,
        {
            "scipy": ndimage and (lambda: ndimage.label(mask, np.ones((3, 3), int))),
            "skimage": measure and (lambda: measure.label(mask, connectivity=2)),
            "cv2": cv2 and (lambda: cv2.connectedComponents(bytes_, connectivity=8)),
        },
        reads=mask,
    )


@row("label", "128x128x128", connectivity=["6 neighbours", "26 neighbours"])
def label_volume(connectivity):
    mask = np.random.default_rng(0).random((128, 128, 128)) < 0.2
    n = 1 if connectivity == "6 neighbours" else 3
    return Case(
        lambda: kernels.label(mask, connectivity=n),
        same_components,
        {
            "scipy": ndimage and (lambda: ndimage.label(mask, ndimage.generate_binary_structure(3, n))),
            "skimage": measure and (lambda: measure.label(mask, connectivity=n)),
        },
        reads=mask,
    )


@row("watershed", "markers 51 apart", kind=["float32", "uint8", "float32 compact"])
def watershed(kind, size):
    dtype, _, compact = kind.partition(" ")
    compactness = 0.01 if compact else 0
    rgb = picture(*size)
    image = kernels.sobel(kernels.gaussian(rgb[..., 0].astype(np.float32), 2))
    image /= image.max()
    if dtype == "uint8":
        image = (255 * image).astype(np.uint8)
    markers = np.zeros(image.shape, np.int32)
    places = markers[25::51, 25::51]
    n = places.size
    places[...] = np.arange(1, n + 1).reshape(places.shape)

    def check(ours, theirs):
        if not np.array_equal(np.unique(ours), np.arange(1, n + 1)):
            raise AssertionError("not the regions of the markers")
        if not np.array_equal(ours, kernels.watershed(image.astype(np.float64), markers, compactness=compactness)):
            raise AssertionError("another dtype of the same picture has other regions")
        for name, other in theirs.items():
            same = (ours == other).mean()
            if same < 0.999:
                raise AssertionError(f"only {same:.2%} of the pixels are as in {name}")

    return Case(
        lambda: kernels.watershed(image, markers, compactness=compactness),
        check,
        {
            "skimage": segmentation and (lambda: segmentation.watershed(image, markers, compactness=compactness)),
            **({} if compact else {"cv2": cv2 and (lambda: cv2.watershed(rgb, markers.copy()))}),
        },
        # cv2 floods by differences of colour, and draws lines between regions; among equal pixels skimage takes
        # markers in the order of its heap, not of the picture, which shows where there are few levels.
        unlike=("cv2",) if dtype == "float32" else ("cv2", "skimage"),
    )


@row("felzenszwalb", "RGB", scale=[100, 1000])
def felzenszwalb(scale, size):
    rgb = picture(*size)

    def check(ours, theirs):
        for name, other in theirs.items():
            same = (ours == other).mean()
            if same < 0.999:
                raise AssertionError(f"only {same:.2%} of the pixels are as in {name}")

    return Case(
        lambda: kernels.felzenszwalb(rgb, scale, 0.8, 50),
        check,
        {"skimage": segmentation and (lambda: segmentation.felzenszwalb(rgb, scale, 0.8, 50))},
    )


def blocks(image):
    """The values of every 64th pixel as square regions."""
    return np.repeat(np.repeat(image[::64, ::64], 64, axis=0), 64, axis=1)[: len(image), : len(image[0])].astype(
        np.int32
    )


@row("find_boundaries", "outer", regions=["few", "many"])
def find_boundaries(regions, size):
    image = picture(*size)[..., 0] // 64
    labels = kernels.label(image) if regions == "many" else blocks(image)

    def check(ours, theirs):
        for name, other in theirs.items():
            if not np.array_equal(ours, other):
                raise AssertionError(f"not the boundaries of {name}")

    def with_skimage():
        return segmentation.find_boundaries(labels, mode="outer")

    return Case(
        lambda: kernels.find_boundaries(labels, mode="outer"), check, {"skimage": segmentation and with_skimage}
    )


@row("majority", "of 6 labels", footprint=["3x3", "7x7"])
def majority(footprint, size):
    labels = (picture(*size)[..., 0] // 43).astype(np.uint8)
    ones = np.ones((int(footprint[0]),) * 2, np.uint8)

    def check(ours, theirs):
        for name, other in theirs.items():
            same = (ours == other).mean()
            if same < 0.97:  # but for ties
                raise AssertionError(f"only {same:.2%} of the pixels are as in {name}")

    return Case(
        lambda: kernels.majority(labels, ones), check, {"skimage": rank and (lambda: rank.majority(labels, ones))}
    )


@row("fill_holes", "of one region")
def fill_holes(size):
    mask = kernels.gaussian(picture(*size)[..., 0].astype(np.float32), 3) > 128
    labels, ones = mask.astype(np.int32) - 1, np.ones((3, 3))

    def check(ours, theirs):
        for name, other in theirs.items():
            if not np.array_equal(ours >= 0, other):
                raise AssertionError(f"not the holes of {name}")

    return Case(
        lambda: kernels.fill_holes(labels),
        check,
        {"scipy": ndimage and (lambda: ndimage.binary_fill_holes(mask, ones))},
    )


@row("mark_boundaries", "RGB")
def mark_boundaries(size):
    image = picture(*size)
    labels = blocks(image[..., 0] // 64)

    def with_skimage():
        return segmentation.mark_boundaries(image, labels)

    return Case(lambda: kernels.mark_boundaries(image, labels), close(1e-6), {"skimage": segmentation and with_skimage})


@row("slic", "RGB, 10 iterations", n_segments=[400, 4000])
def slic(n_segments, size):
    rgb = picture(*size)

    def check(ours, theirs):
        for name, other in theirs.items():
            agreement = metrics.covering(other, ours)
            if agreement < 0.97:
                raise AssertionError(f"covering {agreement:.3f} of the superpixels of {name}")

    return Case(
        lambda: kernels.slic(rgb, n_segments),
        check,
        {"skimage": segmentation and (lambda: segmentation.slic(rgb, n_segments))},
    )


@row("relabel_sequential", "labels to a million")
def relabel_sequential(size):
    regions = kernels.slic(picture(*size), 4096)
    labels = np.random.default_rng(0).integers(0, 1_000_000, regions.max() + 1, dtype=np.int32)[regions]

    def check(ours, theirs):
        for name, other in theirs.items():
            if not np.array_equal(ours[0], other[0]):
                raise AssertionError(f"not the labels of {name}")

    def with_skimage():
        return segmentation.relabel_sequential(labels)

    return Case(lambda: kernels.relabel_sequential(labels), check, {"skimage": segmentation and with_skimage})
