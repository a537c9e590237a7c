"""What is done to images before a network sees them: grey levels, size, affine maps, normalisation.

Batches of tensors on whatever device they are on; evaluation, augmentation and the windows of MicroExpNet share it.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet


def to_float(pixels: torch.Tensor) -> torch.Tensor:
    """uint8 (N, H, W) or (N, C, H, W) to float (N, C, H, W) of 0 to 1."""
    images = pixels[:, None] if pixels.ndim == 3 else pixels
    return images.float() / 255


def grey(images: torch.Tensor) -> torch.Tensor:
    """Images (N, C, H, W) by their luminance, (N, 1, H, W)."""
    if images.shape[1] == 1:
        return images
    weights = torch.tensor(
        (0.2989, 0.587, 0.114), device=images.device, dtype=images.dtype
    )  # ITU-R BT.601's 0.299, 0.587, 0.114 as torchvision rounds them: they add up to 0.9999
    return (images * weights[:, None, None]).sum(1, keepdim=True)


def shrink(images: torch.Tensor, side: int) -> torch.Tensor:
    """Float (N, C, H, W) as they are, or to side x side where a side is larger: `warp` takes single pixels, and would
    alias."""
    if max(images.shape[-2:]) <= side:
        return images
    return F.interpolate(images, (side, side), mode="bilinear", align_corners=False, antialias=True)


def resize(pixels: torch.Tensor, side: int, channels: int | None = None) -> torch.Tensor:
    """uint8 (N, H, W) or (N, C, H, W) to normalised float (N, channels, side, side): what evaluation sees."""
    images = to_float(pixels)
    if images.shape[-2:] != (side, side):
        images = F.interpolate(images, (side, side), mode="bilinear", align_corners=False, antialias=True)
    return normalise(images, channels)


def normalise(images: torch.Tensor, channels: int | None = None) -> torch.Tensor:
    """Images (N, C, H, W) in 0 to 1 to ImageNet's statistics, (N, channels, H, W): by default as many as they have.

    One channel becomes three alike, as papers do for networks that want colour; three become one by their luminance.
    What has one channel is normalised by the mean of the three statistics.
    """
    mean, std = (torch.tensor(values, device=images.device, dtype=images.dtype) for values in (MEAN, STD))
    if channels == 1:
        images = grey(images)
    if images.shape[1] == 1 and channels != 3:
        return (images - mean.mean()).div_(std.mean())
    pixels = images.permute(0, 2, 3, 1).expand(-1, -1, -1, 3)  # channels last, which convolutions like
    return (pixels - mean).div_(std).permute(0, 3, 1, 2)


def crop_map(
    left: torch.Tensor, top: torch.Tensor, width: torch.Tensor, height: torch.Tensor, mirrored: torch.Tensor
) -> torch.Tensor:
    """The rectangle at `left` and `top`, shares of the side, made the whole, then `mirrored` (bool); each (N,)."""
    zero = torch.zeros_like(width)
    across = torch.where(mirrored, -width, width)
    return affine(across, zero, 2 * left + width - 1, zero, height, 2 * top + height - 1)


def affine(a, b, c, d, e, f) -> torch.Tensor:
    """Affine maps (N, 2, 3) of their six entries, row by row; each (N,)."""
    return torch.stack([torch.stack([a, b, c], -1), torch.stack([d, e, f], -1)], 1)


def warp(images: torch.Tensor, maps: Sequence[torch.Tensor], side: int) -> torch.Tensor:
    """Float (N, C, H, W) through affine maps (N, 2, 3), in their order, to (N, C, side, side): one interpolation."""
    steps = (2 * torch.arange(side, device=images.device, dtype=images.dtype) + 1) / side - 1
    through, inside = maps[0], None
    for matrix in maps[1:]:  # what the last one leaves is within the source
        for row in through.unbind(1):
            # between the last pixel's middle and the next one's, bilinear interpolation fades to black
            fade = _plane(row, steps).abs_().mul_(-side / 2).add_((side + 1) / 2).clamp_(0, 1)
            inside = fade if inside is None else inside.mul_(fade)
        through = _then(through, matrix)
    points = images.new_empty(len(images), side, side, 2)
    for axis, row in enumerate(through.unbind(1)):
        points[..., axis] = _plane(row, steps)
    found = F.grid_sample(images, points, mode="bilinear", padding_mode="border", align_corners=False)
    return found if inside is None else found.mul_(inside[:, None])


def _plane(row: torch.Tensor, steps: torch.Tensor) -> torch.Tensor:
    """a x + b y + c at every pixel, (N, S, S), from (N, 3): two small sums and one large, and no matrix product."""
    a, b, c = row[:, :, None].unbind(1)
    return (b * steps + c)[:, :, None] + (a * steps)[:, None, :]


def _then(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """The affine map (N, 2, 3) that applies `first` and then `second`."""
    turned = second[:, :, :2] @ first
    return torch.cat([turned[:, :, :2], turned[:, :, 2:] + second[:, :, 2:]], 2)
