"""Pretrained weights from wherever they are, or how to get them where they are missing."""

from __future__ import annotations

import json
import warnings
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import timm
import torch
import torchvision
from torch import nn

from .. import files
from ..datasets import preprocess

HALF = (torch.float16, torch.bfloat16)
RELEASED = Path(__file__).parent / "released"  # weights that come with the project, each with a card
DISTILLED = "_distilled"  # behind the data's name, where another network has taught as well


def called(name: str) -> str:
    """A network with its weights as figures and texts have it, whatever they are called as a run (lean_250k_distilled)
    or as a file (lean_250k-fer2013_distilled): "lean_250k, distilled"."""
    network = name.removesuffix(DISTILLED).partition("-")[0]
    return f"{network}, distilled" if name.endswith(DISTILLED) else network


class WeightsWarning(UserWarning):
    """Weights that were taken only in part, or on trust."""


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
    """timm.create_model; with `pretrained`, made to take images as everything here does, normalised by ImageNet's
    statistics, where its weights are of others. Raises WeightsError where weights cannot be had or so made."""
    try:
        network = timm.create_model(name, pretrained=pretrained, **options)
        return _taking_our_images(network, name) if pretrained else network
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


FIRST = {"inception_v3": "Conv2d_1a_3x3.conv, Conv2d_1a_3x3.bn", "legacy_xception": "conv1, bn1"}  # which pad nothing


def renormalised(
    kernel: torch.Tensor, running_mean: torch.Tensor, mean: Sequence[float], std: Sequence[float]
) -> tuple[torch.Tensor, torch.Tensor]:
    """A first convolution without padding, (O, 3, H, W), and the mean of the batch normalisation behind it, (O,), that
    do with images of `preprocess.normalise` what these do with images normalised by `mean` and `std`."""
    mean, std, ours, apart = (
        torch.tensor(values)[:, None, None] for values in (mean, std, preprocess.MEAN, preprocess.STD)
    )
    # an image x that comes as n = (x - ours) / apart is (x - mean) / std = n apart / std + (ours - mean) / std
    return kernel * apart / std, running_mean - (kernel * (ours - mean) / std).sum((1, 2, 3))


def _taking_our_images(network: nn.Module, name: str) -> nn.Module:
    ours = {"mean": preprocess.MEAN, "std": preprocess.STD}
    theirs = {
        key: tuple(value) for key, value in (getattr(network, "pretrained_cfg", None) or {}).items() if key in ours
    }
    if theirs in ({}, ours):  # of this project's own networks, those of their backbones are known to be
        return network
    if name not in FIRST:
        raise WeightsError(f"ImageNet weights of {name} are for images normalised by {theirs}, unlike those here")
    conv, norm = map(network.get_submodule, FIRST[name].split(", "))
    with torch.no_grad():
        kernel, running_mean = renormalised(conv.weight, norm.running_mean, **theirs)
        conv.weight.copy_(kernel), norm.running_mean.copy_(running_mean)
    network.pretrained_cfg = {**network.pretrained_cfg, **ours}
    return network


def from_torchvision(name: str, pretrained: bool, num_classes: int = 1000, **options) -> nn.Module:
    """A torchvision network; with `pretrained`, all of its ImageNet weights but the last layer's, where that has
    another number of classes. Raises WeightsError, also for options that make another network."""
    if name == "googlenet":  # whose auxiliary classifiers would answer as well; its weights' images are normalised anew
        options = {"aux_logits": False, "init_weights": True, "transform_input": pretrained} | options
    network = torchvision.models.get_model(name, num_classes=num_classes, **options)
    if pretrained:
        own = network.state_dict()
        with torch.device("meta"):
            spare = head(network, torchvision.models.get_model(name, num_classes=num_classes + 1, **options))
        state = imagenet(torchvision.models.get_model_weights(name).DEFAULT)
        state = {key: value for key, value in state.items() if key in own or not key.startswith("aux")}
        state |= {key: own[key] for key in spare if state[key].shape != own[key].shape}
        if wrong := unfit(state, own):
            raise WeightsError(f"ImageNet weights do not fit {name} with {options}: {wrong}")
        network.load_state_dict(state)
    return network


def is_name(weights: str | Path | None) -> bool:
    """Whether weights are named, such as "fer2013", and come with the project: no path, and no library's."""
    return isinstance(weights, str) and weights.isidentifier() and weights != "imagenet"


