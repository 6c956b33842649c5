"""State dicts on disk: whole or not at all, checked, readable by NumPy."""

import os
import stat
import zipfile

import numpy as np
import pytest

from smalti import nn

STATE = {
    "layers.0.kernel": np.arange(6, dtype=np.float32).reshape(2, 3),
    "file": np.array(3.5),
    "iterations": np.array(7),
    "names": np.array("{}"),
    "nothing": np.zeros((0, 2)),
}


def test_what_is_saved_is_loaded(tmp_path):
    path = tmp_path / "state.npz"
    nn.save(path, {**STATE, "tensor": nn.tensor([1.0, 2.0]), "number": 4})
    loaded = nn.load(str(path))
    assert set(loaded) == {*STATE, "tensor", "number"}
    for name, value in STATE.items():
        assert loaded[name].dtype == value.dtype
        np.testing.assert_array_equal(loaded[name], value)
    np.testing.assert_array_equal(loaded["tensor"], np.array([1, 2], np.float32))
    with np.load(path, allow_pickle=False) as archive:
        np.testing.assert_array_equal(archive["layers.0.kernel"], STATE["layers.0.kernel"])


def test_a_failed_save_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "state.npz"
    nn.save(path, STATE)
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full") as caught:
        nn.save(path, {"other": np.zeros(3)})
    assert caught.value.filename == str(path)
    assert [p.name for p in tmp_path.iterdir()] == ["state.npz"]
    assert set(nn.load(path)) == set(STATE)


@pytest.mark.skipif(os.name != "posix", reason="modes of files are POSIX's")
def test_the_file_has_the_usual_mode(tmp_path):
    before = os.umask(0o022)
    try:
        nn.save(tmp_path / "state.npz", STATE)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "state.npz").stat().st_mode) == 0o644


def test_every_truncation_is_noticed(tmp_path):
    path = tmp_path / "state.npz"
    nn.save(path, STATE)
    whole = path.read_bytes()
    for length in {0, 1, 30, len(whole) // 2, len(whole) - 1}:
        path.write_bytes(whole[:length])
        with pytest.raises(ValueError, match=r"load: .*state\.npz is not a whole state dict"):
            nn.load(path)


def test_a_changed_value_is_noticed(tmp_path):
    path = tmp_path / "state.npz"
    nn.save(path, STATE)
    with np.load(path) as archive:
        arrays = {name: archive[name] for name in archive.files}
    arrays["iterations"] = np.array(8)
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w") as entry:
                np.lib.format.write_array(entry, array)
    with pytest.raises(ValueError, match=r"load: .*state\.npz is damaged"):
        nn.load(path)


def test_other_files_are_refused(tmp_path):
    np.savez(tmp_path / "other.npz", a=np.ones(3))
    np.save(tmp_path / "other.npy", np.ones(3))
    for name in ("other.npz", "other.npy"):
        with pytest.raises(ValueError, match=f"load: .*{name} is not a whole state dict"):
            nn.load(tmp_path / name)
    with pytest.raises(FileNotFoundError):
        nn.load(tmp_path / "missing.npz")


BAD = [
    ({"a": np.array([None])}, "save: a must be numbers or text, got dtype object"),
    ({3: np.ones(2)}, "save: names must be strings other than 'checksum.sha256', got 3"),
    ({"checksum.sha256": np.ones(2)}, "save: names must be strings"),
]


@pytest.mark.parametrize(("state", "message"), BAD)
def test_bad_input(tmp_path, state, message):
    with pytest.raises(TypeError, match=message):
        nn.save(tmp_path / "state.npz", state)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_missing(tmp_path):
    with pytest.raises(FileNotFoundError):
        nn.save(tmp_path / "no" / "state.npz", STATE)
