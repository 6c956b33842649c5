"""The command ``python -m benchmarks [NAME...] [--size HxW...] [--threads N...] [--seconds S]``; --help tells more.

Alone: ``bsds`` for segmentations against those of people, ``samples`` for digits that GANs draw, ``scaling`` for how
time grows with pictures, ``--pictures`` for a contact sheet of every filter.
"""

import argparse
import itertools
import json
import os
import platform
import statistics
import sys
import tempfile
import traceback
from importlib import metadata
from pathlib import Path

README = Path(__file__).resolve().parent.parent / "README.md"
BEGIN, END = "<!-- benchmarks: written by `python -m benchmarks --report` -->", "<!-- end of benchmarks -->"
PEERS = ("torch", "opencv-python-headless", "scikit-image", "scikit-learn", "scipy")


def main():
    arguments = _parser().parse_args()
    if arguments.names == ["bsds"]:
        from . import bsds

        return bsds.main(arguments.data, arguments.first)
    if arguments.names == ["samples"]:
        from . import samples

        return samples.main(arguments.data, arguments.first, arguments.json)
    if arguments.names[:1] == ["scaling"]:
        from . import scaling

        return scaling.main(arguments.names[1:], arguments.size, arguments.threads)
    if arguments.pictures:
        from . import pictures

        return pictures.main(arguments.image, arguments.out)
    with tempfile.TemporaryDirectory(prefix="smalti-benchmark-") as cache:
        os.environ["NUMBA_CACHE_DIR"] = cache  # an empty one, so that first calls compile
        # Idle threads of OpenBLAS spin for 2^28 cycles unless told otherwise, and would slow down whoever comes next.
        os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "20")
        return run(arguments)


def _parser():
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Verify and time smalti and its peers.")
    parser.add_argument(
        "names", metavar="NAME", nargs="*", help="rows or groups (default: all); or bsds, samples; or scaling and rows"
    )
    parser.add_argument(
        "--size", metavar="HxW", type=_size, nargs="+",
        help="of the pictures, for the rows of filters, colours, geometry, morphology and regions (default: 1024x1536;"
        " for scaling four sizes)",
    )  # fmt: skip
    parser.add_argument("--threads", metavar="N", type=int, nargs="+", help="thread counts (default: all cores)")
    parser.add_argument("--seconds", metavar="S", type=float, default=3, help="time for each row (default: 3)")
    parser.add_argument("--json", metavar="FILE", help="write all measurements there")
    parser.add_argument("--data", metavar="FOLDER", help="for bsds pictures and what people drew; for samples MNIST")
    parser.add_argument("--first", metavar="N", type=int, help="only the first N pictures, for bsds and samples")
    parser.add_argument("--pictures", action="store_true", help="only draw what every filter makes of a picture")
    parser.add_argument("--image", metavar="FILE", help="that picture (default: the built-in one)")
    parser.add_argument("-o", "--out", metavar="DIR", default=".", help="folder of the drawing (default: this one)")
    parser.add_argument("--report", action="store_true", help="write the table into README.md")
    return parser


def _size(text):
    height, width = map(int, text.split("x"))
    if height < 1 or width < 1:
        raise ValueError(text)
    return height, width


