"""What a network says of images: class probabilities from one view or the mean of several."""

from __future__ import annotations

import contextlib
import platform
import warnings
from collections.abc import Iterator
from functools import lru_cache

import numpy as np
import torch
from torch import nn
from torchvision.transforms.functional import ten_crop

from ..datasets import Faces, preprocess
from ..models.modes import evaluating

PRECISIONS = {"bf16": torch.bfloat16, "fp16": torch.float16}
BATCH = 256


class Pixels:
    """uint8 images of some rows of `Faces`, taken by the batch to where they are needed: (n, H, W) or (n, 3, H, W).

    They are put onto the device once where less than half of its free memory holds them, and stay memory-mapped on the
    host otherwise, so that a set may be larger than any memory.
    """

    def __init__(self, faces: Faces, rows: np.ndarray, device: torch.device):
        self.pixels, self.rows, self.device, self.there = faces.pixels, np.asarray(rows), device, None
        if device.type == "cuda":
            needed = len(self.rows) * int(np.prod(faces.pixels.shape[1:]))
            if needed < torch.cuda.mem_get_info(device)[0] // 2:
                parts = [self._host(part) for part in np.array_split(self.rows, 1 + needed // 2**28)]
                self.there = torch.cat([part.to(device) for part in parts])

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: torch.Tensor) -> torch.Tensor:
        """Images at places `index`, int64 (n,) on the host, among the rows."""
        if self.there is not None:
            return self.there[index.to(self.device, non_blocking=True)]
        images = self._host(self.rows[index.numpy()])
        return images if self.device.type == "cpu" else images.pin_memory().to(self.device, non_blocking=True)

    def _host(self, rows: np.ndarray) -> torch.Tensor:
        images = torch.from_numpy(np.ascontiguousarray(self.pixels[rows]))
        return images.permute(0, 3, 1, 2) if images.ndim == 4 else images


def channels(network: nn.Module) -> int:
    """How many channels of an image a network takes: those of its first convolution; 3 where it has none."""
    return next((layer.in_channels for layer in network.modules() if isinstance(layer, nn.Conv2d)), 3)


def gpu_has_bf16(device: torch.device) -> bool:
    """Whether a GPU computes in bf16 itself, as NVIDIA's do since Ampere, and AMD's.

    `torch.cuda.is_bf16_supported` also says so of those that emulate it, which is slower than fp32.
    """
    return bool(torch.version.hip) or torch.cuda.get_device_capability(device) >= (8, 0)


@lru_cache
def cpu_has_bf16() -> bool:
    """Whether this CPU computes in bf16 itself, by AVX512-BF16, AMX or ARM's own.

    oneDNN takes bf16 from plain AVX-512 as well, and converts there and back: which is slower than fp32.
    """
    if not (torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported()):
        return False
    # what has AMX has AVX512-BF16 too
    return platform.machine().lower() not in ("x86_64", "amd64") or torch.cpu._is_avx512_bf16_supported()


def default_device() -> torch.device:
    """A GPU where there is one, otherwise the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def precision_here(precision: str) -> str:
    """`precision`, or fp32 with a warning where the device that trains here lacks it: for notebooks, whose settings may
    have been written for another machine. What a recipe asks for is never replaced; it refuses what is no precision."""
    if precision not in PRECISIONS:
        return precision
    try:
        autocast(precision, default_device())
    except ValueError as error:
        warnings.warn(f"fp32 in place of {precision}: {error}", stacklevel=2)
        return "fp32"
    return precision


def autocast(precision: str, device: torch.device) -> contextlib.AbstractContextManager:
    """Where a network is computed in half precision; fp32: nothing. Raises ValueError where the device lacks it."""
    if precision == "fp32":
        return contextlib.nullcontext()
    if device.type == "cpu" and precision == "fp16":
        raise ValueError("fp16 is for GPUs; on a CPU there are fp32 and bf16")
    if device.type == "cpu" and not cpu_has_bf16():
        raise ValueError("this CPU has no bf16 arithmetic, and would be slower with it than without; there is fp32")
    if device.type == "cuda" and precision == "bf16" and not gpu_has_bf16(device):
        raise ValueError(f"{torch.cuda.get_device_name(device)} has no bf16; there are fp32 and fp16")
    return torch.autocast(device.type, PRECISIONS[precision])


def views(pixels: torch.Tensor, img_size: int, tta: str = "one", channels: int | None = None) -> list[torch.Tensor]:
    """What a network sees of uint8 images at evaluation: normalised float (N, C, img_size, img_size) each.

    one: the image; flip: and its mirror image; ten: corners, centre and their mirror images of the image at 8/7 of
    `img_size`, as AlexNet's (Krizhevsky et al., NIPS 2012)
    """
    if tta == "ten":
        return list(ten_crop(preprocess.resize(pixels, round(img_size * 8 / 7), channels), img_size))
    images = preprocess.resize(pixels, img_size, channels)
    return [images, images.flip(-1)] if tta == "flip" else [images]


def probabilities(
    network: nn.Module,
    faces: Faces,
    rows: np.ndarray,
    img_size: int,
    tta: str = "one",
    images: Pixels | None = None,
) -> np.ndarray:
    """Class probabilities of rows of `faces`, float64 (n, C): the mean of the softmax over the views.

    In full precision, whatever the network was trained in, and on a GPU without TF32; it stays in the mode it was in.
    images  the same rows, where they are already at hand

    Raises ValueError where the network's answer to an image is not finite, which argmax would take for the first class.
    """
    return view_logits(network, faces, rows, img_size, tta, images).softmax(-1).mean(0).numpy()


@contextlib.contextmanager
def without_tf32() -> Iterator[None]:
    """Convolutions of fp32 in fp32: NVIDIA's GPUs since Ampere take TF32, with 10 bits of 23, unless they are told."""
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = before


@torch.no_grad()
@without_tf32()
def view_logits(
    network: nn.Module,
    faces: Faces,
    rows: np.ndarray,
    img_size: int,
    tta: str = "one",
    images: Pixels | None = None,
) -> torch.Tensor:
    """What `probabilities` is the softmax of, view by view: float64 (views, n, C) on the host."""
    first = next(network.parameters())
    images = Pixels(faces, rows, first.device) if images is None else images
    layout = torch.channels_last if _is_channels_last(network) else torch.contiguous_format
    wanted, parts = channels(network), []
    with evaluating(network):
        for index in torch.arange(len(images)).split(BATCH):
            seen = views(images[index], img_size, tta, wanted)
            parts.append(torch.stack([network(view.contiguous(memory_format=layout)) for view in seen]).double())
    found = torch.cat(parts, 1).cpu()
    wrong = (~found.isfinite()).any(2).any(0).nonzero()
    if len(wrong):
        raise ValueError(
            f"the network's answer is not finite for {len(wrong):,} of {found.shape[1]:,} images, the first of them "
            f"row {rows[int(wrong[0])]} of {faces.name}"
        )
    return found


def _is_channels_last(network: nn.Module) -> bool:
    weights = (weight for weight in network.parameters() if weight.ndim == 4 and weight.shape[1] > 1)
    return next((weight.is_contiguous(memory_format=torch.channels_last) for weight in weights), False)
