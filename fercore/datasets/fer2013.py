"""FER2013: 35,887 grey 48x48 faces in three official splits (Goodfellow et al., ICML 2013 workshop, arXiv:1307.0414).

Read from what users have downloaded:

    fer2013.csv          emotion,pixels,Usage; `pixels` is 2,304 numbers of 0 to 255, row by row
    icml_face_data.csv   the same with blanks in the names and the columns in another order: emotion, Usage, pixels
    *.gz, *.zip          either of them packed
    a folder             train|test/<emotion>/*.jpg|png, see `_read_folder`

0 angry, 1 disgust, 2 fear, 3 happy, 4 sad, 5 surprise, 6 neutral; Training, PublicTest, PrivateTest.
"""

from __future__ import annotations

from pathlib import Path

from . import fer2013_csv, images
from .faces import FER2013_CLASSES as CLASSES
from .faces import DataError, Faces, meaning, table
from .fer2013_csv import SIDE, SPLITS
from .store import allocate as allocate_temporary
from .votes import join

UNKNOWN = "test"  # the split of a test image whose name does not say which of the two it is of


def read(source: str | Path, *, votes: str | Path | None = None, allocate=allocate_temporary) -> Faces:
    """FER2013 from `source`: pixels uint8 (N, 48, 48), label 0 to 6, split; `source` names the row or file.

    votes  FER+'s fer2013new.csv, joined by row: ten more columns, see `votes.join`

    Raises DataError for anything that is not as the set is published; nothing is guessed or left out.
    """
    source = Path(source)
    if not source.exists():
        raise DataError(source, "no such file", "fer2013.csv, a .gz or .zip of it, or its folder form")
    faces = _read_folder(source, allocate) if source.is_dir() else fer2013_csv.read(source, allocate)
    if votes is not None:
        faces = join(faces, votes)
    return faces


def _read_folder(source: Path, allocate) -> Faces:
    """train|test/<emotion>/*.jpg|png, as Kaggle's folder copies have it; those merge PublicTest and PrivateTest.

    Names that begin with PublicTest_ or PrivateTest_ give the official splits back. Without them the test images keep
    the split "test", and a note says so; where all are named, each split must have an image.
    """
    found = []  # (place of the split, path, label): sorted, they stand in the official order of the splits
    for part, default in (("train", "Training"), ("test", UNKNOWN)):
        if not (source / part).is_dir():
            raise DataError(source / part, "no such folder", "train and test, each with a folder an emotion")
        before = len(found)
        for folder in images.folders(source / part):
            name = meaning(folder.name, CLASSES)
            if name is None:
                raise DataError(folder, f"the emotion {folder.name!r}", ", ".join(CLASSES))
            for path in images.listing(folder):
                named = path.name.split("_")[0]
                split = named if named in SPLITS else default
                images.inside(source, path.relative_to(source))
                found.append(((*SPLITS, UNKNOWN).index(split), path, CLASSES.index(name)))
        if len(found) == before:
            raise DataError(source / part, "no image", "images in folders named after the emotions")
    places, paths, labels = zip(*sorted(found), strict=True)
    splits = [(*SPLITS, UNKNOWN)[place] for place in places]
    for split in SPLITS:
        if split not in splits and UNKNOWN not in splits:
            raise DataError(source / "test", f"no image of {split}", f"images of {', '.join(SPLITS)}")
    pixels = images.decode_all(paths, "L", size=None, allocate=allocate)
    if pixels.shape[1:] != (SIDE, SIDE):
        raise DataError(paths[0], f"{pixels.shape[2]} x {pixels.shape[1]} pixels", f"{SIDE} x {SIDE}")
    note = (
        f"{splits.count(UNKNOWN)} of {len(splits)} images do not say whether they are of PublicTest or of PrivateTest: "
        "the official splits are lost, and no score on them compares with a published one."
    )
    rows = table(labels, splits, source=[path.relative_to(source).as_posix() for path in paths])
    return Faces("fer2013", pixels, rows, CLASSES, notes=(note,) if UNKNOWN in splits else ())