def run(arguments):
    from . import (  # noqa: F401  they register their rows
        colour,
        filters,
        gans,
        geometry,
        graphs,
        jobs,
        layers,
        morphology,
        networks,
        parallel,
        regions,
        scores,
    )
    from .harness import ROWS, USUAL, measure, set_threads

    known = {name for row in ROWS for name in (row.group, row.name)}
    if unknown := set(arguments.names) - known:
        print(f"no row or group {', '.join(sorted(unknown))}; there are: {', '.join(sorted(known))}", file=sys.stderr)
        return 2
    chosen = [
        one
        for row in ROWS
        if not arguments.names or {row.group, row.name} & set(arguments.names)
        for one in ([row.at(*size) for size in arguments.size or [USUAL]] if row.sized else [row])
    ]
    hardware = describe()
    print(hardware, flush=True)
    if hasattr(os, "getloadavg") and os.getloadavg()[0] > 0.5:
        print(f"note: the machine is not idle, its load is {os.getloadavg()[0]:.1f}", flush=True)
    results, failures = [], 0
    import smalti

    for threads in arguments.threads or [smalti.get_num_threads()]:
        set_threads(threads)
        print(f"\n{threads} thread{'s' * (threads > 1)}", flush=True)
        for _, family in itertools.groupby(chosen, key=lambda row: row.group):
            of_family = []
            for row in family:
                try:
                    result = measure(row, arguments.seconds)
                except Exception as error:
                    failures += 1
                    text = traceback.format_exception_only(error)[-1].strip()
                    result = {
                        "group": row.group, "name": row.name, "detail": row.detail, "threads": threads, "error": text
                    }  # fmt: skip
                of_family.append(result)
                print(line(result), flush=True)
            for name, n, mean, means in geometric_means(of_family):
                apart = ", ".join(f"{peer} {value:.2f}" for peer, value in means.items())
                print(f"{name}, geometric mean of {n} ratios: {mean:.2f}x the best peer; {apart}", flush=True)
            results += of_family
    if arguments.json:
        Path(arguments.json).write_text(json.dumps({"machine": hardware, "rows": results}, indent=1), encoding="utf-8")
    if arguments.report:
        write_report(hardware, results)
    if failures:
        print(f"{failures} rows failed", file=sys.stderr)
    return 1 if failures else 0


def describe():
    """The machine and the versions, in two lines."""
    from smalti.kernels import _simd
    from smalti.kernels._parallel import _available_cores

    model = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(text.partition(":")[2].strip() for text in lines if text.startswith("model name"))
    except (OSError, StopIteration):
        pass
    versions = [f"Python {platform.python_version()}"]
    for name in ("smalti", "numba", "numpy", *PEERS):
        try:
            versions.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            versions.append(f"{name} missing")
    return f"{model}, {_available_cores()} cores, {_simd.WIDTH}-bit vectors, {platform.system()}\n{', '.join(versions)}"


def line(result):
    """One row for the terminal."""
    name = f"{result['name']} {result['detail']}"
    if "error" in result:
        return f"{name:58} FAILED {result['error']}"
    parts = []
    for contestant, times in result["times"].items():
        like = "~" if contestant in result["unlike"] else ""
        spread = (times["high"] - times["low"]) / times["median"]
        memory = f" {result['memory'][contestant]:.3g} B/pixel" if result["memory"] else ""
        time = f"{duration(times['median'])} ±{spread / 2:.0%}"
        parts.append(f"{like}{contestant} {time}{rate(result, contestant)}{memory}")
    parts += [f"{peer} missing" for peer in result["missing"]]
    ratio = f"{result['ratio']:6.2f}x" if result["ratio"] else "     - "
    share = f" {shares(result)}" if result["limits"] else ""
    return f"{name:58} {ratio}{share}  {'  '.join(parts)}  [first call {duration(result['first_call'])}]"


def shares(result):
    """What we reach of the machine's limits."""
    return ", ".join(f"{share:.0%} of {limit}" for limit, share in result["limits"].items())


def rate(result, contestant):
    flops = result["flops"]
    return f" {flops / result['times'][contestant]['median'] / 1e9:.0f} GFLOP/s" if flops else ""


