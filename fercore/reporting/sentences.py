"""Words for what a notebook says below a figure, worked out from the values."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from ..results.text import markdown


def listed(names: Iterable[object], none: str = "none") -> str:
    """The names as a sentence has them: "a", "a and b", "a, b and c"; `none` where there is none."""
    *rest, last = [str(name) for name in names] or [none]
    return f"{', '.join(rest)} and {last}" if rest else last


def percent(share: float, digits: int = 1) -> str:
    """A share of 1 as "12.3 %"; "–" for NaN, such as of nothing."""
    return "–" if pd.isna(share) else f"{100 * share:.{digits}f} %"


def ranked(values: pd.Series, digits: int = 1) -> str:
    """Shares from the highest to the lowest, each behind its name: "a (71.2 %), b (66.0 %)"; NaN is left out. Names
    are escaped for Markdown. Semicolons where a name has a comma itself."""
    order = values.dropna().sort_values(ascending=False, kind="stable")
    between = "; " if any("," in str(name) for name in order.index) else ", "
    return between.join(f"{markdown(name)} ({percent(value, digits)})" for name, value in order.items())
