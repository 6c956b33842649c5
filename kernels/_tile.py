"""The register tile: the one micro-kernel under every matrix product and convolution.

A tile is MR rows by NV vectors of partial sums that live in registers. Its one step is a rank-one update,

    acc[i, j] += a[a_index + a_rows[i]] * b[b_index + j]        for i < MR and j < NV * lanes

with MR broadcasts and NV vector loads for MR * NV fused multiply-adds. The rows of `a` are found through a table
of offsets, so that "row i" can be a row of a matrix, the pixels under a convolution window, or a phase of a
transposed convolution (Dukhan, "The Indirect Convolution Algorithm", arXiv:1907.02129).

`TILES` holds the shapes, widest first. They fill the register file but for NV registers of `b` and one of `a`:
24 sums of 32 registers, 12 of 16. A core can start two multiply-adds in each cycle and must wait four for a
result, so at least eight sums must be in flight, which the narrow shapes reach by having more rows.
"""

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.datamodel import models
from numba.extending import register_model

from ._jit import primitive
from ._simd import (
    REGISTERS,
    broadcast,
    call_intrinsic,
    element_pointer,
    first_lanes,
    ir_vector,
    load_ir,
    store_ir,
    stream_ir,
    suffix,
    twin_dtype,
    twin_lanes,
    vector_of,
)

TILES = ((6, 4), (12, 2), (12, 1)) if REGISTERS == 32 else ((6, 2), (12, 1))
"""(rows MR, vectors NV) of the tiles, widest first."""

_I64 = ir.IntType(64)


class TileType(types.Type):
    """MR x NV vectors of partial sums."""

    def __init__(self, vector, rows, vectors):
        self.vector, self.rows, self.vectors = vector, rows, vectors
        super().__init__(f"Tile({rows} x {vectors} x {vector})")


@register_model(TileType)
class _TileModel(models.PrimitiveModel):
    def __init__(self, manager, tile):
        super().__init__(manager, tile, ir.ArrayType(ir_vector(tile.vector), tile.rows * tile.vectors))


def _constant(value):
    return ir.Constant(_I64, value)


def _row_offset(context, builder, table_type, table, row):
    return builder.load(element_pointer(context, builder, table_type, table, row, row))


def _tile_of_row_twin(source, index, rows, vectors):
    width = vectors * twin_lanes(source)
    row = source.reshape(-1)[index : index + width]
    return np.tile(row, (rows, 1)).astype(twin_dtype(source))


@primitive(twin=_tile_of_row_twin)
def tile_of_row(typing_context, source, index, rows, vectors):
    """A tile whose every row is the NV vectors at flat `index` of `source`; `rows`, `vectors` literal."""
    if not all(isinstance(n, types.IntegerLiteral) for n in (rows, vectors)):
        return None
    tile = TileType(vector_of(source), rows.literal_value, vectors.literal_value)
    lanes = tile.vector.lanes

    def codegen(context, builder, sig, args):
        last = builder.add(args[1], _constant(tile.vectors * lanes - 1))
        pointer = element_pointer(context, builder, sig.args[0], args[0], args[1], last)
        value = ir.Constant(context.get_value_type(tile), ir.Undefined)
        for j in range(tile.vectors):
            at = builder.gep(pointer, [_constant(j * lanes)])
            vector = load_ir(context, builder, sig.args[0], tile.vector, at, lanes)
            for i in range(tile.rows):
                value = builder.insert_value(value, vector, i * tile.vectors + j)
        return value

    return tile(source, types.intp, rows, vectors), codegen


def _zero_tile_twin(like, rows, vectors):
    return np.zeros((rows, vectors * twin_lanes(like)), twin_dtype(like))


@primitive(twin=_zero_tile_twin)
def zero_tile(typing_context, like, rows, vectors):
    """A tile of zeros of the dtype of an array; `rows`, `vectors` literal."""
    if not all(isinstance(n, types.IntegerLiteral) for n in (rows, vectors)):
        return None
    tile = TileType(vector_of(like), rows.literal_value, vectors.literal_value)

    def codegen(context, builder, sig, args):
        return ir.Constant(context.get_value_type(tile), None)

    return tile(like, rows, vectors), codegen


def _rank_one_twin(tile, a, a_index, a_rows, row, m, b, b_index):
    offsets = np.arange(len(tile)) if a_rows is None else a_rows[np.minimum(row + np.arange(len(tile)), m - 1)]
    column = a.reshape(-1)[a_index + offsets]
    return tile + column[:, None] * b.reshape(-1)[b_index : b_index + tile.shape[1]]


