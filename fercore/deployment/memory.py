"""How much memory inference takes, by batch: counted on shapes alone, so that any batch can be asked for anywhere."""

from __future__ import annotations

import weakref
from collections.abc import Sequence

import pandas as pd
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from .. import models
from ..evaluation.inference import channels

KEPT = {"nothing kept": False, "kept for a backward pass": True}


def inference_bytes(network: str, img_size: int, batch_size: int, kept: bool = False) -> int:
    """The most bytes that a forward pass in fp32 holds at once: weights, images, and what layers hand on.

    kept  as where gradients are not switched off: what a backward pass would ask for is held until the end

    What a framework takes beside it is left out: its context on a device, scratch of its kernels, what it sets aside.
    """
    with torch.device("meta"):
        made = models.create(network, 7).eval()
        images = torch.empty(batch_size, channels(made), img_size, img_size)
    held = sum(one.numel() * one.element_size() for one in (*made.parameters(), *made.buffers(), images))
    with torch.set_grad_enabled(kept), _Held() as counted:
        counted.known(*made.parameters(), *made.buffers(), images)
        answer = made(images)
        del answer
    return held + counted.most


def by_batch(networks: Sequence[str], img_size: int, batches: Sequence[int]) -> pd.DataFrame:
    """`inference_bytes` in MB (10^6), a row a network, way and batch."""
    rows = [
        (network, way, batch, inference_bytes(network, img_size, batch, kept) / 1e6)
        for network in networks
        for way, kept in KEPT.items()
        for batch in batches
    ]
    return pd.DataFrame(rows, columns=["network", "way", "batch", "MB"]).set_index(["network", "way", "batch"])


def batch_of(network: str, img_size: int, megabytes: float, kept: bool = False) -> float:
    """The batch at which `inference_bytes` come to so many MB (10^6); below 1 where one image takes more."""
    first, last = (inference_bytes(network, img_size, batch, kept) for batch in (1024, 2048))
    each = (last - first) / 1024
    return 1024 + (1e6 * megabytes - first) / each


class _Held(TorchDispatchMode):
    """Counts the bytes of tensors that are made while it is on and are still there, and the `most` there were."""

    def __init__(self):
        super().__init__()
        self.now, self.most, self.seen = 0, 0, weakref.WeakSet()

    def known(self, *tensors: torch.Tensor) -> None:
        for tensor in tensors:
            self.seen.add(tensor.untyped_storage())

    def __torch_dispatch__(self, function, types, given=(), named=None):
        made = function(*given, **(named or {}))
        for tensor in tree_leaves(made):
            if isinstance(tensor, torch.Tensor) and (storage := tensor.untyped_storage()) not in self.seen:
                self.seen.add(storage)
                self.now += storage.nbytes()
                self.most = max(self.most, self.now)
                weakref.finalize(storage, self._gone, storage.nbytes())
        return made

    def _gone(self, size: int) -> None:
        self.now -= size
