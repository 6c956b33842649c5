"""Saving and loading of state dicts: arrays by name in one ``.npz`` file, which NumPy reads as well.

No pickle. A file is written beside its place and then moved there, so that a reader sees the old file or the
new one, whole. A checksum over names, dtypes, shapes and values is kept in the entry "checksum.sha256".
"""

import contextlib
import hashlib
import os
import tempfile
import zipfile
import zlib
from pathlib import Path

import numpy as np

_CHECKSUM = "checksum.sha256"

# What NumPy and zipfile raise for a file that is something else, or cut off somewhere.
_UNREADABLE = (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError, zipfile.BadZipFile, zlib.error)


def save(path, state):
    """Write a state dict.

    Parameters
    ----------
    path : str or path-like
        The file, by convention ``.npz``. Replaced if it exists.
    state : dict of str to array, number, string or Tensor
        As from ``state_dict()``.

    Raises
    ------
    TypeError
        A name that is no string, or a value that is no array of numbers or text.
    """
    arrays = {}
    for key, value in state.items():
        array = plain_array(value)
        if not isinstance(key, str) or key == _CHECKSUM:
            raise TypeError(f"save: names must be strings other than {_CHECKSUM!r}, got {key!r}")
        if array.dtype.kind not in "biufcSU":
            raise TypeError(f"save: {key} must be numbers or text, got dtype {array.dtype}")
        arrays[key] = array
    with replacing(path) as file, zipfile.ZipFile(file, "w") as archive:
        for key, array in {**arrays, _CHECKSUM: np.array(_digest(arrays))}.items():
            with archive.open(f"{key}.npy", "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, array, allow_pickle=False)


def plain_array(value):
    """An array, number or tensor as an array."""
    return np.asarray(value if isinstance(value, np.ndarray) else getattr(value, "data", value))


@contextlib.contextmanager
def replacing(path):
    """A file to write, which takes the place of `path` once it is complete and on the disk, or leaves no trace.

    An OSError names `path`.
    """
    path, temporary = Path(path), None
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except BaseException as error:
        if temporary is not None:
            os.unlink(temporary)
        if isinstance(error, OSError):
            raise OSError(error.errno, error.strerror or str(error), str(path)) from None
        raise


def load(path):
    """Read what `save` wrote.

    Parameters
    ----------
    path : str or path-like

    Returns
    -------
    dict of str to array

    Raises
    ------
    FileNotFoundError
    ValueError
        If the file is not a state dict, is truncated, or has been changed.
    """
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = {key: archive[key] for key in archive.files}
        expected = str(arrays.pop(_CHECKSUM))
    except FileNotFoundError:
        raise
    except _UNREADABLE as error:
        raise ValueError(f"load: {path} is not a whole state dict: {error}") from None
    if _digest(arrays) != expected:
        raise ValueError(f"load: {path} is damaged, its contents do not have the checksum they were saved with")
    return arrays


def matching(function, own, state):
    """The arrays of `state`, which must have the names and shapes of the arrays `own`."""
    missing, unknown = sorted(own.keys() - state.keys()), sorted(state.keys() - own.keys())
    if missing or unknown:
        raise ValueError(f"{function}: state does not fit; missing: {missing}, unknown: {unknown}")
    arrays = {key: np.asarray(state[key]) for key in own}
    for key, array in arrays.items():
        if array.shape != own[key].shape:
            raise ValueError(f"{function}: {key} must have shape {own[key].shape}, got {array.shape}")
        if array.dtype.kind != own[key].dtype.kind:
            raise TypeError(f"{function}: {key} must have dtype {own[key].dtype}, got {array.dtype}")
    return arrays


def _digest(arrays):
    digest = hashlib.sha256()
    for key in sorted(arrays):
        array = arrays[key]
        digest.update(f"{key} {array.dtype.str} {array.shape} ".encode() + array.tobytes())
    return digest.hexdigest()


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask
