"""Bits of a word."""

from llvmlite import ir
from numba.core import types

from ._jit import primitive
from ._simd import MaskType


@primitive(twin=lambda word: (int(word) & -int(word)).bit_length() - 1)
def trailing_zeros(typing_context, word):
    """The place of the lowest bit that is set in a uint64, which must not be 0; as int64."""

    def codegen(context, builder, signature, args):
        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.uint64), codegen


@primitive(twin=lambda word: 64 - int(word).bit_length())
def leading_zeros(typing_context, word):
    """How many bits are above the highest that is set in a uint64, which must not be 0; as int64."""

    def codegen(context, builder, signature, args):
        return builder.ctlz(args[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.uint64), codegen


@primitive(twin=lambda word: int(word).bit_count())
def bit_count(typing_context, word):
    """How many bits are set in a uint64; as int64."""

    def codegen(context, builder, signature, args):
        return builder.ctpop(args[0])

    return types.int64(types.uint64), codegen


@primitive(twin=lambda mask: sum(1 << i for i, bit in enumerate(mask) if bit))
def mask_bits(typing_context, mask):
    """The truth values of a mask of `_simd` as bits of a uint64, the first lane lowest."""
    if not isinstance(mask, MaskType):
        return None

    def codegen(context, builder, signature, args):
        return builder.zext(builder.bitcast(args[0], ir.IntType(mask.lanes)), ir.IntType(64))

    return types.uint64(mask), codegen
