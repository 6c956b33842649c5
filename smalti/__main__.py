"""The `smalti` command. Exit status: 0 done, 1 the job failed, 2 wrong usage, 130 stopped by Ctrl-C."""

import argparse
import sys
import warnings
from pathlib import Path

from . import __version__

MODELS = ("dcgan", "cgan", "mlp")
OBJECTIVES = ("non-saturating", "minimax", "hinge", "least-squares", "wgan-gp", "r1")
PENALISED = ("wgan-gp", "r1")
SCHEDULES = ("constant", "linear", "cosine")
AUGMENTATIONS = ("flip", "shift", "colour")
METHODS = ("hierarchy", "kmeans", "dbscan", "watershed", "felzenszwalb", "slic", "classic")
DEFAULT_STEPS = 2000
REGIONS = "regions:"
WRITE = ("labels", "overlay", "mosaic", "contours", "table", "explore", "steps")


def main(argv=None):
    """Run the command with these arguments (those of the process if None); returns the exit status."""
    arguments = _parser().parse_args(argv)
    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *_, **__: _say(arguments, f"warning: {message}")
        return _run(arguments)


def _run(arguments):
    try:
        if arguments.threads is not None:
            from . import set_num_threads

            set_num_threads(arguments.threads)
        if arguments.run in (segment, train, generate, evaluate) and sys.stderr.isatty():
            _announce_compilation(arguments)
        return arguments.run(arguments) or 0
    except KeyboardInterrupt as stopped:
        return _fail(arguments, str(stopped) or "stopped", 130)
    except OSError as error:
        return _fail(arguments, f"{error.filename}: {error.strerror}" if error.filename else str(error), 1)
    except MemoryError as error:
        return _fail(arguments, f"not enough memory: {error}", 1)
    except (ValueError, ArithmeticError) as error:
        return _fail(arguments, str(error), 1)


def _announce_compilation(arguments):
    """Tell who waits why, where nothing has been compiled yet."""
    from .kernels import _jit

    directory = _jit.cache_directory()
    if _jit.JIT and (directory is None or not directory.exists()):
        _say(arguments, "the first run compiles the kernels, which takes a minute")


def _fail(arguments, message, status):
    _say(arguments, message)
    return status


def _say(arguments, message):
    """One line on stderr, in the place of a progress bar if there is one."""
    erase = "\r\x1b[K" if sys.stderr.isatty() else ""
    name, message = arguments.command, " ".join(str(message).split())
    print(f"{erase}smalti {name}: {message.removeprefix(f'{name}: ')}", file=sys.stderr)


# The subcommands. What is heavy to import is imported inside them, so that --help is quick.


def demo(arguments):
    from ._demo import run

    run(arguments.out)


def segment(arguments):
    from .segment import segment_files

    options = {}
    if arguments.regions is not None:
        options["n_regions"] = arguments.regions
    if arguments.threshold is not None:
        options["threshold"] = arguments.threshold
    if arguments.features is not None:
        options["features"] = arguments.features
    write = list(dict.fromkeys(arguments.write + ["explore"] * arguments.explore))
    try:
        results = segment_files(
            arguments.images, arguments.out, method=arguments.method, write=write, jobs=arguments.jobs,
            redo=arguments.redo, progress=len(arguments.images) > 1 or Path(arguments.images[0]).is_dir(), **options,
        )  # fmt: skip
    except TypeError as error:  # options that exclude each other, or that the method does not have
        raise ValueError(str(error)) from None
    status = 0
    for path, n_regions, failure in results:
        if failure is not None:
            status = _fail(arguments, failure, 1)
        elif n_regions is None:
            print(f"{path}: done before; --redo does it again")
        else:
            print(f"{path}: {n_regions} regions")
    return status


