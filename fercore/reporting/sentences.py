"""Words for what a notebook says below a figure, worked out from the values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from ..results import tables
from ..results.text import markdown


def listed(names: Iterable[object], none: str = "none") -> str:
    """The names as a sentence has them: "a", "a and b", "a, b and c"; `none` where there is none."""
    *rest, last = [str(name) for name in names] or [none]
    return f"{', '.join(rest)} and {last}" if rest else last


def percent(share: float, digits: int = 1) -> str:
    """A share of 1 as "12.3 %"; "–" for NaN, such as of nothing."""
    return "–" if pd.isna(share) else f"{100 * share:.{digits}f} %"


def in_points(fraction: float) -> float:
    """A difference of two fractions in points, rounded as it is shown; NumPy's own numbers round otherwise."""
    return round(float(100 * fraction), 1) + 0.0  # no -0.0


def points(row: Mapping) -> str:
    """A difference of two fractions with its interval, in points: "-20.9 points [-27.0, -14.8]". An end that is not 0
    has as many digits as it takes not to be shown as 0, or an interval that leaves out 0 would be told as one that
    holds it."""
    shown = f"{in_points(row['value']):+.1f} points"
    if np.isnan([row["low"], row["high"]]).any():
        return shown
    ends = (tables.fixed(100 * row[end], 1, signed=True) for end in ("low", "high"))
    return f"{shown} [{', '.join(ends)}]"


def warned(table: pd.DataFrame) -> str:
    """Which rows of a table of differences have a note that their interval is not to be trusted, as
    `statistics.difference` gives them: " Few images: the interval may be too short (*a* and *b*)."; empty for none."""
    notes = table["note"].dropna() if "note" in table else pd.Series(dtype=str)
    said = ""
    for note in notes[notes != ""].unique():
        rows = notes.index[notes == note]
        names = (" ".join(map(str, name)) if isinstance(name, tuple) else str(name) for name in rows)
        said += f" {note[0].upper()}{note[1:]} ({listed(f'*{markdown(name)}*' for name in names)})."
    return said


def ranked(values: pd.Series, digits: int = 1) -> str:
    """Shares from the highest to the lowest, each behind its name: "a (71.2 %), b (66.0 %)"; NaN is left out. Names
    are escaped for Markdown. Semicolons where a name has a comma itself."""
    order = values.dropna().sort_values(ascending=False, kind="stable")
    between = "; " if any("," in str(name) for name in order.index) else ", "
    return between.join(f"{markdown(name)} ({percent(value, digits)})" for name, value in order.items())
