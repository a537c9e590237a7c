"""The trainings of a notebook one by one: what there are, how far each is, one of them trained in advance, and those
that are finished published without their weights.

The notebook finds them in the run folders of its profile, and only evaluates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .. import datasets
from ..datasets import DataError, Faces, store
from ..studies import fits, microexpnet_se, mini_resemotenet, teachers
from ..training import answers, checkpoint
from . import notebook
from .parameters import ParameterError

PROTOCOLS = {"06_mini_resemotenet": mini_resemotenet, "06b_microexpnet_se": microexpnet_se}


def load(name: str, profile: str) -> tuple[object, Faces, str]:
    """The protocol of a notebook in a profile, its data, and the folder of its runs. Raises ParameterError for a
    notebook whose trainings stand nowhere but in itself, and where its data are not in place yet."""
    if name not in PROTOCOLS:
        raise ParameterError(f"{name}: its trainings cannot be run one by one; those of {', '.join(PROTOCOLS)} can")
    given = notebook.parameters(name, profile)
    try:
        faces = datasets.load_imported(given["data"])
    except DataError:
        if Path(given["data"], store.INDEX).exists():
            raise
        raise ParameterError(f"no data in {given['data']} yet: fercore data {profile} puts them there") from None
    return PROTOCOLS[name].Protocol.of(given, faces), faces, given["runs"]


def listed(name: str, profile: str) -> pd.DataFrame:
    """A row a training, in the order in which they can be run: epochs that are done and epochs in all, state, and
    whether it needs the teacher."""
    protocol, faces, runs = load(name, profile)
    rows = {}
    for own, students in _by_teacher(protocol):
        for place, words in fits.planned(own.teacher(faces) | students(faces, None))[1].items():
            done, folder = 0, Path(runs) / place
            if (folder / checkpoint.LAST).is_file():
                done = len(checkpoint.read(folder / checkpoint.LAST, tensors=False)[1]["history"])
            if answers.published(folder) and fits.finished(runs, place):
                done = checkpoint.read_json(folder / checkpoint.METRICS)["epochs"]
            state = "finished" if fits.finished(runs, place) else "begun" if done else ""
            taught = words["recipe"].distillation is not None
            rows[place] = {"done": done, "epochs": words["recipe"].epochs, "state": state, "needs the teacher": taught}
    return pd.DataFrame(rows).T.rename_axis("training")


def train(name: str, profile: str, names: Sequence[str]) -> None:
    """Train these, one after the other, each gone on with where it was stopped. Before anything is trained, raises
    ParameterError for one that there is not, and for a student whose teacher is not trained to its end; RunError for
    one that would replace what is not to be lost (`fits.require_not_lost`)."""
    protocol, faces, runs = load(name, profile)
    families = [
        (own, students, fits.planned(own.teacher(faces))[1], fits.planned(students(faces, None))[1])
        for own, students in _by_teacher(protocol)
    ]
    every = {one: words for *_, first, known in families for one, words in (first | known).items()}
    for one in names:
        if one not in every:
            raise ParameterError(f"{name}, {profile}: no training {one!r}; there are {', '.join(every)}")
    for *_, first, known in families:
        if any(one in known and known[one]["recipe"].distillation for one in names):
            lacking = [one for one in first if not fits.finished(runs, one) and one not in names]
            if lacking:
                raise ParameterError(f"{name}, {profile}: train {', '.join(lacking)} first, which teaches")
            published = [one for one in first if answers.published(Path(runs, one))]
            if without := [one for one in published if not answers.has_logits(Path(runs, one))]:
                told = f"{', '.join(without)} teaches, and lies there with neither its weights nor its logits"
                raise ParameterError(f"{name}, {profile}: {told}; remove it, and train it first")
    for one in names:
        fits.require_not_lost(Path(runs, one), every[one]["recipe"], faces)
    for own, students, first, known in families:
        for one in sorted((one for one in names if one in first | known), key=lambda one: one not in first):
            trainings: Mapping[str, Mapping] = first
            if one in known:
                said = _taught(own, faces, runs) if known[one]["recipe"].distillation else None
                trainings = fits.planned(students(faces, said))[1]
            fits.fit_each({one: trainings[one]}, faces, runs, workers=1)


def publish(name: str, profile: str, folder: Path) -> list[str]:
    """Write those that are finished to `folder`, without their weights (`answers.publish`), a teacher with what its
    students learn from where that is the same in every epoch; their names. Raises RunError for those of other settings,
    and for those that other code has trained."""
    protocol, faces, runs = load(name, profile)
    if folder.resolve() == Path(runs).resolve():
        raise ParameterError(f"{folder} is where they are trained; name another folder to publish them in")
    planned: dict[str, dict] = {}
    logits: dict[str, np.ndarray] = {}
    for own, students in _by_teacher(protocol):
        first, said = fits.planned(own.teacher(faces))[1], _taught(own, faces, runs)
        planned |= first | fits.planned(students(faces, said))[1]
        logits |= dict.fromkeys(first, said) if isinstance(said, np.ndarray) else {}
    found = fits.fit_each(planned, faces, runs, kept_only=True)
    for place, run in found.items():
        answers.publish(run, faces, folder / place, planned[place].get("taught_by"), logits.get(place))
    return list(found)


def _by_teacher(protocol) -> Iterator[tuple[Any, Callable[[Faces, Any], dict[str, dict]]]]:
    """Each teacher's protocol, and what gives the trainings of its students; those without one are the first's."""
    yield protocol, protocol.students
    if protocol.second:
        yield protocol.second, protocol.taught_by_second


def _taught(protocol, faces: Faces, runs: str):
    """What the students learn from, of a teacher that is at hand, or of what it has left for them; else None."""
    trained = fits.fit_seeds(protocol.teacher(faces), [], faces, runs, kept_only=True)
    for own in teachers.at_hand(protocol, faces, trained, runs):
        return protocol.as_teacher(faces, own) if answers.can_teach(own) else None
    return None
