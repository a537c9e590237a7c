"""The data of a study: which images, in which folds, and who is on both sides of one; and networks trained on them.

study = Study.of({"ckplus": folder}, ["ckplus"], {}, folds=10)
study.faces                                   # by set: the images that it takes
study.held_out(), study.both_sides()          # what the folds are like
study.nearest()                               # how far one gets with no network at all
found = study.train(trials, student_recipe(epochs=5), "04_microexpnet_pooling")
study.learned(found)                          # how many of them learned anything
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
import torch

from ..datasets import Faces
from ..results import tables
from ..training.recipe import Recipe
from .cross_validation import COHORT, RANDOM, Sample, Taken, cache_key, cohort, gathered, taken
from .sweep import require_complete, sweep

FOLD = ["data", "split", "fold"]
# how trainings on real data still differ from MicroExpNet's
OTHER = "CK+'s frames whole, six outputs for Oulu-CASIA, images normalised, scored by the mean of eight windows"


def student_recipe(
    epochs: int,
    batch_size: int = 64,
    learning_rate: float = 1e-4,
    schedule: str = "constant",
    warmup: float = 0.0,
) -> Recipe:
    """How MicroExpNet's authors train every network (section III-C): Adam, 84 px, no augmentation, no class weights."""
    return Recipe(
        epochs=epochs, batch_size=batch_size, img_size=84, augmentation=None, loss="cross_entropy",
        class_weighted=False, optimizer="adam", learning_rate=learning_rate, weight_decay=0.0, schedule=schedule,
        warmup=warmup, channels_last=True,
    )  # fmt: skip


