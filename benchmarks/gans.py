"""Training steps of GANs against the same networks in torch, eager and compiled: time, and memory at the peak.

``python -m benchmarks gans`` compares; ``python -m benchmarks.gans [THREADS]`` tells where the time of a step goes.
"""

import collections
import math
import shutil
import sys
import time

import numpy as np

import smalti
from smalti import gan, nn
from smalti.kernels import _parallel

from .harness import Case, peak_memory, peer, row, set_threads

torch = peer("torch")

# N, H, W, C
PICTURES = [(64, 28, 28, 1), (32, 64, 64, 3)]


def _torch_layer(layer):
    """The same layer in torch, with other weights."""
    t, shape = torch.nn, layer.input_shape
    if isinstance(layer, nn.Dense):
        return t.Linear(shape[0], layer.units, bias=layer.use_bias)
    if isinstance(layer, (nn.Conv2D, nn.Conv2DTranspose)):
        kind = t.Conv2d if isinstance(layer, nn.Conv2D) else t.ConvTranspose2d
        # "same" is as many zeros on each side, for kernels as much larger than the stride as these
        padding = 0 if layer.padding == "valid" else (layer.kernel_size[0] - layer.strides[0]) // 2
        return kind(shape[2], layer.filters, layer.kernel_size, layer.strides, padding, bias=layer.use_bias)
    if isinstance(layer, nn.BatchNorm):
        return (t.BatchNorm2d if len(shape) == 3 else t.BatchNorm1d)(shape[-1], eps=layer.epsilon)
    if isinstance(layer, nn.Reshape):
        rows, columns, channels = layer.target_shape
        return t.Unflatten(1, (channels, rows, columns))
    if isinstance(layer, nn.ReLU):
        return t.ReLU()
    if isinstance(layer, nn.LeakyReLU):
        return t.LeakyReLU(layer.negative_slope)
    return {nn.Tanh: t.Tanh, nn.Sigmoid: t.Sigmoid, nn.Flatten: t.Flatten}[type(layer)]()


class TorchGAN:
    """The same networks and step in torch, with a fused Adam and no gradients that the step does not use."""

    def __init__(self, model, real, layout, compiled=False):
        self.latent_dim, self.model, self.layout = model.latent_dim, model, layout
        self.networks = [
            torch.nn.Sequential(*map(_torch_layer, network.layers)).to(memory_format=layout)
            for network in (model.generator, model.discriminator)
        ]
        self.take_weights()
        self.generator, self.discriminator = map(torch.compile, self.networks) if compiled else self.networks
        self.take_pictures(real)
        options = {"lr": 2e-4, "betas": (0.5, 0.999), "eps": 1e-7, "fused": True}
        self.adams = [torch.optim.Adam(network.parameters(), **options) for network in self.networks]
        self.ones, self.zeros = torch.ones(len(real), 1), torch.zeros(len(real), 1)

    def take_weights(self):
        for ours, theirs in zip((self.model.generator, self.model.discriminator), self.networks, strict=True):
            state = nn.exchange.to_torch(ours)
            theirs.load_state_dict({key: torch.from_numpy(value) for key, value in state.items()})

    def take_pictures(self, real):
        self.real = torch.from_numpy(self.model.to_networks(real)).permute(0, 3, 1, 2).clone(memory_format=self.layout)

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
        self.networks[1].requires_grad_(False)
        loss(self.discriminator(fake), self.ones).backward()
        self.networks[1].requires_grad_(True)
        adam_g.step()


def _step(model, batch):
    """Our step, and its batch."""
    real = np.random.default_rng(0).random((batch, *model.image_shape), dtype=np.float32)
    trainer = gan.Trainer(model, batch_size=batch, rng=0)
    return lambda: trainer.step(real), real


