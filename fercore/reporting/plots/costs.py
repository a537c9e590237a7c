"""What networks cost, and what is had for it: parameters, time, memory, bits and weights that are left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, LogLocator
from scipy.sparse.csgraph import connected_components

from ...datasets import Faces
from ...results.tables import label
from .drawing import MARKERS, as_text, ink, log_ticks, name_dots, split_of

KINDS = ("trained here", "a paper's, trained here", "from a public package", "claimed by a paper")
NEAR_TOP = 0.06  # below the best accuracy: what a second panel shows close up


@as_text
def size_and_latency(table: pd.DataFrame, faces: Faces, trained: str = "") -> Figure:
    """Latency against parameters, the size of the dot for accuracy; after TinyFER-Lite's Figure 4.

    table    indexed by network: parameters, cpu_ms, accuracy (fraction)
    trained  how long, such as "5 epochs", to be read in the title
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
    what = f"larger dots for {split_of(faces, 'test')} accuracy{trained and f' after {trained}'}"
    axis.set_title(f"Size and latency, {what}, {label(faces)}", fontsize=10)
    return figure


@as_text
def size_and_accuracy(
    table: pd.DataFrame,
    faces: Faces | str,
    title: str,
    ours: Sequence[str] = (),
    claimed: Sequence[str] = (),
    called: Mapping[str, str] | None = None,
) -> Figure:
    """Accuracy against parameters, on a logarithmic axis, each network with its interval and its name. Networks of one
    size that would cover one another stand side by side.

    table    indexed by network: parameters, and value, low, high (fractions); an interval may be missing
    ours     those trained here, of which a paper has designed some; the others are of public packages
    claimed  those that nobody has measured, hollow
    called   names of those that have one, where others have none and are smaller; None: all, as they are indexed
    """
    from ...models import OWN

    figure = Figure(figsize=(9, 5.3), layout="constrained")
    axis = figure.subplots()
    own, rebuilt, public, printed = KINDS
    kinds = {
        own: {"fmt": "D", "color": sns.color_palette()[3]},
        rebuilt: {"fmt": "s", "color": sns.color_palette()[2]},
        public: {"fmt": "o", "color": sns.color_palette()[0]},
        printed: {"fmt": "o", "color": "0.45", "markerfacecolor": "white", "zorder": 1.5},  # below all others
    }
    ordered, places, drawn = table.sort_values("value", ascending=False), [], {}
    ends = table["parameters"].min() / 1.6, table["parameters"].max() * 2.2
    aside = _aside(ordered)
    spots = ordered["parameters"] * (ends[1] / ends[0]) ** (0.014 * aside)  # some points of the axis
    for (name, row), spot in zip(ordered.iterrows(), spots, strict=True):
        low, value, high = 100 * row[["low", "value", "high"]].astype(float)
        here = own if name.partition(",")[0] in OWN else rebuilt
        kind = printed if name in claimed else here if name in ours else public
        reach = None if np.isnan(low) else [[value - low], [high - value]]
        size = {} if called is None or name in called else {"markersize": 3.5, "alpha": 0.6}
        dots = axis.errorbar(spot, value, yerr=reach, capsize=2, elinewidth=1, **kinds[kind] | size)
        drawn.setdefault(kind, dots)  # the best, which has a name
        places.append((spot, value, kinds[kind]["color"], *np.nan_to_num([low, high], nan=value)))
    shown = [kind for kind in kinds if kind in drawn]
    figure.legend([drawn[kind] for kind in shown], shown, loc="outside lower center", ncols=4, frameon=False)
    moved = "; those of one size side by side" if aside.any() else ""
    axis.set(xscale="log", xlim=ends, xlabel=f"parameters{moved}")
    axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.xaxis.set_major_formatter(EngFormatter())
    axis.set_ylabel(f"{split_of(faces, 'test')} accuracy, %; 95 % intervals")
    axis.set_title(f"{title}, {label(faces)}")
    name_dots(axis, [name if called is None else called.get(name, "") for name in ordered.index], places)
    return figure


