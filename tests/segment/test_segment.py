"""The segmenter: pictures with known regions, real photographs, and what must be refused."""

import json

import numpy as np
import pytest
from hypothesis import given
from PIL import Image

from smalti import segment as package
from smalti._picture import picture
from smalti.kernels._jit import JIT
from smalti.segment import Segmentation, metrics, segment
from smalti.segment.partitions import number_of_clusters
from tests.helpers import bit_identical_for_callers, bit_identical_for_threads, check_layouts, data
from tests.strategies import examples, images

METHODS = ("kmeans", "dbscan", "watershed", "felzenszwalb", "slic") + (("hierarchy",) if JIT else ())  # long as Python


def halves(dtype=np.float64):
    image = np.zeros((30, 40, 3))
    image[:, :25] = 0.2, 0.4, 0.6
    image[:, 25:] = 0.8, 0.4, 0.0
    top = np.iinfo(dtype).max if np.dtype(dtype).kind == "u" else 1
    return (image * top).round().astype(dtype) if top > 1 else image.astype(dtype)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
def test_two_halves(method, dtype):
    result = segment(halves(dtype), method, n_regions=2)
    assert result.labels.dtype == np.int32
    assert result.n_regions == 2
    expected = np.repeat([[0] * 25 + [1] * 15], 30, axis=0)
    assert metrics.covering(expected, result.labels) > (0.75 if method == "dbscan" else 0.9)  # a soft border is noise


@pytest.mark.parametrize("method", METHODS)
@examples(25)
@given(image=images(channels=(None, 1, 3, 4), max_side=20))
def test_labels_have_no_gaps_and_regions_are_connected(method, image):
    from smalti.kernels import label

    result = segment(image, method, min_size=3)
    labels = result.labels
    assert labels.shape == image.shape[:2]
    assert set(np.unique(labels)) - {-1} == set(range(result.n_regions))
    assert method == "dbscan" or labels.min() == 0
    connectivity = 2 if method == "felzenszwalb" else 1
    assert label(labels, connectivity=connectivity, background=-1).max() == result.n_regions
    firsts = [int(np.flatnonzero(labels.ravel() == k)[0]) for k in range(result.n_regions)]
    assert firsts == sorted(firsts)


@pytest.mark.parametrize("method", METHODS)
def test_constant_and_tiny_pictures_are_one_region(method):
    assert segment(np.full((20, 30, 3), 0.3), method).n_regions == 1
    assert segment(np.zeros((1, 1)), method).n_regions == 1
    assert segment(np.zeros((1, 9), np.uint8), method).n_regions == 1


@pytest.mark.parametrize("method", [m for m in METHODS if m != "hierarchy"])  # whose windows are wider than the stripes
def test_as_many_regions_as_asked_for(method):
    image = np.zeros((24, 40, 3))
    for k, color in enumerate([(1, 0, 0), (0.9, 0.1, 0), (0, 0, 1), (0, 0.1, 0.9), (0, 1, 0)]):
        image[:, 8 * k : 8 * k + 8] = color
    settings = {
        "watershed": {"flat": 0.5},
        "felzenszwalb": {"scale": 1.0},
        "slic": {"n_segments": 60, "compactness": 1.0},
    }.get(method, {})
    for n in (1, 3, 5):
        labels = segment(image, method, n_regions=n, sigma=0, min_size=0, **settings).labels
        assert labels.max() == n - 1
    np.testing.assert_array_equal(labels[0, 1::8], range(5))
    pairs = segment(image, method, n_regions=3, sigma=0, min_size=0, **settings).labels[0, 1::8]
    np.testing.assert_array_equal(pairs, [0, 0, 1, 1, 2])


def test_clusters_of_features():
    """Three colours, one of them in two places; a constant picture; how much the place counts."""
    image = np.zeros((20, 40, 3))
    image[:, 10:20] = 0.8, 0.2, 0.1
    image[:, 20:30] = 0.1, 0.3, 0.9
    for options in ({"n_clusters": "auto"}, {"n_clusters": 3}, {"n_clusters": "auto", "features": ("rgb", "hsv")}):
        labels = segment(image, "kmeans", sigma=0, **options).labels
        np.testing.assert_array_equal(labels, np.repeat([np.repeat(np.arange(4), 10)], 20, axis=0))
    assert segment(np.full((9, 9), 0.3), "kmeans", n_clusters="auto").n_regions == 1
    gray = np.full((20, 40, 3), 0.5)
    placed = segment(gray, "kmeans", n_clusters=2, position_weight=1, threshold=0)
    np.testing.assert_array_equal(placed.labels, np.repeat([np.repeat([0, 1], 20)], 20, axis=0))
    heavy = {"features": ("rgb", "position"), "weights": {"position": 1.0}}
    np.testing.assert_array_equal(segment(gray, "kmeans", n_clusters=2, threshold=0, **heavy).labels, placed.labels)


