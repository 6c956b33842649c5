"""Vectors of the host's width, for kernels that must not leave vectorisation to chance.

    @kernel
    def _axpy(alpha, x, y):
        step = lanes(x)
        i = 0
        while i + step <= x.size:
            store(y, i, fma(splat(x, alpha), load(x, i), load(y, i)))
            i += step
        store_part(y, i, alpha * load_part(x, i, x.size - i) + load_part(y, i, x.size - i), x.size - i)

A vector holds 128, 256 or 512 bits of float32 or float64: as many as the host's registers (AVX-512, AVX2, SSE or
NEON), or as few as the environment variable ``SMALTI_SIMD`` says. Arrays of uint8, uint16 and int32 are
widened to float32 as they are loaded. Arithmetic and comparison operators work between vectors, and between
a vector and a scalar, which takes the vector's dtype.

Memory is addressed by the flat index into a C-contiguous array (or a contiguous view), and not checked, but
under ``NUMBA_BOUNDSCHECK=1``, where both ends of every access are. Each operation has a twin in NumPy beside
it; without the JIT kernels run on those, a vector then being an array.
"""

import operator
import os
import platform

import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir
from numba.core import cgutils, config, types
from numba.core.datamodel import models
from numba.core.imputils import lower_builtin
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import register_model

from ._jit import primitive


def _host_width():
    """Bits of the host's vector registers."""
    features = config.CPU_FEATURES
    if features is None:
        features = "" if config.CPU_NAME == "generic" else llvm.get_host_cpu_features().flatten()
    enabled = set(features.split(","))
    return 512 if "+avx512f" in enabled else 256 if "+avx2" in enabled else 128


def _width():
    host = _host_width()
    wish = os.environ.get("SMALTI_SIMD")
    if not wish:
        return host
    if wish not in ("128", "256", "512"):
        raise ValueError(f"SMALTI_SIMD must be 128, 256 or 512, got {wish!r}")
    return min(host, int(wish))


WIDTH = _width()
"""Bits of a vector."""

REGISTERS = 32 if WIDTH == 512 or platform.machine().lower() in ("aarch64", "arm64") else 16
"""Vector registers of the host."""

_I32, _I64 = ir.IntType(32), ir.IntType(64)


class VectorType(types.Type):
    """As many float32 or float64 as fit into a register."""

    def __init__(self, dtype):
        self.dtype = dtype
        self.lanes = WIDTH // dtype.bitwidth
        super().__init__(f"Vector({dtype} x {self.lanes})")


class MaskType(types.Type):
    """One truth value for each lane."""

    def __init__(self, lanes):
        self.lanes = lanes
        super().__init__(f"Mask({lanes})")


@register_model(VectorType)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager, vector):
        super().__init__(manager, vector, ir_vector(vector))


@register_model(MaskType)
class _MaskModel(models.PrimitiveModel):
    def __init__(self, manager, mask):
        super().__init__(manager, mask, ir.VectorType(ir.IntType(1), mask.lanes))


def _ir_scalar(dtype):
    return ir.DoubleType() if dtype == types.float64 else ir.FloatType()


def ir_vector(vector):
    return ir.VectorType(_ir_scalar(vector.dtype), vector.lanes)


def vector_of(kind):
    """The vector type that goes with an array, a vector, or a dtype."""
    if isinstance(kind, VectorType):
        return kind
    dtype = getattr(kind, "dtype", kind)
    return VectorType(types.float64 if dtype == types.float64 else types.float32)


def _is_vector(*kinds):
    return all(isinstance(k, VectorType) for k in kinds)


def twin_dtype(like):
    return np.float64 if like.dtype == np.float64 else np.float32


def twin_lanes(like):
    return WIDTH // 8 // np.dtype(twin_dtype(like)).itemsize


def call_intrinsic(builder, name, result, args):
    """Call an LLVM intrinsic whose name carries its vector type's suffix."""
    function = ir.FunctionType(result, [a.type for a in args])
    return builder.call(cgutils.get_or_insert_function(builder.module, function, name), args)


def suffix(vector):
    return f"v{vector.lanes}f{vector.dtype.bitwidth}"