def train(arguments):
    from . import gan

    if arguments.projection and arguments.model != "cgan":
        raise ValueError(f"--projection is for --model cgan, got {arguments.model}")
    dataset = _training_data(arguments)
    options = {}
    if arguments.model == "cgan":
        options = {"n_classes": _number_of_classes(dataset), "projection": arguments.projection}
    if arguments.objective in PENALISED:  # of each picture's own gradient: BatchNorm would mix them
        options |= {"discriminator": "dense"} if arguments.model == "mlp" else {"discriminator_norm": False}
    try:
        model = getattr(gan, arguments.model)(dataset.image_shape, rng=arguments.seed, **options)
    except ValueError as error:
        hint = "; see --image-size" if arguments.image_size is None else ""
        raise ValueError(f"{arguments.data}: {error}{hint}") from None
    steps = DEFAULT_STEPS if arguments.steps is None and arguments.epochs is None else arguments.steps
    run = gan.train(
        model, dataset, out=arguments.out, steps=steps, epochs=arguments.epochs, batch_size=arguments.batch_size,
        rng=arguments.seed, resume=not arguments.fresh, checkpoint_every=arguments.checkpoint_every,
        objective=arguments.objective, label_smoothing=arguments.label_smoothing,
        discriminator_steps=arguments.discriminator_steps, learning_rate=arguments.learning_rate,
        schedule=arguments.schedule, clip_norm=arguments.clip_norm, augment=arguments.augment, ema=arguments.ema,
    )  # fmt: skip
    print(f"look at {run / 'index.html'}; draw with: smalti generate {run} -n 64 -o FILE.png")


def _number_of_classes(dataset):
    """That of a model: no class may be without pictures, or it would learn nothing of it."""
    if dataset.labels is None:
        raise ValueError(f"cgan needs pictures with classes, but {dataset.name} has no labels")
    if (found := len(set(dataset.labels.tolist()))) < dataset.n_classes:
        raise ValueError(
            f"{dataset.name}: labels must count from 0 without gaps, got only {found} of them up to "
            f"{dataset.n_classes - 1}"
        )
    return max(found, 2)


def _training_data(arguments):
    """The dataset; regions of photographs are kept in the run, as cutting them out takes long."""
    import numpy as np

    from . import gan
    from .gan.files import npz
    from .segment.files import atomic

    side = arguments.image_size
    if not arguments.data.startswith(REGIONS):
        return gan.load_dataset(arguments.data, image_shape=None if side is None else (side, side))
    tiles, folder = arguments.out / "regions.npz", str(Path(arguments.data[len(REGIONS) :]).resolve())
    if arguments.fresh or not tiles.exists():
        images, labels = gan.regions(folder, side=32 if side is None else side)
        arguments.out.mkdir(parents=True, exist_ok=True)
        with atomic(tiles) as file:
            np.savez_compressed(file, x=images, y=labels, folder=folder)
    with npz(tiles) as archive:
        before = str(archive["folder"])
    if before != folder:
        raise ValueError(f"{tiles}: holds the regions of {before}; give another folder for the run, or --fresh")
    return gan.load_dataset(tiles, image_shape=None if side is None else (side, side))


def generate(arguments):
    import numpy as np

    from . import gan
    from .gan.checkpoint import load_model
    from .gan.sampling import as_uint8, class_of_each, grid, save_png
    from .segment.files import IMAGE_SUFFIXES, atomic

    out = arguments.out
    if out.suffix.lower() in set(IMAGE_SUFFIXES) - {".png"}:
        raise ValueError(f"{out}: pictures are written as FILE.png, FILE.npz or into a folder")
    model = load_model(arguments.run_folder)
    labels = class_of_each("generate", model, arguments.label, arguments.number)
    images = gan.generate(model, arguments.number, labels=labels, truncation=arguments.truncation, rng=arguments.seed)
    if out.suffix.lower() == ".png":
        with atomic(out) as file:
            save_png(file, grid(images))
    elif out.suffix.lower() == ".npz":
        with atomic(out) as file:
            np.savez_compressed(file, x=as_uint8(images), **({} if labels is None else {"y": labels}))
    else:
        out.mkdir(parents=True, exist_ok=True)
        for number, image in enumerate(as_uint8(images)):
            with atomic(out / f"{number:05d}.png") as file:
                save_png(file, image)
    print(f"{out}: {len(images)} pictures")


def evaluate(arguments):
    from . import gan

    measures = gan.evaluate(arguments.run_folder, arguments.data, n=arguments.number, rng=arguments.seed)
    print(f"{'':18} {'samples':>10} {'real pictures':>14}")
    for name, measure in measures.items():
        print(f"{name:18} {measure['value']:10.4g} {measure['floor']:14.4g}")