@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_number_of_clusters(n):
    rng = np.random.default_rng(n)
    centers = np.array([(0, 0, 0), (9, 0, 0), (0, 9, 0), (0, 0, 9), (9, 9, 9)])[:n]
    points = np.repeat(centers, 60, axis=0) + rng.normal(0, 0.0 if n == 1 else 0.7, (60 * n, 3))
    assert number_of_clusters(points.astype(np.float32)) == n
    assert number_of_clusters(np.arange(n)[:, None].astype(np.float32)) == n


@pytest.mark.compiled
@pytest.mark.parametrize("method", ["watershed", "classic"])
def test_parts_of_a_mask_without_markers_are_regions(method):
    image = np.random.default_rng(0).random((240, 300, 3))
    image[:, :30] = 0.5
    mask = np.zeros((240, 300), bool)
    mask[5:35, 3:25] = True
    mask[10, 40:55] = True  # neither flat nor three pixels wide
    labels = segment(image, method, mask=mask).labels
    assert ((labels >= 0) == mask).all()
    assert len(set(labels[10, 40:55])) == 1 and labels[10, 40] not in labels[:, :30]


@pytest.mark.compiled
def test_min_size_counts_pixels_of_the_picture_and_not_of_the_smaller_one():
    image = np.zeros((120, 160, 3))
    image[40:80, 60:100] = 0.0, 0.5, 1.0
    options = {"size": (30, 40), "sigma": 0, "scale": 1.0}
    assert segment(image, "felzenszwalb", min_size=800, **options).n_regions == 2
    assert segment(image, "felzenszwalb", min_size=3200, **options).n_regions == 1


@pytest.mark.parametrize("method", ["kmeans", "felzenszwalb"])
def test_boundaries_are_smoothed(method):
    image = halves()
    image[10:20, 25] = image[0, 0]  # a tooth, which also is a hair
    image[15, 25:34] = image[0, 0]
    assert segment(image, method, n_regions=2, sigma=0, min_size=0).labels[15, 30] == 0
    smooth = segment(image, method, n_regions=2, sigma=0, smoothing=2)
    assert smooth.n_regions == 2 and (smooth.labels[12:18, 27:] == 1).all()


def test_holes_are_filled():
    image = halves()
    image[8:14, 5:12] = 0.9
    image[10:12, 7:9] = image[0, 30]
    image[20, 4] = 0, 1, 0
    options = {"n_clusters": 4, "sigma": 0, "threshold": 0, "min_size": 0}
    assert segment(image, "kmeans", **options).n_regions == 5
    assert segment(image, "kmeans", max_hole=4, **options).n_regions == 3
    expected = np.repeat([np.repeat([0, 1], [25, 15])], 30, axis=0)
    np.testing.assert_array_equal(segment(image, "kmeans", max_hole=42, **options).labels, expected)
    mask = np.ones(image.shape[:2], bool)
    mask[12, 10] = False  # within the larger one
    assert segment(image, "kmeans", max_hole=42, mask=mask, **options).n_regions == 3
    noise = segment(image, "dbscan", sigma=0, max_hole=1)
    assert noise.labels[20, 4] == 0


def test_noise_of_dbscan():
    image = np.full((30, 40, 3), 0.2)
    image[:, 20:] = 0.7
    image[10, 30] = 0.0, 1.0, 0.0
    labels = segment(image, "dbscan", sigma=0).labels
    expected = np.repeat([np.repeat([0, 1], 20)], 30, axis=0)
    expected[10, 30] = -1
    np.testing.assert_array_equal(labels, expected)


