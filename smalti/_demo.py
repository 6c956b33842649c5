"""`smalti demo`: both jobs on what the library can draw itself, and a page that shows them."""

import io
import time

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from . import __version__, gan, get_num_threads, warmup
from ._picture import picture
from .gan.page import document, facts_table, inline_png
from .gan.sampling import decode
from .segment import segment
from .segment.files import atomic
from .segment.metrics import covering
from .segment.progress import Progress

# A generator that learns to write SMALTI.
LETTERS = "SMALTI"
STEPS = 800
BATCH_SIZE = 32
LATENT_DIM = 8
SHOWN_STEPS = (0, 25, 50, 100, 200, 400, 600, STEPS)
SHOWN = 12  # samples in a row

NIGHT, GOLD, CREAM = (14, 26, 43), (227, 176, 75), (255, 246, 222)


def run(out, *, steps=STEPS, width=64):
    """Segment the built-in picture, train a small GAN, and leave pictures and ``index.html`` in the folder `out`."""
    out.mkdir(parents=True, exist_ok=True)
    seconds = warmup()
    print(f"ready: kernels compiled or loaded in {seconds:.1f} s")
    image, result, facts = _segment()
    rows, more = _train(steps, width)
    facts.update(more)
    pictures = {
        "picture.png": image,
        "overlay.png": result.overlay(),
        "mosaic.png": result.mosaic(),
        "samples.png": sample_sheet(rows),
    }
    pictures["figure.png"] = figure(*pictures.values())
    encoded = {
        name: encode(pixels, colours=256 if name in ("figure.png", "samples.png") else None)
        for name, pixels in pictures.items()
    }
    encoded["index.html"] = page(encoded, facts).encode()
    for name, content in encoded.items():
        with atomic(out / name) as file:
            file.write(content)
    print(f"look at {out / 'index.html'}")


def _segment():
    """The picture, its segmentation, and the facts for the page."""
    image, truth = picture()
    start = time.perf_counter()
    result = segment(image, "kmeans", n_clusters=12, threshold=0, sigma=1.0, min_size=100, rng=2)
    seconds = time.perf_counter() - start
    score = covering(truth, result.labels)
    h, w = truth.shape
    found = f"{result.n_regions} regions, covering {score:.3f} of the true ones"
    print(f"segmented {w} x {h} pixels in {1000 * seconds:.0f} ms: {found}")
    facts = {
        "picture": f"{w} x {h} pixels",
        "method": "k-means of colours in Lab, 12 clusters",
        "regions found, true": f"{result.n_regions}, {truth.max() + 1}",
        "covering of the true regions": f"{score:.3f} (1 is perfect)",
        "time to segment": f"{1000 * seconds:.0f} ms",
    }
    return image, result, facts


def _train(steps, width):
    """[(step, samples of the same latents)], and the facts for the page."""
    images, labels = gan.glyphs(6_000, characters=LETTERS, warp=0.3)
    model = gan.dcgan((28, 28, 1), latent_dim=LATENT_DIM, width=width)
    trainer = gan.Trainer(model, gan.Dataset(images, labels, "letters"), batch_size=BATCH_SIZE)
    latents = np.random.default_rng(2).standard_normal((SHOWN, LATENT_DIM), dtype=np.float32)
    rows = [(0, decode(model, latents))]
    start = time.perf_counter()
    with Progress(steps, name="training a DCGAN") as bar:
        for step in range(1, steps + 1):
            losses = trainer.step()
            bar.update(step, "  ".join(f"{name} {loss:.2f}" for name, loss in losses.items()))
            if step in SHOWN_STEPS or step == steps:
                rows.append((step, decode(model, latents)))
    seconds = time.perf_counter() - start
    parameters = sum(p.size for network in (model.generator, model.discriminator) for p in network.parameters())
    print(f"trained a DCGAN of {parameters:,} parameters for {steps} steps in {seconds:.1f} s")
    return rows, {
        "network": f"DCGAN, {parameters:,} parameters",
        "training": f"{steps} steps of {BATCH_SIZE} pictures in {seconds:.1f} s",
        "a step": f"{1000 * seconds / steps:.1f} ms",
        "threads": str(get_num_threads()),
    }


