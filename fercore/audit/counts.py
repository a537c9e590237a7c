"""How many images of what, and what they look like on average."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ..datasets import Faces, published
from ..results.measurements import emotions, set_counted, word
from .duplicates import contradicted
from .pixels import constant, exact_duplicates, grey_levels, parts


def counts(faces: Faces) -> pd.DataFrame:
    """Images by class (rows, the total last) and split (columns, where there are several the total last).

    A total is called "total", and where a class or a split is called so, "total of all".
    """
    names, splits = list(faces.classes), [split or _free("all", faces.splits) for split in faces.splits]
    found = _counted(faces)
    if len(splits) > 1:
        splits.append(_free("total", splits))
    rows = pd.Index([*names, _free("total", names)], name="class")
    return pd.DataFrame(found[:, : len(splits)], index=rows, columns=splits)


def measurements(faces: Faces) -> list[dict]:
    """The measurements of a set for the ledger: images(fer2013, PrivateTest, happy), "all" for totals; its classes;
    the sides of its images; and how many images show one grey value, or have the same bytes as an image with another
    label.

    The splits are those that the set came with, and not what this project drew from them.
    """

    def own(name: str) -> str:  # of a class or a split, and so not the total
        return "%61ll" if name == "all" else word(name)

    faces = published.undivided(faces)
    several, data = len(faces.splits) > 1, set_counted(faces)
    splits = [*((own(split) or "none" for split in faces.splits) if several else ()), "all"]
    names, found = [*map(own, emotions(faces.classes)), "all"], _counted(faces)
    rows = {
        f"images({data}, {split}, {name})": int(found[row, column])
        for row, name in enumerate(names)
        for column, split in enumerate(splits)
    }
    rows[f"classes({data})"] = int(np.count_nonzero(found[:-1, -1]))
    rows |= {f"side({data}, {axis})": faces.pixels.shape[number] for number, axis in ((1, "height"), (2, "width"))}
    rows[f"faulty({data}, one_grey_value)"] = len(constant(faces.pixels))
    rows[f"faulty({data}, labelled_twice)"] = len(contradicted(faces, exact_duplicates(faces.pixels)))
    return [{"measurement": name, "value": value} for name, value in rows.items()]


def _counted(faces: Faces) -> np.ndarray:
    """Images by class and split, in their order, and their sums last, int (classes + 1, splits + 1)."""
    found = np.zeros((len(faces.classes) + 1, len(faces.splits) + 1), int)
    np.add.at(found, (faces.labels, pd.Categorical(faces.table["split"], faces.splits).codes), 1)
    found[-1], found[:, -1] = found.sum(0), found.sum(1)
    found[-1, -1] = len(faces)
    return found


def _free(name: str, taken: Sequence[str]) -> str:
    while name in taken:
        name += " of all"
    return name


def brightness(faces: Faces) -> pd.DataFrame:
    """Mean and standard deviation of each image's grey levels (0 to 255), with its class and split."""
    flat = [grey_levels(faces.pixels, part) for part in parts(faces.pixels)]
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
        of = rows[faces.labels[rows] == label]
        sums = (faces.pixels[of[part]].sum(axis=0, dtype=np.int64) for part in parts(of, 512))
        means[label] = sum(sums) / len(of)
    return means
