"""From any input to clean arrays, or to an error that names function, argument, what was expected and what came.

Every public wrapper passes its arguments through these once; the kernels behind them check nothing. What
comes out is C-contiguous, in native byte order and of one of few dtypes, so that few variants of each kernel
are compiled. Inputs are copied only where that needs it, and never written to.
"""

import math
import numbers

import numpy as np

FLOATS = (np.float32, np.float64)
PIXELS = (np.uint8, np.uint16, np.float32, np.float64)
REAL = (np.bool_, np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.int64, np.uint64,
        np.float16, np.float32, np.float64)  # fmt: skip

_CLEAN = ("C_CONTIGUOUS", "ALIGNED")
_FULL_SCALE = {np.dtype(np.uint8): 255.0, np.dtype(np.uint16): 65535.0}


def as_array(function, name, value, *, dtypes=FLOATS, ndim=None, shape=None, empty=False, finite=False):
    """`value` as a C-contiguous array of one of `dtypes`.

    Other real dtypes are converted without scaling to the first float of `dtypes` that holds them: bool, float16
    and small integers to float32, wide integers and float128 to float64. `ndim` is an int or a tuple of ints;
    `shape` a tuple with None for free axes.
    """
    try:
        array = np.asarray(value)
    except ValueError:
        raise ValueError(f"{function}: {name} must be an array, got a ragged sequence") from None
    if array.dtype.kind not in "buif":
        raise TypeError(f"{function}: {name} must be an array of real numbers, got dtype {array.dtype}")
    wanted = (ndim,) if isinstance(ndim, int) else ndim
    if wanted is not None and array.ndim not in wanted:
        axes = " or ".join(map(str, wanted))
        raise ValueError(f"{function}: {name} must have {axes} dimensions, got shape {array.shape}")
    if shape is not None and shape != array.shape and not _fits(shape, array.shape):
        expected = str(tuple("any" if s is None else s for s in shape)).replace("'", "")
        raise ValueError(f"{function}: {name} must have shape {expected}, got {array.shape}")
    if array.size == 0 and not empty:
        raise ValueError(f"{function}: {name} must not be empty, got shape {array.shape}")
    if not (array.dtype.type in dtypes and array.dtype.isnative and array.flags.carray):
        array = _converted(array, dtypes)
    if finite:
        check_finite(function, name, array)
    return array


def _fits(shape, found):
    return len(shape) == len(found) and all(s in (None, n) for s, n in zip(shape, found, strict=True))


def _converted(array, dtypes):
    """The array in one of `dtypes`, C-contiguous, aligned, and seen as writeable."""
    dtype = array.dtype.newbyteorder("=")
    if dtype not in dtypes:
        narrow = array.dtype.itemsize <= 2 or array.dtype.kind == "b"
        choices = [d for d in dtypes if np.dtype(d).kind == "f"]
        dtype = choices[0] if narrow else choices[-1]
    array = np.require(array, dtype, _CLEAN)
    return array if array.flags.writeable else _Alias(array).array


def as_image(function, image, *, name="image", dtypes=PIXELS, ndim=(2, 3), channels=None, finite=False):
    """An (H, W) or (H, W, C) picture in one of `dtypes`, not empty; `channels` fixes C."""
    array = as_array(function, name, image, dtypes=dtypes, ndim=ndim, finite=finite)
    if channels is not None and (array.ndim != 3 or array.shape[2] != channels):
        raise ValueError(f"{function}: {name} must have shape (H, W, {channels}), got {array.shape}")
    return array


def as_unit_range(array):
    """A picture as floats: uint8 and uint16 divided by their full scale to [0, 1], floats as they are."""
    scale = _FULL_SCALE.get(array.dtype)
    return array if scale is None else array.astype(np.float32) * np.float32(1 / scale)


