"""Slow twin: sRGB to CIE Lab in float64, number by number."""

import numpy as np

TO_XYZ = ((0.412453, 0.357580, 0.180423), (0.212671, 0.715160, 0.072169), (0.019334, 0.119193, 0.950227))


def rgb2lab(rgb, white=(0.95047, 1.0, 1.08883)):
    scale = {"uint8": 255.0, "uint16": 65535.0}.get(rgb.dtype.name, 1.0)
    out = np.empty(rgb.shape)
    for place in np.ndindex(rgb.shape[:-1]):
        linear = []
        for v in rgb[place].astype(np.float64) / scale:
            linear.append(((v + 0.055) / 1.055) ** 2.4 if v > 0.04045 else v / 12.92)
        f = []
        for row, w in zip(TO_XYZ, white, strict=True):
            t = sum(a * v for a, v in zip(row, linear, strict=True)) / w
            f.append(np.cbrt(t) if t > 0.008856 else 7.787 * t + 16 / 116)
        out[place] = 116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])
    return out


def lab2rgb(lab, white=(0.95047, 1.0, 1.08883)):
    from_xyz = np.linalg.inv(TO_XYZ)
    out = np.empty(lab.shape)
    for place in np.ndindex(lab.shape[:-1]):
        lightness, a, b = lab[place].astype(np.float64)
        y = (lightness + 16) / 116
        xyz = []
        for t, w in zip((y + a / 500, y, max(0.0, y - b / 200)), white, strict=True):
            xyz.append(w * (t**3 if t > 0.2068966 else (t - 16 / 116) / 7.787))
        for c, row in enumerate(from_xyz):
            v = sum(m * t for m, t in zip(row, xyz, strict=True))
            out[(*place, c)] = min(1.0, max(0.0, 1.055 * v ** (1 / 2.4) - 0.055 if v > 0.0031308 else 12.92 * v))
    return out
