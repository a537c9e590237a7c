"""FER+: FER2013's images with the labels that ten people gave them (Barsoum et al., ICMI 2016, arXiv:1608.01041).

Read from `fer2013new.csv` (see `votes`) and from FER2013 itself; or from the folders that the authors' script makes of
the two, or an archive of them, where votes and images join by name:

    FER2013Train|FER2013Valid|FER2013Test/fer0000000.png    48 x 48, grey
                                          label.csv         name, box, and ten votes, without a header
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path, PurePosixPath

import numpy as np

from . import archives, images, store, text, tree, votes
from . import fer2013 as original
from .faces import DataError, Faces, role_of, table

FOLDERS = {"train": "Training", "select": "PublicTest", "test": "PrivateTest"}
LIST = "label.csv"


def read(
    source: str | Path,
    *,
    fer2013: str | Path | Faces | None = None,
    target: str = "majority",
    allocate: Callable = store.allocate,
) -> Faces:
    """FER2013's images with FER+'s votes and labels, those without a label left out, as the paper's authors do.

    source   fer2013new.csv, or the folders with label.csv
    fer2013  with fer2013new.csv: FER2013 itself, or what it is read from (a folder form has lost the row order and is
             refused)
    target   "majority", "probability" or "multi-target", see `votes.targets`

    The table has a column a vote (`votes_neutral` … `votes_NF`), `label` is the class with the largest target;
    `fer2013_label` and `row` are FER2013's own, where that is given. Raises DataError.
    """
    if fer2013 is not None:
        return _joined(source, fer2013, target, allocate)
    path = archives.ordinary(source, "fer2013new.csv, or the folders FER2013Train and so on")
    if path.is_file() and archives.kind(path) is None:
        raise DataError(
            path, "votes without images", "FER2013 itself beside them (--fer2013 SOURCE, in Python fer2013=)"
        )
    with tree.opened(path) as seen:
        return _folders(seen, target, allocate)


def _folders(seen: tree.Seen, target: str, allocate: Callable) -> Faces:
    lists = seen.lists(LIST)
    if not lists and (given := seen.lists("fer2013new.csv")):
        expected = "this file itself to be given, and FER2013 with it (--fer2013 SOURCE, in Python fer2013=)"
        raise DataError(given[0], "votes without images", expected)
    if not lists:
        expected = f"FER2013Train, FER2013Valid and FER2013Test, each with {LIST}; or fer2013new.csv"
        raise DataError(seen.root / LIST, "no such file", expected)
    found: dict[str, list] = {split: [] for split in FOLDERS.values()}  # by split: (path, votes)
    for path in lists:
        role = role_of(path.parent.name)
        if role is None:
            raise DataError(path, f"a list in {path.parent.name!r}", "one in FER2013Train, FER2013Valid, FER2013Test")
        found[FOLDERS[role]] += _listed(path)
    names = [path.relative_to(seen.root).as_posix() for rows in found.values() for path, _ in rows]
    counts = np.array([vote for rows in found.values() for _, vote in rows], np.int64)
    splits = np.array([split for split, rows in found.items() for _ in rows])
    wanted = votes.targets(counts, target)
    kept = np.flatnonzero(wanted.any(axis=1))
    if not len(kept):
        raise DataError(lists[0], "no row with a label", f"votes that give a {target} label")
    listed, used = set(names), [path.relative_to(seen.root).as_posix() for path in lists]
    seen.pass_over("in no list", [name for name in seen.images if name not in listed])
    seen.pass_over(f"without a {target} label", np.delete(names, kept).tolist())
    names = [names[row] for row in kept]
    pixels = images.decode_all(images.present(seen.root, names), "L", allocate=allocate, alike=original.AS_FOLDER)
    columns = {f"votes_{name}": counts[kept, at] for at, name in enumerate(votes.VOTES)}
    rows = table(wanted[kept].argmax(axis=1), splits[kept], source=names, **columns)
    return Faces("ferplus", pixels, rows, votes.CLASSES, notes=tuple(seen.notes(used)))


def _listed(path: Path) -> list[tuple[Path, list[int]]]:
    """The image and its ten votes of each row of a list."""
    rows = []
    for where, fields in text.rows(path):
        if len(fields) != 2 + len(votes.VOTES):
            expected = f"{2 + len(votes.VOTES)}: name, box, and the votes for {', '.join(votes.VOTES)}"
            raise DataError(where, f"{len(fields)} fields", expected)
        name = PurePosixPath(fields[0].strip()).name
        rows.append((path.parent / name, [text.code(where, field, range(11)) for field in fields[2:]]))
    return rows


def _joined(source: str | Path, fer2013: str | Path | Faces, target: str, allocate: Callable) -> Faces:
    if not isinstance(fer2013, Faces):
        path = Path(fer2013).expanduser()
        fer2013 = store.load(path) if images.imported(path) else original.read(path)
    faces = votes.join(fer2013, source)
    wanted = votes.targets(votes.counts(faces), target)
    kept = np.flatnonzero(wanted.any(axis=1))
    if not len(kept):
        raise DataError(source, "no row with a label", f"votes that give a {target} label")
    pixels = allocate((len(kept), *faces.pixels.shape[1:]))
    np.take(faces.pixels, kept, axis=0, out=pixels)
    rows = faces.table.iloc[kept].reset_index(drop=True)
    rows = rows.assign(fer2013_label=rows["label"], row=kept, label=wanted[kept].argmax(axis=1))
    note = f"{len(faces) - len(kept)} images without a {target} label are left out."
    return Faces("ferplus", pixels, rows, votes.CLASSES, notes=(*faces.notes, note))
