"""A teacher of students: trained for them, or a pretrained network of this project."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from torch import nn

from .. import models
from ..datasets import Faces, preprocess
from ..evaluation import inference
from ..models import weights
from ..training import answers, origins
from ..training.recipe import Recipe
from ..training.trainer import Run

TEACHER = "teacher"  # its name among the trained
Made = TypeVar("Made", bound="Taught")


class Taught(Protocol):
    """What a protocol, a frozen dataclass, says of its teacher.

    teacher_weights  a file that it starts from, or "imagenet", or nothing; or a name such as "fer2013": it is not
                     trained, but has the weights of this name that come with the project
    """

    teacher_network: str
    teacher_weights: str
    teacher_epochs: int
    teacher_precision: str

    @property
    def teacher_recipe(self) -> Recipe: ...


def pretrained(protocol: Taught) -> bool:
    """Whether the teacher is not trained here."""
    return weights.is_name(protocol.teacher_weights)


def listed(other: Mapping[str, tuple]) -> str:
    """By setting what a paper has and what is here, to be read: "20 of 80 epochs, batch_size 64"."""
    return ", ".join(
        f"{now} of {before} epochs" if name == "epochs" else f"{name} {now}" for name, (before, now) in other.items()
    )


def compared(
    students: Mapping[str, tuple], teacher: Mapping[str, tuple], more: Mapping[str, Mapping] | None = None
) -> pd.DataFrame:
    """The same of students and of their teacher as a table: a row a setting, with the paper's and the one here; one row
    where students and teacher have the same. `more`: of others, by what they are called, where they have another."""
    both = {name: pair for name, pair in students.items() if teacher.get(name) == pair}
    parts = {"both": both, "students": students, "teacher": teacher} | (more or {})
    said = {"images": lambda count: f"{count or 'all'}"}
    rows = [
        (who, name, *map(said.get(name, str), pair))
        for who, own in parts.items()
        for name, pair in own.items()
        if who == "both" or both.get(name) != pair
    ]
    return pd.DataFrame(rows, columns=["of", "setting", "the paper's", "here"])


def of_data(protocol: Made, faces: Faces, answers_in: str | None = None, trains: bool = True) -> Made:
    """The protocol on these data and this machine: weights that come with the project are left out where they are of
    others, or where these data are divided otherwise, so that they may have seen what selects or tests; the teacher is
    then trained from random ones, with a WeightsWarning. Its precision is `inference.precision_here`.

    answers_in  the precision that a pretrained teacher is asked in; None: the protocol's
    trains      whether anything is trained: what was trained elsewhere keeps the precision that it had there
    """
    here = inference.precision_here if trains else str
    if pretrained(protocol):
        if (why := origins.unsuited(protocol.teacher_weights, faces)) is None:
            asked = answers_in or protocol.teacher_precision
            return replace(protocol, teacher_precision=here(asked))
        held = weights.data_of(protocol.teacher_weights)
        note = f"the teacher is trained from random weights on {faces.name}: those of {held} {why}"
        warnings.warn(note, weights.WeightsWarning, stacklevel=2)
        protocol = replace(protocol, teacher_weights="")
    return replace(protocol, teacher_precision=here(protocol.teacher_precision))


def at_hand(
    protocol: Taught, faces: Faces, trained: MutableMapping[str, Sequence[Run]], folder: str | Path = ""
) -> list[Run]:
    """The teacher, taken out of what was `trained`, or as it comes: one run, or none where it is not trained yet.

    folder  where students' trainings lie; a teacher as it comes has a folder there, in which its answers are kept
    Raises WeightsError as `released` does.
    """
    if not pretrained(protocol):
        return list(trained.pop(TEACHER, []))
    own = Path(folder) / f"{protocol.teacher_network}-{protocol.teacher_weights}" if folder else None
    return [released(protocol.teacher_network, protocol.teacher_weights, faces, own)]


def released(network: str, data: str, faces: Faces, folder: Path | None = None) -> Run:
    """`loaded`, with a history of one row: its accuracy on the split that selects, from one view, as its students have
    it. Raises WeightsError."""
    teacher, rows = loaded(network, data, faces), faces.rows("select")
    right = teacher.probabilities(faces, rows).argmax(1) == faces.labels[rows]
    history = pd.DataFrame({"epoch": [0], "accuracy": [right.mean()]})
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    return replace(teacher, history=history, folder=folder)


def loaded(network: str, given: str, faces: Faces) -> Run:
    """A network with weights that come with the project ("fer2013"), or in a file of a release or a run, as the run
    that it would be: without a history, `best_epoch` 0.

    Raises WeightsError where there are none, where they are another network's, and where their classes are not those of
    `faces`.
    """
    path = weights.file_of(network, given)
    record = weights.record_of_classes(path, faces.classes)
    if record["network"] != network:
        raise weights.WeightsError(f"{given} is of {record['network']}, not {network}")
    made = models.create(network, len(faces.classes), path, faces.classes)
    return Run(made.eval(), Recipe(img_size=record["img_size"], tta="one"), pd.DataFrame(), 0, 0.0)


def of_student(
    network: str,
    given: str,
    faces: Faces,
    student: str,
    recipe: Recipe,
    options: Mapping | None = None,
    train: np.ndarray | None = None,
) -> nn.Module:
    """The teacher, as `loaded` has it, as a network that sees what its student sees. The student is trained by `recipe`
    on the rows `train`, by default those of the split that trains.

    Raises ValueError and warns as `origins.require_unseen` does, raises ValueError where the student's images have
    fewer channels, and WeightsError.
    """
    teacher = loaded(network, given, faces)
    origins.require_unseen(network, given, faces, "the teacher", train)
    channels = inference.channels(models.create(student, len(faces.classes), **(options or {})))
    return as_module(teacher, channels, recipe.img_size)


def identity(protocol: Taught, faces: Faces) -> dict:
    """What the students' teacher is, in plain values: for students of which answers alone are left."""
    found = {"network": protocol.teacher_network, "weights": protocol.teacher_weights}
    if pretrained(protocol):
        return found
    (words,) = protocol.teacher(faces).values()
    options, recipe = answers.without_layout(words["options"]), answers.without_layout(words["recipe"].plain())
    return found | {"options": options, "recipe": recipe, "seeds": list(words["seeds"])}


