"""Where a network looks for its answer: Grad-CAM (Selvaraju et al., ICCV 2017), by captum."""

from __future__ import annotations

import numpy as np
import torch
from captum.attr import LayerAttribution, LayerGradCam
from torch import nn

from ..datasets import Faces
from ..models.modes import evaluating
from . import inference

LEAST = 4


def grad_cam(network: nn.Module, faces: Faces, rows: np.ndarray, img_size: int) -> tuple[np.ndarray, np.ndarray]:
    """Maps float (n, H, W) from 0 to 1 at the size of the images, and the predicted classes int (n,) they are for.

    The layer is the last convolution with a map of at least LEAST x LEAST, since what comes after says nothing of
    where. A map that is 0 everywhere speaks for its class nowhere.
    """
    device = next(network.parameters()).device
    images = inference.Pixels(faces, rows, device)[torch.arange(len(rows))]
    (seen,) = inference.views(images, img_size, channels=inference.channels(network))
    with evaluating(network):
        predicted = network(seen).argmax(1)
        cam = LayerGradCam(network, _layer(network, seen[:1]))
        maps = cam.attribute(seen, predicted, relu_attributions=True).detach()
    maps = LayerAttribution.interpolate(maps, tuple(faces.pixels.shape[1:3]), "bilinear")[:, 0]
    maps = maps / maps.amax((1, 2), keepdim=True).clamp(min=1e-12)
    return maps.cpu().numpy(), predicted.cpu().numpy()


@torch.no_grad()
def _layer(network: nn.Module, image: torch.Tensor) -> nn.Module:
    sides: dict[nn.Module, int] = {}
    layers = [part for part in network.modules() if isinstance(part, nn.Conv2d)]
    hooks = [
        layer.register_forward_hook(lambda layer, _, output: sides.__setitem__(layer, min(output.shape[2:])))
        for layer in layers
    ]
    network(image)
    for hook in hooks:
        hook.remove()
    seen = [layer for layer in sides if sides[layer] >= LEAST]  # in the order of the forward pass
    if not seen:
        raise ValueError(f"no convolution of {type(network).__name__} has a map of {LEAST}x{LEAST}; take larger images")
    return seen[-1]
