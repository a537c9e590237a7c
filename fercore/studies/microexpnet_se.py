"""The protocol of the 2026 MicroExpNet (sections III-D, III-E, IV-B) and its ablation (Table 2), over seeds; and its
full network without a teacher, which the paper leaves out.

(teacher,) = teachers.at_hand(protocol, faces, fits.fit_seeds(protocol.teacher(faces), …), …)
trained = fits.fit_seeds(protocol.students(faces, protocol.as_teacher(faces, teacher)), …)
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd
import torch
from torch import nn

from .. import models
from ..datasets import Faces
from ..evaluation import statistics
from ..results import measurements, tables
from ..training import losses
from ..training.augment import AUGMENTATIONS
from ..training.recipe import Recipe, departures
from ..training.trainer import Run
from . import fits, teachers
from .teachers import TEACHER

ALONE = "full, no teacher"
LABELS = {  # Table 2's rows, and one more
    "backbone": "backbone",
    "se": "+ SE",
    "kd": "+ teacher",
    "mixup": "+ mixup",
    "full": "full",
    "alone": ALONE,
}
OPTIONS = {  # Table 2's parameters fit a network without the hidden layer, but for its last row
    "backbone": {"attention": False, "hidden": 0},
    "se": {"hidden": 0},
    "kd": {"hidden": 0},
    "mixup": {"hidden": 0},
}
RUNS = {  # what the ledger calls them
    "backbone": "mobilenet_v3_small",
    "se": "microexpnet_se",
    "kd": "microexpnet_se+kd",
    "mixup": "microexpnet_se+kd+mixup",
    "full": "microexpnet_se+kd+mixup",
    "alone": "microexpnet_se+mixup",
}
GAINS = {  # what the ledger calls what one row has over another; the paper's row with a teacher has mixup, too
    ("se", "backbone"): "gain(microexpnet_se, mobilenet_v3_small, {})",
    ("mixup", "se"): "gain(microexpnet_se+kd+mixup, microexpnet_se, {}, hidden=0)",
    ("mixup", "kd"): "gain(microexpnet_se+kd+mixup, microexpnet_se+kd, {}, hidden=0)",
    ("full", "backbone"): "gain(microexpnet_se+kd+mixup, mobilenet_v3_small, {})",
}
SETTINGS = {"mixup": ["hidden=0"]}  # what else tells a row from the full network, which has its name
READING = "equation 1's cross-entropy of the plain softmax"  # by the text p is softened there too
STEPS = (("se", "backbone"), ("kd", "se"), ("mixup", "kd"), ("full", "mixup"), ("full", "backbone"), ("full", "alone"))


@dataclass(frozen=True)
class Protocol:
    """The parameters of the notebook that its trainings follow from, by the same names.

    seeds            by row of LABELS; one that has none is left out
    weights          imagenet: what the students' backbone starts from; empty: drawn at random
    teacher_weights  a .safetensors file that the teacher starts from, as the paper's from VGGFace2; empty: none;
                     or data whose weights come with the project, such as "fer2013": it is not trained
    images           training images, drawn at random; 0: all
    bn_momentum      0: the networks' own
    """

    seeds: Mapping[str, Sequence[int]]
    weights: str
    images: int
    teacher_network: str
    teacher_options: Mapping
    teacher_weights: str
    teacher_epochs: int
    teacher_precision: str
    teacher_seed: int
    temperature: float
    alpha: float
    epochs: int
    batch_size: int
    img_size: int
    augmentation: str
    mixup: float
    learning_rate: float
    min_lr: float
    warmup: float
    patience: int
    bn_momentum: float

    @classmethod
    def of(cls, parameters: Mapping, faces: Faces | None = None) -> Protocol:
        """Of a notebook's parameters, whatever else it has, on its data (None: any): `teachers.of_data`. Raises
        ValueError for unknown rows."""
        known = cls(**{field.name: parameters[field.name] for field in fields(cls)})
        for name in known.seeds:
            if name not in LABELS:
                raise ValueError(f"no row {name!r}; there are {', '.join(LABELS)}")
        return known if faces is None else teachers.of_data(known, faces, trains=not parameters.get("kept_only"))

    second: ClassVar[None] = None  # it has one teacher

    @property
    def recipe(self) -> Recipe:
        """How the full network is trained, but for the teacher."""
        return Recipe(
            epochs=self.epochs, batch_size=self.batch_size, img_size=self.img_size,
            augmentation=AUGMENTATIONS[self.augmentation], mixup=self.mixup, loss="cross_entropy", class_weighted=False,
            optimizer="adam", learning_rate=self.learning_rate, weight_decay=0.0, schedule="cosine",
            min_lr=self.min_lr, warmup=self.warmup, monitor="accuracy", patience=self.patience,
            bn_momentum=self.bn_momentum or None, channels_last=True,
        )  # fmt: skip

    @property
    def teacher_recipe(self) -> Recipe:
        return replace(self.recipe, epochs=self.teacher_epochs, precision=self.teacher_precision)

    def teacher(self, faces: Faces) -> dict[str, dict]:
        """The teacher's training, for `fits.fit_seeds`; none of one that is not trained."""
        if teachers.pretrained(self):
            return {}
        words = {"network": self.teacher_network, "name": f"06b_{self.teacher_network}", "recipe": self.teacher_recipe}
        words |= {"options": dict(self.teacher_options), "weights": self.teacher_weights or None}
        return {TEACHER: words | {"train": fits.training_rows(faces, self.images), "seeds": [self.teacher_seed]}}

    def as_teacher(self, faces: Faces, teacher: Run) -> nn.Module:
        """What the students learn from: the teacher itself, since every image is turned, lightened and blended anew."""
        return teachers.as_module(teacher, 3, self.img_size, self.teacher_precision)

    def students(self, faces: Faces, teacher: nn.Module | None) -> dict[str, dict]:
        """The students' trainings, for `fits.fit_seeds`: the rows of Table 2, and the full network without a teacher.

        teacher  of `as_teacher`; None: for the names of the trainings alone
        """
        rows, found = fits.training_rows(faces, self.images), {}
        kd = losses.microexpnet_se(self.temperature, self.alpha)
        for name, label in LABELS.items():
            distilled = name in ("kd", "mixup", "full")
            mixup = self.mixup if name in ("mixup", "full", "alone") else 0.0
            recipe = replace(self.recipe, mixup=mixup, distillation=kd if distilled else None)
            words = {"network": "microexpnet_se", "name": f"06b_{name}", "recipe": recipe, "train": rows}
            words |= {"options": OPTIONS.get(name, {}), "weights": self.weights or None}
            words["seeds"] = list(self.seeds.get(name, ()))
            if distilled:
                words |= {"teacher": teacher, "taught_by": teachers.identity(self, faces)}
            if words["seeds"]:
                found[label] = words
        return found


