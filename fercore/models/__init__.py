"""Every network of the five papers, registered with timm: one file a paper; and this project's own in `lean`.

net = models.create("tinyfer_lite", num_classes=7)     # the same as timm.create_model(...)
net = models.create("tinyfer_lite", weights="imagenet")
models.names()
"""

from __future__ import annotations

from pathlib import Path

import timm
import torchvision
from torch import nn

from . import lean, light_fer, microexpnet, microexpnet_se, mini_resemotenet, tinyfer
from .weights import WeightsError, from_timm, from_torchvision, load_file, released

__all__ = ["OWN", "WeightsError", "create", "names"]

PAPERS = (tinyfer, microexpnet_se, mini_resemotenet, microexpnet, light_fer)
OWN = lean.NETWORKS  # of no paper, and so none of `names`


def names() -> list[str]:
    """Every network of the five papers that is no library's, in the order of the papers."""
    return [name for paper in PAPERS for name in paper.NETWORKS]


def create(name: str, num_classes: int | None = None, weights: str | Path | None = None, **options) -> nn.Module:
    """A network by name: one of `names()` or `OWN`, or any other that timm or else torchvision knows.

    num_classes  outputs; by default what the paper has
    weights      None: drawn at random. "imagenet": the backbone's, through torchvision or timm. A path: a .safetensors
                 file of the whole network; for light_fer also Keras's ImageNet weights (.h5, .npz), without a head.
                 "fer2013": those that come with the project, made with their own options
    Raises ValueError for a name that neither knows, and WeightsError where weights cannot be had or do not fit; it
    never goes on with random ones instead.
    """
    if isinstance(weights, str) and weights.isidentifier() and weights != "imagenet":  # and no path
        weights, own = released(name, weights)
        if num_classes not in (None, own["num_classes"]):
            raise WeightsError(f"{weights.name} has {own['num_classes']} classes, not {num_classes}")
        options = own | options
    options |= {} if num_classes is None else {"num_classes": num_classes}
    if name in light_fer.NETWORKS and Path(weights or "").suffix in light_fer.KERAS:
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
        load_file(network, Path(weights))
    return network
