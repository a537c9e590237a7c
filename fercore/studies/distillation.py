"""MicroExpNet's temperature grid (Cugu, Sener, Akbas, sections IV-B to IV-D), and methods that need no temperature."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from ..results import measurements
from ..training import losses
from ..training.recipe import Recipe
from . import statements
from .cross_validation import METHODS, RANDOM, SCRATCH, SOFTENED, cache_key, grid, logits_of, taken, teach
from .study import Study
from .sweep import require_complete, sweep

NAME = "05_kd_temperature_grid"
KEYS = ["data", "split", "size"]
SQUARED = "T 4 with its square"
GRID = "grid"  # what the name of the search over temperatures begins with, beside methods


@dataclass(frozen=True)
class Teachers:
    """One teacher for each fold, which has not seen it.

    found   a row each: data, split, fold, accuracy on the fold, the file of its logits
    folder  where the logits are
    """

    found: pd.DataFrame
    folder: str

    def by_fold(self) -> pd.DataFrame:
        """Accuracy by data and split, a column a fold."""
        return statements.by_fold(self.found, ["data", "split"])

    def logits(self, data: str) -> np.ndarray:
        """What the first teacher of a set says of all windows, float (8 N, classes)."""
        return np.load(Path(self.folder) / next(iter(logits_of(self.found)[data].values()))[0])

    def right(self, study: Study) -> pd.DataFrame:
        """By data and split: `images`; how many the teachers answer right when they are held out; and how many always
        answering the most frequent class would."""
        rows = {}
        for (data, split), part in self.found.groupby(["data", "split"], sort=False):
            faces, _, folds = taken(study.samples[data])
            held = part["fold"].map(dict(enumerate(np.bincount(folds[split]))))
            right = int((part["accuracy"] * held).round().sum())
            always = int(np.bincount(faces.labels).max())
            rows[data, split] = {"images": len(faces), "right": right, "always one class": always}
        return pd.DataFrame(rows).T.rename_axis(["data", "split"])


def require_methods(methods: Sequence[str]) -> None:
    """Raises ValueError for unknown methods without a search: before teachers are trained for them."""
    known = [name for name in METHODS if name not in (SCRATCH, SOFTENED)]  # which all students have besides
    for name in methods:
        if name not in known:
            raise ValueError(f"no method {name!r}; there are {', '.join(known)}")


def train_teachers(study: Study, network: str, recipe: Recipe, weights: str = "", at_random: bool = True) -> Teachers:
    """A teacher for each fold of every set; what RUNS has is not trained again.

    weights    what it starts from; empty: drawn at random
    at_random  for random folds as well as for grouped ones
    """
    places = {"folder": f"{study.runs}/05_teachers", "teachers": f"{study.runs}/05_logits"}
    work = partial(teach, samples=study.samples, network=network, recipe=recipe, weights=weights, **places)
    trials = grid(study.samples, [network], [recipe.seed], group_split=None if at_random else True)
    key = cache_key(study.samples, recipe, teacher=network, weights=weights)
    on_gpu = {"workers": 1} if torch.cuda.is_available() else {}
    found = require_complete(sweep(work, trials, f"{study.runs}/05_teacher_trials", identity=key, **on_gpu))
    return Teachers(found, places["teachers"])


def teacher_shares(logits: np.ndarray, labels: np.ndarray, temperatures: Sequence[float]) -> pd.DataFrame:
    """The teacher's part of a student's first gradient, by temperature, and at 4 with the factor T^2; see
    `losses.teacher_share`."""
    kinds = {f"{value:g}": losses.microexpnet(value) for value in temperatures} | {
        "4, with its square": METHODS[SQUARED]
    }
    said = torch.from_numpy(logits), torch.from_numpy(labels)
    shares = {name: losses.teacher_share(kind, *said) for name, kind in kinds.items()}
    return pd.DataFrame({"share": shares}).rename_axis("temperature")


def trials(
    study: Study,
    sizes: Sequence[str],
    seeds: Mapping[bool, Sequence[int]],
    methods: Sequence[str],
    temperatures: Sequence[float],
) -> pd.DataFrame:
    """Students from scratch and at every temperature; on grouped folds by the other `methods` as well.

    seeds  on grouped folds (True) and on random ones (False)
    """
    networks = [f"microexpnet_{size}" for size in sizes]
    parts = [
        grid(study.samples, networks, seeds[grouped], [SCRATCH, SOFTENED, *more], temperatures, group_split=grouped)
        for grouped, more in ((True, methods), (False, ()))
    ]
    return pd.concat(parts, ignore_index=True).astype({"fold": int, "seed": int})


def train(study: Study, trials: pd.DataFrame, recipe: Recipe, teachers: Teachers) -> pd.DataFrame:
    """What `Study.train` finds, with the column size."""
    found = study.train(trials, recipe, NAME, logits_of(teachers.found), teachers.folder)
    return found.assign(size=found["network"].str.removeprefix("microexpnet_"))


def as_kept(found: pd.DataFrame, study: Study) -> pd.DataFrame:
    """What trials.csv has: a row a student."""
    kept = study.labelled(found.drop(columns="size"))
    return kept.set_index(["data", "split", "network", "method", "temperature", "fold", "seed"])


@dataclass(frozen=True)
class Students:
    """Accuracy of the students by KEYS, a column a fold.

    methods   also by method
    softened  also by temperature
    average   over the temperatures
    best      at the temperature that is best on the folds that are reported, as the paper has it
    chosen    on each fold at the temperature that is best on the others
    """

    methods: pd.DataFrame
    scratch: pd.DataFrame
    softened: pd.DataFrame
    average: pd.DataFrame
    best: pd.DataFrame
    chosen: pd.DataFrame

    @classmethod
    def of(cls, found: pd.DataFrame) -> Students:
        """Of what `train` finds, the mean over seeds. Raises KeyError without SCRATCH or SOFTENED among the methods."""
        mean = statements.by_fold(found, [*KEYS, "method", "temperature"])
        softened = mean.xs(SOFTENED, level="method")
        by_key = softened.groupby(KEYS, sort=False)
        methods = mean.drop(SOFTENED, level="method").droplevel("temperature")
        return cls(
            methods,
            methods.xs(SCRATCH, level="method"),
            softened,
            by_key.mean(),
            by_key.apply(lambda part: part.loc[part.mean(axis=1).idxmax()]),
            by_key.apply(lambda part: pd.Series(statements.chosen_elsewhere(part), part.columns)),
        )

    def by_temperature(self) -> pd.DataFrame:
        """Figures 1 to 4: accuracy with its interval, by temperature; "none" without a teacher."""
        levels = {"none": self.scratch}
        for value in self.softened.index.unique("temperature"):
            levels[f"{value:g}"] = self.softened.xs(value, level="temperature")
        return statements.table(pd.concat(levels, names=["temperature"])).drop(columns="p")

    def table_4(self, found: pd.DataFrame, teachers: Teachers, printed: Callable[[str], float]) -> pd.DataFrame:
        """Table IV: teacher, student from scratch, at the best temperature, at the one chosen on other folds, at any;
        and what the paper prints. `printed` is `Ledger.printed`."""
        parts = {"scratch": self.scratch, "best": self.best, "chosen": self.chosen, "any": self.average}
        table, teacher = statements.joined(parts), teachers.by_fold()
        table.insert(0, "teacher", [teacher.loc[key[:2]].mean() for key in table.index])
        for name, method in (("scratch", SCRATCH), ("any", SOFTENED)):
            table[f"{name}_macro_f1"] = found[found["method"] == method].groupby(KEYS)["macro_f1"].mean()
        for column, ending in (("paper_scratch", ""), ("paper_best", "+kd")):
            table[column] = [printed(_measurement(*key, ending)) for key in table.index]
        return table

    def gains(self) -> pd.DataFrame:
        """What distillation adds to training from scratch, by how the temperature is chosen: a column a fold."""
        parts = {
            "mean over temperatures": self.average - self.scratch,
            "best, as the paper reports": self.best - self.scratch,
            "chosen on other folds": self.chosen - self.scratch,
        }
        return pd.concat(parts, names=["temperature"])

    def luck(self) -> pd.DataFrame:
        """How far the best temperature is above the mean of all, and how far by chance alone: `statements.luck`."""
        parts = self.softened.groupby(KEYS, sort=False)
        return pd.DataFrame({key: statements.luck(part) for key, part in parts}).T.rename_axis(KEYS)

    def without_search(self) -> pd.DataFrame:
        """On grouped folds the search over temperatures, and each other method: accuracy, gain over training from
        scratch, and difference to the search, with intervals; and how many trainings each takes."""
        count = self.softened.index.unique("temperature").size
        compared = {(f"{GRID}, {count} temperature{'s' * (count > 1)}", count): self.chosen}
        for method in self.methods.index.unique("method").drop(SCRATCH):
            compared[method, 1] = self.methods.xs(method, level="method")
        rows = {}
        for key, accuracy in compared.items():
            own = accuracy[accuracy.index.get_level_values("split") != RANDOM]
            parts = {"gain": own - self.scratch.loc[own.index], "over_grid": own - self.chosen.loc[own.index]}
            row = statements.joined(parts)
            row.insert(0, "accuracy", own.mean(axis=1))
            rows[key] = row
        found = pd.concat(rows, names=["method", "trainings"])
        return found.reorder_levels([*KEYS, "method", "trainings"])

    def verdicts(self, found: pd.DataFrame) -> pd.DataFrame:
        """The paper's statements on distillation, tested on the grouped folds of each set: `statements.verdicts`."""
        tested, softened = {}, found[found["method"] == SOFTENED]
        for (data, split), own in softened.groupby(["data", "split"], sort=False):
            if split != RANDOM:
                parts = [part.loc[(data, split)] for part in (self.scratch, self.average, self.chosen)]
                said = statements.of_distillation(*parts, statements.swing(own, "temperature"))
                tested |= {(data, statement): one for statement, one in said.items()}
        return statements.verdicts(tested)


