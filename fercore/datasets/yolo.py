"""Exports for YOLO: the class and the place of each face in a text file beside the images.

data.yaml                    names: [Anger, Contempt, …], or a mapping from 0 on
<split>/images/ID.png        or images/<split>/ID.png
<split>/labels/ID.txt        a line a face: class, then the middle and the size of its box as shares of the image's
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePosixPath

from .. import yamlio
from . import text
from .faces import DataError, role_of
from .layout import Item
from .tree import FACES, Seen

WHOLE = 0.98  # a box of at least so much of the width and height is the image


def find(seen: Seen) -> tuple[str, dict[str, str]] | None:
    """The file with the names, "" where there is none, and the label file of each image that has one beside it; None
    where nothing lies as in such an export."""
    others = set(seen.others)
    labels = {}
    for name in seen.images:
        parts = list(PurePosixPath(name).with_suffix(".txt").parts)
        if "images" in parts[:-1]:
            place = len(parts) - 1 - parts[::-1].index("images")
            wanted = "/".join([*parts[:place], "labels", *parts[place + 1 :]])
            if wanted in others:
                labels[name] = wanted
    if not labels:
        return None
    config = sorted(
        (name for name in others if name.endswith((".yaml", ".yml"))), key=lambda name: (name.count("/"), name)
    )
    return (config[0] if config else ""), labels


def read(seen: Seen, config: str, labels: dict[str, str]) -> tuple[list[Item], list[str], list[str]]:
    """The faces, notes, and the files that the labels are from; images of several faces are passed over. Raises
    DataError for what is not as in an export."""
    names = _names(seen, config)
    seen.pass_over("without a file of labels", [name for name in seen.images if name not in labels])
    items, empty, several, cut = [], [], [], 0
    for image, file in labels.items():
        if not (seen.root / file).read_bytes().strip():
            empty.append(image)
            continue
        rows = list(text.lines(seen.root / file))
        if len(rows) > 1:
            several.append(image)
            continue
        (where, line), fields = rows[0], rows[0][1].split()
        if len(fields) != 5:
            raise DataError(
                where, f"{len(fields)} fields", f"five: a class and a box, such as '3 0.5 0.5 1 1' ({line[:40]!r})"
            )
        code = text.code(where, fields[0], range(len(names)))
        box = [text.number(where, word, "box") for word in fields[1:]]
        whole = min(box[2:]) >= WHOLE
        cut += not whole
        folders = [part for part in PurePosixPath(image).parts[:-1] if part != "images"]
        items.append(Item(image, names[code], folders[-1] if folders else "", box=None if whole else _cut(*box)))
    if not items:
        raise DataError(seen.root, "no image of one face", "an image with one face, and its expression")
    if len({item.split for item in items}) == 1 and not role_of(items[0].split):  # a folder around it all
        items = [item._replace(split="") for item in items]
    seen.pass_over("whose file of labels is empty", empty)
    seen.pass_over(FACES, several)
    notes = [f"a YOLO export: classes from {config}"] + ([f"{cut:,} faces cut out by their boxes"] if cut else [])
    return items, notes, [config, *labels.values()]


def _names(seen: Seen, config: str) -> list[str]:
    if not config:
        raise DataError(seen.root, "a YOLO export without data.yaml", "data.yaml, which names its classes")
    path = seen.root / config

    class Refused(ValueError):
        pass

    try:
        held = yamlio.read(path, Refused)
    except Refused as error:
        raise DataError(path, str(error).removeprefix(f"{path}: "), "the data.yaml of a YOLO export") from None
    names = held.get("names") if isinstance(held, dict) else None
    if isinstance(names, dict) and sorted(names) == list(range(len(names))):
        names = [names[code] for code in range(len(names))]
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise DataError(path, "no list of names", "names: [Anger, Contempt, …], a name a class")
    return names


def _cut(across: float, down: float, width: float, height: float) -> Callable:
    def box(image) -> tuple[float, float, float, float]:
        high, wide = image.shape[:2]
        left, top = (across - width / 2) * wide, (down - height / 2) * high
        return left, top, left + width * wide, top + height * high

    return box
