"""Slow twins of convolution and its gradients: the definitions, tap by tap, summed in float64.

With groups, the channels of all arrays are split and every group is done by itself.
"""

import numpy as np


def _sizes(image, kernel, stride, pad, dilation):
    return tuple(
        (i + 2 * p - d * (k - 1) - 1) // s + 1
        for i, k, s, p, d in zip(image, kernel, stride, pad, dilation, strict=True)
    )


def _taps(x_shape, kernel, stride, pad, dilation):
    """For each tap: its place and the pixels of the padded picture that it meets, as slices."""
    oh, ow = _sizes(x_shape[1:3], kernel, stride, pad, dilation)
    for i in range(kernel[0]):
        for j in range(kernel[1]):
            top, left = i * dilation[0], j * dilation[1]
            rows = slice(top, top + stride[0] * (oh - 1) + 1, stride[0])
            columns = slice(left, left + stride[1] * (ow - 1) + 1, stride[1])
            yield i, j, rows, columns


def _pad(x, pad):
    return np.pad(x.astype(np.float64), ((0, 0), (pad[0],) * 2, (pad[1],) * 2, (0, 0)))


def _in_groups(function, groups, a, b):
    return np.concatenate([function(*pair) for pair in zip(*(np.split(m, groups, axis=-1) for m in (a, b)))], axis=-1)


def conv2d(x, w, b, stride, pad, dilation, groups=1):
    if groups > 1:
        y = _in_groups(lambda x, w: conv2d(x, w, None, stride, pad, dilation), groups, x, w)
        return y if b is None else y + b
    padded = _pad(x, pad)
    oh, ow = _sizes(x.shape[1:3], w.shape[:2], stride, pad, dilation)
    y = np.zeros((x.shape[0], oh, ow, w.shape[3]))
    for i, j, rows, columns in _taps(x.shape, w.shape[:2], stride, pad, dilation):
        y += padded[:, rows, columns] @ w[i, j].astype(np.float64)
    return y if b is None else y + b


def conv2d_backward_input(dy, w, x_shape, stride, pad, dilation, groups=1):
    x_shape = (*x_shape[:3], x_shape[3] // groups)
    if groups > 1:
        return _in_groups(lambda dy, w: conv2d_backward_input(dy, w, x_shape, stride, pad, dilation), groups, dy, w)
    padded = np.zeros((x_shape[0], x_shape[1] + 2 * pad[0], x_shape[2] + 2 * pad[1], x_shape[3]))
    for i, j, rows, columns in _taps(x_shape, w.shape[:2], stride, pad, dilation):
        padded[:, rows, columns] += dy.astype(np.float64) @ w[i, j].astype(np.float64).T
    return padded[:, pad[0] : pad[0] + x_shape[1], pad[1] : pad[1] + x_shape[2]]


def conv2d_backward_weight(dy, x, kernel, stride, pad, dilation, groups=1):
    if groups > 1:
        return _in_groups(lambda dy, x: conv2d_backward_weight(dy, x, kernel, stride, pad, dilation), groups, dy, x)
    padded = _pad(x, pad)
    dw = np.zeros((*kernel, x.shape[3], dy.shape[3]))
    for i, j, rows, columns in _taps(x.shape, kernel, stride, pad, dilation):
        dw[i, j] = np.einsum("nrcg,nrcf->gf", padded[:, rows, columns], dy.astype(np.float64))
    return dw


def conv2d_transpose(x, w, b, stride, pad, extra, groups=1):
    """Every input pixel adds its window to the output."""
    if groups > 1:
        y = _in_groups(lambda x, w: conv2d_transpose(x, w, None, stride, pad, extra), groups, x, w)
        return y if b is None else y + b
    n, h, wide, _ = x.shape
    full = np.zeros(
        (n, (h - 1) * stride[0] + w.shape[0] + extra[0], (wide - 1) * stride[1] + w.shape[1] + extra[1], w.shape[2])
    )
    for r in range(h):
        for c in range(wide):
            window = np.einsum("ng,ijfg->nijf", x[:, r, c].astype(np.float64), w.astype(np.float64))
            top, left = r * stride[0], c * stride[1]
            full[:, top : top + w.shape[0], left : left + w.shape[1]] += window
    y = full[:, pad[0] : full.shape[1] - pad[0], pad[1] : full.shape[2] - pad[1]]
    return y if b is None else y + b
