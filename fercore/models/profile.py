"""How large a network is: parameters, size and operations, beside what the papers print of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pandas as pd
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from . import create


def profile(network: nn.Module, shape: tuple[int, int, int]) -> dict[str, float]:
    """Of a network and an input (C, H, W): parameters, MiB of parameters, MiB with buffers, GMACs of one image.

    Multiply-accumulates are half of the operations that PyTorch's counter counts; papers call them FLOPs.
    """
    parameters, buffers = list(network.parameters()), list(network.buffers())
    mib = [sum(tensor.numel() * tensor.element_size() for tensor in part) / 2**20 for part in (parameters, buffers)]
    network.eval()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network(torch.zeros(1, *shape, device=parameters[0].device))
    return {
        "parameters": sum(tensor.numel() for tensor in parameters),
        "mib": mib[0],
        "mib_buffers": sum(mib),
        "gmacs": counter.get_total_flops() / 2e9,
    }


def compare(claims: Iterable[Mapping]) -> pd.DataFrame:
    """A row a network and claim, as params/paper/networks.yaml lists them: what is counted, what is claimed, and
    whether the two are equal to the last digit that is printed (None where nothing is claimed)."""
    rows = []
    for claim in claims:
        channels, side = claim["input"]
        network = create(claim["network"], num_classes=claim["classes"])
        found = profile(network, (channels, side, side))
        claimed = claim.get("parameters", claim.get("millions"))
        counted = found["parameters"] if "parameters" in claim else found["parameters"] / 1e6
        size = found["mib_buffers" if claim.get("buffers") else "mib"]
        rows.append(
            {
                "network": claim["network"],
                "classes": claim["classes"],
                "paper": claim["paper"],
                "where": claim["where"],
                "parameters": found["parameters"],
                "claimed": claimed,
                "equal": _equal(counted, claimed),
                "mib": size,
                "mib_claimed": claim.get("size"),
                "mib_equal": _equal(size, claim.get("size")),
                "input": f"{channels}x{side}x{side}",
                "gmacs": found["gmacs"],
                "gmacs_claimed": claim.get("gmacs"),
                "gmacs_equal": _equal(found["gmacs"], claim.get("gmacs")),
            }
        )
    return pd.DataFrame(rows)


def _equal(found: float, claimed: float | None) -> bool | None:
    if claimed is None:
        return None
    digits = len(str(claimed).partition(".")[2])
    return round(found, digits) == claimed
