"""How large a network is: parameters, size and operations, counted without a single weight in memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pandas as pd
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from ..yamlio import did_you_mean
from . import create
from .modes import evaluating
from .products import ProductConv2d


def profile(network: nn.Module, shape: tuple[int, int, int]) -> dict[str, float]:
    """Of a network and an input (C, H, W): parameters, bytes of parameters, bytes with buffers, multiply-accumulates of
    one image, and these as ptflops counts them.

    Multiply-accumulates are half of the operations that PyTorch's counter counts; papers call them FLOPs. Some papers
    count more by that name: see `_beside_products`.
    """
    parameters, buffers = list(network.parameters()), list(network.buffers())
    size = [sum(tensor.numel() * tensor.element_size() for tensor in part) for part in (parameters, buffers)]
    extra: list[int] = []
    hooks = [
        layer.register_forward_hook(lambda layer, given, made: extra.append(_beside_products(layer, given, made)))
        for layer in network.modules()
    ]
    with torch.no_grad(), evaluating(network), FlopCounterMode(display=False) as counter:
        network(torch.zeros(1, *shape, device=parameters[0].device))
    for hook in hooks:
        hook.remove()
    return {
        "parameters": sum(tensor.numel() for tensor in parameters),
        "bytes": size[0],
        "bytes_buffers": sum(size),
        "macs": counter.get_total_flops() // 2,
        "macs_ptflops": counter.get_total_flops() // 2 + sum(extra),
    }


# by exact type, as ptflops looks them up: a subclass of another library, such as timm's BatchNormAct2d, is not known
NORMALISATIONS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.GroupNorm, nn.LayerNorm)
RECTIFIERS = (nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.PReLU, nn.ELU, nn.GELU)
POOLS = (nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveMaxPool2d, nn.AdaptiveAvgPool2d)
PRODUCTS = (nn.Conv1d, nn.Conv2d, nn.Linear, ProductConv2d)  # the last computes what an nn.Conv2d does


def _beside_products(layer: nn.Module, given: tuple, made: torch.Tensor) -> int:
    """What ptflops 0.7.5 (its table of layers, MODULES_MAPPING of pytorch_ops.py) counts beside the products: 2 for
    each value that a normalisation makes, 1 for each that a rectifier makes, that a pooling is given and that has a
    bias. What is computed outside of a layer is left out."""
    if type(layer) in NORMALISATIONS:
        return made.numel() * (2 if layer.weight is not None else 1)
    if type(layer) in RECTIFIERS or (type(layer) in PRODUCTS and layer.bias is not None):
        return made.numel()
    return given[0].numel() if type(layer) in POOLS else 0


def count(networks: Iterable[Mapping]) -> list[dict]:
    """The measurements of networks as params/paper/networks.yaml lists them: rows for
    `measurements.table`.

    The networks are built on PyTorch's meta device: nothing is drawn, nothing is computed.
    """
    found = {}
    for entry in networks:
        name, classes, shape = entry["network"], entry["classes"], entry["input"]
        with torch.device("meta"):
            size = profile(create(name, num_classes=classes), tuple(map(int, shape.split("x"))))
        found |= {
            f"parameters({name}, {classes})": size["parameters"],
            f"size({name}, {classes}, parameters)": size["bytes"],
            f"size({name}, {classes}, buffers)": size["bytes_buffers"],
            f"macs({name}, {classes}, {shape})": size["macs"],
            f"macs({name}, {classes}, {shape}, convention=ptflops)": size["macs_ptflops"],
        }
    return [{"measurement": name, "value": value} for name, value in found.items()]


LAYERS = {  # what is told of a layer: the name, and the attribute that holds it
    nn.Conv2d: {"channels": "in_channels", "filters": "out_channels", "kernel": "kernel_size", "stride": "stride"},
    nn.Linear: {"inputs": "in_features", "neurons": "out_features"},
    nn.MaxPool2d: {"kernel": "kernel_size", "stride": "stride"},
    nn.Dropout: {"rate": "p"},
}


def structure(network: nn.Module) -> dict[str, float]:
    """What a network is built of: conv_layers and fc_layers, how many it has; of a layer, by its name in PyTorch, such
    as conv1.filters, conv1.kernel (px), fc1.neurons, dropout.rate; and how many parameters each of its parts has, such
    as features.parameters.
    """
    layers = dict(network.named_modules())
    found = {
        "conv_layers": sum(isinstance(layer, nn.Conv2d) for layer in layers.values()),
        "fc_layers": sum(isinstance(layer, nn.Linear) for layer in layers.values()),
    }
    for name, part in network.named_children():
        found[f"{name}.parameters"] = sum(tensor.numel() for tensor in part.parameters())
    for name, layer in layers.items():
        for kind, attributes in LAYERS.items():
            if isinstance(layer, kind):
                values = {told: getattr(layer, attribute) for told, attribute in attributes.items()}
                found |= {f"{name}.{told}": _side(value) for told, value in values.items()}
    return found


def _side(value: float | tuple[int, int]) -> float:
    """Of what is square, the side."""
    sides = set(value) if isinstance(value, tuple) else {value}
    if len(sides) > 1:
        raise ValueError(f"{value} is not square")
    return sides.pop()


def structures(parts: Iterable[tuple[str, str]]) -> list[dict]:
    """The measurements structure(NETWORK, PART) of pairs of the two: rows for `measurements.table`. Raises ValueError
    for a part that a network has not.
    """
    found: dict[str, dict] = {}
    rows = []
    for network, part in sorted(set(parts)):
        if network not in found:
            with torch.device("meta"):
                found[network] = structure(create(network))
        if part not in found[network]:
            raise ValueError(f"{network} has no {part}; {did_you_mean(part, found[network])}")
        rows.append({"measurement": f"structure({network}, {part})", "value": found[network][part]})
    return rows


def compare(networks: Iterable[Mapping], counted: pd.DataFrame, judged: pd.DataFrame) -> pd.DataFrame:
    """A row a network: what is counted, what is printed of it, and whether the two are equal to the last printed digit.

    counted  measurements by name, with `value`; judged  the ledger with its verdicts
    "" where nothing is printed, "by convention" where it is equal by another way of counting. Where a number is printed
    more than once, the one with the most digits counts.
    """
    rows = []
    for entry in networks:
        name, classes, shape = entry["network"], entry["classes"], entry["input"]
        row = {"network": name, "classes": classes, "input": shape}
        columns = {
            "parameters": ([f"parameters({name}, {classes})"], 1, 0),
            "MiB": ([f"size({name}, {classes}, {of})" for of in ("buffers", "parameters")], 2**20, 2),
            "GMACs": ([f"macs({name}, {classes}, {shape})"], 1e9, 3),
        }
        for title, (measurements, unit, digits) in columns.items():
            claims = judged[judged["measurement"].isin(measurements)]
            if title in set(claims["unit"]):  # MiB, where a size is also printed in MB
                claims = claims[claims["unit"] == title]
            best = claims.loc[claims["claimed"].str.count(r"\d").idxmax()] if len(claims) else None
            measurement = measurements[0] if best is None else best["measurement"]
            row[title] = f"{counted.loc[measurement, 'value'] / unit:,.{digits}f}"
            row[f"{title} printed"] = "" if best is None else best["claimed"]
            row[f"{title} equal"] = "" if best is None else _equal(best)
        rows.append(row)
    return pd.DataFrame(rows)


def _equal(judged: pd.Series) -> str:
    if judged["verdict"] != "exact":
        return "no"
    return "by convention" if judged["rule"] == "counted_by_a_convention" else "yes"
