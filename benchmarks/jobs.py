"""Jobs as a user runs them: training steps of the DCGAN and of a classifier, and a photograph cut into regions."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np

import smalti

from .harness import Case, Seconds, peer, picture, row

torch = peer("torch")
color, measure, cluster = peer("skimage.color"), peer("skimage.measure"), peer("sklearn.cluster")

BATCH = 64


class _TorchGAN:
    """The same DCGAN and its step in torch, with a fused Adam and no gradients that the step does not use."""

    def __init__(self, model, real, layout):
        leaky, t = torch.nn.LeakyReLU(0.2), torch.nn
        h, w, c = model.image_shape
        width = model.recipe["width"]
        self.latent_dim, self.inner = model.latent_dim, (2 * width, h // 4, w // 4)
        norms = [t.BatchNorm2d(n, eps=1e-5) for n in (2 * width, width, 2 * width)]
        self.generator = t.Sequential(
            t.Linear(self.latent_dim, int(np.prod(self.inner)), bias=False), t.Unflatten(1, self.inner),
            norms[0], t.ReLU(), t.ConvTranspose2d(2 * width, width, 4, 2, 1, bias=False),
            norms[1], t.ReLU(), t.ConvTranspose2d(width, c, 4, 2, 1), t.Tanh(),
        )  # fmt: skip
        self.discriminator = t.Sequential(
            t.Conv2d(c, width, 4, 2, 1), leaky, t.Conv2d(width, 2 * width, 4, 2, 1, bias=False), norms[2], leaky,
            t.Flatten(), t.Linear(int(np.prod(self.inner)), 1),
        )  # fmt: skip
        self.take_weights(model)
        for network in (self.generator, self.discriminator):
            network.to(memory_format=layout)
        self.real = torch.from_numpy(real).permute(0, 3, 1, 2).clone(memory_format=layout)
        options = {"lr": 2e-4, "betas": (0.5, 0.999), "eps": 1e-7, "fused": True}
        self.adams = [torch.optim.Adam(n.parameters(), **options) for n in (self.generator, self.discriminator)]
        self.ones, self.zeros = torch.ones(len(real), 1), torch.zeros(len(real), 1)

    def take_weights(self, model):
        channels, rows, columns = self.inner
        for ours, theirs in ((model.generator, self.generator), (model.discriminator, self.discriminator)):
            for source, target in zip(ours.parameters(), theirs.parameters(), strict=True):
                array = torch.from_numpy(source.data.copy())
                if array.ndim == 4:
                    array = array.permute(3, 2, 0, 1)
                elif array.ndim == 2 and array.shape[1] == 1:  # to the logit, from channels-first pixels
                    array = array.reshape(rows, columns, channels).permute(2, 0, 1).reshape(1, -1)
                elif array.ndim == 2:
                    array = array.reshape(-1, rows, columns, channels).permute(3, 1, 2, 0).reshape(target.shape)
                if array.shape != target.shape:
                    raise AssertionError(f"a weight of torch has shape {target.shape}, ours is {array.shape}")
                target.data.copy_(array)

    def step(self):
        loss = torch.nn.functional.binary_cross_entropy_with_logits
        adam_g, adam_d = self.adams
        fake = self.generator(torch.randn(len(self.real), self.latent_dim))
        adam_d.zero_grad()
        (
            loss(self.discriminator(self.real), self.ones) + loss(self.discriminator(fake.detach()), self.zeros)
        ).backward()
        adam_d.step()
        adam_g.zero_grad()
        self.discriminator.requires_grad_(False)
        loss(self.discriminator(fake), self.ones).backward()
        self.discriminator.requires_grad_(True)
        adam_g.step()


@row("DCGAN step", "28x28x1, width 64, batch 64")
def dcgan_step():
    rng = np.random.default_rng(0)
    real = rng.random((BATCH, 28, 28, 1), dtype=np.float32)
    model = smalti.gan.dcgan((28, 28, 1), latent_dim=100, width=64)
    trainer = smalti.gan.Trainer(model, batch_size=BATCH, rng=0)
    twins = {"torch": None, "torch channels_last": None}
    if torch:
        torch.manual_seed(0)
        twins["torch"] = _TorchGAN(model, real, torch.contiguous_format)
        twins["torch channels_last"] = _TorchGAN(model, real, torch.channels_last)

    def check(losses, theirs):
        if not all(np.isfinite(v) for v in losses.values()):
            raise AssertionError(f"losses {losses}")
        latents = rng.standard_normal((BATCH, model.latent_dim), dtype=np.float32)
        pictures = model.generator(smalti.nn.tensor(latents)).data
        logits = model.discriminator(smalti.nn.tensor(2 * real - 1)).data
        for name in theirs:  # the same weights give the same pictures and logits
            twin = twins[name]
            twin.take_weights(model)
            with torch.no_grad():
                other = twin.generator(torch.from_numpy(latents)).permute(0, 2, 3, 1).numpy()
                other_logits = twin.discriminator(2 * twin.real - 1).numpy()
            if not np.allclose(pictures, other, atol=1e-4) or not np.allclose(logits, other_logits, atol=1e-3):
                raise AssertionError(f"{name} makes other pictures or logits of the same weights")

    peers = {name: twin and twin.step for name, twin in twins.items()}
    return Case(lambda: trainer.step(real), check, peers)


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


@row("segment", "321x481 uint8", method=["hierarchy", "kmeans", "watershed"])
def segment_picture(method):
    image = picture(321, 481)

    def with_libraries():
        lab = color.rgb2lab(image).reshape(-1, 3)
        labels = cluster.KMeans(5, n_init=1, random_state=0).fit_predict(lab).reshape(image.shape[:2])
        return measure.label(labels, background=-1, connectivity=1)

    def check(ours, theirs):
        used = np.unique(ours.labels)
        if ours.labels.shape != image.shape[:2] or not np.array_equal(used, np.arange(ours.n_regions)):
            raise AssertionError(f"labels {used} of {ours.n_regions} regions")

    parts = {"skimage + sklearn": color and measure and cluster and with_libraries} if method == "kmeans" else {}
    return Case(lambda: smalti.segment.segment(image, method), check, parts, unlike=tuple(parts))


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
