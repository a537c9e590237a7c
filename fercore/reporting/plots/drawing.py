"""What all figures have in common: how they look, and that text from data is shown as it is."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import wraps

import matplotlib
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter
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
    """Write names beside dots with a bar through each, so that none covers another, nor a bar; a line leads to a name
    that had to move away from its dot.

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
        style = {"va": "center", "color": ink(color), "fontsize": 8}
        text = axis.annotate(name, (x, y), (0, 0), textcoords="offset points", **style)
        for right, up, side in [*beside[:2], (0, over + 11, "center"), (0, under - 11, "center"), *beside]:
            text.set(position=(right, up), ha=side)
            box = text.get_window_extent().get_points()
            inside = axis.bbox.x0 < box[0, 0] and box[1, 0] < axis.bbox.x1
            if inside and not any((box[0] < other[1]).all() and (other[0] < box[1]).all() for other in taken):
                break
        if side != "center" and abs(up) > 6:  # last, since a line would count as a part of the name above
            line = {"arrowstyle": "-", "color": color, "linewidth": 0.6, "shrinkA": 0, "shrinkB": 4}
            text.remove()
            axis.annotate(name, (x, y), (right, up), textcoords="offset points", arrowprops=line, ha=side, **style)
        taken.append(box)


def log_ticks(axis, formatter="{x:g}") -> None:
    """Ticks at 1, 2 and 5 in plain numbers, also where there is less than a decade to show."""
    axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.xaxis.set_major_formatter(formatter)
    axis.xaxis.set_minor_formatter(NullFormatter())
