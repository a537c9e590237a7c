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
    from safetensors import safe_open

    path = RELEASED / f"{name}-{data}.safetensors"
    if not path.is_file():
        there = sorted(path.stem for path in RELEASED.glob("*.safetensors"))
        raise WeightsError(
            f"no weights {data!r} of {name} come with the project; there are {', '.join(there) or 'none'}, "
            "'imagenet', and any .safetensors file of the whole network"
        )
    with safe_open(path, "pt") as file:
        record = json.loads(file.metadata()["fercore"])
    return path, {"num_classes": len(record["classes"]), **record["options"]}


def load_file(network: nn.Module, path: Path) -> None:
    """Load a .safetensors file into `network`; raises WeightsError where it is not there, does not fit, or is unfit."""
    from safetensors.torch import load_file as read

    if not path.is_file():
        raise WeightsError(f"no weights at {path}; give a .safetensors file of the whole network, or 'imagenet'")
    try:
        held = read(path)
    except Exception as error:  # not safetensors, or cut short
        raise WeightsError(f"{path} is no whole .safetensors file: {error}") from error
    if wrong := unfit(held, network.state_dict()):
        raise WeightsError(f"{path} does not fit {type(network).__name__}: {wrong}")
    network.load_state_dict(held)


def unfit(held: Mapping[str, torch.Tensor], own: Mapping[str, torch.Tensor]) -> str | None:
    """Why `held` cannot take the place of `own`, a network's state, naming the first tensor that is wrong; None if it
    can: the same names, shapes and types, every number finite, no variance below 0."""
    if missing := sorted(own.keys() - held.keys()):
        return f"{missing[0]} is missing" + (f", and {len(missing) - 1} more" if len(missing) > 1 else "")
    if unknown := sorted(held.keys() - own.keys()):
        return f"it has no {unknown[0]}" + (f", nor {len(unknown) - 1} more" if len(unknown) > 1 else "")
    for name, value in held.items():
        if value.shape != own[name].shape:
            return f"{name} is of shape {tuple(value.shape)}, not {tuple(own[name].shape)}"
        if value.dtype != own[name].dtype:
            return f"{name} is of type {_type(value)}, not {_type(own[name])}"
        if wrong := unsound(name, value):
            return wrong
    return None


def unsound(name: str, value: torch.Tensor) -> str | None:
    """What no network can compute with: numbers that are not finite, and variances below 0."""
    if not value.isfinite().all():
        return f"{name} is not finite"
    if name.rpartition(".")[2] == "running_var" and (value < 0).any():
        return f"{name} is a variance below 0"
    return None


def _type(value: torch.Tensor) -> str:
    return str(value.dtype).removeprefix("torch.")
