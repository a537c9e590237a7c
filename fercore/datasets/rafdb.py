"""RAF-DB, the Real-world Affective Faces Database, single-label ("basic") subset.

S. Li, W. Deng, J. Du. Reliable Crowdsourcing and Deep Locality-Preserving Learning for Expression Recognition in the
Wild. CVPR 2017. http://www.whdeld.cn/RAFDB

Layout, in the given folder or in its basic/ folder:

    EmoLabel/list_patition_label.txt       (sic) lines such as "train_00001.jpg 5"
    Image/aligned/train_00001_aligned.jpg  RGB, 100 x 100

Codes: 1 surprise, 2 fear, 3 disgust, 4 happy, 5 sad, 6 anger, 7 neutral; mapped by name to FER2013's order.
12,271 training and 3,068 test images; there is no validation part, and no subject is named.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from . import images, text
from .faces import FER2013_CLASSES, DataError, Faces, table
from .store import allocate as allocate_temporary

CODES = dict(enumerate(("surprise", "fear", "disgust", "happy", "sad", "angry", "neutral"), start=1))
LIST = "EmoLabel/list_patition_label.txt"
RELEASE = {"train": 12_271, "test": 3_068}
SIDE = 100


def read(
    source: str | Path, *, size: int | tuple[int, int] | None = None, allocate: Callable = allocate_temporary
) -> Faces:
    """The aligned images as RGB `Faces`, splits "train" and "test", in the order of the list.

    size  side, or (H, W), to scale to; None keeps the 100 x 100 of the release
    Raises DataError for a list or image that is missing or damaged, a label outside 1 to 7, and an empty split.
    """
    root = images.folder(source)
    root = root / "basic" if (root / "basic" / "EmoLabel").is_dir() else root
    images.folder(root, "EmoLabel", "Image/aligned")

    names, labels, splits = [], [], []
    for where, line in text.lines(root / LIST):
        fields = line.split()
        if len(fields) != 2:
            raise DataError(where, f"{len(fields)} fields", 'an image name and a label, such as "train_00001.jpg 5"')
        stem, suffix = os.path.splitext(fields[0])
        name = (PurePosixPath("Image/aligned") / f"{stem}_aligned{suffix}").as_posix()
        images.inside(root, name)
        split = stem.partition("_")[0]
        if split not in RELEASE:
            raise DataError(where, f"image {fields[0]!r}", "a name that begins with train_ or test_")
        names.append(name)
        labels.append(FER2013_CLASSES.index(CODES[text.code(where, fields[1], range(1, 8))]))
        splits.append(split)

    count = Counter(splits)
    for split in RELEASE:
        if not count[split]:
            raise DataError(root / LIST, f"no image of split {split}", "lines that begin with train_ and test_")
    paths = images.present(root, names)
    pixels = images.decode_all(paths, "RGB", images.hw(size), allocate=allocate)

    notes = []
    if dict(count) != RELEASE:
        notes.append(
            f"{count['train']:,} training and {count['test']:,} test images; "
            f"the release has {RELEASE['train']:,} and {RELEASE['test']:,}"
        )
    if size is None and pixels.shape[1:3] != (SIDE, SIDE):
        notes.append(f"images of {pixels.shape[2]} x {pixels.shape[1]} pixels; the release has {SIDE} x {SIDE}")
    return Faces("rafdb", pixels, table(labels, splits, source=names), FER2013_CLASSES, notes=tuple(notes))
