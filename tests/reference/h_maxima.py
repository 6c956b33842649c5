"""Slow twin: what is reached from each pixel without going down by h."""

import numpy as np


def h_maxima(image, h, diagonal=True):
    """1 where nothing higher is reached over pixels above image - h, 0 elsewhere."""
    image = image.astype(np.float64)
    out = np.zeros(image.shape, np.uint8)
    if h > image.max() - image.min():
        return out
    steps = [(a, b) for a in (-1, 0, 1) for b in (-1, 0, 1) if diagonal or a == 0 or b == 0]
    for place in np.ndindex(image.shape):
        seen, todo = {place}, [place]
        while todo and image[todo[-1]] <= image[place]:
            i, j = todo.pop()
            for a, b in steps:
                q = i + a, j + b
                inside = 0 <= q[0] < image.shape[0] and 0 <= q[1] < image.shape[1]
                if inside and q not in seen and image[q] > image[place] - h:
                    seen.add(q)
                    todo.append(q)
        out[place] = not todo
    return out
