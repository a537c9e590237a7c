"""Pretrained weights from where they can be had, and a clear word where they cannot."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import timm
import torch
import torchvision
from torch import nn

RELEASED = Path(__file__).parent / "released"  # weights that come with the project, each with a card


class WeightsError(RuntimeError):
    """Weights that cannot be had, or that do not fit: says what was looked for, and every way to provide it."""


def refuse(options: Mapping) -> None:
    """Raise TypeError for options that a network does not have, but for those that timm gives to all of them."""
    unknown = sorted(set(options) - {"pretrained_cfg", "pretrained_cfg_overlay", "cache_dir"})
    if unknown:
        raise TypeError(f"the network has no option {', '.join(map(repr, unknown))}")


def imagenet(weights) -> dict[str, torch.Tensor]:
    """The state of a torchvision network, such as MobileNet_V3_Small_Weights.IMAGENET1K_V1, from the hub's cache or
    its server. Raises WeightsError."""
    path = Path(torch.hub.get_dir()) / "checkpoints" / weights.url.rsplit("/", 1)[-1]
    try:
        return weights.get_state_dict(progress=False)
    except Exception as error:  # urllib, http, ssl, a file that is damaged: all the same to whoever needs the weights
        raise WeightsError(
            f"ImageNet weights {weights} cannot be had ({error}). Either let this machine reach {weights.url}, "
            f"or put that file at {path}"
        ) from error


def from_timm(name: str, pretrained: bool, **options) -> nn.Module:
    """timm.create_model, with WeightsError where ImageNet weights cannot be had."""
    try:
        return timm.create_model(name, pretrained=pretrained, **options)
    except (WeightsError, ValueError, TypeError):
        raise
    except Exception as error:  # the hub's and urllib's own, of many kinds
        if not pretrained:
            raise
        config = timm.get_pretrained_cfg(name)
        source = (config and (config.url or config.hf_hub_id)) or "timm's hub"
        raise WeightsError(
            f"ImageNet weights of {name} cannot be had ({error}). Either let this machine reach {source}, "
            "or give a .safetensors file of the whole network as weights"
        ) from error


def from_torchvision(name: str, pretrained: bool, num_classes: int = 1000, **options) -> nn.Module:
    """A torchvision network; with `pretrained`, all of its ImageNet weights but the last layer's, where that has
    another number of classes. Raises WeightsError."""
    network = torchvision.models.get_model(name, num_classes=num_classes, **options)
    if pretrained:
        own = network.state_dict()
        state = imagenet(torchvision.models.get_model_weights(name).DEFAULT)
        network.load_state_dict(
            {key: value if own[key].shape == value.shape else own[key] for key, value in state.items()}
        )
    return network


def released(name: str, data: str) -> tuple[Path, dict]:
    """The file of a network's weights that comes with the project, and the options that the network is made with.

    Raises WeightsError where there is none.
    """
    path = RELEASED / f"{name}-{data}.safetensors"
    if not path.is_file():
        there = sorted(path.stem for path in RELEASED.glob("*.safetensors"))
        raise WeightsError(
            f"no weights {data!r} of {name} come with the project; there are {', '.join(there) or 'none'}, "
            "'imagenet', and any .safetensors file of the whole network"
        )
    found = record(path)
    return path, {"num_classes": len(found["classes"]), **found["options"]}


def record(path: str | Path) -> dict:
    """What a file of released weights says of itself: network, options, classes, img_size, tta, temperature, recipe...

    temperature  by which logits are divided for calibrated probabilities; None where none was fitted
    Raises WeightsError for a file without such a record.
    """
    from safetensors import safe_open

    try:
        with safe_open(path, "pt") as file:
            found = json.loads(file.metadata()["fercore"])
    except Exception as error:  # not there, not safetensors, no metadata
        raise WeightsError(f"{path} does not say which network it is of: {error}") from error
    for old, new in (("side", "img_size"), ("views", "tta")):  # as they were called at first
        if old in found:
            found[new] = found.pop(old)
    return {"temperature": None, **found}


def load_file(network: nn.Module, path: Path) -> None:
    """Load a .safetensors file into `network`; raises WeightsError where it is not there or does not fit."""
    from safetensors.torch import load_file as read

    if not path.is_file():
        raise WeightsError(f"no weights at {path}; give a .safetensors file of the whole network, or 'imagenet'")
    try:
        network.load_state_dict(read(path))
    except Exception as error:  # not safetensors, or another network's
        raise WeightsError(f"{path} does not fit {type(network).__name__}: {error}") from error
