"""What to see in the figures and tables of MicroExpNet's two studies, worked out from their values, as Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from ..datasets import Faces
from ..results import tables
from ..results.text import markdown
from ..studies import statements
from ..studies.cross_validation import RANDOM
from ..studies.distillation import GRID
from .sentences import in_points, listed, percent, points


def one_split(by_split: pd.DataFrame, faces: Mapping[str, Faces]) -> str:
    """How a network does on the random split of each set, and how always answering one class would.

    by_split  accuracy by data and split, a column a fold
    """
    lines = []
    for name, one in faces.items():
        score = by_split.loc[(name, RANDOM)].mean()
        text = f"- **{_label(one)}**: **{percent(score, 0)}** of the held-out images on {RANDOM}."
        lines.append(f"{text} {markdown(tables.majority(one))}")
    return "\n".join(lines)


def gap(by_split: pd.DataFrame, faces: Mapping[str, Faces]) -> str:
    """How much less it is on the other split of each set, and whether that can be chance: Welch's test, as for
    `one_split`."""
    lines = []
    for name, one in faces.items():
        grouped = next(split for split in by_split.loc[name].index if split != RANDOM)
        here, there = by_split.loc[(name, grouped)], by_split.loc[(name, RANDOM)]
        found = statements.contrast(here, there)
        sure = (
            "which chance alone would hardly do"
            if found["p"] < 0.05
            else "which chance could do too, with so few folds"
        )
        lines.append(
            f"- **{_label(one)}**: **{percent(here.mean(), 0)}** on {grouped}, {percent(there.mean(), 0)} on {RANDOM}: "
            f"{points(found)}, {sure}."
        )
    return "\n".join(lines)


def gap_before(reference: str | Path) -> str:
    """The same of the results that come with the project: what its table 2 has for M without pooling, on real data
    where there are any. Empty where there is no such file."""
    path = Path(reference) / "04_microexpnet_pooling/table_2.csv"
    if not path.is_file():
        return ""
    table = tables.read(path)
    real = table[~table["data"].str.contains("synthetic")]
    of_m = (real if len(real) else table).query("size == 'm'").set_index(["data", "split"])["none"]
    lines = []
    for name, scores in of_m.groupby(level="data", sort=False):
        scores = scores.droplevel("data")
        grouped = next(split for split in scores.index if split != RANDOM)
        lines.append(
            f"**Measured before, on {markdown(name)}**: the same network scores **{percent(scores[RANDOM], 0)}** on "
            f"{RANDOM} and **{percent(scores[grouped], 0)}** on {grouped}."
        )
    return "\n\n".join(lines)


def both_sides(table: pd.DataFrame, labels: Mapping[str, str]) -> str:
    """What `Study.both_sides` counts."""
    lines = []
    for (name, split), row in table.iterrows():
        whose = "photograph" if "copy folds" in table.loc[name].index else "person"
        lines.append(
            f"- **{markdown(labels[name])}**, {split}: of {row['images']:,.0f} images, each held out once, "
            f"**{row['known']:,.0f}** ({percent(row['share'], 0)}) have the same {whose} among those trained on."
        )
    return "\n".join(lines)


def nearest(table: pd.DataFrame, labels: Mapping[str, str]) -> str:
    """What `Study.nearest` finds."""
    lines = []
    for name in table.index.unique("data"):
        part = table.loc[name]
        grouped = next(split for split in part.index if split != RANDOM)
        lines.append(
            f"- **{markdown(labels[name])}**: copying the label of the most similar image is right for "
            f"**{percent(part.loc[RANDOM, 'accuracy'], 0)}** on {RANDOM}, where that image is of the same person or "
            f"photograph {percent(part.loc[RANDOM, 'same'], 0)} of the time, and for "
            f"**{percent(part.loc[grouped, 'accuracy'], 0)}** on {grouped}, where it never can be."
        )
    return "\n".join(lines)


def best_pooling(table: pd.DataFrame, labels: Mapping[str, str]) -> str:
    """Where each size and split has its best score: Table II as `pooling.table_2` has it."""
    lines = []
    for (name, split), part in table["value"].groupby(level=["data", "split"], sort=False):
        best = part.groupby(level="size", sort=False).idxmax()
        places = ", ".join(f"{size.upper()} {key[-1]}" for size, key in best.items())
        spread = part.groupby(level="size", sort=False).agg(lambda row: row.max() - row.min()).max()
        lines.append(
            f"- **{markdown(labels[name])}**, {split}: the best place for pooling is {places}; of one size, the "
            f"best and the worst are at most {100 * spread:.0f} points apart."
        )
    return "\n".join(lines)


def differences(table: pd.DataFrame, labels: Mapping[str, str], what: str = "differences") -> str:
    """How many of several effects on each set have an interval that leaves out 0, and how many would by chance alone.

    table  by data and more
    """
    parts = table.groupby(level="data", sort=False)
    return "\n".join(f"- **{markdown(labels[name])}**: {_leave_out_0(part, what)}" for name, part in parts)


def _leave_out_0(table: pd.DataFrame, what: str) -> str:
    known = table.dropna(subset=["low", "high"])
    above, below = int((known["low"] > 0).sum()), int((known["high"] < 0).sum())
    unknown = len(table) - len(known)
    text = f"of {len(known)} {what}, {above} are above 0 with their whole interval, and {below} below."
    text += f" With no effect at all, chance would make about {0.05 * len(known):.1f} leave out 0, above or below."
    return text + (f" {unknown} more have no interval: they are the same on every fold." if unknown else "")


def lengths(table: pd.DataFrame, labels: Mapping[str, str]) -> str:
    """How the gain by pooling changes with the epochs, as `pooling.by_length` has it; of sets with more than one."""
    lines = []
    for (name, split, size), part in table.groupby(level=["data", "split", "size"], sort=False):
        epochs = part.index.get_level_values("epochs")
        if len(epochs) > 1:
            low, high = part["value"].iloc[epochs.argmin()], part["value"].iloc[epochs.argmax()]
            lines.append(
                f"- **{markdown(labels[name])}**, {split}, {size.upper()}: pooling after both changes accuracy by "
                f"{100 * low:+.1f} points after {epochs.min()} epochs and by {100 * high:+.1f} after {epochs.max()}."
            )
    return "\n".join(lines)


def split_or_pooling(by_split: pd.DataFrame, gain: pd.DataFrame, labels: Mapping[str, str]) -> str:
    """Which changes a score more, the split or pooling.

    by_split  as for `one_split`; gain  effects of pooling, by data and more
    """
    lines = []
    for name, label in labels.items():
        mean = by_split.loc[name].mean(axis=1)
        split, pooled = mean[RANDOM] - mean.drop(RANDOM).iloc[0], gain.xs(name, level="data")["value"].abs()
        parts = in_points(abs(split)), in_points(pooled.max())  # as they are shown
        more = (
            "both change as much"
            if parts[0] == parts[1]
            else f"{'the split' if parts[0] > parts[1] else 'pooling'} changes more"
        )
        lines.append(
            f"- **{markdown(label)}**: random folds in place of grouped ones change the score by {100 * split:+.1f} "
            f"points, pooling by {100 * pooled.max():.1f} where it does most, of {len(pooled)} comparisons. "
            f"**Here {more}**; whether either is more than chance, the intervals tell."
        )
    return "\n".join(lines)


def verdicts(table: pd.DataFrame, labels: Mapping[str, str]) -> str:
    """How many of the paper's statements hold, of `statements.verdicts`."""
    lines = []
    for name, part in table.groupby(level="data", sort=False):
        count = part["verdict"].value_counts()
        lines.append(
            f"- **{markdown(labels[name])}**: {len(part)} statements: *holds* {count.get('holds', 0)}, *does not "
            f"hold* {count.get('does not hold', 0)}, *not shown* {count.get('not shown', 0)}."
        )
    return "\n".join(lines)


