"""The MicroExpNet of 2026: MobileNetV3-Small with a squeeze-and-excitation block, distilled from ResNet-50.

R. P V, "Real-Time Emotion Recognition Using Lightweight Deep Learning", 2026, doi:10.5281/zenodo.18899708. It shares
its name with the MicroExpNet of Cugu et al. (`microexpnet.py`). The layers that the text describes have 1,243,127
parameters; it prints 1.18 M, 1.2 M in abstract and Table 1, and for three rows of Table 2 1.10 M, which fits a network
without the hidden layer.
"""

from __future__ import annotations

import torch
from timm.models import register_model
from torch import nn
from torchvision import models as torchvision_models

from .tinyfer import load_backbone
from .weights import refuse

NETWORKS = ("microexpnet_se",)


class MicroExpNetSE(nn.Module):
    """(N, 3, H, W) to logits (N, classes). The rows of Table 2 have no attention, or no hidden layer: hidden 0."""

    def __init__(
        self,
        num_classes: int = 7,
        reduction: int = 4,
        hidden: int = 256,
        dropout: float = 0.4,
        attention: bool = True,
    ):
        super().__init__()
        channels = 576
        self.features = torchvision_models.mobilenet_v3_small().features
        self.gate = None
        if attention:
            self.gate = nn.Sequential(
                nn.Linear(channels, channels // reduction),
                nn.ReLU(True),
                nn.Linear(channels // reduction, channels),
                nn.Sigmoid(),
            )
        head: list[nn.Module] = []
        if hidden:
            head = [nn.Linear(channels, hidden), nn.ReLU(True)]
        self.head = nn.Sequential(*head, nn.Dropout(dropout), nn.Linear(hidden or channels, num_classes))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        features = self.features(images)
        if self.gate is not None:
            features = features * self.gate(features.mean((2, 3)))[:, :, None, None]
        return self.head(features.mean((2, 3)))


@register_model
def microexpnet_se(
    pretrained: bool = False, num_classes: int = 7, hidden: int = 256, attention: bool = True, **more
) -> MicroExpNetSE:
    """MicroExpNet of 2026, section 3. `pretrained`: the backbone's ImageNet weights."""
    refuse(more)
    network = MicroExpNetSE(num_classes, hidden=hidden, attention=attention)
    if pretrained:
        load_backbone(network.features)
    return network
