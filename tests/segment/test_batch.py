"""Many files at once: what is written, what is skipped, what goes wrong; and the page to explore."""

import json
import re
import shutil
import subprocess

import numpy as np
import pytest
from PIL import Image

from smalti.segment import hierarchy, segment_files
from smalti.segment.explore import explore_page


def save(path, image=None, **options):
    image = (np.indices((24, 30)).sum(axis=0) > 25) * np.uint8(200) if image is None else image
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(path, **options)
    return path


def names(folder):
    return sorted(p.name for p in folder.iterdir())


def test_files_and_folders(tmp_path):
    (tmp_path / "in").mkdir()
    paths = [save(tmp_path / "in" / "a.png"), save(tmp_path / "in" / "b.jpg"), save(tmp_path / "c.bmp")]
    (tmp_path / "in" / "notes.txt").write_text("not a picture")
    out = tmp_path / "out"
    results = segment_files([tmp_path / "in", paths[2]], out, method="kmeans", n_clusters=2, write=["labels", "table"])
    assert [(r.path, r.n_regions, r.error) for r in results] == [(p, 2, None) for p in paths]
    assert names(out) == [f"{s}_{end}" for s in "abc" for end in ("labels.png", "regions.csv")]
    before = (out / "a_labels.png").stat().st_mtime_ns
    (out / "b_regions.csv").unlink()
    again = segment_files([*paths], out, method="kmeans", n_clusters=2, write=["labels", "table"])
    assert [r.n_regions for r in again] == [None, 2, None]
    assert (out / "a_labels.png").stat().st_mtime_ns == before
    assert segment_files(paths[0], out, method="kmeans", n_clusters=2, write=["labels"], redo=True)[0].n_regions == 2


def test_all_kinds_of_pictures(tmp_path):
    gray = (np.indices((24, 30)).sum(axis=0) > 25) * np.uint8(200)
    rgb = Image.fromarray(np.dstack([gray, gray, 255 - gray]))
    turned = Image.Exif()
    turned[0x0112] = 6
    kinds = {
        "palette.png": (rgb.quantize(8), {}),
        "alpha.png": (Image.merge("RGBA", (*rgb.split(), Image.fromarray(gray))), {}),
        "cmyk.jpg": (rgb.convert("CMYK"), {}),
        "bits16.png": (gray.astype(np.uint16) * 257, {}),
        "turned.jpg": (rgb, {"exif": turned}),
        "moving.gif": (rgb.quantize(8), {"save_all": True, "append_images": [rgb.rotate(90).quantize(8)]}),
        "tiff.tif": (rgb, {}),
        "web.webp": (rgb, {"lossless": True}),
    }
    paths = [save(tmp_path / name, image, **options) for name, (image, options) in kinds.items()]
    results = segment_files(paths, tmp_path / "out", method="kmeans", n_clusters=2, sigma=0, min_size=0, jobs=2)
    assert [r.error for r in results] == [None] * len(paths)
    for path, result in zip(paths, results):
        assert result.n_regions >= 2
        with Image.open(tmp_path / "out" / f"{path.stem}_labels.png") as labels:
            assert labels.size == ((24, 30) if path.stem == "turned" else (30, 24))


def test_a_bad_file_does_not_stop_the_others(tmp_path):
    good, bad = save(tmp_path / "good.png"), tmp_path / "bad.png"
    bad.write_bytes(good.read_bytes()[:60])
    results = segment_files([bad, good, tmp_path / "none.png"], tmp_path / "out", method="kmeans")
    assert [r.error is None for r in results] == [False, True, False]
    assert "bad.png: damaged image" in results[0].error and "none.png: no such file" in results[2].error
    assert all(name.startswith("good") for name in names(tmp_path / "out"))


