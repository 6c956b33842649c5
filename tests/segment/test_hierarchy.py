"""The hierarchy of regions: its cuts, its contours, and how well it agrees with people."""

import numpy as np
import pytest
from PIL import Image

from smalti._picture import picture
from smalti.kernels import RegionGraph, label
from smalti.segment import MergeTree, Segmentation, hierarchy, metrics
from smalti.segment.boundary import boundary_strengths, cue_channels, textons
from smalti.segment.hierarchy import globalised
from tests.helpers import bit_identical_for_threads, check_layouts, data
from tests.tolerance import same_partition

pytestmark = pytest.mark.compiled  # as plain Python this takes minutes; the kernels below it have such tests


@pytest.fixture(scope="module")
def tree():
    image, _ = picture(64, 96)
    return hierarchy(image)


def test_every_number_of_regions_from_one_run(tree):
    assert isinstance(tree, MergeTree)
    finest = tree.merges.n_regions
    assert repr(tree) == f"<MergeTree of 64x96 pixels over {finest} regions>"
    coarser = tree.cut(n_regions=1)
    assert isinstance(coarser, Segmentation) and coarser.n_regions == 1
    for n in (2, 3, 10, finest):
        finer = tree.cut(n_regions=n)
        assert finer.n_regions == n
        assert label(finer.labels, connectivity=1, background=-1).max() == n, "regions are not connected"
        pairs = np.unique(np.stack([finer.labels.ravel(), coarser.labels.ravel()]), axis=1)
        assert pairs.shape[1] == n, "a finer cut crosses a coarser one"
        coarser = finer
    np.testing.assert_array_equal(tree.cut(n_regions=10**6).labels, finer.labels)
    np.testing.assert_array_equal(tree.cut().labels, tree.cut(threshold=0.5).labels)


def test_contours_are_where_regions_part(tree):
    contours = tree.contours()
    assert contours.shape == (64, 96) and contours.dtype == np.float32
    assert contours.min() >= 0 and contours.max() <= 1
    for threshold in (0.2, 0.5, 0.7):
        labels = tree.cut(threshold=threshold).labels
        edge = np.zeros(labels.shape, bool)
        edge[:, :-1] |= labels[:, :-1] != labels[:, 1:]
        edge[:-1] |= labels[:-1] != labels[1:]
        np.testing.assert_array_equal(contours >= np.float32(threshold), edge)


def test_heights_are_ultrametric(tree):
    heights = tree.merges.heights
    assert np.all(np.diff(heights) >= 0) and 0 <= heights[0] and heights[-1] <= 1


def test_dtypes_and_layouts_agree():
    image, _ = picture(40, 60)
    expected = hierarchy(image).cut(n_regions=8).labels
    for same in (image.astype(np.uint16) * 257, image / 255):
        same_partition(hierarchy(same).cut(n_regions=8).labels, expected)
    check_layouts(lambda x: hierarchy(x).labels, image)


def test_threads():
    image, _ = picture(100, 150)
    bit_identical_for_threads(lambda: (hierarchy(image).contours(), hierarchy(image).labels))


def test_plain_and_tiny_pictures():
    assert hierarchy(np.full((20, 30, 3), 0.3)).cut().n_regions == 1
    for shape in ((1, 1), (1, 7), (5, 1, 3)):
        tree = hierarchy(np.zeros(shape))
        assert tree.cut().n_regions == 1
        np.testing.assert_array_equal(tree.contours(), 0)


def test_a_mask_leaves_parts_apart():
    image = np.zeros((20, 30))
    mask = np.ones(image.shape, bool)
    mask[:, 15] = False
    tree = hierarchy(image, mask=mask)
    assert tree.cut(n_regions=1).n_regions == 2
    contours = tree.contours()
    assert (contours[:, 14:16] == 1).all() and not contours[:, :14].any()
    empty = hierarchy(image, mask=np.zeros_like(mask))
    assert empty.cut().n_regions == 0 and not empty.contours().any()


