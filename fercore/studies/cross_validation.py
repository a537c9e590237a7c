"""Networks trained without a fold of a set and scored on it: MicroExpNet's two grids (Cugu, Sener, Akbas, section IV).

A grid is a table of trials, and `cohort` works trials out; `sweep` brings the two together. Folds are made in two
ways: grouped, where all images of a person are in one fold, and at random. Where a set names nobody, photographs that
are copies of each other take the place of a person's images.
"""

from __future__ import annotations

import atexit
import hashlib
import io
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import numpy as np
import pandas as pd

from .. import closure, datasets, files, models
from ..audit.duplicates import copies
from ..datasets import Faces, crops, splits, store
from ..evaluation import inference
from ..training import checkpoint, losses
from ..training.recipe import Recipe
from ..training.trainer import fit, seed_of
from ..training.vectorized import fit_many

WINDOWS = len(crops.EIGHT)
SUBJECTS, COPIES, RANDOM = "subject folds", "copy folds", "random folds"
SCRATCH, SOFTENED = "from scratch", "softened"
METHODS = {  # how a student is taught; all but the second have no temperature to be searched for
    SCRATCH: None,
    SOFTENED: losses.microexpnet(1.0),  # at the trial's own temperature
    "T 4 with its square": losses.Distillation(4.0, 0.5, 0.5),  # Hinton, Vinyals and Dean, whose text has it
    "logit standardisation": losses.logit_standardisation(),
    "DIST": losses.Relations(),
    "decoupled": losses.Decoupled(),
    "CTKD": losses.Curriculum(),
}
TRIAL = ["data", "split", "network", "method", "temperature", "fold", "seed"]
COHORT = TRIAL[:4]  # what lanes that train together have alike
FOUND = ["accuracy", "macro_f1", "window_accuracy", "train_loss", "images"]


@dataclass(frozen=True)
class Sample:
    """What a study takes of a set.

    folder   where the set was imported to
    images   about so many: people, or groups of copies, are drawn whole until there are as many; 0: all
    folds    how many, drawn with `seed` as are the people
    copies   for a set that names nobody: columns row and near, as 01_data_audit writes them; empty: searched for.
             Only images that have a copy are taken, since the others are on one side whatever the split
    version  of the images and of the copies, as `version_of` has it: what another import has put there is refused, by a
             process that has read them and by one that has not; empty: not asked
    """

    folder: str
    images: int = 0
    folds: int = 10
    seed: int = 0
    copies: str = ""
    version: str = ""


def version_of(faces: Faces, copies: str = "") -> str:
    """Twelve hexadecimal digits of an imported set, and of the table of its copies where there is one."""
    table = Path(copies).read_bytes() if copies and Path(copies).is_file() else b""
    return hashlib.sha256((faces.fingerprint or "").encode() + table).hexdigest()[:12]


def gathered(
    folders: Mapping[str, str], sets: Sequence[str], images: Mapping[str, int], folds: int, copies: str = ""
) -> dict[str, Sample]:
    """The samples of a study, by the names of the sets in `folders`; a few rendered faces where no folder is given.

    sets    which of `folders` to take; images  of a set, by its name in `folders`
    copies  the folder of 01_data_audit, for sets that name nobody

    Raises ValueError for sets that `folders` has no name of, where none of `sets` has a folder and another has, and for
    folders of one and the same set.
    """
    for name in (*sets, *images):
        if name not in folders:
            raise ValueError(f"no set {name!r}; there are {', '.join(folders)}")
    given = {name: folders[name] for name in sets if folders[name]}
    if others := [name for name in folders if folders[name] and not given]:
        raise ValueError(f"sets are {', '.join(sets) or 'none'}, but there is a folder for {', '.join(others)} only")
    if not given:
        folder = tempfile.mkdtemp()
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        datasets.import_dataset("synthck", None, folder, images=200)
        given = {"ckplus": folder}
    table = copies and str(Path(copies) / "duplicate_groups.csv")
    sets = {name: datasets.load_imported(folder) for name, folder in given.items()}
    names = [faces.name for faces in sets.values()]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"more than one of {', '.join(given.values())} is {', '.join(twice)}")
    samples = [
        Sample(given[name], images.get(name, 0), folds, copies=table, version=version_of(faces, table))
        for name, faces in sets.items()
    ]
    return dict(zip(names, samples, strict=True))


class Taken(NamedTuple):
    """The images that a sample takes, N of them.

    group  int (N,): who is on an image, or which photograph it is a copy of
    folds  by split, grouped folds first: the fold of each image, int (N,)
    """

    faces: Faces
    group: np.ndarray
    folds: dict[str, np.ndarray]


