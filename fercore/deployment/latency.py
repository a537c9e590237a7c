"""How long a network takes for one batch, on the device it is on."""

from __future__ import annotations

import time

import numpy as np
import torch
from torch import nn

from ..evaluation.inference import channels


@torch.inference_mode()
def latency(
    network: nn.Module, img_size: int = 224, batch_size: int = 1, warmup: int = 10, timed: int = 50
) -> np.ndarray:
    """Seconds of each of `timed` forward passes after `warmup` more, float (timed,), on random images.

    GPUs are waited for. Source: TinyFER-Lite, section 5: batch 1, ten warm-up passes, 50 timed ones.
    """
    device = next(network.parameters()).device
    images = torch.rand(batch_size, channels(network), img_size, img_size, device=device)
    trained, seconds = network.training, []
    network.eval()
    for number in range(warmup + timed):
        _wait(device)
        started = time.perf_counter()
        network(images)
        _wait(device)
        if number >= warmup:
            seconds.append(time.perf_counter() - started)
    network.train(trained)
    return np.array(seconds)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
