"""The page of a run: all of it in one file, and what a browser makes of it."""

import html.parser
import json
import re
import shutil
import subprocess

import numpy as np
import pytest

from smalti.gan.page import _ticks, chart, write_page
from smalti.gan.sampling import grid, save_png

RECORDS = [
    {"step": step, "discriminator": 1 + 1 / step, "generator": 2 - 1 / step, "real": 0.5, "fake": 0.5 + 1 / step}
    for step in range(1, 1001)
]


@pytest.fixture
def run(tmp_path):
    """The folder of a run, with three grids and a name that needs escaping."""
    folder = tmp_path / "a <run> & more"
    (folder / "samples").mkdir(parents=True)
    images = np.random.default_rng(0).random((3, 4, 8, 8, 1))
    for step, sheet in zip((0, 20, 1_000_000), images, strict=True):
        save_png(folder / "samples" / f"{step:06d}.png", grid(sheet))
    save_png(folder / "interpolation.png", grid(images[0]))
    measures = {"Frechet distance": {"value": 12.345, "floor": 1.25}}
    (folder / "evaluation.json").write_text(json.dumps({"step": 1000, "measures": measures}))
    warning = {"step": 500, "kind": "mode collapse", "warning": "all < alike"}
    write_page(folder, {"objective": "hinge", "model": {"width": 4}}, [*RECORDS, warning])
    return folder


def test_everything_is_inside(run):
    page = (run / "index.html").read_text(encoding="utf-8")
    sources = []

    class Reader(html.parser.HTMLParser):
        def handle_starttag(self, tag, attributes):
            sources.extend(value for key, value in attributes if key in ("src", "href"))

    Reader().feed(page)
    assert len(sources) == 4 and all(source.startswith("data:image/png;base64,") for source in sources)
    assert "url(" not in page and "http" not in page
    for text in ("a &lt;run&gt; &amp; more", "step 500: all &lt; alike", "model: width", "hinge", "12.3", "1.25"):
        assert text in page
    assert page.count("<svg") == 2  # nothing is known of the rest


def test_without_anything_to_show(tmp_path):
    write_page(tmp_path, {}, [])
    assert "0 steps" in (tmp_path / "index.html").read_text()


def test_chart():
    assert chart("empty", {"a": []}) == "" and chart("constant", {"a": [(1, 2.0), (2, 2.0)]}) == ""
    drawn = chart("t", {"a": [(0, -1.0), (10, 3.0)], "b": [(0, 0.0)]})
    paths = re.findall(r'<path d="M([\d.]+) ([\d.]+)L([\d.]+) ([\d.]+)" fill="none"', drawn)
    assert paths == [("56.0", "216.0", "628.0", "8.0")]  # from the lowest to the highest corner
    assert len(chart("long", {"a": [(step, float(step)) for step in range(10_000)]})) < 10_000


@pytest.mark.parametrize(("low", "high"), [(0, 1), (0, 1e-4), (-3.7, 12.1), (0, 0.9999), (1, 100_000)])
def test_ticks(low, high):
    ticks = _ticks(low, high)
    assert 3 <= len(ticks) <= 8 and low <= ticks[0] and ticks[-1] <= high
    steps = np.diff(ticks)
    np.testing.assert_allclose(steps, steps[0])


# In a browser


@pytest.fixture(scope="module")
def browser():
    """Runs a page in a headless browser: the document after its scripts."""
    name = next(filter(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome")), None)
    if name is None:
        pytest.skip("no Chromium here")

    def document(path, *options):
        command = [name, "--headless", "--no-sandbox", "--disable-gpu", *options, path.as_uri()]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return document


def shown(document):
    """The step under the slider, and those of the grids that can be seen."""
    images = re.findall(r"<img alt=\"samples[^>]*>", document)
    visible = [re.search(r'data-step="(\d+)"', image)[1] for image in images if "hidden" not in image]
    return re.search(r'id="shown">([^<]*)<', document)[1], visible


def test_slider_in_a_browser(run, browser, tmp_path):
    page = (run / "index.html").read_text(encoding="utf-8")
    assert shown(browser(run / "index.html", "--dump-dom")) == ("step 1000000", ["1000000"])
    move = '<script>slider.value = 1; slider.dispatchEvent(new Event("input"));</script>'
    (tmp_path / "moved.html").write_text(page.replace("</html>", f"{move}</html>"), encoding="utf-8")
    assert shown(browser(tmp_path / "moved.html", "--dump-dom")) == ("step 20", ["20"])


def test_picture_in_a_browser(run, browser, tmp_path):
    """Something is drawn: the screenshot has the colours of the curves and the grey of the samples."""
    from PIL import Image

    browser(run / "index.html", f"--screenshot={tmp_path / 'page.png'}", "--window-size=1000,3600")
    with Image.open(tmp_path / "page.png") as file:
        pixels = np.asarray(file.convert("RGB")).reshape(-1, 3)
    for colour in ((0xE3, 0xB0, 0x4B), (0x6A, 0xB7, 0xFF), (64, 64, 64)):
        assert (np.abs(pixels.astype(int) - colour).max(axis=1) < 12).sum() > 20, colour