def teachers(table: pd.DataFrame, labels: Mapping[str, str]) -> str:
    """Whether teachers know anything, of `distillation.Teachers.right`."""
    lines = []
    for (name, split), row in table.iterrows():
        lines.append(
            f"- **{markdown(labels[name])}**, {split}: right on **{row['right']:.0f}** of {row['images']:.0f} "
            f"held-out images; always giving the most frequent answer would be on {row['always one class']:.0f}."
        )
    return "\n".join(lines)


def shares(table: pd.DataFrame, label: str) -> str:
    """What temperature does to the teacher's part of the gradient, of `distillation.teacher_shares` on the set that is
    called so."""
    own = table["share"].drop("4, with its square")
    first, last = own.index[0], own.index[-1]
    alone = ": a student there is trained on almost nothing but the labels" if own.iloc[-1] < 0.05 else ""
    return (
        f"On {markdown(label)}, at temperature {first}, the teacher contributes {percent(own.iloc[0], 0)} of the first "
        f"gradient step, at {last} **{percent(own.iloc[-1], 2)}**{alone}. At 4 with the factor T², it is "
        f"{percent(table['share'].iloc[-1], 0)}."
    )


def temperatures(table: pd.DataFrame, labels: Mapping[str, str]) -> str:
    """Which temperature is best for whom, of `Students.by_temperature`."""
    lines = []
    scores = table["value"].drop("none", level="temperature")
    for (name, split), part in scores.groupby(level=["data", "split"], sort=False):
        best = part.groupby(level="size", sort=False).idxmax()
        places = ", ".join(f"{size.upper()} {key[0]}" for size, key in best.items())
        spread = part.groupby(level="size", sort=False).agg(lambda row: row.max() - row.min()).max()
        wide = (table["high"] - table["low"]).xs((name, split), level=("data", "split")).median() / 2
        reach = "" if np.isnan(wide) else f"; an interval typically reaches {100 * wide:.0f} points to either side"
        lines.append(
            f"- **{markdown(labels[name])}**, {split}: the best temperature is {places}. Best and worst are at most "
            f"{100 * spread:.1f} points apart{reach}."
        )
    return "\n".join(lines)