@lru_cache(maxsize=4)
def taken(sample: Sample) -> Taken:
    """What `sample` takes of its set. Raises ValueError for a set that names the people of some images and not of
    others, and where the set has been imported anew, or its copies searched for, since the study began."""
    faces = datasets.load_imported(sample.folder)
    if sample.version and version_of(faces, sample.copies) != sample.version:
        raise ValueError(f"{sample.folder}: imported anew since the study began; run it again from its first cell")
    named = (faces.table["subject"].fillna("").astype(str) != "").any()
    group = splits.subjects(faces) if named else copies(faces, sample.copies)
    rows = _drawn(group, 1 if named else 2, sample.images, sample.seed)
    table = faces.table.iloc[rows].reset_index(drop=True)
    drawn = replace(faces, pixels=np.asarray(faces.pixels[rows]), table=table, fingerprint=None, roles=None)
    folds = {
        SUBJECTS if named else COPIES: splits.group_folds(drawn, group[rows], sample.folds, sample.seed),
        RANDOM: splits.random_folds(drawn, sample.folds, sample.seed),
    }
    return Taken(drawn, group[rows], folds)


@lru_cache(maxsize=4)
def prepared(sample: Sample, side: int = 84) -> tuple[Faces, dict[str, np.ndarray]]:
    """The eight windows of every image that `sample` takes, one after the other; and the fold of each window by split,
    int (8 N,). They are of `side` px, or as large as the set's own images where that is more than 84 and less. Raises
    ValueError as `taken`."""
    faces, _, folds = taken(sample)
    windows = crops.eight(faces, min(side, max(84, *faces.pixels.shape[1:3])))
    return windows, {split: np.repeat(fold, WINDOWS) for split, fold in folds.items()}


def _drawn(group: np.ndarray, least: int, images: int, seed: int) -> np.ndarray:
    """Rows of groups of `least` or more, drawn whole until there are `images`; in their order."""
    names, counts = np.unique(group, return_counts=True)
    names, counts = names[counts >= least], counts[counts >= least]
    order = np.random.default_rng(seed).permutation(len(names))
    enough = np.searchsorted(counts[order].cumsum(), images) + 1 if images else len(names)
    return np.flatnonzero(np.isin(group, names[order[:enough]]))


def grid(
    samples: Mapping[str, Sample],
    networks: Sequence[str],
    seeds: Sequence[int],
    methods: Sequence[str] = (SCRATCH,),
    temperatures: Sequence[float] = (),
    group_split: bool | None = None,
) -> pd.DataFrame:
    """The trials of every network, method, fold, seed, and split of every sample; of `softened`, at every temperature.

    group_split  only the grouped folds, of people or copies (True), only the random ones (False)
    """
    rows = [
        (data, split, network, method, float(temperature), fold, seed)
        for data, sample in samples.items()
        for split in prepared(sample)[1]
        if group_split is None or group_split == (split != RANDOM)
        for network in networks
        for method in methods
        for temperature in (temperatures if method == SOFTENED else [np.nan])
        for fold in range(sample.folds)
        for seed in seeds
    ]
    return pd.DataFrame(rows, columns=TRIAL)


def cache_key(
    samples: Mapping[str, Sample],
    recipe: Recipe,
    teacher_logits: Mapping[str, Mapping[str, Sequence[str]]] | None = None,
    teacher: str = "",
    weights: str = "",
) -> Callable[[Mapping], dict]:
    """For `sweep`: what the result of a trial rests on beside its own columns, and nothing that only others rest on.

    teacher_logits  as for `cohort`; teacher, weights  the network of `teach` and what it starts from
    """
    data = {name: _digest(*prepared(sample)) for name, sample in samples.items()}
    code, own = _code(sys.modules[__name__], models.microexpnet), {}
    if teacher:
        module = sys.modules[type(models.create(teacher, 2)).__module__]
        file = Path(weights)
        own = {
            "teacher": teacher,
            "weights": hashlib.sha256(file.read_bytes()).hexdigest() if weights and file.is_file() else weights,
            "its code": _code(module) if module.__name__.startswith("fercore.") else "",
        }

    def of(trial: Mapping) -> dict:
        method = None if teacher else METHODS[trial["method"]]
        logits = None if method is None else teacher_logits[trial["data"]][trial["split"]][trial["fold"]]
        settings = replace(recipe, distillation=method).plain()
        return {"data": data[trial["data"]], "recipe": settings, "logits": logits, "code": code} | own

    return of


def _code(*roots: ModuleType) -> str:
    """The code of trials that this process runs, or others that are yet to start: both, where it was edited meanwhile,
    so that nothing kept passes for what it is not."""
    return " ".join(dict.fromkeys(checkpoint.code(*roots, read=read) for read in (closure.on_disk, closure.loaded)))


def _digest(faces: Faces, folds: Mapping[str, np.ndarray]) -> str:
    digest = hashlib.sha256(f"{store.fingerprint(faces.pixels, faces.table)} {list(faces.classes)}".encode())
    for split, fold in folds.items():
        digest.update(split.encode() + fold.tobytes())
    return digest.hexdigest()


