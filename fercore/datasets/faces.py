"""The one shape that every data set takes, and the one error that a bad file gets."""

from __future__ import annotations

import mmap
import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping
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
    "suprise": "surprise",  # so in several widespread copies
    "neutrality": "neutral",
    "contemptuous": "contempt",
}
COLUMNS = ("label", "split", "subject", "sequence", "source")
ROLES = {  # what a split is for, and the names that say so
    "train": "training|train",
    "select": "publictest|validation|valid|val|development|devel|dev",
    "test": "privatetest|testing|test|holdout|heldout|evaluation|eval",  # eval as in Hugging Face's datasets
}
PREFIX, SUFFIX = "(?:fer|fer2013|ferplus|raf|rafdb|affectnet)?", "(?:set|data|images|folder|split)?"


class DataError(ValueError):
    """A data set that cannot be read: says which file, which row or image, what was found and what was expected."""

    def __init__(self, where: object, found: str, expected: str):
        self.where, self.found, self.expected = str(where), found, expected
        super().__init__(f"{where}: found {found}; expected {expected}")


class NoSplit(KeyError):
    """A split, or a role that a split would play, which a set does not have."""

    def __str__(self) -> str:
        return str(self.args[0])  # and not its repr, as a KeyError


@dataclass(frozen=True)
class _Mapped:
    """Where an array lies that is mapped read-only from a file."""

    file: str
    shape: tuple[int, ...]
    offset: int

    @classmethod
    def of(cls, pixels: np.ndarray) -> _Mapped | None:
        """None for any other array: of a view the offset would be its base's, and a writable map may differ from its
        file, or go with it."""
        if not isinstance(pixels, np.memmap) or not isinstance(pixels.base, mmap.mmap) or pixels.mode != "r":
            return None
        there = pixels.filename is not None and os.path.isfile(pixels.filename)
        if not there or not pixels.flags.c_contiguous:
            return None
        return cls(str(pixels.filename), pixels.shape, pixels.offset)

    def open(self) -> np.memmap:
        return np.memmap(self.file, np.uint8, "r", self.offset, self.shape)


@dataclass(frozen=True, eq=False)
class Faces:
    """Face images with one row of `table` each.

    pixels   uint8 (N, H, W), grey levels, or (N, H, W, 3), RGB; memory-mapped once imported. A pickle then names the
             file instead of holding it, so that other processes map the same memory
    table    DataFrame of N rows: label (int, an index into `classes`), split, subject, sequence, source (str, "" where
             the set has none); more columns where a set has more, such as votes
    classes  names of the labels, in order; a class that the set lacks is absent
    synthetic  True for rendered faces, whose results are never set beside a paper's as if they were comparable
    notes    what a reader must be told about how the set was read
    fingerprint  SHA-256 of images and table, once imported
    roles    which split trains, which selects the epoch, which is reported on: {"train": "Training", "select":
             "PublicTest", "test": "PrivateTest"}. By default what the names of the splits say, see `roles_of`; a role
             that no split plays is absent

    Raises DataError where the parts do not fit together.
    """

    name: str
    pixels: np.ndarray
    table: pd.DataFrame
    classes: tuple[str, ...]
    synthetic: bool = False
    notes: tuple[str, ...] = ()
    fingerprint: str | None = None
    roles: Mapping[str, str] | None = None

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
        if self.roles is None:
            object.__setattr__(self, "roles", roles_of(self.splits))
        for role, split in self.roles.items():
            found = f"the role {role}={split}, with the splits {self._named()}"
            require(role in ROLES and split in self.splits, found, f"one of these splits as {', '.join(ROLES)}")
            other = role in self.splits and split != role
            require(not other, found, f"the split {role!r} as {role}, or under another name")

    def __getstate__(self) -> dict:
        return vars(self) | {"pixels": _Mapped.of(self.pixels) or self.pixels}

    def __setstate__(self, state: dict) -> None:
        pixels = state["pixels"]
        vars(self).update(state | {"pixels": pixels.open() if isinstance(pixels, _Mapped) else pixels})

    def _named(self) -> str:
        return ", ".join(map(repr, self.splits))

    def __len__(self) -> int:
        return len(self.table)

    @property
    def labels(self) -> np.ndarray:
        """int64 (N,)."""
        return self.table["label"].to_numpy(np.int64)

    def rows(self, split: str) -> np.ndarray:
        """Row numbers of a split, or of the one that plays a role ("train", "select", "test"), int64 (n,).

        Raises NoSplit, a KeyError, where the set has neither.
        """
        if split not in self.splits:
            split = self.split_of(split)
        return np.flatnonzero(self.table["split"].to_numpy() == split)

    def split_of(self, role: str) -> str:
        """The name of the split that plays a role. Raises NoSplit, a KeyError, where none does."""
        if role not in ROLES:
            raise NoSplit(f"{self.name} has no split {role!r}; it has {self._named()}")
        if role not in self.roles:
            raise NoSplit(
                f"{self.name} has no split {role!r}; it has {self._named()}. Import it with --roles {role}=SPLIT where "
                "one of these is meant, or divide it: --split 80/10/10 all of it, --split 90/10 what trains"
            )
        return self.roles[role]

    @property
    def splits(self) -> tuple[str, ...]:
        """Names of the splits in the order in which they first stand in the table."""
        return tuple(self.table["split"].unique())


def roles_of(splits: Iterable[str]) -> dict[str, str]:
    """What each split is for, as its name says: train, val or test in any of their spellings, FER2013's own names.

    A set that is not split trains. Where two splits claim one role, nobody plays it: nothing is guessed.
    """
    splits = tuple(splits)
    if splits == ("",):
        return {"train": ""}
    claimed = roles_claimed(splits)
    times = Counter(claimed.values())
    return {role: split for split, role in claimed.items() if role and times[role] == 1}


def roles_claimed(splits: Iterable[str]) -> dict[str, str | None]:
    """`role_of` each of `splits`, by name; an "eval" beside another split that tests selects."""
    claimed = {split: role_of(split) for split in splits}
    if list(claimed.values()).count("test") > 1 and "select" not in claimed.values():
        claimed |= {split: "select" for split, role in claimed.items() if role == "test" and "eval" in split.lower()}
    return claimed


def role_of(split: str) -> str | None:
    """The role that the name of a split, or of a folder, tells: "Train_Set" trains; None for "angry"."""
    plain = re.sub(r"[\W_]", "", split.lower())
    return next((role for role, words in ROLES.items() if re.fullmatch(f"{PREFIX}(?:{words}){SUFFIX}", plain)), None)


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
