"""The region graph against its twin and scikit-image."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smalti.kernels import region_adjacency
from tests.helpers import bit_identical_for_threads, check_layouts
from tests.reference import region_adjacency as reference
from tests.strategies import examples, seeds, sides
from tests.tolerance import close


def regions(rng, height, width, n, *, coarse=2, holes=False):
    """A label map of blocks; with holes some pixels belong to no region."""
    small = rng.integers(-1 if holes else 0, n, (-(-height // coarse), -(-width // coarse)))
    return np.repeat(np.repeat(small, coarse, axis=0), coarse, axis=1)[:height, :width]


@examples(100)
@given(
    seeds, sides(1, 14), sides(1, 14), st.integers(1, 9), st.booleans(), st.sampled_from([1, 2]), st.booleans(),
    st.sampled_from([(), (1,), (4,), (8,)]),
)  # fmt: skip
def test_against_the_twin(seed, height, width, n, holes, connectivity, bare, directions):
    rng = np.random.default_rng(seed)
    labels = regions(rng, height, width, n, holes=holes)
    given = {} if bare else {
        "image": rng.random((height, width, 2)).astype(np.float32),
        "boundary": rng.random((*directions, height, width)),
        "bins": rng.integers(0, 4, (height, width)),
    }  # fmt: skip
    graph = region_adjacency(labels, **given, connectivity=connectivity)
    expected = reference.region_adjacency(labels, **given, connectivity=connectivity)
    for name, actual, ref in zip(graph._fields, graph, expected, strict=True):
        assert actual.shape == ref.shape, name
        if name in ("strength", "sums"):
            close(actual, ref, k=64, atol=1e-12)  # sums of 200 numbers in another order, angles by another way
        else:
            np.testing.assert_array_equal(actual, ref, err_msg=name)


@pytest.mark.compiled
def test_against_scikit_image():
    graph = pytest.importorskip("skimage.graph")
    rng = np.random.default_rng(0)
    labels, image = regions(rng, 60, 80, 20, coarse=5), rng.integers(0, 256, (60, 80, 3), dtype=np.uint8)
    theirs, ours = graph.rag_mean_color(image, labels), region_adjacency(labels, image, connectivity=2)
    assert sorted(tuple(sorted(e)) for e in theirs.edges) == [tuple(e) for e in ours.edges.tolist()]
    means = np.array([theirs.nodes[k]["mean color"] for k in range(len(ours.area))])
    close(ours.sums / ours.area[:, None], means, k=4)


@pytest.mark.compiled
def test_threads_and_layouts():
    rng = np.random.default_rng(1)
    labels, boundary = regions(rng, 301, 203, 400), rng.random((301, 203))
    directed = rng.random((4, 301, 203)).astype(np.float32)
    bit_identical_for_threads(lambda: region_adjacency(labels, boundary, boundary=boundary))
    bit_identical_for_threads(lambda: region_adjacency(labels, boundary=directed))
    check_layouts(lambda x, y: region_adjacency(x, y, boundary=y), labels[:20, :30], boundary[:20, :30])


@pytest.mark.parametrize("direction", range(8))
def test_a_boundary_has_the_strength_of_its_direction(direction):
    angle = np.pi * direction / 8
    r, c = np.mgrid[-20:21, -20:21]
    labels = (np.cos(angle) * r - np.sin(angle) * c > 0.1).astype(int)
    planes = np.broadcast_to(np.arange(8.0)[:, None, None] == direction, (8, 41, 41))
    assert region_adjacency(labels, boundary=planes.astype(float)).strength[0] > 0.85


def test_small_cases():
    graph = region_adjacency(np.zeros((1, 1), int))
    assert graph.edges.shape == (0, 2) and graph.area.tolist() == [1]
    assert region_adjacency(np.full((3, 3), -1)).area.size == 0
    assert region_adjacency(np.zeros((0, 4), int)).area.size == 0
    # a number that does not occur
    assert region_adjacency(np.array([[0, 2]])).area.tolist() == [1, 0, 1]


def test_bad_input():
    labels = np.zeros((3, 4), int)
    with pytest.raises(TypeError, match="region_adjacency: labels must be an integer array"):
        region_adjacency(np.zeros((3, 4)))
    with pytest.raises(ValueError, match=r"boundary must have shape \(3, 4\) or \(D, 3, 4\), got \(4, 3\)"):
        region_adjacency(labels, boundary=np.zeros((4, 3)))
    with pytest.raises(ValueError, match=r"image must have shape \(3, 4\) or \(3, 4, 'C'\), got \(4, 3\)"):
        region_adjacency(labels, np.zeros((4, 3)))
    with pytest.raises(ValueError, match=r"image must be finite, got nan at \(0, 0\)"):
        region_adjacency(labels, np.full((3, 4), np.nan))
    with pytest.raises(ValueError, match="bins must be at least 0, got -1"):
        region_adjacency(labels, bins=labels - 1)
    with pytest.raises(ValueError, match="connectivity must be from 1 to 2, got 3"):
        region_adjacency(labels, connectivity=3)
