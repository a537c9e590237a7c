"""How long a network takes for one batch, on the device it is on."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import torch
from torch import nn

from .. import models
from ..evaluation import inference
from ..models.modes import evaluating
from ..models.profile import profile


@torch.inference_mode()
def latency(
    network: nn.Module, img_size: int = 224, batch_size: int = 1, warmup: int = 10, timed: int = 50
) -> np.ndarray:
    """Seconds of each of `timed` forward passes after `warmup` more, float (timed,), on random images.

    GPUs are waited for. Source: TinyFER-Lite, section 5: batch 1, ten warm-up passes, 50 timed ones.
    """
    device = next(network.parameters()).device
    images = torch.rand(batch_size, inference.channels(network), img_size, img_size, device=device)
    seconds = []
    with evaluating(network):
        for number in range(warmup + timed):
            _wait(device)
            started = time.perf_counter()
            network(images)
            _wait(device)
            if number >= warmup:
                seconds.append(time.perf_counter() - started)
    return np.array(seconds)


def costs(networks: Sequence[str], img_size: int, timed: int, printed: Callable[[str], float]) -> pd.DataFrame:
    """Size and latency of untrained networks, a row each: parameters, MiB with buffers, and of this machine's CPU, and
    its GPU where it has one, milliseconds and their 95th percentile; beside them what the paper prints.

    printed  what a paper prints for a measurement, in seconds; asked for TinyFER-Lite's two machines, to be
             paper_cpu_ms and paper_gpu_ms
    """
    rows = []
    for name in networks:
        network = models.create(name, 7)
        size = profile(network, (inference.channels(network), img_size, img_size))
        row = {"network": name, "parameters": size["parameters"], "MiB": size["bytes_buffers"] / 2**20}
        for device in ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",):
            seconds = latency(network.to(device), img_size, timed=timed)
            row |= {f"{device}_ms": 1000 * seconds.mean(), f"{device}_ms_p95": 1000 * np.quantile(seconds, 0.95)}
        for column, device in (("paper_cpu_ms", "ryzen_5_3600"), ("paper_gpu_ms", "rtx_3050")):
            row[column] = 1000 * printed(f"latency({name}, {device})")
        rows.append(row)
    return pd.DataFrame(rows).set_index("network")


def macs(networks: Sequence[str], img_size: int) -> pd.Series:
    """Millions of multiply-accumulates of one image, by network, of as many channels as the network takes."""
    found = {}
    for name in networks:
        network = models.create(name, 7)
        found[name] = profile(network, (inference.channels(network), img_size, img_size))["macs"] / 1e6
    return pd.Series(found, dtype=float)


def by_batch(networks: Sequence[str], img_size: int, batches: Sequence[int], timed: int = 5) -> pd.DataFrame:
    """Milliseconds of one image on this machine, a row a network and a column a batch: the median of `timed` passes."""
    device = inference.default_device()
    rows = {}
    for name in networks:
        network = models.create(name, 7).to(device)
        found = {batch: latency(network, img_size, batch, warmup=1, timed=timed) for batch in batches}
        rows[name] = {batch: 1000 * np.median(seconds) / batch for batch, seconds in found.items()}
    return pd.DataFrame(rows).T.rename_axis("network").rename_axis(columns="batch")


def _wait(device: torch.device) -> None:
    if device.type != "cpu":  # CUDA's, Apple's or another, which is given work and not waited for
        torch.accelerator.synchronize(device)