def test_the_built_in_picture():
    image, truth = picture()
    assert metrics.covering(truth, hierarchy(image).cut().labels) > 0.8


def test_a_step_is_the_strongest_boundary():
    image = np.zeros((40, 40, 3), np.float32)
    image[:, 20:] = 0.0, 0.5, 1.0
    strengths = boundary_strengths(cue_channels(image))
    assert strengths.shape == (8, 40, 40) and strengths[:, 20, 19].argmax() == 4
    assert strengths[4, 20].argmax() in (19, 20)
    assert strengths[4, 20, 19] > 0.3 and strengths[4, 20, 2] < 0.1


def test_a_boundary_that_divides_the_picture_counts_more_than_one_that_ends():
    """Blocks of a grid, one pixel each, parted by two boundaries of equal strength: one goes all the way across."""
    side = 8
    number = np.arange(side * side).reshape(side, side)
    right = np.stack([number[:, :-1].ravel(), number[:, 1:].ravel()], axis=1)
    down = np.stack([number[:-1].ravel(), number[1:].ravel()], axis=1)
    edges = np.concatenate([right, down])
    strength = np.full(len(edges), 0.05)
    across = right[:, 0] % side == 3
    ends = (down[:, 0] // side == 3) & (down[:, 0] % side == 6)
    strength[: len(right)][across] = 0.3
    strength[len(right) :][ends] = 0.3
    sizes = np.ones(len(edges), np.int64), strength, np.ones(side * side, np.int64)
    graph = RegionGraph(edges.astype(np.int32), *sizes, np.zeros((side**2, 3)), np.ones((side**2, 1, 1), np.int64))
    after = globalised(graph).strength
    assert after[: len(right)][across].min() > 1.3 * after[len(right) :][ends].max()
    assert after[len(right) :][ends].max() > after[strength < 0.1].max()


def test_textons_tell_textures_apart():
    rng = np.random.default_rng(0)
    gray = np.full((40, 80), 0.5, np.float32)
    gray[:, :40] += 0.3 * np.sin(np.arange(40))[:, None]
    gray[:, 40:] += 0.3 * np.sin(np.arange(40))[None]
    found = textons(gray + 0.01 * rng.random(gray.shape), n_textons=8)
    assert found.min() >= 0 and found.max() < 8
    left, right = (
        np.bincount(half.ravel(), minlength=8) / half.size for half in (found[8:-8, 8:32], found[8:-8, 48:72])
    )
    assert np.minimum(left, right).sum() < 0.2


def test_photographs():
    scores = []
    for path in sorted(data("bsds500", "val").glob("*.jpg"))[:12]:
        people = np.load(path.with_suffix(".npz"))["labels"]
        tree = hierarchy(np.asarray(Image.open(path)))
        cuts = [tree.cut(threshold=t).labels for t in (0.4, 0.5, 0.6)]
        scores.append([np.mean([metrics.covering(p, labels) for p in people]) for labels in cuts])
    assert np.mean(scores, axis=0).max() > 0.53


def test_bad_input(tree):
    with pytest.raises(ValueError, match="hierarchy: image must be finite, got nan"):
        hierarchy(np.full((3, 4), np.nan))
    with pytest.raises(ValueError, match=r"hierarchy: mask must have shape \(3, 4\), got \(4, 3\)"):
        hierarchy(np.zeros((3, 4)), mask=np.ones((4, 3), bool))
    with pytest.raises(TypeError, match=r"MergeTree\.cut: give n_regions or threshold, not both"):
        tree.cut(n_regions=3, threshold=0.5)
    with pytest.raises(ValueError, match=r"MergeTree\.cut: threshold must be from 0.* to 1"):
        tree.cut(threshold=2)
    with pytest.raises(ValueError, match="n_regions must be at least 1, got 0"):
        tree.cut(n_regions=0)
