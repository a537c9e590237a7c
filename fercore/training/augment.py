"""Augmentation of a whole batch where the data is: drawn per image, and every geometric step in one warp.

What torchvision does image by image in a row (resized crop, flip, rotation, affine warp) is here one affine map per
image from the pixels of the result to those of the source, so that an image is interpolated once. Brightness, contrast
and erasing follow. Images stay uint8 and grey until here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import torch

from ..datasets.preprocess import MEAN, STD, affine, crop_map, grey, normalise, shrink, to_float, warp

RESIZED = 257 / 224  # of the side of the crop, to which larger images are brought before (TinyFER-Lite, section 5)


@dataclass(frozen=True)
class Augmentation:
    """Ranges that are drawn from, by default TinyFER-Lite's (section 5). Angles in degrees."""

    crop_scale: tuple[float, float] = (0.85, 1.0)  # area of the crop as a share of the image
    crop_ratio: tuple[float, float] = (0.9, 1.1)  # width to height
    flip: float = 0.5
    rotation: float = 10.0
    translation: float = 0.05  # share of the side, both ways
    zoom: tuple[float, float] = (0.95, 1.05)
    shear: float = 5.0  # along x, as torchvision's RandomAffine draws it from one number
    brightness: float = 0.2
    contrast: float = 0.2
    erasing: float = 0.2
    erasing_area: tuple[float, float] = (0.02, 0.12)
    erasing_ratio: tuple[float, float] = (0.3, 3.3)


NONE = Augmentation((1.0, 1.0), (1.0, 1.0), 0.0, 0.0, 0.0, (1.0, 1.0), 0.0, 0.0, 0.0, 0.0)
AUGMENTATIONS = {"tinyfer_lite": Augmentation(), "flip": replace(NONE, flip=0.5), "none": NONE}
AUGMENTATIONS["microexpnet_se"] = replace(  # the MicroExpNet of 2026, section III-E
    AUGMENTATIONS["flip"], rotation=15.0, brightness=0.2, contrast=0.2, erasing=0.15, erasing_area=(0.02, 0.2)
)


def augment(
    pixels: torch.Tensor,
    img_size: int,
    ranges: Augmentation = Augmentation(),
    random: torch.Generator | None = None,
    channels: int | None = None,
) -> torch.Tensor:
    """uint8 (N, H, W) or (N, C, H, W) to normalised float (N, channels, img_size, img_size), each drawn for itself.

    random  a generator on the device of `pixels`; channels  by default those of `pixels`. Grey images stay one channel
    until they are normalised.
    """
    return augmented(pixels, img_size, ranges, random, channels)[0]


def augmented(
    pixels: torch.Tensor,
    img_size: int,
    ranges: Augmentation = Augmentation(),
    random: torch.Generator | None = None,
    channels: int | None = None,
) -> tuple[torch.Tensor, torch.Tensor]:
    """As `augment`, and which of the images are mirrored, bool (N,)."""
    images = to_float(pixels)
    # what is mirrored alone is what the network is evaluated on; else there is to be something to crop
    images = shrink(images, img_size if only_flips(ranges) else round(img_size * RESIZED))
    count, device = len(images), images.device
    *matrices, mirrored = geometry(count, ranges, random, device)
    images = warp(images, matrices, img_size)
    draw = Drawing(count, random, device)
    images = images * draw.between(1 - ranges.brightness, 1 + ranges.brightness)[:, None, None, None]
    images = images.clamp(0, 1)
    factor = draw.between(1 - ranges.contrast, 1 + ranges.contrast)[:, None, None, None]
    images = (images * factor + (1 - factor) * grey(images).mean((1, 2, 3), keepdim=True)).clamp(0, 1)
    return erase(normalise(images, channels), ranges, random), mirrored


def only_flips(ranges: Augmentation | None) -> bool:
    """Whether an image stays as it is, or becomes its mirror image."""
    if ranges is None:
        return True
    unused = {"flip": 0.0, "erasing_area": NONE.erasing_area, "erasing_ratio": NONE.erasing_ratio}
    return ranges.erasing == 0 and replace(ranges, **unused) == NONE


class Drawing:
    """Numbers for a batch, one an image, from one generator: each float (count,)."""

    def __init__(self, count: int, random: torch.Generator | None, device: torch.device):
        self.count, self.random, self.device = count, random, device

    def uniform(self) -> torch.Tensor:
        """Numbers from 0 to 1."""
        return torch.rand(self.count, generator=self.random, device=self.device)

    def between(self, low: float, high: float) -> torch.Tensor:
        """Numbers drawn evenly between the ends."""
        return low + (high - low) * self.uniform()

    def ratio(self, low: float, high: float) -> torch.Tensor:
        """A ratio, drawn evenly between the logarithms of its ends."""
        return self.between(math.log(low), math.log(high)).exp()


