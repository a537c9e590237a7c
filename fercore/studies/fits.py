"""Several networks trained at once: on a CPU one a core with one thread each, which beats one network with all."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import pandas as pd
import torch

from .. import models
from ..datasets import Faces
from ..evaluation.inference import channels
from ..models.profile import profile
from ..training.recipe import Recipe
from ..training.trainer import Run, fit
from .sweep import require_complete, sweep


def fit_each(
    trainings: Mapping[str, Mapping], faces: Faces, folder: str | Path = "", workers: int | None = None
) -> dict[str, Run]:
    """The run of each training, by its name, in their order: the same bytes as one after the other.

    trainings  by name what `fit` takes beside the faces: network, recipe, weights, options, teacher, train, select
    folder     where each training has a folder of its name, and goes on where it was stopped; empty: nowhere
    workers    processes; by default one a core, and one in all where there is a GPU

    What lies there of other settings, data or code is trained again. Raises SweepError that names the first that
    failed.
    """
    with tempfile.TemporaryDirectory() as scratch:
        place = str(folder or scratch)
        work = partial(
            _fit, trainings={name: dict(words) for name, words in trainings.items()}, faces=faces, place=place
        )
        trials = pd.DataFrame({"training": list(trainings)})
        many = workers or (1 if torch.cuda.is_available() else None)
        require_complete(sweep(work, trials, identity=lambda trial: {}, workers=many, attempts=1))
        return {name: _one(words, faces, f"{place}/{name}") for name, words in trainings.items()}


FROM_SCRATCH = ("simple_cnn",)  # networks that nobody has weights of


def fit_seeds(
    variants: Mapping[str, Mapping], seeds: Sequence[int], faces: Faces, folder: str | Path = "", weights: str = ""
) -> dict[str, list[Run]]:
    """The runs of each variant, one a seed, all of them trained at once by `fit_each`.

    variants  by name what `fit` takes beside the faces, and where the folder is not to have the variant's name, `name`:
              a training lies in NAME-LOSS-EPOCHS-SEED
    weights   what networks start from, such as "imagenet", but those of FROM_SCRATCH; empty: drawn at random
    """
    places, trainings = {}, {}
    for variant, words in variants.items():
        recipe, name = words["recipe"], words.get("name", variant)
        more = {key: value for key, value in words.items() if key != "name"}
        more["weights"] = weights if weights and words["network"] not in FROM_SCRATCH else None
        for seed in seeds:
            places[variant, seed] = f"{name}-{recipe.loss}-{recipe.epochs}-{seed}"
            trainings[places[variant, seed]] = more | {"recipe": replace(recipe, seed=seed)}
    if len(trainings) < len(places):
        raise ValueError(f"of {len(places)} trainings only {len(trainings)} have a folder of their own; give names")
    order = sorted(trainings, key=lambda name: -_multiplications(**trainings[name]))  # or a core waits at the end
    runs = fit_each({name: trainings[name] for name in order}, faces, folder)
    return {variant: [runs[places[variant, seed]] for seed in seeds] for variant in variants}


def _multiplications(network: str, recipe: Recipe, options: Mapping | None = None, **_) -> int:
    """Of one image in all epochs: roughly how long a training takes."""
    with torch.device("meta"):
        made = models.create(network, **(options or {}))
        return profile(made, (channels(made), recipe.img_size, recipe.img_size))["macs"] * recipe.epochs


def _fit(trials: pd.DataFrame, trainings: Mapping[str, Mapping], faces: Faces, place: str) -> pd.DataFrame:
    for name in trials["training"]:
        _one(trainings[name], faces, f"{place}/{name}")
    return pd.DataFrame({"done": [True] * len(trials)})


def _one(words: Mapping, faces: Faces, folder: str) -> Run:
    given = dict(words)
    return fit(given.pop("network"), faces, given.pop("recipe"), folder, restart=True, **given)
