"""Weights of convolutions that only ever meet padding: on a small image a kernel's outer taps may never see a pixel.

A 3x3 kernel with padding 1 on an image of 1x1 multiplies one pixel by its centre, and zeros by its other eight weights:
these have no gradient, whatever the image, and no influence on any answer.
"""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn

from . import convolutions


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
    for name, (layer, passes) in convolutions.plain(network, shape).items():
        kernels = zip(layer.kernel_size, layer.stride, layer.padding, strict=True)
        axes = [{_span(given[axis], *kernel) for given, _ in passes} for axis, kernel in enumerate(kernels)]
        # a layer that is passed with several sizes keeps all its taps
        spans = [min(met) if len(met) == 1 else (0, side) for met, side in zip(axes, layer.kernel_size, strict=True)]
        if spans != [(0, side) for side in layer.kernel_size]:
            yield name, layer, spans


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
