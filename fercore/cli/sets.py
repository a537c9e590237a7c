"""Commands that read data sets and count what is in them: import, audit, data."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from . import numbers
from .outputs import refuse_file


def add_to(add: Callable[..., argparse.ArgumentParser]) -> None:
    """Add these commands; `add` takes name, function and help."""
    command = add("import", _import, "read a data set once; from then on it is memory-mapped")
    command.add_argument(
        "--given", action="store_true",
        help="import every set whose download is named in the environment: FER2013, FERPLUS, RAFDB, …, and SPLIT",
    )  # fmt: skip
    command.add_argument(
        "name", nargs="?", help="fer2013, ferplus, rafdb, affectnet, ckplus, …; folder for any folder of images"
    )
    command.add_argument("source", nargs="?", help="the download as it is: a file, an archive or a folder")
    command.add_argument("--to", metavar="FOLDER", help="where to put it (default: data/NAME)")
    command.add_argument(
        "--split", metavar="SHARES", help="divide all images (80/10/10) or the training split (90/10); where subjects "
        "are named, nobody is in two of the new splits",
    )  # fmt: skip
    command.add_argument(
        "--roles", metavar="ROLE=SPLIT,…", type=_roles,
        help="the splits to train, select and test on, where their names do not tell: select=dev1,test=dev2",
    )  # fmt: skip
    command.add_argument("--seed", type=numbers.seed, help="seed of --split and of synthetic sets")
    for name, (kind, shown, words) in IMPORT_OPTIONS.items():
        flag = f"--{name.replace('_', '-')}"
        if kind is bool:
            command.add_argument(flag, dest=name, action="store_const", const=True, help=words)
        else:
            command.add_argument(flag, dest=name, type=kind, metavar=shown, help=words)
    command.add_argument(
        "--no-contempt", dest="contempt", action="store_const", const=False, help="affectnet: leave contempt out"
    )

    command = add("audit", _audit, "count the images, duplicates and leakage of an imported data set")
    command.add_argument("folder", help="the imported data set, such as data/fer2013")
    command.add_argument(
        "--train", metavar="SPLIT", default="train", help="the training split, by name or role (default: train)"
    )
    command.add_argument(
        "--save", metavar="FOLDER", help="also save the counts there, with measurements.csv for the ledger"
    )

    command = add("data", _data, "prepare the data of a profile, or a set whose subjects are named")
    command.add_argument("name", help="a profile, or a set such as ckplus")


def _size(text: str) -> int | tuple[int, int]:
    """48, or 64x48: height x width."""
    try:
        sides = tuple(int(side) for side in text.lower().split("x"))
    except ValueError:
        sides = ()
    if len(sides) not in (1, 2) or min(sides) < 1:
        raise argparse.ArgumentTypeError(f"{text!r}; expected 48, or 64x48 (height x width)")
    return sides if len(sides) == 2 else sides[0]


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",")]


def _roles(text: str) -> dict[str, str]:
    pairs = [tuple(word.strip() for word in part.split("=", 1)) for part in text.split(",")]
    if any(len(pair) < 2 for pair in pairs):
        raise argparse.ArgumentTypeError(f"{text!r}; expected roles with their splits, such as select=dev1,test=dev2")
    return dict(pairs)


IMPORT_OPTIONS = {  # what a set's `read` takes: how it is read, what stands for it in the help, and what it is
    "size": (_size, "SIZE", "scale all images to this side, or to HEIGHTxWIDTH"),
    "mode": (str, "L|RGB", "folder, oulucasia, kdef: grey or colour"),
    "label": (str, "REGEX", "folder: its group is the class in an image's path, if no folder is named by it"),
    "subject": (str, "REGEX", "folder: its group is the subject in an image's path"),
    "classes": (_names, "NAMES", "folder: the names of the classes, in the order of their labels"),
    "as_is": (bool, "", "folder: take the names of folders as classes and splits, whatever they look like"),
    "fer2013": (str, "PATH", "ferplus: FER2013 itself, as a file or an imported folder"),
    "votes": (str, "CSV", "fer2013: also read the FER+ votes in this fer2013new.csv"),
    "target": (str, "TARGET", "ferplus: majority, probability or multi-target"),
    "labels": (str, "folders|list", "affectnet, folder: which labels to take, if the two differ"),
    "peak": (numbers.whole(), "N", "ckplus, oulucasia: how many of a sequence's last frames to take"),
    "neutral": (bool, "", "oulucasia: also take the first frame of each sequence"),
    "frontal": (bool, "", "kdef: only frontal faces"),
    "images": (numbers.whole(), "N", "synthetic sets: how many to render"),
}


def _import(options) -> None:
    from .. import datasets

    given = {key: getattr(options, key) for key in (*IMPORT_OPTIONS, "contempt", "split", "roles", "seed")}
    given = {key: value for key, value in given.items() if value is not None}
    if options.given:
        if given or options.name or options.to:
            raise ValueError("--given takes everything from the environment: leave out the name and all other options")
        return _import_given(os.environ)
    if options.name is None:
        raise ValueError(f"import which data set? There are {', '.join(datasets.NAMES)}")
    if options.name in datasets.NAMES:
        known = (*datasets.options_of(options.name), "split", "roles", "seed")
        for key in given:
            if key not in known:
                flags = ", ".join(
                    f"--{one.replace('_', '-')}" for one in known if one in {*IMPORT_OPTIONS, *known[-3:]}
                )
                raise ValueError(f"--{key.replace('_', '-')} is not for {options.name}, which has {flags}")
    if "seed" in given and "split" not in given and options.name in datasets.REAL:
        raise ValueError("--seed can only be used with --split, and for synthetic sets")
    to = options.to or Path("data") / options.name
    refuse_file(to)
    _show(datasets.import_dataset(options.name, options.source, to, **given))


def _import_given(environment: Mapping[str, str]) -> None:
    """What `make reproduce NAME=download` names; notebooks 1 to 3 read the last that names no subjects."""
    from .. import datasets
    from ..pipeline.data import choose
    from ..pipeline.parameters import layers, profiles_of, read_params, subject_sets
    from ..results.folders import PROFILES

    given = {name: environment.get(name.upper()) for name in datasets.REAL if name != "ferplus"}
    votes, split = environment.get("FERPLUS"), environment.get("SPLIT")
    if votes and not given["fer2013"]:
        raise ValueError("FERPLUS are votes on the images of FER2013: give FER2013=fer2013.csv, too")
    subjects = subject_sets()
    chosen = any(source for name, source in given.items() if name not in subjects)
    if split and not chosen:
        raise ValueError("SPLIT divides a set that is given with it, such as RAFDB=folder")
    for name, source in given.items():
        if source:
            more = {"votes": votes} if name == "fer2013" and votes else {}
            more |= {"split": split} if split and name not in subjects else {}
            path = datasets.import_dataset(name, source, Path("data") / name, **more)
            _show(path)
            if name not in subjects:
                choose(path.parent)
    if (profile := environment.get("PROFILE")) not in PROFILES:
        return
    for name in subjects:
        if given.get(name) and profile not in (read := profiles_of(name)) and read:
            print(f"PROFILE={profile} does not read {name}; add PROFILE={read[0]}")
    if chosen:
        real = [name for name in PROFILES if read_params(*layers("data", name))["dataset"] not in datasets.SYNTHETIC]
        if profile not in real:
            print(f"PROFILE={profile} reads rendered faces; add PROFILE={real[0]} to read the set that is given")


def _show(path: Path) -> None:
    """What an import has found."""
    from .. import datasets
    from ..results.text import plain

    faces = datasets.load_imported(path.parent)
    splits = ", ".join(f"{plain(name) or 'no split'} {len(faces.rows(name)):,}" for name in faces.splits)
    print(f"{path.parent}: {len(faces):,} images of {' x '.join(map(str, faces.pixels.shape[1:3]))} ({splits})")
    print(f"classes: {plain(', '.join(faces.classes))}")
    roles = ", ".join(f"{role} {faces.roles.get(role) or _whole(faces, role)}" for role in datasets.ROLES)
    print(f"roles: {plain(roles)}")
    for note in faces.notes:
        print(f"note: {plain(note)}")


def _whole(faces, role: str) -> str:
    return "all" if role in faces.roles else "none"


def _audit(options) -> None:
    from .. import audit
    from ..datasets import store
    from ..results import measurements, tables

    refuse_file(options.save)
    faces = store.verify(options.folder)
    print(f"{tables.label(faces)}: {len(faces):,} images")
    split = faces.splits != ("",)
    train = options.train if options.train in faces.splits or not split else faces.split_of(options.train)
    print(audit.counts(faces).to_string(), "\n")
    print(f"images of one grey value: {len(audit.constant(faces.pixels))}")
    searches = {
        "identical to the byte": lambda: audit.exact_duplicates(faces.pixels),
        "the same photograph": lambda: audit.copies(faces),  # which takes hours of a large set: all else is told before
    }
    for name, search in searches.items():
        group = search()
        redundant = len(group) - len(set(group.tolist()))
        contradicted = len(audit.contradicted(faces, group))
        print(f"\n{name}: {redundant:,} redundant, {contradicted:,} in groups of several labels")
        if split:
            print(audit.leakage(faces, group, train).to_string(float_format="{:.4f}".format))
        sys.stdout.flush()
    if options.save:
        measurements.write(measurements.table(audit.measurements(faces), faces=[faces]), options.save)
    if not split:
        print("\nno splits, and so no leakage between them; import it with --split 80/10/10 to have some")


def _data(options) -> None:
    from ..pipeline.data import prepare
    from ..pipeline.parameters import subject_sets
    from ..results.folders import PROFILES

    if options.name not in (known := [*PROFILES, *subject_sets()]):
        raise ValueError(
            f"no profile {options.name!r}, nor a set that names its subjects; there are {', '.join(known)}"
        )
    print(prepare(options.name))
