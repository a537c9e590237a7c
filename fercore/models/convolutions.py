"""Plain convolutions of a network, and the sizes that they meet: what `padding` and `products` look for."""

from __future__ import annotations

import torch
from torch import nn

from .modes import evaluating

Passes = list[tuple[torch.Size, torch.Size]]  # (height, width) of what a layer was given, and of what it made of it


def plain(network: nn.Module, shape: tuple[int, int, int]) -> dict[str, tuple[nn.Conv2d, Passes]]:
    """Convolutions that are padded with zeros by a number and not dilated, by name, with how each is passed by one
    image (C, H, W); those that it does not pass are left out."""
    layers = {
        name: layer
        for name, layer in network.named_modules()
        if type(layer) is nn.Conv2d
        and layer.padding_mode == "zeros"
        and layer.dilation == (1, 1)
        and not isinstance(layer.padding, str)
    }
    if not layers:
        return {}
    passes: dict[nn.Module, Passes] = {}

    def look(layer: nn.Module, given: tuple, made: torch.Tensor) -> None:
        passes.setdefault(layer, []).append((given[0].shape[-2:], made.shape[-2:]))

    hooks = [layer.register_forward_hook(look) for layer in layers.values()]
    try:
        with torch.no_grad(), evaluating(network):
            like = next(network.parameters())
            network(torch.zeros(1, *shape, device=like.device, dtype=like.dtype))
    finally:
        for hook in hooks:
            hook.remove()
    return {name: (layer, passes[layer]) for name, layer in layers.items() if layer in passes}
