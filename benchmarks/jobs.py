"""Jobs as a user runs them: a classifier that learns, and a photograph cut into regions."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np

import smalti
from smalti.segment.classic import MAX_ITER, RADIUS, SIZE

from .harness import Case, Seconds, peer, picture, row

torch = peer("torch")
color, measure, cluster = peer("skimage.color"), peer("skimage.measure"), peer("sklearn.cluster")
segmentation, graph = peer("skimage.segmentation"), peer("skimage.graph")
cv2 = peer("cv2")

_MNIST = Path(os.environ.get("SMALTI_TEST_DATA", ""), "mnist.npz")  # x_train, y_train, x_test, y_test
_STEPS, _CNN_BATCH = 20, 100


def _cnn():
    he, nn = smalti.nn.init.he, smalti.nn
    return nn.Sequential(
        [
            nn.Conv2D(16, 3, kernel_initializer=he), nn.ReLU(), nn.MaxPooling2D(),
            nn.Conv2D(32, 3, kernel_initializer=he), nn.ReLU(), nn.MaxPooling2D(),
            nn.Flatten(), nn.Dense(128, kernel_initializer=he), nn.ReLU(), nn.Dense(10),
        ],
        input_shape=(28, 28, 1), rng=0,
    )  # fmt: skip


def _train_cnn(net, images, classes):
    """Once through the pictures, in the order given."""
    nn = smalti.nn
    optimizer = nn.optim.Adam(net.parameters(), 2e-3)
    rate = nn.optim.cosine_decay(2e-3, 1 + len(images) // _CNN_BATCH)
    for i in range(0, len(images), _CNN_BATCH):
        optimizer.zero_grad()
        optimizer.learning_rate = rate(optimizer.iterations)
        nn.losses.cross_entropy(net(nn.tensor(images[i : i + _CNN_BATCH])), classes[i : i + _CNN_BATCH]).backward()
        optimizer.step()


def _torch_cnn(images, classes, layout):
    """The same steps in torch, and its network."""
    t = torch.nn
    net = t.Sequential(
        t.Conv2d(1, 16, 3), t.ReLU(), t.MaxPool2d(2), t.Conv2d(16, 32, 3), t.ReLU(), t.MaxPool2d(2),
        t.Flatten(), t.Linear(800, 128), t.ReLU(), t.Linear(128, 10),
    ).to(memory_format=layout)  # fmt: skip
    optimizer = torch.optim.Adam(net.parameters(), 2e-3, fused=True)
    x = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous(memory_format=layout)
    y = torch.from_numpy(classes.astype(np.int64))

    def steps():
        for i in range(0, len(x), _CNN_BATCH):
            optimizer.zero_grad()
            t.functional.cross_entropy(net(x[i : i + _CNN_BATCH]), y[i : i + _CNN_BATCH]).backward()
            optimizer.step()

    return steps, net


def mnist():
    """Twenty steps are timed; that an epoch of them reaches 98 % on the test set is verified."""
    with np.load(_MNIST) as archive:
        images, tests = (archive[key][..., None] / np.float32(255) for key in ("x_train", "x_test"))
        classes, answers = archive["y_train"], archive["y_test"]
    few = images[: _STEPS * _CNN_BATCH], classes[: _STEPS * _CNN_BATCH]
    net, twins = _cnn(), {"torch": None, "torch channels_last": None}
    if torch:
        twins = {
            name: _torch_cnn(*few, layout)
            for name, layout in zip(twins, (torch.contiguous_format, torch.channels_last), strict=True)
        }

    def logits(net):
        with smalti.nn.no_grad():
            return np.concatenate([net(smalti.nn.tensor(tests[i : i + 500])).data for i in range(0, len(tests), 500)])

    def check(ours, theirs):
        trained = _cnn()
        _train_cnn(trained, images, classes)
        right = float((logits(trained).argmax(axis=1) == answers).mean())
        if right < 0.98:
            raise AssertionError(f"after one epoch {right:.2%} of the test set are right")
        for name in theirs:  # the same weights give the same logits
            twin = twins[name][1]
            state = smalti.nn.exchange.to_torch(trained)
            twin.load_state_dict({key: torch.from_numpy(value) for key, value in state.items()})
            with torch.no_grad():
                other = twin(torch.from_numpy(tests[:500]).permute(0, 3, 1, 2)).numpy()
            if not np.allclose(logits(trained)[:500], other, atol=1e-3):
                raise AssertionError(f"{name} gives other logits")

    return Case(lambda: _train_cnn(net, *few), check, {name: twin and twin[0] for name, twin in twins.items()})


if _MNIST.exists():
    row("CNN on MNIST", f"{_STEPS} steps of {_CNN_BATCH}; an epoch reaches 98 %")(mnist)


_METHODS = ["hierarchy", "kmeans", "dbscan", "watershed", "felzenszwalb", "slic"]


@row("segment", "321x481 uint8", method=_METHODS)
def segment_picture(method):
    image = picture(321, 481)

    def clusters():
        lab = color.rgb2lab(image).reshape(-1, 3)
        labels = cluster.KMeans(10, n_init=1, random_state=0).fit_predict(lab).reshape(image.shape[:2])
        return measure.label(labels, background=-1, connectivity=1)

    def felzenszwalb():
        return segmentation.felzenszwalb(image, scale=300, sigma=1.5, min_size=772)

    def merged_superpixels():
        finest = segmentation.slic(image, n_segments=400, compactness=30, start_label=0)
        return graph.cut_threshold(finest, graph.rag_mean_color(image, finest), 20, in_place=False)

    def check(ours, theirs):
        used = np.unique(ours.labels[ours.labels >= 0])
        if ours.labels.shape != image.shape[:2] or not np.array_equal(used, np.arange(ours.n_regions)):
            raise AssertionError(f"labels {used} of {ours.n_regions} regions")

    parts = {
        "kmeans": {"skimage + sklearn": color and measure and cluster and clusters},
        "felzenszwalb": {"skimage": segmentation and felzenszwalb},
        "slic": {"skimage": segmentation and graph and merged_superpixels},
    }.get(method, {})
    return Case(lambda: smalti.segment.segment(image, method), check, parts, unlike=tuple(parts))


def _classic_of_opencv(image):
    """The steps of ``segment/classic.py`` with OpenCV's functions: (inner parts of clusters, regions, overlay)."""
    small = cv2.resize(image, SIZE, interpolation=cv2.INTER_AREA)
    small = cv2.flip(cv2.rotate(small, cv2.ROTATE_90_CLOCKWISE), 1)
    hsv = cv2.cvtColor(small, cv2.COLOR_RGB2HSV_FULL)
    gray = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
    colors = (hsv[..., 0] >> 5).astype(np.int32) * 64 + (hsv[..., 1] >> 5) * 8 + (hsv[..., 2] >> 5)
    response = cv2.Laplacian(cv2.GaussianBlur(gray, (5, 5), 0), cv2.CV_32F)
    texture = np.clip(response * (64 / 255) + 16, 0, 31).astype(np.int32)
    edges = cv2.Canny(gray, 50, 150, L2gradient=True)
    window = (2 * RADIUS + 1,) * 2
    planes = [(colors == k).astype(np.float32) for k in np.flatnonzero(np.bincount(colors.ravel()))]
    planes += [(texture == k).astype(np.float32) for k in range(32)]
    planes += [(edges == k).astype(np.float32) for k in (0, 255)]
    features = np.dstack([cv2.blur(plane, window) for plane in planes])
    criteria = (cv2.TERM_CRITERIA_MAX_ITER, MAX_ITER, 0)
    points = features.reshape(-1, features.shape[2])
    clusters = cv2.kmeans(points, 2, None, criteria, 1, cv2.KMEANS_PP_CENTERS)[1].reshape(gray.shape)
    markers, n = np.zeros(gray.shape, np.int32), 0
    for k in range(2):
        count, parts = cv2.connectedComponents(cv2.erode((clusters == k).astype(np.uint8), np.ones((3, 3))))
        markers += np.where(parts > 0, parts + n, 0).astype(np.int32)
        n += count - 1
    regions = cv2.watershed(small, markers)
    sums = np.stack([np.bincount(regions.ravel() + 1, small[..., k].ravel(), n + 2) for k in range(3)], axis=-1)
    means = sums / np.maximum(np.bincount(regions.ravel() + 1, minlength=n + 2), 1)[:, None]
    return regions, cv2.addWeighted(small, 0.5, means[regions + 1].astype(np.uint8), 0.5, 0)


@row("segment", "481x321 uint8, the textbooks' pipeline with overlay")
def classic():
    image = picture(321, 481)

    def ours():
        result = smalti.segment.segment(image, "classic")
        return result, result.overlay(mix=0.5)

    def check(ours, theirs):
        if ours[0].labels.shape != image.shape[:2] or ours[0].n_regions < 2:
            raise AssertionError(f"got {ours[0]}")

    parts = {"cv2": cv2 and (lambda: _classic_of_opencv(image))}
    return Case(ours, check, parts, unlike=("cv2",))


@row("first segment", "321x481 k-means in a new process, warm cache")
def first_segment():
    code = """if True:
        from benchmarks.harness import picture
        image = picture(321, 481)
        import time
        start = time.perf_counter()
        import smalti
        smalti.segment.segment(image, "kmeans")
        print(time.perf_counter() - start)
    """

    def call():
        return Seconds(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout)

    def check(ours, theirs):
        if call() > 2:
            raise AssertionError("takes more than 2 s with a warm cache")

    return Case(call, check)
