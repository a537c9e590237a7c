"""CK+, the Extended Cohn-Kanade Dataset.

P. Lucey, J. F. Cohn, T. Kanade, J. Saragih, Z. Ambadar, I. Matthews. The Extended Cohn-Kanade Dataset (CK+): A complete
dataset for action unit and emotion-specified expression. CVPR Workshops 2010.

The release's layout, the two folders wherever they were unpacked:

    cohn-kanade-images/S005/001/S005_001_00000011.png     640 x 490 or 640 x 480, grey or RGB, from neutral to apex
    Emotion/S005/001/S005_001_00000011_emotion.txt        one float such as "   3.0000000e+00"; none if unlabelled

and Kaggle's CK+48, three peak frames of each labelled sequence, in which nobody is neutral:

    CK+48/anger/S010_004_00000017.png                     48 x 48, grey

and Kaggle's ckextended.csv, in FER2013's columns and codes with 7 for contempt: a frame a sequence and a neutral one of
each, 48 x 48, in random splits that do not say who is seen.

Codes: 0 neutral, 1 anger, 2 contempt, 3 disgust, 4 fear, 5 happy, 6 sadness, 7 surprise. They are the labels here too,
since that is the class order of the released MicroExpNet weights.

Images are chosen as in Section IV-B of I. Cugu, E. Sener, E. Akbas, MicroExpNet (IPTA 2019): of a labelled sequence
the first frame as neutral and the last three as the expression, of an unlabelled one the first frame alone. That makes
1,574 images of 593 sequences, 327 of them labelled. The paper crops faces with Viola-Jones; no detector stands here, so
frames are scaled whole unless `crop` finds the faces.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from . import archives, fer2013_csv, images, layout, text, tree
from .faces import FER2013_CLASSES, DataError, Faces, meaning, table
from .store import allocate as allocate_temporary

CLASSES = ("neutral", "anger", "contempt", "disgust", "fear", "happy", "sadness", "surprise")
FRAMES, LABELS = "cohn-kanade-images", "Emotion"
RELEASE = 593, 327
OWN = "own"
PEAK = 3
NAME = re.compile(r"(S\d+)_(\d+)_\d+\.\w+$")


def read(
    source: str | Path,
    *,
    size: int | tuple[int, int] | str | None = OWN,
    crop: Callable[[np.ndarray], tuple[int, int, int, int] | None] | None = None,
    peak: int = PEAK,
    allocate: Callable = allocate_temporary,
) -> Faces:
    """First and last frames as grey `Faces`; subject "S005", sequence "S005_001", split "". Of CK+48 all images.

    size  side, or (H, W), to scale to, whatever the proportions were; None keeps the frames' own if they are all alike.
          OWN, the default: 256 x 256 for the release's frames, and CK+48's own
    crop  function from a frame, uint8 (H, W), to the face's (left, top, right, bottom) or None for the whole frame
    peak  number of last frames of a labelled sequence
    Raises DataError for a folder, label file or frame that is missing or damaged, a label outside 0 to 7, and a
    labelled sequence of fewer than 1 + peak frames; and ValueError for options of frames where faces are cut out.
    """
    if peak < 1:
        raise ValueError(f"peak must be at least 1 frame, not {peak}")
    options = {"size": size != OWN, "crop": crop is not None, "peak": peak != PEAK}
    given = [name for name, other in options.items() if other]
    expected = f"the folder that holds {FRAMES} and {LABELS}, or an archive of it"
    source = archives.ordinary(source, expected)
    if source.is_file() and source.suffix.lower() == ".csv":
        _refuse(source, given)
        return _table(source, allocate)
    with tree.opened(source, expected) as seen:
        homes = [seen.home(lambda names, one=one: one in names) for one in (FRAMES, LABELS)]
        if all(homes):
            return _sequences(seen.root, *homes, (256, 256) if size == OWN else size, crop, peak, allocate)
        if homes == [None, None] and any(map(NAME.search, seen.images)):
            _refuse(source, [name for name in given if name != "size"])
            return _cut_out(seen, None if size == OWN else size, allocate)
        if homes == [None, None] and len(seen.lists()) == 1:
            _refuse(source, given)
            return _table(seen.lists()[0], allocate)
        missing = FRAMES if homes[0] is None else LABELS
        there = f" ({homes[0] or homes[1]} has the other)" if any(homes) else ""
        expected = f"the folders {FRAMES} and {LABELS}{there}, or CK+48's <emotion>/S010_004_00000017.png"
        raise DataError(seen.root / missing, "no such folder", expected)


def _refuse(source: Path, given: list[str]) -> None:
    if given:
        raise ValueError(f"{source.name} has faces of 48 px that are cut out already, and takes no {', '.join(given)}")


def _table(path: Path, allocate: Callable) -> Faces:
    """ckextended.csv: its codes are FER2013's, 0 to 6, and 7 contempt."""
    faces = fer2013_csv.read(path, allocate, (*FER2013_CLASSES, "contempt"))
    code = np.array([CLASSES.index(meaning(name, CLASSES)) for name in faces.classes])
    notes = (f"{path.name}: nobody's name stands in it, and people are on several sides of its splits",)
    return replace(
        faces,
        name="ckplus",
        classes=CLASSES,
        notes=notes,
        fingerprint=None,
        table=faces.table.assign(label=code[faces.labels]),
    )