def released(name: str, data: str) -> tuple[Path, dict]:
    """The file of a network's weights that comes with the project, and the options that the network is made with.

    Raises WeightsError where there is none.
    """
    path = RELEASED / f"{name}-{data}.safetensors"
    if not path.is_file():
        there = [path.stem.rpartition("-") for path in sorted(RELEASED.glob("*.safetensors"))]
        own = [repr(found) for network, _, found in there if network == name]
        known = ", ".join(own) or f"none, but of {', '.join(dict.fromkeys(network for network, *_ in there)) or 'none'}"
        raise WeightsError(f"no weights {data!r} of {name} come with the project; there are {known}")
    found = record(path)
    return path, {"num_classes": len(found["classes"]), **found["options"]}


def file_of(name: str, given: str | Path) -> Path:
    """The file of weights: of those that come with the project, by the data's name, or the path that is given.

    Raises WeightsError as `released` does.
    """
    return released(name, given)[0] if is_name(given) else Path(given).expanduser()


def preferred(name: str) -> str:
    """Which weights of a network are taken where none are named: distilled ones where they come with the project."""
    taught = f"fer2013{DISTILLED}"
    return taught if (RELEASED / f"{name}-{taught}.safetensors").is_file() else "fer2013"


def data_of(weights: str) -> str:
    """The data that weights of a name, such as "fer2013_distilled", have learned from."""
    return weights.removesuffix(DISTILLED)


def record(path: str | Path) -> dict:
    """What a file of released weights, or of a run, says of itself: network, options, classes, img_size, tta, recipe...

    temperature  by which logits are divided for calibrated probabilities; None where none was fitted
    Raises WeightsError where there is no file, for a pickle, and for one without such a record.
    """
    from safetensors import safe_open

    path = Path(path).expanduser()
    require_safetensors(path)
    try:
        with safe_open(path, "pt") as file:
            held = file.metadata() or {}
        found = json.loads(held["fercore"]) if "fercore" in held else None
    except Exception as error:  # not safetensors, a damaged record
        raise WeightsError(f"{path} does not say which network it is of: {error}") from error
    if found is None:
        raise WeightsError(
            f"{path} has no fercore record, which says what network it is of; in Python: "
            "export.export(network, path, Description(...))"
        )
    if not isinstance(found, dict):
        raise WeightsError(f"{path} does not say which network it is of: its record is a {type(found).__name__}")
    for old, new in (("side", "img_size"), ("views", "tta")):  # as they were called at first
        if old in found:
            found[new] = found.pop(old)
    if made := found.get("identity"):  # of a run
        try:
            found |= {"network": made["network"].partition(", ")[0], "options": made["start"]["options"]}
            found |= {"classes": made["classes"], "recipe": made["recipe"]}
            found |= {name: made["recipe"][name] for name in ("img_size", "tta")}
        except (KeyError, TypeError, AttributeError) as error:
            raise WeightsError(f"{path} does not say which network it is of: its run's record lacks {error}") from None
    return {"temperature": None, **found}


def record_of_classes(path: Path, classes: Sequence[str]) -> dict:
    """`record`, of a network whose outputs are these classes in this order. Raises WeightsError where they are not."""
    found = record(path)
    if tuple(found["classes"]) != tuple(classes):
        raise WeightsError(f"{path.name} is of the classes {', '.join(found['classes'])}, not {', '.join(classes)}")
    return found


def classes_of(path: Path) -> tuple[str, ...] | None:
    """The classes that the weights at `path` are of, in their order; None where the file does not name them."""
    held = _record(path).get("classes")
    return None if held is None else tuple(held)


def note_classes(path: Path, held: tuple[str, ...] | None, classes: Sequence[str]) -> None:
    """Give a WeightsWarning where weights of the classes `held`, as `classes_of` has them, were taken for others, and
    where the file does not name its own, so that only their number could be checked."""
    if held is None:
        note = f"{path} does not name its classes: they are taken to be {', '.join(classes)}, in this order"
    elif held != tuple(classes):
        note = f"{path} is of the classes {', '.join(held)}, and not {', '.join(classes)}: all weights but "
        note += "the head's are loaded, and a new head is initialised at random"
    else:
        return
    warnings.warn(note, WeightsWarning, stacklevel=3)


def head(network: nn.Module, larger: nn.Module) -> set[str]:
    """Names of the weights that depend on the number of classes, from the same network with one more."""
    shapes = {name: value.shape for name, value in larger.state_dict().items()}
    return {name for name, value in network.state_dict().items() if shapes.get(name) != value.shape}


