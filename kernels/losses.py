"""Binary cross entropy of logits, with its gradient from the same pass.

For a logit z and a target t in [0, 1], with p = sigmoid(z),

    L(z, t) = -t log p - (1 - t) log(1 - p) = max(z, 0) - t z + log(1 + exp(-|z|))
    dL/dz   = p - t

The right-hand form neither overflows nor cancels. The result is the mean over all elements, each block of
them summed in float64, blocks in order. Time O(n); memory: the gradient.

Source: Goodfellow, Bengio & Courville, Deep Learning, section 6.2.2.2.
"""

import math

import numpy as np

from ._parallel import chunked
from ._validate import as_array

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
    gradient = np.empty_like(logits)
    sums = np.empty(-(-logits.size // _BLOCK))
    _binary_cross_entropy(
        len(sums), logits.reshape(-1), targets.reshape(-1), _BLOCK, sums, gradient.reshape(-1), grain=1
    )
    return math.fsum(sums) / logits.size, gradient
