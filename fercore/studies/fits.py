"""Several networks trained at once: on a CPU one a core with one thread each, which beats one network with all."""

from __future__ import annotations

import hashlib
import tempfile
import warnings
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from .. import closure, files, models
from ..datasets import SYNTHETIC, Faces, store
from ..evaluation import inference, statistics
from ..evaluation.inference import channels
from ..evaluation.metrics import SCORES
from ..models.profile import profile
from ..results import provenance
from ..training import RunError, answers, checkpoint
from ..training.recipe import Recipe
from ..training.trainer import LET_GO, Run, fit
from .sweep import require_complete, sweep


def fit_each(
    trainings: Mapping[str, Mapping],
    faces: Faces,
    folder: str | Path = "",
    workers: int | None = None,
    kept_only: bool = False,
) -> dict[str, Run]:
    """The run of each training, by its name, in their order: the same bytes as one after the other.

    trainings  by name what `fit` takes beside the faces: network, recipe, weights, options, teacher, train, select
    folder     where each training has a folder of its name, and goes on where it was stopped; empty: nowhere
    workers    processes of this machine; by default one a core, and one in all where there is a GPU
    kept_only  nothing is trained: those that `folder` does not have to their end are left out, and, with a warning,
               those whose teacher cannot be asked (`answers.can_teach`); of those that lie there without their own
               weights (`answers.publish`), there are the answers

    What lies there of other settings or code is trained again, but as `require_not_lost` has it. Raises SweepError that
    names the first that failed; RunError where the code was changed while they were trained, and with `kept_only` for
    what lies there of others.
    """
    for name in trainings:
        if folder and (Path(folder) / name / checkpoint.LAST).is_file():
            provenance.kept(f"{folder}/{name}")
    if kept_only:
        there = {name: words for name, words in trainings.items() if finished(folder, name)}
        found = {name: _kept(words, faces, f"{folder}/{name}") for name, words in there.items()}
        return {name: run for name, run in found.items() if run is not None}
    with tempfile.TemporaryDirectory() as scratch:
        place = str(folder or scratch)
        work = partial(
            _fit, trainings={name: dict(words) for name, words in trainings.items()}, faces=faces, place=place
        )
        trials = pd.DataFrame({"training": list(trainings)})
        many = workers or (1 if torch.cuda.is_available() else None)
        require_complete(sweep(work, trials, identity=lambda trial: {}, workers=many, scheduler="", attempts=1))
        try:
            return {name: _one(words, faces, f"{place}/{name}", restart=False) for name, words in trainings.items()}
        except RunError as error:
            if not closure.edited():
                raise
            kept = "; what was trained is kept" if folder else ""  # by the new code, which processes have begun with
            told = (
                f"the code was changed since this process began{kept}: start it again, and a notebook with its kernel"
            )
            raise RunError(told) from error


FROM_SCRATCH = ("simple_cnn",)  # networks that nobody has weights of


def fit_seeds(
    variants: Mapping[str, Mapping],
    seeds: Sequence[int],
    faces: Faces,
    folder: str | Path = "",
    weights: str = "",
    kept_only: bool = False,
) -> dict[str, list[Run]]:
    """The runs of each variant, one a seed, all of them trained at once by `fit_each`; as `planned` places them. With
    `kept_only`, those that are there to their end, and no variant without one."""
    places, trainings = planned(variants, seeds, weights)
    order = sorted(trainings, key=lambda name: -_multiplications(**trainings[name]))  # or a core waits at the end
    runs = fit_each({name: trainings[name] for name in order}, faces, folder, kept_only=kept_only)
    found = {variant: [runs[place] for place in of if place in runs] for variant, of in places.items()}
    return {variant: each for variant, each in found.items() if each}


def planned(
    variants: Mapping[str, Mapping], seeds: Sequence[int] = (), weights: str = ""
) -> tuple[dict[str, list[str]], dict[str, dict]]:
    """Which trainings `variants` are: the folders of each, one a seed, and by folder what `fit` takes.

    variants  by name what `fit` takes beside the faces; where the folder is not to have the variant's name, `name`: a
              training lies in NAME-LOSS-EPOCHS-SEED; where a variant has seeds of its own, `seeds`
    weights   what networks start from, such as "imagenet", but those of FROM_SCRATCH and those that say so themselves;
              empty: drawn at random
    """
    places, trainings = {}, {}
    for variant, words in variants.items():
        recipe, name = words["recipe"], words.get("name", variant)
        more = {key: value for key, value in words.items() if key not in ("name", "seeds")}
        more.setdefault("weights", weights if weights and words["network"] not in FROM_SCRATCH else None)
        places[variant] = []
        for seed in words.get("seeds", seeds):
            places[variant].append(f"{name}-{recipe.loss}-{recipe.epochs}-{seed}")
            trainings[places[variant][-1]] = more | {"recipe": replace(recipe, seed=seed)}
    count = sum(map(len, places.values()))
    if len(trainings) < count:
        raise ValueError(f"of {count} trainings only {len(trainings)} have a folder of their own; give names")
    return places, trainings


