"""How sure a score is: intervals over images, Student's over seeds; and differences between networks, over both.

Of one test set there are no other seeds to compare with. Accuracy then has Wilson's interval, and F1 the jackknife's:
what each image does to the score, when it is left out, says how much the score varies; Student's t stands for how few
images decide it, and the logit keeps it between 0 and 1. It covers what it promises where the percentile bootstrap, and
scipy's BCa, fall short, with few images or rare classes: tests/benchmarks/coverage.py.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy import special, stats

from ..results.measurements import emotions
from ..results.measurements import name as measurement
from .metrics import SCORES, confusion, report, scores

IMAGES, OF_A_CLASS = 100, 5  # with fewer, 95 % intervals of macro-F1 were found to cover 92 to 94 %
TOO_FEW = "few images: the interval may be too short"
NEVER = "a class is never found: the interval of F1 may be too short"
AGREE = "all seeds agree: no interval"
NONE_DECIDES = "no image decides: Hanley's interval"
NOT_KNOWN = "the same on all images: no interval"
FEW_DECIDE = "few images decide: the interval may be too short"
TWO_SEEDS = "two seeds: the interval may be too short, and p too small"
SAME = 1e-12  # scores, and differences of them, that are no further apart are the same


def intervals(matrix: np.ndarray) -> dict[str, tuple[float, float]]:
    """95 % intervals of `scores` over the images of one confusion matrix (C, C)."""
    right, total = int(np.trace(matrix)), int(matrix.sum())
    wilson = stats.binomtest(right, total).proportion_ci(method="wilson")
    ends = {"accuracy": (float(wilson.low), float(wilson.high))}
    influence, counts = _influence(matrix), matrix.ravel()
    for name, value in scores(matrix).items():
        if name == "accuracy":
            continue
        if not 0 < value < 1 or total < 2:  # all are right, or none is
            ends[name] = ends["accuracy"]
            continue
        reach = _reach(np.repeat(influence[name].ravel(), counts)) / (value * (1 - value))
        middle = special.logit(value)
        ends[name] = float(special.expit(middle - reach)), float(special.expit(middle + reach))
    return ends


def trust(matrix: np.ndarray) -> str:
    """Empty, or why `intervals` is not to be trusted.

    TOO_FEW where there are too few images, or too few of a class that is there. NEVER where no image of such a class is
    found: whichever is left out, F1 stays as it is, so that the jackknife takes it for certain.
    """
    support = matrix.sum(1)
    if support.sum() < IMAGES or support[support > 0].min() < OF_A_CLASS:
        return TOO_FEW
    return NEVER if (np.diag(matrix)[support > 0] == 0).any() else ""


def _influence(matrix: np.ndarray) -> dict[str, np.ndarray]:
    """By how much the scores of a confusion matrix fall when an image of each cell is left out, (C, C) each."""
    there, classes = np.flatnonzero(matrix), len(matrix)
    without = np.repeat(matrix.reshape(1, -1), len(there), axis=0)
    without[np.arange(len(there)), there] -= 1
    with np.errstate(invalid="ignore"):  # of a single image, nothing is left
        found, whole = scores(without.reshape(-1, classes, classes)), scores(matrix)
    influence = {}
    for name in SCORES:
        influence[name] = np.zeros(classes**2)
        influence[name][there] = whole[name] - found[name]
    return {name: values.reshape(classes, classes) for name, values in influence.items()}


def _reach(influence: np.ndarray) -> float:
    """Half the 95 % interval of a score by the jackknife, from what each image does to it, (n,).

    The degrees of freedom are Satterthwaite's: few, where a few images decide the score.
    """
    variance, freedom = _spread(influence)
    return float(stats.t.ppf(0.975, freedom) * np.sqrt(variance))


def _spread(influence: np.ndarray) -> tuple[float, float]:
    """The variance of a score over images and its degrees of freedom, as for `_reach`."""
    count, apart = len(influence), influence - influence.mean()
    variance = (apart**2).mean()
    if variance <= 1e-30:
        return 0.0, count - 1.0
    kurtosis = (apart**4).mean() / variance**2
    return float((count - 1) * variance), float(min(2 * count / max(kurtosis - 1, 1e-9), count - 1))


def compare(labels: np.ndarray, predicted: np.ndarray, classes: int, masks: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Scores with their intervals on the whole set and on each part of it: a row a part and score.

    masks  by name, bool (N,): such as the test images that do not also stand in Training (splits.mask)
    Columns: part, score, images, value, low, high, and note, which says where the interval is not to be trusted.
    """
    rows = []
    for part, kept in {"published": np.ones(len(labels), bool), **masks}.items():
        if not kept.any():  # such as of a set all of whose test images also stand in Training
            rows += [(part, name, 0, np.nan, np.nan, np.nan, "no image") for name in SCORES]
            continue
        matrix = confusion(labels[kept], predicted[kept], classes)
        ends = intervals(matrix)
        for name, value in scores(matrix).items():
            rows.append((part, name, int(kept.sum()), float(value), *ends[name], _trust(matrix, name)))
    return pd.DataFrame(rows, columns=["part", "score", "images", "value", "low", "high", "note"])


