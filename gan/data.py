"""Datasets: pictures of one shape in memory, and the order in which training sees them.

The order is a pure function of seed and position: the training stream is the concatenation of one permutation of
the dataset for each epoch, and the permutation of epoch e comes from the generator seeded by (seed, e). Whoever
knows the step therefore knows the batch, and a resumed run needs no state of a shuffler.
"""

import dataclasses
import functools
import zlib
from pathlib import Path

import numpy as np

from smalti.kernels import resize
from smalti.kernels._validate import check_finite, integer

from . import files
from .glyphs import glyphs

FASHION_MNIST = Path("/usr/share/datasets/fashion-mnist/train-images-idx3-ubyte.gz")


@dataclasses.dataclass(frozen=True)
class Dataset:
    """Pictures of one shape, with or without a class for each.

    Attributes
    ----------
    images : (N, H, W, C) uint8, or float32 in [0, 1]
    labels : (N,) int32 from 0, or None
    name : str
        Where the pictures come from, for messages.
    source : str or None
        What `load_dataset` makes it from again, wherever it is called.
    """

    images: np.ndarray
    labels: np.ndarray | None = None
    name: str = "dataset"
    source: str | None = None

    def __post_init__(self):
        object.__setattr__(self, "images", _as_pictures(self.name, self.images))
        if self.labels is not None:
            object.__setattr__(self, "labels", _as_classes(self.name, self.labels, len(self.images)))

    def __len__(self):
        return len(self.images)

    @property
    def image_shape(self):
        """(H, W, C)"""
        return self.images.shape[1:]

    @property
    def n_classes(self):
        return 0 if self.labels is None else int(self.labels.max()) + 1

    def checksum(self):
        """CRC-32 of the pictures and labels."""
        of_images = zlib.crc32(self.images)
        return of_images if self.labels is None else zlib.crc32(self.labels, of_images)

    def select(self, index):
        """The dataset of some of the pictures."""
        return Dataset(self.images[index], None if self.labels is None else self.labels[index], self.name)

    def scaled(self, index=slice(None)):
        """Pictures as float32 in [0, 1]."""
        images = self.images[index]
        return images * np.float32(1 / 255) if images.dtype == np.uint8 else images

    def batch(self, number, batch_size, *, seed=0):
        """The batch with this number, from 0, of the endless shuffled stream.

        Returns
        -------
        images : (batch_size, H, W, C) float32 in [0, 1]
        labels : (batch_size,) int32, or None
        """
        position = number * batch_size + np.arange(batch_size)
        epochs, within = np.divmod(position, len(self))
        index = np.empty(batch_size, np.intp)
        for epoch in np.unique(epochs):
            index[epochs == epoch] = _order(seed, int(epoch), len(self))[within[epochs == epoch]]
        return self.scaled(index), None if self.labels is None else self.labels[index]


@functools.lru_cache(maxsize=2)  # a batch may reach into the next epoch
def _order(seed, epoch, n):
    """In which order an epoch sees n pictures."""
    return np.random.default_rng((seed, epoch)).permutation(n)


def load_dataset(source, *, image_shape=None):
    """Load pictures for training.

    Parameters
    ----------
    source : str, path, array or Dataset
        - ``"glyphs"``: letters and digits, drawn and warped here (see `smalti.gan.glyphs`);
        - ``"fashion-mnist"``: where Debian's package dataset-fashion-mnist has put it (Xiao, Rasul & Vollgraf, 2017);
        - a ``.npz`` file: pictures under ``x``, ``images`` or ``x_train`` (or the only array), classes under
          ``y``, ``labels`` or ``y_train``;
        - an IDX file of pictures, gzipped or not, whose labels lie beside it under the usual name
          (``...-images-idx3-ubyte`` and ``...-labels-idx1-ubyte``);
        - a folder of images, or of one sub-folder of images for each class;
        - an array (N, H, W) or (N, H, W, C).
    image_shape : (H, W) or (H, W, C), optional
        Crop every picture about its centre to this aspect and resize it to H rows, W columns; C is 1 for grey and
        3 for colour. Without it all pictures must have one shape already.

    Returns
    -------
    Dataset

    Raises
    ------
    FileNotFoundError, ValueError
        One line that names the file and what is wrong with it.
    """
    shape = _as_image_shape(image_shape)
    again = None
    if isinstance(source, Dataset):
        images, labels, name, again = source.images, source.labels, source.name, source.source
    elif isinstance(source, np.ndarray):
        images, labels, name = source, None, "array"
    elif isinstance(source, str) and source == "glyphs":
        (images, labels), name, again = glyphs(), source, source
    else:
        path, name = FASHION_MNIST if source == "fashion-mnist" else Path(source), str(source)
        if not path.exists():
            hint = "; Debian's package dataset-fashion-mnist has it" if path is FASHION_MNIST else ""
            raise FileNotFoundError(f"{path}: no such file or folder{hint}")
        again = str(path.resolve())
        if path.is_dir():
            images, labels = files.read_folder(path, None if shape is None else lambda image: _fit(image, shape))
        elif path.suffix.lower() == ".npz":
            images, labels = files.read_npz(path)
        else:
            images, labels = files.read_idx(path)
    dataset = Dataset(images, labels, name, again)
    if shape is None or dataset.image_shape == _full_shape(shape, dataset.image_shape):
        return dataset
    return Dataset(np.stack([_fit(image, shape) for image in dataset.images]), dataset.labels, name, again)


