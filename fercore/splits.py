"""Which images train, which select, which are reported: rows of `Faces` for every protocol of the project."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .datasets import Faces


def deduplicated(faces: Faces, split: str, group: np.ndarray, against: str = "Training") -> np.ndarray:
    """Rows of `split` none of whose duplicates stand in the split `against`, int64 (n,).

    group  the first row of each image's group of duplicates, int64 (N,): `audit.exact_duplicates` or `audit.groups`

    Every PrivateTest figure of the project is given on all of its images, as published, and on these.
    """
    rows = faces.rows(split)
    return rows[~np.isin(group[rows], group[faces.rows(against)])]


def mask(faces: Faces, exact: np.ndarray, near: np.ndarray, against: str = "Training") -> pd.DataFrame:
    """A row an image outside `against`: row, split, and whether it stays (1) or goes (0) as an exact or near copy.

    All stay in a set that has no split `against`.
    """
    split = faces.table["split"].to_numpy()
    rows, trained = np.flatnonzero(split != against), split == against
    table = pd.DataFrame({"row": rows, "split": split[rows]})
    for name, group in (("deduplicated", exact), ("near_deduplicated", near)):
        table[name] = (~np.isin(group[rows], group[trained])).astype(int)
    return table


def kept(faces: Faces, split: str, table: pd.DataFrame) -> dict[str, np.ndarray]:
    """What `mask` says of a split, in the order of its rows: deduplicated and near_deduplicated, bool (n,).

    table  of `mask`, or as the audit wrote it. Raises ValueError where it is another set's.
    """
    part = table[table["split"] == split]
    if not np.array_equal(part["row"].to_numpy(), faces.rows(split)):
        raise ValueError(
            f"the mask has {len(part):,} rows of {split}, not the {len(faces.rows(split)):,} of {faces.name}"
        )
    return {name: part[name].to_numpy(bool) for name in ("deduplicated", "near_deduplicated")}
