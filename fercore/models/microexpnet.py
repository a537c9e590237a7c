"""MicroExpNet and its candidates: two convolutions and two linear layers, 65,000 to 900,920 parameters.

I. Cugu, E. Sener, E. Akbas, "MicroExpNet: An Extremely Small and Fast Model For Expression Recognition From Face
Images", IPTA 2019, arXiv:1711.07011. Table I describes candidate v; the networks that the paper goes on to call
MicroExpNet are p12, whose counts its Table I prints. Released weights: `from_tensorflow`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import numpy as np
import torch
from timm.models import register_model
from torch import nn
from torch.nn import functional

from .weights import refuse, unsound

SIZES = {"m": 256, "s": 64, "xs": 32, "xxs": 16}  # neurons of fc1 in Table I
CANDIDATES = ("v", "p1", "p2", "p12")  # pooling after no, the first, the second, both convolutions; section IV-A
NETWORKS = (
    *(f"microexpnet_{size}" for size in SIZES),
    *(f"candidate_{pooling}_{size}" for pooling in CANDIDATES for size in SIZES),
)


class SameConv2d(nn.Conv2d):
    """A convolution with TensorFlow's SAME padding, which puts an odd remainder below and to the right."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        padding = []
        for side, kernel, stride in zip(images.shape[:1:-1], self.kernel_size[::-1], self.stride[::-1], strict=True):
            total = max((-(-side // stride) - 1) * stride + kernel - side, 0)
            padding += [total // 2, total - total // 2]
        return super().forward(functional.pad(images, padding))


class MicroExpNet(nn.Module):
    """(N, 1, 84, 84) to logits (N, classes).

    pooling  "v", "p1", "p2" or "p12". Section IV-A keeps the sizes alike: with a pooling after conv1 its stride falls
             from 4 to 2, and with one after conv2 fc1 is three times as wide
    width    neurons of fc1 without that factor
    """

    def __init__(self, pooling: str = "p12", width: int = 16, num_classes: int = 8, dropout: float = 0.5):
        super().__init__()
        early, late = "1" in pooling, "2" in pooling
        self.conv1 = SameConv2d(1, 16, 8, stride=2 if early else 4)
        self.conv2 = SameConv2d(16, 32, 4, stride=2)
        # SAME pooling: an odd last row and column make a window of their own
        self.pool1 = nn.MaxPool2d(2, ceil_mode=True) if early else nn.Identity()
        self.pool2 = nn.MaxPool2d(2, ceil_mode=True) if late else nn.Identity()
        side = 6 if late else 11  # 84 -> 21, by stride 4 or by stride 2 and pooling -> 11 -> 6
        self.fc1 = nn.Linear(32 * side * side, 3 * width if late else width)
        self.dropout = nn.Dropout(dropout)
        self.fc2 = nn.Linear(self.fc1.out_features, num_classes)
        for layer in (self.conv1, self.conv2, self.fc1, self.fc2):  # section III-C: Xavier, biases too
            nn.init.xavier_uniform_(layer.weight)
            limit = (3 / len(layer.bias)) ** 0.5  # as TensorFlow counts: as many neurons before as after
            nn.init.uniform_(layer.bias, -limit, limit)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        # the paper pools what ReLU has left; the other way round is the same, of a quarter of the values
        features = torch.relu(self.pool1(self.conv1(images)))
        features = torch.relu(self.pool2(self.conv2(features)))
        return self.fc2(self.dropout(torch.relu(self.fc1(features.flatten(1)))))


def from_tensorflow(arrays: Mapping[str, np.ndarray]) -> MicroExpNet:
    """The released network from its TensorFlow variables wc1 bc1 wc2 bc2 wfc bfc wo bo, in evaluation mode.

    It takes float32 pixels of 0 to 255, (N, 1, 84, 84), without normalisation. Raises ValueError naming a variable that
    is missing, of another shape than MicroExpNet's, or not finite.
    """
    names = {"conv1": ("wc1", "bc1"), "conv2": ("wc2", "bc2"), "fc1": ("wfc", "bfc"), "fc2": ("wo", "bo")}
    missing = [name for pair in names.values() for name in pair if name not in arrays]
    if missing:
        raise ValueError(f"no variable {', '.join(missing)}; there are {', '.join(sorted(arrays))}")
    hidden, classes = np.shape(arrays["wo"]) if np.ndim(arrays["wo"]) == 2 else (0, 0)
    if hidden == 0 or hidden % 3:
        raise ValueError(f"wo is of shape {np.shape(arrays['wo'])}; expected (3 x the width of fc1, classes)")
    network = MicroExpNet("p12", hidden // 3, classes)
    state = {}
    for layer, (weight, bias) in names.items():
        values = np.asarray(arrays[weight], np.float32)
        if layer == "fc1" and values.ndim == 2 and len(values) == 6 * 6 * 32:
            values = values.reshape(6, 6, 32, -1).transpose(3, 2, 0, 1).reshape(values.shape[1], -1)  # from H, W, C
        else:
            values = values.transpose(3, 2, 0, 1) if values.ndim == 4 else values.T
        for part, array in (("weight", values), ("bias", np.asarray(arrays[bias], np.float32))):
            expected = tuple(getattr(getattr(network, layer), part).shape)
            if array.shape != expected:
                raise ValueError(
                    f"{weight if part == 'weight' else bias} does not fit {layer}: {array.shape}, not {expected}"
                )
            state[f"{layer}.{part}"] = torch.from_numpy(np.ascontiguousarray(array))
            if wrong := unsound(weight if part == "weight" else bias, state[f"{layer}.{part}"]):
                raise ValueError(wrong)
    network.load_state_dict(state)
    return network.eval()


def _create(pooling: str, width: int, pretrained: bool = False, num_classes: int = 8, dropout: float = 0.5, **more):
    refuse(more)
    if pretrained:
        raise ValueError("MicroExpNet has no ImageNet weights; for the released ones see from_tensorflow")
    return MicroExpNet(pooling, width, num_classes, dropout)


def _register(name: str, pooling: str, width: int) -> None:
    """An entry point as timm wants it: a function of that name in this module."""
    entry = partial(_create, pooling, width)

    def create(pretrained: bool = False, **options) -> MicroExpNet:
        return entry(pretrained=pretrained, **options)

    create.__name__ = create.__qualname__ = name
    create.__doc__ = f"Pooling {pooling}, fc1 of {width}{' x 3' if '2' in pooling else ''} neurons."
    globals()[name] = register_model(create)


for _size, _width in SIZES.items():
    _register(f"microexpnet_{_size}", "p12", _width)
    for _pooling in CANDIDATES:
        _register(f"candidate_{_pooling}_{_size}", _pooling, _width)
