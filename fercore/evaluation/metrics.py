"""How good predictions are: accuracy, F1, per class, confusion, calibration. `statistics` says how sure that is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

SCORES = ("accuracy", "macro_f1", "weighted_f1")


def confusion(labels: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Images by true class (rows) and predicted class (columns), int (C, C).

    Raises ValueError for other labels than whole numbers from 0 to `classes` - 1, and for other than one per image.
    """
    labels, predicted = np.asarray(labels), np.asarray(predicted)
    if labels.shape != predicted.shape or labels.ndim != 1:
        raise ValueError(f"labels of shape {labels.shape} and predictions of {predicted.shape}; expected one per image")
    require_labels(labels, classes)
    require_labels(predicted, classes, "predictions")
    cells = labels.astype(np.int64) * classes + predicted
    return np.bincount(cells, minlength=classes**2).reshape(classes, classes)


def require_labels(values: np.ndarray, classes: int, what: str = "labels") -> None:
    """Raise ValueError for other labels than whole numbers from 0 to `classes` - 1."""
    if not np.issubdtype(values.dtype, np.integer):
        raise ValueError(f"{what} of type {values.dtype}; expected whole numbers")
    if len(values) and not (values.min() >= 0 and values.max() < classes):
        raise ValueError(f"{what} from {values.min()} to {values.max()}; expected 0 to {classes - 1}")


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


def calibration(labels: np.ndarray, probabilities: np.ndarray, bins: int = 15) -> tuple[pd.DataFrame, float]:
    """Reliability by confidence (a row a bin: images, confidence, accuracy) and the expected calibration error.

    probabilities  float (N, C). Bins are of equal width; empty ones are left out. Source: Guo et al., ICML 2017
    Raises ValueError for probabilities that are not finite, or beyond 0 to 1, and for labels as `confusion`.
    """
    if not np.isfinite(probabilities).all():
        raise ValueError("probabilities that are not finite")
    if probabilities.size and not (probabilities.min() >= 0 and probabilities.max() <= 1 + 1e-6):
        raise ValueError(f"probabilities from {probabilities.min():g} to {probabilities.max():g}: are these logits?")
    if np.shape(labels) != (len(probabilities),):
        raise ValueError(f"labels of shape {np.shape(labels)}; expected one for each of {len(probabilities)} images")
    require_labels(np.asarray(labels), probabilities.shape[1])
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
    """A row a class: precision, recall, f1, support; NaN of a class without an image, which nothing is known of."""
    found = pd.DataFrame(per_class(confusion(labels, predicted, len(classes))), index=pd.Index(classes, name="class"))
    found.loc[found["support"] == 0, ["precision", "recall", "f1"]] = np.nan
    return found


def mean_report(labels: np.ndarray, predicted: Sequence[np.ndarray], classes: Sequence[str]) -> pd.DataFrame:
    """`report`, each number the mean over seeds."""
    return sum(report(labels, one, classes) for one in predicted) / len(predicted)


def recall_by_frequency(
    labels: np.ndarray, predicted: Mapping[str, Sequence[np.ndarray]], classes: Sequence[str], images: np.ndarray
) -> pd.DataFrame:
    """Recall of each class, the mean over seeds, beside the training `images` it has, int (C,): a row a run and class.

    predicted  by run int (N,), a seed each
    """
    parts = {
        run: mean_report(labels, seeds, classes)[["recall"]].assign(images=images) for run, seeds in predicted.items()
    }
    return pd.concat(parts, names=["run"])[["images", "recall"]]


def predictions(rows: np.ndarray, labels: np.ndarray, predicted: Mapping[str, Sequence[np.ndarray]]) -> pd.DataFrame:
    """What every run answers, a row an image (row, label) and a column a run and seed: NAME-0, NAME-1, …"""
    columns = {f"{name}-{place}": one for name, seeds in predicted.items() for place, one in enumerate(seeds)}
    return pd.DataFrame(columns).assign(row=rows, label=labels).set_index(["row", "label"])


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.zeros(np.broadcast(part, whole).shape), where=whole > 0)
