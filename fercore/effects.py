"""What a choice changes over the folds of a cross-validation: effect, 95 % interval, and p that it is chance.

Trainings of different folds share most of their images, so that the spread over folds is too small by itself. It is
corrected as Nadeau and Bengio have it (Machine Learning 52, 2003): the variance of a mean over k folds is
s^2 (1 / k + 1 / (k - 1)), the second part being images held out over images trained on, with k - 1 degrees of freedom.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from scipy import stats


def effect(folds: np.ndarray) -> dict[str, float]:
    """value, low, high and p of what was found in each of k folds, float (k,): a score, or a difference of two."""
    folds = np.asarray(folds, float)
    return _tested(folds.mean(), _error(folds), len(folds) - 1)


def contrast(one: np.ndarray, other: np.ndarray) -> dict[str, float]:
    """`effect` of one minus other, float (k,) each, where the folds are not the same ones: Welch's test."""
    errors = [_error(np.asarray(part, float)) for part in (one, other)]
    both = math.hypot(*errors)
    weights = sum(error**4 / (len(part) - 1) for error, part in zip(errors, (one, other), strict=True))
    freedom = both**4 / weights if weights > 0 else min(len(one), len(other)) - 1
    return _tested(np.mean(one) - np.mean(other), both, freedom)


def trend(by_size: np.ndarray) -> dict[str, float]:
    """`effect` of the slope along the last axis of (k, sizes): by how much each size has more than the one before."""
    by_size = np.asarray(by_size, float)
    steps = np.arange(by_size.shape[1]) - (by_size.shape[1] - 1) / 2
    return effect(by_size @ steps / (steps @ steps))


def _error(folds: np.ndarray) -> float:
    count = len(folds)
    if count < 2:
        raise ValueError(f"{count} fold; the spread over folds needs two or more")
    return math.sqrt(folds.var(ddof=1) * (1 / count + 1 / (count - 1)))


def _tested(value: float, error: float, freedom: float) -> dict[str, float]:
    reach = stats.t.ppf(0.975, freedom) * error
    p = 2 * stats.t.sf(abs(value) / error, freedom) if error > 0 else float(value == 0)
    return {"value": float(value), "low": float(value - reach), "high": float(value + reach), "p": float(p)}


def verdict(found: dict[str, float]) -> str:
    """What an effect says of the statement that it is above 0: "holds", "the opposite holds" or "not shown"."""
    if found["low"] > 0:
        return "holds"
    return "the opposite holds" if found["high"] < 0 else "not shown"


def variance(table: pd.DataFrame, factor: str, score: str = "accuracy") -> dict[str, float]:
    """How much of the variance of a score lies between folds, levels of `factor`, both together, and seeds.

    table  a row for each fold, level and seed, all there and equally often. Variance components of the two-way
           random-effects model by its mean squares (Montgomery, Design and Analysis of Experiments, section 13.2);
           those below 0 are 0. With one seed, "together" holds the seeds' part too, and that is not a number.

    Returns folds, FACTOR, together, seeds as shares of their sum, and p of FACTOR having no effect (F over "together").
    """
    seeds = table.groupby(["fold", factor]).size()
    if seeds.nunique() > 1 or len(seeds) != table["fold"].nunique() * table[factor].nunique():
        raise ValueError(f"not every fold and {factor} has as many seeds as the others")
    count = int(seeds.iloc[0])
    cells = table.groupby(["fold", factor])[score].mean().unstack()
    folds, levels = cells.shape
    both = cells.to_numpy()
    overall, rows, columns = both.mean(), both.mean(1, keepdims=True), both.mean(0, keepdims=True)
    square_fold = levels * count * ((rows - overall) ** 2).sum() / (folds - 1)
    square_level = folds * count * ((columns - overall) ** 2).sum() / (levels - 1)
    square_both = count * ((both - rows - columns + overall) ** 2).sum() / ((folds - 1) * (levels - 1))
    square_seed = table.groupby(["fold", factor])[score].var(ddof=1).mean() if count > 1 else math.nan
    inner = square_seed if count > 1 else 0.0
    parts = {
        "folds": max(square_fold - square_both, 0) / (levels * count),
        factor: max(square_level - square_both, 0) / (folds * count),
        "together": max(square_both - inner, 0) / count,
        "seeds": square_seed,
    }
    whole = np.nansum(list(parts.values()))
    shares = {name: part / whole if whole > 0 else math.nan for name, part in parts.items()}
    ratio = square_level / square_both if square_both > 0 else math.nan
    p = stats.f.sf(ratio, levels - 1, (folds - 1) * (levels - 1))
    return {name: float(share) for name, share in shares.items()} | {"p": float(p)}


def table(by_fold: pd.DataFrame) -> pd.DataFrame:
    """`effect` of each row, which has a column a fold."""
    return pd.DataFrame([effect(row) for row in by_fold.to_numpy()], by_fold.index)


def against(by_fold: pd.DataFrame, level: str, reference: str) -> pd.DataFrame:
    """Rows less the one that is `reference` in the index level `level` and otherwise alike, fold by fold."""
    others, base = by_fold.drop(reference, level=level), by_fold.xs(reference, level=level)
    return others - base.loc[others.index.droplevel(level)].to_numpy()


def statements(tested: dict[str, tuple[str, dict[str, float]]]) -> pd.DataFrame:
    """Statements that something is above 0, by id: what they say, value, low, high, p adjusted for their number
    (Benjamini and Hochberg), verdict."""
    frame = pd.DataFrame([{"says": says, **found, "verdict": verdict(found)} for says, found in tested.values()])
    frame["p"] = stats.false_discovery_control(frame["p"])
    return frame.rename(columns={"p": "p_adjusted"}).set_index(pd.Index(tested, name="statement"))


def chosen_elsewhere(by_fold: np.ndarray) -> np.ndarray:
    """What each fold gets, float (k,), of float (levels, k), at the level that is best on the mean of the other folds.

    A setting that is chosen by the folds that it is then reported on flatters itself; this does not.
    """
    by_fold = np.asarray(by_fold, float)
    others = by_fold.sum(1, keepdims=True) - by_fold
    return by_fold[others.argmax(0), np.arange(by_fold.shape[1])]
