"""Any folder of face images whose folder names are the labels.

    <root>/<class>/*             split "" for all
    <root>/<split>/<class>/*     where no top folder holds an image itself

Labels follow the sorted class names, or `classes`. If the names are exactly FER2013's (in any case, or anger,
happiness, sadness and the like), they become FER2013's names in FER2013's order. A class without an image is absent,
not empty.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from . import images
from .faces import FER2013_CLASSES, DataError, Faces, meaning, table
from .store import allocate as allocate_temporary


def read(
    source: str | Path,
    *,
    mode: str = "L",
    size: int | tuple[int, int] | None = None,
    subject: str | None = None,
    classes: Sequence[str] | None = None,
    allocate: Callable = allocate_temporary,
) -> Faces:
    """The images as `Faces` named after the folder, ordered by split, label and file name.

    mode     "L" for grey, "RGB" for colour
    size     side, or (H, W), to scale to; None takes the files' own, which must be alike
    subject  regular expression, searched in the path within the folder; the group named "subject", else the first group
    classes  names of the class folders in the order of their labels; sorted by name if not given
    Raises DataError for a folder or split without an image, images elsewhere than in class folders, a class folder that
    `classes` does not name, images of different sizes, damaged images, and paths that `subject` does not match.
    """
    root = images.folder(source)
    tops = images.folders(root)
    flat = any(images.listing(top) for top in tops)
    splits = {"": tops} if flat else {top.name: images.folders(top) for top in tops}
    found = [(split, folder, images.listing(folder)) for split, folders in splits.items() for folder in folders]
    if not any(files for *_, files in found):
        raise DataError(root, "no image in class folders", "<class>/* or <split>/<class>/*")
    for _, folder, _ in found:
        for deep in images.listing(folder, "*/**/*"):
            raise DataError(deep, "an image below a class folder", "<class>/* or <split>/<class>/*")
    for split in splits:
        if not any(files for name, _, files in found if name == split):
            raise DataError(root / split, "a split without an image", "<split>/<class>/*, or <class>/* without splits")

    name_of, names = _classes([folder for _, folder, _ in found], classes)
    held = {name_of[folder.name] for _, folder, files in found if files}
    kept = tuple(name for name in names if name in held or classes is not None)
    rows = [
        (kept.index(name_of[folder.name]), split, path.relative_to(root).as_posix())
        for split, folder, files in found
        for path in files
    ]
    order = {split: at for at, split in enumerate(splits)}
    rows.sort(key=lambda row: (order[row[1]], row[0], images.natural(row[2])))
    labels, split_names, sources = zip(*rows, strict=True)
    subjects = _subjects(root, subject, sources) if subject is not None else ""

    pixels = images.decode_all(images.present(root, sources), mode, images.hw(size), allocate=allocate)
    notes = [
        f"class {name} has no image" + ("" if name in kept else ": absent, not empty")
        for name in names
        if name not in held
    ]
    for split in splits:
        here = {name_of[folder.name] for name, folder, files in found if name == split and files}
        if lacking := [name for name in kept if name in held - here]:
            notes.append(f"split {split} has no image of {', '.join(lacking)}")
    if loose := len(images.listing(root)):
        notes.append(f"{loose} images beside the folders were left out")
    frame = table(list(labels), list(split_names), subjects, source=list(sources))
    return Faces(root.resolve().name, pixels, frame, kept, notes=tuple(notes))


def _classes(folders: list[Path], classes: Sequence[str] | None) -> tuple[dict[str, str], tuple[str, ...]]:
    """The class of each folder name, and all classes in the order of their labels."""
    given = sorted({folder.name for folder in folders})
    if classes is not None:
        for folder in folders:
            if folder.name not in classes:
                raise DataError(folder, f"a folder named {folder.name!r}", f"one of {', '.join(classes)}")
        return {name: name for name in given}, tuple(classes)
    fer2013 = {name: meaning(name, FER2013_CLASSES) for name in given}
    if set(fer2013.values()) == set(FER2013_CLASSES):
        return fer2013, FER2013_CLASSES
    return {name: name for name in given}, tuple(given)


def _subjects(root: Path, pattern: str, sources: Sequence[str]) -> list[str]:
    try:
        search = re.compile(pattern)
    except re.error as error:
        raise DataError(f"subject {pattern!r}", str(error), "a regular expression") from None
    if not search.groups:
        raise DataError(f"subject {pattern!r}", "no group", 'one group, such as "(S[0-9]+)_"')
    group = "subject" if "subject" in search.groupindex else next(iter(search.groupindex), 1)
    matches = [search.search(source) for source in sources]
    missed = [source for source, match in zip(sources, matches, strict=True) if match is None or match[group] is None]
    if missed:
        found = f"a path that {pattern!r} does not match, one of {len(missed)} of {len(sources)}"
        raise DataError(root / missed[0], found, "a subject in every path")
    return [match[group] for match in matches]
