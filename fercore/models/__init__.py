"""Every network of the papers, registered with timm: one file a paper; and this project's own in `lean`.

net = models.create("tinyfer_lite", num_classes=7)     # the same as timm.create_model(...)
net = models.create("tinyfer_lite", weights="imagenet")
models.names()

weights       pretrained weights, and where they are from
profile       parameters, size and operations
convolutions  plain convolutions, and the sizes that they meet
padding       weights that only ever meet padding
products      convolutions of few pixels as matrix products
modes         training and evaluation mode
"""

from __future__ import annotations

import pkgutil
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import timm
import torch
import torchvision
from torch import nn

from .weights import (
    WeightsError,
    WeightsWarning,
    classes_of,
    file_of,
    from_timm,
    from_torchvision,
    head,
    is_name,
    load_file,
    note_classes,
    record,
    released,
)

__all__ = ["OWN", "WeightsError", "WeightsWarning", "create", "exists", "names", "options_of"]


def names() -> list[str]:
    """Every network of a paper that is no library's: the NETWORKS of each module here, which its import registers."""
    return [name for module in _MODULES.values() for name in getattr(module, "NETWORKS", ()) if name not in OWN]


def exists(name: str) -> bool:
    """Whether `create` makes a network of that name."""
    return timm.is_model(name) or name in torchvision.models.list_models(torchvision.models)


def create(
    name: str,
    num_classes: int | None = None,
    weights: str | Path | None = None,
    classes: Sequence[str] | None = None,
    **options,
) -> nn.Module:
    """A network by name: one of `names()` or `OWN`, or any other that timm or else torchvision knows.

    num_classes  outputs; by default as many as `classes`, else what the weights or the paper have
    weights      None: drawn at random. "imagenet": the backbone's, through torchvision or timm. A path: a .safetensors
                 file of the whole network; for light_fer also Keras's ImageNet weights (.h5, .npz), without a head.
                 "fer2013", "fer2013_distilled": those that come with the project
    options      of the network; by default those that the weights were made with, where these say so (`options_of`)
    classes      names of the outputs. Where the file says that its own are others, or stand in another order, all but
                 the head is taken, and a new head is drawn at random; where it does not name them, the head is taken,
                 too. Both give a WeightsWarning
    Raises ValueError for a name that neither knows, and WeightsError where weights cannot be had or do not fit; it
    never goes on with random ones instead.
    """
    if classes is not None:
        num_classes = len(classes) if num_classes is None else num_classes
        if num_classes != len(classes):
            raise ValueError(f"{num_classes} outputs cannot be the {len(classes)} classes {', '.join(classes)}")
    options = options_of(name, weights) | options
    if is_name(weights):
        weights, own = released(name, weights)
        if classes is None and num_classes not in (None, own["num_classes"]):
            raise WeightsError(f"{weights.name} has {own['num_classes']} classes, not {num_classes}")
        options = {"num_classes": own["num_classes"]} | options
    options |= {} if num_classes is None else {"num_classes": num_classes}
    if _of_keras(name, weights):
        light_fer = _MODULES["light_fer"]
        options.pop("keras", None)  # which it is
        return light_fer.from_keras(light_fer.read_keras(weights), **options)
    imagenet = weights is not None and str(weights) == "imagenet"
    if timm.is_model(name):
        network = from_timm(name, imagenet, **options)
    elif name in torchvision.models.list_models(torchvision.models):
        network = from_torchvision(name, imagenet, **options)
    else:
        raise ValueError(f"no network {name!r}; there are {', '.join([*names(), *OWN])}, timm's and torchvision's")
    if weights is not None and not imagenet:
        path = Path(weights).expanduser()
        spare, held = set(), classes_of(path) if classes is not None else None
        if held is not None and held != tuple(classes):
            with torch.random.fork_rng(()):  # a network of one more class, to see which of its weights that changes
                spare = head(network, create(name, **options | {"num_classes": num_classes + 1}))
        load_file(network, path, spare)
        if classes is not None:  # not before: what cannot be loaded is not taken for anything
            note_classes(path, held, classes)
    return network


def options_of(name: str, weights: str | Path | None) -> dict:
    """The options that weights, as `create` takes them, were made with; {} where they do not say, or are of another
    network. Not all of them change a tensor's shape, so that a network made otherwise would load the weights as well.

    Raises WeightsError where no weights of that name come with the project.
    """
    if weights is None or str(weights) == "imagenet":
        return {}
    if _of_keras(name, weights):
        return {"keras": True}
    path = file_of(name, weights)
    try:
        found = record(path)
    except WeightsError:  # such as a file of somebody else's training
        return {}
    return dict(found.get("options") or {}) if found.get("network") == name else {}


def _of_keras(name: str, weights: str | Path | None) -> bool:
    light_fer = _MODULES["light_fer"]  # which alone takes them
    return name in light_fer.NETWORKS and Path(weights or "").suffix in light_fer.KERAS


# a paper's module is found by being here; last, since some of them take what stands above
_MODULES = {module.name: import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__)}
OWN = _MODULES["lean"].NETWORKS  # of no paper, and so none of `names`
