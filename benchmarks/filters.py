"""Filters against scipy.ndimage, scikit-image and OpenCV."""

import numpy as np

from smalti import kernels

from .harness import Case, close, peer, picture, row

cv2 = peer("cv2")
ndimage = peer("scipy.ndimage")
filters = peer("skimage.filters")


def _gray(size):
    """A picture of that size in one channel, float32."""
    return picture(*size)[..., 0].astype(np.float32) / 255


@row("gaussian", "float32", sigma=[1.0, 5.0], channels=[1, 3])
def gaussian(sigma, channels, size):
    image = picture(*size).astype(np.float32) / 255 if channels == 3 else _gray(size)
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
        flops=2 * image.size * 2 * side,
        reads=image,
    )


def _correlate(image, weights, taps):
    """A case; `taps` counts what has to be multiplied for each pixel."""

    def with_cv2():
        return cv2.filter2D(image, cv2.CV_32F, weights, borderType=cv2.BORDER_REFLECT)

    return Case(
        lambda: kernels.correlate(image, weights),
        close(1e-5),
        {"scipy": ndimage and (lambda: ndimage.correlate(image, weights)), "cv2": cv2 and with_cv2},
        flops=2 * image.size * taps,
        reads=image,
    )


@row("correlate", "float32, dense", side=[3, 7, 15])
def correlate(side, size):
    return _correlate(_gray(size), np.random.default_rng(0).standard_normal((side, side), np.float32), side**2)


@row("correlate", "float32, rank 1", side=[7, 31])
def correlate_separable(side, size):
    return _correlate(_gray(size), np.full((side, side), 1 / side**2, np.float32), 2 * side)


@row("gabor", "float32", frequency=[0.1, 0.3])
def gabor(frequency, size):
    image, theta = _gray(size), 0.7
    kernel = kernels.gabor_kernel(frequency, theta)[::-1, ::-1]
    parts = [np.ascontiguousarray(part, np.float32) for part in (kernel.real, kernel.imag)]

    def with_cv2():
        return [cv2.filter2D(image, cv2.CV_32F, part, borderType=cv2.BORDER_REFLECT) for part in parts]

    return Case(
        lambda: kernels.gabor(image, frequency, theta),
        close(1e-5),
        {"skimage": filters and (lambda: filters.gabor(image, frequency, theta)), "cv2": cv2 and with_cv2},
        flops=2 * image.size * 2 * 2 * sum(parts[0].shape),  # each part two separable filters
        reads=image,
    )