def _cut_out(seen: tree.Seen, size, allocate: Callable) -> Faces:
    """CK+48: the emotion is the folder, subject and sequence stand in the file name."""
    items, notes = layout.by_folder(seen)
    class_of, found = {}, []
    for item in items:
        name = NAME.search(item.name)
        if name is None:
            raise DataError(
                seen.root / item.name, "a name without subject and sequence", "such as S010_004_00000017.png"
            )
        class_of[item.label] = meaning(item.label, CLASSES)
        if class_of[item.label] is None:
            where = (seen.root / item.name).parent
            raise DataError(where, f"a folder named {item.label!r}", ", ".join(CLASSES))
        found.append(item._replace(subject=name[1], sequence=f"{name[1]}_{name[2]}"))
    notes += ["CK+48's faces, cut out already"]
    return layout.faces("ckplus", seen, found, class_of, CLASSES, mode="L", size=size, notes=notes, allocate=allocate)


def _sequences(root: Path, frames_home: Path, labels_home: Path, size, crop, peak: int, allocate: Callable) -> Faces:
    homes = {FRAMES: frames_home / FRAMES, LABELS: labels_home / LABELS}
    keys = {
        (subject.name, sequence.name)
        for home in homes.values()
        for subject in images.folders(home)
        for sequence in images.folders(subject)
    }
    chosen, labels, subjects, sequences = [], [], [], []
    labelled = empty = 0
    for subject, sequence in sorted(keys):
        frames = images.listing(homes[FRAMES] / subject / sequence)
        code = _code(root, homes[LABELS] / subject / sequence)
        if code is not None and len(frames) < 1 + peak:
            found = f"{len(frames)} frames in a labelled sequence"
            raise DataError(homes[FRAMES] / subject / sequence, found, f"at least {1 + peak}")
        labelled += code is not None
        empty += not frames
        take = [(frame, 0) for frame in frames[:1]] + [(frame, code) for frame in frames[-peak:] if code is not None]
        for frame, label in take:
            chosen.append(frame.relative_to(root).as_posix())
            labels.append(label)
            subjects.append(subject)
            sequences.append(f"{subject}_{sequence}")
    if not labelled:
        raise DataError(homes[LABELS], "no label file", f"{LABELS}/S005/001/S005_001_00000011_emotion.txt and the like")

    paths = images.present(root, chosen)
    pixels, note = images.decode_frames(paths, "L", images.hw(size), crop, allocate)
    notes = [note + (f", scaled to {pixels.shape[2]} x {pixels.shape[1]}" if size is not None else "")]
    if empty:
        notes.append(f"{empty} sequence folders without a frame were skipped")
    if (len(keys) - empty, labelled) != RELEASE:
        notes.append(
            f"{len(keys) - empty} sequences, {labelled} of them labelled; the release has {RELEASE[0]} and {RELEASE[1]}"
        )
    return Faces("ckplus", pixels, table(labels, "", subjects, sequences, chosen), CLASSES, notes=tuple(notes))


def _code(root: Path, folder: Path) -> int | None:
    """The label code of a sequence, or None where its folder has no label file."""
    files = sorted(path for path in folder.glob("*.txt") if not path.name.startswith("."))
    if not files:
        return None
    if len(files) > 1:
        raise DataError(folder, f"{len(files)} label files", "at most one")
    (where, line), *more = text.lines(images.inside(root, files[0].relative_to(root)))
    if more:
        raise DataError(files[0], f"{1 + len(more)} lines", "one label")
    return text.code(where, line, range(len(CLASSES)))
