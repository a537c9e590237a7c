"""How right networks are: while they train, by class, by confidence, and with intervals."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from ...datasets import Faces
from ...results.tables import label
from .drawing import MARKERS, as_text, label_bars, split_of

FEW = 30  # images in a bin of confidence: of fewer, accuracy is chance rather than calibration


@as_text
def training_curves(histories: Mapping[str, pd.DataFrame], faces: Faces, score: str, title: str) -> Figure:
    """Training loss, and cross-entropy and a score on the split that selects, by epoch: a panel each, a colour and a
    marker a run. The best epoch has a large marker."""
    figure = Figure(figsize=(11, 4), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    step = max(1, max(map(len, histories.values())) // 10)  # between markers: more of them would hide the lines
    colors = sns.color_palette(n_colors=max(10, len(histories)))
    for number, ((name, history), color, marker) in enumerate(
        zip(histories.items(), colors, cycle(MARKERS), strict=False)
    ):
        first = min(number % step, len(history) - 1)  # elsewhere than the next run's
        style = {"color": color, "marker": marker, "markersize": 4, "linewidth": 1.3, "markevery": (first, step)}
        left.plot(history["epoch"], history["train_loss"], **style)
        middle.plot(history["epoch"], history["loss"], **style)
        right.plot(history["epoch"], 100 * history[score], label=name, **style)
        best = history.loc[history[score].idxmax()]
        right.plot(best["epoch"], 100 * best[score], marker, color=color, markersize=8)
    if len(histories) == 1:
        middle.sharey(left)
    select = split_of(faces, "select")
    left.set_ylabel("training loss, each run's own" if len(histories) > 1 else "training loss")
    middle.set_ylabel(f"{select} cross-entropy")
    right.set_ylabel(f"{select} {score.replace('_', '-').replace('f1', 'F1')}, %")
    for axis in (left, middle, right):
        axis.set_xlabel("epoch")
        axis.xaxis.get_major_locator().set_params(integer=True)
    figure.legend(loc="outside lower center", ncols=min(5, len(histories)), fontsize=9, frameon=False)
    figure.suptitle(f"{title}, {label(faces)}")
    return figure


@as_text
def confusion(matrix: np.ndarray, faces: Faces, title: str) -> Figure:
    """Images by true class (rows) and predicted class (columns): shares of the row, % with the count below.

    matrix  (C, C), or the mean of those of several seeds
    """
    share = 100 * matrix / np.maximum(matrix.sum(1, keepdims=True), 1)
    side = 0.8 * len(matrix) + 1.6
    figure = Figure(figsize=(side + 0.6, side), layout="constrained")
    axis = figure.subplots()
    text = np.array(
        [
            [f"{part:.0f}\n({count:,.0f})" for part, count in zip(*row, strict=True)]
            for row in zip(share, matrix, strict=True)
        ]
    )
    names = list(faces.classes)
    options = {"fmt": "", "cmap": "Blues", "vmin": 0, "vmax": 100, "square": True, "cbar": False, "linewidths": 0.5}
    sns.heatmap(share, annot=text, annot_kws={"fontsize": 8}, xticklabels=names, yticklabels=names, ax=axis, **options)
    axis.tick_params(axis="y", rotation=0)
    axis.set(title=f"{title}, {label(faces)}", xlabel="predicted; % of the row, and images", ylabel="labelled")
    return figure


@as_text
def intervals(
    table: pd.DataFrame, faces: Faces, title: str, xlabel: str, zero: bool = False, near: float | None = None
) -> Figure:
    """A row for each of `table` (indexed by name; value, low, high as fractions): a dot with its interval, and what
    that is over, which its column `seeds` says where it has one.

    zero  they are differences, of `statistics.difference`: with a line at 0
    near  with a second panel of so many points to either side of 0, where whatever is further away is an arrow
    """
    figure = Figure(figsize=(8 if near is None else 10, 0.42 * len(table) + 1.3), layout="constrained")
    axes = figure.subplots(1, 1 if near is None else 2, sharey=True, squeeze=False)[0]
    value, places = 100 * table["value"].to_numpy(float), np.arange(len(table))
    reach = 100 * np.array([table["value"] - table["low"], table["high"] - table["value"]], float)
    for axis in axes:
        axis.errorbar(value, places, xerr=reach, fmt="o", capsize=3)
        if zero:
            axis.axvline(0, color="0.4", linewidth=1)
        axis.set(xlabel=_over(table, xlabel, zero), ylim=(len(table) - 0.5, -0.5))
    axes[0].set_yticks(places, _with_seeds(table))
    if near is not None:
        axes[1].set(xlim=(-near, near), xlabel=f"the same, within {near:g} points of 0")
        for place in places[np.abs(value) > near]:
            marker, end = (">", near) if value[place] > 0 else ("<", -near)
            axes[1].plot(end, place, marker, color=sns.color_palette()[0], clip_on=False)
    if not zero:  # a score, whose interval over a few seeds may reach beyond what there is
        axes[0].set_xlim(max(axes[0].get_xlim()[0], -2), min(axes[0].get_xlim()[1], 102))
    if near is None:
        axes[0].set_title(f"{title}, {label(faces)}")
    else:
        figure.suptitle(f"{title}, {label(faces)}")
    return figure


def _over(table: pd.DataFrame, what: str, differences: bool) -> str:
    """`what` with what the 95 % intervals of a table are over: images, where one training is all there is, or seeds, or
    of differences over both."""
    known = table.dropna(subset=["low", "high"])  # else there is none to be told of
    if known.empty or "seeds" not in table:
        return what if known.empty else f"{what}; 95 % intervals"
    seeds = {int(count) for count in known["seeds"]}
    if seeds == {1}:
        return f"{what}; 95 % over images"
    one, several = ", or with one seed over images" if 1 in seeds else "", seeds - {1}
    each = f"{several.pop()} seeds" if len(several) == 1 else "seeds" if differences else "the seeds"
    return f"{what}; 95 % over {'images and ' if differences else ''}{each}{one}"


def _with_seeds(table: pd.DataFrame) -> list[str]:
    """The names of the rows, with the number of seeds where not all have the same."""
    if "seeds" not in table or table["seeds"].nunique() == 1:
        return list(table.index)
    return [
        f"{name} ({count:.0f} seed{'s' * bool(count > 1)})"
        for name, count in zip(table.index, table["seeds"], strict=True)
    ]


@as_text
def panels(
    table: pd.DataFrame, x: str, hue: str, panel: str, faces: Faces, title: str, ylabel: str, zero: bool = False
) -> Figure:
    """A panel for each value of the column `panel`: value with its interval over `x`, a colour and a marker for each of
    `hue`.

    table  also with value, low and high (fractions, shown as %); whatever is in order stays in it. Where `hue` is
           categorical, a category has its own whether the others are there or not
    zero   with a line at 0
    """
    if "size" in table:  # of a student, as papers and sentences have it
        table = table.assign(size=table["size"].str.upper())
    names, kinds, places = (list(dict.fromkeys(table[column])) for column in (panel, hue, x))
    shades = table[hue].cat.categories if isinstance(table[hue].dtype, pd.CategoricalDtype) else kinds
    colors = dict(zip(shades, sns.color_palette(n_colors=max(10, len(shades))), strict=False))
    markers = dict(zip(shades, cycle(MARKERS)))
    figure = Figure(figsize=(4.6 * max(len(names), 2) + 1.4, 3.6), layout="constrained")
    for axis, name in zip(figure.subplots(1, len(names), sharey=True, squeeze=False)[0], names, strict=True):
        for number, kind in enumerate(kinds):
            part = table[(table[panel] == name) & (table[hue] == kind)]
            spots = np.array([places.index(value) for value in part[x]]) + 0.09 * (number - (len(kinds) - 1) / 2)
            reach = 100 * np.array([part["value"] - part["low"], part["high"] - part["value"]])
            style = {"capsize": 2, "markersize": 4, "color": colors[kind]}
            axis.errorbar(spots, 100 * part["value"], yerr=reach, fmt=markers[kind], label=str(kind), **style)
            joined = (part[x] != "none").to_numpy()  # which is on no scale with the others
            axis.plot(spots[joined], 100 * part["value"][joined], color=style["color"])
        if zero:
            axis.axhline(0, color="0.4", linewidth=1)
        axis.set_xticks(range(len(places)), [f"{place:g}" if isinstance(place, float) else place for place in places])
        axis.set(title=name, xlabel=x, ylabel=ylabel if axis.get_subplotspec().is_first_col() else "")
        axis.set_xlim(-0.5, len(places) - 0.5)  # of one place, its values stand together
        axis.grid(False, axis="x")
    if not zero:  # a score, whose interval over a few folds may reach beyond what there is
        axis.set_ylim(max(axis.get_ylim()[0], 0), min(axis.get_ylim()[1], 100))
    handles, labels = axis.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right center", title=hue, fontsize=9, title_fontsize=9)
    figure.suptitle(f"{title}, {label(faces)}")
    return figure


@as_text
def recall_by_frequency(table: pd.DataFrame, faces: Faces) -> Figure:
    """Recall of each class, the most frequent at the top, a panel a run; dashed, the mean over the classes. Columns
    images (those trained on), class, run, recall."""
    runs = list(table.groupby("run", sort=False))
    columns = min(len(runs), 3)
    lines = -(-len(runs) // columns)
    figure = Figure(
        figsize=(2.4 * columns + 1.8, (0.24 * len(faces.classes) + 0.8) * lines + 0.7), layout="constrained"
    )
    grid = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False)
    for axis in grid.ravel()[len(runs) :]:
        axis.set_axis_off()
    for axis, (name, part) in zip(grid.ravel(), runs, strict=False):
        part = part.sort_values("images", ascending=False, kind="stable")
        mean, places = part["recall"].mean(), np.arange(len(part))
        axis.axvline(100 * mean, color="0.5", linestyle="--", linewidth=1)
        axis.hlines(places, 100 * mean, 100 * part["recall"], color=sns.color_palette()[0], linewidth=1)
        axis.plot(100 * part["recall"], places, "o", color=sns.color_palette()[0])
        axis.set_yticks(places, [f"{row['class']}, {row['images']:,.0f}" for _, row in part.iterrows()], fontsize=9)
        axis.set(xlim=(-4, 104), ylim=(len(part) - 0.4, -0.6))
        axis.set_title(name, fontsize=10)
        axis.grid(False, axis="y")
    figure.supxlabel(f"{split_of(faces, 'test')} recall, %; dashed: the mean of the classes", fontsize=10)
    figure.suptitle(f"Recall by class, with its training images, {label(faces)}")
    return figure


@as_text
def reliability(table: pd.DataFrame, error: float, faces: Faces, of: str = "") -> Figure:
    """Accuracy by confidence, and how many images there are at each; `table` and `error` are metrics.calibration's.

    of  what answers, such as "seed 42", to be read in the title
    """
    figure = Figure(figsize=(5, 4.8), layout="constrained")
    axis, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    axis.plot([0, 100], [0, 100], color="0.6", linestyle="--")
    line = {"color": sns.color_palette()[0]}
    axis.plot(100 * table["confidence"], 100 * table["accuracy"], **line)
    few = table["images"] < FEW
    for part, face, said in ((table[~few], line["color"], f"{FEW} images or more"), (table[few], "white", "fewer")):
        axis.plot(100 * part["confidence"], 100 * part["accuracy"], "o", markerfacecolor=face, label=said, **line)
    axis.legend(fontsize=9, loc="upper left")
    axis.set(ylabel="accuracy, %", xlim=(0, 100), ylim=(0, 100))
    below.bar(100 * table["confidence"], table["images"], width=4)
    below.set(xlabel="confidence, %", ylabel="images", yscale="log", ylim=(0.8, None))
    below.yaxis.set_major_formatter("{x:,g}")
    axis.set_title(f"Calibration error {100 * error:.1f} %, {f'{of}, ' if of else ''}{label(faces)}")
    return figure


@as_text
def shares(table: pd.DataFrame, faces: Faces, title: str, xlabel: str) -> Figure:
    """A bar for each row of `table`, indexed by what it is of, made up of its columns (fractions of 1)."""
    figure = Figure(figsize=(8, 0.42 * len(table) + 1.5), layout="constrained")
    axis = figure.subplots()
    (100 * table.fillna(0)).plot.barh(stacked=True, ax=axis, width=0.75)
    for bars in axis.containers:
        label_bars(bars, [f"{width:.0f}" if width > 4 else "" for width in bars.datavalues])
    axis.set(xlabel=xlabel, ylabel="", xlim=(0, 100))
    axis.invert_yaxis()
    axis.grid(False, axis="y")
    axis.get_legend().remove()
    figure.legend(ncols=len(table.columns), loc="outside lower center", frameon=False)
    axis.set_title(f"{title}, {label(faces)}")
    return figure
