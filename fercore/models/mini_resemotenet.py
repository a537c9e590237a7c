"""ResEmoteNet and its students Mini-ResEmoteNet A, B and C.

A. Murtada et al., "Mini-ResEmoteNet: Leveraging Knowledge Distillation for Human-Centered Design"; the teacher is A. K.
Roy et al., "ResEmoteNet", IEEE SPL 32, 2025, arXiv:2409.10545. Widths and rates of dropout are those of the teacher's
released code (approach/ResEmoteNet.py). Its residual blocks take 256, 512 and 1024 channels, which the students' paper
prints, and make 512, 1024 and 2048 of them. Only with those, and with all widths divided by 2, 4 and 8, do the
parameter counts of the paper come out.
"""

from __future__ import annotations

import torch
from timm.models import register_model
from torch import nn

from . import padding, products
from .weights import refuse

NETWORKS = ("resemotenet", "mini_resemotenet_a", "mini_resemotenet_b", "mini_resemotenet_c")
STEM, BLOCKS, HIDDEN = (64, 128, 256), (512, 1024, 2048), (1024, 512, 256)


class SqueezeExcite(nn.Module):
    """Channel gates from all channels' means, without biases; (N, C, H, W) to the same shape."""

    def __init__(self, channels: int, reduction: int):
        super().__init__()
        self.gate = nn.Sequential(
            nn.Linear(channels, channels // reduction, bias=False),
            nn.ReLU(True),
            nn.Linear(channels // reduction, channels, bias=False),
            nn.Sigmoid(),
        )

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return features * self.gate(features.mean((2, 3)))[:, :, None, None]


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions, the first of stride 2, beside a 1x1 one; (N, C, H, W) to (N, out, H/2, W/2)."""

    def __init__(self, channels: int, out: int):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, out, 3, stride=2, padding=1),
            nn.BatchNorm2d(out),
            nn.ReLU(True),
            nn.Conv2d(out, out, 3, padding=1),
            nn.BatchNorm2d(out),
        )
        self.shortcut = nn.Sequential(nn.Conv2d(channels, out, 1, stride=2), nn.BatchNorm2d(out))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.body(features) + self.shortcut(features))


class ResEmoteNet(nn.Module):
    """(N, 3, 64, 64) to logits (N, classes); all widths are divided by `divisor`, all rates of dropout times `dropout`.

    With the released rates, a short training does not begin to learn: three layers in a row drop half of a narrow head.
    """

    def __init__(
        self, num_classes: int = 7, in_chans: int = 3, divisor: int = 1, reduction: int = 16, dropout: float = 1.0
    ):
        super().__init__()
        stem: list[nn.Module] = []
        for width in STEM:
            width //= divisor
            stem += [nn.Conv2d(in_chans, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU(True), nn.MaxPool2d(2)]
            stem.append(nn.Dropout(0.2 * dropout))
            in_chans = width
        stem[-1] = SqueezeExcite(in_chans, reduction)  # in the place of the last dropout
        self.stem = nn.Sequential(*stem)
        blocks = []
        for width in BLOCKS:
            blocks.append(ResidualBlock(in_chans, width // divisor))
            in_chans = width // divisor
        self.blocks = nn.Sequential(*blocks)
        head: list[nn.Module] = []
        for width in HIDDEN:
            head += [nn.Linear(in_chans, width // divisor), nn.ReLU(True), nn.Dropout(0.5 * dropout)]
            in_chans = width // divisor
        self.head = nn.Sequential(*head, nn.Linear(in_chans, num_classes))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.head(self.blocks(self.stem(images)).mean((2, 3)))


def _create(
    pretrained: bool,
    divisor: int,
    reduction: int = 16,
    num_classes: int = 7,
    in_chans: int = 3,
    dropout: float = 1.0,
    trimmed: int = 0,
    **more,
):
    """`trimmed`: the side, px, of the images that the network is for, without the weights that then meet padding alone
    and with products for what makes few pixels; 0: as it is."""
    refuse(more)
    if pretrained:
        raise ValueError("ResEmoteNet and its students have no ImageNet weights; the papers train them from scratch")
    network = ResEmoteNet(num_classes, in_chans, divisor, reduction, dropout)
    shape = (in_chans, trimmed, trimmed)
    return products.of_few_places(padding.trim(network, shape), shape) if trimmed else network


@register_model
def resemotenet(pretrained: bool = False, divisor: int = 1, **options) -> ResEmoteNet:
    """The teacher: 80,238,599 parameters; with a `divisor`, a narrower one."""
    return _create(pretrained, divisor, **options)


@register_model
def mini_resemotenet_a(pretrained: bool = False, **options) -> ResEmoteNet:
    """Student A, half of all widths: 20,069,383 parameters."""
    return _create(pretrained, 2, **options)


@register_model
def mini_resemotenet_b(pretrained: bool = False, **options) -> ResEmoteNet:
    """Student B, a quarter: 5,022,215 parameters."""
    return _create(pretrained, 4, **options)


@register_model
def mini_resemotenet_c(pretrained: bool = False, **options) -> ResEmoteNet:
    """Student C, an eighth: 1,259,911 parameters, which come out only with a reduction of 1."""
    return _create(pretrained, 8, reduction=1, **options)
