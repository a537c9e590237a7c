"""What a data set is like: its classes, its copies, its brightness, its labels and who gave them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from ...datasets import Faces
from ...results.tables import label
from .drawing import as_text, label_bars


@as_text
def class_counts(counts: pd.DataFrame, faces: Faces) -> Figure:
    """The share of each class in each split, with the number of images on the bar; `counts` is audit.counts'."""
    body = counts.iloc[:-1, : max(1, counts.shape[1] - 1)]  # without the totals
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


@as_text
def leakage(exact: pd.DataFrame, near: pd.DataFrame, faces: Faces, against: str | None = None) -> Figure:
    """How much of each other split also stands in `against`, by default the training split: identical to the byte, and
    the same photograph."""
    against = faces.split_of("train") if against is None else against
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


@as_text
def class_pairs(table: pd.DataFrame, faces: Faces, title: str, reading: str) -> Figure:
    """A square table of counts by two classes as a heat map; the diagonal, which would drown the rest, is left grey."""
    side = 0.72 * len(table) + 1.6
    figure = Figure(figsize=(side + 0.8, side), layout="constrained")
    axis = figure.subplots()
    off = table.mask(np.eye(len(table), dtype=bool))
    sns.heatmap(off, annot=table, fmt=",", cmap="rocket_r", linewidths=0.5, square=True, ax=axis, cbar=False)
    for index in range(len(table)):
        axis.text(index + 0.5, index + 0.5, f"{table.iloc[index, index]:,}", ha="center", va="center", color="0.4")
    axis.set_facecolor("0.93")
    axis.grid(False)
    axis.set(title=f"{title}, {label(faces)}", xlabel=reading, ylabel="")
    axis.tick_params(axis="y", rotation=0)
    return figure


@as_text
def brightness(table: pd.DataFrame, faces: Faces) -> Figure:
    """Mean and contrast of the images by class, a box each; whiskers from the 5th to the 95th percentile."""
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    titles = {"mean": "mean grey level", "contrast": "standard deviation of grey levels"}
    for axis, (column, title) in zip(figure.subplots(1, 2), titles.items(), strict=True):
        sns.boxplot(table, x=column, y="class", whis=(5, 95), showfliers=False, ax=axis, color=sns.color_palette()[0])
        axis.set(xlabel=f"{title} of an image", ylabel="")
    figure.suptitle(f"Brightness and contrast by class, {label(faces)}")
    return figure


@as_text
def vote_agreement(table: pd.DataFrame, faces: Faces) -> Figure:
    """What a majority of the FER+ votes says of FER2013's labels, by class."""
    figure = Figure(figsize=(8, 0.45 * len(table) + 1.5), layout="constrained")
    axis = figure.subplots()
    columns = {"agree": "agree", "no_majority": "no majority", "disagree": "majority for another"}
    shares = 100 * table[list(columns)].rename(columns=columns)
    shares.plot.barh(stacked=True, ax=axis, width=0.8, color=[sns.color_palette()[index] for index in (2, 7, 3)])
    for bars in axis.containers:
        label_bars(bars, [f"{width:.0f}" if width > 4 else "" for width in bars.datavalues])
    axis.set(xlabel="share of the images, %", ylabel="", xlim=(0, 100))
    axis.invert_yaxis()
    axis.grid(False, axis="y")
    axis.get_legend().remove()
    figure.legend(ncols=3, loc="outside lower center", frameon=False)
    axis.set_title(f"Ten FER+ votes against the label, {label(faces)}")
    return figure


@as_text
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
    axis.set(xlim=(0, 100), ylim=(0, 100), xlabel="wrong labels found, %", ylabel="wrong among those taken, %")
    axis.legend()
    axis.set_title(f"Label errors, judged by {truth}, {label(faces)}")
    return figure
