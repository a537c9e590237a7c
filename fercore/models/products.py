"""Convolutions that make few pixels, as one matrix product.

Of a batch of 16 images of 2x2 pixels, forward and backward in fp32, 3x3 with 1,024 channels takes 111 ms, as a product
51; a kernel of 2x2 for 2,048 channels, which covers the whole image, 89 ms and 17. By ONEDNN_VERBOSE, oneDNN
spends a third to a half of that on bringing the kernels into an order of its own and back; of images of 16x16 pixels it
is 6 %. (One core of an AMD EPYC, Zen 4.)
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from . import convolutions

PLACES = 4  # pixels at most that such a convolution makes: with 16 it is as fast as its product


class ProductConv2d(nn.Conv2d):
    """`nn.Conv2d`, without groups, as the product of its input's patches and its kernel: the same values but for the
    order of summation."""

    def _conv_forward(self, images: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
        sizes = zip(images.shape[2:], self.padding, self.kernel_size, self.stride, strict=True)
        rows, columns = (1 + (side + 2 * padding - kernel) // stride for side, padding, kernel, stride in sizes)
        if self.kernel_size == (1, 1) and self.padding == (0, 0):
            patches = images[:, :, :: self.stride[0], :: self.stride[1]].permute(0, 2, 3, 1)
        else:
            patches = F.unfold(images, self.kernel_size, padding=self.padding, stride=self.stride).transpose(1, 2)
        made = F.linear(patches.reshape(-1, weight[0].numel()), weight.flatten(1), bias)
        return made.view(images.shape[0], rows, columns, len(weight)).permute(0, 3, 1, 2)


def of_few_places(network: nn.Module, shape: tuple[int, int, int]) -> nn.Module:
    """Compute as products, in place, those convolutions that make `PLACES` pixels or fewer of an image (C, H, W);
    grouped and dilated ones stay, and those not padded with zeros by a number. Returns the network."""
    for layer, passes in convolutions.plain(network, shape).values():
        if layer.groups == 1 and max(made.numel() for _, made in passes) <= PLACES:
            layer.__class__ = ProductConv2d  # weights, names and hooks stay as they are
    return network
