"""Oulu-CASIA NIR&VIS facial expression database, visible light, strong illumination.

G. Zhao, X. Huang, M. Taini, S. Z. Li, M. Pietikäinen. Facial expression recognition from near-infrared videos. Image
and Vision Computing 29(9), 2011.

Layout, with the release's own face crops read where they are there (the name of their folder varies between copies):

    PreProcess*/VL_Acropped/Strong/P012/Anger/000.jpeg
    OriginalImg/VL/Strong/P012/Anger/000.jpeg             320 x 240, RGB, from neutral to apex

The folder is the label: Anger, Disgust, Fear, Happiness, Sadness, Surprise. 80 subjects with a sequence of each.

Images are chosen as in I. Cugu, E. Sener, E. Akbas, MicroExpNet (IPTA 2019): the last three frames of a sequence,
80 x 6 x 3 = 1,440. Its Table III has no neutral; with `neutral` the first frames make a seventh class.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from . import images, tree
from .faces import DataError, Faces, meaning, table
from .store import allocate as allocate_temporary

CLASSES = ("anger", "disgust", "fear", "happy", "sadness", "surprise")
ORIGINAL = "OriginalImg/VL/Strong"
RELEASE = 80, 480


def read(
    source: str | Path,
    *,
    size: int | tuple[int, int] | None = (256, 256),
    mode: str = "L",
    crop: Callable[[np.ndarray], tuple[int, int, int, int] | None] | None = None,
    peak: int = 3,
    neutral: bool = False,
    allocate: Callable = allocate_temporary,
) -> Faces:
    """Last frames as `Faces`; subject "P012", sequence "P012_Anger", split "".

    size     side, or (H, W), to scale to, whatever the proportions were; None keeps the frames' own if all are alike
    mode     "L" for grey, "RGB" for colour
    crop     function from a frame, uint8 (H, W[, 3]), to the face's (left, top, right, bottom) or None for the whole
    peak     number of last frames of a sequence
    neutral  take each sequence's first frame as well, as class "neutral"
    Raises DataError for a folder or frame that is missing or damaged, a folder that names no expression, and a sequence
    of too few frames.
    """
    if peak < 1:
        raise ValueError(f"peak must be at least 1 frame, not {peak}")
    with tree.opened(source) as seen:
        return _read(seen.root, _home(seen), size, mode, crop, peak, neutral, allocate)


def _read(root: Path, home: Path, size, mode, crop, peak: int, neutral: bool, allocate: Callable) -> Faces:
    classes = (*CLASSES, "neutral") if neutral else CLASSES
    chosen, labels, subjects, sequences = [], [], [], []
    for subject in images.folders(home):
        for sequence in images.folders(subject):
            name = meaning(sequence.name, CLASSES)
            if name is None:
                raise DataError(
                    sequence, f"a folder named {sequence.name!r}", "Anger, Disgust, Fear, Happiness, Sadness, Surprise"
                )
            frames = images.listing(sequence)
            if len(frames) < peak + neutral:
                raise DataError(sequence, f"{len(frames)} frames", f"at least {peak + neutral}")
            take = [(frame, CLASSES.index(name)) for frame in frames[-peak:]]
            if neutral:
                take.insert(0, (frames[0], len(CLASSES)))
            for frame, label in take:
                chosen.append(frame.relative_to(root).as_posix())
                labels.append(label)
                subjects.append(subject.name)
                sequences.append(f"{subject.name}_{sequence.name}")
    if not chosen:
        raise DataError(home, "no sequence", "folders such as P012/Anger")

    paths = images.present(root, chosen)
    pixels, note = images.decode_frames(paths, mode, images.hw(size), crop, allocate)
    where = home.relative_to(root).as_posix()
    notes = [
        f"read from {where}"
        + (f"; {note}" if where.endswith(ORIGINAL) or crop is not None else ", the release's own face crops")
    ]
    found = len(set(subjects)), len(set(sequences))
    if found != RELEASE:
        notes.append(f"{found[0]} subjects, {found[1]} sequences; the release has {RELEASE[0]} and {RELEASE[1]}")
    return Faces("oulucasia", pixels, table(labels, "", subjects, sequences, chosen), classes, notes=tuple(notes))


def _home(seen: tree.Seen) -> Path:
    """The folder of the subjects: face crops where they are there, else whole frames."""
    named = [name for name in seen.folders if name.endswith("/VL_Acropped/Strong")]
    named = [name for name in named if name.split("/")[-3].lower().startswith("preprocess")]
    named += [name for name in seen.folders if f"/{name}".endswith(f"/{ORIGINAL}")]
    return seen.root / named[0] if named else images.folder(seen.root, ORIGINAL) / ORIGINAL
