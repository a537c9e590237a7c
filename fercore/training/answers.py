"""What a trained network answers on the images that select and test, in a file beside its training: small enough to be
published where the weights are not, and enough to work out its scores again. And of a teacher what its students learn
from, so that others can train students without training the teacher first."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from .. import models
from ..datasets import Faces
from . import checkpoint
from .checkpoint import RunError
from .recipe import Recipe
from .trainer import Run

ANSWERS = "answers.safetensors"
LOGITS = "logits.safetensors"  # of a teacher
ROLES = ("select", "test")
NEAR = 0.005  # what accuracy may differ by between the machine that trained and the one that was asked


@dataclass(frozen=True, eq=False)
class Answered(Run):
    """A finished training whose weights are not at hand: `network` is None, and only rows of `answers` are known.

    answers  class probabilities by row of the data
    """

    answers: pd.DataFrame | None = None

    def probabilities(self, faces: Faces, rows: np.ndarray) -> np.ndarray:
        """As `Run.probabilities`, float64 (n, C). Raises RunError for rows that were not asked for."""
        unknown = np.setdiff1d(rows, self.answers.index)
        if len(unknown):
            told = f"no answer to {len(unknown):,} images, such as row {unknown[0]}, and no weights to ask"
            raise RunError(f"{self.folder}: {told}")
        return self.answers.loc[rows].to_numpy(np.float64)

    def logits(self, faces: Faces, rows: np.ndarray) -> np.ndarray:
        """What its students learn from, as `fits.teacher_logits` has it, of these rows: float32 (2, N, C), NaN of all
        others. Raises RunError where they are not all there, and for a file that is gone or damaged."""
        path = self.folder / LOGITS
        record = checkpoint.read_json(self.folder / checkpoint.PROVENANCE)
        whole = np.full((2, len(faces), len(faces.classes)), np.nan, np.float32)
        try:
            tensors, about = checkpoint.read(path)
            if about["training"] != record["parameters"]:
                raise ValueError("of another training")
            whole[:, tensors["rows"].numpy()] = tensors["logits"].numpy()
        except (KeyError, ValueError, IndexError, OSError, RunError) as error:
            raise RunError(f"{path}: gone or damaged ({error!r}); fetch it again") from None
        if len(unknown := np.asarray(rows)[~np.isfinite(whole[:, rows]).all((0, 2))]):
            told = f"nothing on {len(unknown):,} images, such as row {unknown.min()}"
            raise RunError(f"{path}: {told}, and no weights to ask")
        whole[:, np.setdiff1d(np.arange(len(faces)), rows)] = np.nan
        return whole


def publish(
    run: Run, faces: Faces, folder: Path, taught_by: Mapping | None = None, logits: np.ndarray | None = None
) -> None:
    """Write a training without its weights: its history, metrics and record, and its answers, float32.

    taught_by  what its teacher is, in plain values
    logits     of a teacher, what its students learn from, float32 (2, N, C), NaN of images that none of them asks about

    Raises RunError where `folder` holds a training with its weights, or is the run's own.
    """
    if folder.resolve() == run.folder.resolve() or any(
        (folder / name).exists() for name in (checkpoint.LAST, checkpoint.BEST)
    ):
        raise RunError(f"{folder} holds a training; publish to another folder")
    for name in (checkpoint.METRICS, LOGITS):  # the first says that it is whole, and is written last
        (folder / name).unlink(missing_ok=True)
    rows = np.unique(np.concatenate([faces.rows(role) for role in ROLES]))
    record = checkpoint.read_json(run.folder / checkpoint.PROVENANCE)
    found = torch.tensor(run.probabilities(faces, rows), dtype=torch.float32)
    about = {"training": record["parameters"], "taught_by": taught_by}
    checkpoint.write(folder / ANSWERS, {"rows": torch.tensor(rows), "probabilities": found}, about)
    if logits is not None:
        places = np.flatnonzero(np.isfinite(logits).all((0, 2)))
        held = {"rows": torch.tensor(places), "logits": torch.tensor(logits[:, places], dtype=torch.float32)}
        checkpoint.write(folder / LOGITS, held, {"training": record["parameters"]})
    for name in (checkpoint.HISTORY, checkpoint.PROVENANCE, checkpoint.METRICS):
        shutil.copyfile(run.folder / name, folder / name)


def published(folder: Path) -> bool:
    """Whether a training lies there as `publish` has left it."""
    return (folder / ANSWERS).is_file()


def has_logits(folder: Path) -> bool:
    """Whether a teacher has left there what its students learn from."""
    return (folder / LOGITS).is_file()


def can_teach(run: Run) -> bool:
    """Whether students can learn from a trained network: from itself, or from what it has left for them."""
    return run.network is not None or has_logits(run.folder)


def read(
    folder: Path,
    faces: Faces,
    *,
    network: str,
    recipe: Recipe,
    train: str | np.ndarray = "train",
    weights: str | None = None,
    options: Mapping | None = None,
    taught_by: Mapping | None = None,
    **_,
) -> Answered:
    """The training that `publish` has written, of what `fits.planned` says of it. The code may since have changed,
    weights that meet padding alone (`padding.trim`) may be left out or not, and the memory format may be another.

    Raises RunError where it is another training, and for what is damaged.
    """
    record = checkpoint.read_json(folder / checkpoint.PROVENANCE)
    metrics = checkpoint.read_json(folder / checkpoint.METRICS)
    tensors, about = checkpoint.read(folder / ANSWERS)
    try:
        made = record["parameters"]
        held = {name: made[name] for name in ("classes", "data", "rows", "soft_labels")}
        held["recipe"] = without_layout(made["recipe"])
        held |= {"network": made["network"].split(",")[0], "weights": made["start"]["weights"]}
        held |= {"options": without_layout(made["start"]["options"]), "taught_by": about["taught_by"]}
        answers = pd.DataFrame(tensors["probabilities"].numpy(), index=tensors["rows"].numpy())
        history = pd.read_csv(folder / checkpoint.HISTORY)
        best, seconds = int(metrics["best_epoch"]), float(record["wall_seconds"])
        accuracy = float(metrics["best"]["accuracy"])
        if about["training"] != made or not 1 <= best <= len(history) or len(history) != metrics["epochs"]:
            raise ValueError("its files are of several trainings")
        if history["accuracy"].iloc[best - 1] != accuracy:
            raise ValueError("its history is of another training")
        if not np.isclose(answers.sum(axis=1), 1, atol=1e-4).all() or answers.index.has_duplicates:
            raise ValueError("its answers are no probabilities")
    except (KeyError, TypeError, ValueError, AttributeError, OSError) as error:
        raise RunError(f"{folder}: a damaged record of a training ({error!r}); fetch it again") from None
    rows = {"train": faces.rows(train) if isinstance(train, str) else train, "select": faces.rows("select")}
    built = models.options_of(network, weights) | dict(options or {})
    wanted = {"network": network, "weights": weights, "options": without_layout(built), "taught_by": taught_by}
    wanted |= {
        "classes": list(faces.classes),
        "data": checkpoint.data_of(faces),
        "recipe": without_layout(recipe.plain()),
    }
    wanted |= {"rows": {part: checkpoint.rows_of(faces, places) for part, places in rows.items()}, "soft_labels": None}
    if found := checkpoint.differences(held, json.loads(json.dumps(wanted))):
        raise RunError(f"{folder} has the answers of another training ({'; '.join(found)})")
    said = answers.reindex(rows["select"]).to_numpy()
    if not (
        np.isfinite(said).all() and abs((said.argmax(1) == faces.labels[rows["select"]]).mean() - accuracy) <= NEAR
    ):
        raise RunError(f"{folder}: its answers are not those that its metrics are of; fetch it again")
    recipe = replace(recipe, channels_last=made["recipe"]["channels_last"])  # as it was trained
    return Answered(None, recipe, history, best, seconds, folder, answers)


def without_layout(words: Mapping) -> dict:
    """A network's options, or a recipe, without what changes no more of an answer than how it is rounded: which weights
    are left out since they meet padding alone, and the memory format."""
    return {name: value for name, value in words.items() if name not in ("trimmed", "channels_last")}
