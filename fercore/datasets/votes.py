"""What ten people saw in each image of FER2013: the votes of FER+ (Barsoum et al., ICMI 2016, arXiv:1608.01041).

`fer2013new.csv` has a row an image of FER2013, in FER2013's row order:

    Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF

The join is by row. Its image names are no index: they lag behind the rows from row 60 on, 173 are empty and four stand
twice. Classes are FER+'s own eight, in its order; unknown and NF (no face) are votes but no classes.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from . import archives
from .faces import DataError, Faces, meaning
from .text import fields_found, quote

CLASSES = ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt")
VOTES = (*CLASSES, "unknown", "NF")
COLUMNS = ("Usage", "Image name", *VOTES)
VOTES_OF = {str(count): count for count in range(11)}  # each image was shown to ten people
LARGEST = 1 << 26  # bytes that a list of votes may have
TARGETS = ("majority", "probability", "multi-target")


def join(faces: Faces, source: str | Path) -> Faces:
    """FER2013 with the ten votes as columns `votes_neutral` … `votes_NF`; its labels and images as they were.

    Raises DataError for votes that are not as they are published, and for images that are not those of FER2013's rows
    in their order: the folder form has lost it, even where as many images stand in each split.
    """
    lines, usage, counts = _read_votes(Path(source))
    if len(usage) != len(faces):
        raise DataError(source, f"{len(usage)} rows", f"{len(faces)}, one per image of FER2013 (the join is by row)")
    for number, image in enumerate(faces.table["source"], 1):
        if image != f"row {number}":
            found = f"votes for row {number} of FER2013, and the image {image!r}"
            raise DataError(source, found, "images in the row order of FER2013's CSV (the join is by row)")
    split = faces.table["split"].to_numpy()
    if different := np.flatnonzero(usage != split).tolist():
        where = f"{source}: line {lines[different[0]]}"
        found = f"the Usage {quote(usage[different[0]])}"
        raise DataError(where, found, f"{split[different[0]]}, as FER2013's row has")
    columns = {f"votes_{name}": counts[:, index] for index, name in enumerate(VOTES)}
    return replace(faces, table=faces.table.assign(**columns), fingerprint=None)


def counts(faces: Faces) -> np.ndarray:
    """The ten votes, int64 (N, 10), in the order of VOTES. Raises KeyError where the set has none."""
    return faces.table[[f"votes_{name}" for name in VOTES]].to_numpy(np.int64)


def shares(faces: Faces, rows: np.ndarray) -> np.ndarray:
    """The share of the votes that each class has, float32 (n, classes); 1 for the label where no class has any.

    Votes for what is no class of the set, such as "unknown", are left out. Raises ValueError where there are no votes.
    """
    names = [f"votes_{VOTES[place]}" for place in places(faces.classes)]
    if missing := [name for name in names if name not in faces.table]:
        raise ValueError(f"{faces.name} has no votes ({', '.join(missing)}); import it with them for soft labels")
    counts = faces.table.iloc[rows][names].to_numpy(np.float32)
    total = counts.sum(1, keepdims=True)
    hard = np.eye(len(faces.classes), dtype=np.float32)[faces.labels[rows]]
    return np.where(total > 0, counts / np.maximum(total, 1), hard)


def places(classes: tuple[str, ...]) -> tuple[int, ...]:
    """Where each of `classes`, FER+'s own or FER2013's, stands among VOTES. Raises ValueError for others."""
    if others := [name for name in classes if meaning(name, CLASSES) not in VOTES]:
        raise ValueError(f"FER+ has no votes for {', '.join(others)}; there are {', '.join(VOTES)}")
    return tuple(VOTES.index(meaning(name, CLASSES)) for name in classes)


def targets(votes: np.ndarray, target: str = "majority") -> np.ndarray:
    """What a network is to learn from ten votes, float64 (N, 8); a row of zeros where the votes give no label.

    majority      1 for the class that has more than half of the votes (paper, section 3.1)
    multi-target  the same weight for every class that has 30 % of the votes or more (3.2)
    probability   the shares of the leading classes, those that together hold three quarters of the votes, three classes
                  at most; unknown and NF end the list (3.3)

    Single votes are first dropped as outliers. What is kept must hold more than half of the remaining votes and be led
    by a class; the paper leaves these rules to its authors' code, and they are taken from there.
    """
    if target not in TARGETS:
        raise ValueError(f"no FER+ target {target!r}; there are {', '.join(TARGETS)}")
    counts = np.where(votes > 1, votes, 0).astype(float)
    total = counts.sum(axis=1, keepdims=True)
    if target == "majority":
        kept = np.where(counts > 0.5 * total, counts, 0)
    elif target == "multi-target":
        kept = np.where(counts >= 0.3 * total, counts, 0)
    else:
        kept = _leading(counts, total)
    labelled = (kept.sum(axis=1) > 0.5 * total[:, 0]) & (kept.argmax(axis=1) < len(CLASSES))
    shares = kept[:, : len(CLASSES)]
    if target != "probability":
        shares = (shares > 0).astype(float)
    return np.divide(shares, shares.sum(axis=1, keepdims=True), out=np.zeros_like(shares), where=labelled[:, None])


def _leading(counts: np.ndarray, total: np.ndarray) -> np.ndarray:
    """The counts (N, 10) of the leading classes, others 0; rows of zeros where more than three share the lead."""
    kept, rest = np.zeros_like(counts), counts.copy()
    held, classes, going = np.zeros(len(counts)), np.zeros(len(counts), int), np.ones(len(counts), bool)
    for _ in range(3):
        top = rest.max(axis=1, keepdims=True)
        going = going & (held < 0.75 * total[:, 0]) & (classes < 3)
        tied = (rest == top) & (rest > 0) & going[:, None]
        kept = np.where(tied, counts, kept)
        rest[tied] = 0
        # Unknown or NF end the list: kept when nothing stands before them, so that the row gets no label.
        ended = tied[:, len(CLASSES) :].any(axis=1)
        led = kept[:, : len(CLASSES)].any(axis=1)
        kept[ended & led, len(CLASSES) :] = 0
        held += top[:, 0] * tied[:, : len(CLASSES)].sum(axis=1)
        classes += tied[:, : len(CLASSES)].sum(axis=1)
        going &= ~ended
    kept[classes > 3] = 0
    return kept


def _read_votes(source: Path) -> tuple[list[int], np.ndarray, np.ndarray]:
    """The line, Usage (N,) and votes int64 (N, 10) of each row of `fer2013new.csv`."""
    source = archives.ordinary(source, "fer2013new.csv")
    if not source.is_file():
        raise DataError(source, "a folder", "fer2013new.csv")
    if (size := source.stat().st_size) > LARGEST:
        raise DataError(source, f"{size:,} bytes", "fer2013new.csv, which has two million")
    text = source.read_bytes().decode("utf-8-sig", "replace")
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise DataError(f"{source}: line {line}", "NUL bytes", "text")
    rows = _rows(source, text)
    _, header = next(rows)
    header = [name.strip() for name in header]
    missing = [name for name in COLUMNS if name not in header]
    if missing:
        raise DataError(f"{source}: line 1", f"no column {', '.join(missing)}", ",".join(COLUMNS))
    usage_at, votes_at = header.index("Usage"), [header.index(name) for name in VOTES]
    lines, usage, counts = [], [], []
    for line, row in rows:
        if not any(field.strip() for field in row):
            continue
        where = f"{source}: line {line}"
        if len(row) != len(header):
            raise DataError(where, *fields_found(row, len(header)))
        words = [row[index].strip() for index in votes_at]
        for name, word in zip(VOTES, words, strict=True):
            if word not in VOTES_OF:
                raise DataError(where, f"{quote(word)} votes for {name}", "a whole number of 0 to 10")
        lines.append(line)
        usage.append(row[usage_at].strip())
        counts.append([VOTES_OF[word] for word in words])
    if not counts:
        raise DataError(source, "no row", "a row an image of FER2013")
    return lines, np.array(usage), np.array(counts, np.int64)


def _rows(source: Path, text: str) -> Iterator[tuple[int, list[str]]]:
    """Number and fields of the rows of a CSV, one at least."""
    reader = csv.reader(io.StringIO(text, newline="\n"), skipinitialspace=True, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            row = next(reader, None if line > 1 else [])
        except csv.Error as error:
            raise DataError(f"{source}: line {line}", f"a row that is not CSV ({error})", "a row a line") from None
        if row is None:
            return
        yield line, row
