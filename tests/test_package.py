"""The house: what is installed, what is promised, which way the arrows point, what an import costs."""

import ast
import doctest
import importlib
import importlib.metadata
import re
import statistics

import pytest

import smalti

from .helpers import ROOT, run_python

FOLDERS = ("kernels", "nn", "segment", "gan")
ALLOWED = {  # which folder of smalti may use which
    "kernels": set(),
    "nn": {"kernels"},
    "segment": {"kernels"},
    "gan": {"kernels", "nn", "segment"},
    "smalti": set(FOLDERS),
}
PROMISED = {
    "smalti": "__version__ set_num_threads get_num_threads warmup kernels nn segment gan",
    "smalti.kernels": """felzenszwalb slic thin
        dbscan find_boundaries mark_boundaries
        flip
        correlate convolve gabor gabor_bank gabor_kernel gaussian laplace gaussian_laplace sobel scharr prewitt
        canny rgb2gray rgb2hsv hsv2rgb rgb2lab lab2rgb histogram threshold_otsu resize kmeans label watershed matmul
        conv2d conv2d_backward_input conv2d_backward_weight conv2d_transpose max_pool2d max_pool2d_backward avg_pool2d
        avg_pool2d_backward""",
    "smalti.nn": """Tensor tensor no_grad check_gradients Module Sequential Dense Conv2D Conv2DTranspose BatchNorm
        ReLU LeakyReLU Sigmoid Tanh Softmax MaxPooling2D AveragePooling2D GlobalAveragePooling2D UpSampling2D Flatten
        Reshape Dropout Embedding grad save load""",
    "smalti.nn.losses": "binary_cross_entropy mean_squared_error cross_entropy hinge weighted_sum",
    "smalti.nn.optim": "SGD RMSprop Adam",
    "smalti.nn.init": "he glorot normal zeros",
    "smalti.segment": "segment Segmentation",
    "smalti.segment.metrics": "covering rand_index variation_of_information boundary_f adapted_rand_error dice iou",
    "smalti.gan": "load_dataset mlp dcgan cgan GAN train Trainer generate interpolate evaluate",
}
FAMILIES = {
    "scharr": "sobel",
    "prewitt": "sobel",
    "convolve": "correlate",
    "erosion": "morphology",
    "dilation": "morphology",
    "opening": "morphology",
    "closing": "morphology",
}  # kernels that are tested in another one's file
HEAVY = "scipy torch cv2 skimage sklearn matplotlib tensorflow pandas dask mpi4py".split()
SOURCES = [path for folder in ALLOWED for path in sorted((ROOT / folder).glob("*.py"))]
IDS = [str(path.relative_to(ROOT)) for path in SOURCES]


def imported(path):
    """Absolute names of all that a source imports, wherever in it."""
    folder = path.parent.name
    package = ["smalti"] if folder == "smalti" else ["smalti", folder]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*above, *filter(None, [node.module])])
            yield from (f"{module}.{alias.name}" for alias in node.names)


def dotted(node):
    return ast.unparse(node) if isinstance(node, (ast.Name, ast.Attribute)) else ""


def test_packages_are_the_folders():
    tomllib = pytest.importorskip("tomllib")  # from Python 3.11 on
    with open(ROOT / "pyproject.toml", "rb") as file:
        listed = tomllib.load(file)["tool"]["setuptools"]
    inits = [p.parent.relative_to(ROOT) for folder in FOLDERS for p in (ROOT / folder).rglob("__init__.py")]
    names = {"smalti": "smalti"} | {".".join(("smalti", *p.parts)): p.as_posix() for p in inits}
    assert set(listed["packages"]) == set(names)
    assert listed["package-dir"] == names


def test_installed_wheel_holds_the_folders():
    installed = [d for d in importlib.metadata.distributions(name="smalti") if d.read_text("WHEEL")]
    if not installed or '"editable": true' in (installed[0].read_text("direct_url.json") or ""):
        pytest.skip("smalti is not installed, or in editable mode")
    files = {str(f) for f in installed[0].files if f.parts[0] == "smalti" and f.suffix != ".pyc"}
    expected = {"smalti/py.typed"}
    expected |= {f"smalti/{path.name}" for path in (ROOT / "smalti").glob("*.py")}
    for folder in FOLDERS:
        expected |= {f"smalti/{path.relative_to(ROOT).as_posix()}" for path in (ROOT / folder).rglob("*.py")}
    assert files == expected


@pytest.mark.parametrize("module", PROMISED)
def test_promised_names(module):
    package = importlib.import_module(module)
    for name in PROMISED[module].split():
        value = getattr(package, name)
        if name not in ("__version__", *FOLDERS):
            assert callable(value), f"{module}.{name} is {value!r}"
            assert (value.__doc__ or "").strip(), f"{module}.{name} has no docstring"
        assert module != "smalti" or name in dir(smalti)


