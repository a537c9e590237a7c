"""Lists of labels beside the images, from whatever wrote them.

    metadata.csv, metadata.jsonl    file_name, label: Hugging Face's imagefolder
    _classes.csv                    filename, and a column of 0 and 1 a class: Roboflow's classification
    _annotations.coco.json          images, annotations, categories: COCO; each face is cut out by its box
    _annotations.csv                filename, class, xmin, ymin, xmax, ymax: TensorFlow's, likewise
    any .csv, .tsv, .jsonl, .json   path, label[, split][, subject], in any order, under any of the names below; a table
                                    without a header in this order; {path: label}

Commas, semicolons or tabs stand between the fields. A path begins at the list, at the download, or is another
computer's: the folders in front are then replaced, by the same for all of a list. A name without folders is found
wherever one file alone has it. The split is the row's, else what the list is called, or its folder, or the image's.
"""

from __future__ import annotations

import json
import posixpath
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from . import images, text
from .faces import DataError, meaning, role_of
from .layout import EXPRESSIONS, ROLES_ASKED, Item, plain
from .tree import FACES, Seen
from .yolo import WHOLE

SUFFIXES = (".csv", ".tsv", ".jsonl", ".json")
PATHS = ("filename", "filepath", "path", "pth", "file", "imagepath", "imagename", "image", "imgpath", "imgname", "img")
PATHS += ("imagefile", "filepaths", "paths", "picture", "photo", "imageid", "id")
LABELS = ("label", "labels", "emotion", "expression", "class", "category", "target", "labelname", "classname", "choice")
LABELS += ("emotionname", "emotionlabel", "expressionname", "expressionlabel", "classlabel")
MISSING = ("nan", "na", "n/a", "#n/a", "<na>", "null")  # as pandas, R, spreadsheets and databases write it
SPLITS = ("split", "usage", "subset", "partition", "set", "dataset")  # the last two may also say where it is from
SUBJECTS = ("subject", "subjectid", "person", "personid", "participant", "participantid", "identity")
BOX = ("xmin", "ymin", "xmax", "ymax")
SIZE = ("width", "height")
PLAIN = ("path", "label", "split", "subject")  # the fields of a list without a header
EXPECTED = f"columns of paths ({', '.join(PATHS[:6])}, …) and of labels ({', '.join(LABELS[:5])}, …), or a COCO file; "
EXPECTED += "a table of pixels is read by import fer2013, or ckplus"
HERE = "paths of images beneath the list or the folder that was given, and a label for each"
NONE, SEVERAL = "without a label in the list", "of several labels"


class Row(NamedTuple):
    """What a list says of an image, or of one face in it."""

    where: str  # in a list, as an error says it
    name: str  # of the image, as the list has it
    label: str
    split: str = ""
    subject: str = ""
    box: tuple[float, float, float, float] | None = None  # (left, top, right, bottom)
    why: str = ""  # it gives no label: NONE, SEVERAL, FACES


def find(seen: Seen, names: Iterable[str] | None = None) -> dict[str, list[Row]]:
    """The rows of each list, or of `names` alone; a file that is none is left out. Raises DataError for one that is,
    and is damaged."""
    found = {}
    for name in seen.others if names is None else names:
        suffix = PurePosixPath(name).suffix.lower()
        if suffix in SUFFIXES and "submission" not in name.lower():  # an example of what is to be handed in, on Kaggle
            path = seen.root / name
            rows = _object(path) if suffix == ".json" else _records(path) if suffix == ".jsonl" else _table(path)
            if rows:
                found[name] = rows
    return found


