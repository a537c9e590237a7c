"""How sure a score is: bootstrap intervals over images, Student's over seeds, and differences between networks.

All scores follow from the confusion matrix, so an image resampled is a cell resampled, and the bootstrap of N images is
one draw from a multinomial distribution over the cells.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy import stats

from .metrics import SCORES, confusion, mean_report, scores

RESAMPLES = 2000


def intervals(matrix: np.ndarray, resamples: int = RESAMPLES, seed: int = 0) -> dict[str, tuple[float, float]]:
    """95 % bootstrap intervals of `scores` for one confusion matrix (C, C)."""
    total = int(matrix.sum())
    drawn = np.random.default_rng(seed).multinomial(total, matrix.ravel() / total, resamples)
    found = scores(drawn.reshape(resamples, *matrix.shape))
    return {name: tuple(float(end) for end in np.quantile(found[name], (0.025, 0.975))) for name in SCORES}


def compare(
    labels: np.ndarray, predicted: np.ndarray, classes: int, masks: Mapping[str, np.ndarray], seed: int = 0
) -> pd.DataFrame:
    """Scores with their intervals on the whole set and on each part of it: a row a part and score.

    masks  by name, bool (N,): such as the test images that do not also stand in Training (splits.mask)
    """
    rows = []
    for part, kept in {"published": np.ones(len(labels), bool), **masks}.items():
        if not kept.any():  # such as of a set all of whose test images also stand in Training
            rows += [(part, name, 0, np.nan, np.nan, np.nan) for name in SCORES]
            continue
        matrix = confusion(labels[kept], predicted[kept], classes)
        ends = intervals(matrix, seed=seed)
        for name, value in scores(matrix).items():
            low, high = ends[name]
            rows.append((part, name, int(kept.sum()), float(value), low, high))
    return pd.DataFrame(rows, columns=["part", "score", "images", "value", "low", "high"])


def over_seeds(
    labels: np.ndarray, predicted: Mapping[str, Sequence[np.ndarray]], classes: int, masks: Mapping[str, np.ndarray]
) -> pd.DataFrame:
    """Mean scores over seeds, a row for each name, part (see `compare`) and score, with 95 % intervals.

    predicted  by name, int (N,) for each seed. The interval is Student's over the seeds; with one seed it is the
    bootstrap's over the images, which knows nothing of another training.
    """
    rows = []
    for name, seeds in predicted.items():
        tables = [compare(labels, one, classes, masks).set_index(["part", "score"]) for one in seeds]
        for key, first in tables[0].iterrows():
            values = np.array([table.loc[key, "value"] for table in tables])
            low, high = (first["low"], first["high"]) if len(values) == 1 else student(values)
            rows.append((name, *key, int(first["images"]), values.mean(), low, high, len(values)))
    return pd.DataFrame(rows, columns=["name", "part", "score", "images", "value", "low", "high", "seeds"])


def wide(scores: pd.DataFrame) -> pd.DataFrame:
    """What `over_seeds` found as a row a name, to be read: each score as published with the interval of the first two,
    and the first two on the other parts (accuracy_deduplicated, macro_f1_deduplicated)."""
    found = scores.set_index(["part", "score", "name"]).sort_index()
    columns, ends = {}, SCORES[:2]
    for score in SCORES:
        columns[score] = found["value"]["published", score]
        if score in ends:
            columns |= {f"{score}_{end}": found[end]["published", score] for end in ("low", "high")}
    others = [part for part in scores["part"].unique() if part != "published"]
    columns |= {f"{score}_{part}": found["value"][part, score] for part in others for score in ends}
    return pd.DataFrame(columns).reindex(scores["name"].unique()).rename_axis("name")


def student(values: np.ndarray) -> tuple[float, float]:
    """The 95 % interval of the mean of two or more values, float (n,)."""
    reach = stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return float(values.mean() - reach), float(values.mean() + reach)


def difference(
    labels: np.ndarray, one: Sequence[np.ndarray], other: Sequence[np.ndarray], classes: int, score: str = "accuracy"
) -> dict[str, float]:
    """By how much `one` is better than `other`: difference, 95 % interval low to high, and p that it is noise.

    one, other  predictions int (N,), a seed each, paired. Two or more: the paired t-test over seeds. One: the bootstrap
    over images, the same ones for both; its interval is of these two trainings and not of the choices that set them
    apart, which one seed cannot tell from chance, so there is no p (NaN).
    """
    if len(one) > 1:
        first, second = (np.array([_score(labels, seed, classes, score) for seed in seeds]) for seeds in (one, other))
        low, high = student(first - second)
        p = 1.0 if np.array_equal(first, second) else float(stats.ttest_rel(first, second).pvalue)
        return {"difference": float((first - second).mean()), "low": low, "high": high, "p": p}
    draw, gaps = np.random.default_rng(0), []
    for _ in range(RESAMPLES):
        rows = draw.integers(0, len(labels), len(labels))
        better, worse = (_score(labels[rows], seeds[0][rows], classes, score) for seeds in (one, other))
        gaps.append(better - worse)
    low, high = np.quantile(gaps, (0.025, 0.975))
    gap = _score(labels, one[0], classes, score) - _score(labels, other[0], classes, score)
    return {"difference": gap, "low": float(low), "high": float(high), "p": math.nan}


def differences(
    labels: np.ndarray, predicted: Mapping[str, Sequence[np.ndarray]], reference: str, classes: int
) -> pd.DataFrame:
    """`difference` of all others from `predicted[reference]` in accuracy and macro-F1: a row a variant and score.

    With two seeds or more there is a column p_adjusted, for the number of comparisons (Benjamini and Hochberg).
    """
    rows = {
        (variant, score): difference(labels, seeds, predicted[reference], classes, score)
        for variant, seeds in predicted.items()
        if variant != reference
        for score in SCORES[:2]
    }
    table = pd.DataFrame(rows).T.rename_axis(["variant", "score"])
    if len(predicted[reference]) > 1:
        table["p_adjusted"] = stats.false_discovery_control(table["p"])
    return table


def surely_above(scores: pd.DataFrame, bar: float) -> list[str]:
    """Which rows of `scores` have their whole interval above `bar`; the table is indexed by name, with low."""
    return [str(name) for name in scores.index[scores["low"] > bar]]


def _score(labels: np.ndarray, predicted: np.ndarray, classes: int, score: str) -> float:
    matrix = np.bincount(labels * classes + predicted, minlength=classes * classes).reshape(classes, classes)
    return float(scores(matrix)[score])


def measurements(
    run: str,
    dataset: str,
    split: str,
    labels: np.ndarray,
    predicted: Sequence[np.ndarray],
    classes: Sequence[str],
    masks: Mapping[str, np.ndarray],
) -> list[dict]:
    """Mean scores over seeds as measurements for the ledger: accuracy(RUN, DATASET, SPLIT), recall(…, happy).

    predicted  int (N,), a seed each; masks  deduplicated and near_deduplicated, bool (N,), where there are any
    """
    table = over_seeds(labels, {run: predicted}, len(classes), masks).set_index(["score", "part"])
    rows = []
    for name in SCORES:
        parts = {part: float(table.loc[(name, part), "value"]) for part in masks}
        ends = table.loc[(name, "published"), ["value", "low", "high"]].to_dict()
        rows.append({"measurement": f"{name}({run}, {dataset}, {split})", "seeds": len(predicted), **ends, **parts})
    for label, found in mean_report(labels, predicted, classes).iterrows():
        for name in ("precision", "recall", "f1"):
            measurement = f"{name}({run}, {dataset}, {split}, {label})"
            rows.append({"measurement": measurement, "value": float(found[name]), "seeds": len(predicted)})
    return rows
