"""The threshold that separates two classes of values best.

    variance(t) = n0(t) n1(t) (mean0(t) - mean1(t))**2

for the classes of values up to t and above; the first t for which it is greatest. Source: N. Otsu, "A threshold
selection method from gray-level histograms", IEEE Trans. Systems, Man, and Cybernetics 9 (1979) 62-66, equation 14.
One histogram, and sums along it. O(H W) time, a few histograms of memory.
"""

import numpy as np

from . import _validate as check
from .histogram import count, equal_edges, least_and_greatest

_MOST_VALUES = 2**24


def threshold_otsu(image=None, nbins=256, *, hist=None, mask=None):
    """Threshold of a picture by Otsu's method: what is greater is foreground.

    Parameters
    ----------
    image : array
        uint8, uint16, other integers, float32 or float64, taken as they are. Any number of axes.
    nbins : int
        Bins of the histogram of floats, at least 2. Integers have one bin for each value.
    hist : array of counts, or pair of counts and what they count, optional
        A histogram in place of a picture.
    mask : bool array of the shape of `image`, optional
        Pixels that count.

    Returns
    -------
    number
        The centre of a bin, which is a value where values are integers. If there is but one value, that value.

    Raises
    ------
    TypeError, ValueError
        For anything but real numbers, for infinity, where nothing counts, and unless exactly one of image and hist is
        given.

    Notes
    -----
    As ``skimage.filters.threshold_otsu``, with three differences: NaN has no part, where scikit-image refuses it; there
    is a mask; and sums are float64, where scikit-image's float32 may prefer another of nearly equal thresholds.
    """
    if (image is None) == (hist is None):
        raise ValueError("threshold_otsu: image or hist must be given, and not both")
    counts, centers = _of_picture(image, nbins, mask) if hist is None else _given(hist)
    occupied = np.flatnonzero(counts)
    if not len(occupied):
        raise ValueError("threshold_otsu: image must have a value that counts")
    counts, centers = counts[occupied[0] : occupied[-1] + 1], centers[occupied[0] : occupied[-1] + 1]
    if len(counts) == 1:
        return centers[0]
    below, above = np.cumsum(counts)[:-1], np.cumsum(counts[::-1])[-2::-1]
    moments = counts * centers
    mean_below, mean_above = np.cumsum(moments)[:-1] / below, np.cumsum(moments[::-1])[-2::-1] / above
    return centers[np.argmax(below * above * (mean_below - mean_above) ** 2)]


def _of_picture(image, nbins, mask):
    """(counts, centres of bins)"""
    nbins = check.integer("threshold_otsu", "nbins", nbins, low=2)
    pixels = check.as_array("threshold_otsu", "image", image, dtypes=check.PIXELS)
    is_integer = np.asarray(image).dtype.kind in "ui"
    mask = check.as_mask("threshold_otsu", mask, pixels.shape)
    pixels, mask = pixels.reshape(-1, 1), None if mask is None else mask.reshape(-1)
    if pixels.dtype.kind == "u":
        low, high = 0.0, float(np.iinfo(pixels.dtype).max)
    else:
        low, high = least_and_greatest("threshold_otsu", "image", pixels, mask)[0]
    if low > high:
        return np.zeros(1), np.zeros(1)
    if low == high:
        return np.ones(1), np.array([low], np.asarray(image).dtype)
    if not is_integer:
        edges = equal_edges("threshold_otsu", low, high, nbins, pixels.dtype)
        return count(pixels, [edges], mask), (edges[:-1] + edges[1:]) / 2
    values = int(high - low) + 1
    if values > _MOST_VALUES:
        raise ValueError(
            f"threshold_otsu: image must span at most {_MOST_VALUES} integers, got {low:.0f} to {high:.0f}"
        )
    edges = equal_edges("threshold_otsu", low, high + 1, values, pixels.dtype)
    return count(pixels, [edges], mask), int(low) + np.arange(values)


def _given(hist):
    """(counts, what they count), checked"""
    counts, centers = hist if isinstance(hist, (tuple, list)) and len(hist) == 2 else (hist, None)
    counts = check.as_array("threshold_otsu", "hist", counts, dtypes=(np.float64,), ndim=1, finite=True)
    if centers is None:
        centers = np.arange(len(counts))
    centers = np.asarray(centers)
    check.as_array("threshold_otsu", "hist", centers, shape=counts.shape, finite=True)
    if counts.min() < 0 or not counts.any():
        raise ValueError("threshold_otsu: hist must have counts of at least 0, and a greater one")
    return counts, centers
