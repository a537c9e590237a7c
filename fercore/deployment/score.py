"""Scores of a file of `fercore export` on a data set, as it is shipped: with its views and its rounding.

found = score.score(export.load("mine.onnx"), faces, "test")
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from ..datasets import Faces
from ..evaluation import metrics, statistics
from ..models import weights
from ..training import origins
from .export import Description, Exported


class Scores(NamedTuple):
    """scores as `statistics.compare` has them; by_class and matrix as `metrics.report` and `metrics.confusion`;
    calibration_error of `metrics.calibration`; predictions, a row an image (row, label): predicted, probability."""

    scores: pd.DataFrame
    by_class: pd.DataFrame
    matrix: np.ndarray
    calibration_error: float
    predictions: pd.DataFrame


def seen(description: Description, faces: Faces, split: str = "test") -> str | None:
    """Why the network of a file may have seen the images of a split, by what the file says it learned from, as a
    clause; None where nothing in the file says so: it names its data, and only FER2013's division is known."""
    held = weights.data_of(description.data)
    if held != faces.name:
        return f"the network learned from {held}, and may have seen images of {faces.name}"
    if held in origins.SPLITS and (why := origins.unsuited(held, faces)):
        return f"the network's weights {why}"
    trained = split in ("train", faces.roles.get("train"))
    return f"the network was trained on {faces.split_of('train') or 'all images'}" if trained else None


def score(run: Exported, faces: Faces, split: str = "test", masks: Mapping[str, np.ndarray] | None = None) -> Scores:
    """Scores of a split, by name or role; masks as `audit.without_copies` gives them.

    Raises NoSplit, and ExportError for a file of other classes.
    """
    rows = faces.rows(split)
    labels, answers = faces.labels[rows], run.probabilities(faces, rows)
    predicted, count = answers.argmax(1), len(faces.classes)
    named = np.asarray(faces.classes)[predicted]
    made = pd.DataFrame({"row": rows, "label": np.asarray(faces.classes)[labels], "predicted": named})
    return Scores(
        statistics.compare(labels, predicted, count, masks or {}).set_index(["part", "score"]),
        metrics.report(labels, predicted, faces.classes),
        metrics.confusion(labels, predicted, count),
        metrics.calibration(labels, answers)[1],
        made.assign(probability=answers.max(1)).set_index(["row", "label"]),
    )