def geometry(
    count: int, ranges: Augmentation, random: torch.Generator | None, device: torch.device
) -> tuple[torch.Tensor, ...]:
    """Affine maps (N, 2, 3) from the result to the source, in coordinates from -1 to 1, in the order they are applied:
    affine warp, rotation, flip and crop (together); and which images are flipped, bool (N,). What lies outside after
    one of the maps is black."""
    draw = Drawing(count, random, device)
    angle = draw.between(-ranges.rotation, ranges.rotation)
    shift = [draw.between(-ranges.translation, ranges.translation) for _ in range(2)]
    zoom, shear = draw.between(*ranges.zoom), draw.between(-ranges.shear, ranges.shear)
    width, height = _crop_size(draw, ranges)
    left, top = (draw.uniform() * (1 - part) for part in (width, height))
    mirrored = draw.uniform() < ranges.flip
    return affine_map(shift, zoom, shear), rotation_map(angle), crop_map(left, top, width, height, mirrored), mirrored


def _crop_size(draw: Drawing, ranges: Augmentation) -> tuple[torch.Tensor, torch.Tensor]:
    """Width and height (N,) as shares of the side: as RandomResizedCrop, the first of ten that fits, else the whole."""
    width, height = torch.ones(draw.count, device=draw.device), torch.ones(draw.count, device=draw.device)
    fits = torch.zeros(draw.count, device=draw.device, dtype=torch.bool)
    for _ in range(10):
        area, ratio = draw.between(*ranges.crop_scale), draw.ratio(*ranges.crop_ratio)
        wide, tall = (area * ratio).sqrt(), (area / ratio).sqrt()
        new = ~fits & (wide <= 1) & (tall <= 1)
        width, height, fits = torch.where(new, wide, width), torch.where(new, tall, height), fits | new
    return width, height


def rotation_map(angle: torch.Tensor) -> torch.Tensor:
    """Counter-clockwise by `angle` degrees (N,)."""
    angle = torch.deg2rad(angle)
    zero = torch.zeros_like(angle)
    return affine(angle.cos(), -angle.sin(), zero, angle.sin(), angle.cos(), zero)


def affine_map(shift: list[torch.Tensor], zoom: torch.Tensor, shear: torch.Tensor) -> torch.Tensor:
    """Sheared along x by `shear` degrees, zoomed, shifted right and down by shares of the side; each (N,)."""
    slope, zero = torch.deg2rad(shear).tan(), torch.zeros_like(zoom)
    # result = zoom [1 -slope; 0 1] source + 2 shift, solved for the source
    x, y = (-2 * part / zoom for part in shift)
    return affine(1 / zoom, slope / zoom, x + slope * y, zero, 1 / zoom, y)


def erase(images: torch.Tensor, ranges: Augmentation, random: torch.Generator | None = None) -> torch.Tensor:
    """A rectangle of zeros in a share of the images (N, C, H, W), in place, as RandomErasing after normalisation."""
    draw = Drawing(len(images), random, images.device)
    height, width = images.shape[-2:]
    area = draw.between(*ranges.erasing_area) * height * width
    ratio = draw.ratio(*ranges.erasing_ratio)
    chosen = draw.uniform() < ranges.erasing
    tall, wide = (area * ratio).sqrt().round(), (area / ratio).sqrt().round()
    chosen &= (tall < height) & (wide < width)  # torchvision draws such a rectangle anew
    top, left = (draw.uniform() * (height - tall + 1)).floor(), (draw.uniform() * (width - wide + 1)).floor()
    rows = torch.arange(height, device=images.device)[None, :, None]
    columns = torch.arange(width, device=images.device)[None, None, :]
    within = (rows >= top[:, None, None]) & (rows < (top + tall)[:, None, None])
    within = within & (columns >= left[:, None, None]) & (columns < (left + wide)[:, None, None])
    return images.mul_(~(within & chosen[:, None, None])[:, None])


def preview(pixels: np.ndarray, img_size: int, ranges: Augmentation, count: int = 4, seed: int = 0) -> np.ndarray:
    """`count` draws of each image as training shows it, to be looked at: uint8 (count, N, img_size, img_size), grey.

    pixels  uint8 (N, H, W) or (N, H, W, 3)
    """
    images = torch.from_numpy(np.array(pixels))
    images = images if images.ndim == 3 else images.movedim(-1, 1)
    random = torch.Generator().manual_seed(seed)
    drawn = torch.stack([augment(images, img_size, ranges, random, channels=1)[:, 0] for _ in range(count)])
    levels = drawn * np.mean(STD) + np.mean(MEAN)  # as they were before they were normalised
    return (255 * levels).clamp(0, 255).round().to(torch.uint8).numpy()


def mixup(
    images: torch.Tensor, labels: torch.Tensor, alpha: float, random: torch.Generator | None = None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Each image blended with another of the batch, and their soft labels (N, C) alike (Zhang et al., ICLR 2018).

    One share for the whole batch, drawn from Beta(alpha, alpha).
    """
    if alpha <= 0:
        return images, labels
    gammas = torch._standard_gamma(torch.full((2,), float(alpha)), generator=None if random is None else _cpu(random))
    share = float(gammas[0] / gammas.sum())
    order = torch.randperm(len(images), generator=random, device=images.device)
    return share * images + (1 - share) * images[order], share * labels + (1 - share) * labels[order]


def _cpu(random: torch.Generator) -> torch.Generator:
    if random.device.type == "cpu":
        return random
    seed = torch.randint(2**62, (1,), generator=random, device=random.device)
    return torch.Generator().manual_seed(int(seed))
