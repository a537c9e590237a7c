"""MicroExpNet's sixteen candidates (Cugu, Sener, Akbas, section IV-A): four sizes, each with pooling in four places."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import product

import pandas as pd

from ..results import measurements
from ..training.recipe import Recipe
from . import statements
from .cross_validation import RANDOM, Sample, grid
from .study import Study

NAME = "04_microexpnet_pooling"
POOLING = {"v": "none", "p1": "after conv1", "p2": "after conv2", "p12": "after both"}
PLACES = tuple(POOLING.values())
SHORT = {place: short for short, place in POOLING.items()}
KEYS = ["data", "split", "size", "pooling"]


def trials(
    samples: Mapping[str, Sample],
    sizes: Sequence[str],
    seeds: Sequence[int],
    places: Sequence[str] = PLACES,
    lengths: Sequence[int] = (),
) -> pd.DataFrame:
    """Every size with pooling in each of `places`, on every fold of both splits; `lengths` are further epochs."""
    found = grid(samples, [f"candidate_{SHORT[place]}_{size}" for size, place in product(sizes, places)], seeds)
    return pd.concat([found.assign(epochs=length) for length in lengths], ignore_index=True) if lengths else found


def train(study: Study, trials: pd.DataFrame, recipe: Recipe) -> pd.DataFrame:
    """What `Study.train` finds, with the columns pooling and size."""
    found = study.train(trials, recipe, NAME)
    parts = found["network"].str.extract(r"candidate_(?P<pooling>\w+?)_(?P<size>\w+)$")
    return found.assign(pooling=parts["pooling"].map(POOLING), size=parts["size"])


def as_kept(found: pd.DataFrame, study: Study) -> pd.DataFrame:
    """What trials.csv has: a row a network that was trained."""
    kept = study.labelled(found.drop(columns=["method", "temperature"]))
    return kept.set_index(["data", "split", "network", "fold", "seed"])


def by_fold(found: pd.DataFrame) -> pd.DataFrame:
    """Accuracy by KEYS, a column a fold."""
    return statements.by_fold(found, KEYS)


def table_2(found: pd.DataFrame, printed: Callable[[str], float]) -> pd.DataFrame:
    """Accuracy of each candidate with its interval, what else is known of it, and what Table II has.

    printed  `Ledger.printed`: what the paper prints for a measurement, or not a number
    """
    table = statements.table(by_fold(found)).drop(columns="p")
    table = table.join(found.groupby(KEYS, sort=False)[["macro_f1", "window_accuracy", "train_loss"]].mean())
    return table.assign(paper=[printed(_measurement(*key, 1000)) for key in table.index])


def gains(found: pd.DataFrame) -> pd.DataFrame:
    """Accuracy with pooling less that without, fold by fold: a column a fold."""
    return statements.against(by_fold(found), "pooling", "none")


def by_length(found: pd.DataFrame, longer: pd.DataFrame, epochs: int) -> pd.DataFrame:
    """What pooling after both changes in the largest and the smallest network, by epochs, with `accuracy_without`.

    found   trained for `epochs`, all sets; longer  the same for other `epochs`, which its column says; may be empty
    """
    sizes = list(found["size"].unique())
    ends = list(dict.fromkeys([sizes[0], sizes[-1]]))
    parts = by_fold(found).loc[:, :, ends, ["none", "after both"]]
    parts = pd.concat({epochs: parts}, names=["epochs"])
    if len(longer):
        parts = pd.concat([parts, statements.by_fold(longer, ["epochs", *KEYS])])
        parts = parts.sort_index(level="epochs", sort_remaining=False)
    table = statements.table(statements.against(parts, "pooling", "none")).droplevel("pooling")
    return table.assign(accuracy_without=parts.xs("none", level="pooling").mean(axis=1))


def verdicts(gains: pd.DataFrame) -> pd.DataFrame:
    """The paper's statements on pooling, tested on each set: `statements.verdicts`."""
    tested = {}
    for name in gains.index.unique("data"):
        of_set = gains.loc[name]
        grouped = next(split for split in of_set.index.unique("split") if split != RANDOM)
        found = statements.of_pooling(of_set.loc[grouped], of_set.loc[RANDOM])
        tested |= {(name, statement): one for statement, one in found.items()}
    return statements.verdicts(tested)


def measured(table: pd.DataFrame, verdicts: pd.DataFrame, epochs: int, seeds: int) -> list[dict]:
    """What the ledger is told: accuracies of `table_2`, at these epochs, and effects of `verdicts`."""
    accuracy = {_measurement(*key, epochs): row for key, row in table[["value", "low", "high"]].iterrows()}
    return measurements.rows(accuracy | statements.measured(verdicts), seeds)


def _measurement(data: str, split: str, size: str, place: str, epochs: int) -> str:
    return measurements.name(
        "accuracy", f"candidate_{SHORT[place]}_{size}", data, split, settings=(f"epochs={epochs}",)
    )
