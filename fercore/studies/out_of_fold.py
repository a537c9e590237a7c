"""Out-of-fold soft labels of the training images, each from networks that have seen neither the image nor a copy of it.

The labels of faces are noisy: people agree about two of three. A network trained on other images says what faces like
this one are called; a student that learns these probabilities beside the labels learns less of the noise (H. Jeong and
H. W. Chung, 2024, arXiv:2402.10482, on distilling a network into itself). Folds are drawn by groups of copies, since a
network that has seen a copy of an image repeats its label.

if __name__ == "__main__":  # networks train in processes of their own, each of which imports the script
    path, accuracy = make("runs/soft", "lean_250k", faces, recipe, audit.copies(faces))
    fit("lean_65k", faces, replace(recipe, soft_labels="given", soft_weight=0.7), soft_labels=read([path], faces))
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from .. import models
from ..datasets import Faces, splits, store
from ..evaluation import inference
from ..results import provenance
from ..training import checkpoint
from ..training.recipe import Recipe
from .fits import fit_each

FILE = "soft_labels.safetensors"
UNSEEN = -1  # the fold of an image that does not train


def make(
    folder: str | Path,
    network: str,
    faces: Faces,
    recipe: Recipe,
    group: np.ndarray,
    folds: int = 5,
    seeds: Sequence[int] = (),
    options: Mapping | None = None,
    weights: str | Path | None = None,
) -> tuple[Path, float]:
    """`out_of_fold` with its networks in `folder`, kept there as `FILE`: its path, and how often the label is the most
    probable class."""
    probabilities, fold = out_of_fold(network, faces, recipe, group, folds, folder, seeds, options, weights)
    rows = np.flatnonzero(fold != UNSEEN)
    accuracy = float((probabilities[rows].argmax(1) == faces.labels[rows]).mean())
    about = {"network": network, "recipe": recipe.plain(), "folds": folds, "seeds": list(seeds or [recipe.seed])}
    about |= {"options": dict(options or {}), "weights": str(weights or ""), "revision": provenance.revision()}
    write(Path(folder) / FILE, faces, probabilities, fold, about | {"accuracy": round(accuracy, 4)})
    return Path(folder) / FILE, accuracy


def out_of_fold(
    network: str,
    faces: Faces,
    recipe: Recipe,
    group: np.ndarray,
    folds: int = 5,
    folder: str | Path = "",
    seeds: Sequence[int] = (),
    options: Mapping | None = None,
    weights: str | Path | None = None,
    workers: int | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Out-of-fold class probabilities of the training images, float32 (N, classes), NaN of other images; and
    the fold of each image, int (N,), UNSEEN of others.

    The image's probabilities are the mean over `seeds` of the networks that trained without its fold, by the recipe's
    tta. Nothing is selected: each network is taken as its last epoch leaves it, so that no label rests on the split
    that selects.

    recipe  of each network, with a schedule that needs no selection. Without soft labels or a teacher of its own
    weights what each network starts from: None, or "imagenet"
    group   of each image, int (N,), such as `audit.copies`: a group is in one fold
    folder  where each network has a folder, fold-NUMBER-SEED, and goes on where it was stopped; empty: nowhere
    seeds   by default the recipe's
    workers as of `fit_each`

    Raises ValueError for fewer groups than folds, what `require_makeable` raises, and what `fit_each` raises.
    """
    require_makeable(network, faces, recipe, folds, options, weights)
    fold, trainings, seeds = folds_of(faces, group, folds), {}, seeds or (recipe.seed,)
    for number in range(folds):
        train = np.flatnonzero((fold != number) & (fold != UNSEEN))
        for seed in seeds:
            words = {"network": network, "recipe": replace(recipe, seed=seed), "train": train, "select": None}
            trainings[f"fold-{number}-{seed}"] = words | {"options": options, "weights": weights or None}
    runs = fit_each(trainings, faces, folder, workers)
    probabilities = np.full((len(faces), len(faces.classes)), np.nan, np.float32)
    for number in range(folds):
        rows = np.flatnonzero(fold == number)
        said = [runs[f"fold-{number}-{seed}"].probabilities(faces, rows) for seed in seeds]
        probabilities[rows] = np.mean(said, axis=0)
    return probabilities, fold


