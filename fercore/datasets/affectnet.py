"""AffectNet, the manually annotated part.

A. Mollahosseini, B. Hasani, M. H. Mahoor. AffectNet: A Database for Facial Expression, Valence, and Arousal Computing
in the Wild. IEEE Transactions on Affective Computing 10(1), 2017. arXiv:1708.03985

Four layouts are read, in the given folder, a folder in it, or an archive. The lists, whose images are cropped by the
face box:

    Manually_Annotated_file_lists/{training,validation}.csv    the columns of COLUMNS, in some copies without the header
    Manually_Annotated_Images/<subDirectory_filePath>

and the later release, whose images are cropped already:

    {train,val}_set/images/ID.jpg                              RGB, 224 x 224
    {train,val}_set/annotations/ID_{exp,val,aro}.npy           expression, valence, arousal: one string or number each

Kaggle's, whose images are cropped already, too:

    anger/image0000000.jpg, [train|val|test/]anger/…, or 0 to 7 for the names
    labels.csv                                                 pth,label: what a network made of them; see `labels`

and exports for YOLO, see `yolo`.

Codes: 0 neutral, 1 happy, 2 sad, 3 surprise, 4 fear, 5 disgust, 6 anger, 7 contempt; mapped by name to FER2013's order
with contempt after it. 8 none, 9 uncertain and 10 no face are dropped. 287,651 training and 4,000 validation images
remain (3,999 in the later release).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np

from . import images, layout, text, tree, yolo
from .faces import FER2013_CLASSES, DataError, Faces, meaning, roles_of, table
from .store import allocate as allocate_temporary

CLASSES = (*FER2013_CLASSES, "contempt")
CODES = ("neutral", "happy", "sad", "surprise", "fear", "disgust", "angry", "contempt")
DROPPED = {8: "none", 9: "uncertain", 10: "no face"}
LISTS, PICTURES = "Manually_Annotated_file_lists", "Manually_Annotated_Images"
BOX = ("face_x", "face_y", "face_width", "face_height")
AFFECT = ("valence", "arousal")
COLUMNS = ("subDirectory_filePath", *BOX, "facial_landmarks", "expression", *AFFECT)
FLAWED = (  # listed in the official release, but absent or undecodable in the copies that its users describe
    "2/9db2af5a1da8bd77355e8c6a655da519a899ecc42641bf254107bfc0.jpg",
    "103/29a31ebf1567693f4644c8ba3476ca9a72ee07fe67a5860d98707a0a.jpg",
    "994/8fb7a123f36ae89be4bf72e9fa77d1434a29135f3342f62fb55c7aee.jpg",
)
FILES = {"train": "training.csv", "val": "validation.csv"}
RELEASE = {"train": (287_651,), "val": (4_000, 3_999)}


class Row(NamedTuple):
    """What AffectNet says of an image."""

    name: str  # of the image, within the data folder
    code: int
    box: tuple[int, int, int, int] | None  # (left, top, right, bottom); None for an image that is cropped already
    valence: float
    arousal: float


def read(
    source: str | Path,
    *,
    size: int | tuple[int, int] | None = 112,
    contempt: bool = True,
    labels: str = "folders",
    allocate: Callable = allocate_temporary,
) -> Faces:
    """RGB `Faces`, splits "train" and "val", the split that papers report on; columns valence and arousal, from -1 to
    1, where the copy has them.

    size      side, or (H, W), to scale the cropped face to; None keeps the files' own if they are all alike
    contempt  False drops that class: seven classes, comparable with FER2013
    labels    of Kaggle's layout, where labels.csv contradicts the folders: "folders", the annotators', or "list"
    Raises DataError for a list, annotation or image that is missing or damaged, a label outside 0 to 10, a face box
    that is empty or more than half outside its image, and a split of which nothing remains.
    """
    if labels not in ("folders", "list"):
        raise ValueError(f"labels is {labels!r}; expected folders or list")
    with tree.opened(source, "the folder of AffectNet, or a .zip or .tar of it") as seen:
        home = seen.home(lambda names: LISTS in names or any(f"{split}_set" in names for split in RELEASE))
        annotated = home and ((home / LISTS).is_dir() or any(home.glob("*_set/annotations")))
        if annotated:
            return _release(home, size, contempt, allocate)
        if not seen.images:
            raise DataError(
                seen.root, "no folder of AffectNet", f"{LISTS} and {PICTURES}, or train_set and val_set, or anger, …"
            )
        return _class_folders(seen, size, contempt, labels, allocate)


def _class_folders(seen: tree.Seen, size, contempt: bool, labels: str, allocate: Callable) -> Faces:
    """Kaggle's layout and YOLO's exports."""
    if export := yolo.find(seen):
        items, notes, used = yolo.read(seen, *export)
    else:
        items, notes = layout.by_folder(seen)
        used = []
        for path in seen.lists("labels.csv"):
            items, more = _relabelled(seen, path, items, labels)
            notes += more
            used.append(path.relative_to(seen.root).as_posix())
    class_of, codes = {}, {int(item.label) for item in items if item.label.isdecimal()}
    if codes and 0 not in codes:
        found = f"codes from {min(codes)} to {max(codes)}, none of them 0, which is neutral"
        raise DataError(seen.root, found, "AffectNet's own, 0 to 7; folders that count from 1 can be renamed in words")
    for label, item in {item.label: item for item in items}.items():
        code = int(label) if label.isdecimal() else -1
        class_of[label] = CODES[code] if 0 <= code < len(CODES) else meaning(label, CLASSES)
        if class_of[label] is None:
            found, expected = f"the class {label!r}", f"0 to 7, or {', '.join(CODES)}; import folder takes any class"
            raise DataError((seen.root / item.name).parent, found, expected)
    if not contempt:
        gone = [item for item in items if class_of[item.label] == "contempt"]
        seen.pass_over("labelled contempt, as asked", [item.name for item in gone])
        items = [item for item in items if class_of[item.label] != "contempt"]
    classes = CLASSES if contempt else FER2013_CLASSES
    found = layout.faces(
        "affectnet", seen, items, class_of, classes, mode="RGB", size=size, notes=notes, used=used, allocate=allocate
    )
    return replace(found, roles=_roles(found.splits))


def _roles(splits: tuple[str, ...]) -> dict[str, str]:
    """AffectNet's val is reported on, by every paper, unless there is a test split beside it."""
    roles = roles_of(splits)
    return roles | {"test": roles.pop("select")} if "select" in roles and "test" not in roles else roles