def _case(model, batch):
    ours, real = _step(model, batch)
    twins = {"torch": None, "torch channels_last": None, "torch.compile": None}
    if torch:
        torch.manual_seed(0)
        twins["torch"] = TorchGAN(model, real, torch.contiguous_format)
        twins["torch channels_last"] = TorchGAN(model, real, torch.channels_last)
        if shutil.which("c++"):
            twins["torch.compile"] = TorchGAN(model, real, torch.contiguous_format, compiled=True)

    def check(losses, theirs):
        if not all(np.isfinite(v) for v in losses.values()):
            raise AssertionError(f"losses {losses}")
        latents = np.random.default_rng(1).standard_normal((batch, model.latent_dim), dtype=np.float32)
        pictures = model.generator(nn.tensor(latents)).data
        logits = model.discriminator(nn.tensor(model.to_networks(real))).data
        for name in theirs:  # the same weights give the same pictures and logits
            twin = twins[name]
            twin.take_weights()
            with torch.no_grad():
                other = twin.networks[0](torch.from_numpy(latents)).permute(0, 2, 3, 1).numpy()
                other_logits = twin.networks[1](twin.real).numpy()
            if not np.allclose(pictures, other, atol=1e-4) or not np.allclose(logits, other_logits, atol=1e-3):
                raise AssertionError(f"{name} makes other pictures or logits of the same weights")
        if sys.platform == "linux":
            _check_memory(ours, {name: twins[name].step for name in theirs})

    return Case(ours, check, {name: twin and twin.step for name, twin in twins.items()})


def _check_memory(ours, theirs):
    peaks = {name: peak_memory(call) for name, call in theirs.items()}
    peak, least = peak_memory(ours), min(peaks, key=peaks.__getitem__, default=None)
    if least and peak > peaks[least]:
        raise AssertionError(f"a step takes {peak / 1e6:.0f} MB, one of {least} only {peaks[least] / 1e6:.0f} MB")


@row("DCGAN step", "width 64", pictures=PICTURES)
def dcgan_step(pictures):
    return _case(gan.dcgan(pictures[1:], width=64), pictures[0])


@row("MLP GAN step", pictures=PICTURES[:1])
def mlp_step(pictures):
    return _case(gan.mlp(pictures[1:]), pictures[0])


def kernel_times(call, rounds=10):
    """By kernel, its seconds and launches within one of these calls; "all else" is Python and NumPy."""
    seconds, launches = collections.Counter(), collections.Counter()
    run = _parallel._pool.run

    def timed(run_chunks, *arguments):
        start = time.perf_counter()
        run(run_chunks, *arguments)
        function = run_chunks.py_func
        name = f"{function.__module__.rpartition('.')[2]}.{function.__name__}"
        seconds[name] += time.perf_counter() - start
        launches[name] += 1

    call()
    _parallel._pool.run = timed
    try:
        start = time.perf_counter()
        for _ in range(rounds):
            call()
        total = time.perf_counter() - start
    finally:
        _parallel._pool.run = run
    seconds["all else"] = total - sum(seconds.values())
    return {name: (spent / rounds, launches[name] / rounds) for name, spent in seconds.most_common()}


def main(threads):
    set_threads(threads)
    models = {f"DCGAN {shape}": (gan.dcgan(shape[1:], width=64), shape[0]) for shape in PICTURES}
    models[f"MLP GAN {PICTURES[0]}"] = gan.mlp(PICTURES[0][1:]), PICTURES[0][0]
    for title, (model, batch) in models.items():
        times = kernel_times(_step(model, batch)[0])
        total = math.fsum(spent for spent, _ in times.values())
        print(f"\n{title}: {1e3 * total:.1f} ms a step on {threads} thread(s)\n\n| kernel | ms | share | launches |")
        print("|-|-:|-:|-:|")
        for name, (spent, launches) in times.items():
            print(f"| `{name}` | {1e3 * spent:.2f} | {spent / total:.1%} | {launches:.0f} |")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else smalti.get_num_threads())