def selected_accuracy(runs: Sequence[Run]) -> np.ndarray:
    """Accuracy of the best epoch of each run on the split that selects, float (n,)."""
    return np.array([run.history["accuracy"].iloc[run.best_epoch - 1] for run in runs])


def by_seed(trained: Mapping[str, Sequence[Run]], values: Mapping[str, Sequence[Any]]) -> dict[str, dict[int, Any]]:
    """What there is of each run, a value each in the order of the runs, by variant and seed."""
    return {
        name: {run.recipe.seed: value for run, value in zip(trained[name], each, strict=True)}
        for name, each in values.items()
    }


def of_common_seeds(*variants: Mapping[int, Any]) -> list[list[Any]]:
    """What variants have by seed, a list each, of the seeds that all of them have: where a training has not ended, or
    was never begun, its seed is left out of the others, too."""
    seeds = [seed for seed in variants[0] if all(seed in each for each in variants)]
    return [[each[seed] for seed in seeds] for each in variants]


def gains(
    labels: np.ndarray,
    predicted: Mapping[str, Mapping[int, np.ndarray]],
    pairs: Mapping[str, tuple[str, str]],
    masks: Mapping[str, np.ndarray],
    classes: int,
) -> pd.DataFrame:
    """How much better the first of two variants is than the second: a row a pair, part of the images and score, of the
    seeds that both have (`statistics.difference`). Pairs without such a seed and parts without an image are left out.

    predicted  by variant and seed, int (N,); pairs  of variants, by the name that their row has
    masks      as `statistics.compare` takes them
    Columns seeds, value, low, high, p, note.
    """
    rows = []
    for name, pair in pairs.items():
        both = of_common_seeds(*(predicted.get(variant, {}) for variant in pair))
        for part, kept in {"published": np.ones(len(labels), bool), **masks}.items():
            for score in SCORES[:2] if both[0] and kept.any() else ():
                sides = ([one[kept] for one in side] for side in both)
                found = statistics.difference(labels[kept], *sides, classes, score)
                rows.append({"pair": name, "part": part, "score": score, "seeds": len(both[0])} | found)
    columns = ["pair", "part", "score", "seeds", "difference", "low", "high", "p", "note"]
    table = pd.DataFrame(rows, columns=columns).rename(columns={"difference": "value"})
    return table.set_index(["pair", "part", "score"])


def best_selected(trained: Mapping[str, Sequence[Run]], names: Iterable[str]) -> str:
    """Which of the variants `names` has the best mean of `selected_accuracy`; the first of those that tie."""
    return max(names, key=lambda name: selected_accuracy(trained[name]).mean())


def by_teacher(variants: Mapping[str, Mapping]) -> tuple[dict[str, Mapping], dict[str, Mapping]]:
    """The variants that learn from labels alone, and can be trained beside a teacher, and those that wait for one."""
    alone = {name: words for name, words in variants.items() if words["recipe"].distillation is None}
    return alone, {name: words for name, words in variants.items() if name not in alone}


def training_rows(faces: Faces, images: int = 0) -> np.ndarray:
    """The rows of the training images, or so many of them, drawn at random and always the same; 0: all."""
    rows = faces.rows("train")
    if not images or images >= len(rows):
        return rows
    return np.sort(np.random.default_rng(0).choice(rows, images, replace=False))


def finished(folder: str | Path, name: str) -> bool:
    """Whether a training has come to its end there."""
    return (Path(folder) / name / checkpoint.METRICS).is_file()


