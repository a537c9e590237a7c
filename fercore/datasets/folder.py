"""Any folder of face images whose folders, file names or lists are the labels.

    <class>/*                       split "" for all
    <split>/<class>/*
    <split>/*, or *                 with `label`, which finds the class in the file names
    <split>/images/*, labels/*.txt  with data.yaml, see `yolo`
    anything, and a list            metadata.csv, _classes.csv, _annotations.coco.json, labels.csv, see `lists`

Folders around these are passed through (archive/, images/images/). Labels follow the sorted class names, or `classes`.
If the names are FER2013's (in any case, or anger, happiness, sadness and the like), they become FER2013's names in
FER2013's order, with contempt after them. A class without an image is absent, not empty.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from . import NAMES, layout, lists, text, tree, yolo
from .faces import DataError, Faces, meaning, role_of
from .store import allocate as allocate_temporary

CODES = {"an": "angry", "di": "disgust", "fe": "fear", "af": "fear", "ha": "happy", "sa": "sad", "su": "surprise"}
CODES |= {"ne": "neutral", "co": "contempt"}  # in file names, as JAFFE, KDEF and others have them


def read(
    source: str | Path,
    *,
    mode: str = "L",
    size: int | tuple[int, int] | None = None,
    subject: str | None = None,
    label: str | None = None,
    classes: Sequence[str] | None = None,
    labels: str | None = None,
    as_is: bool = False,
    allocate: Callable = allocate_temporary,
) -> Faces:
    """The images as `Faces` named after the folder, ordered by split, label and file name. Where that is the name of a
    data set, "rafdb folder": it is not known to be that set, and must not answer for it.

    source   a folder, an archive of it, or the one list in it that counts
    mode     "L" for grey, "RGB" for colour
    size     side, or (H, W), to scale to; None takes the files' own, which must be alike
    subject  regular expression, searched in the path within the folder; the group named "subject", else the first group
    label    the same for the label, where it is not the folder: "AN" is angry, as in JAFFE; other words stay
    classes  names of the classes in the order of their labels; sorted by name if not given. Where the labels are
             numbers, what these mean, from 0 or from 1, as the lowest or the highest of them tells
    labels   "folders" or "list": what counts where there are both. If not given, folders that are named after
             expressions or by labels of the list, else the list
    as_is    take folders as classes and splits whatever they are called; see `guarded` of `layout.by_folder`
    Raises DataError for a folder or split without an image, images elsewhere than in class folders or a list, a class
    that `classes` does not name, levels that are most likely mistaken, a damaged list, images of different sizes,
    damaged images, and paths that `subject` or `label` do not match.
    """
    if labels not in (None, "folders", "list"):
        raise ValueError(f"labels is {labels!r}; expected folders or list")
    if classes is not None and (len({*classes}) < len(classes) or "" in classes):
        raise ValueError(f"classes are {', '.join(map(repr, classes))}; expected a name for each, and none twice")
    path = Path(source).expanduser()
    given = [path.name] if path.suffix.lower() in lists.SUFFIXES and path.is_file() else None
    with tree.opened(path.parent if given else path) as seen:
        if label is not None:
            by, (items, notes, used) = "names", (_by_name(seen, label), [], [])
        elif export := yolo.find(seen):
            by, (items, notes, used) = "list", yolo.read(seen, *export)
        else:
            by, seen, items, notes, used = _by_folder_or_list(seen, given, labels, as_is, classes is None)
        if classes is None:
            empty = _empty(seen, items) if by == "folders" else []
            class_of, names, more = layout.ordered([item.label for item in items] + empty)
            notes += more
        else:
            empty = _empty(seen, items) if by == "folders" else []
            class_of, more = _among(seen.root, items, classes, by, empty)
            names = tuple(classes)
            notes += more
        if subject is not None:
            names_of = layout.match(seen.root, "subject", subject, [item.name for item in items])
            items = [item._replace(subject=found) for item, found in zip(items, names_of, strict=True)]
        own = seen.root.resolve().name
        if own in NAMES and own != "folder":
            notes = [*notes, f"a folder called {own}, not read as that set"]
            own = f"{own} folder"
        return layout.faces(
            own, seen, items, class_of, names, mode=mode, size=size, notes=notes, used=used,
            allocate=allocate, keep_empty=classes is not None,
        )  # fmt: skip


def _by_folder_or_list(
    seen: tree.Seen, given: Sequence[str] | None, labels: str | None, as_is: bool, guarded: bool
) -> tuple[str, tree.Seen, list[layout.Item], list[str], list[str]]:
    """What says the labels, "folders" or "list", the images that it labels, notes, and the lists that were read."""
    found, more, refused = [], [], None
    if not given and labels != "list":
        by_folder = seen.copy()
        try:
            found, more = layout.by_folder(by_folder, wrapped=not as_is, guarded=not as_is and guarded)
        except DataError as error:
            refused = error
    by_list = seen.copy()
    try:
        listed = lists.find(seen, given) if given or labels != "folders" else {}
        if 2 * sum(map(len, listed.values())) < len(found):  # of something else, such as the names of the classes
            listed = {}
        items, notes, used = lists.read(by_list, listed)
    except DataError as error:
        if not found:
            raise
        if not _are_classes(found, []):
            expected = f"{error.expected}; or --labels folders, if these count"
            raise DataError(error.where, error.found, expected) from None
        return "folders", by_folder, found, [*more, f"folder labels are used; a list cannot be read: {error}"], []
    if found and (2 * len(items) < len(found) or _are_classes(found, items)):
        return "folders", by_folder, found, more + _compared(found, items, used), used
    if items:
        if guarded and not as_is:
            held = [*{item.label for item in items}]
            layout.require_classes(seen.root / used[0], held, "give a list of all classes", by_list.notes(used))
        return "list", by_list, items, notes, used
    if listed:
        raise DataError(seen.root / next(iter(listed)), "; ".join([*notes, *by_list.notes(used)]), lists.HERE)
    if given or labels == "list":
        raise DataError(seen.root / given[0] if given else seen.root, "no list of labels", lists.EXPECTED)
    tables = [name for name in seen.others if name.lower().endswith(lists.SUFFIXES)] if labels is None else []
    if tables:
        next(text.lines(seen.root / tables[0]))  # which may be no text
        expected = f"{refused.expected}; or a list of labels, which {tables[0]} is not: {lists.EXPECTED}"
        raise DataError(refused.where, refused.found, expected)
    raise refused


def _compared(found: Sequence[layout.Item], listed: Sequence[layout.Item], used: Sequence[str]) -> list[str]:
    """The note on how many labels of folders the lists contradict; none where they contradict none."""
    said = {item.name: item.label for item in listed}
    both = [item for item in found if item.name in said]
    differ = sum(layout.plain(item.label) != layout.plain(said[item.name]) for item in both)
    note = f"{', '.join(used)} has another label for {differ:,} of {len(both):,} images that it lists"
    return [f"{note}: folder labels are used; labels=list (--labels list) uses the list's"] if differ else []


def _are_classes(found: Sequence[layout.Item], listed: Sequence[layout.Item]) -> bool:
    """Whether folders that could be classes are: each is called like an expression, or like a label of the list."""
    words = {layout.plain(item.label) for item in listed}
    return all(
        meaning(word, layout.EXPRESSIONS) or layout.plain(word) in words for word in {item.label for item in found}
    )


def _among(
    root: Path, items: Sequence[layout.Item], classes: Sequence[str], by: str, empty: Sequence[str]
) -> tuple[dict[str, str], list[str]]:
    """The one of `classes` that each label is, by name or, where all labels are numbers, by number.

    empty  folders without an image, whose numbers tell as well from where all are counted
    """
    held = {item.label: item for item in reversed(items)}
    codes = {label: int(label) for label in held if label.isdecimal()}
    if len(codes) == len(held) and not codes.keys() & set(classes):
        known = [*codes.values(), *(int(one) for one in empty if one.isdecimal() and int(one) <= len(classes))]
        low, high = min(known), max(known)
        first = int(high == len(classes))
        if low and high < len(classes):
            raise DataError(
                root,
                f"labels from {low} to {high} for {len(classes)} classes, which may begin with 0 or with 1",
                f"a label 0 or {len(classes)}" + (f"; or only the {high} names of 1 to {high}" if low == 1 else ""),
            )
        if low >= first and high < len(classes) + first:
            note = f"{first} is {classes[0]}, and so on to {len(classes) + first - 1}, {classes[-1]}"
            return {label: classes[code - first] for label, code in codes.items()}, [note]
    for label, item in held.items():
        if label not in classes:
            found = f"a folder named {label!r}" if by == "folders" else f"the label {label!r}"
            where = root / item.name
            raise DataError(where.parent if by == "folders" else where, found, f"one of {', '.join(classes)}")
    return {name: name for name in classes}, []


def named_faces(
    name: str,
    source: str | Path,
    *,
    label: str,
    subject: str,
    skip: tuple[str, str] | None = None,
    mode: str = "L",
    size: int | tuple[int, int] | None = None,
    allocate: Callable = allocate_temporary,
) -> Faces:
    """The set `name`, whose file names say everything, with `label` and `subject` as `read` takes them.

    skip  a pattern of names to pass over, and why
    """
    with tree.opened(source) as seen:
        if skip is not None:
            pattern, why = skip
            seen.pass_over(why, [name for name in seen.images if re.search(pattern, name)])
        for pattern in (label, subject):
            others = [one for one in seen.images if not re.search(pattern, one)]
            if 0 < len(others) < len(seen.images):  # drawings, averages, slips of the release itself
                seen.pass_over("not named as the set's images are", others)
        items = _by_name(seen, label)
        people = layout.match(seen.root, "subject", subject, [item.name for item in items])
        items = [item._replace(subject=one.upper()) for item, one in zip(items, people, strict=True)]
        class_of, classes, _ = layout.ordered([item.label for item in items])
        return layout.faces(name, seen, items, class_of, classes, mode=mode, size=size, allocate=allocate)


def _by_name(seen: tree.Seen, pattern: str) -> list[layout.Item]:
    """The images whose label is in their path; a first folder that is named like a split is one."""
    if not seen.images:
        raise DataError(seen.root, "no image", "images, with the label in their paths")
    words = layout.match(seen.root, "label", pattern, seen.images)
    labels = [meaning(CODES.get(word.lower(), word), layout.EXPRESSIONS) or word for word in words]
    tops = [name.split("/")[0] if "/" in name else "" for name in seen.images]
    splits = [top if role_of(top) else "" for top in tops]
    return [layout.Item(*item) for item in zip(seen.images, labels, splits, strict=True)]


def _empty(seen: tree.Seen, items: Sequence[layout.Item]) -> list[str]:
    """Class folders that hold no file, beside those that hold images."""
    homes = {str(Path(item.name).parent.parent) for item in items}
    full = {str(Path(name).parent) for name in (*seen.images, *seen.others)}
    beside = [Path(name) for name in seen.folders if str(Path(name).parent) in homes and name not in full]
    return [path.name for path in beside if not any(name.startswith(f"{path.as_posix()}/") for name in seen.folders)]