def test_a_function_is_not_shadowed_by_its_file():
    """Importing smalti.kernels.label makes `label` the module, unless the package sees to it."""
    names = [n for n in PROMISED["smalti.kernels"].split() if (ROOT / "kernels" / f"{n}.py").exists()]
    files = "; ".join(f"import smalti.kernels.{n}" for n in names)
    functions = "; ".join(f"from smalti.kernels import {n}; assert callable({n})" for n in names)
    use = f"import smalti.kernels as k; assert all(callable(getattr(k, n)) for n in {names!r})"
    run_python("-c", f"{files}; {use}")
    run_python("-c", f"{use}; {files}; {use}")
    run_python("-c", f"{functions}; {use}")


def test_unknown_names():
    for module in PROMISED:
        with pytest.raises(AttributeError, match="no_such_name"):
            importlib.import_module(module).no_such_name  # noqa: B018


@pytest.mark.parametrize("path", SOURCES, ids=IDS)
def test_source(path):
    """Arrows point down; no bare imports; the decorators, flags and randomness of the house only."""
    folder = path.parent.name
    for name in imported(path):
        top, _, rest = name.partition(".")
        assert top not in FOLDERS, f"bare import of {name}: write smalti.{name}"
        part = rest.partition(".")[0]
        if top == "smalti" and part in FOLDERS and part != folder:
            assert part in ALLOWED[folder], f"{folder} must not use {name}"
        assert top != "pickle", "no pickle"
        assert top not in HEAVY, f"{name} is not a package that the library needs"
        if top == "numba" and rest in ("njit", "jit", "prange"):
            assert path.name == "_jit.py", f"{name} outside kernels/_jit.py"
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        assert not isinstance(node, ast.Assert), f"assert in line {node.lineno}: raise"
        if isinstance(node, ast.Attribute):
            name = dotted(node)
            assert not re.match(r"(np|numpy)\.random\.(?!Generator|default_rng|SeedSequence|PCG64|BitGenerator)", name)
            assert path.name == "_jit.py" or not re.match(r"(numba|nb)\.n?jit$", name), f"{name} in {path.name}"
        if isinstance(node, ast.keyword) and isinstance(node.value, ast.Constant):
            assert (node.arg, node.value.value) not in {("fastmath", True), ("parallel", True), ("allow_pickle", True)}


def test_references_stand_alone():
    for path in sorted((ROOT / "tests" / "reference").glob("*.py")):
        assert "smalti" not in path.read_text(encoding="utf-8"), f"{path.name} mentions the package that it checks"
    for path in sorted((ROOT / "tests").rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        assert not re.search(rf"^\s*(from|import) ({'|'.join(FOLDERS)})\b", text, re.M), f"bare import in {path}"


@pytest.mark.parametrize("tests", ["kernels/test_", "reference/"])
def test_every_kernel_has_its_test_and_twin(tests):
    """In the file of its name, or of its family: conv2d_transpose in that of conv2d."""
    for path in sorted((ROOT / "kernels").glob("[a-z]*.py")):
        words = FAMILIES.get(path.stem, path.stem).split("_")
        names = ["_".join(words[: n + 1]) for n in range(len(words))]
        assert any((ROOT / "tests" / f"{tests}{n}.py").exists() for n in names), f"nothing for kernels/{path.name}"


def test_import_loads_nothing_heavy():
    """Beyond what numba itself loads, where it is installed."""
    everything = "; ".join(f"import {module}" for module in PROMISED)
    uses = "; ".join(f"{m}.{n}" for m, names in PROMISED.items() for n in names.split())
    loaded = f"set({HEAVY!r}) & set(sys.modules)"
    code = f"import sys, numba; before = {loaded}; {everything}; {uses}; print(sorted({loaded} - before))"
    assert run_python("-c", code).stdout.strip() == "[]"


def test_import_is_cheap():
    """`import smalti` costs at most 0.15 s over `import numba`."""
    code = "import time, numba; t = time.perf_counter(); import smalti; print(time.perf_counter() - t)"
    seconds = statistics.median(float(run_python("-c", code).stdout) for _ in range(3))
    assert seconds <= 0.15


def test_readme_has_the_two_lines():
    """Each sets up its own environment; .ci/run reads the second one and runs it."""
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    for job in ("smalti demo", "python -m pytest"):
        line = next(line for line in lines if job in line and "&&" in line)
        assert "-m venv" in line and "pip install" in line


def test_readme_examples():
    text = (ROOT / "README.md").read_text(encoding="utf-8").replace("```", "")
    examples = doctest.DocTestParser().get_doctest(text, {}, "README.md", "README.md", 0)
    assert examples.examples
    assert not doctest.DocTestRunner().run(examples).failed
