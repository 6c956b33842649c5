"""The command: what it writes, what it says, and how it fails."""

import errno
import html.parser
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import smalti
from smalti import __main__ as _main
from smalti import _demo, _picture
from smalti.__main__ import main
from smalti.kernels import _jit
from tests.helpers import ROOT

SUBCOMMANDS = "demo segment train generate evaluate warmup info".split()


def command(*arguments, **options):
    """The command in a process of its own."""
    options = {"cwd": ROOT, "capture_output": True, "text": True, "timeout": 600, **options}
    return subprocess.run([sys.executable, "-m", "smalti", *map(str, arguments)], **options)


def status(*arguments):
    """Exit status of the command, run here."""
    try:
        return main([str(a) for a in arguments])
    except SystemExit as stopped:
        return stopped.code


def failure(capsys, *arguments):
    """The one line on stderr of a job that fails."""
    capsys.readouterr()
    assert status(*arguments) == 1
    message = capsys.readouterr().err
    assert message.count("\n") == 1 and message.startswith(f"smalti {arguments[0]}: "), message
    return message


def files(folder):
    return sorted(str(p.relative_to(folder)) for p in Path(folder).rglob("*") if p.is_file())


@pytest.fixture
def photo(tmp_path):
    image = np.zeros((30, 40, 3), np.uint8)
    image[:, 20:] = 255, 128, 0
    Image.fromarray(image).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


@pytest.fixture
def data(tmp_path):
    np.savez(tmp_path / "data.npz", x=np.random.default_rng(0).integers(0, 256, (20, 8, 8), dtype=np.uint8))
    return tmp_path / "data.npz"


# Usage


def test_help_and_version(capsys):
    for arguments in (["--help"], *([name, "--help"] for name in SUBCOMMANDS)):
        assert status(*arguments) == 0
        assert "usage: smalti" in capsys.readouterr().out
    assert status("--version") == 0
    assert capsys.readouterr().out == f"smalti {smalti.__version__}\n"


