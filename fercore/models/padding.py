"""Weights of convolutions that only ever meet padding: on a small image a kernel's outer taps may never see a pixel.

A 3x3 kernel with padding 1 on an image of 1x1 multiplies one pixel by its centre, and zeros by its other eight weights:
these have no gradient, whatever the image, and no influence on any answer.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from .modes import evaluating


def unused(network: nn.Module, shape: tuple[int, int, int]) -> dict[str, int]:
    """How many weights of each convolution never meet a pixel of an image (C, H, W), by the layer's name; only layers
    that have such weights, of those padded with zeros by a number and not dilated."""
    found = {}
    for name, layer, spans in _convolutions(network, shape):
        met = layer.weight[:, :, slice(*spans[0]), slice(*spans[1])].numel()
        found[name] = layer.weight.numel() - met
    return found


def trim(network: nn.Module, shape: tuple[int, int, int]) -> nn.Module:
    """Take these weights out, in place: of images of this shape the network says what it said before, of others it may
    not. Returns the network."""
    for _, layer, spans in _convolutions(network, shape):
        rows, columns = (slice(*span) for span in spans)
        kept = layer.weight.detach()[:, :, rows, columns].clone()
        layer.weight = nn.Parameter(kept, requires_grad=layer.weight.requires_grad)
        layer.kernel_size = tuple(layer.weight.shape[2:])
        layer.padding = tuple(padding - first for padding, (first, _) in zip(layer.padding, spans, strict=True))
    return network


def _convolutions(
    network: nn.Module, shape: tuple[int, int, int]
) -> Iterator[tuple[str, nn.Conv2d, list[tuple[int, int]]]]:
    """Each convolution that has unused taps, with those, first and behind the last, that meet a pixel, vertically and
    horizontally."""
    seen: dict[str, list[set[tuple[int, int]]]] = {}

    def look(name: str):
        def hook(layer: nn.Conv2d, given: tuple) -> None:
            sides = zip(given[0].shape[-2:], layer.kernel_size, layer.stride, layer.padding, strict=True)
            for axis, side in zip(seen.setdefault(name, [set(), set()]), sides, strict=True):
                axis.add(_span(*side))

        return hook

    layers = {
        name: layer
        for name, layer in network.named_modules()
        if type(layer) is nn.Conv2d
        and layer.padding_mode == "zeros"
        and layer.dilation == (1, 1)
        and not isinstance(layer.padding, str)
    }
    if not layers:
        return
    hooks = [layer.register_forward_pre_hook(look(name)) for name, layer in layers.items()]
    try:
        with torch.no_grad(), evaluating(network):
            like = next(network.parameters())
            network(torch.zeros(1, *shape, device=like.device, dtype=like.dtype))
    finally:
        for hook in hooks:
            hook.remove()
    for name, axes in seen.items():  # a layer that is passed with several sizes keeps all its taps
        sides = zip(axes, layers[name].kernel_size, strict=True)
        spans = [min(axis) if len(axis) == 1 else (0, side) for axis, side in sides]
        if spans != [(0, side) for side in layers[name].kernel_size]:
            yield name, layers[name], spans


def _span(side: int, kernel: int, stride: int, padding: int) -> tuple[int, int]:
    """The taps of a kernel that meet a pixel in one direction, first and behind the last; all of them where fewer could
    not be padded alike on both sides."""
    places = range((side + 2 * padding - kernel) // stride + 1)
    met = [tap for tap in range(kernel) if any(0 <= place * stride - padding + tap < side for place in places)]
    if not met:
        return 0, kernel
    first, last = met[0], met[-1] + 1
    left = padding - first
    if left < 0 or (side + 2 * left - (last - first)) // stride + 1 != len(places):
        return 0, kernel
    return first, last
