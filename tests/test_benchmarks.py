"""What `python -m benchmarks --pictures` draws, and the tables of samples; the rows verify themselves when they run."""

import itertools
import re
import sys

import numpy as np
import pytest
from PIL import Image, ImageFont

from benchmarks import __main__ as command
from benchmarks import pictures, samples
from smalti import kernels
from smalti._picture import picture

FILTERS = """rgb2gray rgb2hsv hsv2rgb rgb2lab lab2rgb histogram threshold_otsu
    gaussian convolve correlate laplace gaussian_laplace sobel scharr prewitt canny gabor_kernel gabor gabor_bank
    erosion dilation opening closing remove_small_objects distance_transform_edt peak_local_max h_maxima
    resize flip rotate""".split()


@pytest.fixture(scope="module")
def photo():
    return picture(20, 30)[0]


@pytest.fixture(scope="module")
def drawn(photo):
    return pictures.sections(photo)


def status(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["benchmarks", *map(str, arguments)])
    return command.main()


def test_every_filter_has_its_picture(drawn, photo):
    shown = {re.split(r"\W", caption)[0] for panels in drawn.values() for caption in panels} - {"the"}
    assert shown == set(FILTERS) and all(callable(getattr(kernels, name)) for name in shown)
    for panels in drawn.values():
        for caption, values in panels.items():
            assert values.ndim in (2, 3) and np.isfinite(values).all(), caption
            assert values.shape[:2] == photo.shape[:2] or "kernel" in caption, caption
            assert values.std() > 0, caption


def test_captions_fit_below_their_pictures(drawn):
    font = ImageFont.load_default(15)
    for panels in drawn.values():
        assert all(font.getlength(caption) < pictures.SIDE * 2 // 3 for caption in panels)


def test_views():
    x = np.array([[-2.0, 0.0, 2.0]])
    below, nothing, above = pictures._signed(x)[0]
    assert below[2] > below[0] and above[0] > above[2] and (nothing == pictures.NOTHING).all()
    np.testing.assert_allclose(pictures._strength(np.array([[0.0, 1.0, 2.0]])), [[0, 0.5, 1]], rtol=0.01)
    bars = pictures._bars(np.full((8, 16, 3), (0, 128, 255), np.uint8))
    assert [bars[-1, :, k].argmax() for k in range(3)] == [0, 8, 15]


def test_the_sheet(tmp_path, photo, monkeypatch, capsys):
    Image.fromarray(photo).save(tmp_path / "photo.png")
    assert status(monkeypatch, "--pictures", "--image", tmp_path / "photo.png", "-o", tmp_path / "new" / "folder") == 0
    path = tmp_path / "new" / "folder" / "filters.png"
    assert capsys.readouterr().out == f"look at {path}\n"
    with Image.open(path) as file:
        sheet = np.asarray(file)
    (height, width), (top, left) = photo.shape[:2], (pictures.GAP + pictures.TITLE, pictures.GAP)
    left += (pictures.SIDE * 2 // 3 - width) // 2
    np.testing.assert_array_equal(sheet[top : top + height, left : left + width], photo)


def test_pictures_of_any_shape_become_tiles(monkeypatch):
    monkeypatch.setattr(pictures, "SIDE", 30)
    for shape, expected in (((90, 60, 1), (30, 20, 3)), ((2, 300, 3), (1, 30, 3)), ((5, 4, 1), (5, 4, 3))):
        assert pictures.tile(np.zeros(shape, np.uint8)).shape == expected


def test_a_file_that_is_no_picture(tmp_path, monkeypatch, capsys):
    assert status(monkeypatch, "--pictures", "--image", tmp_path / "none.png", "-o", tmp_path) == 1
    assert capsys.readouterr().err.startswith("benchmarks --pictures: ") and not list(tmp_path.iterdir())


def test_tables_of_samples():
    records = []
    for epoch, seed in itertools.product(range(1, 6), range(2)):
        measured = {"seed": seed, "epoch": epoch, "distance": 10.0 * (seed + 1) / epoch, "classes": 10, "rarest": 0.05}
        records += [{**measured, "name": name, "seconds": s * epoch} for name, s in (("smalti", 2), ("torch", 3))]
        records.append({**measured, "name": "cgan", "accuracy": 0.9 + epoch / 100})
    lines = list(samples.tables(records, 1.25))
    assert lines[3] == "| 2 | 7.5 | 7.5 | 1.2 | 10 | 5.0% | 5.0% | 4 | 6 | 1.50x |"
    assert lines[-1] == "| 5 | 3.0 | 1.2 | 95.0% |"
    assert all(line.count("|") in (0, 5, 11) for line in lines)
