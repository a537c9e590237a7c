"""What a trained network answers on the images that select and test, in a file beside its training: small enough to be
published where the weights are not, and enough to work out its scores again."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from ..datasets import Faces
from . import checkpoint
from .checkpoint import RunError
from .recipe import Recipe
from .trainer import Run

ANSWERS = "answers.safetensors"
ROLES = ("select", "test")


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


def publish(run: Run, faces: Faces, folder: Path) -> None:
    """Write a training without its weights: its history, metrics and record, and its answers, float32."""
    rows = np.concatenate([faces.rows(role) for role in ROLES])
    found = torch.tensor(run.probabilities(faces, rows), dtype=torch.float32)
    checkpoint.write(folder / ANSWERS, {"rows": torch.tensor(rows), "probabilities": found}, {"tta": run.recipe.tta})
    for name in (checkpoint.HISTORY, checkpoint.PROVENANCE, checkpoint.METRICS):
        shutil.copyfile(run.folder / name, folder / name)


def published(folder: Path) -> bool:
    """Whether a training lies there as `publish` has left it: with answers, and without what goes on."""
    return (folder / ANSWERS).is_file() and not (folder / checkpoint.LAST).is_file()


def clear(folder: Path) -> None:
    """Take away what `publish` has left, so that nothing of it passes for the training that begins there."""
    if published(folder):
        checkpoint.clear(folder)
        (folder / ANSWERS).unlink()


def read(folder: Path, network: str, faces: Faces, recipe: Recipe, train: str | np.ndarray = "train") -> Answered:
    """The training that `publish` has written. Whatever its weights began with, and the code, may since have changed.

    Raises RunError where it is of another network, other data, other training images or another recipe, and for what
    is damaged.
    """
    record = checkpoint.read_json(folder / checkpoint.PROVENANCE)
    metrics = checkpoint.read_json(folder / checkpoint.METRICS)
    tensors, _ = checkpoint.read(folder / ANSWERS)
    try:
        held = {name: record["parameters"][name] for name in ("data", "recipe", "rows")}
        held["network"] = record["parameters"]["network"].split(",")[0]
        answers = pd.DataFrame(tensors["probabilities"].numpy(), index=tensors["rows"].numpy())
        history = pd.read_csv(folder / checkpoint.HISTORY)
        best, seconds = int(metrics["best_epoch"]), float(record["wall_seconds"])
        if not 1 <= best <= len(history) or answers.shape[1] != len(faces.classes):
            raise ValueError(f"best epoch {best} of {len(history)}, {answers.shape[1]} classes")
    except (KeyError, TypeError, ValueError, AttributeError, OSError) as error:
        raise RunError(f"{folder}: a damaged record of a training ({error!r}); fetch it again") from None
    rows = {"train": faces.rows(train) if isinstance(train, str) else train, "select": faces.rows("select")}
    wanted = {"network": network, "data": checkpoint.data_of(faces), "recipe": recipe.plain()}
    wanted["rows"] = {part: checkpoint.rows_of(faces, places) for part, places in rows.items()}
    if found := checkpoint.differences(held, wanted):
        raise RunError(f"{folder} has the answers of another training ({'; '.join(found)})")
    return Answered(None, recipe, history, best, seconds, folder, answers)