def broadcast(builder, vector, scalar):
    """IR: a vector with `scalar` in every lane."""
    undefined = ir.Constant(ir_vector(vector), ir.Undefined)
    first = builder.insert_element(undefined, scalar, ir.Constant(_I32, 0))
    return builder.shuffle_vector(first, undefined, ir.Constant(ir.VectorType(_I32, vector.lanes), [0] * vector.lanes))


def element_pointer(context, builder, array_type, array, index, last):
    """IR: the address of flat element `index`; with bounds checks on, up to element `last` must exist."""
    struct = context.make_array(array_type)(context, builder, array)
    if context.enable_boundscheck:
        for i in (index, last):
            cgutils.do_boundscheck(context, builder, i, struct.nitems)
    return builder.gep(struct.data, [index])


def part_pointer(context, builder, array_type, array, index, n):
    """IR: the address of flat element `index`; with bounds checks on, the `n` from there must exist, n may be 0."""
    if context.enable_boundscheck:
        with builder.if_then(builder.icmp_signed(">", n, ir.Constant(_I64, 0))):
            element_pointer(context, builder, array_type, array, index, _plus(builder, builder.add(index, n), -1))
    return builder.gep(context.make_array(array_type)(context, builder, array).data, [index])


# ---- lanes, load and store ------------------------------------------------------------------------------


@primitive(twin=twin_lanes)
def lanes(typing_context, like):
    """Lanes of a vector that goes with an array or vector; a constant for the compiler."""
    vector = vector_of(like)
    return types.intp(like), lambda context, builder, sig, args: ir.Constant(_I64, vector.lanes)


@primitive(twin=lambda like: like.dtype == np.float64)
def is_double(typing_context, like):
    """Whether the working type is float64; a constant for the compiler."""
    double = vector_of(like).dtype == types.float64
    return types.boolean(like), lambda context, builder, sig, args: ir.Constant(ir.IntType(1), int(double))


def load_ir(context, builder, array_type, vector, pointer, count, mask=None):
    """`count` consecutive elements at `pointer` (the masked ones), widened to the vector's dtype."""
    return _widen(builder, array_type.dtype, vector, _load_raw(builder, array_type.dtype, pointer, count, mask))


def _load_raw(builder, element, pointer, count, mask=None):
    bits, is_float = element.bitwidth, isinstance(element, types.Float)
    raw = ir.VectorType(_ir_scalar(element) if is_float else ir.IntType(bits), count)
    align = bits // 8
    pointer = builder.bitcast(pointer, raw.as_pointer())
    if mask is None:
        return builder.load(pointer, align=align)
    name = f"llvm.masked.load.v{count}{'f' if is_float else 'i'}{bits}.p0"
    return call_intrinsic(builder, name, raw, [pointer, ir.Constant(_I32, align), mask, ir.Constant(raw, None)])


def _widen(builder, element, vector, value):
    wide = ir.VectorType(_ir_scalar(vector.dtype), value.type.count)
    if isinstance(element, types.Float):
        return value if value.type == wide else builder.fpext(value, wide)
    return builder.sitofp(value, wide) if element.signed else builder.uitofp(value, wide)


def _saturate(builder, vector, value, count, bits, signed):
    """IR: integers of so many bits, rounded to nearest even, within their range; 0 for NaN.

    By limits and a conversion to 32 bits: LLVM makes scalar code of its saturating conversions.
    """
    wide, words = value.type, ir.VectorType(_I32, count)

    def floats(x):
        return ir.Constant(wide, [float(x)] * count)

    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    value = call_intrinsic(builder, f"llvm.rint.v{count}f{vector.dtype.bitwidth}", wide, [value])
    value = builder.select(builder.fcmp_ordered("==", value, value), value, floats(0))
    value = builder.select(builder.fcmp_ordered(">", value, floats(low)), value, floats(low))
    below = builder.fcmp_ordered("<", value, floats(high))  # a float32 rounds the highest of 32 bits up
    whole = builder.fptosi(builder.select(below, value, floats(0)), words)
    whole = builder.select(below, whole, ir.Constant(words, [high] * count))
    return builder.trunc(whole, ir.VectorType(ir.IntType(bits), count)) if bits < 32 else whole


