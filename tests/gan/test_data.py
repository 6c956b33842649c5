"""Datasets: what can be loaded, in which order it is seen, and one clear line for all that cannot."""

import errno
import gzip
import mmap
import struct

import numpy as np
import pytest
from PIL import Image

from smalti import gan
from smalti.gan import data
from smalti.segment.files import atomic, read_image


def pictures(n=5, h=8, w=8, c=1, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, h, w, c), dtype=np.uint8)


def idx(array, code=0x08):
    big = array.astype(array.dtype.newbyteorder(">"))
    return struct.pack(">HBB", 0, code, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape) + big.tobytes()


def save_images(folder, images):
    folder.mkdir(parents=True, exist_ok=True)
    for i, image in enumerate(images):
        Image.fromarray(image.squeeze()).save(folder / f"{i}.png")


def refused(source, *parts, **options):
    """Loading it fails with one line that has all these parts; returns the message."""
    with pytest.raises((ValueError, OSError)) as caught:
        gan.load_dataset(source, **options)
    message = str(caught.value)
    assert "\n" not in message
    for part in parts:
        assert str(part) in message, message
    return message


# What can be loaded


@pytest.mark.parametrize("keys", [("x", "y"), ("images", "labels"), ("x_train", "y_train"), ("anything", None)])
def test_npz(tmp_path, keys):
    x, y = pictures(), np.array([0, 2, 1, 2, 0])
    np.savez_compressed(tmp_path / "d.npz", **{key: a for key, a in zip(keys, (x, y), strict=True) if key})
    dataset = gan.load_dataset(tmp_path / "d.npz")
    np.testing.assert_array_equal(dataset.images, x)
    assert dataset.image_shape == (8, 8, 1) and len(dataset) == 5
    if keys[1]:
        np.testing.assert_array_equal(dataset.labels, y)
        assert dataset.n_classes == 3
    else:
        assert dataset.labels is None and dataset.n_classes == 0


@pytest.mark.parametrize("dtype", ["u1", "<u2", ">u2", "i8", "f4", ">f4", "f8", "?"])
def test_npz_dtypes(tmp_path, dtype):
    unit = pictures() // 128
    full = {"u1": 255, "i8": 255, "<u2": 65535, ">u2": 65535}.get(dtype, 1)
    np.savez(tmp_path / "d.npz", x=(unit[..., 0] * float(full)).astype(dtype))
    dataset = gan.load_dataset(str(tmp_path / "d.npz"))
    assert dataset.images.dtype == (np.uint8 if dtype in ("u1", "i8") else np.float32)
    np.testing.assert_array_equal(dataset.batch(0, 5)[0], unit[dataset_order(5)])


def dataset_order(n, epoch=0, seed=0):
    return np.random.default_rng((seed, epoch)).permutation(n)


@pytest.mark.parametrize("zipped", [False, True])
def test_idx(tmp_path, zipped):
    x, y = pictures()[..., 0], np.array([3, 1, 0, 0, 2], np.uint8)
    write, end = (gzip.compress, ".gz") if zipped else (bytes, "")
    (tmp_path / f"train-images-idx3-ubyte{end}").write_bytes(write(idx(x)))
    dataset = gan.load_dataset(tmp_path / f"train-images-idx3-ubyte{end}")
    assert dataset.labels is None
    (tmp_path / f"train-labels-idx1-ubyte{end}").write_bytes(write(idx(y)))
    dataset = gan.load_dataset(tmp_path / f"train-images-idx3-ubyte{end}")
    np.testing.assert_array_equal(dataset.images[..., 0], x)
    np.testing.assert_array_equal(dataset.labels, y)


def test_plain_idx_is_mapped(tmp_path):
    (tmp_path / "d").write_bytes(idx(pictures()[..., 0]))
    memory = gan.load_dataset(tmp_path / "d").images
    while isinstance(memory, np.ndarray):
        memory = memory.base
    assert isinstance(memory, mmap.mmap)


