"""A page on which the number of regions of a picture is chosen by hand, with nothing to load from elsewhere."""

import base64
import html
import io
import json

import numpy as np
from PIL import Image

MOST_REGIONS = 500


def explore_page(tree, *, title="regions"):
    """An HTML page that shows every cut of a `MergeTree`, from 1 to 500 regions: slider, overlay, mosaic, facts.

    Parameters
    ----------
    tree : MergeTree
    title : str

    Returns
    -------
    str
        The page, self-contained: the picture and the 500 regions as PNG, the merges as JSON.
    """
    finest = tree.cut(n_regions=MOST_REGIONS)
    n = finest.n_regions
    # The finest regions shown are the results of the tree's first merges; the rest of them is what the page replays.
    merges = tree.merges
    skipped = merges.n_regions - n
    shown = _shown_nodes(tree, finest)
    number = {node: k for k, node in enumerate(shown)}
    replayed = []
    for i in range(skipped, len(merges.pairs)):
        number[merges.n_regions + i] = n + len(replayed)
        replayed.append([number[int(node)] for node in merges.pairs[i]])
    table = finest.regions()
    labels = finest.labels + 1  # 0 is no region
    coded = np.stack([labels & 255, labels >> 8, np.zeros_like(labels)], axis=-1).astype(np.uint8)
    facts = {
        "n": n,
        "merges": replayed,
        "heights": np.round(merges.heights[skipped:], 4).tolist(),
        "area": table["area"].tolist(),
        "color": np.rint(table["mean_color"] * 255).astype(int).tolist(),
        "start": max(1, min(n, tree.cut().n_regions)),
    }
    return _PAGE.format(
        title=html.escape(title),
        picture=_data(tree.image),
        labels=_data(coded),
        facts=json.dumps(facts, separators=(",", ":")),
        least=max(1, n - len(replayed)),
        most=n,
        start=facts["start"],
    )


def _shown_nodes(tree, finest):
    """The node of the merge tree that each of the finest regions shown is."""
    merges = tree.merges
    skipped = merges.n_regions - finest.n_regions
    parent = np.arange(merges.n_regions + skipped)
    for i, (a, b) in enumerate(merges.pairs[:skipped].tolist()):
        parent[a] = parent[b] = merges.n_regions + i
    for k in range(len(parent) - 1, -1, -1):
        parent[k] = parent[parent[k]]
    inside = tree.labels >= 0
    shown = np.empty(finest.n_regions, int)
    shown[finest.labels[inside]] = parent[tree.labels[inside]]
    return shown.tolist()


