"""What lies in a download: opened whatever it is packed as, every file seen, what was passed over counted by why."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from .. import files
from . import archives, images
from .faces import DataError

DEEPEST = 12  # folders within folders
FACES = "of several faces"  # why an image of a list or a YOLO export is passed over
UNREAD = dict.fromkeys(images.UNREAD, "in an unsupported format: save as JPEG")
UNREAD[".parquet"] = "Parquet, which is not read: save its images into class folders"
NAMED = 3  # files that a note names of those that were passed over for one reason


@contextmanager
def opened(source: str | Path, expected: str = "a folder, or a .zip or .tar of it") -> Iterator[Seen]:
    """All that lies in the folder that holds `source`: itself, or where it, or the archives that are all it holds, were
    unpacked until the block ends. Errors name what the user gave."""
    path = archives.ordinary(source, expected)
    packed = _packed(path)
    if not packed:
        try:
            yield walk(path)
        except DataError as error:
            raise _still_packed(path, error) from None
        return
    with tempfile.TemporaryDirectory(prefix="fercore-") as temporary:
        home = Path(temporary) / path.name.split(".")[0]
        try:
            notes = []
            for archive in packed:
                part = home / archives.stem(archive) if path.is_dir() else home
                part.mkdir(parents=True, exist_ok=True)
                notes += archives.unpack(archive, part)
            yield replace(walk(home), unpacking=notes)
        except DataError as error:
            words = (text.replace(str(home), str(path)) for text in (error.where, error.found, error.expected))
            raise DataError(*words) from None


def _packed(path: Path) -> list[Path]:
    """The archives to unpack: the file itself, or what lies in a folder that holds no picture and no table."""
    if path.is_file():
        found = archives.kind(path)
        archives.refuse(path, found)
        if found is None:
            what = "a file that is no archive" if path.stat().st_size else "an empty file"
            raise DataError(path, what, "a folder, or a .zip or .tar of it")
        return [path]
    beside = [entry for entry in sorted(path.iterdir()) if entry.is_file() and not entry.name.startswith(".")]
    found = [entry for entry in beside if archives.kind(entry)]
    if not found or any(entry.suffix.lower() == ".csv" for entry in beside):
        return []
    return [] if walk(path).images else found


def _still_packed(path: Path, error: DataError) -> DataError:
    """`error`, and where something is lacking the archives in the folder, which may hold it."""
    lacking = error.found.startswith(("no such", "no image"))
    packed = [name for name in walk(path).others if archives.kind(path / name)] if lacking else []
    more = f"; what is missed may be in {_named(packed)}: unpack it where it lies" if packed else ""
    return DataError(error.where, error.found, error.expected + more)


def _listed(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError as error:
        raise DataError(folder, f"a folder that cannot be read ({error.strerror})", "folders that can") from None


@dataclass
class Seen:
    """All that lies in a folder.

    images     paths within `root`, in natural order: by suffix, or by content where the suffix says nothing
    folders    every visible folder
    others     files that are no images
    passed     what is not read, by why
    unpacking  notes on how it was unpacked
    """

    root: Path
    images: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    passed: dict[str, list[str]] = field(default_factory=dict)
    unpacking: list[str] = field(default_factory=list)

    def copy(self) -> Seen:
        """As it is now, whatever is passed over in either."""
        return replace(self, passed={why: [*names] for why, names in self.passed.items()})

    def pass_over(self, why: str, names: Iterable[str]) -> None:
        """Count files as not read. Those among `images` are taken from there."""
        if names := list(names):
            gone = set(names)
            self.images = [name for name in self.images if name not in gone]
            self.passed.setdefault(why, []).extend(names)

    def home(self, wanted: Callable[[set[str]], bool]) -> Path | None:
        """The one folder whose folders, by name, are `wanted`: the shallowest, `root` first; None where there is none.

        Raises DataError where several as deep are: it is for the user to say which.
        """
        inside: dict[str, set[str]] = {"": set()}
        for name in self.folders:
            above, _, last = name.rpartition("/")
            inside.setdefault(above, set()).add(last)
        found = [name for name, within in inside.items() if wanted(within)]
        depth = {name: name.count("/") + bool(name) for name in found}
        nearest = sorted(name for name in found if depth[name] == min(depth.values()))
        if len(nearest) > 1:
            raise DataError(
                self.root, f"{len(nearest)} that may be meant: {_named(nearest)}", "one of them to be given"
            )
        return self.root / nearest[0] if nearest else None

    def lists(self, *names: str) -> list[Path]:
        """The .csv files, or those called by one of `names`, the shallowest first."""
        found = [name for name in self.others if name.lower().endswith(".csv") and not names]
        found += [name for name in self.others if PurePosixPath(name).name in names]
        return [self.root / name for name in sorted(found, key=lambda name: (name.count("/"), name))]

    def notes(self, used: Iterable[str] = ()) -> list[str]:
        """How it was unpacked, and one line that says how many files were seen and read, and how many not, and why; no
        such line where all were read.

        used  files beside the images that were read, such as a list of labels
        """
        used, passed = set(used), dict(self.passed)
        for name in self.others:
            if name not in used:
                suffix = PurePosixPath(name).suffix.lower()
                why = UNREAD.get(suffix, "")
                passed.setdefault(why or f"no image ({suffix or 'no suffix'})", []).append(name)
        if not passed:
            return self.unpacking
        read, left = len(self.images) + len(used), sum(map(len, passed.values()))
        reasons = [f"{len(names):,} {why}: {_named(names)}" for why, names in passed.items()]
        return [
            *self.unpacking,
            f"{read + left:,} file{'s' * (read + left > 1)} found, {read:,} read; skipped: {'; '.join(reasons)}",
        ]


def _named(names: list[str]) -> str:
    return ", ".join(names[:NAMED]) + (", …" if len(names) > NAMED else "")


def walk(root: Path) -> Seen:
    """Everything below `root`. Links are followed where they stay inside.

    Raises DataError for a folder that cannot be read, and for a link to an image or folder outside.
    """
    seen = Seen(root)
    _walk(seen, root, "", (os.path.realpath(root),))
    seen.images.sort(key=images.natural)
    seen.folders.sort(key=images.natural)
    return seen


def _walk(seen: Seen, folder: Path, prefix: str, above: tuple[str, ...]) -> None:
    if len(above) > DEEPEST:
        raise DataError(folder, f"folders more than {DEEPEST} deep", "a data set's own folder")
    for path in sorted(_listed(folder)):
        name = prefix + path.name
        if path.name == files.LOCK:  # of an import that is going on
            continue
        if archives.hidden(path.name):
            seen.passed.setdefault("hidden", []).append(name)
            continue
        try:
            mode = path.stat().st_mode
        except OSError:  # a link to nothing, or to itself
            seen.passed.setdefault("dead links", []).append(name)
            continue
        if stat.S_ISDIR(mode):
            if path.is_symlink():
                images.inside(seen.root, name)
            real = os.path.realpath(path) if path.is_symlink() else ""
            if real in above:
                seen.passed.setdefault("links back to a folder above", []).append(name)
                continue
            seen.folders.append(name)
            _walk(seen, path, f"{name}/", (*above, os.path.realpath(path)))
        elif not stat.S_ISREG(mode):
            seen.passed.setdefault("neither file nor folder", []).append(name)
        elif images.is_image(path):
            if path.is_symlink():
                images.inside(seen.root, name)
            seen.images.append(name)
        else:
            seen.others.append(name)
