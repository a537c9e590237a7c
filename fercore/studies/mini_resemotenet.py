"""Mini-ResEmoteNet's protocol (section III-D) and its experiments E1 to E6 (Table IV); and what the paper leaves out:
the same students without a teacher and by a second one, the other reading of its loss, and what copies of the tested
images are worth.

protocol = Protocol.of(parameters)              # a notebook's, or those of params/paper
(teacher,) = teachers.at_hand(protocol, faces, fits.fit_seeds(protocol.teacher(faces), …), …)
trained = fits.fit_seeds(protocol.students(faces, protocol.as_teacher(faces, teacher)), …)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from .. import audit, models
from ..datasets import Faces
from ..evaluation import inference, statistics
from ..models import padding
from ..models.mini_resemotenet import NETWORKS
from ..results import measurements as measured
from ..results.measurements import name as measurement
from ..training import answers, losses
from ..training.augment import AUGMENTATIONS
from ..training.recipe import Recipe, departures
from ..training.trainer import Run
from . import fits, teachers
from .teachers import TEACHER

SIZES = tuple(name.rpartition("_")[2] for name in NETWORKS[1:])  # a, b, c
EXPERIMENTS = {  # Table IV: student and alpha; the temperature of all six is 3
    "E1": ("a", 0.20),
    "E2": ("a", 0.15),
    "E3": ("b", 0.20),
    "E4": ("b", 0.15),
    "E5": ("b", 0.10),
    "E6": ("c", 0.20),
}
SECOND, SECOND_HAS = "second teacher", ("network", "epochs", "precision", "teaches")  # its name among the trained
TEMPERATURE, ALPHA = 3.0, 0.20  # of the experiments; at which alpha temperatures are searched for
TEACHERS = ("teacher_network", "teacher_weights", "teacher_divisor")  # in which a teacher may be another
READING = "alpha read as equation 6's beta"
OTHER_READING = "alpha read as the weight of the hard labels"  # as the text below equation 6 has it
CUTS = ("plateau", "step")  # the schedules that leave the learning rate as it is until they cut it
LIKE_STUDENTS = "the students' settings for the teacher"
ALL = "all tested images"
FIRST, NOBODY = "the first teacher", "no teacher"  # that students of the second are compared with
WITHOUT, WITH = "without copies of the test set", "with the test set"  # trained on other images than Training's


@dataclass(frozen=True)
class Protocol:
    """The parameters of the notebook that its trainings follow from, by the same names.

    seeds         by size; a size that has none is left out, with its experiments
    searched      the size on which temperatures and alphas are searched for, and copies counted; empty: none
    temperatures  beside 3, at alpha 0.20; alphas  beside 0.20, at temperature 3
    readings      experiments that are run with the other reading of the loss too
    copies        whether the searched size is also trained without PrivateTest's copies, and with PrivateTest itself
    second_teacher  another one, trained for the students whatever the first is: `network`, `epochs` and `precision`
                  of it, and the experiments that it `teaches`; empty: none
    beside        how many of a student's seeds the searches, the other reading, the second teacher and the copies have
    images        training images, drawn at random; 0: all
    dropout       times the rates of the released code, of teacher and students; 1: theirs
    epochs_of     numbers of epochs by size, of students that are trained for others than `epochs`
    teacher_divisor  of the teacher's widths, where it is ResEmoteNet; 1: the whole
    teacher_weights  a file that the teacher starts from; empty: none; or data whose weights of `teacher_network`
                     come with the project, such as "fer2013": it is not trained
    """

    experiments: Sequence[str]
    seeds: Mapping[str, Sequence[int]]
    searched: str
    temperatures: Sequence[float]
    alphas: Sequence[float]
    readings: Sequence[str]
    copies: bool
    beside: int
    images: int
    dropout: float
    trimmed: bool
    teacher_network: str
    teacher_weights: str
    teacher_divisor: int
    teacher_epochs: int
    teacher_precision: str
    teacher_seed: int
    second_teacher: Mapping
    epochs: int
    epochs_of: Mapping[str, int]
    batch_size: int
    img_size: int
    optimizer: str
    class_weighted: bool
    learning_rate: float
    weight_decay: float
    schedule: str
    factor: float
    plateau_patience: int
    warmup: float

    @classmethod
    def of(cls, parameters: Mapping, faces: Faces | None = None) -> Protocol:
        """Of a notebook's parameters, whatever else it has, on its data (None: any): `teachers.of_data`. Raises
        ValueError for unknown experiments and sizes, and for a second teacher that is not whole, is the first one's
        network, or would teach nobody."""
        known = cls(**{field.name: parameters[field.name] for field in fields(cls)})
        if known.second_teacher and {*known.second_teacher} != {*SECOND_HAS}:
            raise ValueError(f"second_teacher has {', '.join(known.second_teacher)}; expected {', '.join(SECOND_HAS)}")
        for name in (*known.experiments, *known.readings, *known.second_teacher.get("teaches", ())):
            if name not in EXPERIMENTS:
                raise ValueError(f"no experiment {name!r}; there are {', '.join(EXPERIMENTS)}")
        for size in (*known.seeds, *known.epochs_of, *filter(None, [known.searched])):
            if size not in SIZES:
                raise ValueError(f"no size {size!r}; there are {', '.join(SIZES)}")
        if known.second_teacher.get("network") == known.teacher_network:
            raise ValueError(f"the second teacher is {known.teacher_network}, which is the first one, too")
        for name in known.second_teacher.get("teaches", ()):
            if not known.seeds.get(EXPERIMENTS[name][0]):
                raise ValueError(f"second_teacher teaches {name}, whose student {EXPERIMENTS[name][0]} has no seeds")
        if faces is None:
            return known
        trains = not parameters.get("kept_only")
        runs = parameters.get("runs", "")
        if known.second_teacher and trains and not _published(known.second, faces, runs):
            here = inference.precision_here(known.second_teacher["precision"])
            known = replace(known, second_teacher={**known.second_teacher, "precision": here})
        # the logits of a pretrained teacher are computed once, in full precision (`as_teacher`)
        known = teachers.of_data(known, faces, answers_in="fp32", trains=False)
        if trains and not _published(known, faces, runs):
            known = replace(known, teacher_precision=inference.precision_here(known.teacher_precision))
        return known

    def of_size(self, size: str | None) -> Protocol:
        """The protocol of the student of a size: with its own epochs. None: of those that have none of their own."""
        return replace(self, epochs=self.epochs_of.get(size, self.epochs), epochs_of={})

    @property
    def epochs_by_size(self) -> dict[str, int]:
        """The epochs of each student that is trained."""
        return {size: self.of_size(size).epochs for size in SIZES if self.seeds.get(size)}

    @property
    def recipe(self) -> Recipe:
        """How a student is trained that has no epochs of its own (`of_size`)."""
        return Recipe(
            epochs=self.epochs, batch_size=self.batch_size, img_size=self.img_size, augmentation=AUGMENTATIONS["flip"],
            loss="cross_entropy", class_weighted=self.class_weighted, optimizer=self.optimizer,
            learning_rate=self.learning_rate, weight_decay=self.weight_decay, schedule=self.schedule,
            factor=self.factor, plateau_patience=self.plateau_patience, warmup=self.warmup, monitor="accuracy",
            channels_last=True,  # faster for each student, see reports/reference/student_training
        )  # fmt: skip

    @property
    def teacher_recipe(self) -> Recipe:
        """The teacher's: without channels last, with which ResEmoteNet is no faster."""
        return replace(self.recipe, epochs=self.teacher_epochs, precision=self.teacher_precision, channels_last=False)

    @property
    def options(self) -> dict[str, float]:
        """What every network is made with."""
        trimmed = {"trimmed": self.img_size} if self.trimmed else {}
        return trimmed | ({} if self.dropout == 1 else {"dropout": self.dropout})

    @property
    def second(self) -> Protocol | None:
        """The protocol of the students that the second teacher has; None where there is none."""
        if not (own := self.second_teacher):
            return None
        return replace(
            self, second_teacher={}, teacher_network=own["network"], teacher_weights="", teacher_epochs=own["epochs"],
            teacher_precision=own["precision"], experiments=own["teaches"], readings=[], searched="",
            seeds={size: each[: self.beside] for size, each in self.seeds.items()},
        )  # fmt: skip

    def teacher(self, faces: Faces) -> dict[str, dict]:
        """The teacher's training, for `fits.fit_seeds`; none of one that is not trained."""
        if teachers.pretrained(self):
            return {}
        words = {"network": self.teacher_network, "name": f"06_{self.teacher_network}", "recipe": self.teacher_recipe}
        narrower = self.teacher_divisor != 1 and self.teacher_network == NETWORKS[0]
        own = self.options if self.teacher_network in NETWORKS else {}
        options = ({"divisor": self.teacher_divisor} if narrower else {}) | own
        words |= {"options": options, "weights": self.teacher_weights or None, "seeds": [self.teacher_seed]}
        return {TEACHER: words | {"train": fits.training_rows(faces, self.images)}}

    @property
    def by_teacher(self) -> dict[str, Protocol]:
        """The protocol of each teacher and its students, by its name among the trained."""
        return {TEACHER: self} | ({SECOND: second} if (second := self.second) else {})

    def teachers(self, faces: Faces) -> dict[str, dict]:
        """The trainings of both, by the same names; none of one that is not trained."""
        return {name: words for name, own in self.by_teacher.items() for words in own.teacher(faces).values()}

    def as_teacher(self, faces: Faces, teacher: Run) -> np.ndarray:
        """What the students learn from the teacher: its answers to each image and its mirror image, kept beside it."""
        kept = teacher.folder if teacher.folder and teacher.folder.is_dir() else ""  # else nothing is kept anywhere
        return fits.teacher_logits(teacher, faces, kept, fits.training_rows(faces, self.images))

    def taught_by_second(self, faces: Faces, logits: np.ndarray | None) -> dict[str, dict]:
        """The trainings of the students that the second teacher has, as `students` gives those of the first."""
        if (second := self.second) is None:
            return {}
        own, network = second.students(faces, logits), second.teacher_network
        return {
            by(name, network): own[name] | {"name": f"{own[name]['name']}_by_{network}"}
            for name in second.experiments
            if name in own
        }

    def students(self, faces: Faces, logits: np.ndarray | None) -> dict[str, dict]:
        """The students' trainings, for `fits.fit_seeds`: the sizes alone, the experiments, and what is asked beside.

        logits  of `as_teacher`; None: for the names of the trainings alone
        """
        rows, found = fits.training_rows(faces, self.images), {}

        def add(variant: str, size: str, kd: losses.Distillation | None = None, count: int | None = None, **more):
            recipe = replace(self.of_size(size).recipe, distillation=kd)
            words: dict = {"network": f"mini_resemotenet_{size}", "recipe": recipe}
            words |= {"options": self.options, "train": rows, "seeds": list(self.seeds.get(size, ()))[:count]}
            words |= {"name": f"06_{variant.replace(' ', '_').replace(',', '')}"}
            if variant in found:
                raise ValueError(f"two trainings are called {variant}, which is told to two decimals; give each once")
            if kd:
                words |= {"teacher": logits, "taught_by": teachers.identity(self, faces)}
            if words["seeds"]:
                found[variant] = words | more

        for size in SIZES:
            add(alone(size), size)
        for name in self.experiments:
            size, alpha = EXPERIMENTS[name]
            add(name, size, losses.mini_resemotenet(TEMPERATURE, alpha))
        for name in self.readings:
            size, alpha = EXPERIMENTS[name]
            add(other_reading(name), size, losses.mini_resemotenet_text(TEMPERATURE, alpha), self.beside)
        if self.searched:
            for temperature in self.temperatures:
                add(f"T {temperature:g}", self.searched, losses.mini_resemotenet(temperature, ALPHA), self.beside)
            for alpha in self.alphas:
                add(f"alpha {alpha:.2f}", self.searched, losses.mini_resemotenet(TEMPERATURE, alpha), self.beside)
        if self.searched and self.copies:
            tested = faces.rows("test")
            group = audit.exact_duplicates(faces.pixels)
            without = rows[~np.isin(group[rows], group[tested])]
            add(f"{self.searched} {WITHOUT}", self.searched, None, self.beside, train=without)
            add(f"{self.searched} {WITH}", self.searched, None, self.beside, train=np.concatenate([rows, tested]))
        return found