@primitive(twin=_rank_one_twin)
def rank_one(typing_context, tile, a, a_index, a_rows, row, m, b, b_index):
    """tile[i, j] + a[a_index + a_rows[row + i]] * b[b_index + j] (flat indices).

    Of the `m` rows of the table the last stands in for those that the tile has too many. Without a table (None) the
    rows lie side by side, a[a_index + i], and need no registers for where they are.
    """
    if not isinstance(tile, TileType):
        return None
    vector, lanes = tile.vector, tile.vector.lanes
    has_table = isinstance(a_rows, types.Array)

    def codegen(context, builder, sig, args):
        value, a, a_index, a_rows, row, m, b, b_index = args
        last_row = builder.sub(m, _constant(1))
        last = builder.add(b_index, _constant(tile.vectors * lanes - 1))
        b_pointer = element_pointer(context, builder, sig.args[6], b, b_index, last)
        b_vectors = []
        for j in range(tile.vectors):
            at = builder.gep(b_pointer, [_constant(j * lanes)])
            b_vectors.append(load_ir(context, builder, sig.args[6], vector, at, lanes))
        for i in range(tile.rows):
            offset = _constant(i)
            if has_table:
                table_row = builder.add(row, offset)
                table_row = builder.select(builder.icmp_signed("<", table_row, last_row), table_row, last_row)
                offset = _row_offset(context, builder, sig.args[3], a_rows, table_row)
            index = builder.add(a_index, offset)
            scalar = builder.load(element_pointer(context, builder, sig.args[1], a, index, index))
            scalar = broadcast(builder, vector, scalar)
            for j in range(tile.vectors):
                k = i * tile.vectors + j
                args = [scalar, b_vectors[j], builder.extract_value(value, k)]
                total = call_intrinsic(builder, f"llvm.fmuladd.{suffix(vector)}", b_vectors[j].type, args)
                value = builder.insert_value(value, total, k)
        return value

    ip = types.intp
    return tile(tile, a, ip, a_rows, ip, ip, b, ip), codegen


def _tile_memory(context, builder, sig, args, tile, action):
    """Run action(i, pointers, masks or None) for each row i < m of a tile that lies in memory, its columns < n."""
    lanes = tile.vector.lanes
    c_type, rows_type = sig.args[1], sig.args[3]
    c, c_index, c_rows, row, m, n = args[1:7]
    full = builder.icmp_signed(">=", n, _constant(tile.vectors * lanes))
    for i in range(tile.rows):
        with builder.if_then(builder.icmp_signed("<", _constant(i), m), likely=True):
            offset = builder.add(
                c_index, _row_offset(context, builder, rows_type, c_rows, builder.add(row, _constant(i)))
            )
            last = builder.add(offset, builder.sub(n, _constant(1)))
            pointer = element_pointer(context, builder, c_type, c, offset, last)
            pointers = [builder.gep(pointer, [_constant(j * lanes)]) for j in range(tile.vectors)]
            with builder.if_else(full, likely=True) as (whole, part):
                with whole:
                    action(i, pointers, None)
                with part:
                    left = [builder.sub(n, _constant(j * lanes)) for j in range(tile.vectors)]
                    action(i, pointers, [first_lanes(builder, lanes, count) for count in left])


def _add_tile_twin(tile, c, c_index, c_rows, row, m, n):
    out, flat = tile.copy(), c.reshape(-1)
    for i in range(m):
        start = c_index + c_rows[row + i]
        width = min(n, out.shape[1])
        out[i, :width] += flat[start : start + width]
    return out


@primitive(twin=_add_tile_twin)
def add_tile(typing_context, tile, c, c_index, c_rows, row, m, n):
    """The tile plus, in rows i < m and columns < n, what lies at c[c_index + c_rows[row + i]]."""
    if not isinstance(tile, TileType):
        return None

    def codegen(context, builder, sig, args):
        slots = [cgutils.alloca_once(builder, ir_vector(tile.vector)) for _ in range(tile.rows * tile.vectors)]

        def action(i, pointers, masks):
            for j, pointer in enumerate(pointers):
                mask = masks and masks[j]
                before = load_ir(context, builder, c, tile.vector, pointer, tile.vector.lanes, mask)
                slot = slots[i * tile.vectors + j]
                builder.store(builder.fadd(before, builder.load(slot)), slot)

        for k, slot in enumerate(slots):
            builder.store(builder.extract_value(args[0], k), slot)
        _tile_memory(context, builder, sig, args, tile, action)
        value = args[0]
        for k, slot in enumerate(slots):
            value = builder.insert_value(value, builder.load(slot), k)
        return value

    ip = types.intp
    return tile(tile, c, ip, c_rows, ip, ip, ip), codegen


