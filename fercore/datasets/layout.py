"""Images whose folders, names or label files say what they show: how the levels of a tree are told apart, and one way
from there to `Faces`, which the readers of several sets share."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from . import images, splits
from .faces import FER2013_CLASSES, DataError, Faces, meaning, role_of, table
from .tree import Seen

EXPRESSIONS = (*FER2013_CLASSES, "contempt")
SETS = "ck|ckplus|ck48|cohnkanade.*|fer2013.*|ferplus|rafdb|affectnet.*|jaffe.*|kdef|oulucasia|oulu|sfew|expw"
GENERIC = "images?|imgs?|pictures?|photos?|faces?|data|dataset|labels?|annotations?|aligned|cropped|original|archive"
ROLES_ASKED = "no split is named for training or testing; name them (--roles train=SPLIT,test=SPLIT)"
OVERRULE = "or say that the names are meant (--as-is, in Python as_is=True)"


class Item(NamedTuple):
    """An image and what is known of it."""

    name: str  # its path within the root
    label: str  # as it is called there: a folder's name, a number
    split: str = ""
    subject: str = ""
    sequence: str = ""
    box: Callable | None = None  # as images.decode takes it


def by_folder(seen: Seen, wrapped: bool = True, guarded: bool = False) -> tuple[list[Item], list[str]]:
    """The images of <class>/* or <split>/<class>/*, and notes; also where other folders are wrapped around.

    wrapped  pass through folders that hold nothing but the next one
    guarded  refuse a class that is named like a split, a data set or "images", a split named like a set or an
             expression, and a single class: most likely a level is mistaken

    Images of a split that are in no class folder are without a label: they are passed over, and counted in `seen`.
    """
    above, notes = (), []
    if wrapped and (above := _wrapping(seen)):
        notes.append(f"read from {'/'.join(above)}/")
    depth = len(above)
    inside = {name: PurePosixPath(name).parts[depth:-1] for name in seen.images if _within(name, above)}
    seen.pass_over("beside the folders of classes", [name for name in seen.images if not inside.get(name)])
    inside = _once({name: parts for name, parts in inside.items() if parts})
    if not inside:
        found = "; ".join(["no image in class folders", *seen.notes()])
        raise DataError(seen.root, found, "<class>/* or <split>/<class>/*")
    tops = list(dict.fromkeys(parts[0] for parts in inside.values()))
    reach = {top: {len(parts) for parts in inside.values() if parts[0] == top} for top in tops}
    split = any(2 in depths and 1 not in depths for depths in reach.values()) and (
        all(depths == {2} for depths in reach.values()) or any(role_of(top) for top in tops)
    )
    if split:
        _set_aside(seen, inside, reach)
    wanted = 2 if split else 1
    for name, parts in inside.items():
        if len(parts) != wanted:
            raise DataError(
                seen.root / name,
                "an image below a class folder" if len(parts) > wanted else "an image in no class folder",
                "<class>/* or <split>/<class>/*; a pattern can find the class in other paths "
                "(--label 'REGEX', in Python label=)",
            )
    found = [Item(name, parts[-1], parts[0] if split else "") for name, parts in inside.items()]
    _require_splits(seen, above, {item.split for item in found} if split else {""})
    if split and not any(role_of(item.split) for item in found):
        notes.append(
            f"{ROLES_ASKED}; where the folders "
            r"are people and no splits, divide them as such (--subject '([^/]+)/[^/]+/[^/]+$' --split 80/10/10)"
        )
    if guarded:
        _require_levels(seen.root.joinpath(*above), found)
    return found, notes


def _once(inside: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """The folders without a split that holds itself alone: train.zip, which holds train/, unpacks to train/train/."""
    doubled = {parts[0] for parts in inside.values() if role_of(parts[0])}
    doubled -= {parts[0] for parts in inside.values() if [part.lower() for part in parts[:2]] != [parts[0].lower()] * 2}
    return {name: parts[1:] if parts[0] in doubled else parts for name, parts in inside.items()}


def _within(name: str, above: tuple[str, ...]) -> bool:
    return PurePosixPath(name).parts[: len(above)] == above


def _wrapping(seen: Seen) -> tuple[str, ...]:
    """Folders that hold nothing but the next one, and so say nothing: archive/, CK+48/, images/images/."""
    above = ()
    while True:
        inside = {PurePosixPath(name).parts[len(above) : -1] for name in seen.images if _within(name, above)}
        tops = {parts[0] for parts in inside if parts}
        if len(tops) != 1 or role_of(top := tops.pop()) or meaning(top, EXPRESSIONS):
            return above
        within = {parts[1] for parts in inside if len(parts) > 1}
        if (top,) in inside and not any(role_of(name) or meaning(name, EXPRESSIONS) for name in within):
            return above  # a class; a picture beside splits and classes is none
        above = (*above, top)


def _set_aside(seen: Seen, inside: dict[str, tuple[str, ...]], reach: Mapping[str, set[int]]) -> None:
    """Pass over what cannot be a split's classes beside splits that are: images without a class, another copy."""
    for top, depths in reach.items():
        if depths == {2}:
            continue
        why = f"in {top}/ without a class folder: no label" if depths == {1} else f"in {top}/, beside the splits"
        if depths == {1} or not role_of(top):
            names = [name for name, parts in inside.items() if parts[0] == top]
            seen.pass_over(why, names)
            for name in names:
                del inside[name]


def _require_splits(seen: Seen, above: tuple[str, ...], splits: set[str]) -> None:
    """Each folder that is named like a split holds images."""
    if splits == {""}:
        return
    tops = {PurePosixPath(name).parts[len(above)] for name in seen.folders if _below(name, above)}
    aside = {
        PurePosixPath(name).parts[len(above)] for names in seen.passed.values() for name in names if _below(name, above)
    }
    for top in sorted(tops - splits - aside):
        if role_of(top):
            where = seen.root.joinpath(*above, top)
            raise DataError(where, "a split without an image", "<split>/<class>/*, or <class>/* without splits")


def _below(name: str, above: tuple[str, ...]) -> bool:
    return _within(name, above) and len(PurePosixPath(name).parts) > len(above)


def _require_levels(home: Path, found: Sequence[Item]) -> None:
    def letters(name: str) -> str:
        return re.sub(r"[\W_]", "", name.lower())

    classes = list(dict.fromkeys(item.label for item in found))
    splits = list(dict.fromkeys(item.split for item in found))
    for name in classes:
        what = (
            "a split" if role_of(name) else "a data set" if re.fullmatch(SETS, letters(name)) else
            "a folder of images" if re.fullmatch(GENERIC, letters(name)) else ""
        )  # fmt: skip
        if what:
            raise DataError(
                home,
                f"a class {name!r}, which is the name of {what}",
                "folders named after the expressions. Where the label is in the file names, say how (--label 'REGEX'); "
                f"where it is in a list, import the set by its own name; otherwise give another level, {OVERRULE}",
            )
    for name in splits:
        what = (
            "a data set" if re.fullmatch(SETS, letters(name)) else "an expression" if meaning(name, EXPRESSIONS) else ""
        )
        if what:
            more = (
                "give that folder itself" if what == "a data set" else "give <class>/*, without folders in the classes"
            )
            raise DataError(home / name, f"a split {name!r}, which is the name of {what}", f"{more}, {OVERRULE}")
    require_classes(home, classes, "give the folder that holds the classes")


def require_classes(where: Path, classes: Sequence[str], otherwise: str, notes: Sequence[str] = ()) -> None:
    """Raise DataError for a single class: most likely what was read as classes is none.

    notes  what was passed over, to be told as well
    """
    if len(classes) == 1:
        found = "; ".join([f"one class, {classes[0]!r}, alone", *notes])
        raise DataError(where, found, f"two at least: {otherwise}, {OVERRULE}")


def ordered(names: Sequence[str]) -> tuple[dict[str, str], tuple[str, ...], list[str]]:
    """The class that each of `names` is, all classes in the order of their labels, and notes.

    FER2013's seven in its order, with contempt after them, where they are all there by any of their names; else sorted
    by name. Names that mean the same, or differ in case, blanks around them or leading zeros alone, are one class, and
    a note says so.
    """
    names = sorted(set(names))
    known = {name: meaning(name, EXPRESSIONS) for name in names}
    held = set(known.values())
    same: dict[str, list[str]] = {}
    for name in names:
        same.setdefault(plain(name), []).append(name)
    notes = [f"{' and '.join(group)} are one class" for group in same.values() if len(group) > 1]
    if None not in held and set(FER2013_CLASSES) <= held:
        return known, tuple(name for name in EXPRESSIONS if name in held), notes
    of = {name: (one if len(group) > 1 else name.strip()) for one, group in same.items() for name in group}
    if all(name.isdecimal() for name in names):
        notes.append(
            f"classes are numbers, {', '.join(sorted(names, key=int))}: their meaning is unknown, so no "
            "weights or other sets compare with them; name them in order (--classes NAME,NAME,…). RAF-DB and AffectNet "
            "are read in their own codes by their names"
        )
    return of, tuple(sorted(set(of.values()))), notes


def plain(name: str) -> str:
    """A label without case, blanks around it and zeros before it, and an expression by its one name; macOS writes "ü"
    in two characters."""
    if known := meaning(name, EXPRESSIONS):
        return known
    name = unicodedata.normalize("NFC", name).strip().lower()
    return str(int(name)) if name.isdecimal() else name


def faces(
    name: str,
    seen: Seen,
    items: Sequence[Item],
    class_of: Mapping[str, str],
    classes: Sequence[str],
    *,
    mode: str,
    size: int | tuple[int, int] | None,
    notes: Sequence[str] = (),
    used: Sequence[str] = (),
    allocate: Callable,
    keep_empty: bool = False,
) -> Faces:
    """`items` as `Faces`, ordered by split, class and file name; a class without an image is absent, not empty.

    class_of    the class that each label of an item is, one of `classes`
    used        files that the labels are from, for the count of what was read
    keep_empty  keep classes without an image
    """
    held = {class_of[item.label] for item in items}
    kept = tuple(one for one in classes if one in held or keep_empty)
    place = {split: at for at, split in enumerate(sorted({item.split for item in items}, key=images.natural))}
    items = sorted(
        items, key=lambda item: (place[item.split], kept.index(class_of[item.label]), images.natural(item.name))
    )
    sources = [item.name for item in items]
    boxes = [item.box for item in items]
    paths = [seen.root / source for source in sources]
    pixels = images.decode_all(paths, mode, images.hw(size), boxes if any(boxes) else None, allocate)
    notes = [
        *notes,
        *(
            f"class {one} has no images" + ("" if keep_empty else " and is left out")
            for one in classes
            if one not in held
        ),
    ]
    frame = table(
        [kept.index(class_of[item.label]) for item in items],
        [item.split for item in items],
        [item.subject for item in items],
        [item.sequence for item in items],
        sources,
    )
    found = Faces(name, pixels, frame, kept)
    return replace(found, notes=(*notes, *splits.lacking(found), *seen.notes(used)))


def noted(found: Faces, *notes: str) -> Faces:
    """`found` with more notes, before its own."""
    return replace(found, notes=(*notes, *found.notes))


def match(root: Path, what: str, pattern: str, names: Sequence[str]) -> list[str]:
    """What a regular expression finds in each of `names`, paths within `root`: its group `what`, else its first.

    Raises DataError for what is no such expression, and where it misses a path.
    """
    try:
        search = re.compile(pattern)
    except re.error as error:
        raise DataError(f"{what} {pattern!r}", str(error), "a regular expression") from None
    if not search.groups:
        raise DataError(f"{what} {pattern!r}", "no group", 'one group, such as "(S[0-9]+)_"')
    group = what if what in search.groupindex else 1
    matches = [search.search(name) for name in names]
    missed = [name for name, found in zip(names, matches, strict=True) if found is None or found[group] is None]
    if missed:
        found = f"a path that {pattern!r} does not match, one of {len(missed)} of {len(names)}"
        raise DataError(root / missed[0], found, f"a {what} in every path")
    return [found[group] for found in matches]
