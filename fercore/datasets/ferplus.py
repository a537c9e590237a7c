"""FER+: FER2013's images with the labels that ten people gave them (Barsoum et al., ICMI 2016, arXiv:1608.01041).

Read from `fer2013new.csv` (see `votes`) and from FER2013 itself.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from . import fer2013 as original
from . import store, votes
from .faces import DataError, Faces


def read(
    source: str | Path, *, fer2013: str | Path | Faces, target: str = "majority", allocate=store.allocate
) -> Faces:
    """FER2013's images with FER+'s votes and labels, those without a label left out, as the paper's authors do.

    source   fer2013new.csv
    fer2013  FER2013 itself, or what it is read from (a folder form has lost the row order and is refused)
    target   "majority", "probability" or "multi-target", see `votes.targets`

    The table has a column a vote (`votes_neutral` … `votes_NF`), `label` is the class with the largest target,
    `fer2013_label` and `row` are FER2013's own. Raises DataError.
    """
    if not isinstance(fer2013, Faces):
        fer2013 = store.load(fer2013) if (Path(fer2013) / store.INDEX).is_file() else original.read(fer2013)
    faces = votes.join(fer2013, source)
    wanted = votes.targets(votes.counts(faces), target)
    kept = np.flatnonzero(wanted.any(axis=1))
    if not len(kept):
        raise DataError(source, "no row with a label", f"votes that give a {target} label")
    pixels = allocate((len(kept), *faces.pixels.shape[1:]))
    np.take(faces.pixels, kept, axis=0, out=pixels)
    rows = faces.table.iloc[kept].reset_index(drop=True)
    rows = rows.assign(fer2013_label=rows["label"], row=kept, label=wanted[kept].argmax(axis=1))
    note = f"{len(faces) - len(kept)} images without a {target} label are left out."
    return Faces("ferplus", pixels, rows, votes.CLASSES, notes=(*faces.notes, note))
