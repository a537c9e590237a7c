"""The one shape that every data set takes, and the one error that a bad file gets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

FER2013_CLASSES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
SYNONYMS = {  # what people call the expressions, beside FER2013's names
    "anger": "angry",
    "disgusted": "disgust",
    "fearful": "fear",
    "afraid": "fear",
    "happiness": "happy",
    "sadness": "sad",
    "surprised": "surprise",
    "neutrality": "neutral",
}
COLUMNS = ("label", "split", "subject", "sequence", "source")


class DataError(ValueError):
    """A data set that cannot be read: says which file, which row or image, what was found and what was expected."""

    def __init__(self, where: object, found: str, expected: str):
        self.where, self.found, self.expected = str(where), found, expected
        super().__init__(f"{where}: found {found}; expected {expected}")


@dataclass(frozen=True, eq=False)
class Faces:
    """Face images with one row of `table` each.

    pixels   uint8 (N, H, W), grey levels, or (N, H, W, 3), RGB; memory-mapped once imported
    table    DataFrame of N rows: label (int, an index into `classes`), split, subject, sequence, source (str, "" where
             the set has none); more columns where a set has more, such as votes
    classes  names of the labels, in order; a class that the set lacks is absent
    synthetic  True for rendered faces, whose results are never set beside a paper's as if they were comparable
    notes    what a reader must be told about how the set was read
    fingerprint  SHA-256 of images and table, once imported

    Raises DataError where the parts do not fit together.
    """

    name: str
    pixels: np.ndarray
    table: pd.DataFrame
    classes: tuple[str, ...]
    synthetic: bool = False
    notes: tuple[str, ...] = ()
    fingerprint: str | None = None

    def __post_init__(self):
        def require(holds: bool, found: str, expected: str) -> None:
            if not holds:
                raise DataError(self.name, found, expected)

        shape = self.pixels.shape
        require(self.pixels.dtype == np.uint8, f"pixels of type {self.pixels.dtype}", "uint8")
        require(
            len(shape) == 3 or (len(shape) == 4 and shape[3] == 3),
            f"pixels of shape {shape}",
            "(N, H, W) or (N, H, W, 3)",
        )
        require(len(self.table) == shape[0], f"{len(self.table)} rows for {shape[0]} images", "a row an image")
        require(shape[0] > 0, "no image", "at least one")
        missing = [column for column in COLUMNS if column not in self.table]
        require(not missing, f"no column {', '.join(missing)}", ", ".join(COLUMNS))
        low, high = self.table["label"].min(), self.table["label"].max()
        require(
            low >= 0 and high < len(self.classes),
            f"labels from {low} to {high}",
            f"0 to {len(self.classes) - 1}",
        )

    def __len__(self) -> int:
        return len(self.table)

    @property
    def labels(self) -> np.ndarray:
        """int64 (N,)."""
        return self.table["label"].to_numpy(np.int64)

    def rows(self, split: str) -> np.ndarray:
        """Row numbers of a split, int64 (n,). Raises KeyError for a split that the set does not have."""
        rows = np.flatnonzero(self.table["split"].to_numpy() == split)
        if not len(rows):
            raise KeyError(f"{self.name} has no split {split!r}; it has {', '.join(map(repr, self.splits))}")
        return rows

    @property
    def splits(self) -> tuple[str, ...]:
        """Names of the splits in the order in which they first stand in the table."""
        return tuple(self.table["split"].unique())


def meaning(word: str, classes: tuple[str, ...]) -> str | None:
    """The one of `classes` that a word for an expression means, in any case and by any of SYNONYMS; None for none."""

    def plain(name: str) -> str:
        name = name.strip().lower()
        return SYNONYMS.get(name, name)

    return next((name for name in classes if plain(name) == plain(word)), None)


def table(label, split="", subject="", sequence="", source="", **more) -> pd.DataFrame:
    """A `Faces.table` from columns of N values each, or one value for all rows."""
    columns = {"label": np.asarray(label, np.int64), "split": split, "subject": subject, "sequence": sequence}
    frame = pd.DataFrame({**columns, "source": source, **more})
    text = list(COLUMNS[1:])
    frame[text] = frame[text].astype(str)
    return frame
