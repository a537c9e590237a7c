"""What is in a data set as it is published, so that neither a part of it nor another release answers for it.

An import keeps the name of its set whatever it has of it: CK+48 is `ckplus`, as the release is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from .faces import Faces

# by set its releases, each with the images of its splits, as the loaders and the papers take them
RELEASES = {
    "fer2013": ({"Training": 28_709, "PublicTest": 3_589, "PrivateTest": 3_589},),
    "rafdb": ({"train": 12_271, "test": 3_068},),
    "affectnet": ({"train": 287_651, "val": 4_000}, {"train": 287_651, "val": 3_999}),
    "ckplus": ({"": 1_574},),
    "oulucasia": ({"": 1_440},),
}
DIVIDED = re.compile(r"Split ([\d/ ]+) by this project")  # how the note of `splits.divide` begins


def undivided(faces: Faces) -> Faces:
    """`faces` as they were before `splits.divide`, without its note: what it held out of a training split is of that
    again. Where it took all images, their splits are lost, and they have none."""
    shares = [found[1] for note in faces.notes if (found := DIVIDED.match(note))]
    if not shares:
        return faces
    split, held_out, train = faces.table["split"], faces.roles.get("select"), faces.roles.get("train")
    if len(shares) == 1 and shares[0].count("/") == 1 and held_out and train:
        split = split.where(split != held_out, train)
    else:
        split = ""
    notes = tuple(note for note in faces.notes if not DIVIDED.match(note))
    return replace(faces, table=faces.table.assign(split=split), roles=None, notes=notes)


def other(faces: Faces) -> str:
    """In which number of images a set is another than the published one of its name, as a clause; empty for the same,
    and where no number is known."""
    if faces.synthetic or faces.name not in RELEASES:
        return ""
    counts = undivided(faces).table["split"].value_counts().to_dict()
    found = [_other(counts, release) for release in RELEASES[faces.name]]
    return "" if "" in found else found[0]


def departs(faces: Faces) -> str:
    """As `other`, and whether a set has lost its published splits: how a training on it is none of a paper's."""
    if said := other(faces):
        return said
    releases = () if faces.synthetic else RELEASES.get(faces.name, ())
    lost = any({*release} - {*undivided(faces).splits} for release in releases)
    return "other splits than are published" if lost else ""


def _other(counts: Mapping[str, int], release: Mapping[str, int]) -> str:
    if (found := sum(counts.values())) != (whole := sum(release.values())):
        return f"{found:,} images in place of {whole:,}"
    return ", ".join(
        f"{counts[split]:,} images of {split} in place of {count:,}"
        for split, count in release.items()
        if split in counts and counts[split] != count
    )
