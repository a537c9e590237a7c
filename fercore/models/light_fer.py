"""Light-FER: Xception with seven outputs, to be pruned, quantised and compiled.

A. M. Pascual et al., "Light-FER: A Lightweight Facial Emotion Recognition System on Edge Devices", Sensors 2022.
The network is timm's Xception (F. Chollet, CVPR 2017, arXiv:1610.02357); what the paper does to it is in `compress`.
"""

from __future__ import annotations

from timm.models import register_model
from torch import nn

from .weights import from_timm, refuse

NETWORKS = ("light_fer",)


@register_model
def light_fer(pretrained: bool = False, num_classes: int = 7, in_chans: int = 3, **more) -> nn.Module:
    """Xception before compression; (N, 3, 299, 299) to logits (N, classes). `pretrained`: timm's ImageNet weights."""
    refuse(more)
    return from_timm("legacy_xception", pretrained, num_classes=num_classes, in_chans=in_chans)