def over_seeds(
    labels: np.ndarray, predicted: Mapping[str, Sequence[np.ndarray]], classes: int, masks: Mapping[str, np.ndarray]
) -> pd.DataFrame:
    """Mean scores over seeds, a row for each name, part (see `compare`) and score, with 95 % intervals.

    predicted  by name, int (N,) for each seed. The interval is Student's over the seeds; with one seed it is that over
    the images, which knows nothing of another training, and `note` says where that is not to be trusted.
    """
    rows = []
    for name, seeds in predicted.items():
        tables = [compare(labels, one, classes, masks).set_index(["part", "score"]) for one in seeds]
        for key, first in tables[0].iterrows():
            values = np.array([table.loc[key, "value"] for table in tables])
            ends = tuple(first[["low", "high", "note"]])
            if len(values) > 1 and first["images"]:
                low, high = of_shares(values)
                ends = low, high, AGREE if np.ptp(values) <= SAME else ""
            rows.append((name, *key, int(first["images"]), values.mean(), *ends, len(values)))
    return pd.DataFrame(rows, columns=["name", "part", "score", "images", "value", "low", "high", "note", "seeds"])


def wide(scores: pd.DataFrame) -> pd.DataFrame:
    """What `over_seeds` found as a row a name, to be read: each score as published with the interval of the first two,
    and the first two on the other parts (accuracy_deduplicated, macro_f1_deduplicated); of nothing, no row."""
    if scores.empty:
        return pd.DataFrame(columns=[*SCORES]).rename_axis("name")
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
    """The 95 % interval of the mean of values, float (n,); NaN where there is one alone, and where all are the same: a
    few seeds that happen to agree say nothing of what others would do."""
    if len(values) < 2 or np.ptp(values) <= SAME:
        return math.nan, math.nan
    reach = stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return float(values.mean() - reach), float(values.mean() + reach)


def of_shares(values: np.ndarray) -> tuple[float, float]:
    """`student` of scores, which are shares: nothing below 0 or above 1 is among them, however few the seeds."""
    low, high = student(values)
    return float(np.clip(low, 0, 1)), float(np.clip(high, 0, 1))


def difference(
    labels: np.ndarray, one: Sequence[np.ndarray], other: Sequence[np.ndarray], classes: int, score: str = "accuracy"
) -> dict[str, float | str]:
    """By how much `one` is better than `other`: difference, 95 % interval low to high, p, how often as large a one
    comes about where there is none, and note, which says where the interval is not to be trusted (`trust`, FEW_DECIDE,
    TWO_SEEDS), of what kind it is (NONE_DECIDES), or why there is none.

    one    predictions int (N,), a seed each
    other  the same of the same images, in pairs with those; or of one network that has no other seeds
    With d_i what image i does to the mean score of `one` less what it does to the other's (of accuracy: the share of
    the seeds that are right on it, the one less the other), the variance over S seeds is

        var(d) / N + var(the seeds' differences) / S

    with the degrees of freedom of Welch and Satterthwaite: the interval is for other images and other trainings. What
    differs by seed and image alike stands in both parts, which makes it longer. Few seeds make it too short where they
    differ much: if the variance over seeds is several times that over images, it covers 92 % with three seeds and 87 %
    with two, by simulation; and a small p is less sure than it looks: where there is no difference, it is below 0.01
    in up to 3.5 % of cases with three seeds, in 8 % with two. Where the difference is the same for all seeds there is
    neither interval nor p.

    With one seed the first part is all there is: it is of these two trainings and not of the choices that set them
    apart, which one seed cannot tell from chance, so there is no p (NaN). Where both are right on the same images the
    first part is 0: accuracy then has the interval of what was never seen among N (J. A. Hanley and A. Lippman-Hand,
    1983: "the rule of three").
    Raises ValueError where `other` has neither one seed nor as many as `one`.
    """
    if len(other) not in (1, len(one)):
        raise ValueError(f"{len(one)} seeds and {len(other)}; expected as many, to be compared in pairs, or one")
    values, images, notes = zip(*(_seeds(labels, side, classes, score) for side in (one, other)), strict=True)
    gaps = values[0] - values[1]
    gap, note = float(gaps.mean()), notes[0] or notes[1]
    variance, freedom = _spread(images[0] - images[1])
    if len(one) == 1:
        first, second = (one[0] == labels, other[0] == labels) if score == "accuracy" else (one[0], other[0])
        decide = np.count_nonzero(first != second)
        if not variance:
            known = score == "accuracy" and not decide
            reach, why = (1 - 0.05 ** (1 / len(labels)), NONE_DECIDES) if known else (math.nan, NOT_KNOWN)
            return {"difference": gap, "low": gap - reach, "high": gap + reach, "p": math.nan, "note": why}
        note = note or (FEW_DECIDE if decide < OF_A_CLASS else "")
    elif np.ptp(gaps) <= SAME:
        return {"difference": gap, "low": math.nan, "high": math.nan, "p": math.nan, "note": AGREE}
    else:
        note = note or (TWO_SEEDS if len(gaps) == 2 else "")
        parts = np.array([variance, gaps.var(ddof=1) / len(gaps)])
        variance = parts.sum()
        freedom = variance**2 / (parts**2 / [freedom, len(gaps) - 1]).sum()
    error = math.sqrt(variance)
    reach = float(stats.t.ppf(0.975, freedom) * error)
    p = float(2 * stats.t.sf(abs(gap) / error, freedom)) if len(one) > 1 else math.nan
    return {"difference": gap, "low": gap - reach, "high": gap + reach, "p": p, "note": note}