@pytest.mark.compiled
@pytest.mark.parametrize("scale, sigma, min_size", [(100, 0.8, 50), (300, 1.5, 20)])
def test_felzenszwalb_as_skimage(scale, sigma, min_size):
    segmentation = pytest.importorskip("skimage.segmentation")
    image, _ = picture(96, 144)
    expected = segmentation.felzenszwalb(image, scale=scale, sigma=sigma, min_size=min_size)
    result = segment(image, "felzenszwalb", scale=scale, sigma=sigma, min_size=min_size)
    np.testing.assert_array_equal(result.labels, expected)


@pytest.mark.compiled
def test_built_in_picture():
    image, truth = picture()
    assert metrics.covering(truth, segment(image, "kmeans", n_clusters=14, sigma=1.0, min_size=150).labels) > 0.75


@pytest.mark.compiled
@pytest.mark.parametrize(
    "method, least",
    [
        ("hierarchy", 0.52),
        ("kmeans", 0.44),
        ("dbscan", 0.40),
        ("watershed", 0.47),
        ("felzenszwalb", 0.50),
        ("slic", 0.46),
    ],
)
def test_photographs(method, least):
    folder = data("bsds500", "val")
    scores = []
    for path in sorted(folder.glob("*.jpg"))[:12]:
        result = segment(np.asarray(Image.open(path)), method)
        humans = np.load(path.with_suffix(".npz"))["labels"]
        scores.append(np.mean([metrics.covering(h, result.labels) for h in humans]))
    assert np.mean(scores) > least


@pytest.mark.compiled
@pytest.mark.parametrize("method", METHODS)
def test_threads_and_callers(method):
    image, _ = picture()
    bit_identical_for_threads(lambda: segment(image, method).labels)
    bit_identical_for_callers(lambda: segment(image, method).labels, calls=1)


def test_layouts():
    check_layouts(lambda image: segment(image, "kmeans", n_clusters=4).labels, picture()[0][::8, ::8])


@pytest.mark.parametrize("method", METHODS)
def test_a_mask_restricts_every_method(method):
    image = halves()
    mask = np.zeros(image.shape[:2], bool)
    mask[3:20, 5:35] = True
    result = segment(image, method, mask=mask, sigma=0)
    np.testing.assert_array_equal(result.labels >= 0, mask)
    assert metrics.covering((image[..., 0] > 0.5)[mask][None], result.labels[mask][None]) > 0.9
    image[~mask] = np.random.default_rng(0).random((np.count_nonzero(~mask), 3))
    np.testing.assert_array_equal(segment(image, method, mask=mask, sigma=0).labels, result.labels)
    assert segment(image, method, mask=np.zeros_like(mask)).n_regions == 0
    with pytest.raises(ValueError, match=r"segment: mask must have shape \(30, 40\), got \(40, 30\)"):
        segment(image, method, mask=mask.T)


def test_result(tmp_path):
    result = segment(halves(), "kmeans", n_clusters=2)
    assert repr(result) == "<Segmentation of 30x40 pixels into 2 regions>"
    edges = result.boundaries()
    assert edges.sum() == 30 and edges.dtype == bool
    overlay, mosaic = result.overlay(), result.mosaic()
    assert overlay.shape == mosaic.shape == (30, 40, 3)
    assert overlay.dtype == mosaic.dtype == np.uint8
    np.testing.assert_array_equal(mosaic[0, 0], [51, 102, 153])
    np.testing.assert_array_equal(overlay[~_near(edges)], np.rint(halves() * 255)[~_near(edges)])
    table = result.regions()
    np.testing.assert_array_equal(table["area"], np.bincount(result.labels.ravel()))
    for row in table:
        rows, columns = np.nonzero(result.labels == row["label"])
        np.testing.assert_allclose(row["centroid"], [rows.mean(), columns.mean()])
        np.testing.assert_array_equal(row["box"], [rows.min(), columns.min(), rows.max() + 1, columns.max() + 1])
        gray = (halves()[rows, columns] @ [0.2125, 0.7154, 0.0721]).std()
        np.testing.assert_allclose(row["texture"], gray, atol=1e-3)
    assert table["perimeter"].tolist() == [2 * (30 + 25), 2 * (30 + 15)]
    assert table["n_neighbors"].tolist() == [1, 1] and result.neighbors().tolist() == [[0, 1]]
    result.save(tmp_path / "regions.csv")
    lines = (tmp_path / "regions.csv").read_text().splitlines()
    assert lines[0].split(",")[:4] == ["label", "area", "centroid_row", "centroid_column"]
    assert lines[1].split(",")[:2] == ["0", "750"] and len(lines[1].split(",")) == len(lines[0].split(","))
    result.save(tmp_path / "regions.json")
    stored = json.loads((tmp_path / "regions.json").read_text())
    assert stored["shape"] == [30, 40] and stored["regions"][1]["neighbors"] == [0]
    assert stored["regions"][0]["centroid"] == [14.5, 12.0]
    result.save(tmp_path / "labels.png")
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "labels.png")), result.labels)
    result.save(tmp_path / "labels.npz")
    np.testing.assert_array_equal(np.load(tmp_path / "labels.npz")["labels"], result.labels)
    assert result._repr_png_().startswith(b"\x89PNG")
    with pytest.raises(ValueError, match=r"path must end in \.png, \.npz, \.csv or \.json, got 'labels\.txt'"):
        result.save(tmp_path / "labels.txt")
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "labels.npz", "labels.png", "regions.csv", "regions.json",
    ]  # fmt: skip


