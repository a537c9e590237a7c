"""How good predictions are: accuracy, F1, per class, confusion, calibration, each with a bootstrap interval.

All scores follow from the confusion matrix, so an image resampled is a cell resampled, and the bootstrap of N images is
one draw from a multinomial distribution over the cells.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from sklearn.metrics import confusion_matrix

SCORES = ("accuracy", "macro_f1", "weighted_f1")
RESAMPLES = 2000


def confusion(labels: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Images by true class (rows) and predicted class (columns), int (C, C)."""
    return confusion_matrix(labels, predicted, labels=np.arange(classes))


def scores(matrix: np.ndarray) -> dict[str, np.ndarray]:
    """accuracy, macro_f1 and weighted_f1 of confusion matrices (..., C, C), each (...,).

    As scikit-learn has them: the F1 of a class that is neither there nor predicted is 0, and macro-F1 is the mean over
    the classes that are there or predicted.
    """
    support, f1 = matrix.sum(-1), per_class(matrix)["f1"]
    seen = (support + matrix.sum(-2)) > 0
    total = support.sum(-1)
    return {
        "accuracy": np.trace(matrix, axis1=-2, axis2=-1) / total,
        "macro_f1": f1.sum(-1) / seen.sum(-1),
        "weighted_f1": (f1 * support).sum(-1) / total,
    }


def per_class(matrix: np.ndarray) -> dict[str, np.ndarray]:
    """precision, recall, f1 and support of each class of confusion matrices (..., C, C), each (..., C); 0/0 is 0."""
    right, support, predicted = np.diagonal(matrix, axis1=-2, axis2=-1), matrix.sum(-1), matrix.sum(-2)
    return {
        "precision": _share(right, predicted),
        "recall": _share(right, support),
        "f1": _share(2 * right, support + predicted),
        "support": support,
    }


def intervals(matrix: np.ndarray, resamples: int = RESAMPLES, seed: int = 0) -> dict[str, tuple[float, float]]:
    """95 % bootstrap intervals of `scores` for one confusion matrix (C, C)."""
    total = int(matrix.sum())
    drawn = np.random.default_rng(seed).multinomial(total, matrix.ravel() / total, resamples)
    found = scores(drawn.reshape(resamples, *matrix.shape))
    return {name: tuple(float(end) for end in np.quantile(found[name], (0.025, 0.975))) for name in SCORES}


def calibration(labels: np.ndarray, probabilities: np.ndarray, bins: int = 15) -> tuple[pd.DataFrame, float]:
    """Reliability by confidence (a row a bin: images, confidence, accuracy) and the expected calibration error.

    probabilities  float (N, C). Bins are of equal width; empty ones are left out. Source: Guo et al., ICML 2017
    """
    confidence = probabilities.max(1)
    right = probabilities.argmax(1) == labels
    edges = np.minimum((confidence * bins).astype(int), bins - 1)
    table = pd.DataFrame({"bin": edges, "confidence": confidence, "accuracy": right})
    table = table.groupby("bin").agg(
        images=("accuracy", "size"), confidence=("confidence", "mean"), accuracy=("accuracy", "mean")
    )
    gap = (table["confidence"] - table["accuracy"]).abs()
    return table.reset_index(), float((gap * table["images"]).sum() / len(labels))


def report(labels: np.ndarray, predicted: np.ndarray, classes: Sequence[str]) -> pd.DataFrame:
    """A row a class: precision, recall, f1, support."""
    found = per_class(confusion(labels, predicted, len(classes)))
    return pd.DataFrame(found, index=pd.Index(classes, name="class"))


def compare(
    labels: np.ndarray, predicted: np.ndarray, classes: int, masks: Mapping[str, np.ndarray], seed: int = 0
) -> pd.DataFrame:
    """Scores with their intervals on the whole set and on each part of it: a row a part and score.

    masks  by name, bool (N,): such as the test images that do not also stand in Training (splits.mask)
    """
    rows = []
    for part, kept in {"published": np.ones(len(labels), bool), **masks}.items():
        matrix = confusion(labels[kept], predicted[kept], classes)
        ends = intervals(matrix, seed=seed)
        for name, value in scores(matrix).items():
            low, high = ends[name]
            rows.append((part, name, int(kept.sum()), float(value), low, high))
    return pd.DataFrame(rows, columns=["part", "score", "images", "value", "low", "high"])


def measurements(
    run: str, dataset: str, split: str, labels: np.ndarray, predicted: np.ndarray, classes: Sequence[str], **masks
) -> list[dict]:
    """Scores as measurements for the ledger, of one seed: accuracy(RUN, DATASET, SPLIT), recall(…, happy).

    masks  deduplicated and near_deduplicated, bool (N,), where there are any
    """
    table = compare(labels, predicted, len(classes), masks).set_index(["score", "part"])
    rows = []
    for name in SCORES:
        parts = {part: float(table.loc[(name, part), "value"]) for part in masks}
        ends = table.loc[(name, "published"), ["value", "low", "high"]].to_dict()
        rows.append({"measurement": f"{name}({run}, {dataset}, {split})", "seeds": 1, **ends, **parts})
    for label, found in report(labels, predicted, classes).iterrows():
        for name in ("precision", "recall", "f1"):
            measurement = f"{name}({run}, {dataset}, {split}, {label})"
            rows.append({"measurement": measurement, "value": float(found[name]), "seeds": 1})
    return rows


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.zeros(np.broadcast(part, whole).shape), where=whole > 0)
