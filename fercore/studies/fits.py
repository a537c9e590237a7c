"""Several networks trained at once: on a CPU one a core with one thread each, which beats one network with all."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import pandas as pd
import torch

from ..datasets import Faces
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


def _fit(trials: pd.DataFrame, trainings: Mapping[str, Mapping], faces: Faces, place: str) -> pd.DataFrame:
    for name in trials["training"]:
        _one(trainings[name], faces, f"{place}/{name}")
    return pd.DataFrame({"done": [True] * len(trials)})


def _one(words: Mapping, faces: Faces, folder: str) -> Run:
    given = dict(words)
    return fit(given.pop("network"), faces, given.pop("recipe"), folder, restart=True, **given)
