"""Groups of images of one photograph: test images that stand in what is trained on, and labels that contradict."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from scipy import sparse

from ..datasets import Faces, splits
from ..results import tables
from .near import SAME, SAME_SYNTHETIC, near_duplicates
from .pixels import SIDE, exact_duplicates, parts, thumbnails, unit


def groups(exact: np.ndarray, pairs: pd.DataFrame) -> np.ndarray:
    """Connected images: for each the first row of its group, int64 (N,), from exact duplicates (N,) and near pairs."""
    count = len(exact)
    ends = np.concatenate([exact, pairs["first"]]), np.concatenate([np.arange(count), pairs["second"]])
    graph = sparse.coo_matrix((np.ones(len(ends[0])), ends), (count, count))
    _, component = sparse.csgraph.connected_components(graph, directed=False)
    _, first, inverse = np.unique(component, return_index=True, return_inverse=True)
    return first[inverse].astype(np.int64)


def copies(faces: Faces, table: str | Path = "") -> np.ndarray:
    """The group of each image, of all that show one photograph: the first row of it, int64 (N,).

    table  duplicate_groups.csv, as 01_data_audit writes it; empty: the copies are searched for here. Raises ValueError
           where it is of other images, or of the same in another order
    """
    if not table:
        pairs = near_duplicates(faces.pixels, SAME_SYNTHETIC if faces.synthetic else SAME)
        return groups(exact_duplicates(faces.pixels), pairs)
    found = read_rows(table)
    splits.same_images(faces, found, str(table))
    if not np.array_equal(found["row"], np.arange(len(faces))):
        raise ValueError(f"{table} has {len(found):,} rows, not the {len(faces):,} of {faces.name}")
    return found["near"].to_numpy()


def without_copies(faces: Faces, split: str, table: str | Path = "") -> dict[str, np.ndarray]:
    """Which images of a split, by name or role, do not also stand in the training split: deduplicated and
    near_deduplicated, bool (n,).

    table  test_mask.csv, as 01_data_audit writes it; empty: the copies are searched for here. Raises ValueError where
           it is of other images, or of the same in another order
    """
    if table:
        return splits.kept(faces, split, read_rows(table), f"the mask {table}")
    return splits.kept(faces, split, splits.mask(faces, exact_duplicates(faces.pixels), copies(faces)))


def read_rows(path: str | Path) -> pd.DataFrame:
    """A table by row numbers as `results.tables.save` writes it; see `splits.same_images`. Raises as `tables.read`."""
    return tables.read(path, ["row"], dtype={splits.FINGERPRINT: str})


def nearest_labels(faces: Faces, rows: np.ndarray) -> np.ndarray:
    """The label of the training image that each of `rows` is most like, int64 (n,): what memory alone would say.
    Alike is what correlates pixel by pixel, at 48x48."""
    train, labels = faces.rows("train"), faces.labels
    known = np.empty((len(train), SIDE * SIDE), np.float32)
    for part in parts(train, 512):
        known[part] = _units(faces, train[part])
    nearest = [(_units(faces, rows[part]) @ known.T).argmax(axis=1) for part in parts(rows, 512)]
    return labels[train[np.concatenate(nearest)]]


def _units(faces: Faces, rows: np.ndarray) -> np.ndarray:
    """What correlates, by products: float32 (n, SIDE * SIDE)."""
    return unit(thumbnails(faces.pixels, rows).reshape(len(rows), -1).astype(np.float32))


def leakage(faces: Faces, group: np.ndarray, against: str | None = None) -> pd.DataFrame:
    """By split: images, how many are redundant within it, and how many of them also stand in the split `against`.

    against  a split's name; by default the training split's. The column is named after it: in_Training, in_train

    Raises NoSplit where no split is known to train: a share of 0 would be a lie.
    """
    against = faces.split_of("train") if against is None else against
    faces.rows(against)  # which is there
    split = faces.table["split"].to_numpy()
    inside = np.isin(group, group[split == against])
    rows = []
    for name in faces.splits:
        rows_of = split == name
        shared = int(inside[rows_of].sum()) if name != against else 0
        total = int(rows_of.sum())
        rows.append((name, total, total - len(np.unique(group[rows_of])), shared, shared / total))
    return pd.DataFrame(rows, columns=["split", "images", "redundant", f"in_{against}", "share"]).set_index("split")


def contradictions(faces: Faces, group: np.ndarray) -> pd.DataFrame:
    """Pairs of images of one group with different labels, counted by the two classes: a symmetric table of classes."""
    table = pd.DataFrame({"group": group, "label": faces.labels})
    table = table[table.duplicated("group", keep=False)]
    by_group = pd.crosstab(table["group"], table["label"]).reindex(columns=range(len(faces.classes)), fill_value=0)
    together = by_group.to_numpy()
    pairs = together.T @ together
    np.fill_diagonal(pairs, ((together * (together - 1)) // 2).sum(axis=0))
    return pd.DataFrame(pairs, index=faces.classes, columns=faces.classes).rename_axis(index="class")


def contradicted(faces: Faces, group: np.ndarray) -> np.ndarray:
    """Row numbers of the images whose group holds more than one label, int64 (n,)."""
    labels = pd.Series(faces.labels).groupby(group).transform("nunique")
    return np.flatnonzero(labels.to_numpy() > 1)


def score_duplicates(faces: Faces, pairs: pd.DataFrame) -> pd.DataFrame:
    """Recall of the planted copies by kind, and precision of `pairs`, against `copy_of` and `copy_kind` of the table.

    Two copies of one original are a true pair too. Raises KeyError where the set does not tell its copies.
    """
    copy_of, kind = faces.table["copy_of"].to_numpy(), faces.table["copy_kind"].to_numpy()
    exact = exact_duplicates(faces.pixels)
    found = groups(exact, pairs)
    root = np.where(copy_of >= 0, copy_of, np.arange(len(faces)))
    rows = []
    for name in sorted(set(kind[copy_of >= 0])):
        of_kind = np.flatnonzero((copy_of >= 0) & (kind == name))
        rows.append((name, len(of_kind), int((found[of_kind] == found[root[of_kind]]).sum())))
    table = pd.DataFrame(rows, columns=["kind", "planted", "found"]).set_index("kind")
    table["recall"] = table["found"] / table["planted"]
    true = exact[root[pairs["first"]]] == exact[root[pairs["second"]]]
    table.attrs["precision"] = float(true.mean()) if len(pairs) else float("nan")
    return table
