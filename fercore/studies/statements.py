"""What a choice changes over the folds of a cross-validation: effect, 95 % interval, p that it is chance; verdicts.

Trainings of different folds share most of their images, so that the spread over folds is too small by itself. It is
corrected as Nadeau and Bengio have it (Machine Learning 52, 2003): the variance of a mean over k folds is
s^2 (1 / k + 1 / (k - 1)), the second part being images held out over images trained on, with k - 1 degrees of freedom.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy import stats

from ..evaluation import statistics
from ..results import measurements

SIZES = ("m", "s", "xs", "xxs")  # of MicroExpNet, from large to small
SMALL = SIZES[2:]
TESTED = ["value", "low", "high", "p"]


def from_large_to_small(sizes: Sequence[str]) -> list[str]:
    """Sizes of MicroExpNet in the order of SIZES. Raises ValueError for unknown ones."""
    for size in sizes:
        if size not in SIZES:
            raise ValueError(f"no size {size!r}; there are {', '.join(SIZES)}")
    return sorted(sizes, key=SIZES.index)


def effect(folds: np.ndarray) -> dict[str, float]:
    """value, low, high and p of what was found in each of k folds, float (k,): a score, or a difference of two.

    Also what these follow from: `error`, the standard error of the value; `freedom`, the degrees of freedom of
    Student's t; and `of`, the number of effects that p and the interval are corrected for. That is 1, but where an
    effect was picked for being the lowest of several, it is their number.
    """
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
    if by_size.shape[1] < 2:
        return effect(np.full(len(by_size), math.nan))
    steps = np.arange(by_size.shape[1]) - (by_size.shape[1] - 1) / 2
    return effect(by_size @ steps / (steps @ steps))


def _error(folds: np.ndarray) -> float:
    count = len(folds)
    if count < 2:
        raise ValueError(f"{count} fold; the spread over folds needs two or more")
    return math.sqrt(folds.var(ddof=1) * (1 / count + 1 / (count - 1)))


def _tested(value: float, error: float, freedom: float, of: int = 1) -> dict[str, float]:
    if not error > 1e-9 * max(1, abs(value)):  # a few folds that happen to agree say nothing of what others would do
        error = math.nan
    found = {"value": float(value), "error": float(error), "freedom": float(freedom), "of": of}
    reach = _reach(found, 0.05)
    p = np.minimum(2 * of * stats.t.sf(abs(value) / error, freedom), 1)
    return found | {"low": float(value - reach), "high": float(value + reach), "p": float(p)}


def _reach(found: pd.DataFrame | dict[str, float], level: float) -> pd.Series | float:
    """How far from the value the interval reaches that misses the truth at `level`."""
    return stats.t.ppf(1 - level / found["of"] / 2, found["freedom"]) * found["error"]


def intersection_union_test(*effects: dict[str, float]) -> dict[str, float]:
    """Of the statement that all of the effects are above 0: the one that speaks for them.

    Where all are, the one with the largest p (intersection-union test, which needs no correction); where one is not,
    the lowest, as the lowest of so many (Bonferroni); and any that cannot be tested leaves the statement open.
    """
    if unknown := [found for found in effects if math.isnan(found["p"])]:
        return unknown[0]
    lowest = min(effects, key=lambda found: found["value"])
    if lowest["value"] > 0:
        return max(effects, key=lambda found: found["p"])
    return _tested(lowest["value"], lowest["error"], lowest["freedom"], len(effects))


def variance(table: pd.DataFrame, factor: str, score: str = "accuracy") -> dict[str, float]:
    """How much of the variance of a score lies between folds, levels of `factor`, both together, and seeds.

    table  a row for each fold, level and seed, all there and equally often. Variance components of the two-way
           random-effects model by its mean squares (Montgomery, Design and Analysis of Experiments, section 13.2);
           those below 0 are 0. With one seed, "together" holds the seeds' part too, and that is not a number.

    Returns folds, FACTOR, together, seeds as shares of their sum, and p of FACTOR having no effect: F over "together",
    of which the part that is not the seeds' counts k / (k - 1) more for k folds that share images. Not a number where
    there are no two folds or levels.
    """
    seeds = table.groupby(["fold", factor]).size()
    if seeds.nunique() > 1 or len(seeds) != table["fold"].nunique() * table[factor].nunique():
        raise ValueError(f"not every fold and {factor} has as many seeds as the others")
    count = int(seeds.iloc[0])
    cells = table.groupby(["fold", factor])[score].mean().unstack()
    folds, levels = cells.shape
    if min(folds, levels) < 2:
        return dict.fromkeys(("folds", factor, "together", "seeds", "p"), math.nan)
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
    error = square_both + folds / (folds - 1) * max(square_both - inner, 0)
    ratio = square_level / error if error > 0 else math.nan
    p = stats.f.sf(ratio, levels - 1, (folds - 1) * (levels - 1))
    return {name: float(share) for name, share in shares.items()} | {"p": float(p)}


def by_fold(found: pd.DataFrame, keys: Sequence[str], score: str = "accuracy") -> pd.DataFrame:
    """Mean of a score over seeds: a row for each of `keys`, in the order in which they are found; a column a fold."""
    mean = found.groupby([*keys, "fold"], sort=False, dropna=False)[score].mean()
    order = mean.index.droplevel("fold").unique()  # unstack has the order of each key alone, and mixes up their pairs
    return mean.unstack().reindex(order)


def table(by_fold: pd.DataFrame) -> pd.DataFrame:
    """`effect` of each row, which has a column a fold."""
    return pd.DataFrame([effect(row) for row in by_fold.to_numpy()], by_fold.index)[TESTED]


def joined(parts: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """`table` of several, side by side: of each NAME its value as NAME, NAME_low and NAME_high."""
    found = pd.concat({name: table(part).drop(columns="p") for name, part in parts.items()}, axis=1)
    return found.set_axis([name if kind == "value" else f"{name}_{kind}" for name, kind in found], axis=1)


def against(by_fold: pd.DataFrame, level: str, reference: str) -> pd.DataFrame:
    """Rows less the one that is `reference` in the index level `level` and otherwise alike, fold by fold."""
    others, base = by_fold.drop(reference, level=level), by_fold.xs(reference, level=level)
    return others - base.loc[others.index.droplevel(level)].to_numpy()


def verdicts(tested: Mapping[tuple[str, str], tuple[str, dict[str, float]]]) -> pd.DataFrame:
    """Statements that something is above 0, by data and id: what they say, value, low, high, p_adjusted, verdict.

    p is adjusted for all statements of the same data (Benjamini and Hochberg), so that what another set shows changes
    nothing. One holds where it is below 0.05 and the value above 0, does not hold where the value is below 0 (of a
    conjunction that is no proof of the opposite), and otherwise it is not shown. Intervals are widened to decide alike:
    where R of m statements are shown, each misses at 0.05 R / m (Benjamini and Yekutieli, Journal of the American
    Statistical Association 100, 2005), R at least 1.
    """
    index = pd.MultiIndex.from_tuples(tested, names=["data", "statement"])
    frame = pd.DataFrame([{"says": says, **found} for says, found in tested.values()], index)
    frame["p_adjusted"] = frame["p"].groupby(level="data").transform(statistics.adjusted)
    shown = frame["p_adjusted"] < 0.05
    of_data = frame.assign(shown=shown).groupby(level="data")
    share = of_data["shown"].transform("sum").clip(lower=1) / of_data["p"].transform("count").clip(lower=1)
    reach = _reach(frame, 0.05 * share)
    side = np.where(frame["value"] > 0, "holds", "does not hold")
    frame = frame.assign(low=frame["value"] - reach, high=frame["value"] + reach)
    return frame.assign(verdict=np.where(shown, side, "not shown"))[["says", *TESTED[:3], "p_adjusted", "verdict"]]


def of_pooling(grouped: pd.DataFrame, random: pd.DataFrame) -> dict[str, tuple[str, dict[str, float]]]:
    """What MicroExpNet says of pooling (section IV-A), for `verdicts`; of small networks on their mean.

    grouped, random  accuracy less that without pooling, by size (from large to small) and pooling, a column a fold
    """
    both_grouped, both_random = (part.xs("after both", level="pooling") for part in (grouped, random))
    second = grouped.xs("after conv2", level="pooling") - grouped.xs("after conv1", level="pooling")
    small = [size for size in both_grouped.index if size in SMALL]
    gains, costs = effect(both_grouped.loc[small].mean()), effect(-both_random.loc[small].mean())
    kinds = random.index.unique("pooling")
    each = [effect(-random.xs(kind, level="pooling").loc[small].mean()) for kind in kinds]
    return {
        "subject_pooling": ("grouped folds: small networks gain by pooling", gains),
        "random_pooling_costs": ("random folds: small networks lose by pooling", costs),
        "reversed": (
            "small networks gain by pooling on grouped folds and lose on random ones",
            intersection_union_test(gains, costs),
        ),
        "random_no_pooling": ("random folds: no pooling is best for small networks", intersection_union_test(*each)),
        "more_apart": (
            "pooling gains more on grouped folds than on random ones",
            contrast(both_grouped.mean(), both_random.mean()),
        ),
        "subject_by_size": ("grouped folds: the smaller, the more pooling gains", trend(both_grouped.to_numpy().T)),
        "random_by_size": ("random folds: the smaller, the more pooling costs", trend(-both_random.to_numpy().T)),
        "second_pooling": ("grouped folds: small networks gain more by the second", effect(second.loc[small].mean())),
    }


def of_distillation(
    scratch: pd.DataFrame, average: pd.DataFrame, chosen: pd.DataFrame, swings: pd.DataFrame
) -> dict[str, tuple[str, dict[str, float]]]:
    """What MicroExpNet says of distillation (sections IV-B to IV-D), for `verdicts`.

    Accuracy indexed by size (from large to small), a column a fold: from scratch, on the average over temperatures, at
    the one `chosen_elsewhere`; and `swing`. At the best temperature, which the paper reports, nothing is tested: being
    chosen on the folds that it is reported on, it gains where there is nothing to be gained.
    """
    size = {name: part.to_numpy().T for name, part in (("any", average - scratch), ("chosen", chosen - scratch))}
    return {
        "kd_helps": ("distillation helps, at the mean over temperatures", effect((average - scratch).mean())),
        "kd_helps_chosen": ("so it does at a temperature chosen on other folds", effect((chosen - scratch).mean())),
        "kd_grows": ("it helps the more, the smaller the network", trend(size["any"])),
        "kd_grows_chosen": ("so it does at a temperature chosen on other folds", trend(size["chosen"])),
        "temperature_pays": (
            "a temperature chosen on other folds beats one drawn at random",
            effect((chosen - average).mean()),
        ),
        "temperature_swings": (
            "temperatures differ more (squared points), the smaller the network",
            trend(swings.to_numpy().T),
        ),
    }


def swing(table: pd.DataFrame, factor: str, score: str = "accuracy") -> pd.DataFrame:
    """Variance of a score over the levels of `factor`, less what seeds alone make of it, in squared points (1/100):
    a row a size, a column a fold.

    table  as for `variance`, with a column size. Not a number with one seed, which cannot tell the two apart.
    """
    cells = table.groupby(["size", "fold", factor], sort=False)[score]
    between = cells.mean().groupby(["size", "fold"], sort=False).var(ddof=1)
    noise = (cells.var(ddof=1) / cells.count()).groupby(["size", "fold"], sort=False).mean()
    return 100**2 * (between - noise).unstack()


def chosen_elsewhere(by_fold: np.ndarray) -> np.ndarray:
    """What each fold gets, float (k,), of float (levels, k), at the level that is best on the mean of the other folds.

    A setting that is chosen by the folds that it is then reported on flatters itself; this does not.
    """
    by_fold = np.asarray(by_fold, float)
    others = by_fold.sum(1, keepdims=True) - by_fold
    return by_fold[others.argmax(0), np.arange(by_fold.shape[1])]


def luck(by_level: np.ndarray, draws: int = 2000, seed: int = 0) -> dict[str, float]:
    """How far the best of some settings stands above the mean of all, of scores float (levels, k) over k folds.

    Returns above_mean, which is never below 0; by_chance, what it is on average where the setting changes nothing, that
    is where each fold's scores are dealt out to the settings at random; and p, how often chance gives as much.
    """
    by_level = np.asarray(by_level, float)

    def above(scores: np.ndarray) -> np.ndarray:
        means = scores.mean(-1)
        return means.max(-1) - means.mean(-1)

    dealt = np.broadcast_to(by_level, (draws, *by_level.shape))
    chance, found = above(np.random.default_rng(seed).permuted(dealt, axis=1)), above(by_level)
    as_much = (chance >= found - 1e-12).sum()
    return {"above_mean": float(found), "by_chance": float(chance.mean()), "p": float((1 + as_much) / (1 + draws))}


def measured(verdicts: pd.DataFrame) -> dict[str, pd.Series]:
    """What `verdicts` found as measurements for the ledger: effect(STATEMENT, DATASET)."""
    found = verdicts[["value", "low", "high"]]
    return {measurements.name("effect", name, data): row for (data, name), row in found.iterrows()}


def side_by_side(found: pd.DataFrame, level: str, order: Sequence[str]) -> pd.DataFrame:
    """What `table` found with an index level as columns, in `order`: of each NAME, NAME_low, NAME_high; and NAME_paper
    where there are printed values."""
    names = ["value", "low", "high", *(["paper"] if "paper" in found and found["paper"].notna().any() else [])]
    wide = found[names].unstack(level)
    rows = found.index.droplevel(level).unique()
    columns = [(name, kind) for kind in order for name in names if (name, kind) in wide]
    return wide.loc[rows, columns].set_axis(
        [kind if name == "value" else f"{kind}_{name}" for name, kind in columns], axis=1
    )
