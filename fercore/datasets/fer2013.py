"""FER2013: 35,887 grey 48x48 faces in three official splits (Goodfellow et al., ICML 2013 workshop, arXiv:1307.0414).

Read from what users have downloaded:

    fer2013.csv          emotion,pixels,Usage; `pixels` is 2,304 numbers of 0 to 255, row by row
    icml_face_data.csv   the same with blanks in the names and the columns in another order: emotion, Usage, pixels
    class folders        train|test|validation/<emotion>/*.jpg|png, see `_read_folder`

each of them a file, in a folder or in folders within it, or packed: .gz, .bz2, .xz, .zip, .tar, one within another. Of
a folder with a CSV and class folders the CSV is taken, and a note says so: it alone has the order of the rows.

0 angry, 1 disgust, 2 fear, 3 happy, 4 sad, 5 surprise, 6 neutral; Training, PublicTest, PrivateTest.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from . import archives, fer2013_csv, images, tree
from .faces import FER2013_CLASSES as CLASSES
from .faces import DataError, Faces, meaning, role_of, roles_claimed, table
from .fer2013_csv import NAMES, SIDE, SPLITS
from .store import allocate as allocate_temporary
from .votes import join

AS_FOLDER = "import images of other sizes by the name folder, with --size 48"
UNKNOWN = "test"  # the split of a test image whose name does not say which of the two it is of
VALIDATION = "validation"  # of an image in such a folder, whose name does not say either
OFFICIAL = {VALIDATION: SPLITS[1], UNKNOWN: SPLITS[2]}
ORDER = (*SPLITS, VALIDATION, UNKNOWN)
EXPECTED = "fer2013.csv, a .gz or .zip of it, or its folder form"


def read(source: str | Path, *, votes: str | Path | None = None, allocate=allocate_temporary) -> Faces:
    """FER2013 from `source`: pixels uint8 (N, 48, 48), label 0 to 6, split; `source` names the row or file.

    votes  FER+'s fer2013new.csv, joined by row: ten more columns, see `votes.join`

    Raises DataError for anything that is not as the set is published; nothing is guessed, or left out without a note.
    """
    source = archives.ordinary(source, EXPECTED)
    if source.is_file() and (archives.kind(source) in (None, *archives.UNREAD) or _is_csv(source)):
        faces = fer2013_csv.read(source, allocate)
    else:
        with tree.opened(source, EXPECTED) as seen:
            faces = _read_opened(seen, allocate)
    return faces if votes is None else join(faces, votes)


def _is_csv(source: Path) -> bool:
    """Whether an archive holds the CSV, or is it, packed; otherwise it holds class folders, or archives."""
    found = archives.kind(source)
    return (found in archives.STREAMS and not archives.tarred(source, found)) or fer2013_csv.member(source) is not None


def _read_opened(seen: tree.Seen, allocate) -> Faces:
    root = seen.root
    home = seen.home(lambda names: "train" in map(role_of, names))
    tables = seen.lists()
    whole = [table for name in NAMES for table in tables if table.name == name]
    if whole or (home is None and tables):
        # without the whole of it, what train.csv lacks is said where it is read
        table = next(iter(whole), next((table for table in tables if table.name == "train.csv"), tables[0]))
        passed = [path for path in (*tables, home) if path not in (None, table)]
        names = ", ".join(path.relative_to(root).as_posix() or "." for path in passed)
        note = (f"read from {table.relative_to(root).as_posix()}; {names} skipped",) if passed else ()
        faces = fer2013_csv.read(table, allocate)
        return replace(faces, notes=(*note, *faces.notes))
    return _read_folder(seen, home or root, allocate)


def _read_folder(seen: tree.Seen, home: Path, allocate) -> Faces:
    """train|test|validation/<emotion>/*.jpg|png, as Kaggle's folder copies have it; those merge PublicTest and
    PrivateTest.

    Names that begin with PublicTest_ or PrivateTest_ give the official splits back, as do folders of these names.
    Without them test images keep the split "test", those of a folder that validates "validation", and a note says so
    (beside images that are named, "unnamed test", "unnamed validation");
    where all are named, each split must have an image.
    """
    root, found = (
        seen.root,
        [],
    )  # (place of the split, path, label): sorted, they stand in the official order of the splits
    claimed = roles_claimed(folder.name for folder in images.folders(home))
    parts = {home / name: role for name, role in claimed.items() if role}
    if not seen.images:
        raise DataError(root, "; ".join(["no CSV and no image", *seen.notes()]), EXPECTED)
    lacking = [role for role in ("train", "test") if role not in parts.values()]
    if lacking and (lacking != ["test"] or "select" not in parts.values()):
        expected = "train and test, each with a folder an emotion; or fer2013.csv"
        raise DataError(home / lacking[0], "no such folder", expected)
    merged: dict[str, set[str]] = {}
    for part, role in parts.items():
        default = {"train": "Training", "select": VALIDATION, "test": UNKNOWN}[role]
        default = next((split for split in SPLITS if split.lower() == part.name.lower()), default)
        before = len(found)
        while [folder.name.lower() for folder in images.folders(part)] == [part.name.lower()]:
            part = images.folders(part)[0]  # train.zip, which holds train/, unpacks to train/train/
        for folder in images.folders(part):
            name = meaning(folder.name, CLASSES)
            if name is None:
                raise DataError(folder, f"the emotion {folder.name!r}", ", ".join(CLASSES))
            merged.setdefault(name, set()).add(folder.name)
            for path in images.listing(folder):
                named = path.name.split("_")[0]
                split = named if named in SPLITS else default
                images.inside(root, path.relative_to(root))
                found.append((ORDER.index(split), path, CLASSES.index(name)))
        if len(found) == before:
            raise DataError(part, "no image", "images in folders named after the emotions")
    places, paths, labels = zip(*sorted(found), strict=True)
    splits = [ORDER[place] for place in places]
    for split in SPLITS:
        if split not in splits and UNKNOWN not in splits and VALIDATION not in splits:
            raise DataError(home / "test", f"no image of {split}", f"images of {', '.join(SPLITS)}")
    pixels = images.decode_all(paths, "L", size=None, allocate=allocate, alike=AS_FOLDER)
    if pixels.shape[1:] != (SIDE, SIDE):
        found = f"{pixels.shape[2]} x {pixels.shape[1]} pixels"
        raise DataError(paths[0], found, f"{SIDE} x {SIDE}; or {AS_FOLDER}")
    notes = [] if home == root else [f"read from {home.relative_to(root).as_posix()}/"]
    notes += [f"{' and '.join(sorted(names))} are one class" for names in merged.values() if len(names) > 1]
    if lost := splits.count(UNKNOWN) + splits.count(VALIDATION):
        notes.append(
            f"{lost} of {len(splits)} images do not say whether they are of PublicTest or of PrivateTest: the official "
            "splits are lost, and no score on them compares with a published one."
        )
    notes += fer2013_csv.in_part(splits)
    sources = [path.relative_to(root).as_posix() for path in paths]
    read = set(sources)
    seen.pass_over("in no folder of an emotion that is read", [name for name in seen.images if name not in read])
    # beside the official ones, what does not say which it is of plays no role
    beside = {unnamed: "unnamed " + unnamed for unnamed, own in OFFICIAL.items() if own in splits}
    splits = [beside.get(split, split) for split in splits]
    rows = table(labels, splits, source=sources)
    return Faces("fer2013", pixels, rows, CLASSES, notes=(*notes, *seen.notes()))
