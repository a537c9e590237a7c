"""Figures as files: SVG and PNG that are the same bytes from run to run."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

from .. import files

METADATA = {"svg": {"Date": None, "Creator": None}, "png": {"Software": None}}  # what would differ from run to run


def save(figure: Figure, out: str | Path, name: str) -> Figure:
    """Write out/name.svg and out/name.png, without dates; nothing where `out` is empty. Returns the figure."""
    if out:
        Path(out).mkdir(parents=True, exist_ok=True)
        if figure.get_layout_engine() is not None:  # every further drawing would move the axes by a little more
            figure.draw_without_rendering()
            figure.set_layout_engine("none")
        with matplotlib.rc_context({"svg.hashsalt": "fercore", "savefig.dpi": 150, "savefig.bbox": "tight"}):
            said = described(figure)
            for suffix, metadata in METADATA.items():
                write = partial(figure.savefig, format=suffix, metadata={**metadata, "Title": said})
                files.replace(Path(out) / f"{name}.{suffix}", write)
    return figure


def described(figure: Figure) -> str:
    """What a figure shows, in the words of its own titles and axes, for those who do not see it."""
    parts = [figure.get_suptitle()]
    for axis in figure.axes:
        over = " over ".join(filter(None, (axis.get_ylabel(), axis.get_xlabel())))
        parts += [axis.get_title(), over]
    words = (" ".join(part.replace(r"\$", "$").split()) for part in parts)
    return "; ".join(dict.fromkeys(filter(None, words)))
