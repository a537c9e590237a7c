"""How many images of what, and what they look like on average."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ..datasets import Faces
from .duplicates import flat_rows, parts


def counts(faces: Faces) -> pd.DataFrame:
    """Images by class (rows, then a total) and split (columns, then a total)."""
    names = np.asarray(faces.classes)[faces.labels]
    table = pd.crosstab(names, faces.table["split"].to_numpy()).reindex(faces.classes, fill_value=0)
    table = table[[split for split in faces.splits if split in table]].rename(columns={"": "all"})
    table.loc["total"] = table.sum()
    if len(table.columns) > 1:
        table["total"] = table.sum(axis=1)
    return table.rename_axis(index="class", columns=None)


def measurements(faces: Faces) -> list[dict]:
    """The counts as measurements for the ledger: images(fer2013, PrivateTest, happy), "all" for totals."""
    table = counts(faces).rename(index={"total": "all"}, columns={"total": "all"})
    return [
        {"measurement": f"images({faces.name}, {split}, {name})", "value": int(value)}
        for name, row in table.iterrows()
        for split, value in row.items()
    ]


def brightness(faces: Faces) -> pd.DataFrame:
    """Mean and standard deviation of each image's grey levels (0 to 255), with its class and split."""
    flat = [flat_rows(faces.pixels, part) for part in parts(faces.pixels)]
    return pd.DataFrame(
        {
            "class": pd.Categorical(np.asarray(faces.classes)[faces.labels], faces.classes),
            "split": faces.table["split"].to_numpy(),
            "mean": np.concatenate([block.mean(axis=1) for block in flat]),
            "contrast": np.concatenate([block.std(axis=1) for block in flat]),
        }
    )


def mean_faces(faces: Faces, rows: Sequence[int] | None = None) -> np.ndarray:
    """The average image of each class, float (classes, H, W[, 3]); NaN for a class with no image among `rows`."""
    rows = np.arange(len(faces)) if rows is None else np.asarray(rows)
    means = np.full((len(faces.classes), *faces.pixels.shape[1:]), np.nan)
    for label in np.unique(faces.labels[rows]):
        means[label] = faces.pixels[rows[faces.labels[rows] == label]].mean(axis=0)
    return means
