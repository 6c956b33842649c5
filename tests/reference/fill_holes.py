"""Slow twin: for each connected part, what is left of the map without it falls into parts, and some touch no border."""

import numpy as np


def _parts(keys):
    """Lists of the pixels of equal keys that touch by edges or corners; None is in no part."""
    height, width = keys.shape
    seen, found = np.zeros(keys.shape, bool), []
    for start in np.ndindex(height, width):
        if seen[start] or keys[start] is None:
            continue
        part, seen[start] = [start], True
        for r, c in part:
            for i in range(max(r - 1, 0), min(r + 2, height)):
                for j in range(max(c - 1, 0), min(c + 2, width)):
                    if not seen[i, j] and keys[i, j] == keys[start]:
                        seen[i, j] = True
                        part.append((i, j))
        found.append(part)
    return found


def fill_holes(labels, max_size, mask):
    keys = np.pad(np.where(mask, np.maximum(labels, -1), None), 1, constant_values=None).astype(object)
    out, largest = labels.copy(), np.zeros(labels.shape, int)
    for part in _parts(keys):
        value = keys[part[0]]
        if value < 0:
            continue
        rest = np.full(keys.shape, 1, object)
        for place in part:
            rest[place] = None
        for hole in _parts(rest):
            size = len(hole)
            if size > max_size or any(keys[place] is None for place in hole):
                continue
            for r, c in hole:
                if size > largest[r - 1, c - 1]:
                    largest[r - 1, c - 1], out[r - 1, c - 1] = size, value
    return out