def _record(path: Path) -> dict:
    """What the file says of itself, as `fercore train` writes it; {} where it says nothing."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as file:
            found = json.loads((file.metadata() or {}).get("fercore", "{}"))
    except (OSError, ValueError, SafetensorError):  # which `load_file` tells better
        return {}
    return found if isinstance(found, dict) else {}


def load_file(network: nn.Module, path: Path, spare: Collection[str] = ()) -> None:
    """Load a .safetensors file into `network`, but for the weights named `spare`; raises WeightsError where it is not
    there, does not fit, or is unfit. What DataParallel and torch.compile put before the names is taken off, and what is
    kept in half precision becomes what the network computes with."""
    from safetensors.torch import load_file as read

    require_safetensors(path)
    own = network.state_dict()
    try:
        held = plain_names(read(path))
    except Exception as error:  # not safetensors, or cut short
        raise WeightsError(f"{path} is not a complete .safetensors file: {error}") from error
    held = {name: value.float() if value.dtype in HALF else value for name, value in held.items()}
    held |= {name: own[name] for name in spare}
    if wrong := unfit(held, own):
        raise WeightsError(f"{path} does not fit {type(network).__name__}: {wrong}")
    network.load_state_dict(held)


def unfit(held: Mapping[str, torch.Tensor], own: Mapping[str, torch.Tensor]) -> str | None:
    """Why `held` cannot take the place of `own`, a network's state, naming the first tensor that is wrong; None if it
    can: the same names, shapes and types, every number finite, no variance below 0."""
    if missing := sorted(own.keys() - held.keys()):
        return f"{missing[0]} is missing" + (f", and {len(missing) - 1} more" if len(missing) > 1 else "")
    if unknown := sorted(held.keys() - own.keys()):
        return f"the network has no {unknown[0]}" + (f", nor {len(unknown) - 1} more" if len(unknown) > 1 else "")
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


def require_safetensors(path: Path) -> None:
    """Raise WeightsError where there is no file, and for a pickle, which is never opened."""
    if not path.is_file():
        raise WeightsError(f"no weights at {path}; give a .safetensors file of the whole network")
    if pickled(path):
        raise WeightsError(
            f"{path} is a pickled PyTorch file, not safetensors, and is not opened here: a pickle can run anything. "
            f"Where you trust it, convert it once: fercore convert {path} {converted(path)}"
        )


def converted(path: Path) -> Path:
    """Where the safetensors file that is made of a pickle may be put."""
    target = path.with_suffix(".safetensors")
    return path.with_name(f"{path.stem}-converted.safetensors") if target == path else target


def pickled(path: Path) -> bool:
    """Whether a file is as torch.save writes it: a zip with a pickle in it, or a bare pickle. A safetensors file begins
    with the length of its header, of which the eighth byte is 0."""
    with open(path, "rb") as file:
        start = file.read(8)
    return start[:4] == b"PK\x03\x04" or (start[:1] == b"\x80" and start[7:] != b"\0")


def plain_names(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """`state` without what DataParallel (module.) or torch.compile (_orig_mod.) has put before every name."""
    for prefix in ("module.", "_orig_mod.", "module."):
        if state and all(name.startswith(prefix) for name in state):
            state = {name.removeprefix(prefix): value for name, value in state.items()}
    return dict(state)


def convert(source: str | Path, target: str | Path) -> Path:
    """A file of torch.save as safetensors; returns `target`. Nothing in it is run: what holds more than tensors, such
    as a whole network, is refused. Raises WeightsError, and OSError where it cannot be written.

    The weights may be the whole of it, or stand under state_dict, model_state_dict, model or the like.
    """
    from safetensors.torch import save

    source, target = Path(source).expanduser(), Path(target).expanduser()
    if target.suffix != ".safetensors":
        raise WeightsError(f"{target}: weights are written to a file ending in .safetensors")
    if not source.is_file():
        raise WeightsError(f"no weights at {source}")
    if target.exists():
        raise WeightsError(f"{target} is there already")
    try:
        held = torch.load(source, map_location="cpu", weights_only=True)
    except Exception as error:  # pickle's, zip's and PyTorch's own
        raise WeightsError(
            f"{source} holds more than tensors, or is damaged ({type(error).__name__}). A network that was saved whole "
            "can only be opened where its code is: there, torch.save(network.state_dict(), FILE), and convert that"
        ) from None
    for key in ("state_dict", "model_state_dict", "model_state", "model", "net", "network", "weights"):
        if isinstance(held, Mapping) and isinstance(held.get(key), Mapping):
            held = held[key]
    if not isinstance(held, Mapping) or not held or not all(isinstance(one, torch.Tensor) for one in held.values()):
        keys = f"with the keys {', '.join(map(str, held))}"[:120] if isinstance(held, Mapping) else ""
        raise WeightsError(f"{source} holds a {type(held).__name__} {keys}; expected tensors by name (a state_dict)")
    content = save({name: tensor.clone().contiguous() for name, tensor in plain_names(held).items()})
    target.parent.mkdir(parents=True, exist_ok=True)
    files.replace(target, lambda file: file.write(content))
    return target
