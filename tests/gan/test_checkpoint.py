"""Checkpoints: the last two, whole or not at all, and one clear line for all that can happen to them."""

import errno
import os

import numpy as np
import pytest

from smalti import gan, nn
from smalti.gan import checkpoint
from smalti.gan.metrics import Metrics, read_records
from tests.gan.tiny import run

pytestmark = pytest.mark.compiled  # plain Python takes minutes for what these do


def steps_of(path):
    return int(nn.load(path)["steps_done"])


def damages(whole):
    yield b""
    yield whole[: len(whole) // 2]
    yield whole[:300] + bytes(200) + whole[500:]
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 1
    yield bytes(flipped)


def test_damaged_checkpoint_and_the_one_before_it(tmp_path):
    run(tmp_path / "whole", 9, checkpoint_every=3)
    run(tmp_path / "run", 6, checkpoint_every=3)
    path = tmp_path / "run" / "checkpoint.npz"
    files = {name: (tmp_path / "run" / name).read_bytes() for name in (checkpoint.FILE, checkpoint.PREVIOUS)}
    for damaged in damages(files[checkpoint.FILE]):
        path.write_bytes(damaged)
        with pytest.warns(RuntimeWarning, match=r"checkpoint\.npz: damaged.*; the one before it is used, of step 3"):
            gan.generate(tmp_path / "run", 2)
        with pytest.warns(RuntimeWarning, match="of step 3"):
            run(tmp_path / "run", 9, checkpoint_every=3)
        assert path.read_bytes() == (tmp_path / "whole" / "checkpoint.npz").read_bytes()
        assert (tmp_path / "run" / "checkpoint.damaged.npz").read_bytes() == damaged
        for name, content in files.items():
            (tmp_path / "run" / name).write_bytes(content)


def test_damaged_checkpoint_alone(tmp_path):
    run(tmp_path, 2)
    path = tmp_path / "checkpoint.npz"
    for damaged in damages(path.read_bytes()):
        path.write_bytes(damaged)
        for use in (lambda: gan.generate(tmp_path, 2), lambda: run(tmp_path, 4)):
            with pytest.raises(ValueError, match=r"checkpoint\.npz: damaged") as caught:
                use()
            assert "\n" not in str(caught.value)


def test_killed_between_two_renames(tmp_path):
    """The newest one has its place no more, or not yet."""
    run(tmp_path, 4, checkpoint_every=2)
    os.replace(tmp_path / checkpoint.FILE, tmp_path / "checkpoint.next.npz")
    assert int(checkpoint.load(tmp_path)[1]["steps_done"]) == 2
    run(tmp_path, 4, checkpoint_every=2)
    assert steps_of(tmp_path / checkpoint.FILE) == 4 and not (tmp_path / "checkpoint.next.npz").exists()


def test_not_a_run(tmp_path):
    with pytest.raises(FileNotFoundError, match="no run here"):
        gan.generate(tmp_path, 2)
    np.savez(tmp_path / "checkpoint.npz", x=np.zeros(3))
    with pytest.raises(ValueError, match="not a checkpoint"):
        gan.generate(tmp_path, 2)
    nn.save(tmp_path / "checkpoint.npz", {"x": np.zeros(3)})
    with pytest.raises(ValueError, match="not a checkpoint"):
        gan.generate(tmp_path, 2)


# Disks


def test_full_disk(tmp_path, monkeypatch):
    """However far it gets before it fails, both checkpoints are whole, and resuming ends with the same bytes."""
    run(tmp_path / "whole", 9, checkpoint_every=3)
    run(tmp_path / "run", 6, checkpoint_every=3)
    fsync = os.fsync

    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def fill(step, losses):
        if step == 8:
            monkeypatch.setattr(os, "fsync", full)

    with pytest.raises(OSError, match="No space left on device") as caught:
        run(tmp_path / "run", 9, checkpoint_every=3, progress=fill)
    assert caught.value.filename.startswith(str(tmp_path / "run"))
    monkeypatch.setattr(os, "fsync", fsync)
    assert steps_of(tmp_path / "run" / "checkpoint.npz") == 6
    assert steps_of(tmp_path / "run" / "checkpoint.previous.npz") == 3
    assert not list((tmp_path / "run").rglob("*.tmp"))
    run(tmp_path / "run", 9, checkpoint_every=3)
    assert (tmp_path / "run" / "checkpoint.npz").read_bytes() == (tmp_path / "whole" / "checkpoint.npz").read_bytes()


def test_file_size_limit(tmp_path):
    """Writing fails half-way through a file."""
    resource = pytest.importorskip("resource")
    run(tmp_path, 4, checkpoint_every=2)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    def limit(step, losses):
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))

    try:
        with pytest.raises(OSError, match="File too large") as caught:
            run(tmp_path, 6, checkpoint_every=2, progress=limit)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.filename.startswith(str(tmp_path))
    assert steps_of(tmp_path / checkpoint.FILE) == 4 and not list(tmp_path.rglob("*.tmp"))


def test_folders_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError) as caught:
        run(tmp_path / "file" / "run", 2)
    assert caught.value.filename.startswith(str(tmp_path / "file"))
    run(tmp_path / "run", 2)
    (tmp_path / "run").chmod(0o500)
    try:
        if os.access(tmp_path / "run", os.W_OK):
            pytest.skip("nothing is read-only for this user")
        with pytest.raises(PermissionError) as caught:
            run(tmp_path / "run", 4)
        assert caught.value.filename.startswith(str(tmp_path / "run"))
    finally:
        (tmp_path / "run").chmod(0o700)


# Metrics


def test_metrics_of_steps_to_be_done_again(tmp_path):
    path = tmp_path / "metrics.jsonl"
    metrics = Metrics(path, 0)
    for step in (10, 20, 30):
        metrics.add({"step": step, "x": step / 10})
    assert metrics.last("x") == 3.0 and metrics.last("y") is None
    with open(path, "a") as file:
        file.write('{"step": 40, "x"')
    assert [r["step"] for r in read_records(path)] == [10, 20, 30]
    assert Metrics(path, 20).records == read_records(path) == [{"step": 10, "x": 1.0}, {"step": 20, "x": 2.0}]
    path.write_bytes(b"\xff\xfe nonsense\n[1]\n")
    assert read_records(path) == [] and read_records(tmp_path / "none") == []
