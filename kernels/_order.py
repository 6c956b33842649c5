"""The pixels of a picture in the order of their heights."""

import numpy as np

from ._jit import EXACT, kernel

_DIGIT = 8  # bits of a number that one pass of the radix sort looks at
_ALL_BITS = np.uint64((1 << _DIGIT) - 1)


@kernel(fastmath=EXACT)
def _count(image, counts):
    """Add to counts, for each value, how many pixels have it."""
    for p in range(image.size):
        counts[image[p]] += 1


@kernel(fastmath=EXACT)
def _sort(keys, order, other_keys, other_order):
    """Sort unsigned keys, and `order` with them, by a radix sort; returns both, in these arrays or the others."""
    n, n_digits = keys.size, keys.itemsize
    places = np.zeros((n_digits, (1 << _DIGIT) + 1), np.int64)
    for i in range(n):
        key = np.uint64(keys[i])
        for d in range(n_digits):
            places[d, np.int64(key & _ALL_BITS) + 1] += 1
            key >>= np.uint64(_DIGIT)
    for d in range(n_digits):
        shift, shared = np.uint64(_DIGIT * d), False
        for digit in range(1 << _DIGIT):
            shared |= places[d, digit + 1] == n
            places[d, digit + 1] += places[d, digit]
        if shared:
            continue
        for i in range(n):
            digit = np.int64((np.uint64(keys[i]) >> shift) & _ALL_BITS)
            place = places[d, digit]
            places[d, digit] += 1
            other_keys[place], other_order[place] = keys[i], order[i]
        keys, other_keys = other_keys, keys
        order, other_order = other_order, order
    return keys, order


@kernel(fastmath=EXACT)
def _place_floats(keys, order, codes, free):
    """Fill `codes` and `free` of `ascending_places` from sorted keys; returns how many blocks there are."""
    n, n_blocks, first = keys.size, 0, 0
    while first < n:
        end = first + 1
        while end < n and keys[end] == keys[first]:
            end += 1
        if end == first + 1:
            codes[order[first]] = ~first
        else:
            free[n_blocks] = first
            for i in range(first, end):
                codes[order[i]] = ~(n + n_blocks)
            n_blocks += 1
        first = end
    return n_blocks


def ascending_places(image):
    """Divide as many places as there are pixels among these, the lowest first.

    Returns
    -------
    codes : (H + 2, W + 2) int32 array
        ~p for a pixel whose height no other has, at place p; ~(H W + b) for the pixels of block b, which have one
        height; 0 in a frame around the picture.
    free : int32 array
        The first place of each block.
    pixels : int32 array
        For each place that is no block's, the number of its pixel in the frame.
    """
    height, width = image.shape
    codes = np.zeros((height + 2, width + 2), np.int32)
    inner = codes[1:-1, 1:-1]
    if image.dtype.kind == "u":
        counts = np.zeros(np.iinfo(image.dtype).max + 1, np.int32)
        _count(image.reshape(-1), counts)
        np.subtract(~image.size, image, out=inner, dtype=np.int32)
        return codes, np.cumsum(counts, dtype=np.int32) - counts, np.empty(image.size, np.int32)
    # The bits of floats are in the order of their magnitudes, and adding 0 turns -0 into 0.
    signed = np.dtype(f"i{image.itemsize}")
    bits = (image + image.dtype.type(0)).reshape(-1).view(signed)
    keys = bits ^ (bits >> (8 * image.itemsize - 1) | np.iinfo(signed).min)
    pixels = np.arange(codes.size, dtype=np.int32).reshape(codes.shape)[1:-1, 1:-1].reshape(-1)
    keys = keys.view(f"u{image.itemsize}")
    keys, pixels = _sort(keys, pixels, np.empty_like(keys), np.empty_like(pixels))
    free = np.empty(image.size // 2, np.int32)
    n_blocks = _place_floats(keys, pixels, codes.reshape(-1), free)
    return codes, free[:n_blocks], pixels