def test_help_imports_nothing_heavy():
    code = "import sys; sys.argv = ['smalti', '--help']; import runpy; runpy.run_module('smalti', run_name='__main__')"
    result = subprocess.run([sys.executable, "-X", "importtime", "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0
    assert not {"numba", "numpy", "PIL"} & {line.split("|")[-1].strip() for line in result.stderr.splitlines()}


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["paint"],
        ["demo"],
        ["demo", "-o", "x", "--fast"],
        ["segment", "-o", "x"],
        ["segment", "a.png"],
        ["segment", "a.png", "-o", "x", "--method", "magic"],
        ["segment", "a.png", "-o", "x", "--write", "poem"],
        ["train", "--data", "glyphs"],
        ["train", "--data", "glyphs", "--out", "x", "--model", "vae"],
        ["train", "--data", "glyphs", "--out", "x", "--steps", "0"],
        ["train", "--data", "glyphs", "--out", "x", "--batch-size", "1"],
        ["train", "--data", "glyphs", "--out", "x", "--seed", "-1"],
        ["train", "--data", "glyphs", "--out", "x", "--steps", "many"],
        ["train", "--data", "glyphs", "--out", "x", "--steps", "3", "--epochs", "1"],
        ["train", "--data", "glyphs", "--out", "x", "--objective", "magic"],
        ["train", "--data", "glyphs", "--out", "x", "--augment", "twirl"],
        ["train", "--data", "glyphs", "--out", "x", "--checkpoint-every", "0"],
        ["generate", "run", "-o", "x.png", "--label", "-1"],
        ["generate", "run"],
        ["generate", "run", "-n", "0", "-o", "x.png"],
        ["evaluate"],
        ["evaluate", "run", "-n", "1"],
        ["info", "--threads", "0"],
    ],
)
def test_wrong_usage(arguments, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert status(*arguments) == 2
    assert "usage: smalti" in capsys.readouterr().err
    assert files(tmp_path) == []


# info and warmup


def test_info():
    result = command("info", "--threads", 3)
    assert result.returncode == 0 and result.stderr == ""
    rows = dict(line.split(maxsplit=1) for line in result.stdout.splitlines())
    assert rows["smalti"] == smalti.__version__ and rows["threads"] == "3"
    for name in ("numba", "vector width", "cache directory", "cpu features"):
        assert name in result.stdout


# segment


@pytest.mark.parametrize("method", ["kmeans", "watershed", "felzenszwalb", "slic"])
def test_segment(photo, tmp_path, capsys, method):
    assert status("segment", photo, "-o", tmp_path / "out", "--method", method) == 0
    out = capsys.readouterr()
    assert out.out.startswith(f"{photo}: ") and out.out.endswith(" regions\n") and out.err == ""
    assert files(tmp_path / "out") == ["photo_labels.png", "photo_mosaic.png", "photo_overlay.png"]
    with Image.open(tmp_path / "out" / "photo_labels.png") as labels:
        left, right = np.asarray(labels)[:, :15], np.asarray(labels)[:, 25:]
        assert (left == 0).all() and len(np.unique(right)) == 1 and right.min() > 0


def test_segment_goes_on_after_a_bad_image(photo, tmp_path, capsys):
    bad = tmp_path / "bad.png"
    bad.write_text("hello")
    assert status("segment", bad, photo, "-o", tmp_path / "out", "--method", "kmeans") == 1
    *progress, last = capsys.readouterr().err.splitlines()
    assert last == f"smalti segment: {bad}: not an image that can be read"
    assert all(line.startswith("segmenting ") for line in progress)
    assert len(files(tmp_path / "out")) == 3


def test_segment_bad_input(photo, tmp_path, capsys):
    out = tmp_path / "out"
    assert f"{tmp_path / 'no.png'}: no such file" in failure(capsys, "segment", tmp_path / "no.png", "-o", out)
    (tmp_path / "empty").mkdir()
    assert f"{tmp_path / 'empty'}: holds no images" in failure(capsys, "segment", tmp_path / "empty", "-o", out)
    (tmp_path / "cut.png").write_bytes(photo.read_bytes()[:60])
    assert "cut.png: damaged image" in failure(capsys, "segment", tmp_path / "cut.png", "-o", out)
    assert files(out) == []
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "photo.jpg").write_bytes(photo.read_bytes())
    message = failure(capsys, "segment", photo, tmp_path / "b" / "photo.jpg", "-o", out)
    assert "two of the images are named photo" in message
    (tmp_path / "file").write_text("")
    assert str(tmp_path / "file") in failure(capsys, "segment", photo, "-o", tmp_path / "file")


def test_segment_a_folder_once(photo, tmp_path, capsys):
    arguments = (
        "segment",
        tmp_path,
        "-o",
        tmp_path / "out",
        "--method",
        "kmeans",
        "--regions",
        "2",
        "--write",
        "table",
    )
    assert status(*arguments) == 0
    assert capsys.readouterr().out == f"{photo}: 2 regions\n"
    table = (tmp_path / "out" / "photo_regions.csv").read_text().splitlines()
    assert table[0].startswith("label,area,centroid_row") and len(table) == 3
    assert status(*arguments) == 0
    assert capsys.readouterr().out == f"{photo}: done before; --redo does it again\n"
    assert status(*arguments, "--redo") == 0
    assert capsys.readouterr().out == f"{photo}: 2 regions\n"