def _data(pixels):
    if pixels.dtype != np.uint8:
        pixels = np.rint(pixels * 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
  body {{ margin: 0 auto; max-width: 1500px; padding: 1.5rem; background: #0e1a2b; color: #fff6de;
         font: 1rem/1.5 system-ui, sans-serif; }}
  h1 {{ margin: 0 0 1rem; color: #e3b04b; font-size: 1.4rem; font-weight: 600; }}
  .row {{ display: grid; grid-template-columns: repeat(auto-fit, minmax(320px, 1fr)); gap: 1rem; }}
  canvas {{ width: 100%; border-radius: 6px; display: block; cursor: crosshair; }}
  label {{ display: flex; gap: 1rem; align-items: center; margin: 1rem 0; }}
  input {{ flex: 1; accent-color: #e3b04b; }}
  output {{ min-width: 9rem; text-align: right; font-variant-numeric: tabular-nums; }}
  #facts {{ min-height: 1.6rem; color: #b9c4d3; font-variant-numeric: tabular-nums; }}
</style>
<h1>{title}</h1>
<label>regions <input id="slider" type="range" min="0" max="1000" value="0"><output id="count"></output></label>
<div class="row"><canvas id="overlay"></canvas><canvas id="mosaic"></canvas></div>
<p id="facts">Point at a region.</p>
<script>
const data = {facts}, least = {least}, most = {most};
const load = source => new Promise(done => {{ const i = new Image(); i.onload = () => done(i); i.src = source; }});
const pixels = image => {{
  const c = document.createElement("canvas");
  c.width = image.width; c.height = image.height;
  const context = c.getContext("2d", {{ willReadFrequently: true }});
  context.drawImage(image, 0, 0);
  return context.getImageData(0, 0, c.width, c.height);
}};
const slider = document.getElementById("slider"), overlay = document.getElementById("overlay");
const mosaic = document.getElementById("mosaic"), facts = document.getElementById("facts");
let picture, leaf, root = [], area = [], color = [];
// The slider is logarithmic: few regions deserve as much room as many.
const toCount = v => Math.round(least * Math.pow(most / least, v / 1000));
const toSlider = n => most > least ? Math.round(1000 * Math.log(n / least) / Math.log(most / least)) : 0;
function cut(n) {{
  const done = Math.min(data.merges.length, data.n - n), parent = [];
  area = data.area.slice(); color = data.color.map(c => c.slice());
  for (let i = 0; i < data.n + done; i++) parent.push(i);
  for (let i = 0; i < done; i++) {{
    const [a, b] = data.merges[i], t = area[a] + area[b];
    parent[a] = parent[b] = data.n + i;
    area.push(t);
    color.push(color[a].map((v, k) => (v * area[a] + color[b][k] * area[b]) / t));
  }}
  for (let i = parent.length - 1; i >= 0; i--) parent[i] = parent[parent[i]];
  root = parent;
  const {{ width: w, height: h }} = picture, o = new ImageData(w, h), m = new ImageData(w, h);
  const at = new Int32Array(w * h);
  for (let p = 0; p < w * h; p++) at[p] = leaf[p] < 0 ? -1 : root[leaf[p]];
  for (let p = 0; p < w * h; p++) {{
    const x = p % w;
    const line = (x + 1 < w && at[p + 1] !== at[p]) || (p + w < w * h && at[p + w] !== at[p]);
    const mean = at[p] < 0 ? [40, 38, 36] : color[at[p]];
    for (let k = 0; k < 3; k++) {{
      o.data[4 * p + k] = line ? [255, 217, 89][k] : picture.data[4 * p + k];
      m.data[4 * p + k] = line ? 0.35 * mean[k] + 26 : mean[k];
    }}
    o.data[4 * p + 3] = m.data[4 * p + 3] = 255;
  }}
  overlay.getContext("2d").putImageData(o, 0, 0);
  mosaic.getContext("2d").putImageData(m, 0, 0);
  const height = done ? data.heights[done - 1] : 0;
  document.getElementById("count").textContent = `${{n}}, above ${{height.toFixed(3)}}`;
}}
function tell(event) {{
  const box = event.target.getBoundingClientRect();
  const x = Math.min(picture.width - 1, Math.floor((event.clientX - box.left) / box.width * picture.width));
  const y = Math.min(picture.height - 1, Math.floor((event.clientY - box.top) / box.height * picture.height));
  const r = leaf[y * picture.width + x] < 0 ? -1 : root[leaf[y * picture.width + x]];
  if (r < 0) {{ facts.textContent = `row ${{y}}, column ${{x}}: no region`; return; }}
  const part = 100 * area[r] / (picture.width * picture.height), c = color[r].map(Math.round);
  const size = `${{area[r]}} pixels (${{part.toFixed(2)}} %)`;
  facts.textContent = `row ${{y}}, column ${{x}}: ${{size}}, mean colour ${{c.join(" ")}}`;
}}
Promise.all([load("{picture}"), load("{labels}")]).then(([p, l]) => {{
  picture = pixels(p);
  const coded = pixels(l).data;
  leaf = new Int32Array(p.width * p.height);
  for (let i = 0; i < leaf.length; i++) leaf[i] = coded[4 * i] + 256 * coded[4 * i + 1] - 1;
  for (const c of [overlay, mosaic]) {{ c.width = p.width; c.height = p.height; c.onmousemove = tell; }}
  slider.value = toSlider({start});
  slider.oninput = () => cut(toCount(+slider.value));
  cut({start});
  document.body.dataset.ready = "yes";
}});
</script>
</html>
"""