def test_wrong_arguments(tmp_path):
    path = save(tmp_path / "a.png")
    with pytest.raises(ValueError, match=r"write must name some of labels, .* got \['poem'\]"):
        segment_files(path, tmp_path / "out", write=["poem"])
    with pytest.raises(ValueError, match=r"write must name some of labels, .* got 'labels'"):
        segment_files(path, tmp_path / "out", write="labels")
    with pytest.raises(ValueError, match="segment_files: jobs must be at least 1, got 0"):
        segment_files(path, tmp_path / "out", jobs=0)
    with pytest.raises(ValueError, match="to write steps, method must be 'classic', got 'hierarchy'"):
        segment_files(tmp_path, tmp_path / "out", write=["steps"])
    with pytest.raises(TypeError, match="explore have the options n_regions, rng, threshold, got sigma, smoothing"):
        segment_files(path, tmp_path / "out", write=["labels", "explore"], sigma=1.0, smoothing=2)
    with pytest.raises(ValueError, match="to write contours, method must be 'hierarchy', got 'kmeans'"):
        segment_files(path, tmp_path / "out", method="kmeans", write=["contours"])
    with pytest.raises(TypeError, match="method 'kmeans' has the options"):
        segment_files(path, tmp_path / "out", method="kmeans", flat=3)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="empty: holds no images"):
        segment_files(tmp_path / "empty", tmp_path / "out", method="kmeans")
    (tmp_path / "b").mkdir()
    with pytest.raises(ValueError, match="two of the images are named a"):
        segment_files([path, save(tmp_path / "b" / "a.jpg")], tmp_path / "out", method="kmeans")
    assert not (tmp_path / "out").exists()


@pytest.fixture(scope="module")
def tree():
    image = np.zeros((20, 30, 3))
    image[4:16, 5:15] = 0.9, 0.2, 0.1
    image[8:12, 18:28] = 0.1, 0.8, 0.3
    return hierarchy(image)


@pytest.mark.compiled
def test_the_page_replays_the_merges(tree, monkeypatch):
    monkeypatch.setattr("smalti.segment.explore.MOST_REGIONS", min(6, tree.merges.n_regions))
    facts = json.loads(re.search(r"const data = (\{.*?\}), least", explore_page(tree), re.DOTALL)[1])
    finest = tree.cut(n_regions=facts["n"])
    assert len(facts["merges"]) == facts["n"] - 1
    for n in range(1, facts["n"] + 1):
        root = list(range(2 * facts["n"]))
        for i, (a, b) in enumerate(facts["merges"][: facts["n"] - n]):
            root = [facts["n"] + i if r in (a, b) else r for r in root]
        replayed = np.array(root)[finest.labels]
        cut = tree.cut(n_regions=n).labels
        assert len(np.unique(replayed)) == len(np.unique(np.stack([replayed.ravel(), cut.ravel()]), axis=1).T) == n


@pytest.mark.compiled
def test_the_page_in_a_browser(tree, tmp_path):
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no chromium or google-chrome to open the page in")
    (tmp_path / "page.html").write_text(explore_page(tree, title="<a picture>"))
    flags = "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-sync"
    done = subprocess.run(
        [browser, *flags.split(), f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=5000", "--dump-dom",
         (tmp_path / "page.html").as_uri()],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert 'data-ready="yes"' in done.stdout, done.stderr
    assert re.search(rf'<output id="count">{tree.cut().n_regions}, above \d\.\d+</output>', done.stdout)
    assert "&lt;a picture&gt;" in done.stdout


@pytest.mark.compiled
def test_contours_and_page_are_written(tmp_path):
    path = save(tmp_path / "a.png")
    (result,) = segment_files(path, tmp_path / "out", write=["contours", "explore", "labels"], n_regions=2)
    assert result == (path, 2, None)
    assert names(tmp_path / "out") == ["a.html", "a_contours.png", "a_labels.png"]
    with Image.open(tmp_path / "out" / "a_contours.png") as contours:
        assert contours.mode == "L" and np.asarray(contours).max() > 0


def test_steps_are_written_whatever_is_merged(tmp_path):
    options = {"method": "classic", "write": ["steps", "labels"], "n_clusters": 3, "n_regions": 1}
    (result,) = segment_files(save(tmp_path / "a.png"), tmp_path / "out", **options)
    assert result.error is None and result.n_regions == 1
    assert names(tmp_path / "out") == ["a_labels.png", "a_steps.png"]
