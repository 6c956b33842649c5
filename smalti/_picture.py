"""The built-in picture: a bay at evening, laid in smalti, with its true regions known exactly.

Shapes are painted one over the other at three times the final size. The picture is the mean of each 3x3 block,
the truth the region that holds its centre. Every region has its own colour ramp; over all lies a bed of small
tiles (the cells of jittered grid points), each a little lighter or darker than its neighbours, and fine noise.
"""

import numpy as np

from .kernels import label

_FINE = 3


def picture(height=320, width=480, *, rng=0):
    """The picture and its true regions.

    Returns
    -------
    image : (height, width, 3) uint8
    regions : (height, width) int32, from 0, each connected
    """
    rng = np.random.default_rng(rng)
    h, w = _FINE * height, _FINE * width
    # Rows and columns in units of the height: r grows downwards from 0 to 1, c from 0 to width / height.
    r, c = np.meshgrid((np.arange(h) + 0.5) / h, (np.arange(w) + 0.5) / h, indexing="ij", sparse=True)
    canvas = _Canvas(h, w)
    for mask, colours, ramp in _shapes(r, c, width / height):
        canvas.paint(mask, colours, ramp)
    image = canvas.image * _tiles(h, w, rng)[:, :, None]
    image = image.reshape(height, _FINE, width, _FINE, 3).mean(axis=(1, 3))
    image += rng.normal(0, 0.008, image.shape)
    regions = canvas.regions[_FINE // 2 :: _FINE, _FINE // 2 :: _FINE]
    regions = label(regions, background=-1, connectivity=1) - 1
    return (image.clip(0, 1) * 255 + 0.5).astype(np.uint8), regions


class _Canvas:
    def __init__(self, h, w):
        self.image = np.zeros((h, w, 3), np.float32)
        self.regions = np.zeros((h, w), np.int32)
        self.painted = 0

    def paint(self, mask, colours, ramp):
        """Fill `mask` with the two `colours` mixed by `ramp` in [0, 1], as a new region."""
        mask = np.broadcast_to(mask, self.regions.shape)
        t = np.broadcast_to(ramp, self.regions.shape)[mask][:, None].clip(0, 1)
        start, end = (np.array([int(colour[i : i + 2], 16) / 255 for i in (0, 2, 4)]) for colour in colours)
        self.image[mask] = start + t * (end - start)
        self.regions[mask] = self.painted
        self.painted += 1


def _shapes(r, c, right):
    """(mask, (from colour, to colour), ramp), from back to front."""
    sun_r, sun_c = 0.33, 0.60 * right
    horizon = 0.56
    from_sun = np.hypot(r - sun_r, c - sun_c)

    yield r < 2, ("1b3a68", "2a5a8e"), r / 0.5
    for radius, colours in (  # rings of sky, halo, sun
        (0.52, ("3f83b5", "5fa3c9")),
        (0.37, ("a3cfd2", "c4dfd0")),
        (0.245, ("f0cf9c", "f6ddb0")),
        (0.155, ("f2a65a", "f7b968")),
        (0.088, ("ffeaa6", "fff1c2")),
    ):
        yield from_sun < radius, colours, 1 - from_sun / radius

    def waves(*terms):
        return sum(height * np.sin(frequency * c + phase) for height, frequency, phase in terms)

    mountains = r > 0.47 + waves((0.035, 5.1, 0.4), (0.018, 13, 1.0), (0.006, 31, 0))
    yield mountains, ("7d7fae", "a5a0c4"), (r - 0.42) / 0.14
    yield r > horizon, ("2b939b", "176a82"), (r - horizon) / 0.3
    half = 0.035 + 0.12 * (r - horizon) + 0.012 * np.sin(95 * r)
    yield (r > horizon) & (np.abs(c - sun_c) < half), ("fcd88c", "f4c274"), (r - horizon) / 0.3
    cape = r > 0.63 - 0.17 * np.exp(-(((c - 0.1) / 0.34) ** 2)) + 0.008 * np.sin(17 * c) * (c < 1)
    yield cape & (r < 0.62), ("688f68", "527f62"), (r - 0.46) / 0.16

    # A boat.
    row, column = 0.68, 0.79 * right  # where its mast meets its hull
    hull = (r > row) & (r < row + 0.032) & (np.abs(c - column) < 0.085 - 1.1 * (r - row))
    yield hull, ("8c3b2a", "6d2a22"), (r - row) / 0.03
    up = ((row - 0.008 - r) / 0.165).clip(0, 1)
    main_sail = (up > 0) & (up < 1) & (c > column - 0.006) & (c < column + 0.078 * (1 - up) ** 0.8)
    yield main_sail, ("fff7e2", "eddcb8"), 1 - up
    fore_sail = (up > 0.04) & (c < column - 0.016) & (c > column - 0.016 - 0.055 * (1 - 1.15 * up))
    yield fore_sail, ("d9603b", "e98455"), up

    near = 0.80 + waves((0.045, 3.3, 2.6), (0.012, 9, 0.5))
    yield r > near, ("a9b356", "7d9440"), (r - near) / 0.16
    field = 0.90 + waves((0.03, 2.9, 5.2), (0.008, 11, 2))
    yield r > field, ("e3b04b", "c98d34"), (r - field) / 0.14
    road = 0.315 * right + 0.10 * np.sin(7.5 * (r - 0.78)) - 0.25 * (r - 0.8)
    road = (r > near + 0.01) & (np.abs(c - road) < 0.012 + 0.19 * (r - 0.78))
    yield road, ("ecd9b2", "e0c698"), (r - 0.78) / 0.2

    # A chapel.
    base, eaves, middle = 0.82, 0.65, 0.20 * right
    wall = (r > eaves) & (r < base) & (np.abs(c - middle) < 0.105)
    yield wall, ("fbf4e6", "e4d6c2"), (c - middle + 0.1) / 0.2
    dome = (np.hypot(r - eaves, c - middle) < 0.085) & (r < eaves)
    yield dome, ("4a72c9", "27458f"), (c - middle + 0.085) / 0.17
    door = np.hypot((r - base + 0.07).clip(None, 0), c - middle) < 0.024
    yield door & (r < base), ("6b3f2c", "4d2a20"), (base - r) / 0.1

    for foot, column, height in (  # cypresses: slender drops with a dark side
        (0.815, 0.045, 0.37), (0.83, 0.105, 0.26), (0.80, 0.345, 0.30), (0.87, 0.905, 0.44), (0.885, 0.965, 0.33)
    ):  # fmt: skip
        up = ((foot - r) / height).clip(0, 1)
        half = 0.2 * height * np.sqrt(up) * (1 - up) ** 0.75
        yield np.abs(c - column * right) < half, ("2f5d43", "14352d"), (c - column * right + 0.05) / 0.1

    # A pine, its crown made of three clouds.
    middle = 0.45 * right
    bend = c - middle - 0.03 * np.sin(9 * (r - 0.6))
    trunk = (r > 0.66) & (r < 0.89) & (np.abs(bend) < 0.013 + 0.03 * np.clip(r - 0.82, 0, 1))
    yield trunk, ("8a5a3c", "5d3826"), (bend + 0.02) / 0.04
    crown = np.zeros(np.broadcast_shapes(r.shape, c.shape), bool)
    for row, column, radius in ((0.655, -0.075, 0.06), (0.63, 0.0, 0.08), (0.655, 0.085, 0.062)):
        crown |= np.hypot((r - row) * 1.35, c - middle - column) < radius
    yield crown & (r < 0.69), ("5d8a45", "2f5f38"), (r - 0.57) / 0.12


def _tiles(h, w, rng):
    """(h, w) brightness of a bed of tiles: the Voronoi cells of a jittered grid, with darker joints."""
    side = 5 * _FINE
    rows, columns = h // side + 3, w // side + 3
    centre = (np.indices((rows, columns)) + rng.uniform(0.15, 0.85, (2, rows, columns)) - 1) * side
    shade = rng.normal(1, 0.035, (rows, columns))
    r, c = np.indices((h, w), sparse=True)
    nearest = np.full((h, w), np.inf, np.float32)
    second = nearest.copy()
    brightness = np.ones((h, w), np.float32)
    for i in range(3):
        for j in range(3):
            cell = r // side + i, c // side + j
            distance = np.hypot(r - centre[0][cell], c - centre[1][cell]).astype(np.float32)
            closer = distance < nearest
            second = np.where(closer, nearest, np.minimum(second, distance))
            nearest = np.where(closer, distance, nearest)
            brightness = np.where(closer, shade[cell], brightness)
    joint = np.clip((second - nearest) / _FINE, 0, 1)
    return brightness * (0.93 + 0.07 * joint)