def _near(edges):
    grown = edges.copy()
    grown[1:] |= edges[:-1]
    grown[:, 1:] |= edges[:, :-1]
    grown[:-1] |= edges[1:]
    grown[:, :-1] |= edges[:, 1:]
    return grown


def test_pixels_of_no_region():
    labels = np.array([[0, 0, -1], [1, 1, -1]], np.int32)
    result = Segmentation(np.full((2, 3, 3), 0.5, np.float32), labels)
    assert result.n_regions == 2
    np.testing.assert_array_equal(result.regions()["area"], [2, 2])
    assert result.mosaic().shape == (2, 3, 3)


def test_bad_input():
    image = halves()
    for call, message in [
        (lambda: segment(image * np.nan), "segment: image must be finite, got nan"),
        (
            lambda: segment(image * 255),
            r"segment: image must be uint8, uint16, or floats in \[0, 1\], got float64 from 0",
        ),
        (lambda: segment(image[..., :2]), r"segment: image must have shape \(H, W\) or"),
        (lambda: segment(image[:0]), "segment: image must not be empty"),
        (lambda: segment(image, "magic"), "segment: method must be one of 'hierarchy', .*, got 'magic'"),
        (lambda: segment(image, "kmeans", n_clusters=0), "segment: n_clusters must be at least 1, got 0"),
        (lambda: segment(image, "kmeans", position_weight=-1), "segment: position_weight must be at least 0, got -1"),
        (lambda: segment(image, "kmeans", features=("smell",)), "extract_features: names must be some of"),
        (lambda: segment(image, "classic", n_clusters=0), "segment: n_clusters must be at least 1, got 0"),
        (lambda: segment(image, "dbscan", eps=0), "segment: eps must be greater than 0"),
        (lambda: segment(image, "dbscan", reach=0), "segment: reach must be greater than 0"),
        (lambda: segment(image, "felzenszwalb", scale=-1), "felzenszwalb: scale must be at least 0, got -1"),
        (lambda: segment(image, "slic", n_segments=0), "slic: n_segments must be at least 1, got 0"),
        (lambda: segment(image, "slic", threshold=2), "segment: threshold must be from 0 to 1, got 2"),
        (lambda: segment(image, smoothing=-1), "segment: smoothing must be from 0 to 64, got -1"),
        (lambda: segment(image, max_hole=-1), "segment: max_hole must be at least 0, got -1"),
        (lambda: segment(image, "slic", n_regions=0), "segment: n_regions must be at least 1, got 0"),
        (lambda: segment(image, sigma=-1), "segment: sigma must be at least 0, got -1"),
    ]:
        with pytest.raises(ValueError, match=message):
            call()
    with pytest.raises(
        TypeError, match=r"method 'watershed' has the options n_regions, threshold, .*, mask, flat, got n_clusters"
    ):
        segment(image, "watershed", n_clusters=3)
    with pytest.raises(TypeError, match="segment: give n_regions or threshold, not both"):
        segment(image, "slic", n_regions=3, threshold=0.5)
    with pytest.raises(TypeError, match="image must be an array of real numbers"):
        segment(image.astype(complex))
    assert set(package.__all__) >= {"segment", "Segmentation", "preprocess", "extract_features"}