# Pictures


def sample_sheet(rows, *, scale=2, gap=3):
    """Samples of the same latents, a row for each step, the step beside it: (H, W, 3) uint8."""
    font = ImageFont.load_default(15)
    margin = 46
    n, h, w = rows[0][1].shape[:3]
    cell_h, cell_w = scale * h + gap, scale * w + gap
    sheet = Image.new("RGB", (margin + n * cell_w, len(rows) * cell_h + gap), NIGHT)
    draw = ImageDraw.Draw(sheet)
    for i, (step, samples) in enumerate(rows):
        top = gap + i * cell_h
        draw.text((margin - 8, top + cell_h // 2), str(step), CREAM, font, anchor="rm")
        for j, sample in enumerate(samples):
            tile = Image.fromarray(tinted(sample[:, :, 0])).resize((scale * w, scale * h), Image.Resampling.BICUBIC)
            sheet.paste(tile, (margin + j * cell_w, top))
    return np.asarray(sheet)


def tinted(gray):
    """(H, W) in [0, 1] as night blue through gold to cream."""
    stops = np.array([(22, 42, 70), GOLD, CREAM], float)
    channels = [np.interp(gray, (0, 0.7, 1), stops[:, k]) for k in range(3)]
    return np.rint(np.stack(channels, axis=-1)).astype(np.uint8)


def figure(image, overlay, mosaic, samples, *, height=256, gap=12):
    """One wide picture: picture, overlay, mosaic, and samples by step, each with its name."""
    font = ImageFont.load_default(17)
    panels = []
    for pixels in (image, overlay, mosaic, samples):
        panel = Image.fromarray(pixels)
        panels.append(panel.resize((round(panel.width * height / panel.height), height), Image.Resampling.LANCZOS))
    width = sum(p.width + gap for p in panels) + gap
    sheet = Image.new("RGB", (width, height + gap + 36), NIGHT)
    draw = ImageDraw.Draw(sheet)
    left = gap
    names = ("a picture", "its regions", "as a mosaic", "a network learns to write")
    for panel, name in zip(panels, names, strict=True):
        sheet.paste(panel, (left, gap))
        draw.text((left + panel.width // 2, height + gap + 18), name, CREAM, font, anchor="mm")
        left += panel.width + gap
    return np.asarray(sheet)


def encode(pixels, *, colours=None):
    """A picture as the bytes of a PNG, with a palette of so many colours if given."""
    image = Image.fromarray(pixels)
    if colours is not None:
        image = image.quantize(colours, Image.Quantize.MAXCOVERAGE, kmeans=3, dither=Image.Dither.NONE)
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


# The page

_BODY = """<div class="quiet">cuts pictures into tiles and learns to lay new ones &middot; version {version}</div>
<h2>A picture, cut into regions</h2>
<div class="row">
{triptych}
</div>
<h2>A network learns to write {letters}</h2>
<figure class="samples"><img alt="samples by step" src="{samples}">
<figcaption>Each column is one latent vector; each row the generator after so many steps.</figcaption></figure>
<h2>Numbers</h2>
{facts}"""


def page(encoded, facts):
    """The page, with its pictures inside."""
    source = {name: inline_png(png) for name, png in encoded.items()}
    names = {"picture.png": "the picture", "overlay.png": "its regions", "mosaic.png": "each region in its mean colour"}
    triptych = "\n".join(
        f'<figure><img alt="{alt}" src="{source[name]}"><figcaption>{alt}</figcaption></figure>'
        for name, alt in names.items()
    )
    body = _BODY.format(
        version=__version__, triptych=triptych, letters=LETTERS, samples=source["samples.png"], facts=facts_table(facts)
    )
    return document("smalti", body)