def said(protocol: Taught) -> str:
    """What a teacher that is not trained is, to be read."""
    distilled = protocol.teacher_weights.endswith(weights.DISTILLED)
    return f"{protocol.teacher_network} with this project's {'distilled ' if distilled else ''}weights"


def settings(protocol: Taught) -> dict:
    """What the students' teacher follows from, for the record: of weights that come with the project, how they were
    trained, as their file says."""
    found = {"teacher_network": protocol.teacher_network, "teacher_weights": protocol.teacher_weights}
    if not pretrained(protocol):
        return found | {"teacher_recipe": protocol.teacher_recipe.plain()}
    path, _ = weights.released(protocol.teacher_network, protocol.teacher_weights)
    return found | {"teacher_recipe": weights.record(path)["recipe"], "teacher_precision": protocol.teacher_precision}


def as_module(teacher: Run, channels: int, img_size: int, precision: str = "fp32") -> nn.Module:
    """The teacher as a network that sees what its students see: images of so many channels and so many px, which it
    takes at its own size. With another `precision` than fp32 it computes in that; else in the one that its students are
    trained in (`fit` asks it within theirs)."""
    network = teacher.network
    if teacher.recipe.img_size != img_size:
        network = nn.Sequential(Resized(teacher.recipe.img_size), network).eval()
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


class Resized(nn.Module):
    """Images (N, C, H, W) at the side that a network takes, as `preprocess.resize` has them."""

    def __init__(self, side: int):
        super().__init__()
        self.side = side

    def extra_repr(self) -> str:
        return f"{self.side} px"

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return F.interpolate(images, (self.side, self.side), mode="bilinear", align_corners=False, antialias=True)


class Mean(nn.Module):
    """What several networks say of the same images, (N, C): the mean of their logits."""

    def __init__(self, networks: Sequence[nn.Module]):
        super().__init__()
        self.networks = nn.ModuleList(networks)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return torch.stack([network(images) for network in self.networks]).mean(0)


class InPrecision(nn.Module):
    """A network that answers in half precision, whatever whoever asks it computes in."""

    def __init__(self, network: nn.Module, precision: str):
        super().__init__()
        self.network, self.precision = network, precision

    def extra_repr(self) -> str:
        return self.precision

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        with inference.autocast(self.precision, images.device):
            return self.network(images).float()