def test_segment_options_that_do_not_fit(photo, tmp_path, capsys):
    message = failure(capsys, "segment", photo, "-o", tmp_path / "out", "--regions", "3", "--threshold", "0.2")
    assert "segment: give n_regions or threshold, not both" in message
    message = failure(capsys, "segment", photo, "-o", tmp_path / "out", "--method", "slic", "--features", "lab,hsv")
    assert "method 'slic' has the options" in message
    message = failure(capsys, "segment", photo, "-o", tmp_path / "out", "--method", "kmeans", "--features", "lab,smell")
    assert "extract_features: names must be some of" in message
    message = failure(
        capsys, "segment", photo, "-o", tmp_path / "out", "--method", "kmeans", "--write", "overlay,contours"
    )
    assert "to write contours, method must be 'hierarchy', got 'kmeans'" in message
    assert files(tmp_path / "out") == []


@pytest.mark.compiled
def test_the_first_run_tells_what_takes_so_long(tmp_path, capsys, monkeypatch):
    def errors():
        capsys.readouterr()
        assert status("generate", tmp_path, "-o", tmp_path / "x.png") == 1
        return capsys.readouterr().err

    assert "compiles" not in errors()
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setattr(_jit, "cache_directory", lambda: tmp_path / "new")
    assert "smalti generate: the first run compiles the kernels, which takes a minute\n" in errors()
    monkeypatch.setattr(_jit, "cache_directory", lambda: tmp_path)
    assert "compiles" not in errors()


def test_failure_has_no_traceback(tmp_path):
    result = command("segment", tmp_path / "no.png", "-o", tmp_path / "out")
    assert result.returncode == 1 and result.stdout == ""
    assert result.stderr == f"smalti segment: {tmp_path / 'no.png'}: no such file\n"


# train and generate


@pytest.mark.compiled
def test_train_and_generate(data, tmp_path, capsys):
    run = tmp_path / "run"
    arguments = ("train", "--data", data, "--out", run, "--batch-size", 4, "--seed", 5)
    assert status(*arguments, "--steps", 3) == 0
    assert "training 3/3" in capsys.readouterr().err
    assert status(*arguments, "--steps", 5) == 0  # goes on
    assert "4/5" in (err := capsys.readouterr().err) and "3/5" not in err
    assert (run / "checkpoint.npz").exists() and (run / "samples" / "000005.png").exists()

    assert status("generate", run, "-n", 5, "-o", tmp_path / "a" / ".." / "grid.png") == 1  # no such folder
    assert status("generate", run, "-n", 5, "-o", tmp_path / "grid.png") == 0
    with Image.open(tmp_path / "grid.png") as sheet:
        assert sheet.size == (3 * 10 + 2, 2 * 10 + 2)
    assert status("generate", run, "-n", 5, "-o", tmp_path / "x.npz", "--seed", 1) == 0
    with np.load(tmp_path / "x.npz") as archive:
        assert archive["x"].shape == (5, 8, 8, 1) and archive["x"].dtype == np.uint8
    assert status("generate", run, "-n", 3, "-o", tmp_path / "pictures") == 0
    assert files(tmp_path / "pictures") == ["00000.png", "00001.png", "00002.png"]
    with pytest.raises(ValueError, match="holds another run: batch_size is 8, was 4"):
        smalti.gan.train(
            smalti.gan.dcgan((8, 8, 1), rng=5), data, out=run, steps=6, batch_size=8, rng=5, progress=lambda *_: None
        )
    assert "seed is 6, was 5" in failure(capsys, *arguments[:-1], 6, "--steps", 6)
    assert status(*arguments[:-1], 6, "--steps", 2, "--fresh") == 0


def test_train_on_a_folder_of_photographs(photo, tmp_path):
    (tmp_path / "folder").mkdir()
    for name in ("one.png", "two.png"):
        (tmp_path / "folder" / name).write_bytes(photo.read_bytes())
    arguments = ("train", "--data", tmp_path / "folder", "--out", tmp_path / "run", "--steps", 1, "--batch-size", 2)
    assert status(*arguments, "--image-size", 8) == 0