def as_labels(function, name, labels, *, shape=None, ndim=2):
    """A label map as C-contiguous int32."""
    array = np.asarray(labels)
    if array.dtype.kind not in "bui":
        raise TypeError(f"{function}: {name} must be an integer array, got dtype {array.dtype}")
    wanted = (ndim,) if isinstance(ndim, int) else ndim
    if array.ndim not in wanted:
        axes = " or ".join(map(str, wanted))
        raise ValueError(f"{function}: {name} must have {axes} dimensions, got shape {array.shape}")
    if shape is not None and array.shape != tuple(shape):
        raise ValueError(f"{function}: {name} must have shape {tuple(shape)}, got {array.shape}")
    if array.dtype.itemsize > 2 and array.size:
        low, high = int(array.min()), int(array.max())
        if low < -(2**31) or high >= 2**31:
            raise ValueError(f"{function}: {name} must fit into int32, got values from {low} to {high}")
    array = np.require(array, np.int32, _CLEAN)
    return array if array.flags.writeable else _Alias(array).array


def as_mask(function, mask, shape):
    """A bool array of `shape`, or None for None: nothing is masked out then."""
    if mask is None:
        return None
    array = np.asarray(mask)
    if array.dtype.kind not in "bui":
        raise TypeError(f"{function}: mask must be an array of bool, got dtype {array.dtype}")
    if array.shape != tuple(shape):
        raise ValueError(f"{function}: mask must have shape {tuple(shape)}, got {array.shape}")
    array = np.ascontiguousarray(array, dtype=bool)
    return array if array.flags.writeable else _Alias(array).array


def as_rng(function, rng):
    """A numpy Generator from a seed, a Generator or None (fresh entropy)."""
    if isinstance(rng, np.random.Generator):
        return rng
    if rng is None or (isinstance(rng, numbers.Integral) and not isinstance(rng, bool) and rng >= 0):
        return np.random.default_rng(rng)
    raise TypeError(f"{function}: rng must be a seed of at least 0, a numpy.random.Generator or None, got {rng!r}")


def integer(function, name, value, *, low=None, high=None):
    """An int within [low, high]."""
    if type(value) is not int and (isinstance(value, (bool, np.bool_)) or not isinstance(value, numbers.Integral)):
        raise TypeError(f"{function}: {name} must be an int, got {value!r}")
    if (low is not None and value < low) or (high is not None and value > high):
        raise ValueError(f"{function}: {name} must be {_range(low, high)}, got {value}")
    return int(value)


def real(function, name, value, *, low=None, high=None, above=None):
    """A finite float within [low, high], or greater than `above`."""
    if type(value) is not float and (isinstance(value, (bool, np.bool_)) or not isinstance(value, numbers.Real)):
        raise TypeError(f"{function}: {name} must be a number, got {value!r}")
    value = float(value)
    if not math.isfinite(value):
        raise ValueError(f"{function}: {name} must be finite, got {value}")
    if above is not None and not value > above:
        raise ValueError(f"{function}: {name} must be greater than {above}, got {value}")
    if (low is not None and value < low) or (high is not None and value > high):
        raise ValueError(f"{function}: {name} must be {_range(low, high)}, got {value}")
    return value


def one_of(function, name, value, choices):
    """`value`, which must be among `choices`."""
    if not isinstance(value, tuple(map(type, choices))) or value not in choices:
        expected = ", ".join(map(repr, choices))
        raise ValueError(f"{function}: {name} must be one of {expected}, got {value!r}")
    return value


def check_finite(function, name, array):
    """Refuse NaN and infinity, naming the first place."""
    if array.dtype.kind != "f":
        return
    # The sum is finite unless an element is not (or it overflows): one pass without a temporary.
    with np.errstate(all="ignore"):
        if math.isfinite(float(np.add.reduce(array, axis=None))):
            return
    bad = ~np.isfinite(array)
    if bad.any():
        place = tuple(int(i) for i in np.unravel_index(int(bad.argmax()), array.shape))
        raise ValueError(f"{function}: {name} must be finite, got {array[place]} at {place}")


def _range(low, high):
    if high is None:
        return f"at least {low}"
    if low is None:
        return f"at most {high}"
    return f"from {low} to {high}"


class _Alias:
    """A read-only array seen as a writable one, so that kernels need no second, read-only variant.

    Kernels never write to their inputs. The view keeps this object, and this object keeps the array alive.
    """

    def __init__(self, locked):
        self.locked = locked
        self.__array_interface__ = dict(locked.__array_interface__, data=(locked.ctypes.data, False))

    @property
    def array(self):
        return np.asarray(self)
