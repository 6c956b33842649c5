"""Vectors of an array's own elements, whatever their dtype, for kernels that only compare and copy.

Where `_simd` widens integers to float32, these stay as they are: a register then holds 64 pixels of uint8. As there,
memory is addressed by the flat index into a contiguous array, and each operation has a twin in NumPy.
"""

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.core.datamodel import models
from numba.extending import register_model

from ._jit import primitive
from ._simd import WIDTH, MaskType, element_pointer

_I32, _I64 = ir.IntType(32), ir.IntType(64)


class RawType(types.Type):
    """As many elements of a dtype as fit into a register."""

    def __init__(self, dtype):
        self.dtype = dtype
        self.lanes = WIDTH // dtype.bitwidth
        super().__init__(f"Raw({dtype} x {self.lanes})")


def ir_vector(raw):
    element = {types.float32: ir.FloatType(), types.float64: ir.DoubleType()}.get(raw.dtype)
    return ir.VectorType(element or ir.IntType(raw.dtype.bitwidth), raw.lanes)


@register_model(RawType)
class _RawModel(models.PrimitiveModel):
    def __init__(self, manager, raw):
        super().__init__(manager, raw, ir_vector(raw))


def twin_lanes(array):
    return WIDTH // 8 // array.itemsize


@primitive(twin=twin_lanes)
def raw_lanes(typing_context, array):
    """Elements of an array that a register holds; a constant for the compiler."""
    n = WIDTH // array.dtype.bitwidth
    return types.intp(array), lambda context, builder, sig, args: ir.Constant(_I64, n)


def _pointer(context, builder, array_type, array, index, raw):
    last = builder.add(index, ir.Constant(_I64, raw.lanes - 1))
    pointer = element_pointer(context, builder, array_type, array, index, last)
    return builder.bitcast(pointer, ir_vector(raw).as_pointer())


@primitive(twin=lambda array, i: array.reshape(-1)[i : i + twin_lanes(array)].copy())
def load_raw(typing_context, array, i):
    """The raw_lanes(array) elements from flat index `i`."""
    raw = RawType(array.dtype)

    def codegen(context, builder, sig, args):
        pointer = _pointer(context, builder, sig.args[0], args[0], args[1], raw)
        return builder.load(pointer, align=raw.dtype.bitwidth // 8)

    return raw(array, types.intp), codegen


def _store_twin(array, i, value):
    array.reshape(-1)[i : i + len(value)] = value


@primitive(twin=_store_twin)
def store_raw(typing_context, array, i, value):
    """Write a vector to the elements from flat index `i`."""
    if not (isinstance(value, RawType) and value.dtype == array.dtype):
        return None

    def codegen(context, builder, sig, args):
        pointer = _pointer(context, builder, sig.args[0], args[0], args[1], value)
        builder.store(args[2], pointer, align=value.dtype.bitwidth // 8)
        return context.get_dummy_value()

    return types.void(array, types.intp, value), codegen


def _broadcast(builder, scalar, count):
    undefined = ir.Constant(ir.VectorType(scalar.type, count), ir.Undefined)
    first = builder.insert_element(undefined, scalar, ir.Constant(_I32, 0))
    return builder.shuffle_vector(first, undefined, ir.Constant(ir.VectorType(_I32, count), [0] * count))


@primitive(twin=lambda array, x: np.full(twin_lanes(array), x, array.dtype))
def splat_raw(typing_context, array, x):
    """The scalar `x` in every lane."""
    raw = RawType(array.dtype)
    return raw(array, raw.dtype), lambda context, builder, sig, args: _broadcast(builder, args[1], raw.lanes)


def _flip_twin(a, bits):
    integers = np.dtype(f"u{a.itemsize}")
    return (a.view(integers) ^ bits.astype(integers)).view(a.dtype)


@primitive(twin=_flip_twin)
def flip_bits(typing_context, a, bits):
    """Exclusive or of every lane and the lowest bits of a uint64."""
    if not (isinstance(a, RawType) and bits == types.uint64):
        return None

    def codegen(context, builder, sig, args):
        element = ir.IntType(a.dtype.bitwidth)
        bits = args[1] if element.width == 64 else builder.trunc(args[1], element)
        other = _broadcast(builder, bits, a.lanes)
        return builder.bitcast(builder.xor(builder.bitcast(args[0], other.type), other), args[0].type)

    return a(a, bits), codegen


@primitive(twin=lambda a, b: np.where(a < b, a, b))
def lesser(typing_context, a, b):
    """Lane by lane the lesser; b where either is NaN."""
    if not (isinstance(a, RawType) and a == b):
        return None

    def codegen(context, builder, sig, args):
        if isinstance(a.dtype, types.Float):
            below = builder.fcmp_ordered("<", *args)
        else:
            below = (builder.icmp_signed if a.dtype.signed else builder.icmp_unsigned)("<", *args)
        return builder.select(below, *args)

    return a(a, b), codegen


@primitive(twin=lambda a: a != a)
def is_nan(typing_context, a):
    """The mask of the lanes that hold NaN; of integers none does."""
    if not isinstance(a, RawType):
        return None

    def codegen(context, builder, sig, args):
        if isinstance(a.dtype, types.Float):
            return builder.fcmp_unordered("uno", *args, *args)
        return ir.Constant(ir.VectorType(ir.IntType(1), a.lanes), [0] * a.lanes)

    return MaskType(a.lanes)(a), codegen


@primitive(twin=np.any)
def any_lane(typing_context, mask):
    """Whether a mask holds in at least one lane."""
    if not isinstance(mask, MaskType):
        return None

    def codegen(context, builder, sig, args):
        whole = builder.bitcast(args[0], ir.IntType(mask.lanes))
        return builder.icmp_unsigned("!=", whole, ir.Constant(whole.type, 0))

    return types.boolean(mask), codegen
