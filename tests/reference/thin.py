"""Slow twin: the conditions of Guo and Hall, pixel by pixel, all of a subiteration at once."""

import numpy as np

AROUND = [(0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1), (1, 0), (1, 1)]


def thin(image, max_num_iter=None):
    picture = np.pad(np.asarray(image) != 0, 1)
    iteration = 0
    while max_num_iter is None or iteration < max_num_iter:
        iteration += 1
        before = picture.copy()
        for side in (0, 4):
            gone = [(r, c) for r, c in np.argwhere(picture).tolist() if _goes(picture, r, c, side)]
            for place in gone:
                picture[place] = False
        if (picture == before).all():
            break
    return picture[1:-1, 1:-1]


def _goes(picture, r, c, side):
    x = [bool(picture[r + down, c + right]) for down, right in AROUND]
    x.append(x[0])
    crossings = sum(not x[k] and (x[k + 1] or x[k + 2]) for k in (0, 2, 4, 6))
    n1 = sum(x[k] or x[k + 1] for k in (0, 2, 4, 6))
    n2 = sum(x[k + 1] or x[k + 2] for k in (0, 2, 4, 6))
    on_side = not ((x[side + 1] or x[side + 2] or not x[(side + 7) % 8]) and x[side])
    return crossings == 1 and 2 <= min(n1, n2) <= 3 and on_side