def store_ir(context, builder, array_type, vector, value, pointer, count, mask=None):
    """The opposite of `load_ir`: to integers rounds to nearest even and saturates."""
    element = array_type.dtype
    bits, is_float = element.bitwidth, isinstance(element, types.Float)
    raw = ir.VectorType(_ir_scalar(element) if is_float else ir.IntType(bits), count)
    if not is_float:
        value = _saturate(builder, vector, value, count, bits, element.signed)
    elif raw != value.type:
        value = builder.fptrunc(value, raw)
    pointer = builder.bitcast(pointer, raw.as_pointer())
    if mask is None:
        builder.store(value, pointer, align=bits // 8)
    else:
        name = f"llvm.masked.store.v{count}{'f' if is_float else 'i'}{bits}.p0"
        args = [value, pointer, ir.Constant(_I32, bits // 8), mask]
        call_intrinsic(builder, name, ir.VoidType(), args)


def first_lanes(builder, count, n):
    """IR: the mask of the lanes below `n`."""
    integers = ir.VectorType(_I32, count)
    undefined = ir.Constant(integers, ir.Undefined)
    n = builder.trunc(n, _I32)
    limit = builder.shuffle_vector(
        builder.insert_element(undefined, n, ir.Constant(_I32, 0)), undefined, ir.Constant(integers, [0] * count)
    )
    return builder.icmp_signed("<", ir.Constant(integers, list(range(count))), limit)


def _plus(builder, index, offset):
    return builder.add(index, ir.Constant(_I64, offset))


@primitive(twin=lambda array, i: array.reshape(-1)[i : i + twin_lanes(array)].astype(twin_dtype(array)))
def load(typing_context, array, i):
    """The lanes(array) consecutive elements from flat index `i`."""
    vector = vector_of(array)

    def codegen(context, builder, sig, args):
        last = _plus(builder, args[1], vector.lanes - 1)
        pointer = element_pointer(context, builder, sig.args[0], args[0], args[1], last)
        return load_ir(context, builder, sig.args[0], vector, pointer, vector.lanes)

    return vector(array, types.intp), codegen


@primitive(twin=lambda array, i: None)
def prefetch(typing_context, array, i):
    """Begin to fetch the cache line of flat element `i`, which need not exist."""

    def codegen(context, builder, sig, args):
        data = context.make_array(sig.args[0])(context, builder, args[0]).data
        pointer = builder.bitcast(builder.gep(data, [args[1]]), ir.IntType(8).as_pointer())
        hints = [ir.Constant(_I32, hint) for hint in (0, 3, 1)]  # to read, often, data
        call_intrinsic(builder, "llvm.prefetch.p0", ir.VoidType(), [pointer, *hints])
        return context.get_dummy_value()

    return types.void(array, types.intp), codegen


def _load_part_ir(context, builder, array_type, vector, array, i, n):
    pointer = part_pointer(context, builder, array_type, array, i, n)
    mask = first_lanes(builder, vector.lanes, n)
    return load_ir(context, builder, array_type, vector, pointer, vector.lanes, mask)


def _load_part_as_twin(like, array, i, n):
    out = np.zeros(twin_lanes(like), twin_dtype(like))
    n = min(max(n, 0), len(out))
    out[:n] = array.reshape(-1)[i : i + n]
    return out


@primitive(twin=lambda array, i, n: _load_part_as_twin(array, array, i, n))
def load_part(typing_context, array, i, n):
    """The first `n` lanes of `load`, zero in the others; touches no memory beyond them. n may be 0."""
    vector = vector_of(array)

    def codegen(context, builder, sig, args):
        return _load_part_ir(context, builder, sig.args[0], vector, *args)

    return vector(array, types.intp, types.intp), codegen


@primitive(twin=_load_part_as_twin)
def load_part_as(typing_context, like, array, i, n):
    """`load_part` of an array of another dtype into a vector that goes with `like`, an array or vector."""
    vector = vector_of(like)

    def codegen(context, builder, sig, args):
        return _load_part_ir(context, builder, sig.args[1], vector, *args[1:])

    return vector(like, array, types.intp, types.intp), codegen


def _narrow_twin(values, dtype):
    if np.dtype(dtype).kind == "f":
        return values
    limits = np.iinfo(dtype)
    return np.clip(np.nan_to_num(np.rint(values)), limits.min, limits.max)


def _store_twin(array, i, vector):
    array.reshape(-1)[i : i + len(vector)] = _narrow_twin(vector, array.dtype)


@primitive(twin=_store_twin)
def store(typing_context, array, i, value):
    """Write a vector to the elements from flat index `i`."""
    if not _is_vector(value):
        return None

    def codegen(context, builder, sig, args):
        last = _plus(builder, args[1], value.lanes - 1)
        pointer = element_pointer(context, builder, sig.args[0], args[0], args[1], last)
        store_ir(context, builder, sig.args[0], value, args[2], pointer, value.lanes)
        return context.get_dummy_value()

    return types.void(array, types.intp, value), codegen


def stream_ir(builder, value, pointer):
    """Write a vector past the caches to a place that is aligned to vectors."""
    instruction = builder.store(value, builder.bitcast(pointer, value.type.as_pointer()), align=WIDTH // 8)
    instruction.set_metadata("nontemporal", builder.module.add_metadata([ir.Constant(_I32, 1)]))


@primitive(twin=_store_twin)
def stream(typing_context, array, i, value):
    """`store` past the caches, for results too large to be found there again.

    Requires: a float array whose element `i` begins a vector-aligned piece of memory.
    """
    if not (_is_vector(value) and array.dtype == value.dtype):
        return None

    def codegen(context, builder, sig, args):
        last = _plus(builder, args[1], value.lanes - 1)
        pointer = element_pointer(context, builder, sig.args[0], args[0], args[1], last)
        stream_ir(builder, args[2], pointer)
        return context.get_dummy_value()

    return types.void(array, types.intp, value), codegen


def _store_part_twin(array, i, vector, n):
    n = min(max(n, 0), len(vector))
    array.reshape(-1)[i : i + n] = _narrow_twin(vector[:n], array.dtype)


@primitive(twin=_store_part_twin)
def store_part(typing_context, array, i, value, n):
    """Write the first `n` lanes of a vector; n may be 0."""
    if not _is_vector(value):
        return None

    def codegen(context, builder, sig, args):
        pointer = part_pointer(context, builder, sig.args[0], args[0], args[1], args[3])
        mask = first_lanes(builder, value.lanes, args[3])
        store_ir(context, builder, sig.args[0], value, args[2], pointer, value.lanes, mask)
        return context.get_dummy_value()

    return types.void(array, types.intp, value, types.intp), codegen


def _load_channels_ir(context, builder, array_type, pointer, count, mask=None):
    """A tuple of vectors, taken apart before they are widened: that moves fewer bytes."""
    element, vector = array_type.dtype, vector_of(array_type)
    raw = _load_raw(builder, element, pointer, count * vector.lanes, mask)
    undefined = ir.Constant(raw.type, ir.Undefined)
    kind = ir.VectorType(_I32, vector.lanes)
    picks = [ir.Constant(kind, [k + count * lane for lane in range(vector.lanes)]) for k in range(count)]
    channels = [_widen(builder, element, vector, builder.shuffle_vector(raw, undefined, pick)) for pick in picks]
    return context.make_tuple(builder, types.UniTuple(vector, count), channels)


def _load_channels_twin(array, i, count):
    return _load_channels_part_twin(array, i, count, twin_lanes(array))


@primitive(twin=_load_channels_twin)
def load_channels(typing_context, array, i, count):
    """`count` vectors (a literal 2, 3 or 4), one for each channel of interleaved pixels from flat index `i`."""
    if not isinstance(count, types.IntegerLiteral):
        return None
    vector, c = vector_of(array), count.literal_value

    def codegen(context, builder, sig, args):
        last = _plus(builder, args[1], c * vector.lanes - 1)
        pointer = element_pointer(context, builder, sig.args[0], args[0], args[1], last)
        return _load_channels_ir(context, builder, sig.args[0], pointer, c)

    return types.UniTuple(vector, c)(array, types.intp, count), codegen


def _load_channels_part_twin(array, i, count, n):
    pixels = np.zeros((twin_lanes(array), count), twin_dtype(array))
    n = min(max(n, 0), len(pixels))
    pixels[:n] = array.reshape(-1)[i : i + n * count].reshape(n, count)
    return tuple(pixels.T.copy())


@primitive(twin=_load_channels_part_twin)
def load_channels_part(typing_context, array, i, count, n):
    """`load_channels` of the first `n` pixels, zero in the other lanes; touches no memory beyond them."""
    if not isinstance(count, types.IntegerLiteral):
        return None
    vector, c = vector_of(array), count.literal_value

    def codegen(context, builder, sig, args):
        n = builder.mul(args[3], ir.Constant(_I64, c))
        pointer = part_pointer(context, builder, sig.args[0], args[0], args[1], n)
        return _load_channels_ir(context, builder, sig.args[0], pointer, c, first_lanes(builder, c * vector.lanes, n))

    return types.UniTuple(vector, c)(array, types.intp, count, types.intp), codegen


def _interleave(builder, channels, vector, c):
    """IR: one wide vector of the pixels of a tuple of channels."""
    wide = builder.extract_value(channels, 0)
    for k in range(1, c):  # concatenate
        size = k * vector.lanes
        right = builder.extract_value(channels, k)
        pad = ir.Constant(ir.VectorType(_I32, size), [min(j, vector.lanes) for j in range(size)])
        right = builder.shuffle_vector(right, ir.Constant(right.type, ir.Undefined), pad)
        both = ir.Constant(ir.VectorType(_I32, size + vector.lanes), list(range(size + vector.lanes)))
        wide = builder.shuffle_vector(wide, right, both)
    order = [k * vector.lanes + lane for lane in range(vector.lanes) for k in range(c)]
    order = ir.Constant(ir.VectorType(_I32, len(order)), order)
    return builder.shuffle_vector(wide, ir.Constant(wide.type, ir.Undefined), order)


def _store_channels_twin(array, i, channels):
    _store_channels_part_twin(array, i, channels, len(channels[0]))


@primitive(twin=_store_channels_twin)
def store_channels(typing_context, array, i, channels):
    """Interleave the vectors of a tuple into pixels from flat index `i`."""
    if not (isinstance(channels, types.UniTuple) and _is_vector(channels.dtype)):
        return None
    vector, c = channels.dtype, len(channels)

    def codegen(context, builder, sig, args):
        last = _plus(builder, args[1], c * vector.lanes - 1)
        pointer = element_pointer(context, builder, sig.args[0], args[0], args[1], last)
        wide = _interleave(builder, args[2], vector, c)
        store_ir(context, builder, sig.args[0], vector, wide, pointer, c * vector.lanes)
        return context.get_dummy_value()

    return types.void(array, types.intp, channels), codegen


def _store_channels_part_twin(array, i, channels, n):
    values = np.stack(channels, axis=-1)[: max(n, 0)].reshape(-1)
    array.reshape(-1)[i : i + values.size] = _narrow_twin(values, array.dtype)


@primitive(twin=_store_channels_part_twin)
def store_channels_part(typing_context, array, i, channels, n):
    """`store_channels` of the first `n` pixels; n may be 0."""
    if not (isinstance(channels, types.UniTuple) and _is_vector(channels.dtype)):
        return None
    vector, c = channels.dtype, len(channels)

    def codegen(context, builder, sig, args):
        n = builder.mul(args[3], ir.Constant(_I64, c))
        pointer = part_pointer(context, builder, sig.args[0], args[0], args[1], n)
        wide, mask = _interleave(builder, args[2], vector, c), first_lanes(builder, c * vector.lanes, n)
        store_ir(context, builder, sig.args[0], vector, wide, pointer, c * vector.lanes, mask)
        return context.get_dummy_value()

    return types.void(array, types.intp, channels, types.intp), codegen


def _transpose_twin(source, i, pitch, target, o, target_pitch):
    n = twin_lanes(source)
    block = np.stack([source.reshape(-1)[i + r * pitch : i + r * pitch + n] for r in range(n)])
    for c in range(n):
        target.reshape(-1)[o + c * target_pitch : o + c * target_pitch + n] = block[:, c]


@primitive(twin=_transpose_twin)
def transpose(typing_context, source, i, pitch, target, o, target_pitch):
    """Write the square of lanes x lanes elements whose rows begin at flat index i, i + pitch, ... of `source`,
    transposed, to rows that begin at o, o + target_pitch, ... of `target`, which has the same dtype, whatever it is."""
    if source.dtype != target.dtype:
        return None
    n = vector_of(source).lanes

    def codegen(context, builder, sig, args):
        raw = ir.VectorType(context.get_data_type(source.dtype), n)
        align = source.dtype.bitwidth // 8

        def rows(array_type, array, start, step):
            for r in range(n):
                index = builder.add(start, builder.mul(step, ir.Constant(_I64, r)))
                pointer = element_pointer(context, builder, array_type, array, index, _plus(builder, index, n - 1))
                yield builder.bitcast(pointer, raw.as_pointer())

        block = [builder.load(pointer, align=align) for pointer in rows(sig.args[0], args[0], args[1], args[2])]
        half = n // 2
        while half:  # exchange the two off-diagonal quarters of every square of 2 half x 2 half
            upper = [j if not j & half else n + j - half for j in range(n)]
            lower = [j + half if not j & half else n + j for j in range(n)]
            upper, lower = (ir.Constant(ir.VectorType(_I32, n), pick) for pick in (upper, lower))
            for r in range(n):
                if not r & half:
                    a, b = block[r], block[r + half]
                    block[r] = builder.shuffle_vector(a, b, upper)
                    block[r + half] = builder.shuffle_vector(a, b, lower)
            half //= 2
        for value, pointer in zip(block, rows(sig.args[3], args[3], args[4], args[5]), strict=True):
            builder.store(value, pointer, align=align)
        return context.get_dummy_value()

    ip = types.intp
    return types.void(source, ip, ip, target, ip, ip), codegen


def _copy_twin(source, i, target, o, n):
    target.reshape(-1)[o : o + n] = source.reshape(-1)[i : i + n]


@primitive(twin=_copy_twin)
def copy(typing_context, source, i, target, o, n):
    """Copy n > 0 elements from flat index `i` of `source` to those from `o` of `target`, of the same dtype, whatever
    it is. As the C library does it: quicker than a loop."""
    if source.dtype != target.dtype:
        return None

    def codegen(context, builder, sig, args):
        def at(k):
            last = _plus(builder, builder.add(args[k + 1], args[4]), -1)
            return element_pointer(context, builder, sig.args[k], args[k], args[k + 1], last)

        from_pointer, to_pointer = at(0), at(2)
        cgutils.raw_memcpy(builder, to_pointer, from_pointer, args[4], source.dtype.bitwidth // 8)
        return context.get_dummy_value()

    ip = types.intp
    return types.void(source, ip, target, ip, ip), codegen


def _reverse_twin(source, i, target, o, channels):
    size = twin_lanes(source) * channels
    target.reshape(-1)[o : o + size] = source.reshape(-1)[i : i + size].reshape(-1, channels)[::-1].reshape(-1)


@primitive(twin=_reverse_twin)
def reverse(typing_context, source, i, target, o, channels):
    """Write the lanes(source) pixels of so many channels (a literal) from flat index `i` of `source` backwards, from
    flat index `o` of `target` on, which has the same dtype, whatever it is."""
    if source.dtype != target.dtype or not isinstance(channels, types.IntegerLiteral):
        return None
    c = channels.literal_value
    size = vector_of(source).lanes * c

    def codegen(context, builder, sig, args):
        raw = ir.VectorType(context.get_data_type(source.dtype), size)

        def at(k):
            last = _plus(builder, args[k + 1], size - 1)
            pointer = element_pointer(context, builder, sig.args[k], args[k], args[k + 1], last)
            return builder.bitcast(pointer, raw.as_pointer())

        value = builder.load(at(0), align=source.dtype.bitwidth // 8)
        order = ir.Constant(ir.VectorType(_I32, size), [size - c - k // c * c + k % c for k in range(size)])
        value = builder.shuffle_vector(value, ir.Constant(raw, ir.Undefined), order)
        builder.store(value, at(2), align=source.dtype.bitwidth // 8)
        return context.get_dummy_value()

    return types.void(source, types.intp, target, types.intp, channels), codegen


@primitive(twin=lambda like, x: np.full(twin_lanes(like), x, twin_dtype(like)))
def splat(typing_context, like, x):
    """The scalar `x` in every lane of a vector that goes with `like`, an array or vector."""
    vector = vector_of(like)
    return vector(like, vector.dtype), lambda context, builder, sig, args: broadcast(builder, vector, args[1])


# ---- arithmetic -----------------------------------------------------------------------------------------


def _binary_operator(operation, instruction, result):
    """Give `operation` a meaning between vectors, and between a vector and a scalar."""

    class Template(AbstractTemplate):
        def generic(self, args, kws):
            if len(args) != 2 or kws:
                return None
            left, right = args
            if _is_vector(left, right):
                return signature(result(left), left, right) if left == right else None
            if _is_vector(left) and isinstance(right, types.Number):
                return signature(result(left), left, left.dtype)
            if _is_vector(right) and isinstance(left, types.Number):
                return signature(result(right), right.dtype, right)
            return None

    infer_global(operation)(Template)

    def lower(context, builder, sig, args):
        vector = next(t for t in sig.args if _is_vector(t))
        args = [a if _is_vector(t) else broadcast(builder, vector, a) for t, a in zip(sig.args, args, strict=True)]
        return instruction(builder, *args)

    for kinds in ((VectorType, VectorType), (VectorType, types.Float), (types.Float, VectorType)):
        lower_builtin(operation, *kinds)(lower)


for _operation, _name in ((operator.add, "fadd"), (operator.sub, "fsub"), (operator.mul, "fmul"),
                          (operator.truediv, "fdiv")):  # fmt: skip
    _binary_operator(_operation, lambda builder, a, b, name=_name: getattr(builder, name)(a, b), lambda vector: vector)
for _operation, _name in ((operator.lt, "<"), (operator.le, "<="), (operator.gt, ">"), (operator.ge, ">="),
                          (operator.eq, "=="), (operator.ne, "!=")):  # fmt: skip
    _compare = ir.IRBuilder.fcmp_unordered if _name == "!=" else ir.IRBuilder.fcmp_ordered
    _binary_operator(
        _operation,
        lambda builder, a, b, name=_name, compare=_compare: compare(builder, name, a, b),
        lambda vector: MaskType(vector.lanes),
    )


def _same_type_operator(operation, kind, instruction, arity):
    """Give `operation` a meaning among values of one type that gives that type."""

    class Template(AbstractTemplate):
        def generic(self, args, kws):
            if len(args) == arity and not kws and isinstance(args[0], kind) and len(set(args)) == 1:
                return signature(args[0], *args)
            return None

    infer_global(operation)(Template)
    lower_builtin(operation, *(kind,) * arity)(lambda context, builder, sig, args: instruction(builder, *args))


_same_type_operator(operator.neg, VectorType, ir.IRBuilder.fneg, 1)
_same_type_operator(operator.and_, MaskType, ir.IRBuilder.and_, 2)
_same_type_operator(operator.or_, MaskType, ir.IRBuilder.or_, 2)
_same_type_operator(operator.invert, MaskType, ir.IRBuilder.not_, 1)


def _elementwise(name, twin, doc, arity=1):
    """An operation of one to three vectors that is one LLVM intrinsic."""

    def codegen(context, builder, sig, args):
        vector = sig.return_type
        return call_intrinsic(builder, f"llvm.{name}.{suffix(vector)}", args[0].type, list(args))

    def one(typing_context, a):
        return (a(a), codegen) if _is_vector(a) else None

    def two(typing_context, a, b):
        return (a(a, b), codegen) if _is_vector(a, b) and a == b else None

    def three(typing_context, a, b, c):
        return (a(a, b, c), codegen) if _is_vector(a, b, c) and a == b == c else None

    typing_function = (one, two, three)[arity - 1]
    typing_function.__doc__ = doc
    return primitive(twin=twin)(typing_function)


def _fma_twin(a, b, c):
    return (a.astype(np.float64) * b + c).astype(a.dtype)


fma = _elementwise("fmuladd", _fma_twin, "a * b + c, rounded once where the host can.", 3)
vabs = _elementwise("fabs", np.abs, "Absolute value.")
vsqrt = _elementwise("sqrt", np.sqrt, "Square root.")
vfloor = _elementwise("floor", np.floor, "The greatest integer not above.")
vround = _elementwise("rint", np.rint, "The nearest integer, ties to even.")


def _minmax(comparison, twin, doc):
    def typing_function(typing_context, a, b):
        if not (_is_vector(a, b) and a == b):
            return None

        def codegen(context, builder, sig, args):
            # One minps or maxps; takes b where either is NaN.
            return builder.select(builder.fcmp_ordered(comparison, *args), *args)

        return a(a, b), codegen

    typing_function.__doc__ = doc
    return primitive(twin=twin)(typing_function)


vmin = _minmax("<", lambda a, b: np.where(a < b, a, b), "The lesser; b where either is NaN.")
vmax = _minmax(">", lambda a, b: np.where(a > b, a, b), "The greater; b where either is NaN.")


def _select_twin(mask, a, b):
    return np.where(mask, a, b).astype(a.dtype)


@primitive(twin=_select_twin)
def select(typing_context, mask, a, b):
    """Lane by lane `a` where the mask holds, else `b`."""
    if not (isinstance(mask, MaskType) and _is_vector(a, b) and a == b):
        return None
    return a(mask, a, b), lambda context, builder, sig, args: builder.select(*args)


def _reduction(combine, twin_combine, doc):
    """Combine the lanes as a balanced tree: lane i with lane i + half, and so on."""

    def twin(vector):
        while len(vector) > 1:
            half = len(vector) // 2
            vector = twin_combine(vector[:half], vector[half:])
        return vector[0]

    def typing_function(typing_context, vector):
        if not _is_vector(vector):
            return None

        def codegen(context, builder, sig, args):
            value, size = args[0], vector.lanes
            undefined = ir.Constant(value.type, ir.Undefined)
            while size > 1:
                size //= 2
                order = [size + i if i < size else i for i in range(vector.lanes)]
                order = ir.Constant(ir.VectorType(_I32, vector.lanes), order)
                value = combine(builder, value, builder.shuffle_vector(value, undefined, order))
            return builder.extract_element(value, ir.Constant(_I32, 0))

        return vector.dtype(vector), codegen

    typing_function.__doc__ = doc
    return primitive(twin=twin)(typing_function)


hsum = _reduction(lambda b, x, y: b.fadd(x, y), np.add, "The sum of all lanes.")
hmin = _reduction(
    lambda b, x, y: b.select(b.fcmp_ordered("<", x, y), x, y), lambda x, y: np.where(x < y, x, y), "The least lane."
)
hmax = _reduction(
    lambda b, x, y: b.select(b.fcmp_ordered(">", x, y), x, y), lambda x, y: np.where(x > y, x, y), "The greatest lane."
)


# ---- exponents ------------------------------------------------------------------------------------------


def _float_layout(vector):
    """Mantissa bits, exponent bias, and the integer vector type of the same shape."""
    bits = vector.dtype.bitwidth
    return (52, 1023) if bits == 64 else (23, 127), ir.VectorType(ir.IntType(bits), vector.lanes)


def _fill(integers, value):
    return ir.Constant(integers, [value] * integers.count)


def _scale_by_power_twin(vector, k):
    exponent = np.nan_to_num(k).clip(-4096, 4096).astype(np.int32)  # lanes that do not count may hold anything
    return np.ldexp(vector, exponent).astype(vector.dtype)


@primitive(twin=_scale_by_power_twin)
def scale_by_power(typing_context, vector, k):
    """vector * 2**k for a vector `k` of integers for which 2**k is a normal number."""
    if not _is_vector(vector, k):
        return None

    def codegen(context, builder, sig, args):
        (mantissa, bias), integers = _float_layout(vector)
        exponent = builder.add(builder.fptosi(args[1], integers), _fill(integers, bias))
        power = builder.bitcast(builder.shl(exponent, _fill(integers, mantissa)), args[0].type)
        return builder.fmul(args[0], power)

    return vector(vector, k), codegen


def _split_exponent_twin(vector):
    mantissa, exponent = np.frexp(vector)
    return (2 * mantissa).astype(vector.dtype), (exponent - 1).astype(vector.dtype)


@primitive(twin=_split_exponent_twin)
def split_exponent(typing_context, vector):
    """Of positive normal numbers: (m, e) with m in [1, 2) and m * 2**e the number."""
    if not _is_vector(vector):
        return None

    def codegen(context, builder, sig, args):
        (mantissa, bias), integers = _float_layout(vector)
        bits = builder.bitcast(args[0], integers)
        exponent = builder.sub(builder.lshr(bits, _fill(integers, mantissa)), _fill(integers, bias))
        fraction = builder.and_(bits, _fill(integers, (1 << mantissa) - 1))
        fraction = builder.or_(fraction, _fill(integers, bias << mantissa))
        parts = [builder.bitcast(fraction, args[0].type), builder.sitofp(exponent, args[0].type)]
        return context.make_tuple(builder, sig.return_type, parts)

    return types.UniTuple(vector, 2)(vector), codegen