def read(seen: Seen, listed: Mapping[str, Sequence[Row]]) -> tuple[list[Item], list[str], list[str]]:
    """The images that the lists of `find` label, notes, and the lists that were read: those of which an image is there.

    An image of several labels or faces is passed over, and counted in `seen`. Raises DataError for a name that several
    images have, and for lists that contradict each other.
    """
    entries: dict[str, dict[str, list[Row]]] = defaultdict(dict)  # of each image, by list
    used, notes, ends = [], [], _ends(seen.images)
    for name, rows in listed.items():
        split = _split_of(name)
        rows = [row._replace(split=row.split or split) for row in rows]
        places = _located(ends, name, rows)
        if any(places):
            used.append(name)
        for row, image in zip(rows, places, strict=True):
            if image is not None:
                entries[image].setdefault(name, []).append(row._replace(split=row.split or _split_above(image)))
        if gone := [row.name for row, image in zip(rows, places, strict=True) if image is None]:
            notes.append(f"{name} lists {len(gone):,} that are not here, such as {gone[0]}")
    items, passed = [], defaultdict(list)
    for image, by_list in entries.items():
        labelled = {name: [row for row in rows if row.why != NONE] for name, rows in by_list.items()}
        labelled = {name: rows for name, rows in labelled.items() if rows}
        if why := _why_not(image, labelled):
            passed[why].append(image)
            continue
        splits = {row.split: row for rows in labelled.values() for row in rows}
        if len(splits) > 1:  # a list of all beside one of each
            splits.pop("", None)
        items += [Item(image, row.label, split, row.subject, box=row.box) for split, row in splits.items()]
    if twice := len(items) - len({item.name for item in items}):
        notes.append(f"{twice:,} images are listed in several splits: they stand in each")
    for why, names in passed.items():
        seen.pass_over(why, names)
    seen.pass_over("in no list", [name for name in seen.images if name not in entries])
    if items:
        notes.insert(0, f"labels from {', '.join(used)}")
    if cut := sum(item.box is not None for item in items):
        notes.append(f"{cut:,} faces cut out by their boxes")
    splits = {item.split for item in items} - {""}
    if splits and not any(map(role_of, splits)):
        notes.append(ROLES_ASKED)
    return items, notes, used


def _why_not(image: str, by_list: Mapping[str, Sequence[Row]]) -> str:
    """Why an image has no label of its own; "" where it has. Raises DataError where lists contradict each other."""
    if not by_list:
        return NONE
    for rows in by_list.values():
        if why := next((row.why for row in rows if row.why), ""):
            return why
        if len({row.box for row in rows}) > 1:
            return FACES
        if len({plain(row.label) for row in rows}) > 1:
            return SEVERAL
    (name, (first, *_)), *others = by_list.items()
    for other, (row, *_) in others:
        if plain(row.label) != plain(first.label):
            raise DataError(
                row.where,
                f"the label {row.label!r} for {image}, which has {first.label!r} in {name}",
                f"lists that agree; give the one that is meant itself: {other} or {name}",
            )
    return ""


# -- where the images are ------------------------------------------------------------------------------------------


def _ends(names: Iterable[str]) -> Mapping[tuple[str, ...], list[tuple[tuple[str, ...], str]]]:
    """Images by the last parts of their paths, with a suffix and without: what stands before these, and the path."""
    ends = defaultdict(list)
    for name in names:
        *above, last = _parts(name)
        for parts in {(*above, last), (*above, posixpath.splitext(last)[0])}:
            for cut in range(len(parts)):
                ends[parts[cut:]].append((parts[:cut], name))
    return ends


def _located(ends: Mapping, name: str, rows: Sequence[Row]) -> list[str | None]:
    """The image that each row of the list `name` means, None where it is not there. Raises DataError where it could be
    any of several."""
    home = _parts(posixpath.dirname(name))

    def nearest(parts: tuple[str, ...]) -> list[tuple[tuple, str]]:
        """The images with most of the last `parts`, and what stands in front, in the list and here."""
        cut = next((cut for cut in range(len(parts)) if parts[cut:] in ends), len(parts))
        return [((parts[:cut], above), image) for above, image in ends.get(parts[cut:], ())]

    found = [nearest(_parts(row.name)) for row in rows]
    fronts = Counter(front for each in found for front in {front for front, _ in each})
    exact = (((), home), ((), ()))  # a path that begins at the list, or at the download
    usual = max(fronts, key=lambda front: (fronts[front], front in exact), default=exact[0])
    return [_place(row, each, home, exact, usual) for row, each in zip(rows, found, strict=True)]