def variance(found: pd.DataFrame) -> pd.DataFrame:
    """Where the variance of the students' accuracy at all temperatures comes from, by KEYS: `statements.variance`."""
    parts = found[found["method"] == SOFTENED].groupby(KEYS, sort=False)
    return pd.DataFrame({key: statements.variance(part, "temperature") for key, part in parts}).T.rename_axis(KEYS)


def measured(
    students: Students, teachers: Teachers, teacher: str, verdicts: pd.DataFrame, seeds: Mapping[bool, Sequence[int]]
) -> list[dict]:
    """What the ledger is told: accuracies of students from scratch and at the best temperature, and of the teacher;
    effects of `verdicts`. `seeds` as for `trials`."""
    rows = measurements.rows(statements.measured(verdicts), len(seeds[True]))
    for ending, part in (("", students.scratch), ("+kd", students.best)):
        for key, row in statements.table(part).drop(columns="p").iterrows():
            rows += measurements.rows({_measurement(*key, ending): row}, len(seeds[key[1] != RANDOM]))
    for (data, split), row in statements.table(teachers.by_fold()).drop(columns="p").iterrows():
        rows += measurements.rows({measurements.name("accuracy", teacher, data, split): row}, 1)
    return rows


def _measurement(data: str, split: str, size: str, ending: str = "") -> str:
    return measurements.name("accuracy", f"microexpnet_{size}{ending}", data, split)
