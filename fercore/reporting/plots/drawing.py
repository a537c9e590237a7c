"""What all figures have in common: how they look, and that text from data is shown as it is."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import wraps

import matplotlib
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.path import Path
from matplotlib.ticker import LogLocator, NullFormatter
from matplotlib.transforms import Bbox
from seaborn.utils import relative_luminance

from ...datasets import Faces
from ...results import text

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


def as_text(draw: Callable[..., Figure]) -> Callable[..., Figure]:
    """`draw` with all text that it is given shown as it is: no class, such as one named "$x^$", is a formula."""

    @wraps(draw)
    def drawn(*given, **more):
        return draw(*map(_shown, given), **{name: _shown(value) for name, value in more.items()})

    return drawn


def split_of(faces: Faces | str, role: str) -> str:
    """What a set calls the split that plays a role; FER2013's names where only the set's name is known."""
    if isinstance(faces, Faces):
        return faces.roles.get(role, role)
    return {"select": "PublicTest", "test": "PrivateTest"}[role]


def ink(color) -> tuple[float, ...]:
    """`color`, darkened until small text in it can be read on white: a contrast of 4.5 (WCAG 2.2, 1.4.3)."""
    shade = np.array(to_rgb(color))
    while 1.05 / (relative_luminance(shade) + 0.05) < 4.5:
        shade *= 0.97
    return tuple(shade)


def label_bars(bars, texts: Sequence[str]) -> None:
    """Write in the middle of bars of one colour, in black or white, whichever contrasts more."""
    dark = relative_luminance(bars[0].get_facecolor()[:3]) < 0.179  # where both contrasts are the same
    bars[0].axes.bar_label(bars, texts, label_type="center", color="white" if dark else "black")


def name_dots(axis, names: Sequence[str], places: Sequence[tuple]) -> None:
    """Write names beside dots with a bar through each, so that none covers another, nor a bar, and none stands beside
    the dot of another; a line leads to a name that had to move away from its dot, and crosses no other name. A name for
    which there is no such place stands where it is least in the way; a dot without a name has an empty one.

    places  of each: x, y, the name's colour, and the ends of its bar
    """
    figure = axis.figure
    figure.draw_without_rendering()  # so that it is known where things are
    point = figure.dpi / 72  # in pixels, as all that follows
    if not places:
        return
    dots = axis.transData.transform([(x, y) for x, y, *_ in places])
    ends = np.array([axis.transData.transform([(x, low), (x, high)]) for x, *_, low, high in places])
    taken = ends + np.array([[-5, -6], [5, 6]])  # by dots and their bars, and then by names, too
    near = dots[:, None] + np.array([[-30, -6], [30, 6]])  # a name there would seem to be this dot's
    lines: list[Path] = []  # that lead to names
    rises = sorted(range(-72, 73, 6), key=abs)
    beside = [(right, up, side) for up in rises for right, side in ((8, "left"), (-8, "right"))]
    beside += [(4 * right, up, side) for right, up, side in beside if abs(up) > 6]
    for place, (name, (x, y, color, *_)) in enumerate(zip(names, places, strict=True)):
        if not name:
            continue
        style = {"va": "center", "color": ink(color), "fontsize": 8}
        text = axis.annotate(name, (x, y), (0, 0), textcoords="offset points", **style)
        size, best = text.get_window_extent().size, None
        text.remove()
        under, over = (ends[place, :, 1] - dots[place, 1]) / point
        for right, up, side in [*beside[:2], (0, over + 11, "center"), (0, under - 11, "center"), *beside]:
            start = np.array([right, up]) * point + dots[place]
            corner = start - size * [{"left": 0, "center": 0.5, "right": 1}[side], 0.5]
            box, moved = np.array([corner, corner + size]), side != "center" and abs(up) > 6
            line = Path([dots[place], start]) if moved else None
            met = 2 * (_met(box, taken) + _crossed(lines, [box])) + _met(box, np.delete(near, place, axis=0))
            met += _crossed([line], np.delete(taken, place, axis=0)) if line else 0
            met += 20 * (not axis.bbox.x0 < corner[0] < corner[0] + size[0] < axis.bbox.x1)
            if best is None or met < best[0]:
                best = met, (right, up), side, box, line
            if not met:
                break
        _, offset, side, box, line = best
        lead = {"arrowstyle": "-", "color": color, "linewidth": 0.6, "shrinkA": 0, "shrinkB": 4} if line else None
        axis.annotate(name, (x, y), offset, textcoords="offset points", arrowprops=lead, ha=side, **style)
        lines += [line] if line else []
        taken = np.concatenate([taken, box[None]])


def _met(box: np.ndarray, others: np.ndarray) -> int:
    """How many of `others` a box covers a part of; boxes by their lower left and upper right corners, (…, 2, 2)."""
    return int(((box[0] < others[:, 1]) & (others[:, 0] < box[1])).all(1).sum())


def _crossed(lines: Sequence[Path], boxes: Iterable[np.ndarray]) -> int:
    """How often lines cross boxes."""
    return sum(line.intersects_bbox(Bbox(box), filled=False) for box in boxes for line in lines)


def log_ticks(axis, formatter="{x:g}") -> None:
    """Ticks at 1, 2 and 5 in plain numbers, also where there is less than a decade to show."""
    axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.xaxis.set_major_formatter(formatter)
    axis.xaxis.set_minor_formatter(NullFormatter())