def test_train_bad_input(data, tmp_path, capsys):
    run = tmp_path / "run"
    rest = ("--out", run, "--steps", 1)
    assert f"{tmp_path / 'no'}: no such file or folder" in failure(capsys, "train", "--data", tmp_path / "no", *rest)
    (tmp_path / "empty").mkdir()
    assert "holds no images" in failure(capsys, "train", "--data", tmp_path / "empty", *rest)
    np.savez(tmp_path / "odd.npz", x=np.zeros((4, 10, 10), np.uint8))
    message = failure(capsys, "train", "--data", tmp_path / "odd.npz", *rest)
    assert "odd.npz: dcgan: image_shape must be" in message and message.endswith("; see --image-size\n")
    message = failure(capsys, "train", "--data", tmp_path / "odd.npz", *rest, "--image-size", 30)
    assert "multiples of 4, got (30, 30, 1)\n" in message
    np.savez(tmp_path / "nan.npz", x=np.full((4, 8, 8), np.nan))
    assert "nan.npz: pictures must be finite" in failure(capsys, "train", "--data", tmp_path / "nan.npz", *rest)
    assert "--projection is for --model cgan" in failure(capsys, "train", "--data", data, *rest, "--projection")
    message = failure(capsys, "train", "--data", data, *rest)
    assert f"a batch has 64 pictures, but {data} holds only 20" in message
    message = failure(capsys, "train", "--data", data, *rest, "--batch-size", 4, "--model", "cgan")
    assert message == f"smalti train: cgan needs pictures with classes, but {data} has no labels\n"
    for labels, reason in (
        (np.arange(20) - 1, "labels must count from 0, got values from -1 to 18"),
        (np.arange(19), "labels must have shape (20,), one for each picture, got (19,)"),
        (np.arange(20) * 1.0, "labels must be integers, got dtype float64"),
        (np.repeat([1, 2**31 - 1], 10), "labels must count from 0 without gaps, got only 2 of them up to 2147483647"),
    ):
        np.savez(tmp_path / "labels.npz", x=np.zeros((20, 8, 8), np.uint8), y=labels)
        message = failure(capsys, "train", "--data", tmp_path / "labels.npz", *rest, "--model", "cgan")
        assert message == f"smalti train: {tmp_path / 'labels.npz'}: {reason}\n"
    data.write_bytes(data.read_bytes()[:500])
    assert "data.npz: not a readable .npz" in failure(capsys, "train", "--data", data, *rest)
    assert not run.exists()
    for no_run in (run, data):
        message = failure(capsys, "generate", no_run, "-o", tmp_path / "x.png")
        assert message == f"smalti generate: {no_run}: no run here, there is no checkpoint.npz\n"
    assert "pictures are written as FILE.png" in failure(capsys, "generate", run, "-o", tmp_path / "x.jpg")
    message = failure(capsys, "train", "--data", "glyphs", *rest, "--label-smoothing", 2)
    assert message == "smalti train: Trainer: label_smoothing must be from 0 to 1, got 2.0\n"
    assert not (tmp_path / "x.png").exists()


