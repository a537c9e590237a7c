"""What pretrained weights have learned from, and whether that may be images which select or test here."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np

from ..datasets import ROLES, Faces
from ..models import weights
from . import checkpoint

# splits of the data that weights of this project are of, by role: they were trained on the first and have seen no other
SPLITS = {"fer2013": ("Training", "PublicTest", "PrivateTest")}


def unsuited(name: str, faces: Faces) -> str | None:
    """Why weights that come with the project, such as "fer2013_distilled", do not suit these data, as a clause behind
    "those of fer2013"; None where they have learned from the training images here, and from no other."""
    held = weights.data_of(name)
    if held != faces.name:
        return "are not of its images"
    return None if _divided(faces) == SPLITS.get(held) else "have seen images that are held out here"


def require_unseen(network: str, given: str | Path, faces: Faces, whose: str, train: np.ndarray | None = None) -> None:
    """Raise ValueError for weights that were trained on another division of these data, and so may have seen images
    that select or test here. A WeightsWarning says where their data have another name, and nobody has asked whether
    some of these images are among them. Files that do not say what they learned from are taken as they are.

    given  the name of weights that come with the project, or a file; whose  "the teacher", for the message
    train  the rows that are trained on, by default those of the split that trains: weights may have seen these alone
    """
    try:
        path = weights.file_of(network, given)
        made = weights.record(path).get("identity")
    except weights.WeightsError:
        return
    if made:  # of a run
        data = checkpoint.name_of_data(made["data"])
        same = made["data"] == checkpoint.data_of(faces)
        if same:
            rows = faces.rows("train") if train is None else train
            same = made["rows"]["train"] == checkpoint.rows_of(faces, rows)
    else:
        data = weights.data_of(path.stem.removeprefix(f"{network}-"))
        same = unsuited(data, faces) is None and (train is None or np.array_equal(train, faces.rows("train")))
    if data == faces.name and not same:
        raise ValueError(
            f"{given} of {network} was trained on another division of {data} than the one here, and may have seen "
            "images that select or test; give the file of a network that was trained on this import"
        )
    if data != faces.name:
        note = f"{whose} learned from {data}, and may have seen images of {faces.name} that select or test here"
        warnings.warn(note, weights.WeightsWarning, stacklevel=3)


def _divided(faces: Faces) -> tuple[str | None, ...]:
    return tuple(faces.roles.get(role) for role in ROLES)
