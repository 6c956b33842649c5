"""Weights from and for other libraries: PyTorch's names and layouts, and the format of safetensors.

PyTorch keeps outputs before inputs and channels before rows and columns:

===============  ===============================  ===============================
layer            here                             there
===============  ===============================  ===============================
Dense            (inputs, outputs)                (outputs, inputs)
Conv2D           (KH, KW, C_in / groups, C_out)   (C_out, C_in / groups, KH, KW)
Conv2DTranspose  (KH, KW, C_out / groups, C_in)   (C_in, C_out / groups, KH, KW)
===============  ===============================  ===============================

Where pictures are flattened, the order of the numbers differs, too, and so of the weights of the dense layer that meets
them. A safetensors file is the length of its header in 8 bytes, the header in JSON (for each name its dtype, shape and
place), and the numbers (https://huggingface.co/docs/safetensors, "Format").
"""

import json
import math
import os

import numpy as np

from .layers import BatchNorm, Conv2D, Conv2DTranspose, Dense, Embedding
from .saving import matching, plain_array, replacing
from .sequential import Sequential
from .stateless import Flatten, Reshape

_NAMES = {
    Dense: {"kernel": "weight", "bias": "bias"},
    Conv2D: {"kernel": "weight", "bias": "bias"},
    Conv2DTranspose: {"kernel": "weight", "bias": "bias"},
    Embedding: {"embeddings": "weight"},
    BatchNorm: {"gamma": "weight", "beta": "bias", "moving_mean": "running_mean", "moving_variance": "running_var"},
}
_DTYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "<i1", "U64": "<u8",
    "U32": "<u4", "U16": "<u2", "U8": "|u1", "BOOL": "|b1",
}  # fmt: skip


def to_torch(module):
    """The state of a network as PyTorch's `load_state_dict` takes it, for the same layers in one `torch.nn.Sequential`.

    Parameters
    ----------
    module : Module
        Built of `Sequential`, or a single layer.

    Returns
    -------
    dict of str to array
        Batch normalisation has the entry ``num_batches_tracked``, 0, too. Turn arrays into tensors with
        ``torch.from_numpy``.
    """
    state, places = {}, _places(module)
    for name, t in module.named_tensors():
        theirs, order = places[name]
        state[theirs] = t.data.reshape(-1)[order]
        if theirs.endswith("running_var"):
            state[theirs.replace("running_var", "num_batches_tracked")] = np.array(0)
    return state


def from_torch(module, state):
    """Take over the weights of a PyTorch network of the same layers in one `torch.nn.Sequential`.

    Parameters
    ----------
    module : Module
        Built of `Sequential`, or a single layer.
    state : dict of str to array or torch tensor
        From its ``state_dict()``.

    Raises
    ------
    ValueError
        If an entry is missing, unknown or has another shape; the module is then unchanged.
    """
    places, tensors = _places(module), dict(module.named_tensors())
    own = {theirs: np.empty(order.shape, tensors[name].dtype) for name, (theirs, order) in places.items()}
    given = {key: np.asarray(value) for key, value in state.items() if not key.endswith("num_batches_tracked")}
    arrays = matching("from_torch", own, given)
    for name, (theirs, order) in places.items():
        tensors[name].data.reshape(-1)[order] = arrays[theirs]


def _places(module):
    """For the name of each tensor: its name there, and where in it each number of theirs is, in their layout."""
    result = {}
    leaves = list(_leaves("", module))
    order = None  # of the numbers of flattened pictures: where theirs are in ours
    for i, (path, layer) in enumerate(leaves):
        if isinstance(layer, Flatten):
            order = _channels_first(layer.input_shape)
        elif isinstance(layer, Reshape):
            order = None
        names = next((names for kind, names in _NAMES.items() if isinstance(layer, kind)), {})
        after = _order_wanted(leaves[i + 1 :]) if isinstance(layer, Dense) else order
        for name, t in layer.named_tensors():
            if name not in names:
                raise ValueError(f"{type(layer).__name__} {path} has no counterpart in PyTorch: {name}")
            index = np.arange(t.size).reshape(t.shape)
            if index.ndim == 4:
                index = index.transpose(3, 2, 0, 1)
            elif name == "kernel":
                index = index.T if order is None else index[order].T
            if after is not None and isinstance(layer, (Dense, BatchNorm)):
                index = index[after]
            ours = f"{path}.{name}" if path else name
            theirs = [part for part in path.split(".") if part and part != "layers"]
            result[ours] = ".".join([*theirs, names[name]]), index
        if isinstance(layer, Dense):
            order = after
    return result


def _leaves(path, module):
    if not isinstance(module, Sequential):
        yield path, module
        return
    for i, layer in enumerate(module.layers):
        yield from _leaves(f"{path}.layers.{i}" if path else f"layers.{i}", layer)


def _order_wanted(layers):
    """The order in which the outputs of a dense layer are wanted by a Reshape that makes pictures of them."""
    for _, layer in layers:
        if isinstance(layer, Reshape):
            return _channels_first(layer.target_shape)
        if isinstance(layer, (Dense, Flatten)):
            break
    return None


def _channels_first(shape):
    """Where in a flattened (H, W, C) the numbers of a flattened (C, H, W) are; None for other shapes."""
    return np.arange(math.prod(shape)).reshape(shape).transpose(2, 0, 1).reshape(-1) if len(shape) == 3 else None


def save_safetensors(path, state):
    """Write a state dict as a safetensors file, whole or not at all.

    Parameters
    ----------
    path : str or path-like
    state : dict of str to array, number or Tensor
    """
    arrays = {}
    for key, value in state.items():
        array = plain_array(value)
        array = array.astype(array.dtype.newbyteorder("<"), copy=False)
        code = next((c for c, dtype in _DTYPES.items() if array.dtype == np.dtype(dtype)), None)
        if code is None or not isinstance(key, str) or key == "__metadata__":
            raise TypeError(f"save_safetensors: {key!r} must name an array of numbers, got dtype {array.dtype}")
        arrays[key] = code, array
    header, place = {}, 0
    for key, (code, array) in arrays.items():
        header[key] = {"dtype": code, "shape": array.shape, "data_offsets": [place, place + array.nbytes]}
        place += array.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with replacing(path) as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for _, array in arrays.values():
            file.write(array.tobytes())


def load_safetensors(path):
    """Read a safetensors file.

    Returns
    -------
    dict of str to array

    Raises
    ------
    ValueError
        If the file is no safetensors file, is truncated, or holds a dtype that NumPy has not.
    """
    size = os.path.getsize(path)
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if size < 8 or length > size - 8:
            raise ValueError(f"load_safetensors: {path} is no whole safetensors file")
        try:
            header = json.loads(file.read(length))
            entries = {
                key: (np.dtype(_DTYPES[e["dtype"]]), tuple(map(int, e["shape"])), *map(int, e["data_offsets"]))
                for key, e in header.items()
                if key != "__metadata__"
            }
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ValueError(f"load_safetensors: {path} has a header that cannot be read: {error!r}") from None
        arrays = {}
        for key, (dtype, shape, start, end) in entries.items():
            if min((0, *shape)) < 0 or not 0 <= start <= end <= size - 8 - length:
                raise ValueError(f"load_safetensors: {path}: {key} lies outside of the file")
            if end - start != math.prod(shape) * dtype.itemsize:
                raise ValueError(f"load_safetensors: {path}: {key} must have {shape} numbers, has {end - start} bytes")
            file.seek(8 + length + start)
            arrays[key] = np.frombuffer(bytearray(file.read(end - start)), dtype).reshape(shape)
    return arrays
