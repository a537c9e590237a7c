"""Images as they are: contact sheets, pairs, and what is said of single ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from ...datasets import Faces
from ...results.tables import label
from .drawing import as_text


@as_text
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


@as_text
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


@as_text
def by_doubt(faces: Faces, quality: np.ndarray, share: float, count: int = 12) -> Figure:
    """A contact sheet of `count` images a class from one place in the order of doubt.

    quality  of each label, float (N,), low where it is doubtful
    share    from 0, the most doubtful of a class, to 1, the clearest
    """
    rows = _in_order(faces, quality, share, count)
    where = {0: "the most doubtful labels", 1: "the clearest labels"}.get(share, f"{100 * share:.0f} % of the way up")
    return contact_sheet.__wrapped__(faces, rows, faces.classes, f"From doubtful to clear: {where}")


@as_text
def by_agreement(faces: Faces, agreement: np.ndarray, place: float, count: int = 12) -> Figure:
    """A contact sheet of `count` images a class from one place in the order in which raters agree with one another.

    agreement  the share of raters who gave the most frequent answer, float (N,); NaN where nobody was asked
    place      from 0, the most disputed of a class, to 1, those on which all agree
    """
    rows = _in_order(faces, agreement, place, count)
    where = {0: "the most disputed", 1: "those on which all agree"}.get(place, f"{100 * place:.0f} % of the way up")
    return contact_sheet.__wrapped__(faces, rows, faces.classes, f"From disputed to agreed: {where}")


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


@as_text
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


@as_text
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


@as_text
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


@as_text
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


@as_text
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


@as_text
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


@as_text
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


@as_text
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
        right.get_legend().remove()
        figure.legend(loc="outside lower center", ncols=2, fontsize=8, frameon=False)
    right.set_xlim(0, 100)
    right.grid(False, axis="y")
    figure.suptitle(title)
    return figure