def _as_image_shape(image_shape):
    if image_shape is None:
        return None
    shape = tuple(image_shape) if np.iterable(image_shape) else ()
    if len(shape) not in (2, 3) or (len(shape) == 3 and shape[2] not in (1, 3)):
        raise ValueError(f"load_dataset: image_shape must be (H, W) or (H, W, C) with C 1 or 3, got {image_shape!r}")
    return tuple(integer("load_dataset", "image_shape", extent, low=1, high=4096) for extent in shape)


def _full_shape(shape, like):
    return shape if len(shape) == 3 else (*shape, like[2])


def _fit(image, shape):
    """An (H, W, C) picture, cropped about its centre and resized to `shape`, in its own dtype."""
    h, w, c = image.shape
    rows, columns, channels = _full_shape(shape, image.shape)
    if channels != c:
        image = image[:, :, :3] if c > 2 else np.repeat(image[:, :, :1], 3, axis=2)  # without opacity
        if channels == 1:
            grey = image @ np.array([0.2125, 0.7154, 0.0721], np.float32)
            image = grey[:, :, None] if image.dtype != np.uint8 else np.rint(grey)[:, :, None].astype(np.uint8)
    height, width = min(h, max(1, round(w * rows / columns))), min(w, max(1, round(h * columns / rows)))
    top, left = (h - height) // 2, (w - width) // 2
    crop = image[top : top + height, left : left + width]
    if crop.shape[:2] == (rows, columns):
        return crop
    resized = resize(crop, (rows, columns), anti_aliasing=True)
    if image.dtype == np.uint8:
        return np.rint(255 * resized).astype(np.uint8)
    return resized.clip(0, 1)


def _as_pictures(name, images):
    """(N, H, W, C), uint8 or float32 in [0, 1], C-contiguous."""
    images = np.asarray(images)
    if images.ndim == 3:
        images = images[..., None]
    if images.ndim != 4:
        raise ValueError(f"{name}: pictures must have shape (N, H, W) or (N, H, W, C), got {images.shape}")
    if images.size == 0:
        raise ValueError(f"{name}: holds no pictures, shape {images.shape}")
    if images.shape[3] > 4:
        raise ValueError(f"{name}: pictures must have 1 to 4 channels, last, got shape {images.shape}")
    if images.dtype == np.uint8:
        return np.ascontiguousarray(images)
    if images.dtype.kind not in "buif":
        raise ValueError(f"{name}: pictures must be numbers, got dtype {images.dtype}")
    check_finite(name, "pictures", images)
    low, high = images.min(), images.max()
    if images.dtype.kind == "f" or images.dtype.kind == "b":
        if low < 0 or high > 1:
            raise ValueError(f"{name}: pictures of {images.dtype} must be in [0, 1], got values from {low} to {high}")
        return np.ascontiguousarray(images, dtype=np.float32)
    if images.dtype.kind == "u" and images.dtype.itemsize == 2:
        return images / np.float32(65535)
    if low < 0 or high > 255:
        raise ValueError(f"{name}: pictures of {images.dtype} must be in 0 to 255, got values from {low} to {high}")
    return images.astype(np.uint8)


def _as_classes(name, labels, n):
    labels = np.asarray(labels)
    if labels.shape != (n,):
        raise ValueError(f"{name}: labels must have shape ({n},), one for each picture, got {labels.shape}")
    if labels.dtype.kind not in "bui":
        raise ValueError(f"{name}: labels must be integers, got dtype {labels.dtype}")
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high >= 2**31:
        raise ValueError(f"{name}: labels must count from 0, got values from {low} to {high}")
    return labels.astype(np.int32)
