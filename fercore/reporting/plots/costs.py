"""What networks cost, and what is had for it: parameters, time, memory, bits and weights that are left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, LogLocator

from ...datasets import Faces
from ...results.tables import label
from .drawing import MARKERS, as_text, log_ticks, name_dots, split_of


@as_text
def size_and_latency(table: pd.DataFrame, faces: Faces) -> Figure:
    """Latency against parameters, the size of the dot for accuracy; after TinyFER-Lite's Figure 4.

    table  indexed by network: parameters, cpu_ms, accuracy (fraction)
    """
    figure = Figure(figsize=(8.5, 4.2), layout="constrained")
    axis = figure.subplots()
    for name, row in table.sort_values("parameters").iterrows():
        text = f"{name}, {100 * row['accuracy']:.1f} %"
        spot = (row["parameters"] / 1e6, row["cpu_ms"])
        axis.scatter(*spot, s=40 + 900 * row["accuracy"] ** 2, alpha=0.7, label=text)
    axis.legend(loc="center left", bbox_to_anchor=(1, 0.5), fontsize=9, labelspacing=1.6, borderpad=1)
    axis.margins(x=0.15, y=0.2)
    axis.set(
        xlabel="parameters, millions", ylabel="latency of one image on this CPU, ms", xlim=(0, None), ylim=(0, None)
    )
    axis.set_title(f"Size and latency; larger dots for {split_of(faces, 'test')} accuracy, {label(faces)}", fontsize=10)
    return figure


@as_text
def size_and_accuracy(
    table: pd.DataFrame, faces: Faces | str, title: str, ours: Sequence[str] = (), claimed: Sequence[str] = ()
) -> Figure:
    """Accuracy against parameters, on a logarithmic axis, each network with its interval and its name.

    table    indexed by network: parameters, and value, low, high (fractions); an interval may be missing
    ours     those trained here, the others are of public packages; claimed  those that nobody has measured, hollow
    """
    figure = Figure(figsize=(9, 5.3), layout="constrained")
    axis = figure.subplots()
    kinds = {
        "trained here": {"fmt": "D", "color": sns.color_palette()[3]},
        "from a public package": {"fmt": "o", "color": sns.color_palette()[0]},
        "claimed by a paper": {"fmt": "o", "color": "0.45", "markerfacecolor": "white"},
    }
    ordered, places, drawn = table.sort_values("value", ascending=False), [], {}
    for name, row in ordered.iterrows():
        low, value, high = 100 * row[["low", "value", "high"]].astype(float)
        low, high = np.nan_to_num([low, high], nan=value)
        kind = list(kinds)[0 if name in ours else 2 if name in claimed else 1]
        reach = [[value - low], [high - value]]
        drawn[kind] = axis.errorbar(row["parameters"], value, yerr=reach, capsize=2, **kinds[kind])
        places.append((row["parameters"], value, kinds[kind]["color"], low, high))
    shown = [kind for kind in kinds if kind in drawn]
    figure.legend([drawn[kind] for kind in shown], shown, loc="outside lower center", ncols=3, frameon=False)
    sizes = table["parameters"].astype(float)
    axis.set(xscale="log", xlim=(sizes.min() / 1.6, sizes.max() * 2.2), xlabel="parameters")
    axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.xaxis.set_major_formatter(EngFormatter())
    axis.set_ylabel(f"{split_of(faces, 'test')} accuracy, %")
    axis.set_title(f"{title}, {label(faces)}")
    name_dots(axis, ordered.index, places)
    return figure


@as_text
def affordable(table: pd.DataFrame, faces: Faces | str, budget: float) -> Figure:
    """Accuracy against parameters, each network with its name and its interval: those of at most `budget` parameters in
    colour, and the best of them in the title.

    table  indexed by network: parameters, value, low, high (fractions)
    """
    within = table[table["parameters"] <= budget]
    figure = Figure(figsize=(8, 4), layout="constrained")
    axis = figure.subplots()
    ordered, places = table.sort_values("value", ascending=False), []
    for name, row in ordered.iterrows():
        low, value, high = 100 * row[["low", "value", "high"]].astype(float)
        color = sns.color_palette()[0] if name in within.index else "0.75"
        axis.errorbar(row["parameters"], value, yerr=[[value - low], [high - value]], fmt="o", capsize=2, color=color)
        places.append((row["parameters"], value, color if name in within.index else "0.5", low, high))
    axis.axvline(budget, color="0.4", linewidth=1)
    axis.set(xscale="log", xlabel="parameters", ylabel=f"{split_of(faces, 'test')} accuracy, %")
    log_ticks(axis, EngFormatter())
    best = f"{within['value'].idxmax()}, {100 * within['value'].max():.1f} %" if len(within) else "none"
    axis.set_title(f"Best within {budget:,.0f} parameters: {best}; {label(faces)}")
    name_dots(axis, ordered.index, places)
    return figure


@as_text
def memory(table: pd.Series, printed: Mapping[str, Mapping[str, float]], batches: pd.DataFrame, title: str) -> Figure:
    """Memory by batch, a panel for each way of the index: a line a network, and where it comes to what is printed.

    table    MB, indexed by network, way and batch
    printed  by data set: MB by network; each set has a marker of its own
    batches  at which a network comes to that: a row a set and way, a column a network
    """
    networks, ways = (list(dict.fromkeys(table.index.get_level_values(level))) for level in ("network", "way"))
    figure = Figure(figsize=(10, 4.2), layout="constrained")
    for axis, way in zip(figure.subplots(1, len(ways), sharey=True, squeeze=False)[0], ways, strict=True):
        for network, color in zip(networks, sns.color_palette(), strict=False):
            line = table.xs((network, way), level=("network", "way"))
            axis.plot(line.index, line, color=color, label=network)
            for (data, values), marker in zip(printed.items(), MARKERS, strict=False):
                batch = batches.loc[(data, way), network]
                axis.plot(batch, values[network], marker, color=color, label=f"{data}, printed: batch {batch:,.0f}")
        axis.set(xscale="log", yscale="log", xlabel="images per batch", title=way)
        axis.legend(fontsize=7)
        if axis.get_subplotspec().is_first_col():
            axis.set_ylabel("memory of a forward pass, MB")
    figure.suptitle(title)
    return figure


@as_text
def latencies(table: pd.DataFrame, faces: Faces, title: str) -> Figure:
    """A panel a network, a row a runtime: median latency with a line to the 90th percentile; dashed, the limit.

    table  as benchmark.bench has it, INT8 calibrated on `faces`; runtimes without a number have a row that says so
    """
    groups = list(table.groupby(["network", "img_size"], sort=False))
    height, columns = max(len(part) for _, part in groups), min(len(groups), 3)
    lines = -(-len(groups) // columns)
    figure = Figure(figsize=(3.6 * columns + 1.8, (0.34 * height + 1.2) * lines + 0.4), layout="constrained")
    grid = figure.subplots(lines, columns, squeeze=False)
    for axis in grid.ravel()[len(groups) :]:
        axis.set_axis_off()
    for axis, ((name, side), part) in zip(grid.ravel(), groups, strict=False):
        part = part.reset_index(drop=True)
        for place, row in part.iterrows():
            if np.isnan(row["median"]):
                right = {"transform": axis.get_yaxis_transform(), "ha": "right", "va": "center"}
                axis.text(0.98, place, "not here", fontsize=8, color="0.4", **right)
                continue
            axis.plot([row["median"], max(row["p90"], row["median"])], [place, place], color=sns.color_palette()[0])
            axis.plot(row["median"], place, "o", color=sns.color_palette()[0])
            text = f"{row['median']:.3g}"
            axis.annotate(text, (row["median"], place), (0, 5), textcoords="offset points", ha="center", fontsize=8)
        axis.axvline(part["limit"].iloc[0], color=sns.color_palette()[3], linestyle="--")
        axis.set_yticks(part.index, part["runtime"] if axis.get_subplotspec().is_first_col() else [""] * len(part))
        axis.set(title=f"{name} at {side} px", xscale="log", ylim=(len(part) - 0.5, -0.7))
        axis.margins(x=0.15)
        log_ticks(axis)
        if axis.get_subplotspec().is_last_row():
            axis.set_xlabel("ms; dashed: the limit in fp32")
    figure.suptitle(f"{title}, {label(faces)}")
    return figure


@as_text
def pareto(table: pd.DataFrame, x: str, y: str, faces: Faces, title: str, xlabel: str, ylabel: str) -> Figure:
    """Forms of networks, indexed by network and form: y (a fraction, shown as %) over x, the less the better; a colour
    a network, a marker for what was done to it. A line joins those than which none is smaller and better, and these
    are numbered and named."""
    figure = Figure(figsize=(10, 5), layout="constrained")
    axis = figure.subplots()
    best = table.dropna(subset=[x, y]).sort_values([x, y], ascending=[True, False])
    best = best[best[y] > best[y].cummax().shift(fill_value=-np.inf)]
    axis.step(best[x], 100 * best[y], where="post", color="0.6", linestyle="--", label="none is smaller and better")
    drawn = {"facecolor": "none", "linewidth": 1.4, "zorder": 3}  # what lies below another is seen
    for (name, part), color in zip(table.groupby(level=0, sort=False), cycle(sns.color_palette()), strict=False):
        axis.scatter([], [], color=color, label=name)
        for (_, form), row in part.iterrows():
            marker, _ = _done(form)
            axis.scatter(row[x], 100 * row[y], 110 if marker == "*" else 45, marker=marker, edgecolor=color, **drawn)
    for marker, done in dict.fromkeys(map(_done, table.index.get_level_values(1))):
        axis.scatter([], [], marker=marker, edgecolor="0.3", label=done, **drawn)
    for number, ((name, form), row) in enumerate(best.iterrows(), 1):
        axis.annotate(f"{number}", (row[x], 100 * row[y]), (0, 8), textcoords="offset points", ha="center", fontsize=9)
        axis.plot([], [], " ", label=f"{number}  {name}: {form}")
    axis.set(xscale="log", xlabel=xlabel, ylabel=ylabel)
    axis.margins(0.1)
    log_ticks(axis)
    figure.legend(loc="outside right center", fontsize=9, frameon=False)
    axis.set_title(f"{title}, {label(faces)}")
    return figure


_FORMS = {  # by the first word of a form's name: its marker, and what was done
    "fp32": ("*", "as it was"),
    "FP16": ("v", "FP16"),
    "weights": ("o", "fewer bits"),
    "pruned": ("s", "fewer weights"),
    "without": ("^", "fewer channels"),
    "INT8": ("D", "INT8"),
    "OpenVINO": ("P", "OpenVINO"),
}


def _done(form: str) -> tuple[str, str]:
    first = form.split()[0]
    return _FORMS.get(first, ("X", first))


@as_text
def sparsity(curve: pd.DataFrame, whole: Mapping[str, float], faces: Faces, title: str) -> Figure:
    """Accuracy against the share of weights taken out, a panel a network and a line a way.

    curve  columns network, sparsity, how, accuracy; whole  accuracy of each network before, a dashed line
    """
    figure = Figure(figsize=(1.5 + 4.5 * len(whole), 4), layout="constrained")
    axes = figure.subplots(1, len(whole), sharey=True, squeeze=False)[0]
    for axis, (network, accuracy) in zip(axes, whole.items(), strict=True):
        axis.axhline(100 * accuracy, color="0.5", linestyle="--", label="the whole network")
        for how, part in curve[curve["network"] == network].groupby("how", sort=False):
            axis.plot(100 * part["sparsity"], 100 * part["accuracy"], "o-", label=how)
        axis.set(title=network, xlabel="weights taken out of each layer, %", xlim=(0, 100), ylim=(0, None))
    axes[0].legend(fontsize=9)
    axes[0].set_ylabel("accuracy, %")
    figure.suptitle(f"{title}, {label(faces)}")
    return figure


@as_text
def rounded(weights: np.ndarray, left: np.ndarray, bits: int, name: str, faces: Faces) -> Figure:
    """How often which weight occurs in a layer, before, and after rounding to so many bits; both of any one shape."""
    figure = Figure(figsize=(9, 3), layout="constrained")
    axes = figure.subplots(1, 2, sharex=True, sharey=True)
    for axis, values, said in zip(axes, (weights, left), ("before", f"{bits} bits"), strict=True):
        count, reach = len(np.unique(values)), (min(weights.min(), left.min()), max(weights.max(), left.max()))
        axis.hist(values.ravel(), 65, range=reach, color=sns.color_palette()[0])  # 0 is in the midst of a bar
        axis.set(title=f"{said}: {count:,} different values", xlabel="weight", yscale="log")
        axis.yaxis.set_major_formatter("{x:,g}")
    axes[0].set_ylabel("weights")
    figure.suptitle(f"{name}, trained on {label(faces)}")
    return figure