def _published(own: Protocol, faces: Faces, runs: str) -> bool:
    """Whether the teacher lies in `runs` as it was published: with the precision that it was trained in elsewhere."""
    return any(answers.published(Path(runs, place)) for place in fits.planned(own.teacher(faces))[1] if runs)


def unused(img_size: int = 64) -> pd.DataFrame:
    """How many of the parameters of teacher and students meet padding alone on images of so many px (`padding.unused`):
    a row a network, with the columns parameters, unused, share (%) and left."""
    rows = {}
    for name in NETWORKS:
        with torch.device("meta"):
            network = models.create(name)
        count = sum(weight.numel() for weight in network.parameters())
        left_out = sum(padding.unused(network, (inference.channels(network), img_size, img_size)).values())
        rows[name] = {
            "parameters": count,
            "unused": left_out,
            "share": 100 * left_out / count,
            "left": count - left_out,
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("network")


def alone(size: str) -> str:
    """The variant without a teacher."""
    return f"{size} alone"


def other_reading(experiment: str) -> str:
    """The variant whose alpha is the weight of the hard labels, as the paper's text has it, not equation 6's beta."""
    return f"{experiment}, as in the text"


def by(experiment: str, network: str) -> str:
    """The variant that the second teacher teaches."""
    return f"{experiment} by {network}"


def of_second(variant: str) -> bool:
    """Whether a variant is the second teacher, or one of its students."""
    return variant == SECOND or " by " in variant


def _experiment(variant: str) -> str:
    """The experiment that a variant is, by whichever teacher and reading of the loss; what it is called where it is
    none."""
    plain = variant.partition(" by ")[0]
    return next((name for name in EXPERIMENTS if plain in (name, other_reading(name))), variant)


def size_of(variant: str) -> str | None:
    """The size of the student that is an experiment, by whichever teacher and reading, or by itself, on whichever
    images; None of a teacher and of what is searched over."""
    size = EXPERIMENTS.get(_experiment(variant), variant.partition(" "))[0]
    return size if size in SIZES else None


def of_same_images(variant: str) -> bool:
    """Whether a variant is trained on the images that most are trained on: its score compares with theirs."""
    return not variant.endswith((WITHOUT, WITH))


def other_than_the_papers(here: Protocol, paper: Protocol, teacher: bool = False) -> str:
    """How students, or the teacher, differ from the paper's, to be read: "20 of 80 epochs, precision bf16"."""
    if teacher and teachers.pretrained(here):
        return teachers.said(here)
    return teachers.listed(_other(here, paper, teacher))


def compared(here: Protocol, paper: Protocol) -> pd.DataFrame:
    """The same of students and teachers as a table: `teachers.compared`."""
    own = {"network": (paper.teacher_network, teachers.said(here))}
    of_first = own if teachers.pretrained(here) else _other(here, paper, True)
    of_second = _other(second, paper, True) if (second := here.second) else {}
    students = _other(here, paper)
    sizes = {
        f"student {size.upper()}": {"epochs": (paper.epochs, own)}
        for size, own in here.epochs_by_size.items()
        if own != here.epochs
    }
    return teachers.compared(students, of_first, sizes | {SECOND: of_second})


def _other(here: Protocol, paper: Protocol, teacher: bool = False) -> dict[str, tuple]:
    """Settings in which students, or a teacher that is trained, differ from the paper: (the paper's, the one here)."""
    own, printed = ((one.teacher_recipe if teacher else one.recipe) for one in (here, paper))
    pairs = departures(own, printed)
    network = here.teacher_network if teacher else NETWORKS[-1]
    without = () if network in NETWORKS else ("dropout", "teacher_divisor")  # of ResEmoteNet's family alone
    for name in ("images", "dropout", *(TEACHERS if teacher else [])):
        if name in without:
            continue
        before, now = (getattr(one, name) for one in (paper, here))
        if before != now:
            pairs[name.removeprefix("teacher_")] = before, Path(now).name if name == "teacher_weights" else now
    return pairs


def described(variants: Mapping[str, Mapping]) -> pd.DataFrame:
    """What the trainings differ in, a row each, to be read."""
    rows = {}
    for variant, words in variants.items():
        kd = words["recipe"].distillation
        rows[variant] = {
            "student": words["network"],
            "hard labels": f"{kd.hard:g}" if kd else "1",
            "teacher": f"{kd.soft:g} × {kd.temperature:g}²" if kd else "",
            "trained on": len(words["train"]),
            "epochs": words["recipe"].epochs,
            "seeds": len(words["seeds"]),
        }
    return pd.DataFrame(rows).T.rename_axis("training")


def courses(trained: Mapping[str, Sequence[Run]]) -> pd.DataFrame:
    """How trainings went: a row a training and seed, with its `epochs`, the `best` of them on the split that selects,
    the first whose learning rate was cut (`rate_cut`; NA: none, or the rate falls in every epoch), and the last one's
    accuracy in training. What was trained elsewhere and has no history is left out."""
    rows = {}
    for variant, runs in trained.items():
        for run in runs:
            if run.best_epoch:
                rate, last = run.history["learning_rate"], run.history.iloc[-1]
                lower = run.history.loc[rate < rate.iloc[0], "epoch"] if run.recipe.schedule in CUTS else ()
                rows[variant, run.recipe.seed] = {
                    "epochs": int(last["epoch"]),
                    "best": run.best_epoch,
                    "rate_cut": min(lower, default=pd.NA),
                    "train_accuracy": last["train_accuracy"],
                }
    found = pd.DataFrame.from_dict(rows, orient="index", columns=["epochs", "best", "rate_cut", "train_accuracy"])
    found.index = pd.MultiIndex.from_tuples(rows, names=["training", "seed"])
    return found.astype({"epochs": int, "best": int, "rate_cut": "Int64", "train_accuracy": float})


def courses_of(courses: pd.DataFrame, *compared: Sequence[str]) -> pd.DataFrame:
    """The rows of trainings that are compared with one another, such as an experiment and the student alone: of those
    that are there, the seeds that all of them have."""
    found = {}
    for variants in compared:
        there = [variant for variant in variants if variant in courses.index.get_level_values("training")]
        seeds = set.intersection(*({*courses.loc[variant].index} for variant in there)) if there else set()
        found |= dict.fromkeys(place for place in courses.index if place[0] in there and place[1] in seeds)
    return courses.loc[[place for place in courses.index if place in found]]


def gains(
    labels: np.ndarray,
    predicted: Mapping[str, Mapping[int, np.ndarray]],
    masks: Mapping[str, np.ndarray],
    classes: int,
    epochs: Mapping[str, int],
) -> pd.DataFrame:
    """What a teacher adds to each student: `fits.gains` of the experiments, with their size and its `epochs`. With one
    seed the interval is of the images alone."""
    pairs = {name: (name, alone(size)) for name, (size, _) in EXPERIMENTS.items()}
    found = fits.gains(labels, predicted, pairs, masks, classes).rename_axis(["experiment", "part", "score"])
    sizes = [EXPERIMENTS[name][0] for name in found.index.get_level_values("experiment")]
    found.insert(0, "size", sizes)
    found.insert(1, "epochs", [epochs[size] for size in sizes])
    return found


def readings(labels: np.ndarray, predicted: Mapping[str, Mapping[int, np.ndarray]], classes: int) -> pd.DataFrame:
    """Accuracy by the text's reading of the loss less that by the equation's: a row an experiment that has both, with
    the columns of `fits.gains`."""
    pairs = {name: (other_reading(name), name) for name in EXPERIMENTS}
    found = fits.gains(labels, predicted, pairs, {}, classes).query("score == 'accuracy'")
    return found.droplevel(["part", "score"]).rename_axis("experiment")


def by_second_teacher(
    labels: np.ndarray, predicted: Mapping[str, Mapping[int, np.ndarray]], network: str, classes: int
) -> pd.DataFrame:
    """Accuracy of the second teacher, a `network`, less that of the first, and of its students less that of the first's
    and of those without one: a row SECOND or an experiment and FIRST or NOBODY, with the columns of `fits.gains`."""
    both = {name: dict(enumerate(predicted.get(name, {}).values())) for name in (SECOND, TEACHER)}  # whatever its seed
    pairs: dict[tuple, tuple] = {(SECOND, FIRST): (SECOND, TEACHER)}
    for name, (size, _) in EXPERIMENTS.items():
        pairs |= {(name, FIRST): (by(name, network), name), (name, NOBODY): (by(name, network), alone(size))}
    found = fits.gains(labels, predicted | both, pairs, {}, classes).query("score == 'accuracy'")
    found = found.droplevel(["part", "score"])
    return found.set_index(pd.MultiIndex.from_tuples(found.index, names=["of", "against"]))


def copies(
    labels: np.ndarray, predicted: Mapping[str, Mapping[int, np.ndarray]], size: str, copied: np.ndarray, classes: int
) -> pd.DataFrame:
    """What copies of the tested images in training add to accuracy, and then the tested images themselves: a row a step
    and part of the tested images, with the columns of `fits.gains` and `images`, their number.

    copied  bool (N,), the tested images that the split that trains has, too
    """
    within = f"{size} {WITH}"
    pairs = {"copies": (alone(size), f"{size} {WITHOUT}"), "the test set": (within, alone(size))}
    parts = {"those with a copy": copied, "those without one": ~copied}
    found = fits.gains(labels, predicted, pairs, parts, classes).query("score == 'accuracy'").droplevel("score")
    found = found.rename(index={"published": ALL}, level="part").rename_axis(["what is added", "part"])
    counts = {ALL: len(labels)} | {part: int(kept.sum()) for part, kept in parts.items()}
    found.insert(0, "images", found.index.get_level_values("part").map(counts))
    return found


def searched(variants: Iterable[str], size: str, also: bool = False) -> dict[str, str]:
    """What was searched over on the student of a size: variants by setting, temperatures first. Its experiments are
    among them, as "T 3, alpha 0.20 (E3)": by their temperature where they have the alpha of the search for
    temperatures, else by their alpha.

    also  whether this is the size on which other temperatures and alphas than Table IV's are searched for
    """
    found, variants = {}, list(variants)
    for variant in variants if also else ():
        kind, _, value = variant.partition(" ")
        if kind in ("T", "alpha"):
            found[(kind, float(value))] = (variant, variant)
    for name, (own, alpha) in EXPERIMENTS.items():
        if own == size and name in variants:
            place = ("T", TEMPERATURE) if alpha == ALPHA else ("alpha", alpha)
            found[place] = (f"T {TEMPERATURE:g}, alpha {alpha:.2f} ({name})", name)
    return dict(found[key] for key in sorted(found, key=lambda key: (key[0] != "T", key[1])))


def search(labels: np.ndarray, predicted: Mapping[str, Mapping[int, np.ndarray]], classes: int) -> pd.DataFrame:
    """Accuracy by setting on the split that selects, with what it is behind the best, of the seeds that all have; of
    fewer than two settings, and where no seed is of all, no row.

    labels, predicted  of that split; predicted by setting and seed
    Columns value, low, high; behind, behind_low, behind_high (the best less this one, paired: `statistics.difference`,
    not a number of the best itself), note, and seeds.
    """
    columns = ["value", "low", "high", "behind", "behind_low", "behind_high", "note", "seeds"]
    seeds = dict(zip(predicted, fits.of_common_seeds(*predicted.values()), strict=True)) if len(predicted) > 1 else {}
    if not any(seeds.values()):
        return pd.DataFrame(columns=columns).rename_axis("setting")
    found = statistics.over_seeds(labels, seeds, classes, {})
    table = found[found["score"] == "accuracy"].set_index("name")[["value", "low", "high"]].rename_axis("setting")
    best = table["value"].idxmax()
    rows = {
        setting: statistics.difference(labels, seeds[best], own, classes)
        for setting, own in seeds.items()
        if setting != best
    }
    behind = pd.DataFrame(rows).T.infer_objects().drop(columns="p")
    behind = behind.rename(columns={"difference": "behind", "low": "behind_low", "high": "behind_high"})
    return table.join(behind).fillna({"note": ""}).assign(seeds=len(seeds[best]))[columns]


def chosen(trained: Mapping[str, Sequence[Run]]) -> dict[str, str]:
    """The experiment of each size that the split that selects has best: `fits.best_selected`."""
    sizes = {
        size: [name for name, (own, _) in EXPERIMENTS.items() if own == size and name in trained] for size in SIZES
    }
    return {size: fits.best_selected(trained, names) for size, names in sizes.items() if names}


def measurements(
    variant: str,
    faces: Faces,
    labels: np.ndarray,
    probabilities: Sequence[np.ndarray],
    masks: Mapping[str, np.ndarray],
    teacher: str,
    named: bool = False,
) -> list[dict]:
    """Scores of a variant on the split that tests as measurements for the ledger: of the students alone and of the
    experiments, by both readings of the loss and both teachers, by the paper's names, and of a teacher, by its own;
    nothing of others.

    probabilities  float (N, C), a seed each; teacher  the network that its teacher is, or that it is itself
    named          whether a student's teacher stands in the names of its measurements (`names_teacher`)
    """
    settings: tuple[str, ...] = ()
    if (experiment := _experiment(variant)) in EXPERIMENTS:
        size, alpha = EXPERIMENTS[experiment]
        run, settings = f"mini_resemotenet_{size}+kd", (f"T={TEMPERATURE:g}", f"alpha={alpha:.2f}")
        settings += (f"{measured.READING}=text",) if variant == other_reading(experiment) else ()
        settings += (f"{measured.TEACHER}={teacher}",) if named else ()
    elif variant in (TEACHER, SECOND) and teacher not in NETWORKS[1:]:  # else it would pass for the student alone
        run = teacher
    elif variant in map(alone, SIZES):
        run = f"mini_resemotenet_{variant.partition(' ')[0]}"
    else:
        return []
    split, predicted = faces.split_of("test"), [one.argmax(1) for one in probabilities]
    rows = statistics.measurements(run, faces.name, split, labels, predicted, faces.classes, masks, settings)
    name = measurement("loss", run, faces.name, split, settings=settings)
    return [*rows, {"measurement": name, "value": cross_entropy(labels, probabilities), "seeds": len(probabilities)}]


def names_teacher(variant: str, here: Protocol, paper: Protocol) -> bool:
    """Whether the measurements of a variant name its teacher: of two, those of the second's students do, unless it is
    the paper's own as the paper trains it; then those of the first's, since a claim is of the plain name."""
    if here.second is None or variant in (TEACHER, SECOND):
        return False
    return of_second(variant) == bool(other_than_the_papers(here.second, paper, teacher=True))


def protocol_of(variant: str, here: Protocol, paper: Protocol) -> tuple[str, str | None]:
    """What `Stage.measure` takes of a variant: how its training departs from the paper's settings, or where it does
    not, how it differs nevertheless. Of an experiment whose training departs, the reading of the loss and how its
    teacher differs stand with that. The paper prints settings for its students alone: a teacher has theirs here."""
    own = here.by_teacher[SECOND if of_second(variant) else TEACHER]
    other_teacher = other_than_the_papers(own, paper, teacher=True)
    other = other_than_the_papers(own.of_size(size_of(variant)), paper)
    if (experiment := _experiment(variant)) not in EXPERIMENTS:
        of_teacher = variant in (TEACHER, SECOND)
        departs = other_teacher if of_teacher else other
        return departs, None if departs else LIKE_STUDENTS if of_teacher else ""
    reading = OTHER_READING if variant == other_reading(experiment) else READING
    said = ", ".join(filter(None, [other, reading, other_teacher and f"{measured.ANOTHER_TEACHER}{other_teacher}"]))
    return (said, None) if other else ("", said)


def cross_entropy(labels: np.ndarray, probabilities: Sequence[np.ndarray]) -> float:
    """Mean cross-entropy over images and seeds; probabilities float (N, C) each."""
    places = np.arange(len(labels))
    return float(np.mean([-np.log(np.maximum(one[places, labels], 1e-12)).mean() for one in probabilities]))