@pytest.mark.compiled
def test_classes_and_options(data, tmp_path, capsys):
    run = tmp_path / "run"
    with np.load(data) as archive:
        np.savez(data, x=archive["x"], y=np.arange(20) % 3)
    arguments = ("train", "--model", "cgan", "--data", data, "--out", run, "--batch-size", 4)
    options = ("--ema", "--discriminator-steps", 2, "--learning-rate", 1e-4, "--schedule", "cosine", "--clip-norm", 5,
               "--augment", "flip", "colour", "--label-smoothing", 0.1, "--checkpoint-every", 2,
               "--projection")  # fmt: skip
    assert status(*arguments, *options, "--epochs", 1) == 0
    config = json.loads((run / "config.json").read_text())
    assert config["model"]["n_classes"] == 3 and config["ema"] == 0.999 and config["schedule_steps"] == 5
    assert config["augment"] == ["flip", "colour"] and config["model"]["projection"]
    assert "index.html" in capsys.readouterr().out
    assert status("generate", run, "-n", 5, "-o", tmp_path / "x.npz") == 0
    assert status("generate", run, "-n", 5, "-o", tmp_path / "one.npz", "--label", 1, "--truncation", 0.7) == 0
    with np.load(tmp_path / "x.npz") as in_turn, np.load(tmp_path / "one.npz") as one:
        assert in_turn["y"].tolist() == [0, 1, 2, 0, 1] and one["y"].tolist() == 5 * [1]
    capsys.readouterr()
    with np.load(data) as archive:
        np.savez(tmp_path / "more.npz", x=np.repeat(archive["x"], 2, axis=0), y=np.repeat(archive["y"], 2))
    assert status("evaluate", run, "--data", tmp_path / "more.npz", "-n", 9) == 0
    table = capsys.readouterr().out.splitlines()
    assert [line[:18].strip() for line in table[1:]] == [
        "Frechet distance", "kernel distance", "precision", "recall", "class coverage", "label accuracy"
    ]  # fmt: skip
    assert (run / "evaluation.json").exists()
    assert "needs at least 32 pictures" in failure(capsys, "evaluate", run)
    message = failure(capsys, "generate", run, "-o", tmp_path / "x.png", "--label", 3)
    assert message == "smalti generate: labels must be in 0 to 2, got values from 3 to 3\n"
    message = failure(capsys, *arguments, "--projection", "--steps", 9, "--objective", "hinge")
    assert f"{run}: holds another run: objective is hinge, was non-saturating" in message


@pytest.mark.compiled
def test_regions_of_photographs(tmp_path, capsys):
    """From photographs to a generator of their parts, by one command."""
    rng = np.random.default_rng(0)
    (tmp_path / "photos").mkdir()
    for number in range(2):
        image = np.full((96, 128, 3), 30, np.uint8)
        for row, column in ((8, 8), (8, 70), (56, 8), (56, 70)):
            image[row : row + 30, column : column + 40] = rng.integers(60, 256, 3)
        Image.fromarray(image).save(tmp_path / "photos" / f"{number}.png")
    arguments = ("train", "--model", "cgan", "--data", f"regions:{tmp_path / 'photos'}", "--out", tmp_path / "run",
                 "--batch-size", 4, "--image-size", 16)  # fmt: skip
    assert status(*arguments, "--steps", 1) == 0
    assert "cutting out regions 2/2" in capsys.readouterr().err
    assert status(*arguments, "--steps", 2) == 0
    assert "cutting" not in capsys.readouterr().err
    assert json.loads((tmp_path / "run" / "config.json").read_text())["model"]["n_classes"] == 8
    (tmp_path / "photos").rename(tmp_path / "others")
    elsewhere = ("train", "--data", f"regions:{tmp_path / 'others'}", "--image-size", 16, "--out")
    message = failure(capsys, *elsewhere, tmp_path / "run")
    assert f"holds the regions of {tmp_path / 'photos'}" in message
    assert "no such folder" in failure(capsys, *arguments[:5], "--out", tmp_path / "new")


@pytest.mark.compiled
@pytest.mark.parametrize("model", ["mlp", "dcgan"])
def test_penalties_need_no_further_options(tmp_path, model):
    np.savez(tmp_path / "data.npz", x=np.zeros((4, 16, 16), np.uint8))
    run = tmp_path / "run"
    arguments = ("train", "--model", model, "--data", tmp_path / "data.npz", "--out", run, "--batch-size", 2)
    assert status(*arguments, "--steps", 1, "--objective", "r1") == 0


def test_choices_are_those_of_the_library():
    """Repeated in the command so that its help needs no import."""
    from smalti.gan import augment, losses, trainer

    assert _main.OBJECTIVES == losses.OBJECTIVES and _main.PENALISED == losses.PENALISED
    assert _main.SCHEDULES == trainer.SCHEDULES and _main.AUGMENTATIONS == augment.KINDS