@row("gabor_bank", "float32, 4 frequencies x 6 orientations")
def gabor_bank(size):
    image, frequencies, n = _gray(size), (0.05, 0.1, 0.2, 0.4), 6
    filters = []
    for frequency in frequencies:
        sigma = 3 * (np.log(2) / 2) ** 0.5 / (np.pi * frequency)  # of a bandwidth of one octave
        radius = int(np.ceil(3 * sigma))
        y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
        for theta in np.pi * np.arange(n) / n:
            wave = 2 * np.pi * frequency * (x * np.cos(theta) + y * np.sin(theta))
            filter = np.exp(-(x**2 + y**2) / (2 * sigma**2) + 1j * wave)
            filter /= np.linalg.norm(filter)
            filters.append([np.ascontiguousarray(part, np.float32) for part in (filter.real, filter.imag)])

    def with_cv2():
        out = np.empty((*size, len(filters)), np.float32)
        for k, parts in enumerate(filters):
            answers = [cv2.filter2D(image, cv2.CV_32F, part, borderType=cv2.BORDER_REFLECT) for part in parts]
            out[..., k] = cv2.magnitude(*answers)
        return out.reshape(*size, len(frequencies), n)

    return Case(
        lambda: kernels.gabor_bank(image, frequencies=frequencies, n_orientations=n),
        close(1e-5),
        {"cv2": cv2 and with_cv2},
        # Of a filter and its mirror image two sums down the columns and four along the rows.
        flops=2 * image.size * 6 * sum(len(parts[0]) for parts in filters) * (n // 2 + 1) / n,
        reads=image,
    )


@row("laplace", "float32")
def laplace(size):
    image = _gray(size)
    return Case(
        lambda: kernels.laplace(image),
        close(1e-5),
        {
            "scipy": ndimage and (lambda: ndimage.laplace(image)),
            "cv2": cv2 and (lambda: cv2.Laplacian(image, cv2.CV_32F, ksize=1, borderType=cv2.BORDER_REFLECT)),
        },
        reads=image,
    )


@row("gaussian_laplace", "float32", sigma=[2.0, 5.0])
def gaussian_laplace(sigma, size):
    image = _gray(size)
    taps = np.arange(-int(4 * sigma + 0.5), int(4 * sigma + 0.5) + 1)
    smooth = np.exp(-(taps**2) / (2 * sigma**2))
    smooth /= smooth.sum()
    second = (taps**2 / sigma**2 - 1) / sigma**2 * smooth

    def with_cv2():
        pairs = ((smooth, second), (second, smooth))
        return cv2.add(*(cv2.sepFilter2D(image, cv2.CV_32F, *p, borderType=cv2.BORDER_REFLECT) for p in pairs))

    return Case(
        lambda: kernels.gaussian_laplace(image, sigma),
        close(1e-5),
        {"scipy": ndimage and (lambda: ndimage.gaussian_laplace(image, sigma)), "cv2": cv2 and with_cv2},
        flops=2 * image.size * 4 * taps.size,
        reads=image,
    )


def _gradient(operator, image, smoothing, derivative_of_cv2):
    """A case; `derivative_of_cv2(columns, rows)` is the derivative of that order along each axis."""
    weights = np.array(smoothing) / sum(smoothing)

    def with_scipy():
        derivatives = [
            ndimage.correlate1d(ndimage.correlate1d(image, (-1, 0, 1), axis), weights, 1 - axis) for axis in (0, 1)
        ]
        return np.hypot(*derivatives) * np.float32(0.5**0.5)

    def with_cv2():
        return cv2.magnitude(derivative_of_cv2(0, 1), derivative_of_cv2(1, 0)) * np.float32(0.5**0.5)

    return Case(
        lambda: operator(image),
        close(1e-5),
        {
            "skimage": filters and (lambda: getattr(filters, operator.__name__)(image)),
            "scipy": ndimage and with_scipy,
            "cv2": cv2 and with_cv2,
        },
        reads=image,
    )


@row("sobel", "float32")
def sobel(size):
    image = _gray(size)
    return _gradient(
        kernels.sobel, image, (1, 2, 1),
        lambda *order: cv2.Sobel(image, cv2.CV_32F, *order, scale=1 / 4, borderType=cv2.BORDER_REFLECT),
    )  # fmt: skip


@row("scharr", "float32")
def scharr(size):
    image = _gray(size)
    return _gradient(
        kernels.scharr, image, (3, 10, 3),
        lambda *order: cv2.Scharr(image, cv2.CV_32F, *order, scale=1 / 16, borderType=cv2.BORDER_REFLECT),
    )  # fmt: skip


@row("prewitt", "float32")
def prewitt(size):
    image = _gray(size)
    taps = (np.full(3, 1 / 3), np.array([-1.0, 0.0, 1.0]))
    return _gradient(
        kernels.prewitt, image, (1, 1, 1),
        lambda *order: cv2.sepFilter2D(image, cv2.CV_32F, *(taps[k] for k in order), borderType=cv2.BORDER_REFLECT),
    )  # fmt: skip


@row("local_histogram", "1024x1536, 32 values", radius=[7, 25])
def local_histogram(radius):
    bins = (picture()[..., 0] >> 3).astype(np.int32)
    side = 2 * radius + 1

    def with_box_filters():
        return np.dstack([cv2.blur((bins == k).astype(np.float32), (side, side)) for k in range(32)])

    def check(ours, theirs):
        inner = np.s_[radius:-radius, radius:-radius]
        for other in theirs.values():
            np.testing.assert_allclose(ours[inner], other[inner], atol=1e-5)

    peers = {"cv2": cv2 and with_box_filters}
    return Case(lambda: kernels.local_histogram(bins, 32, radius=radius), check, peers)
