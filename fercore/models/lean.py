"""Lean: dense residual networks for grey faces of 48 px, 64 thousand to 4.9 million parameters; this project's own.

Basic blocks of K. He et al., CVPR 2016, arXiv:1512.03385; shortcuts that pool before they project, of T. He et al.,
CVPR 2019, arXiv:1812.01187 (ResNet-D).

Why dense: depthwise convolutions, the usual way to save parameters, save multiplications that a CPU core hardly
notices, since they read much and compute little. Training at 48 px, measured on one thread of an AMD EPYC,
Zen 4: dense convolutions do 33 to 97 G multiply-accumulates a second in bf16, depthwise networks 8 to 50 in their
better precision. At equal parameters a lean network trains 2 to 5 times as many images a second as a depthwise one at
65 to 250 thousand, 2 to 2.8 times at 0.9 to 5 million. And bf16 makes dense networks 1.3 to 2.1 times as fast, but
TinyFER-Lite half as fast.

Why lean: with 16 channels a stem of stride 2 (5x5, so that strides overlap) makes a quarter of the multiplications of
one of stride 1, and the parameters are put where maps are small: 24x24 px first, then 12x12 and 6x6.

Sizes stay below those of a network of the papers: MicroExpNet's XXS and S, TinyFER-Lite, Mini-ResEmoteNet's C and B.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from timm.models import register_model
from torch import nn

from .weights import refuse

NETWORKS = ("lean_65k", "lean_250k", "lean_932k", "lean_1m2", "lean_5m")


class BasicBlock(nn.Module):
    """Two 3x3 convolutions, the first of `stride`, beside a shortcut; (N, C, H, W) to (N, out, H/stride, W/stride)."""

    def __init__(self, channels: int, out: int, stride: int = 1):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, out, 3, stride, padding=1, bias=False),
            nn.BatchNorm2d(out),
            nn.ReLU(True),
            nn.Conv2d(out, out, 3, padding=1, bias=False),
            nn.BatchNorm2d(out),
        )
        shortcut: list[nn.Module] = []
        if stride > 1:  # odd maps, as of 44 px, end where the convolution has them
            shortcut.append(nn.AvgPool2d(stride, ceil_mode=True, count_include_pad=False))
        if stride > 1 or channels != out:
            shortcut += [nn.Conv2d(channels, out, 1, bias=False), nn.BatchNorm2d(out)]
        self.shortcut = nn.Sequential(*shortcut)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.body(features) + self.shortcut(features))


class Lean(nn.Module):
    """(N, in_chans, H, W) to logits (N, classes), made for 48 px; any side from 16 px on will do.

    stem    channels of the first convolution, 5x5 of stride 2
    stages  width, blocks and stride of each; the stride is the first block's
    """

    def __init__(
        self,
        stem: int,
        stages: Sequence[tuple[int, int, int]],
        num_classes: int = 7,
        in_chans: int = 1,
        dropout: float = 0.0,
    ):
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(in_chans, stem, 5, stride=2, padding=2, bias=False), nn.BatchNorm2d(stem), nn.ReLU(True)
        )
        blocks, channels = [], stem
        for width, count, stride in stages:
            for number in range(count):
                blocks.append(BasicBlock(channels, width, stride if number == 0 else 1))
                channels = width
        self.blocks = nn.Sequential(*blocks)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(channels, num_classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.head(self.dropout(self.blocks(self.stem(images)).mean((2, 3))))


def _create(pretrained: bool, stem: int, stages, num_classes: int = 7, in_chans: int = 1, dropout: float = 0.0, **more):
    refuse(more)
    if pretrained:
        raise ValueError("lean networks have no ImageNet weights; they are trained from random ones")
    return Lean(stem, stages, num_classes, in_chans, dropout)


@register_model
def lean_65k(pretrained: bool = False, **options) -> Lean:
    """63,865 parameters. Its last stage stays at 12x12 px, where so few parameters go further."""
    return _create(pretrained, 16, ((16, 1, 1), (32, 1, 2), (54, 1, 1)), **options)


@register_model
def lean_250k(pretrained: bool = False, **options) -> Lean:
    """229,911 parameters."""
    return _create(pretrained, 24, ((24, 1, 1), (56, 2, 2), (88, 1, 2)), **options)


@register_model
def lean_932k(pretrained: bool = False, dropout: float = 0.1, **options) -> Lean:
    """891,539 parameters."""
    return _create(pretrained, 32, ((32, 2, 1), (96, 2, 2), (204, 1, 2)), dropout=dropout, **options)


@register_model
def lean_1m2(pretrained: bool = False, dropout: float = 0.2, **options) -> Lean:
    """1,210,531 parameters."""
    return _create(pretrained, 32, ((40, 2, 1), (112, 2, 2), (236, 1, 2)), dropout=dropout, **options)


@register_model
def lean_5m(pretrained: bool = False, dropout: float = 0.3, **options) -> Lean:
    """4,853,527 parameters."""
    return _create(pretrained, 48, ((64, 2, 1), (160, 2, 2), (576, 1, 2)), dropout=dropout, **options)
