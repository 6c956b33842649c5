"""One pixel from a square of neighbours, each weighted by its column and its row.

The neighbours in one row lie side by side in memory, all their channels with them: one short vector, of 2 elements for
two neighbours in gray, 12 of 16 for four in RGB. These vectors are summed down the rows first, so that a sum over
4 x 4 RGB pixels is four loads and four multiply-adds, and the columns are picked out of what remains.
"""

import numpy as np
from llvmlite import ir
from numba import types

from ._jit import primitive
from ._simd import (
    _I32,
    _I64,
    call_intrinsic,
    element_pointer,
    load_ir,
    store_ir,
    vector_of,
)


def _power_of_two(n):
    return 1 << (n - 1).bit_length()


def spare_pixels(taps, channels):
    """How many pixels beyond the last neighbour in a row `blend` reads, whose vectors have a power of two elements."""
    return -(-(_power_of_two(taps * channels) - taps * channels) // channels)


def _blend_twin(image, at, pitch, wx, wy, k, out, o, taps, channels):
    flat, weights = image.reshape(-1), out.dtype.type
    total = np.zeros(channels, out.dtype)
    for r in range(taps):
        row = flat[at + r * pitch : at + r * pitch + taps * channels].reshape(taps, channels).astype(out.dtype)
        total += wy[r, k] * (wx[:taps, k, None] * row).sum(0, dtype=weights)
    out[o : o + channels] = total


@primitive(twin=_blend_twin)
def blend(typing_context, image, at, pitch, wx, wy, k, out, o, taps, channels):
    """out[o + c] = sum over s and r of wx[s, k] * wy[r, k] * image[at + r * pitch + s * channels + c].

    Requires: flat image and out; weights of the dtype of a vector that goes with image; `taps`, `channels` literal;
    `spare_pixels` more pixels in memory after the last neighbour.
    """
    if not all(isinstance(n, types.IntegerLiteral) for n in (taps, channels)):
        return None
    n, c, vector = taps.literal_value, channels.literal_value, vector_of(image)
    loaded, kept = _power_of_two(n * c), _power_of_two(c)

    def codegen(context, builder, sig, args):
        image_type, wx_type, wy_type, out_type = (sig.args[i] for i in (0, 3, 4, 6))
        image, at, pitch, wx, wy, k, out, o = args[:8]

        def plus(a, b):
            return builder.add(a, ir.Constant(_I64, b))

        def weight(array_type, array, tap, count):
            span = builder.extract_value(context.make_array(array_type)(context, builder, array).shape, 1)
            index = builder.add(builder.mul(span, ir.Constant(_I64, tap)), k)
            scalar = builder.load(element_pointer(context, builder, array_type, array, index, index))
            undefined = ir.Constant(ir.VectorType(scalar.type, 1), ir.Undefined)
            one = builder.insert_element(undefined, scalar, ir.Constant(_I32, 0))
            return builder.shuffle_vector(one, undefined, ir.Constant(ir.VectorType(_I32, count), [0] * count))

        def add(total, value, factor):
            if total is None:
                return builder.fmul(value, factor)
            name = f"llvm.fmuladd.v{value.type.count}f{vector.dtype.bitwidth}"
            return call_intrinsic(builder, name, value.type, [value, factor, total])

        columns, total = None, None
        for r in range(n):
            index = builder.add(at, builder.mul(pitch, ir.Constant(_I64, r)))
            pointer = element_pointer(context, builder, image_type, image, index, plus(index, loaded - 1))
            row = load_ir(context, builder, image_type, vector, pointer, loaded)
            columns = add(columns, row, weight(wy_type, wy, r, loaded))
        for s in range(n):
            pick = [min(s * c + i, loaded - 1) for i in range(kept)]
            pick = ir.Constant(ir.VectorType(_I32, kept), pick)
            pixel = builder.shuffle_vector(columns, ir.Constant(columns.type, ir.Undefined), pick)
            total = add(total, pixel, weight(wx_type, wx, s, kept))
        exist = ir.Constant(ir.VectorType(ir.IntType(1), kept), [int(i < c) for i in range(kept)])
        pointer = element_pointer(context, builder, out_type, out, o, plus(o, c - 1))
        store_ir(context, builder, out_type, vector, total, pointer, kept, None if kept == c else exist)
        return context.get_dummy_value()

    ip = types.intp
    return types.void(image, ip, ip, wx, wy, ip, out, ip, taps, channels), codegen