def one_answer(table: pd.DataFrame, labels: Mapping[str, str]) -> str:
    """Which networks give every face the same answer, of `Study.one_answer`; of most that do not, nothing is said."""
    lines = []
    for (name, split, network), row in table[table["one_answer"] > 0].iterrows():
        lines.append(
            f"- **{markdown(labels[name])}**, {split}: {row['one_answer']} of {row['trained']} trainings of {network} "
            "end up predicting one class for every held-out face; they say nothing about temperature."
        )
    return "\n".join(lines) or "Here no student gives every held-out face the same answer."


def luck(table: pd.DataFrame, labels: Mapping[str, str]) -> str:
    """How much of the best temperature's lead is the luck of the best, of `Students.luck`."""
    lines = []
    for name, part in table.groupby(level="data", sort=False):
        lead, chance, beaten = part["above_mean"].mean(), part["by_chance"].mean(), int((part["p"] < 0.05).sum())
        lines.append(
            f"- **{markdown(labels[name])}**: the best temperature stands **{100 * lead:.1f} points** above the "
            f"mean of all, on average over {len(part)} rows of the table. Permute each fold's scores among the "
            f"temperatures at random, and the best is still **{100 * chance:.1f} points** above the mean. In "
            f"{beaten} of {len(part)} rows the lead is larger than in 95 of 100 permutations."
        )
    return "\n".join(lines)


def variance(table: pd.DataFrame, labels: Mapping[str, str]) -> str:
    """Where the variance comes from, of `distillation.variance`."""
    lines = []
    for name, part in table.groupby(level="data", sort=False):
        several = part[part["seeds"].notna()]
        both = "fold and temperature together"
        rest, column = ("the seed alone", "seeds") if len(several) else (both, "together")
        shown = several if len(several) else part
        where = f" on {listed(shown.index.unique('split'))}" if 0 < len(several) < len(part) else ""
        one = "" if len(several) == len(part) else f" Where there is one seed, its share is in that of {both}."
        lines.append(
            f"- **{markdown(labels[name])}**: temperature's part of the variance is estimated at "
            f"{percent(part['temperature'].min(), 0)} to {percent(part['temperature'].max(), 0)}, that of the held-out "
            f"fold at {percent(shown['folds'].mean(), 0)} on average{where}, and that of {rest} at "
            f"{percent(shown[column].mean(), 0)}. For temperature p is below 0.05 in {int((part['p'] < 0.05).sum())} "
            f"of {len(part)} rows, where chance alone gives one in twenty.{one}"
        )
    return "\n".join(lines)


def without_search(table: pd.DataFrame, labels: Mapping[str, str]) -> str:
    """How methods without a search do beside the search and beside no teacher, of `Students.without_search`."""
    lines = []
    for name, part in table.groupby(level="data", sort=False):
        searched = part.index.get_level_values("method").str.startswith(f"{GRID}, ")
        search, others = part.loc[searched, "accuracy"].mean(), part[~searched]
        count = part.index.get_level_values("trainings").max()
        found = (
            f"- **{markdown(labels[name])}**: the search scores {percent(search, 1)} on average, for {count} "
            f"training{'' if count == 1 else 's'}"
        )
        if others.empty:
            lines.append(f"{found}; no other method was trained.")
            continue
        mean = others["accuracy"].groupby(level="method", sort=False).mean()
        told = []
        compared = {"gain": "gains over training from scratch, which the figure shows"}
        for ends, what in (compared | {"over_grid": "comparisons with the search"}).items():
            above, below = int((others[f"{ends}_low"] > 0).sum()), int((others[f"{ends}_high"] < 0).sum())
            told.append(f"of {len(others)} {what}, {above} are above 0 with their whole interval, and {below} below")
        lines.append(
            f"{found}; of the others **{markdown(mean.idxmax())}** has the highest mean, {percent(mean.max(), 1)}, for "
            "one, but was chosen on the folds that it is scored on. "
            f"{told[0][0].upper()}{told[0][1:]}; {told[1]}."
        )
    return "\n".join(lines)


def _label(faces: Faces) -> str:
    return markdown(tables.label(faces))
