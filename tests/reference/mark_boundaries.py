"""Slow twin: whole arrays painted over."""

import numpy as np

from .find_boundaries import find_boundaries


def mark_boundaries(image, labels, color=(1, 1, 0), outline_color=None, mode="outer", background_label=0):
    scale = np.iinfo(image.dtype).max if image.dtype.kind == "u" else 1
    marked = image.astype(np.float64) / scale
    if marked.ndim == 2:
        marked = np.repeat(marked[..., None], 3, axis=2)
    boundaries = find_boundaries(labels, mode=mode, background=background_label)
    if outline_color is not None:
        framed = np.pad(boundaries, 1)
        for i in range(3):
            for j in range(3):
                marked[framed[i : i + len(boundaries), j : j + boundaries.shape[1]]] = outline_color
    marked[boundaries] = color
    return marked
