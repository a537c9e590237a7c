"""KDEF, the Karolinska Directed Emotional Faces: 4,900 colour images of 70 people from five sides.

D. Lundqvist, A. Flykt, A. Öhman. The Karolinska Directed Emotional Faces. Karolinska Institutet, 1998.

    AF01/AF01ANS.JPG     session A or B, subject F01, expression AN (AF afraid, AN, DI, HA, NE, SA, SU), side S
                         (straight; FL, FR full and HL, HR half left and right), 562 x 762

Whatever folders they lie in: the release's, one a subject, or Kaggle's, one an expression. There are no splits.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from . import folder, layout
from .faces import Faces
from .store import allocate as allocate_temporary

LABEL = r"(?i)(?:^|/)[AB][FM]\d\d(AF|AN|DI|HA|NE|SA|SU)(?:S|FL|FR|HL|HR)\.[^/]*$"
SUBJECT = r"(?i)(?:^|/)[AB]([FM]\d\d)[^/]*$"
RELEASE = 4_900


def read(
    source: str | Path,
    *,
    size: int | tuple[int, int] | None = None,
    mode: str = "RGB",
    frontal: bool = False,
    allocate: Callable = allocate_temporary,
) -> Faces:
    """The images as `Faces`, classes in FER2013's order, with the subject, who is the same in both sessions.

    size     side, or (H, W), to scale to, whatever the proportions were; None keeps the files' own
    mode     "L" for grey, "RGB" for colour
    frontal  only faces seen from the front; the others are passed over, and counted
    Raises DataError as `folder.read`.
    """
    skip = (r"(?i)(FL|FR|HL|HR)\.[^./]*$", "seen from the side") if frontal else None
    found = folder.named_faces(
        "kdef", source, label=LABEL, subject=SUBJECT, skip=skip, mode=mode, size=size, allocate=allocate
    )
    counted = [] if len(found) == RELEASE or frontal else [f"{len(found):,} images; the release has {RELEASE:,}"]
    return layout.noted(found, *counted)
