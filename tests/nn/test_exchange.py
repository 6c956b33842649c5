"""Weights for and from PyTorch, and safetensors files, whole and damaged."""

import json

import numpy as np
import pytest

from smalti import nn
from smalti.nn import exchange


def network():
    return nn.Sequential(
        [
            nn.Conv2D(6, 3, 2), nn.BatchNorm(epsilon=1e-5), nn.ReLU(), nn.Flatten(), nn.Dropout(0.5), nn.Dense(7),
            nn.BatchNorm(epsilon=1e-5), nn.Sequential([nn.Tanh(), nn.Dense(24, use_bias=False)]),
            nn.BatchNorm(epsilon=1e-5), nn.Reshape((3, 2, 4)), nn.Conv2DTranspose(2, 4, 2, 1, groups=2),
        ],
        input_shape=(9, 7, 3), rng=0,
    )  # fmt: skip


def torch_network(torch):
    t = torch.nn
    return t.Sequential(
        t.Conv2d(3, 6, 3, 2), t.BatchNorm2d(6), t.ReLU(), t.Flatten(), t.Dropout(0.5), t.Linear(72, 7),
        t.BatchNorm1d(7), t.Sequential(t.Tanh(), t.Linear(7, 24, bias=False)),
        t.BatchNorm1d(24), t.Unflatten(1, (4, 3, 2)), t.ConvTranspose2d(4, 2, 4, 2, 1, groups=2),
    )  # fmt: skip


def outputs(net, twin, torch):
    x = np.random.default_rng(1).standard_normal((5, 9, 7, 3)).astype(np.float32)
    net.eval(), twin.eval()
    with torch.no_grad():
        theirs = twin(torch.from_numpy(x).permute(0, 3, 1, 2)).permute(0, 2, 3, 1).numpy()
    return net(nn.tensor(x)).data, theirs


def test_to_torch():
    torch = pytest.importorskip("torch")
    net, twin = network(), torch_network(torch)
    for _ in range(3):  # so that running statistics are not what they were
        net(nn.tensor(np.random.default_rng(2).standard_normal((8, 9, 7, 3)).astype(np.float32)))
    twin.load_state_dict({key: torch.from_numpy(value) for key, value in exchange.to_torch(net).items()})
    np.testing.assert_allclose(*outputs(net, twin, torch), rtol=1e-4, atol=1e-5)


def test_from_torch():
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    net, twin = network(), torch_network(torch)
    twin(torch.randn(8, 3, 9, 7))
    exchange.from_torch(net, twin.state_dict())
    np.testing.assert_allclose(*outputs(net, twin, torch), rtol=1e-4, atol=1e-5)
    for key, value in exchange.to_torch(net).items():
        if not key.endswith("num_batches_tracked"):
            np.testing.assert_array_equal(value, twin.state_dict()[key].numpy())


def test_single_layers():
    layer = nn.Embedding(4, 3)
    layer.build((), rng=0)
    state = exchange.to_torch(layer)
    assert list(state) == ["weight"]
    exchange.from_torch(layer, {"weight": 2 * state["weight"]})
    np.testing.assert_array_equal(layer.embeddings.data, 2 * state["weight"])


def test_states_that_do_not_fit():
    net = network()
    state, before = exchange.to_torch(net), net.state_dict()
    for change, message in (
        (
            {"0.weight": state["0.weight"][:2]},
            r"from_torch: 0\.weight must have shape \(6, 3, 3, 3\), got \(2, 3, 3, 3\)",
        ),
        ({"more": np.ones(1, np.float32)}, r"unknown: \['more'\]"),
        ({"0.bias": np.ones(6, int)}, r"from_torch: 0\.bias must have dtype float32, got int64"),
    ):
        with pytest.raises((ValueError, TypeError), match=message):
            exchange.from_torch(net, {**state, **change})
    del state["0.bias"]
    with pytest.raises(ValueError, match=r"from_torch: state does not fit; missing: \['0\.bias'\]"):
        exchange.from_torch(net, state)
    for name, value in net.state_dict().items():
        np.testing.assert_array_equal(value, before[name])
    odd = nn.Sequential([nn.SpectralNormalization(nn.Dense(1))], input_shape=(2,))
    with pytest.raises(ValueError, match=r"SpectralNormalization layers\.0 has no counterpart in PyTorch: left"):
        exchange.to_torch(odd)


STATE = {
    "a": np.arange(6, dtype=np.float32).reshape(2, 3), "b.c": np.array(3, np.int64), "empty": np.zeros((0, 2)),
    "mask": np.array([True, False]), "swapped": np.arange(3, dtype=">f8"),
}  # fmt: skip


def test_safetensors_round_trip(tmp_path):
    path = tmp_path / "state.safetensors"
    exchange.save_safetensors(path, STATE)
    loaded = exchange.load_safetensors(path)
    assert list(loaded) == list(STATE)
    for key, value in STATE.items():
        assert loaded[key].shape == value.shape and loaded[key].dtype == value.dtype.newbyteorder("=")
        np.testing.assert_array_equal(loaded[key], value)
        assert loaded[key].flags.writeable
    net = network()
    exchange.save_safetensors(path, net.state_dict())
    other = network()
    other.load_state_dict(exchange.load_safetensors(path))
    assert [p.name for p in tmp_path.iterdir()] == ["state.safetensors"]


def test_safetensors_of_the_library_itself(tmp_path):
    library = pytest.importorskip("safetensors.numpy")
    state = {key: value.astype(value.dtype.newbyteorder("=")) for key, value in STATE.items()}
    exchange.save_safetensors(tmp_path / "ours", state)
    library.save_file(state, tmp_path / "theirs", metadata={"format": "np"})
    for loaded in (library.load_file(tmp_path / "ours"), exchange.load_safetensors(tmp_path / "theirs")):
        for key, value in state.items():
            np.testing.assert_array_equal(loaded[key], value)


def test_damaged_safetensors(tmp_path):
    path = tmp_path / "state.safetensors"
    exchange.save_safetensors(path, STATE)
    whole = path.read_bytes()
    for end in (0, 5, 8, 40, len(whole) - 1):
        path.write_bytes(whole[:end])
        with pytest.raises(ValueError, match=r"load_safetensors: .*state\.safetensors"):
            exchange.load_safetensors(path)
    for entry, message in (
        ({"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}, r"a must have \(2,\) numbers, has 4 bytes"),
        ({"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}, "a lies outside of the file"),
        ({"dtype": "F32", "shape": [2], "data_offsets": [4, 12]}, "a lies outside of the file"),
        ({"dtype": "BF16", "shape": [2], "data_offsets": [0, 4]}, "header that cannot be read: KeyError"),
        ({"dtype": "F32", "shape": 2, "data_offsets": [0, 8]}, "header that cannot be read: TypeError"),
        ([], "header that cannot be read"),
    ):
        header = json.dumps({"a": entry}).encode()
        path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(8))
        with pytest.raises(ValueError, match=message):
            exchange.load_safetensors(path)
    with pytest.raises(FileNotFoundError):
        exchange.load_safetensors(tmp_path / "none")
    with pytest.raises(TypeError, match="save_safetensors: 'a' must name an array of numbers, got dtype <U1"):
        exchange.save_safetensors(path, {"a": np.array("x")})