def _place(row: Row, found: Sequence[tuple], home: tuple[str, ...], exact: tuple, usual: tuple) -> str | None:
    there = next((at for front in exact if (at := [image for one, image in found if one == front])), [])
    if not there and ("/" not in row.name or any(front == usual for front, _ in found)):
        there = [image for (_, above), image in found if above[: len(home)] == home] or [image for _, image in found]
    if len(there) > 1:
        last, role = posixpath.basename(row.name), role_of(row.split)
        there = [image for image in there if posixpath.basename(image) == last] or there  # others may differ in case
        there = [image for image in there if role and role_of(_split_above(image)) == role] or there
    if len(there) > 1:
        which = f"{row.name!r}, which may be any of {len(there)}: {', '.join(there[:3])}"
        raise DataError(row.where, f"the image {which}", "a path that says which")
    return there[0] if there else None


def _parts(name: str) -> tuple[str, ...]:
    """The parts of a path, in one spelling: systems differ in case, and in how they write "ü"."""
    return tuple(part for part in unicodedata.normalize("NFC", name).casefold().split("/") if part)


def _split_of(name: str) -> str:
    """The split that a list is of, as its name says ("labels_train.csv"), or its folder's; "" for none."""
    path = PurePosixPath(name)
    words = [path.stem] if role_of(path.stem) else [word for word in re.split(r"[\W\d_]+", path.stem) if role_of(word)]
    return words[0] if len(words) == 1 else _split_above(name)


def _split_above(name: str) -> str:
    return next((part for part in name.split("/")[:-1] if role_of(part)), "")


# -- what wrote them -----------------------------------------------------------------------------------------------


def _table(path: Path) -> list[Row] | None:
    """The rows of a CSV that has columns of paths and of labels; None for another, which is the business of others."""
    try:
        head = next(text.lines(path))[1]
    except DataError:
        return None
    separator = max(",;\t", key=head.count)
    rows = text.rows(path, separator)
    header = [field.strip() for field in next(rows)[1]]
    if header[0].lower().endswith(images.SUFFIXES) and 2 <= len(header) <= len(PLAIN):
        if len(header) > 2 and not role_of(header[2]):
            return None
        rows, header = text.rows(path, separator), list(PLAIN[: len(header)])

    def records() -> Iterator[tuple[str, dict[str, object]]]:
        for where, fields in rows:
            if any(field.strip() for field in fields):
                if len(fields) != len(header):
                    raise DataError(where, *text.fields_found(fields, len(header)))
                yield where, dict(zip(header, (field.strip() for field in fields), strict=True))

    return _by_columns(path, header, records())


def _records(path: Path) -> list[Row] | None:
    """The rows of a .jsonl, an object a line, as those of a table."""

    def records() -> Iterator[tuple[str, dict[str, object]]]:
        for where, line in text.lines(path):
            held = _json(where, line)
            if not isinstance(held, dict):
                raise DataError(where, f"a line that is no object ({line[:40]})", '{"file_name": …, "label": …}')
            yield where, held

    rows = list(records())
    return _by_columns(path, list(dict.fromkeys(key for _, held in rows for key in held)), rows)


def _by_columns(path: Path, header: list[str], records: Iterable[tuple[str, dict]]) -> list[Row] | None:
    """The rows of records whose fields are called as a path and a label, or a path and classes, are; else None."""
    named = {re.sub(r"[\W_]", "", name.lower()): name for name in reversed(header)}

    def of(words: tuple[str, ...]) -> list[str]:
        return [named[word] for word in words if word in named]

    name, label, split, subject, box = (of(words) for words in (PATHS, LABELS, SPLITS, SUBJECTS, BOX))
    others = [one for one in header if one not in (*name[:1], *split[:1], *subject[:1], *of(SIZE))]
    flags = path.name == "_classes.csv" or (
        not label and len(others) > 1 and all(meaning(one, EXPRESSIONS) for one in others)
    )
    if not name or not (label or flags) or "pixels" in named:
        return None
    held = list(records)
    if not flags:  # of several columns the first that has words
        label = [one for one in label if not all(_number(row.get(one)) for _, row in held)] or label
    split = [one for one in split if any(role_of(str(row.get(one))) for _, row in held)] or of(SPLITS[:-2])
    rows = []
    for where, row in held:
        given = [one for one in others if text.code(where, str(row.get(one)), range(2))] if flags else row.get(label[0])
        words = [_word(where, one) for one in (given if isinstance(given, list) else [given])]
        words = [word for word in words if word]
        why = "" if len(words) == 1 else SEVERAL if words else NONE
        cut = len(box) == len(BOX) and not why
        edges = _face(where, [row.get(one) for one in box], [row.get(named.get(one)) for one in SIZE]) if cut else None
        more = (_word(where, row.get(one[0])) if one else "" for one in (split, subject))
        rows.append(Row(where, _path(where, row.get(name[0])), words[0] if words else "", *more, edges, why))
    return rows


