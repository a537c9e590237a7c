"""What to see in the tables of compression and of latency, worked out from their values, as Markdown."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from ..deployment.compress import METHODS
from ..deployment.runtimes import FIRST
from .sentences import in_points, listed, percent, points, warned

ENOUGH = 0.01  # of accuracy: what INT8 may lose before quantisation-aware training would be worth its time


def values_left(table: pd.DataFrame) -> str:
    """How many values a weight can have, how many become 0; a row a weight, a column "8 bits" each, coarsest last."""
    counts = {name: 2 * ((2 ** int(name.split()[0]) - 1) // 2) + 1 for name in table.columns}
    last = table.columns[-1]
    zeros = int((table[last] == 0).sum())
    return (
        f"Values that a weight can have: {listed(f'{n:,} ({name})' for name, n in counts.items())}. "
        f"With {last}, {zeros} of these {len(table)} weights become 0: quantisation prunes as well. The bounds "
        "printed for eight bits, 127.5 on both sides, are no integers: integers reach 127, and the greatest weight, "
        "which is 127.5 when scaled, is taken back to it."
    )


def fewest_bits(accuracy: pd.DataFrame, whole: Mapping[str, float]) -> str:
    """With how few bits each network is within a point of its accuracy; a row a network, a column a number of bits."""
    lines = []
    for name, row in accuracy.iterrows():
        within = _so_far(row.sort_index(ascending=False) >= whole[name] - ENOUGH)  # else fewer are right by accident
        said = f"{min(within)} bits are enough to stay within a point" if within else "no number of bits here is enough"
        fewest = min(row.index)
        lines.append(f"- `{name}`, {percent(whole[name])}: {said}; with {fewest}, it is {percent(row[fewest])}.")
    return "\n".join(lines)


def eight_bits(same_answer: Mapping[str, float]) -> list[str]:
    """Whether weights of eight bits answer as fp32 does, one line; none where they were not asked for. By form."""
    form = "weights of 8 bits"
    return [f"8 bits answer as fp32 does: {same_answer[form] > 0.9}"] if form in same_answer else []


def _so_far(good: pd.Series) -> list:
    """The labels of a bool series up to the first that is False."""
    return list(good.index[good.cummin()])


def taken_out(curve: pd.DataFrame, whole: Mapping[str, float]) -> str:
    """What a network loses with each share of its weights; columns network, sparsity, how, R, accuracy."""
    lines = []
    for name, part in curve.groupby("network", sort=False):
        cells = [
            f"{percent(row.sparsity, 0)} {row.how} (R = {row.R:.1f}): {100 * (row.accuracy - whole[name]):+.1f} points"
            for row in part.itertuples()
        ]
        lines.append(
            f"- `{name}`, {percent(whole[name])} with all its weights. {'; '.join(cells)}. {_can_go(part, whole[name])}"
        )
    return "\n".join(lines)


def _can_go(part: pd.DataFrame, whole: float) -> str:
    """How many of a hundred weights of one network can go before it loses a point, by either way."""
    cells = []
    for how, rows in part.groupby("how", sort=False):
        kept = _so_far(rows.set_index("sparsity")["accuracy"].sort_index() > whole - ENOUGH)
        cells.append(f"{100 * kept[-1]:.0f} {how}" if kept else f"none {how}")
    return f"Largest tested share that costs less than a point, %: {listed(cells)}."


def work_left(shares: Mapping[str, pd.Series]) -> str:
    """How much a network still multiplies without a share of its channels: by network, a share by ratio."""
    lines = []
    for name, part in shares.items():
        for ratio, share in part.items():
            said = f"{percent(share, 0)} of the multiplications are left"
            lines.append(f"- `{name}` without {percent(ratio, 0)} of its channels: {said}.")
    note = "Each of two layers that follow one another loses channels, so that what lies between them loses both times."
    return "\n".join([*lines, "", note]) if lines else "Nothing is fine-tuned here, so this is left out."


def speed(latency: pd.DataFrame) -> str:
    """Whether forms run faster; indexed by network and variant, with times_faster."""
    lines = []
    for name, part in latency["times_faster"].groupby(level=0, sort=False):
        cells = [f"{form}: {value:.1f}" for (_, form), value in part.items() if value != 1]
        if cells:
            lines.append(f"- `{name}`, times as fast as in fp32: {'; '.join(cells)}.")
    return "\n".join(lines)


def losses(differences: pd.DataFrame) -> str:
    """Which forms are shown to lose accuracy, and whether INT8 asks for a training; indexed by network and variant,
    with value, low and high.

    Of the ways to INT8 it is told of the one that `fercore export --int8` takes, whatever the others score here: the
    best of several on these images would be the luckiest as well.
    """
    kept = differences.index[(differences["low"] <= 0) & (differences["high"] >= 0)]
    lines = [f"No difference from fp32 is shown for {len(kept)} of {len(differences)} variants."]
    shown = False
    for said, rows in (("Less accurate", differences["high"] < 0), ("More accurate", differences["low"] > 0)):
        if rows.any():
            lines[0] += f" {said}: {'; '.join(f'`{name}` {form}' for name, form in differences.index[rows])}."
            shown = True
    if shown and len(differences) > 1:
        lines[0] += (
            f" Each interval stands alone: if no variant differed from fp32, about {0.05 * len(differences):.1f} of "
            f"{len(differences)} would leave out 0 by chance."
        )
    lines[0] += warned(differences)
    integers = differences[differences.index.get_level_values("variant").str.startswith("INT8")]
    for name, part in integers.groupby(level=0, sort=False):
        forms = part.droplevel(0)
        own = f"INT8 {METHODS[-1]}"
        row = forms.loc[own] if own in forms.index else forms.iloc[-1]
        lines.append(
            f"`{name}`: INT8 ({row.name.removeprefix('INT8 ')}) changes {points(row)}: {_asks_for_training(row)}."
        )
    return "\n\n".join(lines)


def _asks_for_training(row: Mapping) -> str:
    """Whether INT8 loses ENOUGH for quantisation-aware training, by the ends of the interval as they are shown."""
    low, high = (in_points(row[end]) for end in ("low", "high"))
    if low > -100 * ENOUGH:
        return "less than a point is lost, and quantisation-aware training has little to gain"
    if high < -100 * ENOUGH:
        return "more than a point is lost, so quantisation-aware training may be worth it"
    return "whether a point is lost, these images do not tell, nor whether quantisation-aware training is worth it"


def all_right(recalls: pd.Series) -> str:
    """How likely a picture of each emotion, drawn at random, is told rightly seven times; recall by class."""
    chance = float(np.prod(recalls))
    return (
        f"This network is right on {percent(recalls.mean(), 0)} of an emotion's pictures, in the mean over "
        f"emotions. Of one picture of each, drawn at random, all {len(recalls)} are right {percent(chance)} of the "
        f"time; with 70 % for each emotion it would be {percent(0.7 ** len(recalls), 0)}. A table in which all are "
        "right says that pictures were chosen, or that there was luck."
    )


def overfitted(table: pd.DataFrame) -> str:
    """How far accuracy on the images that were trained on is above that on others; columns train and test, and what
    the paper prints of both."""
    gaps = 100 * (table["train"] - table["test"])
    each = listed(f"{gap:+.1f} points (`{name}`)" for name, gap in gaps.items())
    said = f"Accuracy on the training images minus accuracy on the others: {each}."
    printed = (table["paper_train"] - table["paper_test"]).dropna()
    if len(printed):
        said += f" In the paper: {100 * printed.iloc[0]:+.1f} points."
    return f"{said} A large gap is a sign of overfitting; a small one may mean that little was learned."


def best_runtimes(table: pd.DataFrame) -> str:
    """Which runtime is fastest, and how far it and PyTorch are from the limit; as `benchmark.bench` has it."""
    lines = []
    for (name, side), part in table.groupby(["network", "img_size"], sort=False):
        timed = part.dropna(subset=["median"]).set_index("runtime")
        if timed.empty:  # why, is said below
            continue
        best = timed.loc[timed["median"].idxmin()]
        line = (
            f"- `{name}` at {side} px: {best.name} takes {best['median']:.2f} ms, {best['times_limit']:.1f} times the "
        )
        line += "limit"
        if best["times_limit"] < 1:
            line += " (of fp32: fewer bits, or fewer multiplications)"
        if FIRST in timed.index and best.name != FIRST:
            of = timed.loc[FIRST, "times_limit"]
            line += f"; {FIRST} takes {best['times_faster']:.1f} times as long, {of:.1f} times the limit"
        if FIRST in timed.index:
            share = percent(1 / timed.loc[FIRST, "times_limit"], 0)
            line += f". Multiplying alone would take {share} of {FIRST}'s time"
        lines.append(f"{line}.")
    missing = table[table["median"].isna()].drop_duplicates("runtime")
    if len(missing):
        whys = missing.groupby("note", sort=False)["runtime"].agg(listed)
        lines.append("\nWithout a number here: " + "; ".join(f"{names} ({why})" for why, names in whys.items()) + ".")
    return "\n".join(lines)


def agreement(formats: pd.DataFrame) -> str:
    """Which runtime's logits are farthest from PyTorch's; indexed by network, img_size and runtime, with deviation."""
    other = formats.loc[formats.index.get_level_values("runtime") != FIRST, "deviation"].dropna()
    if not len(other):
        return "No other runtime is here."
    (name, side, runtime), most = other.idxmax(), other.max()
    exact = sorted(other.groupby(level="runtime").max().loc[lambda each: each < 1e-4].index)
    return (
        f"The largest deviation is that of {runtime} for `{name}` at {side} px, {percent(most)} of the largest logit; "
        f"identical to four digits: {listed(exact)}. Notebook 7 measures the effect on accuracy."
    )


def where_time_goes(ends: pd.DataFrame) -> str:
    """What most of the way from frame to label is spent on; as `benchmark.end_to_end`, a row a number of faces."""
    shown = ends[ends["faces"] > 0]
    if not len(shown):
        return "No face was found in any frame."
    row = shown.iloc[0]
    found = f"{row['faces']:.0f} face{'s' * bool(row['faces'] > 1)}"
    share, last, more = row["detect_ms"] / row["whole_ms"], shown.iloc[-1], ""
    if len(shown) > 1:
        of_whole = percent(last["classify_ms"] / last["whole_ms"], 0)
        more = f" With {last['faces']:.0f} it is {last['whole_ms']:.0f} ms, of which {of_whole} for expressions."
    return (
        f"With {found} in a frame, {percent(share, 0)} of {row['whole_ms']:.0f} ms are for "
        f"finding it and {percent(row['classify_ms'] / row['whole_ms'], 0)} for its expression: {row['fps']:.0f} "
        "frames a second. A faster network for expressions "
        + ("hardly changes that." if row["classify_ms"] < 0.2 * row["whole_ms"] else "still pays.")
        + more
    )
