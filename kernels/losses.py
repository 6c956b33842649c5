"""Cross entropies of logits, each with its gradient from the same pass.

For a logit z and a target t in [0, 1], with p = sigmoid(z),

    L(z, t) = -t log p - (1 - t) log(1 - p) = max(z, 0) - t z + log(1 + exp(-|z|))
    dL/dz   = p - t

and for logits z of C classes and targets t, with p = softmax(z),

    L(z, t) = - sum over j of t[j] log p[j] = (m + log S) sum t - sum over j of t[j] z[j],   dL/dz = p sum t - t

where m is the largest logit and S the sum of exp(z - m). The right-hand forms do not overflow, and the first does not
cancel. Results are means over all elements, or over all rows, each block of them summed in float64, blocks in order.
Time O(n); memory: the gradient.

Source: Goodfellow, Bengio & Courville, Deep Learning, sections 6.2.2.2 and 6.2.2.3.
"""

import math

import numpy as np

from ._memory import aligned_empty
from ._parallel import chunked
from ._validate import as_array
from .softmax import exponentials

_BLOCK = 1024


@chunked
def _binary_cross_entropy(lo, hi, logits, targets, block_size, sums, gradient):
    # Requires: logits, targets, gradient flat, of one length n; sums (ceil(n / block_size),). Items are blocks.
    scale = 1.0 / logits.size
    for block in range(lo, hi):
        total = 0.0
        for i in range(block * block_size, min((block + 1) * block_size, logits.size)):
            z, t = np.float64(logits[i]), np.float64(targets[i])
            e = math.exp(-abs(z))
            total += max(z, 0.0) - t * z + math.log1p(e)
            p = 1 / (1 + e) if z >= 0 else e / (1 + e)
            gradient[i] = (p - t) * scale
        sums[block] = total


@chunked
def _cross_entropy(lo, hi, logits, targets, block_rows, sums, gradient):
    # Requires: logits, targets, gradient (M, C); sums (ceil(M / block_rows),). Items are blocks of rows.
    n_rows, n = logits.shape
    flat, out = logits.reshape(-1), gradient.reshape(-1)
    for block in range(lo, hi):
        loss = 0.0
        for row in range(block * block_rows, min((block + 1) * block_rows, n_rows)):
            largest, total = exponentials(flat, row * n, n, out)
            z, t, g = logits[row], targets[row], gradient[row]
            weight = 0.0
            for j in range(n):
                weight += t[j]
                loss += t[j] * np.float64(largest - z[j])
            loss += weight * math.log(total)
            scale = weight / (total * n_rows)
            for j in range(n):
                g[j] = g[j] * scale - t[j] / n_rows
        sums[block] = loss


def binary_cross_entropy(logits, targets):
    """Mean binary cross entropy of logits, and its gradient.

    Parameters
    ----------
    logits : array of float32 or float64
    targets : array of the shape of `logits`
        Probabilities of the positive class, from 0 to 1.

    Returns
    -------
    loss : float
    gradient : array of the shape and dtype of `logits`
    """
    name = "binary_cross_entropy"
    logits = as_array(name, "logits", logits)
    targets = as_array(name, "targets", targets, dtypes=(logits.dtype.type,), shape=logits.shape)
    gradient = aligned_empty(logits.shape, logits.dtype)
    sums = np.empty(-(-logits.size // _BLOCK))
    _binary_cross_entropy(
        len(sums), logits.reshape(-1), targets.reshape(-1), _BLOCK, sums, gradient.reshape(-1), grain=1
    )
    return math.fsum(sums) / logits.size, gradient


def cross_entropy(logits, targets):
    """Mean cross entropy of rows of logits, and its gradient.

    Parameters
    ----------
    logits : (..., C) array of float32 or float64
        Of C classes.
    targets : array of the shape of `logits`
        Weights of the classes, usually probabilities.

    Returns
    -------
    loss : float
    gradient : array of the shape and dtype of `logits`
    """
    name = "cross_entropy"
    logits = as_array(name, "logits", logits)
    targets = as_array(name, "targets", targets, dtypes=(logits.dtype.type,), shape=logits.shape)
    n = logits.shape[-1] if logits.ndim else 1
    gradient, block_rows = aligned_empty(logits.shape, logits.dtype), max(1, _BLOCK // n)
    rows = logits.size // n
    sums = np.empty(-(-rows // block_rows))
    _cross_entropy(
        len(sums), logits.reshape(-1, n), targets.reshape(-1, n), block_rows, sums, gradient.reshape(-1, n), grain=1
    )
    return math.fsum(sums) / rows, gradient