def warmup(arguments):
    from . import warmup

    print(f"the usual kernels are compiled, in {warmup():.1f} s")


def info(arguments):
    import os
    import platform

    import llvmlite
    import numba
    import numpy
    import PIL
    from llvmlite import binding

    from . import get_num_threads
    from .kernels import _jit, _simd

    features = [name for name, present in binding.get_host_cpu_features().items() if present]
    rows = {
        "smalti": __version__,
        "python": platform.python_version(),
        "numpy, numba": f"{numpy.__version__}, {numba.__version__} (llvmlite {llvmlite.__version__})",
        "pillow": PIL.__version__,
        "system": f"{platform.system()} {platform.machine()}",
        "cpu": f"{binding.get_host_cpu_name()}, {os.cpu_count()} logical cores",
        "cpu features": " ".join(sorted(set(features) & _TELLING)) or "-",
        "vector width": f"{_simd.WIDTH} bits",
        "threads": get_num_threads(),
        "compiled": "yes" if _jit.JIT else "no (NUMBA_DISABLE_JIT)",
        "cache directory": _jit.cache_directory() or "none is writable",
    }
    for name, value in rows.items():
        print(f"{name:16} {value}")


_TELLING = {"sse2", "sse4.2", "avx", "avx2", "fma", "avx512f", "avx512bw", "avx512vl", "neon", "sve"}


# The parser


