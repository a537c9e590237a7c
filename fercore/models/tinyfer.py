"""TinyFER-Lite: MobileNetV3-Small with Efficient Channel Attention, and the SimpleCNN it is compared with.

N. Khalid, "TinyFER-Lite: A Small-Data and Lightweight Attention-Based Architecture for Real-Time Facial Emotion
Recognition". Sections 3 and 4, equations 4 to 8 and 12. The parameter counts are the paper's, to the last one.
ECA: Q. Wang et al., CVPR 2020, arXiv:1910.03151.
"""

from __future__ import annotations

import torch
from timm.models import register_model
from torch import nn
from torchvision import models as torchvision_models

from .weights import imagenet, refuse

NETWORKS = ("simple_cnn", "tinyfer_lite")


class ECA(nn.Module):
    """Channel gates from the means of neighbouring channels (eqs 4 to 6); (N, C, H, W) to the same shape.

    kernel 3 gives the paper's parameter count; ECA's own formula would give 5 for 576 channels.
    """

    def __init__(self, kernel: int = 3):
        super().__init__()
        self.conv = nn.Conv1d(1, 1, kernel, padding=kernel // 2, bias=False)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        means = features.mean((2, 3)).unsqueeze(1)  # (N, 1, C)
        return features * self.conv(means).sigmoid().squeeze(1)[:, :, None, None]


class TinyFERLite(nn.Module):
    """(N, 3, H, W) to logits (N, classes).

    attention    False: without ECA, the ablation that the paper asks for in section 7
    stem_stride  of the first convolution: 2 as in the paper, for 224 px; 1 for faces of 48 px, which end in maps of
                 3x3 instead of 2x2, at the same number of parameters
    """

    def __init__(self, num_classes: int = 7, dropout: float = 0.3, attention: bool = True, stem_stride: int = 2):
        super().__init__()
        self.features = torchvision_models.mobilenet_v3_small().features
        self.features[0][0].stride = (stem_stride, stem_stride)
        channels = 576
        self.attention = ECA() if attention else nn.Identity()
        self.norm = nn.BatchNorm1d(channels)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(channels, num_classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        pooled = self.attention(self.features(images)).mean((2, 3))
        return self.head(self.dropout(self.norm(pooled)))


class SimpleCNN(nn.Module):
    """Four blocks of two 3x3 convolutions and a pooling, then the mean and a linear layer; (N, 3, H, W) to logits."""

    def __init__(self, num_classes: int = 7, in_chans: int = 3):
        super().__init__()
        layers: list[nn.Module] = []
        for width in (32, 64, 128, 256):
            for _ in range(2):
                layers += [nn.Conv2d(in_chans, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU(True)]
                in_chans = width
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        self.head = nn.Linear(in_chans, num_classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.head(self.features(images).mean((2, 3)))


@register_model
def simple_cnn(pretrained: bool = False, num_classes: int = 7, in_chans: int = 3, **more) -> SimpleCNN:
    """SimpleCNN, Table 5: 1,175,015 parameters. No layer of it is printed: these are chosen to have as many."""
    refuse(more)
    if pretrained:
        raise ValueError("simple_cnn has no pretrained weights")
    return SimpleCNN(num_classes, in_chans)


@register_model
def tinyfer_lite(
    pretrained: bool = False,
    num_classes: int = 7,
    dropout: float = 0.3,
    attention: bool = True,
    stem_stride: int = 2,
    **more,
) -> TinyFERLite:
    """TinyFER-Lite: 932,202 parameters. `pretrained`: the backbone's ImageNet weights, as the paper starts."""
    refuse(more)
    network = TinyFERLite(num_classes, dropout, attention, stem_stride)
    if pretrained:
        load_backbone(network.features)
    return network


def load_backbone(features: nn.Module) -> None:
    """ImageNet weights into the features of a MobileNetV3-Small. Raises WeightsError."""
    state = imagenet(torchvision_models.MobileNet_V3_Small_Weights.IMAGENET1K_V1)
    start = "features."
    features.load_state_dict({name[len(start) :]: value for name, value in state.items() if name.startswith(start)})
