"""The page of a run: curves, sample grids by step, interpolation and configuration in one file without anything else.

Curves are drawn here, as SVG; pictures lie in the page itself. The only script moves between the grids.
"""

import base64
import html
import json
import math
from pathlib import Path

from ..segment.files import atomic

EVALUATION = "evaluation.json"  # written by `smalti.gan.evaluate`

_COLOURS = ("#e3b04b", "#6ab7ff", "#f2777a", "#8fd694", "#c39ae8")
_POINTS = 400  # of a curve, at most
_WIDTH, _HEIGHT, _LEFT, _BOTTOM = 640, 240, 56, 24

# What is drawn in one chart, by the names of the records.
_CHARTS = {
    "losses": ("discriminator", "generator"),
    "parts of the discriminator's loss": ("real", "fake", "penalty"),
    "lengths of the gradients": ("discriminator gradient", "generator gradient"),
    "variety of the samples, relative to real pictures": ("spread",),
    "learning rate": ("learning rate",),
}

STYLE = """
  body { margin: 0 auto; max-width: 1500px; padding: 2.5rem 1.5rem; background: #0e1a2b; color: #fff6de;
         font: 1rem/1.5 system-ui, sans-serif; }
  h1 { margin: 0; color: #e3b04b; font-weight: 600; letter-spacing: .04em; }
  h2 { margin: 2.5rem 0 1rem; color: #e3b04b; font-size: 1.2rem; font-weight: 600; }
  .row { display: grid; grid-template-columns: repeat(auto-fit, minmax(300px, 1fr)); gap: 1rem; }
  .wide { grid-template-columns: repeat(auto-fit, minmax(440px, 1fr)); }
  figure { margin: 0; }
  img, svg { width: 100%; border-radius: 6px; display: block; }
  .samples img { max-width: 760px; image-rendering: pixelated; }
  img[hidden] { display: none; }
  input[type=range] { width: 100%; max-width: 760px; margin: 0 0 .8rem; accent-color: #e3b04b; }
  figcaption, .quiet { padding-top: .4rem; color: #b9c4d3; }
  .warning { padding: .6rem 1rem; border-left: 4px solid #f2777a; background: #2a2233; }
  table { border-collapse: collapse; }
  td, th { padding: .2rem 1.5rem .2rem 0; text-align: left; font-weight: 400; }
  td:first-child, th { color: #b9c4d3; }
  svg { background: #16263d; }
  svg text { fill: #b9c4d3; font: 11px system-ui, sans-serif; }
"""

_SLIDER = """
  const slider = document.getElementById("step"), grids = document.querySelectorAll("#grids img");
  function show() {
    grids.forEach((grid, i) => { grid.hidden = i != slider.value; });
    document.getElementById("shown").textContent = "step " + grids[slider.value].dataset.step;
  }
  slider.addEventListener("input", show);
  show();
"""


def write_page(run, config, records):
    """Write ``index.html`` of a run from what else lies in its folder.

    Parameters
    ----------
    run : Path
    config : dict
    records : list of dict
        Those of `smalti.gan.metrics`.
    """
    steps = records[-1]["step"] if records else 0
    parts = [f'<div class="quiet">{html.escape(str(run.resolve()))} &middot; {steps} steps</div>']
    parts += [
        f'<p class="warning">step {r["step"]}: {html.escape(r["warning"])}</p>' for r in records if "warning" in r
    ]
    parts += [
        _grids(sorted((run / "samples").glob("*.png"), key=lambda path: int(path.stem))),
        _interpolation(run / "interpolation.png"),
    ]
    parts.append(_evaluation(run / EVALUATION))
    charts = [
        chart(title, {name: [(r["step"], r[name]) for r in records if name in r] for name in names})
        for title, names in _CHARTS.items()
    ]
    parts.append('<h2>Curves</h2><div class="row wide">' + "\n".join(filter(None, charts)) + "</div>")
    parts.append("<h2>Configuration</h2>" + facts_table(config))
    with atomic(run / "index.html") as file:
        file.write(document(run.resolve().name, "\n".join(filter(None, parts))).encode())


def document(title, body):
    """A whole page."""
    return (
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(title)}</title>\n<style>{STYLE}</style>\n<h1>{html.escape(title)}</h1>\n{body}\n</html>\n"
    )


def inline_png(png):
    """The bytes of a PNG as the source of an image."""
    return "data:image/png;base64," + base64.b64encode(png).decode()


