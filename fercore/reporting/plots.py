"""One function a figure. Each returns a matplotlib Figure; `save` writes SVG and PNG, the same bytes every run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from ..datasets import Faces
from ..results.tables import label

sns.set_theme(context="notebook", style="whitegrid", palette="colorblind", font_scale=0.9)
matplotlib.rcParams.update({"svg.hashsalt": "fercore", "figure.dpi": 100, "savefig.dpi": 150, "savefig.bbox": "tight"})


def save(figure: Figure, out: str | Path, name: str) -> Figure:
    """Write out/name.svg and out/name.png, without dates; nothing where `out` is empty. Returns the figure."""
    if out:
        Path(out).mkdir(parents=True, exist_ok=True)
        if figure.get_layout_engine() is not None:  # every further drawing would move the axes by a little more
            figure.draw_without_rendering()
            figure.set_layout_engine("none")
        figure.savefig(Path(out) / f"{name}.svg", metadata={"Date": None, "Creator": None})
        figure.savefig(Path(out) / f"{name}.png", metadata={"Software": None})
    return figure


def class_counts(counts: pd.DataFrame, faces: Faces) -> Figure:
    """The share of each class in each split, with the number of images on the bar; `counts` is audit.counts'."""
    body = counts.drop(index="total").drop(columns="total", errors="ignore")
    figure = Figure(figsize=(9, 0.55 * len(body) + 1.4), layout="constrained")
    axes = figure.subplots(1, len(body.columns), sharey=True, squeeze=False)[0]
    for place, (axis, split) in enumerate(zip(axes, body.columns, strict=True)):
        share = 100 * body[split] / body[split].sum()
        bars = axis.barh(body.index, share, color=sns.color_palette()[place % 10])
        axis.bar_label(bars, [f"{count:,}" for count in body[split]], padding=3, fontsize=9)
        axis.set(title=f"{split}: {body[split].sum():,}", xlabel="share of the split, %", xlim=(0, share.max() * 1.3))
        axis.grid(False, axis="y")
    axes[0].invert_yaxis()
    figure.suptitle(f"Images by class, {label(faces)}")
    return figure


def contact_sheet(faces: Faces, rows: Sequence[Sequence[int]], names: Sequence[str], title: str) -> Figure:
    """A row of images for each of `names`: `rows[i]` are row numbers of `faces`."""
    width = max(map(len, rows))
    figure = Figure(figsize=(0.8 * width + 1.2, 0.85 * len(rows) + 0.5))
    grid = figure.subplots(len(rows), width, squeeze=False)
    figure.subplots_adjust(left=1.1 / figure.get_figwidth(), right=0.995, bottom=0.01, wspace=0.04, hspace=0.04)
    figure.subplots_adjust(top=1 - 0.4 / figure.get_figheight())
    for axes, members, name in zip(grid, rows, names, strict=True):
        for axis, row in zip(axes, [*members, *[None] * (width - len(members))], strict=True):
            axis.set_axis_off()
            if row is not None:
                axis.imshow(faces.pixels[row], cmap="gray", vmin=0, vmax=255)
        axes[0].text(-0.1, 0.5, name, transform=axes[0].transAxes, ha="right", va="center")
    figure.suptitle(f"{title}, {label(faces)}", y=1 - 0.1 / figure.get_figheight(), va="top")
    return figure


def by_class(faces: Faces, count: int = 12, seed: int = 0, split: str | None = None) -> Figure:
    """A contact sheet of `count` images a class, drawn at random."""
    draw = np.random.default_rng(seed)
    pool = np.arange(len(faces)) if split is None else faces.rows(split)
    rows = []
    for index in range(len(faces.classes)):
        of_class = pool[faces.labels[pool] == index]
        rows.append(np.sort(draw.choice(of_class, min(count, len(of_class)), replace=False)))
    return contact_sheet(faces, rows, faces.classes, "Images drawn at random" + (f" from {split}" if split else ""))