def _relabelled(
    seen: tree.Seen, path: Path, items: list[layout.Item], labels: str
) -> tuple[list[layout.Item], list[str]]:
    """`items` with the labels that were asked for, and the note on how many the list of labels contradicts; none where
    it contradicts none."""
    rows = text.rows(path)
    where, head = next(rows)
    names = [field.strip().lower() for field in head]
    if not {"pth", "label"} <= set(names):
        raise DataError(where, f"the header {','.join(names)[:80]!r}", "a list with the columns pth and label")
    pth, label = names.index("pth"), names.index("label")
    listed = {}
    for where, fields in rows:
        if len(fields) <= max(pth, label):
            raise DataError(where, f"{len(fields)} fields", f"{len(names)}, as in the header")
        listed[fields[pth].strip()] = fields[label].strip()
    said = {item.name: next((listed[end] for end in _ends(item.name) if end in listed), None) for item in items}
    differ = [item for item in items if said[item.name] and _other(item.label, said[item.name])]
    left = sum(one is None for one in said.values())
    if not differ:
        return items, []
    note = f"{path.name} has another label for {len(differ):,} of {len(items) - left:,} images that it lists"
    if labels == "folders":
        return items, [f"{note}: folder labels are used; labels=list (--labels list) uses the list's"]
    changed = [item._replace(label=said[item.name] or item.label) for item in items]
    rest = f"; folder labels for the {left:,} that it does not list" if left else ""
    return changed, [f"{note}: the list's labels are used, as asked{rest}"]


def _ends(name: str) -> list[str]:
    parts = PurePosixPath(name).parts
    return ["/".join(parts[start:]) for start in range(len(parts))]


def _other(one: str, two: str) -> bool:
    return (meaning(one, CLASSES) or one) != (meaning(two, CLASSES) or two)