def test_idx_of_floats(tmp_path):
    x = np.random.default_rng(0).random((3, 4, 4)).astype(np.float32)
    (tmp_path / "d").write_bytes(idx(x, code=0x0D))
    np.testing.assert_array_equal(gan.load_dataset(tmp_path / "d").images[..., 0], x)


def test_folder(tmp_path):
    x = pictures(c=3)
    save_images(tmp_path, x)
    (tmp_path / "notes.txt").write_text("not an image, not looked at")
    dataset = gan.load_dataset(tmp_path)
    np.testing.assert_array_equal(dataset.images, x)
    assert dataset.labels is None


def test_folder_of_classes_and_mixed_modes(tmp_path):
    gray, colour = pictures(2), pictures(3, c=3)
    save_images(tmp_path / "cats", gray)
    save_images(tmp_path / "dogs", colour)
    (tmp_path / "empty").mkdir()
    dataset = gan.load_dataset(tmp_path)
    assert dataset.labels.tolist() == [0, 0, 1, 1, 1]
    np.testing.assert_array_equal(dataset.images, np.concatenate([np.repeat(gray, 3, axis=3), colour]))


def test_image_shape_crops_about_the_centre_and_resizes(tmp_path):
    for number, size in enumerate([(40, 20), (20, 30), (8, 8)]):  # red squares in the middle, blue beside
        h, w = size
        image = np.zeros((h, w, 3), np.uint8)
        image[..., 2] = 255
        side = min(size)
        image[(h - side) // 2 : (h + side) // 2, (w - side) // 2 : (w + side) // 2] = (255, 0, 0)
        Image.fromarray(image).save(tmp_path / f"{number}.png")
    dataset = gan.load_dataset(tmp_path, image_shape=(8, 8))
    np.testing.assert_array_equal(dataset.images, np.broadcast_to(np.uint8([255, 0, 0]), (3, 8, 8, 3)))
    assert gan.load_dataset(tmp_path, image_shape=(8, 4, 1)).image_shape == (8, 4, 1)


def test_image_shape_of_arrays():
    x = pictures(3, 12, 12)
    assert gan.load_dataset(x, image_shape=(12, 12, 1)).images.tobytes() == x.tobytes()
    assert gan.load_dataset(x, image_shape=(8, 8)).images.shape == (3, 8, 8, 1)
    floats = gan.load_dataset(x / 255, image_shape=(8, 8, 3)).images
    assert floats.dtype == np.float32 and floats.shape == (3, 8, 8, 3) and 0 <= floats.min() <= floats.max() <= 1
    with pytest.raises(ValueError, match=r"image_shape must be \(H, W\) or \(H, W, C\) with C 1 or 3, got 8"):
        gan.load_dataset(x, image_shape=8)


def test_glyphs():
    dataset = gan.load_dataset("glyphs")
    assert dataset.image_shape == (28, 28, 1) and dataset.n_classes == 36


def test_fashion_mnist(tmp_path, monkeypatch):
    path = tmp_path / "train-images-idx3-ubyte.gz"
    monkeypatch.setattr(data, "FASHION_MNIST", path)
    refused("fashion-mnist", path, "Debian's package dataset-fashion-mnist")
    path.write_bytes(gzip.compress(idx(pictures()[..., 0])))
    (tmp_path / "train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(np.arange(5, dtype=np.uint8))))
    dataset = gan.load_dataset("fashion-mnist")
    assert dataset.image_shape == (8, 8, 1) and dataset.n_classes == 5 and dataset.source == str(path)


def test_where_it_came_from(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.savez("d.npz", x=pictures())
    assert gan.load_dataset("d.npz").source == str(tmp_path / "d.npz")
    assert gan.load_dataset(gan.load_dataset("d.npz"), image_shape=(4, 4)).source == str(tmp_path / "d.npz")
    assert gan.load_dataset("glyphs").source == "glyphs" and gan.load_dataset(pictures()).source is None


def test_checksum_counts_labels():
    x, y = pictures(), np.arange(5)
    sums = {gan.Dataset(*arguments).checksum() for arguments in ((x,), (x, y), (x, y[::-1]), (x[::-1], y))}
    assert len(sums) == 4


def test_sixteen_bits_and_orientation(tmp_path):
    wide = (np.arange(12, dtype=np.uint16) * 5000).reshape(3, 4)
    Image.fromarray(wide).save(tmp_path / "wide.png")
    np.testing.assert_array_equal(read_image(tmp_path / "wide.png")[..., 0], np.rint(wide / 257))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise
    Image.fromarray(pictures(1, 8, 16, 3)[0]).save(tmp_path / "turned.png", exif=exif)
    np.testing.assert_array_equal(read_image(tmp_path / "turned.png"), np.rot90(pictures(1, 8, 16, 3)[0], -1))


# The order


def test_batches_are_permutations_of_every_epoch():
    dataset = gan.Dataset(pictures(7), np.arange(7))
    seen = np.concatenate([dataset.batch(number, 3, seed=4)[1] for number in range(7)])
    for epoch in range(3):
        np.testing.assert_array_equal(seen[7 * epoch : 7 * epoch + 7], dataset_order(7, epoch, seed=4))
    images, labels = dataset.batch(1, 20, seed=4)  # more than there are
    np.testing.assert_array_equal(images, dataset.images[labels] * np.float32(1 / 255))
    assert images.dtype == np.float32 and images.max() <= 1


# What cannot be loaded


def test_missing(tmp_path):
    refused(tmp_path / "no.npz", tmp_path / "no.npz", "no such file")
    refused("no/such/folder", "no/such/folder", "no such file or folder")


def test_neither_npz_nor_idx_nor_folder(tmp_path):
    path = tmp_path / "d.txt"
    for content in (b"", b"abc", b"just some text"):
        path.write_bytes(content)
        refused(path, path, "not a dataset")


def test_truncated_npz(tmp_path):
    path = tmp_path / "d.npz"
    np.savez(path, x=pictures(50))
    whole = path.read_bytes()
    for size in (0, 1, 30, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        refused(path, path, "not a readable .npz")
    damaged = bytearray(whole)
    damaged[len(whole) // 2] ^= 255
    path.write_bytes(damaged)
    refused(path, path, "not a readable .npz")


def test_npz_without_pictures(tmp_path):
    path = tmp_path / "d.npz"
    np.savez(path, a=pictures(), b=pictures())
    refused(path, path, "no array named x, images or x_train", "only a, b")
    np.savez(path)
    refused(path, path, "no array named")


def test_npz_with_pickled_objects(tmp_path):
    path = tmp_path / "d.npz"
    np.savez(path, x=np.array([{}, []], dtype=object))
    refused(path, path, "not a readable .npz")


def test_truncated_idx(tmp_path):
    path = tmp_path / "train-images-idx3-ubyte"
    whole = idx(pictures()[..., 0])
    for size in (6, 15, 16, len(whole) - 1):
        path.write_bytes(whole[:size])
        refused(path, path, "truncated IDX file")
    path.write_bytes(whole + b"\0")
    refused(path, path, "too long IDX file")
    for size in (30, 100, len(gzip.compress(whole)) - 4):
        path.write_bytes(gzip.compress(whole)[:size])
        refused(path, path, "truncated")
    damaged = bytearray(gzip.compress(whole))
    damaged[60] ^= 255
    path.write_bytes(damaged)
    refused(path, path, "damaged gzip")


def test_idx_that_claims_to_be_huge(tmp_path):
    path = tmp_path / "d"
    header = struct.pack(">HBB3I", 0, 8, 3, 2**32 - 1, 2**32 - 1, 2**32 - 1)
    for content in (header, gzip.compress(header)):
        path.write_bytes(content)
        refused(path, path, "truncated IDX file")


def test_idx_of_other_things(tmp_path):
    path = tmp_path / "d"
    path.write_bytes(idx(np.zeros(4, np.uint8)))
    refused(path, path, "3 or 4 axes", "(4,)")
    path.write_bytes(b"\0\0\x07\x03" + bytes(20))
    refused(path, path, "not a dataset")


def test_empty(tmp_path):
    refused(tmp_path, tmp_path, "holds no images", ".png")
    np.savez(tmp_path / "d.npz", x=np.zeros((0, 8, 8), np.uint8))
    refused(tmp_path / "d.npz", "d.npz", "holds no pictures")
    (tmp_path / "d").write_bytes(idx(np.zeros((0, 8, 8), np.uint8)))
    refused(tmp_path / "d", "holds no pictures")


def test_different_sizes(tmp_path):
    save_images(tmp_path, [pictures(1)[0], pictures(1, 8, 9)[0]])
    refused(tmp_path, tmp_path / "1.png", "8 x 9 pixels, but 0.png has 8 x 8", "give an image size")
    assert gan.load_dataset(tmp_path, image_shape=(8, 8)).images.shape == (2, 8, 8, 1)


def test_images_beside_classes(tmp_path):
    save_images(tmp_path, pictures(1))
    save_images(tmp_path / "cats", pictures(1))
    refused(tmp_path, tmp_path, "beside sub-folders")


def test_damaged_images(tmp_path):
    path = tmp_path / "a.png"
    save_images(tmp_path / "good", pictures(1, 64, 64))
    whole = (tmp_path / "good" / "0.png").read_bytes()
    for content, reason in (
        (b"", "not an image"),
        (b"hello", "not an image"),
        (whole[: len(whole) // 2], "damaged image"),
    ):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=reason) as caught:
            read_image(path)
        assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_decompression_bomb(tmp_path, monkeypatch):
    save_images(tmp_path, pictures(1, 20, 20))
    for limit in (300, 100):  # a warning of Pillow's, and an error
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
        refused(tmp_path, tmp_path / "0.png", f"more than {limit} pixels")


@pytest.mark.parametrize(
    ("x", "reason"),
    [
        (np.full((2, 8, 8), np.nan), r"pictures must be finite, got nan at \(0, 0, 0, 0\)"),
        (np.full((2, 8, 8), np.inf, np.float32), "finite, got inf"),
        (np.full((2, 8, 8), 1.5), r"must be in \[0, 1\], got values from 1.5 to 1.5"),
        (np.full((2, 8, 8), -3), "must be in 0 to 255, got values from -3 to -3"),
        (np.zeros((2, 8)), r"must have shape \(N, H, W\) or \(N, H, W, C\), got \(2, 8\)"),
        (np.zeros((2, 8, 8, 7)), "1 to 4 channels, last"),
        (np.zeros((2, 8, 8), complex), "must be numbers, got dtype complex"),
    ],
)
def test_bad_values(tmp_path, x, reason):
    np.savez(tmp_path / "d.npz", x=x)
    with pytest.raises(ValueError, match=reason) as caught:
        gan.load_dataset(tmp_path / "d.npz")
    assert str(tmp_path / "d.npz") in str(caught.value)


@pytest.mark.parametrize(
    ("y", "reason"),
    [
        (np.zeros(4, int), r"labels must have shape \(5,\), one for each picture, got \(4,\)"),
        (np.zeros(5), "labels must be integers, got dtype float64"),
        (np.full(5, -1), "labels must count from 0, got values from -1 to -1"),
    ],
)
def test_bad_labels(tmp_path, y, reason):
    np.savez(tmp_path / "d.npz", x=pictures(), y=y)
    with pytest.raises(ValueError, match=reason):
        gan.load_dataset(tmp_path / "d.npz")


def test_bad_image_shape():
    for shape in ((8,), (8, 8, 2), (0, 8)):
        with pytest.raises(ValueError, match="load_dataset: image_shape"):
            gan.load_dataset("glyphs", image_shape=shape)


# Writing


def test_atomic_leaves_all_or_nothing(tmp_path):
    path = tmp_path / "f"
    with atomic(path) as file:
        file.write(b"first")
    with pytest.raises(RuntimeError), atomic(path) as file:
        file.write(b"half of the sec")
        raise RuntimeError
    with pytest.raises(OSError, match="No space left") as caught, atomic(path) as file:
        raise OSError(errno.ENOSPC, "No space left on device")
    assert caught.value.filename == str(path)
    assert path.read_bytes() == b"first" and list(tmp_path.iterdir()) == [path]
