"""Tiles: every region once, aligned, on black, and alike ones in one class."""

import numpy as np
import pytest
from PIL import Image

from smalti import gan
from smalti.gan.regions import _cut_out, _reduced
from smalti.segment import Segmentation

pytestmark = pytest.mark.compiled  # plain Python takes minutes for what these do


def bar(angle, h=120, w=140, length=80, breadth=20, colour=(1.0, 0.5, 0.0)):
    """A picture with a bar at an angle, and its segmentation: the ground is region 0."""
    rows, columns = np.mgrid[:h, :w] - np.array([h / 2, w / 2])[:, None, None]
    along = rows * np.sin(angle) + columns * np.cos(angle)
    across = rows * np.cos(angle) - columns * np.sin(angle)
    mask = (np.abs(along) < length / 2) & (np.abs(across) < breadth / 2)
    image = np.where(mask[..., None], np.float32(colour), np.float32(0.2))
    return Segmentation(image.astype(np.float32), mask.astype(np.int32))


@pytest.mark.parametrize("angle", np.radians([0, 20, 45, 90, 120, 179]))
@pytest.mark.parametrize("side", [16, 100])
def test_regions_are_aligned(angle, side):
    segmentation = bar(angle)
    tile, filled, ratio = _cut_out(segmentation, segmentation.regions()[1], side)
    assert tile.shape == (side, side, 3) and tile.dtype == np.uint8
    assert ratio == pytest.approx(4, rel=0.15) and filled == pytest.approx(1 / (1.08**2 * 4), rel=0.15)
    lit = tile[..., 0] > 128
    rows, columns = np.flatnonzero(lit.any(axis=1)), np.flatnonzero(lit.any(axis=0))
    assert len(columns) == pytest.approx(side / 1.08, abs=0.05 * side + 1)
    assert len(rows) == pytest.approx(len(columns) / 4, abs=0.06 * side + 1)
    assert abs(rows.mean() - (side - 1) / 2) <= 0.04 * side and abs(columns.mean() - (side - 1) / 2) <= 0.04 * side
    np.testing.assert_allclose(tile[side // 2, side // 2], (255, 128, 0), atol=3)
    assert (tile[0] == 0).all() and (tile[-1] == 0).all()  # the ground is left away


def test_regions_of_one_pixel_or_line():
    for labels in (np.eye(1, 9, 4), np.zeros((1, 7)), np.eye(9)):
        segmentation = Segmentation(np.ones((*labels.shape, 3), np.float32), labels.astype(np.int32))
        tile, filled, ratio = _cut_out(segmentation, segmentation.regions()[-1], 8)
        assert tile.max() > 50 and np.isfinite(ratio) and ratio >= 1 and 0 < filled <= 1


def test_classes_are_alike(tmp_path):
    for number in range(4):
        image = np.full((96, 128, 3), 128, np.uint8)
        image[10:40, 10:60], image[50:80, 30:100] = (220, 30, 30), (20, 20, 200)
        Image.fromarray(np.roll(image, 3 * number, axis=1)).save(tmp_path / f"{number}.png")
    images, labels = gan.regions(tmp_path, side=16, n_classes=2)
    assert images.shape == (len(labels), 16, 16, 3) and images.dtype == np.uint8 and labels.dtype == np.int32
    middle = images[:, 8, 8].astype(int)
    red, blue = (labels[middle[:, k] > middle[:, 1] + 100] for k in (0, 2))
    assert len(red) == len(blue) == 4 and len(set(red)) == len(set(blue)) == 1 and red[0] != blue[0]
    again = gan.regions(tmp_path, side=16, n_classes=2)
    np.testing.assert_array_equal(images, again[0])
    np.testing.assert_array_equal(labels, again[1])


def test_large_photographs_are_reduced():
    assert _reduced(np.zeros((1024, 600, 3), np.uint8)).shape == (512, 300, 3)
    assert _reduced(np.zeros((100, 512, 1), np.uint8)).shape == (100, 512, 1)


def test_bad_input(tmp_path):
    with pytest.raises(FileNotFoundError, match="none: no such folder"):
        gan.regions(tmp_path / "none")
    with pytest.raises(ValueError, match="0 regions are too few for 8 classes"):
        gan.regions(tmp_path)
    (tmp_path / "a.png").write_bytes(b"not a picture")
    with pytest.raises(ValueError, match=r"a\.png: not an image"):
        gan.regions(tmp_path)
    with pytest.raises(ValueError, match="regions: n_classes must be at least 2"):
        gan.regions(tmp_path, n_classes=1)
