"""JAFFE, the Japanese Female Facial Expression database: 213 grey images of ten women.

M. Lyons, S. Akamatsu, M. Kamachi, J. Gyoba. Coding Facial Expressions with Gabor Wavelets. FG 1998.

    KA.AN1.39.tiff     subject KA, expression AN (AN, DI, FE, HA, NE, SA, SU), 256 x 256, all in one folder

There are no splits; folds that keep a person together are `splits.group_folds` of `splits.subjects`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from . import folder, layout
from .faces import Faces
from .store import allocate as allocate_temporary

LABEL = r"(?i)(?:^|/)[A-Z]{2}[.-](AN|DI|FE|HA|NE|SA|SU)\d*[.-][^/]*$"
SUBJECT = r"(?i)(?:^|/)([A-Z]{2})[.-][^/]*$"
RELEASE = 213


def read(
    source: str | Path, *, size: int | tuple[int, int] | None = None, allocate: Callable = allocate_temporary
) -> Faces:
    """The images as grey `Faces`, classes in FER2013's order, with the subject. Raises DataError for what is named
    otherwise, and as `folder.read`."""
    found = folder.named_faces("jaffe", source, label=LABEL, subject=SUBJECT, size=size, allocate=allocate)
    counted = [] if len(found) == RELEASE else [f"{len(found)} images; the release has {RELEASE}"]
    return layout.noted(found, *counted)
