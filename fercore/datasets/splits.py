"""Which images train, which select, which are reported: rows of `Faces` for every protocol of the project."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from . import store
from .faces import Faces

FINGERPRINT = "fingerprint"  # the column that says which images row numbers refer to


def same_images(faces: Faces, table: pd.DataFrame, what: str) -> None:
    """Raise ValueError where `table`, by row numbers, does not say that it is of the images of `faces`, in their order.

    what  what it is called in the error, such as "the mask test_mask.csv"
    """
    if FINGERPRINT not in table:
        raise ValueError(f"{what} has no column {FINGERPRINT}: it does not say which images its rows are; make it anew")
    own = store.images_fingerprint(faces)
    others = sorted(set(table[FINGERPRINT].astype(str)) - {own})
    if others:
        raise ValueError(
            f"{what} is of other images ({others[0]}) than {faces.name} ({own}), or of the same in another order; make "
            "it anew, such as by 01_data_audit"
        )


def mask(faces: Faces, exact: np.ndarray, near: np.ndarray, against: str | None = None) -> pd.DataFrame:
    """A row an image outside `against`: row, split, and whether it stays (1) or goes (0) as an exact or near copy; and
    the fingerprint of the images.

    against  a split's name; by default the training split's

    All stay in a set that is not split. Raises NoSplit for one that is, but does not say which of its splits trains:
    as many copies as there are would be none.
    """
    split = faces.table["split"].to_numpy()
    if against is None and faces.splits != ("",):
        against = faces.split_of("train")
    rows, trained = np.flatnonzero(split != against), split == against
    table = pd.DataFrame({"row": rows, "split": split[rows]})
    for name, group in (("deduplicated", exact), ("near_deduplicated", near)):
        table[name] = (~np.isin(group[rows], group[trained])).astype(int)
    return table.assign(**{FINGERPRINT: store.images_fingerprint(faces)})


def kept(faces: Faces, split: str, table: pd.DataFrame, what: str = "the mask") -> dict[str, np.ndarray]:
    """What `mask` says of a split, by name or role, in the order of its rows: deduplicated and near_deduplicated, bool
    (n,).

    table  of `mask`, or as the audit wrote it; `what` it is called in an error. Raises ValueError where it is another
           set's, or the same set's in another order, and where it says anything but 1 or 0 of an image.
    """
    same_images(faces, table, what)
    names = ("deduplicated", "near_deduplicated")
    if lacking := {"row", "split", *names} - {*table.columns}:
        raise ValueError(f"{what} has no column {min(lacking)}; make it anew")
    split = split if split in faces.splits else faces.split_of(split)
    part = table[table["split"] == split]
    if not np.array_equal(part["row"].to_numpy(), faces.rows(split)):
        raise ValueError(
            f"{what} has {len(part):,} rows of {split}, not the {len(faces.rows(split)):,} of {faces.name}"
        )
    for name in names:
        if not part[name].isin([0, 1]).all():
            wrong = part[name][~part[name].isin([0, 1])].tolist()[0]
            raise ValueError(f"{what} says {wrong!r} of an image in {name}; expected 1 (it stays) or 0")
    return {name: part[name].to_numpy(bool) for name in names}


def random_folds(faces: Faces, count: int = 10, seed: int = 0) -> np.ndarray:
    """The fold of each image, int64 (N,) of 0 to count - 1, drawn so that each has every class's share.

    Images of one person, and of one moment, fall on both sides; MicroExpNet's "random split" (section IV-A).
    """
    from sklearn.model_selection import StratifiedKFold  # takes half a second, and most commands do not need it

    places = StratifiedKFold(count, shuffle=True, random_state=seed).split(faces.labels, faces.labels)
    return _numbered(places, len(faces))


def group_folds(
    faces: Faces, group: np.ndarray, count: int = 10, seed: int = 0, rows: np.ndarray | None = None
) -> np.ndarray:
    """As `random_folds`, but what is of one `group`, (N,), falls into one fold. With `rows`, of these alone, (n,).

    For `subjects`, "subject-independent" (MicroExpNet, section IV-A); for groups of duplicates, `audit.groups`: the
    copies of a photograph are then all on one side.
    Raises ValueError for fewer groups than folds.
    """
    rows = np.arange(len(faces)) if rows is None else rows
    labels, group = faces.labels[rows], np.asarray(group)[rows]
    groups = len(np.unique(group))
    if groups < count:
        raise ValueError(f"{faces.name} has {groups} groups, too few for {count} folds")
    from sklearn.model_selection import StratifiedGroupKFold

    splitter = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
    return _numbered(splitter.split(labels, labels, group), len(rows))


def subjects(faces: Faces) -> np.ndarray:
    """The subject of each image, int (N,). Raises ValueError for a set that does not name that of every image."""
    names = faces.table["subject"]
    if unnamed := int((names.isna() | (names.astype(str) == "")).sum()):
        raise ValueError(
            f"{faces.name} does not name the subject of {unnamed:,} of {len(faces):,} images; "
            "for folds that keep duplicates together, see group_folds"
        )
    return pd.factorize(names)[0]


def _numbered(places, images: int) -> np.ndarray:
    numbers = np.full(images, -1)
    for number, (_, held_out) in enumerate(places):
        numbers[held_out] = number
    return numbers


def divide(faces: Faces, shares: str, seed: int = 0) -> Faces:
    """`faces` divided anew by `shares`, at random with each class's share; the table keeps its rows and order.

    three shares, "80/10/10"  all images, into train, val and test, whatever splits there were
    two shares, "90/10"       what trains, into that and val, or select where a val reports; other splits stay, with
                              their roles. Without splits: train and test
    Where the subject of every image is named, the new splits share nobody; the note counts who is on two sides since
    an old split has them, too. Raises ValueError for other shares, for those that do not add up to 100, and for a
    set with too few images or subjects.
    """
    words = shares.split("/")
    if len(words) not in (2, 3) or not all(word.strip().isdigit() and int(word) > 0 for word in words):
        raise ValueError(f"--split {shares!r}; expected shares such as 80/10/10, or 90/10")
    if (whole := sum(map(int, words))) != 100:
        raise ValueError(f"--split {shares!r}: these add up to {whole}; give shares that add up to 100")
    parts = np.array([int(word) for word in words]) / 100
    column = faces.table["split"].astype(object).to_numpy(copy=True)
    unsplit = faces.splits == ("",)
    if len(parts) == 3:
        rows, names, roles = np.arange(len(faces)), ("train", "val", "test"), None
    else:
        rows = faces.rows("train")
        drawn = "select" if "val" in faces.splits else "val"
        names = ("train", "test") if unsplit else (faces.split_of("train"), drawn)
        roles = None if unsplit else {**faces.roles, "select": drawn}
        if not unsplit and "select" in faces.roles:
            raise ValueError(f"{faces.name} has a split that selects, {faces.roles['select']!r}: no --split {shares}")
    named = (faces.table["subject"].astype(str) != "").all()
    group = subjects(faces) if named else np.arange(len(faces))
    if len(np.unique(group[rows])) < len(parts):
        raise ValueError(f"{faces.name}: too few {'subjects' if named else 'images'} for --split {shares}")
    column[rows] = np.array(names, object)[_drawn(faces.labels[rows], group[rows], parts, seed)]
    whole = "; images of one person may be on two sides"
    if named:
        several = pd.Series(column).groupby(group).nunique().gt(1)
        whole = "; nobody is on two sides"
        if several.any():
            whole = f"; {several.sum():,} of {len(several):,} people are on two sides, as what was not divided has them"
    note = f"Split {shares} by this project, seed {seed}: no score on it compares with a published one{whole}."
    table = faces.table.assign(split=column.astype(str))
    divided = replace(faces, table=table, roles=roles, fingerprint=None)
    before = lacking(faces)
    kept = [one for one in faces.notes if one not in before]
    return replace(divided, notes=(*kept, note, *lacking(divided)))


def lacking(faces: Faces) -> list[str]:
    """A note for each split that has no image of a class which another has: what scores there leave out."""
    found = pd.crosstab(faces.table["split"], faces.labels).eq(0)  # of the classes that have images
    return [
        f"split {split} has no image of {', '.join(faces.classes[label] for label in row.index[row])}"
        for split, row in found.reindex(faces.splits).iterrows()
        if row.any()
    ]


def _drawn(labels: np.ndarray, group: np.ndarray, shares: np.ndarray, seed: int) -> np.ndarray:
    """The part of each row, int (n,): groups go, in random order and the largest of them first, where the counts of
    their classes are furthest from the shares."""
    names, of = np.unique(group, return_inverse=True)
    counts = np.zeros((len(names), labels.max() + 1))
    np.add.at(counts, (of, labels), 1)
    wanted = shares[:, None] * counts.sum(0)
    order = np.random.default_rng(seed).permutation(len(names))
    order = order[np.argsort(-counts[order].sum(1), kind="stable")]
    parts, held = np.empty(len(names), int), np.zeros_like(wanted)
    for one in order:
        classes = counts[one] > 0
        gap = (wanted - held)[:, classes] @ counts[one][classes]
        parts[one] = gap.argmax()
        held[parts[one]] += counts[one]
    for part in np.setdiff1d(np.arange(len(shares)), parts):  # every part has someone, and keeps them
        several = np.bincount(parts, minlength=len(shares)) > 1
        parts[next(one for one in order[::-1] if several[parts[one]])] = part
    return parts[of]