def teacher_logits(teacher: Run, faces: Faces, folder: str | Path = "", rows: np.ndarray | None = None) -> np.ndarray:
    """What a trained teacher says of the training images and of their mirror images, float32 (2, N, classes); NaN of
    all others, which no student asks for. Students that see flips alone, trained in fp32, learn from it what they learn
    from the teacher itself, which then looks at each image twice and not once an epoch.

    folder  where it is kept, under a name of its own for another teacher, other images and another size; empty: nowhere
    rows    of the images, where they are others than all training images
    Raises RunError as `Answered.logits` does, for a teacher that was published without its weights.
    """
    rows, size = faces.rows("train") if rows is None else rows, teacher.recipe.img_size
    if isinstance(teacher, answers.Answered):
        return teacher.logits(faces, rows)
    known = [checkpoint.answers_of(teacher.network).encode(), rows.tobytes()]
    known += [(faces.fingerprint or store.fingerprint(faces.pixels, faces.table)).encode(), str(size).encode()]
    known.append(checkpoint.code(Path(inference.__file__)).encode())
    path = Path(folder) / f"logits-{hashlib.sha256(b''.join(known)).hexdigest()[:12]}.npy" if folder else None
    if path is not None and path.is_file():
        return np.load(path)
    logits = np.full((2, len(faces), len(faces.classes)), np.nan, np.float32)
    logits[:, rows] = inference.view_logits(teacher.network, faces, rows, size, "flip").numpy()
    if path is not None:
        # the teacher's own folder, where a training sweeps away what is half written
        with files.locked(path.parent, "a teacher's logits", LET_GO):
            files.replace(path, lambda file: np.save(file, logits))
    return logits


def _multiplications(network: str, recipe: Recipe, options: Mapping | None = None, **_) -> int:
    """Of one image in all epochs: roughly how long a training takes."""
    with torch.device("meta"):
        made = models.create(network, **(options or {}))
        return profile(made, (channels(made), recipe.img_size, recipe.img_size))["macs"] * recipe.epochs


def _fit(trials: pd.DataFrame, trainings: Mapping[str, Mapping], faces: Faces, place: str) -> pd.DataFrame:
    for name in trials["training"]:
        _one(trainings[name], faces, f"{place}/{name}", progress=True)
    return pd.DataFrame({"done": [True] * len(trials)})


def require_not_lost(folder: str | Path, recipe: Recipe, faces: Faces) -> None:
    """Raise RunError where a training, finished or begun, would be replaced by one that nobody may have meant: where it
    has been published, where its checkpoint is damaged, where it is on real images of another name, or in a precision
    that this machine lacks."""
    if answers.published(Path(folder)):
        told = "has the answers of a published training, which kept_only shows"
        raise RunError(f"{folder} {told}; to train there, remove what is in it")
    if (made := _made(Path(folder))) is None:
        return
    held, learned = made
    kind = "a finished" if finished(folder, "") else "an unfinished"
    ended, instead = f"{folder} holds {kind} training", "would replace it"
    if learned != faces.name and learned not in SYNTHETIC:
        raise RunError(f"{ended} on {learned}, and one on {faces.name} {instead}; move {Path(folder).parent} away")
    try:
        inference.autocast(held, inference.default_device())
    except ValueError as error:
        if held != recipe.precision:
            told = f"{ended} in {held}, and {recipe.precision} {instead}"
            raise RunError(f"{told} ({error}); move it away, or give another folder") from None


def _made(folder: Path) -> tuple[str, str] | None:
    """Precision and data of the training in `folder`; None where there is none, or where neither is told. Raises
    RunError for a damaged checkpoint."""
    last, made = folder / checkpoint.LAST, None
    with suppress(KeyError, TypeError, AttributeError):
        if last.is_file():
            made = checkpoint.read_last(last, {}, ())[1]["identity"]
        elif finished(folder, ""):
            with suppress(RunError):  # `fit` says what it is
                made = checkpoint.read_json(folder / checkpoint.PROVENANCE)["parameters"]
        return made["recipe"]["precision"], checkpoint.name_of_data(made["data"])
    return None


def _kept(words: Mapping, faces: Faces, folder: str) -> Run | None:
    if answers.published(Path(folder)):
        provenance.kept(folder)
        return answers.read(Path(folder), faces, **words)
    if words["recipe"].distillation and words.get("teacher") is None:
        warnings.warn(f"{folder} is left out: its teacher is not at hand, nor are its logits", stacklevel=3)
        return None
    return _one(words, faces, folder, restart=False)


def _one(words: Mapping, faces: Faces, folder: str, restart: bool = True, progress: bool = False) -> Run:
    given = {name: value for name, value in words.items() if name != "taught_by"}
    if restart:
        require_not_lost(folder, given["recipe"], faces)
    return fit(given.pop("network"), faces, given.pop("recipe"), folder, restart=restart, progress=progress, **given)