@pytest.mark.compiled
def test_damage_is_told_in_a_line(data, tmp_path):
    run = tmp_path / "run"
    arguments = ("train", "--data", data, "--out", run, "--batch-size", 4, "--checkpoint-every", 2)
    assert status(*arguments, "--steps", 4) == 0
    (run / "checkpoint.npz").write_bytes(b"")
    result = command("generate", run, "-n", 2, "-o", tmp_path / "x.png")
    assert result.returncode == 0 and result.stderr.count("\n") == 1
    assert result.stderr.startswith(f"smalti generate: warning: {run / 'checkpoint.npz'}: damaged")
    (run / "checkpoint.previous.npz").unlink()
    result = command("generate", run, "-n", 2, "-o", tmp_path / "x.png")
    assert result.returncode == 1 and result.stderr.startswith(f"smalti generate: {run / 'checkpoint.npz'}: damaged")
    assert result.stderr.count("\n") == 1


@pytest.mark.compiled
def test_disk_is_full(data, tmp_path, capsys, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    message = failure(capsys, "train", "--data", data, "--out", tmp_path / "run", "--batch-size", 4, "--steps", 1)
    assert message == f"smalti train: {tmp_path / 'run' / 'config.json'}: No space left on device\n"


@pytest.mark.compiled
@pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals")
def test_interrupted_training_is_saved(tmp_path):
    arguments = ["train", "--data", "glyphs", "--out", tmp_path / "run", "--steps", 10**6, "--batch-size", 2]
    child = subprocess.Popen(
        [sys.executable, "-m", "smalti", *map(str, arguments)], cwd=ROOT, stderr=subprocess.PIPE, text=True
    )
    try:
        deadline = time.monotonic() + 300
        while not (tmp_path / "run" / "samples" / "000000.png").exists():
            assert child.poll() is None and time.monotonic() < deadline
            time.sleep(0.05)
        time.sleep(1)
        child.send_signal(signal.SIGINT)
        _, message = child.communicate(timeout=300)
    finally:
        child.kill()
        child.wait()
    assert child.returncode == 130
    assert "Traceback" not in message and "saved in" in message.splitlines()[-1]
    assert "run the same again to go on" in message.splitlines()[-1]
    left = ["checkpoint.npz", "config.json", "index.html", "metrics.jsonl", "samples/000000.png"]
    assert [name for name in files(tmp_path / "run") if "previous" not in name] == left


# demo


def test_picture_and_its_regions():
    image, regions = _picture.picture(96, 144)
    assert image.shape == (96, 144, 3) and image.dtype == np.uint8 and regions.shape == (96, 144)
    assert regions.min() == 0 and len(np.unique(regions)) == regions.max() + 1 > 20
    np.testing.assert_array_equal(image, _picture.picture(96, 144)[0])


@pytest.mark.compiled
def test_segmentation_of_the_picture_is_good():
    _, _, facts = _demo._segment()
    score = float(facts["covering of the true regions"].split()[0])
    assert score > 0.9


@pytest.mark.compiled
def test_demo(tmp_path, capsys):
    _demo.run(tmp_path / "out", steps=3, width=4)
    out = capsys.readouterr().out
    assert "covering 0.9" in out and "3 steps" in out
    names = ["figure.png", "index.html", "mosaic.png", "overlay.png", "picture.png", "samples.png"]
    assert files(tmp_path / "out") == names
    for name in names:
        if name.endswith(".png"):
            with Image.open(tmp_path / "out" / name) as image:
                image.load()
    assert (tmp_path / "out" / "figure.png").stat().st_size < 300_000

    page = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    sources = []

    class Reader(html.parser.HTMLParser):
        def handle_starttag(self, tag, attributes):
            attributes = dict(attributes)
            sources.extend(attributes[key] for key in ("src", "href") if key in attributes)

    Reader().feed(page)
    assert len(sources) == 4 and all(source.startswith("data:image/png;base64,") for source in sources)
    assert "3 steps of 32 pictures" in page
