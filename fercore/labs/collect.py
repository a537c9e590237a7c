"""What students have handed in: a folder, or an archive, as learning platforms give it.

A student has a folder, or files that the platform has renamed; notebooks have any name, packed or not. Nobody is passed
over: where there is no notebook, there is a reason.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from ..datasets import DataError, archives

SUFFIX = ".ipynb"


def collect(submissions: Path, space: Path) -> dict[str, Path | str]:
    """By name, in order: each notebook in and below `submissions`, or in words why there is none.

    submissions  a folder, or an archive of one
    space        an empty folder, into which archives are unpacked
    Raises FileNotFoundError where there is no such folder, DataError for an archive that is not read.
    """
    if not submissions.exists():
        raise FileNotFoundError(f"no folder of submissions {submissions}")
    if submissions.is_file():
        submissions = _unpacked(submissions, space)
    found = _notebooks(submissions, space)
    for entry in _handed_in(submissions):
        name = entry.relative_to(submissions).as_posix()
        if not any(one == name or one.startswith(f"{name}/") for one in found):
            found[name] = _nothing(entry)
    return dict(sorted(found.items()))


def _unpacked(path: Path, space: Path) -> Path:
    place = Path(tempfile.mkdtemp(dir=space))
    archives.unpack(path, place)
    archives.make_folders(path, place)  # also that of a student who has handed in nothing
    return place


def _files(folder: Path) -> dict[str, Path]:
    """The files in and below a folder by their names there, without what editors and systems leave."""
    inside = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
    return {name: path for name, path in inside.items() if not archives.hidden(name)}


def _notebooks(folder: Path, space: Path | None) -> dict[str, Path | str]:
    """The notebooks of a folder and of the archives in it; an archive that cannot be read, in words.

    space  None: archives are left alone, as those within archives that `archives.unpack` has left
    """
    found: dict[str, Path | str] = {}
    for name, path in _files(folder).items():
        try:
            if path.suffix.lower() == SUFFIX:
                found[name] = path
            elif space and archives.kind(path):
                inside = _notebooks(_unpacked(path, space), None)
                found |= {f"{name}/{inner}": one for inner, one in inside.items()}
        except DataError as error:
            found[name] = f"is {error.found}"
        except OSError as error:
            found[name] = f"cannot be read: {error.strerror}"
    return found


def _handed_in(folder: Path) -> list[Path]:
    """One entry a student: of the folder, or of the one that everything is in, unless that is a student's."""
    entries = [path for path in sorted(folder.iterdir()) if not archives.hidden(path.name)]
    if len(entries) == 1 and entries[0].is_dir() and len(list(entries[0].glob(f"*{SUFFIX}"))) != 1:
        return _handed_in(entries[0])
    return entries


def _nothing(entry: Path) -> str:
    if entry.is_file():
        return "is no notebook"
    inside = list(_files(entry))
    more = f" and {len(inside) - 3} more" if len(inside) > 3 else ""
    return f"has no notebook, but {', '.join(inside[:3])}{more}" if inside else "is empty"