def _release(root: Path, size, contempt: bool, allocate: Callable) -> Faces:
    lists = (root / LISTS).is_dir()
    classes = CLASSES if contempt else FER2013_CLASSES
    kept, splits, codes, lost = [], [], Counter(), 0
    for split in RELEASE:
        before = len(kept)
        for row in _listed(root, split) if lists else _annotated(root, split):
            codes[row.code] += 1
            if row.code >= len(classes):  # contempt is the last of the expressions here as there
                continue
            if row.name.endswith(FLAWED) and not images.readable(root, row.name):
                lost += 1
                continue
            kept.append(row)
            splits.append(split)
        if len(kept) == before:
            where = root / LISTS / FILES[split] if lists else root / f"{split}_set"
            raise DataError(where, "no image to keep", f"labels from 0 to {len(classes) - 1}")

    names = [row.name for row in kept]
    boxes = [row.box for row in kept]
    pixels = images.decode_all(images.present(root, names), "RGB", images.hw(size), boxes, allocate)
    notes = ["faces cropped by the boxes of the lists" if lists else "images of the release that is cropped already"]
    notes += [f"dropped {codes[code]:,} images labelled {name}" for code, name in DROPPED.items() if codes[code]]
    if not contempt:
        notes.append(f"dropped {codes[7]:,} images labelled contempt, as asked")
    if lost:
        notes.append(f"left out {lost} images that are known to be absent or damaged in the release")
    for split, expected in RELEASE.items() if contempt else ():
        if splits.count(split) not in expected:
            notes.append(f"{splits.count(split):,} images of split {split}; the release has {expected[0]:,}")
    labels = [CLASSES.index(CODES[row.code]) for row in kept]
    affect = {name: np.array([getattr(row, name) for row in kept]) for name in AFFECT}
    affect = {name: values for name, values in affect.items() if not np.isnan(values).all()}
    rows = table(labels, splits, source=names, **affect)
    return Faces("affectnet", pixels, rows, classes, notes=tuple(notes), roles=_roles(tuple(dict.fromkeys(splits))))


def _listed(root: Path, split: str) -> Iterator[Row]:
    """The rows of a list; what will be dropped is not looked at closely, since a non-face needs no box."""
    images.folder(root, LISTS, PICTURES)
    at: dict[str, int] = {}
    for where, fields in text.rows(root / LISTS / FILES[split]):
        if not at:
            at, header = _columns(where, fields)
            if header:
                continue
        if len(fields) <= max(at.values()):
            raise DataError(where, f"{len(fields)} fields", f"at least {1 + max(at.values())}")
        name = (PurePosixPath(PICTURES) / fields[at["subDirectory_filePath"]].strip()).as_posix()
        code = text.code(where, fields[at["expression"]], range(11))
        box, affect = None, [math.nan, math.nan]
        if code not in DROPPED:
            left, top, width, height = (int(text.number(where, fields[at[name]], name)) for name in BOX)
            if width <= 0 or height <= 0:
                raise DataError(where, f"face box of {width} x {height} pixels", "a box that is not empty")
            box = left, top, left + width, top + height
            affect = [text.number(where, fields[at[name]], name) if name in at else math.nan for name in AFFECT]
        yield Row(name, code, box, *affect)


def _columns(where: str, fields: list[str]) -> tuple[dict[str, int], bool]:
    """Where each column stands, and whether the first row says so or is data already."""
    given = {field.strip().lower(): at for at, field in enumerate(fields)}
    lacking = [name for name in COLUMNS if name.lower() not in given and name not in (*AFFECT, "facial_landmarks")]
    if not lacking:
        return {name: given[name.lower()] for name in COLUMNS if name.lower() in given}, True
    if len(fields) >= len(COLUMNS) and fields[COLUMNS.index("expression")].strip().isdigit():
        return {name: at for at, name in enumerate(COLUMNS)}, False
    raise DataError(where, f"a header without {', '.join(lacking)}", ",".join(COLUMNS))


def _annotated(root: Path, split: str) -> Iterator[Row]:
    """The rows of one split of the later release, in natural order of their IDs."""
    home = images.folder(root / f"{split}_set", "images", "annotations")
    files = {path.stem: path.name for path in images.listing(home / "images")}
    found = {path.name for path in (home / "annotations").glob("[!.]*.npy")}
    keys = sorted((name.removesuffix("_exp.npy") for name in found if name.endswith("_exp.npy")), key=images.natural)
    if unlabelled := sorted(files.keys() - set(keys), key=images.natural):
        what = f"no such file; {len(unlabelled)} images have no label"
        raise DataError(home / "annotations" / f"{unlabelled[0]}_exp.npy", what, "a label for every image")

    def value(name: str) -> str:
        return text.scalar(images.inside(root, f"{home.name}/annotations/{name}"))

    for key in keys:
        code = text.code(home / "annotations" / f"{key}_exp.npy", value(f"{key}_exp.npy"), range(11))
        both = [f"{key}_{name[:3]}.npy" for name in AFFECT]
        affect = [
            text.number(home / "annotations" / name, value(name), name) if name in found else math.nan for name in both
        ]
        yield Row(f"{home.name}/images/{files.get(key, key + '.jpg')}", code, None, *affect)
