"""A teacher of students: trained for them, or a network of this project with the weights that come with it."""

from __future__ import annotations

import warnings
from collections.abc import MutableMapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np
import pandas as pd
import torch
from torch import nn

from .. import models
from ..datasets import Faces, preprocess
from ..evaluation import inference, metrics
from ..models import weights
from ..training.recipe import Recipe, from_plain
from ..training.trainer import Run

TEACHER = "teacher"  # its name among the trained
Made = TypeVar("Made", bound="Taught")


class Taught(Protocol):
    """What a protocol says of its teacher.

    teacher_weights  a file that it starts from, or "imagenet", or nothing; or data such as "fer2013": it is not
                     trained, but has the weights of these that come with the project
    """

    teacher_network: str
    teacher_weights: str


def comes_trained(protocol: Taught) -> bool:
    """Whether the teacher is not trained here."""
    return protocol.teacher_weights.isidentifier() and protocol.teacher_weights != "imagenet"


def of_data(protocol: Made, data: str) -> Made:
    """The protocol on these data: weights that come with the project, of others, are left out, with a WeightsWarning,
    and the teacher is trained from random ones."""
    if not comes_trained(protocol) or protocol.teacher_weights == data:
        return protocol
    held = protocol.teacher_weights
    note = f"the teacher is trained from random weights on {data}: those of {held} are not of its images"
    warnings.warn(note, weights.WeightsWarning, stacklevel=2)
    return replace(protocol, teacher_weights="")


def at_hand(
    protocol: Taught, faces: Faces, trained: MutableMapping[str, Sequence[Run]], folder: str | Path = ""
) -> list[Run]:
    """The teacher, taken out of what was `trained`, or as it comes: one run, or none where it is not trained yet.

    folder  where students' trainings lie; a teacher as it comes has a folder there, in which its answers are kept
    Raises WeightsError as `released` does.
    """
    if not comes_trained(protocol):
        return list(trained.pop(TEACHER, []))
    own = Path(folder) / f"{protocol.teacher_network}-{protocol.teacher_weights}" if folder else None
    return [released(protocol.teacher_network, protocol.teacher_weights, faces, own)]


def released(network: str, data: str, faces: Faces, folder: Path | None = None) -> Run:
    """A network with the weights of `data` that come with the project, as the run that it would be: `best_epoch` is 0,
    and the history is one row: what it scores on the split that selects, by one view, as its students do.

    Raises WeightsError where there are none, and where their classes are not those of `faces`.
    """
    path, _ = weights.released(network, data)
    record = weights.record(path)
    if tuple(record["classes"]) != tuple(faces.classes):
        raise weights.WeightsError(
            f"{path.name} is of the classes {', '.join(record['classes'])}, not {', '.join(faces.classes)}"
        )
    teacher, own, rows = models.create(network, weights=data).eval(), recipe(network, data), faces.rows("select")
    labels, said = faces.labels[rows], inference.probabilities(teacher, faces, rows, own.img_size)
    loss = float(-np.log(np.maximum(said[np.arange(len(rows)), labels], 1e-12)).mean())
    found = metrics.scores(metrics.confusion(labels, said.argmax(1), len(faces.classes)))
    history = pd.DataFrame([{"epoch": 0, "loss": loss} | found])
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    return Run(teacher, own, history, 0, 0.0, folder)


def recipe(network: str, data: str) -> Recipe:
    """How released weights were trained, as their file says, to be asked for one view of an image."""
    return from_plain(weights.record(weights.released(network, data)[0])["recipe"] | {"tta": "one"})


def said(protocol: Taught) -> str:
    """What a teacher that is not trained is, to be read."""
    return f"{protocol.teacher_network} with this project's weights"


def as_module(teacher: Run, channels: int, precision: str = "fp32") -> nn.Module:
    """The teacher as a network that sees what its students see: images of so many channels, in its own precision."""
    network = teacher.network
    if (own := inference.channels(network)) != channels:
        if (own, channels) != (1, 3):
            raise ValueError(
                f"the teacher takes {own} channels, its students {channels}; expected 1 and 3, or the same"
            )
        network = nn.Sequential(one_of_three(), network).eval()
    return network if precision == "fp32" else InPrecision(network, precision)


def one_of_three() -> nn.Conv2d:
    """Normalised images of three channels to those of one, as `preprocess.normalise` makes both: (N, 3, H, W) to
    (N, 1, H, W), by luminance."""
    grey = preprocess.grey(torch.eye(3)[:, :, None, None]).flatten()  # of a red image, a green one and a blue one
    mean, std = torch.tensor(preprocess.MEAN), torch.tensor(preprocess.STD)
    layer = nn.Conv2d(3, 1, 1).requires_grad_(False)
    layer.weight.copy_((grey * std / std.mean())[None, :, None, None])
    layer.bias.copy_((((grey * mean).sum() - mean.mean()) / std.mean())[None])
    return layer


class InPrecision(nn.Module):
    """A network that answers in half precision, whatever whoever asks it computes in."""

    def __init__(self, network: nn.Module, precision: str):
        super().__init__()
        self.network, self.precision = network, precision

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        with inference.autocast(self.precision, images.device):
            return self.network(images).float()