def other_than_the_papers(here: Protocol, paper: Protocol, teacher: bool = False) -> str:
    """How students, or the teacher, differ from the paper's, to be read: "20 of 50 epochs, precision bf16"."""
    if teacher and teachers.pretrained(here):
        return teachers.said(here) + ("" if here.teacher_precision == "fp32" else f" in {here.teacher_precision}")
    return teachers.listed(_other(here, paper, teacher))


def compared(here: Protocol, paper: Protocol) -> pd.DataFrame:
    """The same of students and teacher as a table, with what they start from: `teachers.compared`."""
    start = {} if here.weights == paper.weights else {"weights": (paper.weights, here.weights or "random")}
    own = {"network": (paper.teacher_network, other_than_the_papers(here, paper, teacher=True))}
    if not teachers.pretrained(here):
        own = _other(here, paper, True) | ({} if here.teacher_weights else {"weights": ("VGGFace2's", "random")})
    return teachers.compared(_other(here, paper) | start, own)


def _other(here: Protocol, paper: Protocol, teacher: bool = False) -> dict[str, tuple]:
    """Settings in which students, or a teacher that is trained, differ from the paper: (the paper's, the one here)."""
    own, printed = ((one.teacher_recipe if teacher else one.recipe) for one in (here, paper))
    pairs = departures(own, printed)
    if "augmentation" in pairs:  # by its name
        pairs["augmentation"] = paper.augmentation, here.augmentation
    for name in ("images", *(["teacher_network"] if teacher else ["temperature", "alpha"])):
        if getattr(here, name) != getattr(paper, name):
            pairs[name.replace("_", " ")] = getattr(paper, name), getattr(here, name)
    return pairs


def reserved(here: Protocol, paper: Protocol, row: str) -> str:
    """How a student that is trained as the paper says differs nevertheless: its start, how the loss is read, and
    its teacher."""
    said = [] if here.weights else ["random weights"]
    if row in ("kd", "mixup", "full"):
        said.append(READING)
        other = [] if here.teacher_weights else ["random weights"]
        other += filter(None, [other_than_the_papers(here, paper, teacher=True)])
        said += [f"another teacher: {', '.join(other)}"] if other else []
    return ", ".join(said)


def selected(trained: Mapping[str, Sequence[Run]], parameters: Mapping[str, int]) -> pd.DataFrame:
    """Accuracy on the split that selects, of the best epochs: a row a training, with Student's interval over seeds,
    of which one alone has none."""
    rows = {}
    for name, runs in trained.items():
        values = fits.selected_accuracy(runs)
        low, high = statistics.of_shares(values)
        epochs = np.mean([run.best_epoch for run in runs])
        rows[name] = {"parameters": parameters.get(name, np.nan), "value": values.mean(), "low": low, "high": high}
        rows[name] |= {"best epoch": epochs, "seeds": len(runs)}
    return pd.DataFrame(rows).T.rename_axis("training")