def _parser():
    parser = argparse.ArgumentParser(
        prog="smalti", description="Cuts pictures into tiles and learns to lay new ones.", allow_abbrev=False
    )
    parser.add_argument("--version", action="version", version=f"smalti {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(function, help):
        sub = commands.add_parser(function.__name__, help=help, description=help, allow_abbrev=False)
        sub.add_argument("--threads", type=_at_least(1), metavar="N", help="threads to use (default: all cores)")
        sub.set_defaults(run=function)
        return sub

    sub = command(demo, "Segment the built-in picture and train a small GAN, leaving pictures of both.")
    sub.add_argument("-o", "--out", type=Path, required=True, metavar="DIR", help="folder for the results")

    sub = command(segment, "Cut images into regions: writes labels, overlay and mosaic of each.")
    sub.add_argument("images", nargs="+", metavar="IMAGE|FOLDER", help="a folder stands for the images in it")
    sub.add_argument("-o", "--out", type=Path, required=True, metavar="DIR", help="folder for the results")
    sub.add_argument("--method", choices=METHODS, default=METHODS[0], help="default: %(default)s")
    sub.add_argument("--regions", type=_at_least(1), metavar="N", help="merge neighbours down to so many regions")
    sub.add_argument("--threshold", type=float, metavar="T", help="merge neighbours that differ less, 0 to 1")
    sub.add_argument(
        "--features", type=lambda text: text.split(","), metavar="A,B,...",
        help="what kmeans looks at, such as lab,gabor,texton_histogram,position; default: lab",
    )  # fmt: skip
    sub.add_argument(
        "--write", type=_names(WRITE), default=["labels", "overlay", "mosaic"], metavar="A,B,...",
        help=f"of {', '.join(WRITE)}; default: labels,overlay,mosaic",
    )  # fmt: skip
    sub.add_argument("--explore", action="store_true", help="also a page with a slider over the number of regions")
    sub.add_argument("--jobs", type=_at_least(1), metavar="N", help="images at a time (default: as many as threads)")
    sub.add_argument("--redo", action="store_true", help="do images again whose results are there")

    sub = command(train, "Train a GAN on pictures; goes on with the run in DIR if there is one.")
    sub.add_argument(
        "--model", choices=MODELS, default=MODELS[0],
        help="of convolutions, of convolutions that are told the class, of dense layers; default: %(default)s",
    )  # fmt: skip
    sub.add_argument(
        "--data",
        required=True,
        metavar="PATH|glyphs|fashion-mnist|regions:DIR",
        help="a folder of images (of sub-folders for classes), .npz, IDX(.gz), the built-in glyphs, Fashion-MNIST, or "
        "the regions of the photographs in a folder, with classes of those that are alike",
    )
    sub.add_argument("--out", "-o", type=Path, required=True, metavar="DIR", help="folder of the run")
    length = sub.add_mutually_exclusive_group()
    length.add_argument(
        "--steps", type=_at_least(1), metavar="N", help=f"batches to learn from; default: {DEFAULT_STEPS}"
    )
    length.add_argument("--epochs", type=_at_least(1), metavar="N", help="passes over the pictures, instead")
    sub.add_argument("--batch-size", type=_at_least(2), default=64, metavar="N", help="default: %(default)s")
    sub.add_argument("--seed", type=_at_least(0), default=0, metavar="N", help="of all chance; default: %(default)s")
    sub.add_argument("--image-size", type=_at_least(4), metavar="N", help="crop and resize all pictures to N x N")
    sub.add_argument("--checkpoint-every", type=_at_least(1), default=500, metavar="STEPS", help="default: %(default)s")
    sub.add_argument("--fresh", action="store_true", help="begin anew, whatever DIR holds")
    sub.add_argument("--objective", choices=OBJECTIVES, default=OBJECTIVES[0], help="default: %(default)s")
    sub.add_argument(
        "--projection", action="store_true", help="the discriminator of cgan compares the class with its features"
    )
    sub.add_argument("--label-smoothing", type=float, default=0.0, metavar="X", help="real pictures count as 1 - X")
    sub.add_argument(
        "--discriminator-steps",
        type=_at_least(1),
        default=1,
        metavar="N",
        help="for each of the generator; default: %(default)s",
    )
    sub.add_argument("--learning-rate", type=float, default=2e-4, metavar="X", help="default: %(default)s")
    sub.add_argument(
        "--schedule", choices=SCHEDULES, default=SCHEDULES[0], help="of the learning rate; default: %(default)s"
    )
    sub.add_argument("--clip-norm", type=float, metavar="X", help="shorten longer gradients")
    sub.add_argument("--augment", nargs="+", choices=AUGMENTATIONS, default=[], help="where pictures are few")
    sub.add_argument(
        "--ema", type=float, nargs="?", const=0.999, metavar="DECAY", help="draw with averaged weights (0.999)"
    )

    sub = command(generate, "Draw pictures with a trained model.")
    sub.add_argument("run_folder", type=Path, metavar="RUN", help="the folder that train has written")
    sub.add_argument(
        "-n", "--number", type=_at_least(1), default=64, metavar="N", help="pictures; default: %(default)s"
    )
    sub.add_argument(
        "-o", "--out", type=Path, required=True, metavar="FILE.png|FILE.npz|DIR",
        help="a grid, arrays x and y, or a folder",
    )  # fmt: skip
    sub.add_argument("--label", type=_at_least(0), metavar="K", help="class to draw; all in turn if not given")
    sub.add_argument(
        "--truncation", type=float, metavar="X", help="keep latents within X: better pictures, less variety"
    )
    sub.add_argument("--seed", type=_at_least(0), default=0, metavar="N", help="default: %(default)s")

    sub = command(evaluate, "Compare pictures of a trained model with real ones; the result is also on the run's page.")
    sub.add_argument("run_folder", type=Path, metavar="RUN", help="the folder that train has written")
    sub.add_argument("--data", metavar="PATH|glyphs|fashion-mnist", help="real pictures (default: those of the run)")
    sub.add_argument(
        "-n", "--number", type=_at_least(8), default=2000, metavar="N", help="pictures; default: %(default)s"
    )
    sub.add_argument("--seed", type=_at_least(0), default=0, metavar="N", help="default: %(default)s")

    command(warmup, "Compile what is used most, so that later starts are quick.")
    command(info, "Print versions, CPU, vector width, threads and cache directory.")
    return parser


def _names(choices):
    def names(text):
        parts = text.split(",")
        if unknown := [part for part in parts if part not in choices]:
            raise argparse.ArgumentTypeError(f"{', '.join(unknown)} is none of {', '.join(choices)}")
        return parts

    return names


def _at_least(low):
    def number(text):
        value = int(text)
        if value < low:
            raise argparse.ArgumentTypeError(f"must be at least {low}, got {value}")
        return value

    number.__name__ = "whole number"  # argparse names it in its message
    return number


if __name__ == "__main__":
    sys.exit(main())