def facts_table(facts):
    """Names and values, those of nested dicts under both names."""
    flat = {}
    for key, value in facts.items():
        flat |= {f"{key}: {k}": v for k, v in value.items()} if isinstance(value, dict) else {key: value}
    rows = (f"<tr><td>{html.escape(str(k))}</td><td>{html.escape(str(v))}</td></tr>" for k, v in flat.items())
    return "<table>\n" + "\n".join(rows) + "\n</table>"


def chart(title, series):
    """A chart of curves, by name [(step, value)], as an SVG in a figure; nothing if nothing ever changes."""
    series = {name: points[:: -(-len(points) // _POINTS)] for name, points in series.items() if points}
    xs = [x for points in series.values() for x, _ in points]
    ys = [y for points in series.values() for _, y in points]
    if len(set(ys)) < 2:
        return ""
    left, right = min(xs), max(max(xs), min(xs) + 1)
    low, high = min(0.0, *ys), max(ys)

    def at(x, y):
        return (
            _LEFT + (x - left) / (right - left) * (_WIDTH - _LEFT - 12),
            8 + (high - y) / (high - low) * (_HEIGHT - _BOTTOM - 8),
        )

    drawn = []
    for y in _ticks(low, high):
        _, row = at(left, y)
        drawn.append(f'<path d="M{_LEFT} {row:.1f}H{_WIDTH - 12}" stroke="#2b3e59"/>')
        drawn.append(f'<text x="{_LEFT - 6}" y="{row + 4:.1f}" text-anchor="end">{y:g}</text>')
    for x in _ticks(left, right):
        column, _ = at(x, low)
        drawn.append(f'<text x="{column:.1f}" y="{_HEIGHT - 8}" text-anchor="middle">{x:g}</text>')
    names = []
    for (name, points), colour in zip(series.items(), _COLOURS, strict=False):
        line = "L".join("{:.1f} {:.1f}".format(*at(x, y)) for x, y in points)
        drawn.append(f'<path d="M{line}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        names.append(f'<span style="color:{colour}">{html.escape(name)}</span>')
    caption = html.escape(title) + ("" if len(names) == 1 else ": " + ", ".join(names))
    svg = f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{html.escape(title)}">' + "".join(drawn)
    return f"<figure>{svg}</svg><figcaption>{caption}</figcaption></figure>"


def _ticks(low, high):
    """Round numbers from low to high, about five of them."""
    step = 10 ** math.floor(math.log10((high - low) / 4))
    step *= next(f for f in (1, 2, 5, 10) if f * step * 5 >= high - low)
    first = math.ceil(low / step - 1e-9)
    return [round(k * step, 12) for k in range(first, math.floor(high / step + 1e-9) + 1)]


def _grids(paths):
    """The sample grids, of which a slider shows one."""
    if not paths:
        return ""
    last = len(paths) - 1
    images = "\n".join(
        f'<img alt="samples after {int(path.stem)} steps" data-step="{int(path.stem)}" '
        f'src="{inline_png(path.read_bytes())}"{"" if i == last else " hidden"}>'
        for i, path in enumerate(paths)
    )
    return (
        f'<h2>Samples, always of the same latents</h2>\n<figure class="samples">\n'
        f'<input type="range" id="step" min="0" max="{last}" value="{last}" aria-label="step">\n'
        f'<div id="grids">\n{images}\n</div>\n<figcaption id="shown">step {int(paths[last].stem)}</figcaption>\n'
        f"</figure>\n<script>{_SLIDER}</script>"
    )


def _interpolation(path: Path):
    """The picture of ways between latents."""
    if not path.exists():
        return ""
    image = f'<img alt="interpolation" src="{inline_png(path.read_bytes())}">'
    return f'<h2>On the way from one to another</h2>\n<figure class="samples">{image}</figure>'


def _evaluation(path: Path):
    """Each measure beside its floor."""
    if not path.exists():
        return ""
    evaluation = json.loads(path.read_text())
    rows = (
        f"<tr><td>{html.escape(name)}</td><td>{measure['value']:.4g}</td><td>{measure['floor']:.4g}</td></tr>"
        for name, measure in evaluation["measures"].items()
    )
    head = "<tr><th></th><th>samples</th><th>real pictures</th></tr>"
    return f"<h2>Evaluation after step {evaluation['step']}</h2>\n<table>\n{head}\n" + "\n".join(rows) + "\n</table>"