@dataclass(frozen=True)
class Study:
    """The sets of a study, each with its sample, and where its results are kept.

    samples  by the name of the set
    runs     a folder where what is done is kept, and not done again
    """

    samples: Mapping[str, Sample]
    runs: str

    @classmethod
    def of(
        cls,
        folders: Mapping[str, str],
        sets: Sequence[str],
        images: Mapping[str, int],
        folds: int,
        audit: str = "",
        runs: str = "",
    ) -> Study:
        """The study of `sets`, with the arguments and errors of `cross_validation.gathered`.

        runs  empty: a folder that is gone with this process
        """
        if not runs:
            runs = tempfile.mkdtemp()
            atexit.register(shutil.rmtree, runs, ignore_errors=True)
        return cls(gathered(folders, sets, images, folds, audit), runs)

    @property
    def sets(self) -> dict[str, Taken]:
        """By set: images, groups (people, or copies of a photograph) and folds."""
        return {name: taken(sample) for name, sample in self.samples.items()}

    @property
    def faces(self) -> dict[str, Faces]:
        """By set: the images that are taken."""
        return {name: one.faces for name, one in self.sets.items()}

    @property
    def labels(self) -> dict[str, str]:
        """By set: what tables and titles call it."""
        return {name: tables.label(one) for name, one in self.faces.items()}

    def labelled(self, table: pd.DataFrame) -> pd.DataFrame:
        """A table with an index level `data` or a column of that name, whose sets are called as a reader is told."""
        if "data" in table.index.names:
            return table.rename(index=self.labels, level="data")
        return table.assign(data=table["data"].map(self.labels))

    def splits(self) -> list[tuple[str, str, np.ndarray, np.ndarray]]:
        """Each set and split, grouped folds before random ones: their names, the group of each image, its fold."""
        return [(name, split, one.group, fold) for name, one in self.sets.items() for split, fold in one.folds.items()]

    def together(self, name: str) -> list[np.ndarray]:
        """Rows of a set that are of one person, or copies of one photograph: an array each, the longest first."""
        group = self.sets[name].group
        return sorted((np.flatnonzero(group == one) for one in np.unique(group)), key=len, reverse=True)

    def held_out(self) -> pd.DataFrame:
        """Images in each fold: a row a set and split, a column a fold."""
        rows = {(name, split): np.bincount(fold) for name, split, _, fold in self.splits()}
        return pd.DataFrame(rows).T.rename_axis(["data", "split"]).rename_axis(columns="fold")

    def both_sides(self) -> pd.DataFrame:
        """By set and split: `images`; `known`, those of which another of the same person, or of the same photograph, is
        trained on while they are held out; `share` of the images."""
        rows = {}
        for name, split, group, fold in self.splits():
            cells = pd.crosstab(group, fold).to_numpy()  # images of a group in each fold
            known = int(cells[(cells > 0) & (cells < cells.sum(1, keepdims=True))].sum())
            rows[name, split] = {"images": len(group), "known": known, "share": known / len(group)}
        table = pd.DataFrame(rows).T.rename_axis(["data", "split"])
        return table.astype({"images": int, "known": int})

    def nearest(self) -> pd.DataFrame:
        """By set and split, how a copyist does: whose answer is the label of the one image trained on that correlates
        best with the one held out, grey level by grey level. `accuracy`, over all images; `same`, how often that image
        is of the same person or photograph."""
        rows = {}
        for name, one in self.sets.items():
            alike = _correlation(one.faces.pixels)
            for split, fold in one.folds.items():
                best = np.where(fold[:, None] != fold, alike, -np.inf).argmax(1)
                right = one.faces.labels[best] == one.faces.labels
                rows[name, split] = {"accuracy": right.mean(), "same": (one.group[best] == one.group).mean()}
        return pd.DataFrame(rows).T.rename_axis(["data", "split"])

    def train(
        self,
        trials: pd.DataFrame,
        recipe: Recipe,
        name: str,
        teacher_logits: Mapping[str, Mapping[str, Sequence[str]]] | None = None,
        teachers: str = "",
    ) -> pd.DataFrame:
        """`trials` with what `cross_validation.cohort` finds for each; those that RUNS/NAME has are not done again.
        Raises SweepError where one fails."""
        work = partial(
            cohort, samples=self.samples, recipe=recipe, teacher_logits=teacher_logits, teachers=teachers
        )  # fmt: skip
        key = cache_key(self.samples, recipe, teacher_logits)
        on_gpu = {"most": 256, "workers": 1} if torch.cuda.is_available() else {}
        folder = f"{self.runs}/{name}"
        return require_complete(sweep(work, trials, folder, identity=key, cohort=COHORT, **on_gpu))

    def learned(self, found: pd.DataFrame) -> pd.DataFrame:
        """By set and split: `trained` networks, and how many of them `learned`: their loss on what they were trained on
        has fallen below that of equal odds for every class, with which they begin. A student at a temperature begins
        there too, whatever the teacher says (MicroExpNet's equation 2)."""
        odds = found["data"].map({name: np.log(len(faces.classes)) for name, faces in self.faces.items()})
        fell = (found["train_loss"] < odds).groupby([found["data"], found["split"]], sort=False)
        return pd.DataFrame({"trained": fell.size(), "learned": fell.sum()})

    def one_answer(self, found: pd.DataFrame) -> pd.DataFrame:
        """By set, split and network: `trained`, and how many of them give every held-out image the same answer
        (`one_answer`). Their macro-F1 is the F1 of that one class, 2a / (1 + a) at accuracy a, over the classes that
        the fold has."""
        classes = {
            (name, split, fold): len(np.unique(one.faces.labels[folds == fold]))
            for name, one in self.sets.items()
            for split, folds in one.folds.items()
            for fold in np.unique(folds)
        }
        count = found[FOLD].apply(tuple, axis=1).map(classes)
        alone = 2 * found["accuracy"] / (1 + found["accuracy"])
        same = (found["accuracy"] > 0) & np.isclose(found["macro_f1"] * count, alone, rtol=0, atol=1e-3)
        by_network = same.groupby([found["data"], found["split"], found["network"]], sort=False)
        return pd.DataFrame({"trained": by_network.size(), "one_answer": by_network.sum()})

    def gap(self, by_split: pd.DataFrame) -> pd.DataFrame:
        """Of a score by set and split, a column a fold: whether random folds score above grouped ones, by set."""
        mean = by_split.mean(axis=1).unstack("data")
        rows = {name: mean.loc[RANDOM, name] > mean.drop(RANDOM)[name].max() for name in self.samples}
        return pd.DataFrame({"random folds score higher": rows})


def _correlation(pixels: np.ndarray) -> np.ndarray:
    """How alike images are, -1 to 1, (N, N); to five digits, so that copies are equally alike on every machine."""
    flat = pixels.reshape(len(pixels), -1).astype(np.float64)
    flat -= flat.mean(1, keepdims=True)
    flat /= np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-9)
    return (flat @ flat.T).round(5)