def cohort(
    trials: pd.DataFrame,
    samples: Mapping[str, Sample],
    recipe: Recipe,
    teacher_logits: Mapping[str, Mapping[str, Sequence[str]]] | None = None,
    teachers: str = "",
) -> pd.DataFrame:
    """Accuracy and macro-F1 on the held-out fold, a row for each of `trials`, which are alike in COHORT.

    teacher_logits  by data and split, the file in the folder `teachers` that has each fold's logits; see `logits_of`

    No two trials draw the same random numbers, so that temperatures are not alike in what is chance.
    """
    data, split, network, method = trials.iloc[0][COHORT]
    faces, folds = prepared(samples[data])
    lanes = trials.assign(seed=[_seed(trial) for trial in trials.to_dict("records")])
    if method != SOFTENED:
        lanes = lanes.drop(columns="temperature")
    teacher = None
    if METHODS[method] is not None:
        teacher = {
            fold: load_logits(Path(teachers) / teacher_logits[data][split][fold], faces)
            for fold in trials["fold"].unique()
        }
    kd = METHODS[method]
    if isinstance(kd, losses.Curriculum):  # ten epochs of many, as its authors have it, and of few a tenth
        kd = replace(kd, rise=min(kd.rise, recipe.epochs / 10))
    found = fit_many(
        network, faces, lanes, replace(recipe, distillation=kd), folds[split],
        teacher=teacher, windows=WINDOWS, progress=False,
    )  # fmt: skip
    return found[FOUND]


def _seed(trial: Mapping) -> int:
    return seed_of(*(trial[name] for name in TRIAL), trial.get("epochs")) % 2**31


def teach(
    trials: pd.DataFrame,
    samples: Mapping[str, Sample],
    network: str,
    recipe: Recipe,
    weights: str = "",
    folder: str = "",
    teachers: str = "",
) -> pd.DataFrame:
    """Train a teacher without the fold of each of `trials` (data, split, fold), and keep its logits of every window.

    folder    where trainings are gone on with; empty: nowhere
    teachers  where logits go, float32 (8 N, classes), each in a file that is named by what it holds
    """
    rows = []
    for data, split, fold in trials[["data", "split", "fold"]].itertuples(index=False):
        faces, folds = prepared(samples[data], recipe.img_size)
        place = folder and str(Path(folder) / f"{data}-{split.replace(' ', '-')}-{fold}")
        own = replace(recipe, seed=seed_of(recipe.seed, data, split, fold) % 2**31)
        run = fit(
            network, faces, own, place, train=folds[split] != fold, select=None, weights=weights or None, restart=True,
            progress=False,
        )  # fmt: skip
        found = inference.probabilities(run.network, faces, np.arange(len(faces)), own.img_size)
        logits = np.log(np.maximum(found, 1e-30)).astype(np.float32)  # up to a constant an image, which no softmax sees
        held = folds[split][::WINDOWS] == fold
        answers = found.reshape(-1, WINDOWS, found.shape[1]).mean(1).argmax(1)
        accuracy = float((answers == faces.labels[::WINDOWS])[held].mean())
        seen = prepared(samples[data])[0]  # by the students, whose windows may be larger
        rows.append((accuracy, float(run.history["train_loss"].iloc[-1]), _keep(logits, seen, Path(teachers))))
    return pd.DataFrame(rows, columns=["accuracy", "train_loss", "logits"])


def logits_of(teacher_logits: pd.DataFrame) -> dict[str, dict[str, list[str]]]:
    """By data and split, the file of each fold's logits: what `cohort` is to be given of what `teach` has found."""
    found: dict[str, dict[str, list[str]]] = {}
    for _, row in teacher_logits.sort_values("fold").iterrows():
        found.setdefault(row["data"], {}).setdefault(row["split"], []).append(row["logits"])
    return found


def _keep(logits: np.ndarray, faces: Faces, folder: Path) -> str:
    name = f"{_said_of(faces, logits)}.npy"
    content = io.BytesIO()
    np.save(content, logits)
    folder.mkdir(parents=True, exist_ok=True)
    files.replace(folder / name, lambda file: file.write(content.getvalue()))
    return name


def load_logits(path: str | Path, faces: Faces) -> np.ndarray:
    """What a teacher said of all windows of `faces`, float32 (8 N, classes), as `teach` has kept it.

    Raises ValueError where the file is damaged, or is of other images: its name is a digest of both.
    """
    path = Path(path)
    try:
        logits = np.load(path)
    except (EOFError, ValueError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path}: damaged ({error}); remove it, and what is kept of the teachers' trials") from None
    if _said_of(faces, logits) != path.stem:
        raise ValueError(f"{path}: damaged, or the logits of other images than these of {faces.name}")
    return logits


_images = lru_cache(maxsize=4)(store.images_fingerprint)


def _said_of(faces: Faces, logits: np.ndarray) -> str:
    own = _images(faces).encode()
    return hashlib.sha256(own + np.ascontiguousarray(logits, np.float32).tobytes()).hexdigest()[:24]
