"""Where a network looks for its answer: Grad-CAM (Selvaraju et al., ICCV 2017), by captum."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterator

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

    They are of the last features with a map of at least LEAST x LEAST, since what comes after says nothing of where. A
    map that is 0 everywhere speaks for its class nowhere.
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
    """The last layer or block to end with such a map. Blocks are taken whole: beside what is within one, such as a
    shortcut, the answer may rest on another path. What is used more than once has not one map, and is left out."""
    ended: list[tuple[nn.Module, int]] = []

    def note(part: nn.Module, _, output: object) -> None:
        if isinstance(output, torch.Tensor) and output.ndim == 4 and output.shape[2] == output.shape[3]:
            ended.append((part, output.shape[2]))

    hooks = [part.register_forward_hook(note) for part in network.modules()]
    network(image)
    for hook in hooks:
        hook.remove()
    calls = Counter(part for part, _ in ended)
    large = [part for part, side in ended if side >= LEAST and calls[part] == 1]
    whole = set(_in_turn(network, calls))
    seen = [part for part in large if part in whole] or large  # within a block, where nothing else is left
    if not seen:
        raise ValueError(f"no layer of {type(network).__name__} has a map of {LEAST}x{LEAST}; take larger images")
    return seen[-1]


def _in_turn(network: nn.Module, mapped: Container[nn.Module]) -> Iterator[nn.Module]:
    """The parts of a network that follow one another: its own, those of a Sequential, and those of what ends with no
    map, such as a backbone."""
    for part in network.children():
        yield part
        if isinstance(part, nn.Sequential) or part not in mapped:
            yield from _in_turn(part, mapped)
