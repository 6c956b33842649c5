"""Many arrays treated as one: what an optimizer does to all parameters of a network, in one launch.

The arrays stay where they are. A kernel gets a table of their addresses, and works on the places [lo, hi) of their
concatenation, piece by piece::

    @chunked
    def _add(lo, hi, table, like):
        piece = first_piece(table, lo)
        while lo < hi:
            stop = min(hi, table[piece + 1, 0])
            a, b = part(table, piece, 1, lo, stop, like), part(table, piece, 2, lo, stop, like)
            ...
            lo, piece = stop, piece + 1
"""

import ctypes

import numpy as np
from numba import types

from ._jit import helper, primitive
from ._validate import FLOATS, as_array


def table_of(function, updated, read):
    """The table of lists of arrays, all of one dtype and array by array of one shape; and all arrays, to keep them.

    `updated` are lists, by name, of what is written to, in place; `read` of what need only have the same shapes. Row i
    of the table holds the place of array i in the concatenation and then the address of the i-th array of each list;
    the last row holds the length of the concatenation.
    """
    models = list(next(iter(updated.values()), next(iter(read.values()), [])))
    if not models:
        raise ValueError(f"{function}: {next(iter({**updated, **read}))} must hold at least one array")
    dtype, columns = np.asarray(models[0]).dtype, []
    for name, arrays in {**updated, **read}.items():
        arrays = list(arrays)
        if len(arrays) != len(models):
            raise ValueError(f"{function}: {name} must hold {len(models)} arrays, got {len(arrays)}")
        for i, (array, model) in enumerate(zip(arrays, models, strict=True)):
            if name in updated:
                _check_in_place(function, f"{name}[{i}]", array, model, dtype)
            else:
                options = {"dtypes": (dtype.type,), "shape": model.shape, "empty": True}
                arrays[i] = as_array(function, f"{name}[{i}]", array, **options)
        columns.append(arrays)
    table = np.zeros((len(models) + 1, len(columns) + 1), np.int64)
    table[1:, 0] = np.cumsum([array.size for array in models])
    for k, arrays in enumerate(columns, start=1):
        table[:-1, k] = [array.__array_interface__["data"][0] for array in arrays]
    return table, columns


def _check_in_place(function, name, array, model, dtype):
    if not isinstance(array, np.ndarray) or array.dtype not in FLOATS:
        raise TypeError(f"{function}: {name} must be an array of float32 or float64, got {type(array).__name__}")
    if array.shape != model.shape or array.dtype != dtype:
        expected, got = f"{model.shape} {dtype}", f"{array.shape} {array.dtype}"
        raise ValueError(f"{function}: {name} must be like the first list's, {expected}, got {got}")
    if not (array.flags.c_contiguous and array.flags.writeable and array.dtype.isnative):
        raise ValueError(f"{function}: {name} must be C-contiguous, in native byte order and writeable")


@helper
def first_piece(table, place):
    """The piece that holds a place of the concatenation."""
    piece = 0
    while table[piece + 1, 0] <= place:
        piece += 1
    return piece


@helper(allocates=True)
def part(table, piece, column, lo, hi, like):
    """The places [lo, hi) of the concatenation, which lie within one piece, as an array."""
    return _array_at(table[piece, column], hi - table[piece, 0], like)[lo - table[piece, 0] :]


def _array_at_twin(address, n, like):
    buffer = (ctypes.c_char * int(n * like.itemsize)).from_address(int(address))
    return np.frombuffer(buffer, like.dtype, n)


@primitive(twin=_array_at_twin)
def _array_at(typing_context, address, n, like):
    """The n elements of the dtype of `like` at an address."""
    array_type = types.Array(like.dtype, 1, "C")

    def codegen(context, builder, sig, args):
        array = context.make_array(array_type)(context, builder)
        itemsize = context.get_constant(types.intp, like.dtype.bitwidth // 8)
        data = builder.inttoptr(args[0], context.get_data_type(like.dtype).as_pointer())
        context.populate_array(array, data=data, shape=[args[1]], strides=[itemsize], itemsize=itemsize, meminfo=None)
        return array._getvalue()

    return array_type(types.int64, types.intp, like), codegen
