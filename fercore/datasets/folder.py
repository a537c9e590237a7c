"""Any folder of face images whose folders, or file names, are the labels; also a YOLO export.

    <class>/*                       split "" for all
    <split>/<class>/*
    <split>/*, or *                 with `label`, which finds the class in the file names
    <split>/images/*, labels/*.txt  with data.yaml, see `yolo`

Folders around these are passed through (archive/, images/images/). Labels follow the sorted class names, or `classes`.
If the names are FER2013's (in any case, or anger, happiness, sadness and the like), they become FER2013's names in
FER2013's order, with contempt after them. A class without an image is absent, not empty.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from . import layout, tree, yolo
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
    as_is: bool = False,
    allocate: Callable = allocate_temporary,
) -> Faces:
    """The images as `Faces` named after the folder, ordered by split, label and file name.

    mode     "L" for grey, "RGB" for colour
    size     side, or (H, W), to scale to; None takes the files' own, which must be alike
    subject  regular expression, searched in the path within the folder; the group named "subject", else the first group
    label    the same for the label, where it is not the folder: "AN" is angry, as in JAFFE; other words stay
    classes  names of the class folders in the order of their labels; sorted by name if not given
    as_is    take folders as classes and splits whatever they are called; see `guarded` of `layout.by_folder`
    Raises DataError for a folder or split without an image, images elsewhere than in class folders, a class folder that
    `classes` does not name, levels that are most likely mistaken, images of different sizes, damaged images, and paths
    that `subject` or `label` do not match.
    """
    with tree.opened(source) as seen:
        root, used = seen.root, []
        if label is not None:
            items, notes = _by_name(seen, label), []
        elif export := yolo.find(seen):
            items, notes, used = yolo.read(seen, *export)
        else:
            items, notes = layout.by_folder(seen, wrapped=not as_is, guarded=not as_is and classes is None)
        if classes is None:
            empty = {} if label is not None or used else _empty(seen, items)
            class_of, names, more = layout.ordered([item.label for item in items] + [*empty])
            notes += more
        else:
            class_of, names = {name: name for name in classes}, tuple(classes)
            for item in items:
                if item.label not in class_of:
                    found = f"a folder named {item.label!r}" if label is None else f"the label {item.label!r}"
                    where = (root / item.name).parent if label is None else root / item.name
                    raise DataError(where, found, f"one of {', '.join(classes)}")
        if subject is not None:
            names_of = layout.match(root, "subject", subject, [item.name for item in items])
            items = [item._replace(subject=found) for item, found in zip(items, names_of, strict=True)]
        return layout.faces(
            root.resolve().name, seen, items, class_of, names, mode=mode, size=size, notes=notes, used=used,
            allocate=allocate, keep_empty=classes is not None,
        )  # fmt: skip


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