def _seeds(
    labels: np.ndarray, seeds: Sequence[np.ndarray], classes: int, score: str
) -> tuple[np.ndarray, np.ndarray, str]:
    """A score of each seed, (S,); what each image does to their mean, (N,); the first `_trust` that is not empty."""
    matrices = [confusion(labels, predicted, classes) for predicted in seeds]
    values = np.array([float(scores(matrix)[score]) for matrix in matrices])
    each = [_influence(matrix)[score][labels, own] for matrix, own in zip(matrices, seeds, strict=True)]
    return values, np.mean(each, axis=0), next(filter(None, (_trust(matrix, score) for matrix in matrices)), "")


def _trust(matrix: np.ndarray, score: str) -> str:
    """`trust` of one score: accuracy rests on all images, whatever class is never found."""
    note = trust(matrix)
    return "" if note == NEVER and score == "accuracy" else note


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
    index = pd.MultiIndex.from_tuples(rows, names=["variant", "score"])
    table = pd.DataFrame(list(rows.values()), index, ["difference", "low", "high", "p", "note"])
    if max(map(len, predicted.values())) > 1:
        table.insert(table.columns.get_loc("p") + 1, "p_adjusted", adjusted(table["p"]))
    return table


def adjusted(p: pd.Series) -> pd.Series:
    """p adjusted for the number of comparisons (Benjamini and Hochberg), of those that are not NaN."""
    told = p.dropna()
    if told.empty:
        return p
    return pd.Series(stats.false_discovery_control(told), told.index).reindex(p.index)


def surely_above(scores: pd.DataFrame, bar: float) -> list[str]:
    """Which rows of `scores` have their whole interval above `bar`; the table is indexed by name, with low."""
    return [str(name) for name in scores.index[scores["low"] > bar]]


def measurements(
    run: str,
    dataset: str,
    split: str,
    labels: np.ndarray,
    predicted: Sequence[np.ndarray],
    classes: Sequence[str],
    masks: Mapping[str, np.ndarray],
    settings: Sequence[str] = (),
) -> list[dict]:
    """Mean scores over seeds as measurements for the ledger: accuracy(RUN, DATASET, SPLIT), recall(…, happy). Those of
    a class have an interval where there are several seeds.

    predicted  int (N,), a seed each; masks  deduplicated and near_deduplicated, bool (N,), where there are any
    settings   of the run that its name does not hold, such as "T=3"
    """
    table = over_seeds(labels, {run: predicted}, len(classes), masks).set_index(["score", "part"])
    rows = []
    for name in SCORES:
        parts = {part: float(table.loc[(name, part), "value"]) for part in masks}
        ends = table.loc[(name, "published"), ["value", "low", "high"]].to_dict()
        named = measurement(name, run, dataset, split, settings=settings)
        rows.append({"measurement": named, "seeds": len(predicted), **ends, **parts})
    reports = [report(labels, one, classes) for one in predicted]
    for label, known in zip(classes, emotions(classes), strict=True):
        for name in ("precision", "recall", "f1"):
            measured = measurement(name, run, dataset, split, known, settings=settings)
            values = np.array([found.loc[label, name] for found in reports])
            ends = dict(zip(("low", "high"), of_shares(values), strict=True))
            rows.append({"measurement": measured, "value": values.mean(), "seeds": len(predicted), **ends})
    return rows
