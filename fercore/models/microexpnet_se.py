"""The MicroExpNet of 2026: MobileNetV3-Small with a squeeze-and-excitation block, distilled from ResNet-50.

R. P V, "Real-Time Emotion Recognition Using Lightweight Deep Learning", 2026, doi:10.5281/zenodo.18899708. It shares
its name with the MicroExpNet of Cugu et al. (`microexpnet.py`). The text's own parts give 1,243,127 parameters; the
paper says 1.18 M in one place and 1.10 M in another.
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
    """(N, 3, H, W) to logits (N, classes)."""

    def __init__(self, num_classes: int = 7, reduction: int = 4, hidden: int = 256, dropout: float = 0.4):
        super().__init__()
        channels = 576
        self.features = torchvision_models.mobilenet_v3_small().features
        self.gate = nn.Sequential(
            nn.Linear(channels, channels // reduction),
            nn.ReLU(True),
            nn.Linear(channels // reduction, channels),
            nn.Sigmoid(),
        )
        self.head = nn.Sequential(
            nn.Linear(channels, hidden), nn.ReLU(True), nn.Dropout(dropout), nn.Linear(hidden, num_classes)
        )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        features = self.features(images)
        gated = features * self.gate(features.mean((2, 3)))[:, :, None, None]
        return self.head(gated.mean((2, 3)))


@register_model
def microexpnet_se(pretrained: bool = False, num_classes: int = 7, **more) -> MicroExpNetSE:
    """MicroExpNet of 2026, section 3. `pretrained`: the backbone's ImageNet weights."""
    refuse(more)
    network = MicroExpNetSE(num_classes)
    if pretrained:
        load_backbone(network.features)
    return network
