"""One function a figure. Each returns a matplotlib Figure, which `results.Stage.figure` writes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import wraps
from itertools import cycle

import matplotlib
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, LogLocator, NullFormatter

from ..datasets import Faces
from ..results import text
from ..results.tables import label

sns.set_theme(context="notebook", style="whitegrid", palette="colorblind", font_scale=0.9)
matplotlib.rcParams["figure.dpi"] = 100
MARKERS = "osD^vP"  # so that no series is told from another by its colour alone
if "IPython" in sys.modules and (shell := sys.modules["IPython"].get_ipython()):
    from IPython.core.pylabtools import select_figure_formats

    select_figure_formats(shell, {"png"})  # until pyplot is used for the first time, a notebook shows a Figure as text


def _shown(value):
    """`value` with every text in it, names of classes, sets and splits included, as `text.figure` has it."""
    if isinstance(value, str):
        return "\n".join(map(text.figure, value.split("\n")))  # a caption may have two lines
    if isinstance(value, Faces):
        table = value.table.assign(split=value.table["split"].map(text.figure))
        roles = {role: text.figure(split) for role, split in value.roles.items()}
        classes = tuple(map(text.figure, value.classes))
        return replace(value, name=text.figure(value.name), classes=classes, table=table, roles=roles)
    if isinstance(value, pd.DataFrame):
        return _shown_frame(value)
    if isinstance(value, dict):
        return {_shown(key): _shown(one) for key, one in value.items()}
    return type(value)(map(_shown, value)) if type(value) in (list, tuple) else value


def _shown_frame(frame: pd.DataFrame) -> pd.DataFrame:
    frame = frame.rename(index=_shown, columns=_shown)
    for name, kind in frame.dtypes.items():
        if isinstance(kind, pd.CategoricalDtype):
            frame[name] = frame[name].cat.rename_categories(_shown)
        elif pd.api.types.is_object_dtype(kind) or pd.api.types.is_string_dtype(kind):
            frame[name] = frame[name].map(_shown)
    return frame


def _as_text(draw: Callable[..., Figure]) -> Callable[..., Figure]:
    """`draw` with all text that it is given shown as it is: no class, such as one named "$x^$", is a formula."""

    @wraps(draw)
    def drawn(*given, **more):
        return draw(*map(_shown, given), **{name: _shown(value) for name, value in more.items()})

    return drawn


@_as_text
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


@_as_text
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


@_as_text
def by_class(faces: Faces, count: int = 12, seed: int = 0, split: str | None = None) -> Figure:
    """A contact sheet of `count` images a class, drawn at random."""
    draw = np.random.default_rng(seed)
    pool = np.arange(len(faces)) if split is None else faces.rows(split)
    rows = []
    for index in range(len(faces.classes)):
        of_class = pool[faces.labels[pool] == index]
        rows.append(np.sort(draw.choice(of_class, min(count, len(of_class)), replace=False)))
    title = "Images drawn at random" + (f" from {split}" if split else "")
    return contact_sheet.__wrapped__(faces, rows, faces.classes, title)


@_as_text
def by_doubt(faces: Faces, quality: np.ndarray, share: float, count: int = 12) -> Figure:
    """A contact sheet of `count` images a class from one place in the order of doubt.

    quality  of each label, float (N,), low where it is doubtful
    share    from 0, the most doubtful of a class, to 1, the clearest
    """
    rows = _in_order(faces, quality, share, count)
    where = {0: "the most doubtful labels", 1: "the clearest labels"}.get(share, f"{100 * share:.0f} % of the way up")
    return contact_sheet.__wrapped__(faces, rows, faces.classes, f"From doubtful to clear: {where}")


def _in_order(faces: Faces, values: np.ndarray, place: float, count: int) -> list[np.ndarray]:
    """Rows of `count` images of each class from one place, 0 to 1, in the order of `values`, float (N,); NaN: left
    out."""
    rows = []
    for index in range(len(faces.classes)):
        of_class = np.flatnonzero((faces.labels == index) & ~np.isnan(values))
        order = of_class[np.argsort(values[of_class], kind="stable")]
        start = round(place * max(len(order) - count, 0))
        rows.append(order[start : start + count])
    return rows


@_as_text
def answered(faces: Faces, rows: np.ndarray, answers: np.ndarray, labelled: str, said: str, count: int = 12) -> Figure:
    """The first `count` of the images `rows` that are labelled one class and answered with another, and below them for
    comparison those of either class that are answered right."""
    cells = dict.fromkeys([(labelled, said), (labelled, labelled), (said, said)])  # one row where they are the same
    for one, other in cells:
        found = rows[(faces.labels[rows] == faces.classes.index(one)) & (answers == faces.classes.index(other))]
        cells[one, other] = [*found[:count], *[None] * (count - len(found))], len(found)
    names = [f"{one},\nsaid {other}" for one, other in cells]
    title = f"Labelled {labelled}, answered {said}: {cells[labelled, said][1]:,} images"
    return contact_sheet.__wrapped__(faces, [shown for shown, _ in cells.values()], names, title)


@_as_text
def augmented(faces: Faces, rows: Sequence[int], drawn: np.ndarray, title: str) -> Figure:
    """The images `rows`, and below each what augmentation made of it: `drawn` uint8 (K, n, S, S), a row a draw."""
    lines = [faces.pixels[np.asarray(rows)], *drawn]
    figure = Figure(figsize=(0.95 * len(rows) + 1, 0.95 * len(lines) + 0.5), layout="constrained")
    for number, (axes, images) in enumerate(
        zip(figure.subplots(len(lines), len(rows), squeeze=False), lines, strict=True)
    ):
        for axis, image in zip(axes, images, strict=True):
            axis.imshow(image, cmap="gray", vmin=0, vmax=255)
            axis.set_axis_off()
        name = f"draw {number}" if number else "as it is"
        axes[0].text(-0.1, 0.5, name, transform=axes[0].transAxes, ha="right", va="center", fontsize=9)
    figure.suptitle(f"{title}, {label(faces)}")
    return figure


@_as_text
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


@_as_text
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


@_as_text
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


@_as_text
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


@_as_text
def brightness(table: pd.DataFrame, faces: Faces) -> Figure:
    """Mean and contrast of the images by class, a box each; whiskers from the 5th to the 95th percentile."""
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    titles = {"mean": "mean grey level", "contrast": "standard deviation of grey levels"}
    for axis, (column, title) in zip(figure.subplots(1, 2), titles.items(), strict=True):
        sns.boxplot(table, x=column, y="class", whis=(5, 95), showfliers=False, ax=axis, color=sns.color_palette()[0])
        axis.set(xlabel=f"{title} of an image", ylabel="")
    figure.suptitle(f"Brightness and contrast by class, {label(faces)}")
    return figure


@_as_text
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


@_as_text
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


def _split(faces: Faces | str, role: str) -> str:
    """What a set calls the split that plays a role; FER2013's names where only the set's name is known."""
    if isinstance(faces, Faces):
        return faces.roles.get(role, role)
    return {"select": "PublicTest", "test": "PrivateTest"}[role]


@_as_text
def training_curves(histories: Mapping[str, pd.DataFrame], faces: Faces, score: str, title: str) -> Figure:
    """Loss of training and selection split, and a score, by epoch: a colour a run. The best epoch has a dot."""
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    for color, (name, history) in zip(
        sns.color_palette(n_colors=max(10, len(histories))), histories.items(), strict=False
    ):
        dot = "." if len(history) <= 20 else ""  # of many epochs, dots would fill the gaps of the dashes
        left.plot(history["epoch"], history["train_loss"], f"{dot}--", color=color)
        left.plot(history["epoch"], history["loss"], f"{dot}-", color=color)
        right.plot(history["epoch"], 100 * history[score], f"{dot}-", color=color, label=name)
        best = history.loc[history[score].idxmax()]
        right.plot(best["epoch"], 100 * best[score], "o", color=color)
    left.plot([], [], color="0.3", linestyle="--", label="training loss")
    left.plot([], [], color="0.3", label=f"{_split(faces, 'select')}, cross-entropy")
    left.set(xlabel="epoch", ylabel="loss")
    right.set(xlabel="epoch", ylabel=f"{_split(faces, 'select')} {score.replace('_', '-').replace('f1', 'F1')}, %")
    for axis in (left, right):
        axis.xaxis.get_major_locator().set_params(integer=True)
        axis.legend(fontsize=8)
    figure.suptitle(f"{title}, {label(faces)}")
    return figure


@_as_text
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


@_as_text
def intervals(table: pd.DataFrame, faces: Faces, title: str, xlabel: str, zero: bool = False) -> Figure:
    """A row for each of `table` (indexed by name; value, low, high as fractions): a dot with its interval.

    zero  with a line at 0
    """
    figure = Figure(figsize=(8, 0.42 * len(table) + 1.3), layout="constrained")
    axis = figure.subplots()
    places = np.arange(len(table))
    reach = 100 * np.array([table["value"] - table["low"], table["high"] - table["value"]])
    axis.errorbar(100 * table["value"], places, xerr=reach, fmt="o", capsize=3, label="measured, 95 %")
    axis.set_yticks(places, list(table.index))
    if zero:
        axis.axvline(0, color="0.4", linewidth=1)
    axis.set(xlabel=xlabel, ylim=(len(table) - 0.5, -0.5))
    if not zero:  # a score, whose interval over a few seeds may reach beyond what there is
        axis.set_xlim(max(axis.get_xlim()[0], -2), min(axis.get_xlim()[1], 102))
    axis.set_title(f"{title}, {label(faces)}")
    return figure


@_as_text
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


@_as_text
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
    axis.set_title(f"Size and latency; larger dots for {_split(faces, 'test')} accuracy, {label(faces)}", fontsize=10)
    return figure


@_as_text
def size_and_accuracy(
    table: pd.DataFrame, faces: Faces | str, title: str, ours: Sequence[str] = (), claimed: Sequence[str] = ()
) -> Figure:
    """Accuracy against parameters, on a logarithmic axis, each network with its interval and its name.

    table    indexed by network: parameters, and value, low, high (fractions); an interval may be missing
    ours     those that are marked; claimed  those that nobody has measured, which are hollow
    """
    figure = Figure(figsize=(9, 5), layout="constrained")
    axis = figure.subplots()
    ordered, places = table.sort_values("value", ascending=False), []
    for name, row in ordered.iterrows():
        low, value, high = 100 * row[["low", "value", "high"]].astype(float)
        low, high = np.nan_to_num([low, high], nan=value)
        color = sns.color_palette()[3 if name in ours else 7 if name in claimed else 0]
        style = {"fmt": "D" if name in ours else "o", "capsize": 2, "color": color}
        style |= {"markerfacecolor": "white"} if name in claimed else {}
        axis.errorbar(row["parameters"], value, yerr=[[value - low], [high - value]], **style)
        places.append((row["parameters"], value, "0.35" if name in claimed else color, low, high))
    sizes = table["parameters"].astype(float)
    axis.set(xscale="log", xlim=(sizes.min() / 1.6, sizes.max() * 2.2), xlabel="parameters")
    axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.xaxis.set_major_formatter(EngFormatter())
    axis.set_ylabel(f"{_split(faces, 'test')} accuracy, %")
    axis.set_title(f"{title}, {label(faces)}")
    _name(axis, ordered.index, places)
    return figure


def _name(axis, names: Sequence[str], places: Sequence[tuple]) -> None:
    """Write names beside dots with a bar through each, so that none covers another, nor a bar.

    places  of each: x, y, the name's colour, and the ends of its bar
    """
    figure = axis.figure
    figure.draw_without_rendering()  # so that it is known where things are
    bars = [axis.transData.transform([(x, low), (x, high)]) for x, *_, low, high in places]
    taken = [bar + np.array([[-5, -6], [5, 6]]) for bar in bars]
    rises = sorted(range(-60, 61, 6), key=abs)
    beside = [(right, up, side) for up in rises for right, side in ((8, "left"), (-8, "right"))]
    for name, bar, (x, y, color, *_) in zip(names, bars, places, strict=True):
        over, under = (bar[::-1, 1] - axis.transData.transform((x, y))[1]) * 72 / figure.dpi
        style = {"va": "center", "color": color, "fontsize": 8}
        text = axis.annotate(name, (x, y), (0, 0), textcoords="offset points", **style)
        for right, up, side in [*beside[:2], (0, over + 7, "center"), (0, under - 7, "center"), *beside]:
            text.set(position=(right, up), ha=side)
            box = text.get_window_extent().get_points()
            inside = axis.bbox.x0 < box[0, 0] and box[1, 0] < axis.bbox.x1
            if inside and not any((box[0] < other[1]).all() and (other[0] < box[1]).all() for other in taken):
                break
        taken.append(box)


@_as_text
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
    figure.supxlabel(f"{_split(faces, 'test')} recall, %; dashed: the mean of the classes", fontsize=10)
    figure.suptitle(f"Recall by class, with its training images, {label(faces)}")
    return figure


@_as_text
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


@_as_text
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


@_as_text
def panels(
    table: pd.DataFrame, x: str, hue: str, panel: str, faces: Faces, title: str, ylabel: str, zero: bool = False
) -> Figure:
    """A panel for each value of the column `panel`: value with its interval over `x`, a colour and a marker for each of
    `hue`.

    table  also with value, low and high (fractions, shown as %); whatever is in order stays in it. Where `hue` is
           categorical, a category has its own whether the others are there or not
    zero   with a line at 0
    """
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


@_as_text
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


@_as_text
def sides(faces: Faces, rows: Sequence[int], folds: Mapping[str, np.ndarray], fold: int) -> Figure:
    """Images that belong together, such as those of a person, once for each way of making folds: on which side of a
    fold they are. An image that is held out stands in a frame; the others are trained on.

    rows   of `faces`; of many, the first ten are shown
    folds  by split: the fold of each image of `faces`, int (N,)
    """
    shown, held = list(rows)[:10], sns.color_palette()[3]
    figure = Figure(figsize=(max(1.0 * len(shown), 5) + 0.4, 1.6 * len(folds) + 0.6))
    grid = figure.subplots(len(folds), max(len(shown), 5), squeeze=False)
    figure.subplots_adjust(left=0.02, right=0.98, bottom=0.3 / figure.get_figheight(), wspace=0.12, hspace=0.6)
    figure.subplots_adjust(top=1 - 0.78 / figure.get_figheight())
    for axes, (split, placed) in zip(grid, folds.items(), strict=True):
        out = placed[list(rows)] == fold
        for axis in axes:
            axis.set(xticks=[], yticks=[])
            axis.set_visible(False)
        for axis, row in zip(axes, shown, strict=False):
            axis.set_visible(True)
            axis.imshow(faces.pixels[row], cmap="gray", vmin=0, vmax=255)
            axis.spines[:].set(color=held, linewidth=4, visible=bool(placed[row] == fold))
            axis.grid(False)
            axis.set_xlabel(faces.classes[faces.labels[row]], fontsize=8)
        text = f"{split}, fold {fold}: {out.sum()} held out (framed), {(~out).sum()} trained on"
        axes[0].text(0, 1.1, text, transform=axes[0].transAxes, ha="left", va="bottom", fontsize=9)
    figure.suptitle(f"Images that belong together, {label(faces)}", y=1 - 0.1 / figure.get_figheight(), va="top")
    return figure


@_as_text
def softened(faces: Faces, logits: np.ndarray, row: int, temperature: float) -> Figure:
    """An image, and what a teacher with `logits`, float (N, C), says of it at a temperature and at 1. The legend tells
    how undecided that is: as between so many classes that are equally likely (e to the entropy)."""
    figure = Figure(figsize=(7.6, 0.3 * len(faces.classes) + 1.5), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1, 2))
    left.imshow(faces.pixels[row], cmap="gray", vmin=0, vmax=255)
    left.set_axis_off()
    places = np.arange(len(faces.classes))
    for shift, one, color in ((-0.2, 1.0, "0.75"), (0.2, float(temperature), sns.color_palette()[0])):
        part = np.exp((logits[row] - logits[row].max()) / one)
        part /= part.sum()
        classes = np.exp(-(part * np.log(np.maximum(part, 1e-30))).sum())
        text = f"temperature {one:g}: as between {classes:.1f} classes"
        right.barh(places + shift, 100 * part, height=0.38, color=color, label=text)
    right.set_yticks(places, faces.classes)
    right.set(xlim=(0, 100), xlabel="probability, %")
    right.invert_yaxis()
    right.grid(False, axis="y")
    figure.legend(loc="outside lower center", ncols=2, fontsize=8, frameon=False)
    figure.suptitle(f"Labelled {faces.classes[faces.labels[row]]}, {label(faces)}")
    return figure


@_as_text
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
        _log_ticks(axis)
        if axis.get_subplotspec().is_last_row():
            axis.set_xlabel("ms; dashed: the limit in fp32")
    figure.suptitle(f"{title}, {label(faces)}")
    return figure


def _log_ticks(axis, formatter="{x:g}") -> None:
    """Ticks at 1, 2 and 5 in plain numbers, also where there is less than a decade to show."""
    axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.xaxis.set_major_formatter(formatter)
    axis.xaxis.set_minor_formatter(NullFormatter())


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


@_as_text
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
    _log_ticks(axis)
    figure.legend(loc="outside right center", fontsize=9, frameon=False)
    axis.set_title(f"{title}, {label(faces)}")
    return figure


@_as_text
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
    axis.set(xscale="log", xlabel="parameters", ylabel=f"{_split(faces, 'test')} accuracy, %")
    _log_ticks(axis, EngFormatter())
    best = f"{within['value'].idxmax()}, {100 * within['value'].max():.1f} %" if len(within) else "none"
    axis.set_title(f"Best within {budget:,.0f} parameters: {best}; {label(faces)}")
    _name(axis, ordered.index, places)
    return figure


@_as_text
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


@_as_text
def opinions(picture: np.ndarray, said: pd.DataFrame, title: str) -> Figure:
    """A picture, (H, W) or (H, W, 3), and beside it what several networks say of it.

    said  probabilities, a row a class and a column a network
    """
    figure = Figure(figsize=(8.4, 0.34 * len(said) + 1.6), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1, 1.4))
    left.imshow(picture, cmap="gray", vmin=0, vmax=255)
    left.set_axis_off()
    if said.size:
        (100 * said).plot.barh(ax=right, width=0.8, xlabel="probability, %", ylabel="")
        right.invert_yaxis()
        right.legend(loc="lower right", fontsize=8)
    right.set_xlim(0, 100)
    right.grid(False, axis="y")
    figure.suptitle(title)
    return figure


@_as_text
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


@_as_text
def by_agreement(faces: Faces, agreement: np.ndarray, place: float, count: int = 12) -> Figure:
    """A contact sheet of `count` images a class from one place in the order in which raters agree with one another.

    agreement  the share of raters who gave the most frequent answer, float (N,); NaN where nobody was asked
    place      from 0, the most disputed of a class, to 1, those on which all agree
    """
    rows = _in_order(faces, agreement, place, count)
    where = {0: "the most disputed", 1: "those on which all agree"}.get(place, f"{100 * place:.0f} % of the way up")
    return contact_sheet.__wrapped__(faces, rows, faces.classes, f"From disputed to agreed: {where}")