def _store_tile_twin(tile, c, c_index, c_rows, row, m, n, past_caches):
    flat = c.reshape(-1)
    for i in range(m):
        start = c_index + c_rows[row + i]
        width = min(n, tile.shape[1])
        flat[start : start + width] = tile[i, :width]


@primitive(twin=_store_tile_twin)
def store_tile(typing_context, tile, c, c_index, c_rows, row, m, n, past_caches):
    """Write the rows i < m of a tile to c[c_index + c_rows[row + i]], of each the columns < n.

    Whole rows `past_caches` as `stream` does. Requires, if so: they are float rows that begin at vector-aligned places.
    """
    if not isinstance(tile, TileType):
        return None

    def codegen(context, builder, sig, args):
        def action(i, pointers, masks):
            row = [builder.extract_value(args[0], i * tile.vectors + j) for j in range(tile.vectors)]
            if masks:
                for vector, pointer, mask in zip(row, pointers, masks, strict=True):
                    store_ir(context, builder, c, tile.vector, vector, pointer, tile.vector.lanes, mask)
                return
            with builder.if_else(args[7]) as (past, through):
                with past:
                    for vector, pointer in zip(row, pointers, strict=True):
                        stream_ir(builder, vector, pointer)
                with through:
                    for vector, pointer in zip(row, pointers, strict=True):
                        store_ir(context, builder, c, tile.vector, vector, pointer, tile.vector.lanes)

        _tile_memory(context, builder, sig, args, tile, action)
        return context.get_dummy_value()

    ip = types.intp
    return types.void(tile, c, ip, c_rows, ip, ip, ip, types.boolean), codegen


def _rank_one_where_twin(tile, rows, a, a_index, b, b_index):
    column = a.reshape(-1)[a_index : a_index + len(tile)]
    taken = np.array([rows >> i & 1 for i in range(len(tile))], bool)
    sums = tile + column[:, None] * b.reshape(-1)[b_index : b_index + tile.shape[1]]
    return np.where(taken[:, None], sums, tile)


@primitive(twin=_rank_one_where_twin)
def rank_one_where(typing_context, tile, rows, a, a_index, b, b_index):
    """tile[i, j] + a[a_index + i] * b[b_index + j] (flat indices) in the rows i whose bit is set in `rows`."""
    if not isinstance(tile, TileType):
        return None
    vector, lanes = tile.vector, tile.vector.lanes

    def codegen(context, builder, sig, args):
        value, rows, a, a_index, b, b_index = args
        last = builder.add(b_index, _constant(tile.vectors * lanes - 1))
        pointer = element_pointer(context, builder, sig.args[4], b, b_index, last)
        b_vectors = []
        for j in range(tile.vectors):
            at = builder.gep(pointer, [_constant(j * lanes)])
            b_vectors.append(load_ir(context, builder, sig.args[4], vector, at, lanes))
        for i in range(tile.rows):
            before = [builder.extract_value(value, i * tile.vectors + j) for j in range(tile.vectors)]
            start = builder.block
            taken = builder.icmp_signed("!=", builder.and_(rows, _constant(1 << i)), _constant(0))
            with builder.if_then(taken):
                index = builder.add(a_index, _constant(i))
                scalar = builder.load(element_pointer(context, builder, sig.args[2], a, index, index))
                scalar = broadcast(builder, vector, scalar)
                name = f"llvm.fmuladd.{suffix(vector)}"
                after = [
                    call_intrinsic(builder, name, old.type, [scalar, x, old])
                    for x, old in zip(b_vectors, before, strict=True)
                ]
                end = builder.block
            totals = [builder.phi(old.type) for old in before]
            for j, total in enumerate(totals):
                total.add_incoming(before[j], start)
                total.add_incoming(after[j], end)
                value = builder.insert_value(value, total, i * tile.vectors + j)
        return value

    ip = types.intp
    return tile(tile, ip, a, ip, b, ip), codegen