def image_pairs(faces: Faces, pairs: Sequence[tuple[int, int]], captions: Sequence[str], title: str) -> Figure:
    """Pairs of images, one above the other, with a caption below each pair."""
    columns = min(10, max(1, len(pairs)))
    lines = max(1, -(-len(pairs) // columns))
    high, wide = faces.pixels.shape[1:3]
    tall = 2.02 * high / wide  # of a pair, in inches
    figure = Figure(figsize=(1.05 * columns, 0.86 + tall * lines + 0.42 * (lines - 1)))
    figure.subplots_adjust(left=0.01, right=0.99, wspace=0.06, hspace=0.42 / tall)
    figure.subplots_adjust(bottom=0.42 / figure.get_figheight(), top=1 - 0.44 / figure.get_figheight())
    grid = figure.subplots(lines, columns, squeeze=False).ravel()
    for axis in grid:
        axis.set_axis_off()
    if not len(pairs):
        grid[0].text(0.5, 0.5, "none", transform=grid[0].transAxes, ha="center", va="center")
    for axis, (first, second), caption in zip(grid, pairs, captions, strict=False):
        gap = np.full((max(1, high // 24), *faces.pixels.shape[2:]), 255, np.uint8)
        axis.imshow(np.concatenate([faces.pixels[first], gap, faces.pixels[second]]), cmap="gray", vmin=0, vmax=255)
        axis.text(0.5, -0.03, caption, transform=axis.transAxes, ha="center", va="top", fontsize=8)
    figure.suptitle(f"{title}, {label(faces)}", y=1 - 0.1 / figure.get_figheight(), va="top")
    return figure


def leakage(exact: pd.DataFrame, near: pd.DataFrame, faces: Faces, against: str = "Training") -> Figure:
    """How much of each other split also stands in `against`: identical to the byte, and the same photograph."""
    tested = [split for split in exact.index if split != against]
    shares = pd.DataFrame({"identical to the byte": exact["share"], "the same photograph": near["share"]}).loc[tested]
    images = pd.DataFrame({"exact": exact[f"in_{against}"], "near": near[f"in_{against}"]}).loc[tested]
    figure = Figure(figsize=(7, 0.8 * len(tested) + 1.6), layout="constrained")
    axis = figure.subplots()
    axis.set_title(f"Test images that stand in {against}, {label(faces)}")
    if not tested:
        axis.set_axis_off()
        axis.text(0.5, 0.5, f"no split but {against}", transform=axis.transAxes, ha="center", va="center")
        return figure
    (100 * shares).plot.barh(ax=axis, width=0.75)
    for bars, column in zip(axis.containers, images, strict=True):
        axis.bar_label(bars, [f"{count:,}" for count in images[column]], padding=3, fontsize=9)
    axis.set(xlabel=f"share of the split that also stands in {against}, %", ylabel="")
    axis.set_xlim(0, max(118 * shares.max().max(), 1))
    axis.invert_yaxis()
    axis.grid(False, axis="y")
    axis.legend(loc="best")
    return figure


def class_pairs(table: pd.DataFrame, faces: Faces, title: str, reading: str) -> Figure:
    """A square table of counts by two classes as a heat map; the diagonal, which would drown the rest, is left grey."""
    side = 0.72 * len(table) + 1.6
    figure = Figure(figsize=(side + 0.8, side), layout="constrained")
    axis = figure.subplots()
    off = table.mask(np.eye(len(table), dtype=bool))
    sns.heatmap(off, annot=table, fmt=",", cmap="rocket_r", linewidths=0.5, square=True, ax=axis, cbar=False)
    for index in range(len(table)):
        axis.text(index + 0.5, index + 0.5, f"{table.iloc[index, index]:,}", ha="center", va="center", color="0.45")
    axis.set_facecolor("0.93")
    axis.grid(False)
    axis.set(title=f"{title}, {label(faces)}", xlabel=reading, ylabel="")
    axis.tick_params(axis="y", rotation=0)
    return figure


def mean_faces(means: np.ndarray, faces: Faces) -> Figure:
    """The average image of each class, and below it what sets it apart from the average of all of them."""
    present = [index for index in range(len(means)) if not np.isnan(means[index]).all()]
    grey = means if means.ndim == 3 else means.mean(axis=-1)
    overall = np.nanmean(grey, axis=0)
    figure = Figure(figsize=(1.15 * len(present) + 0.8, 2.95), layout="constrained")
    grid = figure.subplots(2, len(present), squeeze=False)
    reach = max(np.nanmax(np.abs(grey - overall)), 1e-9)
    for top, bottom, index in zip(*grid, present, strict=True):
        top.imshow(means[index] / 255, cmap="gray", vmin=0, vmax=1)
        top.set_title(faces.classes[index], fontsize=10)
        difference = bottom.imshow(grey[index] - overall, cmap="RdBu_r", vmin=-reach, vmax=reach)
        top.set_axis_off()
        bottom.set_axis_off()
    bar = figure.colorbar(difference, ax=grid.ravel().tolist(), fraction=0.03, pad=0.01)
    bar.set_label("difference from the mean\nof all classes, grey levels", fontsize=9)
    figure.suptitle(f"Mean faces, {label(faces)}")
    return figure


def brightness(table: pd.DataFrame, faces: Faces) -> Figure:
    """Mean and contrast of the images by class, a box each; whiskers from the 5th to the 95th percentile."""
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    titles = {"mean": "mean grey level", "contrast": "standard deviation of grey levels"}
    for axis, (column, title) in zip(figure.subplots(1, 2), titles.items(), strict=True):
        sns.boxplot(table, x=column, y="class", whis=(5, 95), showfliers=False, ax=axis, color=sns.color_palette()[0])
        axis.set(xlabel=f"{title} of an image", ylabel="")
    figure.suptitle(f"Brightness and contrast by class, {label(faces)}")
    return figure


def vote_agreement(table: pd.DataFrame, faces: Faces) -> Figure:
    """What a majority of the FER+ votes says of FER2013's labels, by class."""
    figure = Figure(figsize=(8, 0.45 * len(table) + 1.5), layout="constrained")
    axis = figure.subplots()
    columns = {"agree": "agree", "no_majority": "no majority", "disagree": "majority for another"}
    shares = 100 * table[list(columns)].rename(columns=columns)
    shares.plot.barh(stacked=True, ax=axis, width=0.8, color=[sns.color_palette()[index] for index in (2, 7, 3)])
    for bars in axis.containers:
        axis.bar_label(bars, [f"{width:.0f}" if width > 4 else "" for width in bars.datavalues], label_type="center")
    axis.set(xlabel="share of the images, %", ylabel="", xlim=(0, 100))
    axis.invert_yaxis()
    axis.grid(False, axis="y")
    axis.get_legend().remove()
    figure.legend(ncols=3, loc="outside lower center", frameon=False)
    axis.set_title(f"Ten FER+ votes against the label, {label(faces)}")
    return figure


def label_errors(found: pd.DataFrame, wrong: np.ndarray, faces: Faces, truth: str) -> Figure:
    """Precision and recall when the most doubtful labels are taken first; `truth` says who judged them."""
    known = np.flatnonzero(~np.isnan(wrong))
    order = known[np.argsort(found["quality"].to_numpy()[known], kind="stable")]
    hits = np.cumsum(wrong[order])
    taken = np.arange(1, len(order) + 1)
    total = max(wrong[known].sum(), 1)  # where no label is wrong, none can be found
    figure = Figure(figsize=(6, 4), layout="constrained")
    axis = figure.subplots()
    shown = taken >= min(20, len(taken))
    axis.plot(100 * hits[shown] / total, 100 * (hits / taken)[shown], label="most doubtful first")
    axis.axhline(100 * wrong[known].sum() / max(len(known), 1), color="0.5", linestyle="--", label="drawn at random")
    suspected = wrong[known][found["suspected"].to_numpy()[known]]
    if len(suspected):
        axis.plot(100 * suspected.sum() / total, 100 * suspected.mean(), "o", label="what cleanlab suspects")
    axis.set(xlim=(0, 100), ylim=(0, 100), xlabel="wrong labels found, %", ylabel="of those taken, wrong, %")
    axis.legend()
    axis.set_title(f"Label errors, judged by {truth}, {label(faces)}")
    return figure


def training_curves(histories: Mapping[str, pd.DataFrame], faces: Faces, score: str, title: str) -> Figure:
    """Loss of training and selection split, and a score, by epoch: a colour a run. The best epoch has a dot."""
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    for color, (name, history) in zip(
        sns.color_palette(n_colors=max(10, len(histories))), histories.items(), strict=False
    ):
        left.plot(history["epoch"], history["train_loss"], ".--", color=color)
        left.plot(history["epoch"], history["loss"], ".-", color=color)
        right.plot(history["epoch"], 100 * history[score], ".-", color=color, label=name)
        best = history.loc[history[score].idxmax()]
        right.plot(best["epoch"], 100 * best[score], "o", color=color)
    left.plot([], [], color="0.3", linestyle="--", label="Training, the loss that is trained with")
    left.plot([], [], color="0.3", label="PublicTest, cross-entropy")
    left.set(xlabel="epoch", ylabel="loss")
    right.set(xlabel="epoch", ylabel=f"PublicTest {score.replace('_', '-')}, %".replace("f1", "F1"))
    for axis in (left, right):
        axis.xaxis.get_major_locator().set_params(integer=True)
        axis.legend(fontsize=8)
    figure.suptitle(f"{title}, {label(faces)}")
    return figure


def confusion(matrix: np.ndarray, faces: Faces, title: str) -> Figure:
    """Images by true class (rows) and predicted class (columns): shares of the row, % with the count below."""
    share = 100 * matrix / np.maximum(matrix.sum(1, keepdims=True), 1)
    side = 0.8 * len(matrix) + 1.6
    figure = Figure(figsize=(side + 0.6, side), layout="constrained")
    axis = figure.subplots()
    text = np.array(
        [
            [f"{part:.0f}\n({count:,})" for part, count in zip(*row, strict=True)]
            for row in zip(share, matrix, strict=True)
        ]
    )
    names = list(faces.classes)
    options = {"fmt": "", "cmap": "Blues", "vmin": 0, "vmax": 100, "square": True, "cbar": False, "linewidths": 0.5}
    sns.heatmap(share, annot=text, annot_kws={"fontsize": 8}, xticklabels=names, yticklabels=names, ax=axis, **options)
    axis.tick_params(axis="y", rotation=0)
    axis.set(title=f"{title}, {label(faces)}", xlabel="predicted; % of the row, and images", ylabel="labelled")
    return figure


def intervals(
    table: pd.DataFrame, faces: Faces, title: str, xlabel: str, marks: Mapping[str, float] | None = None
) -> Figure:
    """A row for each of `table` (indexed by name; value, low, high as fractions): a dot with its interval.

    marks  by name, fractions that are set beside it, such as what a paper prints
    """
    figure = Figure(figsize=(8, 0.42 * len(table) + 1.3), layout="constrained")
    axis = figure.subplots()
    places = np.arange(len(table))
    reach = 100 * np.array([table["value"] - table["low"], table["high"] - table["value"]])
    axis.errorbar(100 * table["value"], places, xerr=reach, fmt="o", capsize=3, label="measured, 95 %")
    known = {name: value for name, value in (marks or {}).items() if name in table.index}
    if known:
        rows = [table.index.get_loc(name) for name in known]
        axis.plot(100 * np.array(list(known.values())), rows, "D", color=sns.color_palette()[3], label="paper")
        axis.legend(loc="best", fontsize=8)
    axis.set_yticks(places, list(table.index))
    axis.set(xlabel=xlabel, ylim=(len(table) - 0.5, -0.5))
    axis.set_title(f"{title}, {label(faces)}")
    return figure


def size_and_latency(table: pd.DataFrame, faces: Faces, title: str = "Size and latency") -> Figure:
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
    axis.set_title(f"{title}; larger dots for PrivateTest accuracy, {label(faces)}", fontsize=10)
    return figure


def recall_by_frequency(table: pd.DataFrame, faces: Faces) -> Figure:
    """Recall of each class against its training images, a line a run; columns images, class, run, recall."""
    figure = Figure(figsize=(7, 4), layout="constrained")
    axis = figure.subplots()
    for name, part in table.groupby("run", sort=False):
        part = part.sort_values("images")
        axis.plot(part["images"], 100 * part["recall"], "o-", label=name, alpha=0.8)
    first = table[table["run"] == table["run"].iloc[0]]
    for _, row in first.iterrows():
        top = 100 * table.loc[table["class"] == row["class"], "recall"].max()
        axis.annotate(
            row["class"], (row["images"], top), xytext=(0, 6), textcoords="offset points", ha="center", fontsize=8
        )
    axis.set(xscale="log", xlabel="training images of the class", ylabel="PrivateTest recall, %", ylim=(0, 105))
    axis.legend(fontsize=8)
    axis.set_title(f"Class frequency against recall, {label(faces)}")
    return figure


def reliability(table: pd.DataFrame, error: float, faces: Faces) -> Figure:
    """Accuracy by confidence, and how many images there are at each; `table` and `error` are metrics.calibration's."""
    figure = Figure(figsize=(5, 4.4), layout="constrained")
    axis, below = figure.subplots(2, 1, sharex=True, height_ratios=(4, 1))
    axis.plot([0, 100], [0, 100], color="0.6", linestyle="--")
    axis.plot(100 * table["confidence"], 100 * table["accuracy"], "o-")
    axis.set(ylabel="accuracy, %", xlim=(0, 100), ylim=(0, 100))
    below.bar(100 * table["confidence"], table["images"], width=4)
    below.set(xlabel="confidence, %", ylabel="images")
    axis.set_title(f"Calibration error {100 * error:.1f} %, {label(faces)}")
    return figure


def explanations(faces: Faces, rows: Sequence[int], maps: np.ndarray, captions: Sequence[str], title: str) -> Figure:
    """Images, and below each where the network looked for its answer: maps (N, H, W) from 0 to 1."""
    figure = Figure(figsize=(1.1 * len(rows), 2.75), layout="constrained")
    for column, row, heat, caption in zip(
        figure.subplots(2, len(rows), squeeze=False).T, rows, maps, captions, strict=True
    ):
        for axis in column:
            axis.imshow(faces.pixels[row], cmap="gray", vmin=0, vmax=255)
            axis.set_axis_off()
        column[1].imshow(heat, cmap="inferno", alpha=0.7 * heat, vmin=0, vmax=1)
        column[0].set_title(caption, fontsize=8)
    figure.suptitle(f"{title}, {label(faces)}")
    return figure


def panels(
    table: pd.DataFrame, x: str, hue: str, panel: str, faces: Faces, title: str, ylabel: str, zero: bool = False
) -> Figure:
    """A panel for each value of the column `panel`: value with its interval over `x`, a colour for each of `hue`.

    table  also with value, low and high (fractions, shown as %); whatever is in order stays in it. Where `hue` is
           categorical, a category has its colour whether the others are there or not
    zero   with a line at 0
    """
    names, kinds, places = (list(dict.fromkeys(table[column])) for column in (panel, hue, x))
    shades = table[hue].cat.categories if isinstance(table[hue].dtype, pd.CategoricalDtype) else kinds
    colors = dict(zip(shades, sns.color_palette(n_colors=max(10, len(shades))), strict=False))
    figure = Figure(figsize=(4.6 * max(len(names), 2) + 1.4, 3.6), layout="constrained")
    for axis, name in zip(figure.subplots(1, len(names), sharey=True, squeeze=False)[0], names, strict=True):
        for number, kind in enumerate(kinds):
            part = table[(table[panel] == name) & (table[hue] == kind)]
            spots = np.array([places.index(value) for value in part[x]]) + 0.09 * (number - (len(kinds) - 1) / 2)
            reach = 100 * np.array([part["value"] - part["low"], part["high"] - part["value"]])
            style = {"capsize": 2, "markersize": 4, "color": colors[kind]}
            axis.errorbar(spots, 100 * part["value"], yerr=reach, fmt="o", label=str(kind), **style)
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


def shares(table: pd.DataFrame, faces: Faces, title: str, xlabel: str) -> Figure:
    """A bar for each row of `table`, indexed by what it is of, made up of its columns (fractions of 1)."""
    figure = Figure(figsize=(8, 0.42 * len(table) + 1.5), layout="constrained")
    axis = figure.subplots()
    (100 * table.fillna(0)).plot.barh(stacked=True, ax=axis, width=0.75)
    for bars in axis.containers:
        axis.bar_label(bars, [f"{width:.0f}" if width > 4 else "" for width in bars.datavalues], label_type="center")
    axis.set(xlabel=xlabel, ylabel="", xlim=(0, 100))
    axis.invert_yaxis()
    axis.grid(False, axis="y")
    axis.get_legend().remove()
    figure.legend(ncols=len(table.columns), loc="outside lower center", frameon=False)
    axis.set_title(f"{title}, {label(faces)}")
    return figure


def softened(faces: Faces, logits: np.ndarray, row: int, temperature: float) -> Figure:
    """An image, and what a teacher with `logits`, float (N, C), says of it at a temperature and at 1."""
    figure = Figure(figsize=(7, 0.3 * len(faces.classes) + 1.2), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1, 2))
    left.imshow(faces.pixels[row], cmap="gray", vmin=0, vmax=255)
    left.set_axis_off()
    places = np.arange(len(faces.classes))
    for shift, one, color in ((-0.2, 1.0, "0.75"), (0.2, float(temperature), sns.color_palette()[0])):
        part = np.exp((logits[row] - logits[row].max()) / one)
        right.barh(places + shift, 100 * part / part.sum(), height=0.38, color=color, label=f"temperature {one:g}")
    right.set_yticks(places, faces.classes)
    right.set(xlim=(0, 100), xlabel="probability, %")
    right.invert_yaxis()
    right.grid(False, axis="y")
    right.legend(loc="best", fontsize=8)
    figure.suptitle(f"Labelled {faces.classes[faces.labels[row]]}, {label(faces)}")
    return figure


def sparsity(table: pd.DataFrame, baseline: float, faces: Faces, title: str) -> Figure:
    """Accuracy against the share of weights taken out, a line a way; columns sparsity, how, accuracy.

    baseline  accuracy of the whole network, a dashed line
    """
    figure = Figure(figsize=(7, 4), layout="constrained")
    axis = figure.subplots()
    axis.axhline(100 * baseline, color="0.5", linestyle="--", label="the whole network")
    for name, part in table.groupby("how", sort=False):
        axis.plot(100 * part["sparsity"], 100 * part["accuracy"], "o-", label=name)
    axis.set(
        xlabel="weights taken out of each layer, %", ylabel="PrivateTest accuracy, %", xlim=(0, 100), ylim=(0, None)
    )
    axis.legend(fontsize=9)
    axis.set_title(f"{title}, {label(faces)}")
    return figure


def latencies(table: pd.DataFrame, faces: Faces, title: str) -> Figure:
    """A panel a network, a row a runtime: median latency with a line to the 90th percentile; dashed, the limit.

    table  as latency.bench has it, INT8 calibrated on `faces`; runtimes without a number have a row that says so
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
        _log_ticks(axis)
        if axis.get_subplotspec().is_last_row():
            axis.set_xlabel("ms; dashed: the limit in fp32")
    figure.suptitle(f"{title}, {label(faces)}")
    return figure


def _log_ticks(axis) -> None:
    """Ticks at 1, 2 and 5 in plain numbers, also where there is less than a decade to show."""
    axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.xaxis.set_major_formatter("{x:g}")
    axis.xaxis.set_minor_formatter(NullFormatter())


def pareto(table: pd.DataFrame, x: str, y: str, faces: Faces, title: str, xlabel: str, ylabel: str) -> Figure:
    """Points of `table` by name, y (a fraction, shown as %) over x (the less the better); a line joins the best."""
    figure = Figure(figsize=(8, 4.4), layout="constrained")
    axis = figure.subplots()
    best = table.sort_values([x, y], ascending=[True, False])
    best = best[best[y] > best[y].cummax().shift(fill_value=-np.inf)]
    axis.step(best[x], 100 * best[y], where="post", color="0.6", linestyle="--", label="none is smaller and better")
    for place, (name, row) in enumerate(table.iterrows()):
        axis.scatter(row[x], 100 * row[y], color=sns.color_palette("husl", len(table))[place], label=name, zorder=3)
    axis.set(xscale="log", xlabel=xlabel, ylabel=ylabel)
    _log_ticks(axis)
    axis.legend(loc="center left", bbox_to_anchor=(1, 0.5), fontsize=8)
    axis.set_title(f"{title}, {label(faces)}", fontsize=10)
    return figure