def _aside(table: pd.DataFrame) -> np.ndarray:
    """How many steps to the right of its place each network stands, so that its dot and its bar cover none of another
    of the same size, to within 3 %: 0 for most, and half a step to either side for two."""
    size, value = (table[column].to_numpy(float) for column in ("parameters", "value"))
    low = np.fmin(table["low"].to_numpy(float), value) - 0.01  # and the dot
    high = np.fmax(table["high"].to_numpy(float), value) + 0.01
    meet = (low[:, None] < high) & (low < high[:, None]) & (np.abs(np.log(size[:, None] / size)) < np.log(1.03))
    lanes = np.full(len(table), -1)
    for place in np.argsort(size, kind="stable"):
        lanes[place] = min({*range(len(table))} - {*lanes[meet[place]]})
    _, groups = connected_components(meet)
    return lanes - np.array([lanes[groups == group].max() / 2 for group in groups])


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
    axis.set(xscale="log", xlabel="parameters", ylabel=f"{split_of(faces, 'test')} accuracy, %; 95 % intervals")
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
    batches  at which a network comes to that, which stands beside the marker: a row a set and way, a column a network
    """
    networks, ways = (list(dict.fromkeys(table.index.get_level_values(level))) for level in ("network", "way"))
    colors, markers = dict(zip(networks, sns.color_palette(), strict=False)), dict(zip(printed, MARKERS, strict=False))
    figure = Figure(figsize=(10, 4.6), layout="constrained")
    for axis, way in zip(figure.subplots(1, len(ways), sharey=True, squeeze=False)[0], ways, strict=True):
        axis.set(xscale="log", yscale="log", xlabel="images per batch", title=way)
        for network, color in colors.items():
            line = table.xs((network, way), level=("network", "way"))
            axis.plot(line.index, line, color=color, label=network)
            for data, values in printed.items():
                batch = batches.loc[(data, way), network]
                axis.plot(batch, values[network], markers[data], color=color, zorder=4)  # above all numbers
                style = {"textcoords": "offset points", "ha": "center", "fontsize": 8, "color": ink(color)}
                style["bbox"] = {"color": "white", "pad": 0.5}  # or the next network's line goes through it
                axis.annotate(f"{batch:,.0f}", (batch, values[network]), (4, -14), **style)
        if axis.get_subplotspec().is_first_col():
            axis.set_ylabel("memory of a forward pass, MB")
    for data, marker in markers.items():
        axis.plot([], [], marker, color="0.3", label=f"{data}: batch size that gives the printed number")
    figure.legend(*axis.get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=8, frameon=False)
    figure.suptitle(title)
    return figure


@as_text
def latencies(table: pd.DataFrame, faces: Faces, title: str) -> Figure:
    """A panel a network, a row a runtime: median latency with a line to the 90th percentile; dashed, the limit.

    table  as benchmark.bench has it, INT8 calibrated on `faces`; runtimes without any number are left out, and one
           without a number for a network has a row that says so
    """
    timed = table.groupby("runtime")["median"].transform("count") > 0
    timed |= not timed.any()
    groups = list(table[timed].groupby(["network", "img_size"], sort=False))
    height, columns = max(len(part) for _, part in groups), min(len(groups), 3)
    lines = -(-len(groups) // columns)
    figure = Figure(figsize=(3.6 * columns + 1.8, (0.34 * height + 1.2) * lines + 0.7), layout="constrained")
    grid = figure.subplots(lines, columns, squeeze=False)
    for axis in grid.ravel()[len(groups) :]:
        axis.set_axis_off()
    for axis, ((name, side), part) in zip(grid.ravel(), groups, strict=False):
        part = part.reset_index(drop=True)
        written = {"va": "center", "fontsize": 8, "bbox": {"color": "white", "pad": 1}}
        for place, row in part.iterrows():
            if np.isnan(row["median"]):
                axis.text(0.98, place, "not here", transform=axis.get_yaxis_transform(), ha="right", **written)
                continue
            end = max(row["p90"], row["median"])
            axis.plot([row["median"], end], [place, place], color=sns.color_palette()[0])
            axis.plot(row["median"], place, "o", color=sns.color_palette()[0])
            axis.annotate(f"{row['median']:.3g}", (end, place), (8, 0), textcoords="offset points", **written)
        axis.axvline(part["limit"].iloc[0], color=sns.color_palette()[3], linestyle="--")
        axis.set_yticks(part.index, part["runtime"] if axis.get_subplotspec().is_first_col() else [""] * len(part))
        axis.set(title=f"{name} at {side} px", xscale="log", ylim=(len(part) - 0.5, -0.7))
        axis.margins(x=0.25)
        log_ticks(axis)
    figure.supxlabel(
        "ms: the median, and a line to the 90th percentile; dashed: all multiply-adds in fp32, at the core's peak rate",
        fontsize=10,
    )
    figure.suptitle(f"{title}, {label(faces)}")
    return figure


@as_text
def pareto(table: pd.DataFrame, x: str, y: str, faces: Faces, title: str, xlabel: str, ylabel: str) -> Figure:
    """Forms of networks, indexed by network and form: y (a fraction, shown as %) over x, the less the better; a colour
    a network, a marker for what was done to it. A line is the Pareto front: it joins those than which none is smaller
    and better, and these are numbered and named. Beside all of them stand the best, close up with their intervals."""
    figure = Figure(figsize=(13, 5), layout="constrained")
    axes = figure.subplots(1, 2)
    known = table.dropna(subset=[x, y])
    best = known.sort_values([x, y], ascending=[True, False])
    best = best[best[y] > best[y].cummax().shift(fill_value=-np.inf)]
    least = known[y].max() - NEAR_TOP
    names = list(dict.fromkeys(table.index.get_level_values(0)))
    colors = dict(zip(names, cycle(sns.color_palette()), strict=False))
    drawn = {"facecolor": "none", "linewidth": 1.4, "zorder": 3}  # what lies below another is seen
    for axis in axes:
        axis.step(best[x], 100 * best[y], where="post", color="0.6", linestyle="--", label="Pareto front")
        for (name, form), row in known.iterrows():
            marker, _ = _done(form)
            size = 110 if marker == "*" else 45
            axis.scatter(row[x], 100 * row[y], size, marker=marker, edgecolor=colors[name], **drawn)
            if axis is axes[1] and f"{y}_low" in row and row[y] >= least:
                ends = [100 * row[f"{y}_{end}"] for end in ("low", "high")]
                axis.plot([row[x], row[x]], ends, color=colors[name], linewidth=0.8, alpha=0.5)
        axis.set(xscale="log", xlabel=xlabel)
        axis.margins(0.1)
    for name, color in colors.items():
        axes[0].scatter([], [], color=color, label=name)
    for marker, done in dict.fromkeys(map(_done, table.index.get_level_values(1))):
        axes[0].scatter([], [], marker=marker, edgecolor="0.3", label=done, **drawn)
    for number, (name, form) in enumerate(best.index, 1):
        axes[0].plot([], [], " ", label=f"{number}  {name}: {form}")
    axes[0].set_ylabel(ylabel)
    axes[1].set(ylim=(100 * least - 1, None), title=f"within {100 * NEAR_TOP:g} points of the best; 95 % intervals")
    for axis in axes:
        log_ticks(axis)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right center", fontsize=9, frameon=False)
    figure.suptitle(f"{title}, {label(faces)}")
    for axis, part in zip(axes, (best[y] < least, best[y] >= least), strict=True):
        numbers = [str(number) for number, here in enumerate(part, 1) if here]
        spots = [(row[x], 100 * row[y], "0.2", *[100 * row[y]] * 2) for _, row in best[part].iterrows()]
        name_dots(axis, numbers, spots)
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
    marker, done = _FORMS.get(first, ("X", first))
    return ("<", f"{done}, FP16") if form.endswith(", FP16") else (marker, done)


@as_text
def sparsity(curve: pd.DataFrame, whole: Mapping[str, float], faces: Faces, title: str) -> Figure:
    """Accuracy against the share of weights taken out, a panel a network and a line a way, from the whole network on.

    curve  columns network, sparsity, how, accuracy; whole  accuracy of each network before, a dashed line
    """
    figure = Figure(figsize=(1.5 + 4.5 * len(whole), 4), layout="constrained")
    axes = figure.subplots(1, len(whole), sharey=True, squeeze=False)[0]
    for axis, (network, accuracy) in zip(axes, whole.items(), strict=True):
        axis.axhline(100 * accuracy, color="0.5", linestyle="--", label="the whole network")
        for how, part in curve[curve["network"] == network].groupby("how", sort=False):
            taken, left = [0, *part["sparsity"]], [accuracy, *part["accuracy"]]
            axis.plot(100 * np.array(taken), 100 * np.array(left), "o-", label=how)
        axis.set(title=network, xlabel="sparsity of each layer, %", xlim=(-3, 100), ylim=(0, None))
    axes[0].legend(fontsize=9, loc="lower left")
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