def _number(value: object) -> bool:
    """Whether a field is a number, or nothing."""
    word = str(value if value is not None else "").strip().lower()
    return word in MISSING or re.fullmatch(r"[\d.]*", word) is not None


def _word(where: str, value: object) -> str:
    """A field as text; a whole number may have become 3.0 on its way through a table."""
    if isinstance(value, (dict, list)):
        raise DataError(where, f"the value {str(value)[:40]}", "a word or a number")
    word = "" if value is None or str(value).strip().lower() in MISSING else str(value).strip()
    return re.sub(r"^(\d+)\.0+$", r"\1", word)


def _path(where: str, value: object) -> str:
    """The path of an image, as Windows writes it or not."""
    return posixpath.normpath(_word(where, value).replace("\\", "/"))


def _object(path: Path) -> list[Row] | None:
    """The rows of a .json: COCO, objects as in a .jsonl, or a label a path; None for another."""
    try:
        held = _json(str(path), path.read_bytes())
    except DataError:
        if re.search("coco|annotations|instances", path.name):
            raise
        return None
    if isinstance(held, dict):
        parts = [held.get(key) for key in ("images", "annotations", "categories")]
        if all(isinstance(part, list) for part in parts):
            return _coco(path, *parts)
        held = [dict(zip(PLAIN, pair, strict=False)) for pair in held.items() if isinstance(pair[1], (str, int))]
        held = held if all(one["path"].lower().endswith(images.SUFFIXES) for one in held) else []
    if not isinstance(held, list) or not held or not all(isinstance(one, dict) for one in held):
        return None
    records = [(f"{path}: object {number}", one) for number, one in enumerate(held, 1)]
    return _by_columns(path, list(dict.fromkeys(key for one in held for key in one)), records)


def _coco(path: Path, pictures: list, annotations: list, categories: list) -> list[Row]:
    """The images of a COCO file with the category and the box of their one annotation."""
    rows, of = [], defaultdict(list)
    try:
        names = {one["id"]: str(one["name"]) for one in categories}
        for one in annotations:
            of[one["image_id"]].append((names[one["category_id"]], one.get("bbox")))
        for image in pictures:
            where, found = f"{path}: image {image['id']}", of[image["id"]]
            (label, box), *more = found or [("", None)]
            why = FACES if more else "" if found else NONE
            cut = _corners(where, box) if box and not why else None
            box = _face(where, cut, [image.get(side) for side in SIZE]) if cut else None
            rows.append(Row(where, _path(where, image["file_name"]), label, box=box, why=why))
    except (AttributeError, KeyError, TypeError) as error:
        expected = "images (id, file_name), annotations (image_id, category_id, bbox) and categories (id, name)"
        raise DataError(path, f"a COCO file that lacks {error}", expected) from None
    return rows


def _corners(where: str, box: object) -> tuple[float, float, float, float]:
    """Of COCO's left, top, width and height."""
    if not isinstance(box, list) or len(box) != 4:
        raise DataError(where, f"the box {str(box)[:40]}", "left, top, width and height")
    left, top, width, height = (text.number(where, str(edge), "box") for edge in box)
    return left, top, left + width, top + height


def _face(where: str, corners: Sequence[object], sides: Sequence[object]) -> tuple[float, float, float, float] | None:
    """What to cut out, (left, top, right, bottom); None where that is the image, as far as its sides are given."""
    left, top, right, bottom = (text.number(where, str(edge), "box") for edge in corners)
    wide, high = (text.number(where, str(side), "side") if side else None for side in sides)
    whole = wide and high and right - left >= WHOLE * wide and bottom - top >= WHOLE * high
    return None if whole else (left, top, right, bottom)


def _json(where: str, held: str | bytes) -> object:
    try:
        return json.loads(held)
    except (ValueError, RecursionError) as error:
        raise DataError(where, f"JSON that cannot be read ({str(error)[:60]})", "a whole file") from None
