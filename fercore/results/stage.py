"""What a notebook does with what it finds: tables, figures, measurements, and a record of how they were made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from matplotlib.figure import Figure

from ..datasets import Faces
from ..datasets.synthetic import NOTE
from . import figures, measurements, provenance, tables
from .folders import TIMINGS
from .text import markdown

if TYPE_CHECKING:
    from IPython.display import Markdown

TO_SEE = "**To see.**"


class Stage:
    """The results of one notebook.

    stage = Stage(out, faces, profile)
    stage.table(scores, "scores", "PrivateTest scores")   # out/scores.csv and .tex; returns it, rounded
    stage.figure(plots.confusion(...), "confusion")       # out/confusion.svg and .png; returns it
    stage.says("Most often fear is ...", "confusion")     # out/sentences.json; returns Markdown to be displayed
    stage.measure(rows)                                   # for the ledger of claims
    stage.timings.table(costs, "costs")                   # what is another number each time: beside out, see there
    stage.close(findings, settings)                       # out/findings.json, measurements.csv, provenance

    out    a folder; empty: nothing is written, and all else is the same
    faces  the data that the results are of, one set or several
    """

    def __init__(self, out: str, faces: Faces | Sequence[Faces], profile: str):
        self.out, self.faces, self.profile = out, faces, profile
        self.measured: list[pd.DataFrame] = []
        self.said: list[dict] = []

    def about(self) -> str:
        """Markdown that a reader is told before anything else: which data, what is to be known of them, and that scores
        on rendered faces compare with no paper's."""
        several = [self.faces] if isinstance(self.faces, Faces) else list(self.faces)
        parts = []
        for one in several:
            notes = [note for note in one.notes if note != NOTE]  # which is said of all of them, below
            said = markdown(" ".join([tables.majority(one), *notes]))
            parts.append(f"**{markdown(tables.label(one))}**: {len(one):,} images. {said}")
        if any(one.synthetic for one in several):
            parts.append("**Rendered faces: no score on them compares with a paper's.**")
        return "\n\n".join(parts)

    def table(
        self, frame: pd.DataFrame, name: str, caption: str = "", faces: Faces | Sequence[Faces] | str | None = None
    ) -> pd.DataFrame:
        """Write a table; returns it, rounded. `faces`: where it is of some of the stage's data alone, or, "", none."""
        return tables.save(frame, self.out, name, self.faces if faces is None else faces, caption)

    def figure(self, figure: Figure, name: str) -> Figure:
        """Write a figure; returns it."""
        return figures.save(figure, self.out, name)

    def says(self, sentence: str, figure: str = "") -> Markdown:
        """Keep what is to be seen in the results, for the report; returns it, to be displayed.

        sentence  Markdown, one sentence or several, or a list
        figure    the name of the figure that it is about, or what the names of several begin with
        """
        from IPython.display import Markdown  # which a command that writes a stage does without

        if not sentence:
            return Markdown("")
        self.said.append({"figure": figure, "sentence": sentence})
        return Markdown("\n\n".join([TO_SEE, sentence]) if sentence.startswith("- ") else f"{TO_SEE} {sentence}")

    @cached_property
    def timings(self) -> Stage:
        """Takes tables and figures of what is another number each time, such as latencies: into timings/ beside the
        folder, on which no later stage depends, so that none runs again for it."""
        beside = Path(self.out).with_name(TIMINGS) / Path(self.out).name if self.out else ""
        return Stage(str(beside), self.faces, self.profile)

    def measure(self, rows: Sequence[Mapping], departs: str = "", reserved: str | None = None) -> None:
        """Keep measurements for the ledger: each with `measurement`, `value`, and low, high, seeds where there are any.

        departs  how the trainings differ from the paper's own, such as "random weights"; empty: they are the paper's,
                 or nothing was trained. A profile other than `paper` differs by itself
        reserved where the trainings have the paper's settings whatever the profile, which a verdict may rest on: how
                 they differ nevertheless, such as "another teacher"; empty: nothing

        Raises ValueError for a name that no claim could have, and for one that is there twice.
        """
        sets = [self.faces] if isinstance(self.faces, Faces) else list(self.faces)
        self.measured.append(measurements.table(rows, self.profile, departs, sets, reserved))

    def close(self, findings: Mapping, settings: Mapping) -> pd.Series:
        """Write single numbers, measurements, sentences and provenance; returns the numbers, to be looked at. What this
        machine takes goes to `timings`.

        settings  parameters that the results follow from, for the record
        """
        plain = tables.save_findings(findings, self.out, self.faces)
        if self.out:
            if self.measured:
                made = pd.concat(self.measured)
                timed = made["measurement"].map(measurements.is_of_here).astype(bool)
                for part, out in ((made[~timed], self.out), (made[timed], self.timings.out)):
                    if len(part):
                        measurements.write(part, out)
            for part in (self, self.timings):
                if part.said:
                    tables.write_json(Path(part.out) / tables.SENTENCES, part.said)
            provenance.save(self.out, settings, self.faces, _device())
        return pd.Series(plain, dtype=object)


def _device() -> str:
    import torch  # seconds, and only here

    return "cuda" if torch.cuda.is_available() else "cpu"