def require_makeable(
    network: str,
    faces: Faces,
    recipe: Recipe,
    folds: int = 5,
    options: Mapping | None = None,
    weights: str | Path | None = None,
) -> None:
    """Raise ValueError, or TypeError for an option that the network lacks, where `out_of_fold` would be wrong or fail:
    to be asked before copies are searched for, which takes long."""
    if str(weights or "imagenet") != "imagenet":
        raise ValueError(
            f"networks that start from {weights} may have learned every image's label there, and their soft labels "
            "would not be out of fold; there are random weights, and imagenet"
        )
    if recipe.soft_labels != "none" or recipe.distillation is not None:
        raise ValueError("soft labels are made by networks that learn labels alone")
    if recipe.schedule == "plateau":
        raise ValueError("schedule: plateau needs a split to select on, and here is none; take another schedule")
    if folds < 2:
        raise ValueError(f"{folds} folds; expected 2 or more")
    faces.rows("train")  # there, or an error
    inference.autocast(recipe.precision, inference.default_device())
    with torch.device("meta"):
        models.create(network, len(faces.classes), **(options or {}))


def folds_of(faces: Faces, group: np.ndarray, folds: int) -> np.ndarray:
    """The fold of each training image, int (N,) of 0 to folds - 1; UNSEEN of others. Raises ValueError."""
    rows = faces.rows("train")
    fold = np.full(len(faces), UNSEEN)
    fold[rows] = splits.group_folds(faces, group, folds, 0, rows)
    return fold


def write(path: str | Path, faces: Faces, probabilities: np.ndarray, fold: np.ndarray, about: Mapping) -> None:
    """Keep what `out_of_fold` gives of the training images, in half precision.

    about  plain values that a reader of the file wants to know: network, recipe, revision
    """
    rows = np.flatnonzero(fold != UNSEEN)
    tensors = {
        "rows": torch.from_numpy(rows.astype(np.int32)),
        "fold": torch.from_numpy(fold[rows].astype(np.uint8)),
        "probabilities": torch.from_numpy(probabilities[rows]).half(),
    }
    images = {"data": faces.name, splits.FINGERPRINT: store.images_fingerprint(faces), "classes": list(faces.classes)}
    checkpoint.write(Path(path), tensors, images | dict(about))


def read(paths: Sequence[str | Path], faces: Faces) -> np.ndarray:
    """Soft labels for `fit`, float32 (N, classes): the mean of files that `write` has made; NaN where one has none.

    Raises RunError for another file, ValueError where one is not there, or is of other images or classes.
    """
    if not paths:
        raise ValueError("no file of soft labels")
    means = []
    for path in paths:
        file = Path(path).expanduser()
        if not file.is_file():
            raise ValueError(f"no soft labels at {path}; fercore soft-labels makes them")
        held, record = checkpoint.read(file)
        own = store.images_fingerprint(faces)
        if record.get(splits.FINGERPRINT) != own or record.get("classes") != list(faces.classes):
            found = f"{record.get('data')} ({record.get(splits.FINGERPRINT)})"
            raise ValueError(
                f"{path} is of other images or classes, {found}, than {faces.name} ({own}); for soft labels "
                "of these images, run fercore soft-labels"
            )
        probabilities = held["probabilities"].float()
        whole = np.full((len(faces), len(faces.classes)), np.nan, np.float32)
        whole[held["rows"].numpy()] = (probabilities / probabilities.sum(1, keepdim=True)).numpy()
        means.append(whole)
    return np.mean(means, axis=0)
