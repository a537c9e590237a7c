"""RAF-DB, the Real-world Affective Faces Database, single-label ("basic") subset.

S. Li, W. Deng, J. Du. Reliable Crowdsourcing and Deep Locality-Preserving Learning for Expression Recognition in the
Wild. CVPR 2017. http://www.whdeld.cn/RAFDB

Two layouts are read, in the given folder, a folder in it, or an archive. The release's:

    EmoLabel/list_patition_label.txt       (sic) lines such as "train_00001.jpg 5"
    Image/aligned/train_00001_aligned.jpg  RGB, 100 x 100

and Kaggle's, whose lists must say what the folders do:

    DATASET/train|test/<1 to 7>/train_00001_aligned.jpg
    train_labels.csv, test_labels.csv      image,label

Codes: 1 surprise, 2 fear, 3 disgust, 4 happy, 5 sad, 6 anger, 7 neutral; mapped by name to FER2013's order.
12,271 training and 3,068 test images; there is no validation part, and no subject is named.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from . import images, layout, text, tree
from .faces import FER2013_CLASSES, DataError, Faces, meaning, role_of, table
from .store import allocate as allocate_temporary

CODES = dict(enumerate(("surprise", "fear", "disgust", "happy", "sad", "angry", "neutral"), start=1))
LIST = "EmoLabel/list_patition_label.txt"
RELEASE = {"train": 12_271, "test": 3_068}
SIDE = 100


def read(
    source: str | Path, *, size: int | tuple[int, int] | None = None, allocate: Callable = allocate_temporary
) -> Faces:
    """The aligned images as RGB `Faces`, splits "train" and "test", in the order of the list, or of the folders.

    size  side, or (H, W), to scale to; None keeps the 100 x 100 of the release
    Raises DataError for a list or image that is missing or damaged, a label outside 1 to 7, an empty split, and a list
    that says something else than the folders.
    """
    with tree.opened(source, "the folder of RAF-DB, or a .zip or .tar of it") as seen:
        if home := seen.home(lambda names: "EmoLabel" in names):
            return _listed(home, size, allocate)
        if seen.home(lambda names: "train" in map(role_of, names)):
            return _class_folders(seen, size, allocate)
        raise DataError(
            seen.root / "EmoLabel", "no such folder", "EmoLabel and Image/aligned, or train and test with 1 to 7"
        )


def _listed(root: Path, size, allocate: Callable) -> Faces:
    images.folder(root, "EmoLabel", "Image/aligned")
    names, labels, splits = [], [], []
    for where, line in text.lines(root / LIST):
        fields = line.split()
        if len(fields) != 2:
            raise DataError(where, f"{len(fields)} fields", 'an image name and a label, such as "train_00001.jpg 5"')
        stem, suffix = os.path.splitext(fields[0])
        name = (PurePosixPath("Image/aligned") / f"{stem}_aligned{suffix}").as_posix()
        images.inside(root, name)
        split = stem.partition("_")[0]
        if split not in RELEASE:
            raise DataError(where, f"image {fields[0]!r}", "a name that begins with train_ or test_")
        names.append(name)
        labels.append(FER2013_CLASSES.index(CODES[text.code(where, fields[1], range(1, 8))]))
        splits.append(split)
    _require_splits(root / LIST, splits, "lines that begin with train_ and test_")
    paths = images.present(root, names)
    pixels = images.decode_all(paths, "RGB", images.hw(size), allocate=allocate)
    notes = _notes(splits, pixels.shape if size is None else None)
    listed = {path.name for path in paths}
    if more := [path for path in images.listing(root / "Image/aligned") if path.name not in listed]:
        notes.append(f"{len(more):,} images of Image/aligned that the list does not name were skipped: {more[0].name}")
    return Faces("rafdb", pixels, table(labels, splits, source=names), FER2013_CLASSES, notes=tuple(notes))


def _class_folders(seen: tree.Seen, size, allocate: Callable) -> Faces:
    items, notes = layout.by_folder(seen)
    class_of = {}
    for label in {item.label for item in items}:
        code = CODES.get(int(label)) if label.isdecimal() else meaning(label, FER2013_CLASSES)
        if code is None:
            where = next(seen.root / item.name for item in items if item.label == label).parent
            raise DataError(where, f"a folder named {label!r}", "1 to 7, or the names of the expressions")
        class_of[label] = code
    _require_splits(seen.root, [item.split for item in items], "train and test, each with folders 1 to 7")
    used = _agreeing(seen, items, class_of)
    found = layout.faces(
        "rafdb",
        seen,
        items,
        class_of,
        FER2013_CLASSES,
        mode="RGB",
        size=size,
        notes=notes,
        used=used,
        allocate=allocate,
    )
    shape = found.pixels.shape if size is None else None
    return layout.noted(found, *_notes(found.table["split"].tolist(), shape))


def _agreeing(seen: tree.Seen, items: list[layout.Item], class_of: dict[str, str]) -> list[str]:
    """The lists of labels beside the folders, read and found to say the same. Raises DataError where one does not."""
    folders = {PurePosixPath(item.name).name: item for item in items}
    used = []
    for path in seen.lists():
        rows = text.rows(path)
        head = [field.strip().lower() for field in next(rows)[1]]
        if not {"image", "label"} <= set(head):
            continue
        image, label = head.index("image"), head.index("label")
        used.append(path.relative_to(seen.root).as_posix())
        for where, fields in rows:
            if len(fields) <= max(image, label):
                raise DataError(where, f"{len(fields)} fields", f"{len(head)}, as in the header")
            code = CODES[text.code(where, fields[label], range(1, 8))]
            name = fields[image].strip()
            item = folders.get(name)
            if item is None:
                raise DataError(where, f"image {name!r}, which is in no folder", "images that are there")
            if class_of[item.label] != code:
                found = f"label {fields[label].strip()} ({code}) of an image in the folder {item.label}"
                raise DataError(where, found, "the same in both; without the list, folder labels are used")
    return used


def _require_splits(where: Path, splits: list[str], expected: str) -> None:
    for split in RELEASE:
        if split not in map(role_of, set(splits)):
            raise DataError(where, f"no image of split {split}", expected)


def _notes(splits: list[str], shape: tuple[int, ...] | None) -> list[str]:
    """What is other than in the release: how many images; and their size, where `shape` is given."""
    count, notes = Counter(map(role_of, splits)), []
    if dict(count) != RELEASE:
        notes.append(
            f"{count['train']:,} training and {count['test']:,} test images; "
            f"the release has {RELEASE['train']:,} and {RELEASE['test']:,}"
        )
    if shape and shape[1:3] != (SIDE, SIDE):
        notes.append(f"images of {shape[2]} x {shape[1]} pixels; the release has {SIDE} x {SIDE}")
    return notes
