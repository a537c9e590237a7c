"""What the labs train: a network that learns rendered faces in seconds on one core. What they teach is not here."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn


def inputs(pixels: np.ndarray, side: int = 24) -> torch.Tensor:
    """uint8 (N, H, W) as float (N, 1, side, side), shrunk by area, of about mean 0 and standard deviation 1."""
    images = torch.from_numpy(np.array(pixels)).float()[:, None]
    return (F.interpolate(images, (side, side), mode="area") - 127.5) / 64


class SmallCNN(nn.Sequential):
    """Three convolutions of `width`, twice and four times as many channels, then the mean and a linear layer.

    attention  makes a block from a number of channels, which stands before the mean; None for none
    """

    def __init__(self, classes: int, width: int = 8, attention: Callable[[int], nn.Module] | None = None):
        layers: list[nn.Module] = []
        channels = 1
        for place, wide in enumerate((width, 2 * width, 4 * width)):
            layers += [nn.Conv2d(channels, wide, 3, padding=1, bias=False), nn.BatchNorm2d(wide), nn.ReLU()]
            layers += [nn.MaxPool2d(2)] if place < 2 else []
            channels = wide
        layers += [attention(channels)] if attention else []
        super().__init__(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, classes))


def train(
    images: torch.Tensor,
    targets: torch.Tensor | Sequence[torch.Tensor],
    classes: int,
    loss: Callable[..., torch.Tensor] = F.cross_entropy,
    *,
    epochs: int = 10,
    seed: int = 0,
    width: int = 8,
    attention: Callable[[int], nn.Module] | None = None,
    learning_rate: float = 5e-3,
) -> nn.Module:
    """A SmallCNN trained on `images`, in evaluation mode. The same arguments give the same network.

    targets  what `loss(logits, ...)` takes of each image: the labels, or several tensors of N rows each
    """
    torch.manual_seed(seed)
    network = SmallCNN(classes, width, attention)
    targets = (targets,) if isinstance(targets, torch.Tensor) else tuple(targets)
    optimiser = torch.optim.AdamW(network.parameters(), learning_rate, weight_decay=1e-2)
    steps = epochs * -(-len(images) // 64)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, learning_rate, total_steps=steps)
    for _ in range(epochs):
        for rows in torch.randperm(len(images)).split(64):
            optimiser.zero_grad()
            loss(network(images[rows]), *(part[rows] for part in targets)).backward()
            optimiser.step()
            schedule.step()
    return network.eval()


@torch.no_grad()
def logits(network: nn.Module, images: torch.Tensor) -> torch.Tensor:
    """What the network says of all images, (N, classes)."""
    return torch.cat([network(part) for part in images.split(512)])


@contextlib.contextmanager
def without(*packages: str) -> Iterator[None]:
    """What a lab asks for is to be written, and not called: raises AssertionError at the end where, in this thread, a
    Python function was called that is defined in one of the `packages`."""
    called = []

    def watch(frame, event, argument):
        name = frame.f_globals.get("__name__") or ""
        if event == "call" and any(name == package or name.startswith(f"{package}.") for package in packages):
            called.append(name)

    before = sys.getprofile()
    sys.setprofile(watch)
    try:
        yield
    finally:
        sys.setprofile(before)
    if called:
        raise AssertionError(f"{called[0]} has the answer: write it yourself")