def measured_gains(trained: Mapping[str, Sequence[Run]], faces: Faces) -> list[tuple[str, dict]]:
    """Measurements for the ledger of GAINS, each with the row that gains, on the split that selects, as Table 2 has
    them: over seeds that both rows have, with Student's interval where these are two or more."""
    rows, of = [], ", ".join(map(measurements.word, (faces.name, faces.split_of("select"))))
    accuracy = fits.by_seed(trained, {name: fits.selected_accuracy(runs) for name, runs in trained.items()})
    for (one, other), name in GAINS.items():
        first, second = fits.of_common_seeds(*(accuracy.get(LABELS[row], {}) for row in (one, other)))
        if first:
            gaps = np.subtract(first, second)
            row = {"measurement": name.format(of), "value": gaps.mean(), "seeds": len(gaps)}
            row |= dict(zip(("low", "high"), statistics.student(gaps), strict=True)) if len(gaps) > 1 else {}
            rows.append((one, row))
    return rows


def gains(
    labels: np.ndarray,
    predicted: Mapping[str, Mapping[int, np.ndarray]],
    masks: Mapping[str, np.ndarray],
    classes: int,
) -> pd.DataFrame:
    """What each step of Table 2 adds: `fits.gains` of the steps, such as "+ SE less backbone"."""
    pairs = {f"{LABELS[one]} less {LABELS[other]}": (LABELS[one], LABELS[other]) for one, other in STEPS}
    return fits.gains(labels, predicted, pairs, masks, classes).rename_axis(["step", "part", "score"])


def measured(
    row: str,
    faces: Faces,
    labels: np.ndarray,
    predicted: Sequence[np.ndarray],
    best: pd.Series,
    masks: Mapping[str, np.ndarray],
    teacher: str,
) -> list[dict]:
    """Measurements for the ledger of a row of LABELS or of the teacher: accuracy on the split that selects, and scores
    on the one that tests, but for the backbone, which notebook 2 measures, and a row that has the full network's name.

    best  of `selected`; teacher  the network that teaches
    """
    run = RUNS.get(row, teacher if row == TEACHER else "")
    if not run:
        return []
    name = measurements.name("accuracy", run, faces.name, faces.split_of("select"), settings=SETTINGS.get(row, ()))
    rows = [{"measurement": name, **best[["value", "low", "high"]], "seeds": int(best["seeds"])}]
    if row != "backbone" and row not in SETTINGS and faces.split_of("test") != faces.split_of("select"):
        test = faces.split_of("test")
        rows += statistics.measurements(run, faces.name, test, labels, predicted, faces.classes, masks)
    return rows


def _parameters(label: str) -> int | None:
    """Of the row of LABELS that is measured under this name, which not every row has the whole network for."""
    for row in ("se", "kd", "mixup", "full", "alone"):
        if label == ", ".join([RUNS[row], *SETTINGS.get(row, ())]):
            with torch.device("meta"):
                network = models.create("microexpnet_se", 7, **OPTIONS.get(row, {}))
            return sum(one.numel() for one in network.parameters())
    return None


def measured_before(reference: str | Path) -> pd.DataFrame:
    """Every network that was measured on FER2013's PrivateTest, this project's and public ones: one view, indexed by
    network, with parameters, value, low, high and whether it is this project's (`own`). Behind one that a profile
    trained by other settings than the paper's, mostly for fewer epochs, stands `measurements.OTHERWISE`."""
    public = tables.read(Path(reference) / "public_networks/networks.csv").query("views == 'one'")
    names = {"accuracy": "value", "accuracy_low": "low", "accuracy_high": "high"}
    public = public.assign(own=public["package"] == "this project").rename(columns=names)
    found = [public.set_index("network")[["parameters", *names.values(), "own"]]]
    there = set(found[0].index.str.replace(", distilled", "+kd"))  # as the ledger calls them
    evidence = measurements.gather([reference])
    for name, row in evidence.iterrows():
        kind, words, settings = measurements.split(name)
        if kind != "accuracy" or words[1:] != ["fer2013", "PrivateTest"] or pd.isna(row["low"]):
            continue
        label = ", ".join([words[0], *settings])
        size = _parameters(label) or evidence["value"].get(f"parameters({words[0].partition('+')[0]}, 7)")
        if size is not None and label not in there:
            label += measurements.OTHERWISE if row["protocol"].startswith(f"{row['profile']} profile") else ""
            found.append(pd.DataFrame({"parameters": int(size), **row[["value", "low", "high"]], "own": True}, [label]))
    return pd.concat(found).rename_axis("network")


def best_of_each(known: pd.DataFrame) -> dict[str, str]:
    """Of those in `measured_before` that are one network, trained or made smaller in several ways, the best: by its
    name there, a shorter one, for a figure."""
    plain = known.index.str.removesuffix(measurements.OTHERWISE)
    family = plain.str.replace(r"\+.*|, (T=.*|distilled|full)", "", regex=True)
    best = known["value"].groupby([family, known["parameters"]]).idxmax()
    return {name: re.sub(r", (T|alpha)=[^,*]*?(?=,| \*|$)", "", name) for name in best}