def duration(seconds):
    for unit, scale in (("s", 1), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"


def geometric_means(family):
    """(name, how many, mean ratio to the best peer, {peer: mean ratio}) of each name's rows, then of the family's."""
    compared = [result for result in family if result.get("ratio")]
    names = list(dict.fromkeys(result["name"] for result in compared))
    for title in names + [family[0]["group"]] * (len(names) > 1):
        rows = [result for result in compared if title in (result["name"], result["group"])]
        if len(rows) < 2:
            continue
        ratios = {}
        for result in rows:
            ours, *others = ((name, times["median"]) for name, times in result["times"].items())
            for peer, time in others:
                ratios.setdefault(peer, []).append(time / ours[1])
        means = {peer: statistics.geometric_mean(r) for peer, r in ratios.items()}
        yield title, len(rows), statistics.geometric_mean([r["ratio"] for r in rows]), means


def write_report(hardware, results):
    """Put the table between the two marks in the README."""
    text = README.read_text(encoding="utf-8")
    before, mark, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not mark or not end:
        raise SystemExit(f"README.md needs the lines\n{BEGIN}\n{END}")
    lines = [
        "", f"{hardware.replace(chr(10), '; ')}.", "",
        "How many times as fast as the best peer, by medians: the geometric mean over the rows of a name, and the least"
        " and greatest. ~ marks a peer that does something similar, not the same, and is compared with only where none"
        " does the same; the last column has the ratios over it, for each number of threads.", "",
        *summary(results), "",
        "<details>", "", "<summary>Every row</summary>", "",
        "B/pixel: by how much a call makes the process grow at the most, its result included.", "",
        "| | threads | smalti | best peer | ratio | B/pixel | best peer's | of the machine's limits | first call |",
        "|-|-:|-:|-:|-:|-:|-:|-:|-:|", *map(_report_line, results), "", "</details>", "", "",
    ]  # fmt: skip
    README.write_text(before + mark + "\n".join(lines) + end + after, encoding="utf-8")


def summary(results):
    """A table with one line for each name: its ratios over the best peers, for each number of threads."""
    counts = list(dict.fromkeys(result["threads"] for result in results))
    compared = [result for result in results if result.get("ratio")]
    table = ["| | rows | " + " | ".join(f"{n} thread{'s' * (n > 1)}" for n in counts) + " | peers | over ~similar |"]
    table.append("|-|-:|" + "-:|" * len(counts) + "-|-|")
    for name in dict.fromkeys(result["name"] for result in compared):
        rows = [result for result in compared if result["name"] == name]
        of = [[row for row in rows if row["threads"] == n] for n in counts]
        cells = [_spread([row["ratio"] for row in some]) for some in of]
        peers = dict.fromkeys(("~" if r["best_peer"] in r["unlike"] else "") + r["best_peer"] for r in rows)
        similar = [[_over_similar(row) for row in some if row["unlike"]] for some in of]
        over = ", ".join(f"{statistics.geometric_mean(ratios):.2f}" for ratios in similar if ratios)
        whom = ", ".join(dict.fromkeys(peer for row in rows for peer in row["unlike"]))
        row = [f"`{name}`", str(max(map(len, of))), *cells, ", ".join(peers), f"{over} {whom}".strip()]
        table.append(f"| {' | '.join(row)} |")
    return table


def _spread(ratios):
    if not ratios:
        return ""
    cell = f"{statistics.geometric_mean(ratios):.2f}"
    return cell + (f" ({min(ratios):.2f} to {max(ratios):.2f})" if len(ratios) > 1 else "")


def _over_similar(result):
    """The ratio over the fastest of the peers that do not do the same."""
    times = {peer: t["median"] for peer, t in result["times"].items()}
    return min(times[peer] for peer in result["unlike"]) / times["smalti"]


def _report_line(result):
    name = f"`{result['name']}` {result['detail']}"
    if "error" in result:
        return f"| {name} | {result['threads']} | failed | | | | | | |"
    times = {peer: t["median"] for peer, t in result["times"].items()}
    best, memory = result["best_peer"], {peer: f"{m:.3g}" for peer, m in result["memory"].items()}
    rivals = [] if best in result["unlike"] or not best else [f"{duration(times[best])} ({best})"]
    if result["unlike"]:
        similar = min(result["unlike"], key=times.__getitem__)
        rivals.append(f"{duration(times[similar])} (~{similar})")
    rival = ", ".join(rivals) or "none" + " installed" * bool(result["missing"])
    cells = [
        name, result["threads"], duration(times["smalti"]) + rate(result, "smalti"), rival,
        f"{result['ratio']:.2f}" if best else "", memory.get("smalti", ""), memory.get(best, ""),
        shares(result), duration(result["first_call"]),
    ]  # fmt: skip
    return f"| {' | '.join(map(str, cells))} |"


if __name__ == "__main__":
    sys.exit(main())
