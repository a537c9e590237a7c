"""Data sets of faces, each read into `Faces` by a module of its own.

faces = datasets.load("fer2013", "path/fer2013.csv")   # read where it lies
faces = datasets.load("synthfer", images=2000)         # rendered, needs no download
datasets.import_dataset("fer2013", "path/fer2013.csv", "data/fer2013")
faces = datasets.load_imported("data/fer2013")                  # memory-mapped

To add one: a module here with `read(source, *, allocate, ...)`, and its name in REAL. The command, `make reproduce
NAME=download` and the tests go by that table.

faces         the one shape that every data set takes
synthetic     rendered faces
tree          what lies in a download
archives      whatever that is packed as
images        image files of any provenance
layout        folders and names of files that say what images show
lists         lists of labels beside them
text          such a list, line by line
yolo          exports for YOLO
fer2013_csv   the CSV of FER2013, fast
store         imported data sets on disk
splits        which images train, select and test
published     what a set has as it is published, told from a part of it
votes         what ten people saw in each image
preprocess    grey levels, size, normalisation
crops         the windows that MicroExpNet's authors cut
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path

from .. import files
from . import images, store
from .faces import FER2013_CLASSES, ROLES, DataError, Faces, NoSplit

__all__ = ["FER2013_CLASSES", "NAMES", "ROLES", "DataError", "Faces", "NoSplit", "import_dataset", "load"]
__all__ += ["load_imported", "options_of"]

SYNTHETIC = ("synthfer", "synthck", "synthoulu")
REAL = ("fer2013", "ferplus", "rafdb", "affectnet", "ckplus", "oulucasia", "jaffe", "kdef", "folder")
NAMES = (*REAL, *SYNTHETIC)

load_imported = store.load


def load(
    name: str,
    source: str | Path | None = None,
    *,
    roles: Mapping[str, str] | None = None,
    split: str | None = None,
    seed: int = 0,
    **options,
) -> Faces:
    """The data set `name` from `source`, a file or folder in the layout that users download, or an imported set.

    roles    the split that plays a role, where its name does not say so: {"select": "dev1"}
    split    shares to divide by, see `splits.divide`: "80/10/10" all images, "90/10" the training split
    seed     of that division, and of rendered sets
    options  those of the data set's `read`, see `options_of`

    Raises DataError for anything that is not as the set is published, ValueError for a name that is not in NAMES
    and for shares that do not fit, and TypeError for an option that the set does not have.
    """
    if name not in NAMES:
        raise ValueError(f"no data set {name!r}; there are {', '.join(NAMES)}")
    read, known = _reader(name), options_of(name)
    if unknown := sorted(set(options) - set(known) - {"allocate"}):
        raise TypeError(f"{name} has no option {', '.join(unknown)}; it has {', '.join(known) or 'none'}")
    if name in SYNTHETIC:
        if source is not None:
            raise ValueError(f"{name} is rendered and takes no source")
        return _divided(read(name, seed=seed, **options), roles, split, seed)
    if source is None:
        raise ValueError(f"{name} needs a source: the file or folder that holds it")
    source = Path(source).expanduser()
    if images.imported(source):
        if given := sorted(set(options) - {"allocate"}):
            raise ValueError(
                f"{source} is an imported set already; {', '.join(given)} can be given when it is imported"
            )
        held = store.load(source)
        if name not in ("folder", held.name):  # a folder's set has the folder's name
            raise DataError(source, f"an import of {held.name}", f"{name}, as it is published or imported")
        return _divided(held, roles, split, seed)
    return _divided(read(source, **options), roles, split, seed)


def options_of(name: str) -> list[str]:
    """What `load` takes for a data set beside roles, split and seed."""
    given = inspect.signature(_reader(name)).parameters.values()
    return [one.name for one in given if one.kind is one.KEYWORD_ONLY and one.name not in ("allocate", "seed")]


def import_dataset(name: str, source: str | Path | None, folder: str | Path, **options) -> Path:
    """Import `name` from `source` into `folder`, whole or not at all; returns the path of its `dataset.json`.

    Memory use does not grow with the set: readers put pixels straight into the file that `load_imported` maps. Options
    and errors are those of `load`; and BusyError where another process writes into `folder`, ValueError where that is
    the folder that is read.
    """
    folder = Path(folder).expanduser()
    if source is not None and name in REAL:
        _require_apart(Path(source).expanduser(), folder)
    with files.locked(folder, "an import"):
        store.sweep(folder)  # what an import that was killed has left
        try:
            return store.save(load(name, source, allocate=partial(store.allocate, folder=folder), **options), folder)
        except BaseException:
            store.sweep(folder)
            raise


def _require_apart(source: Path, folder: Path) -> None:
    """Raise ValueError where a download would be imported into its own folder: read again, the import would be taken
    in place of the pictures. What is already an import may be put onto itself."""
    if source.resolve() == folder.resolve() and not (source / store.INDEX).is_file():
        told = "give another to put the import into (--to FOLDER), or move the download elsewhere"
        raise ValueError(f"{folder} is the folder that is read: {told}")


def _reader(name: str) -> Callable[..., Faces]:
    """`read` of the module that a row of the tables names. Raises ValueError for a row that names none."""
    module = "synthetic" if name in SYNTHETIC else name
    row = f"{_row(name)}, and fercore/datasets/{module}.py"
    try:
        found = import_module(f"{__name__}.{module}")
    except ModuleNotFoundError as error:
        if error.name != f"{__name__}.{module}":  # which is there, and what it imports is not
            raise ValueError(f"{row} cannot be imported: {error}") from error
        raise ValueError(f"{row} is not there") from None
    read = getattr(found, "read", None)
    if not callable(read) or "allocate" not in inspect.signature(read).parameters:
        raise ValueError(f"{row} has no read(source, *, allocate, ...)")
    return read


def _row(name: object) -> str:
    table = "SYNTHETIC" if name in SYNTHETIC else "REAL"
    return f"{table} in fercore/datasets/__init__.py has the row {name!r}"


def _require_names(rows: Iterable[object]) -> None:
    for name in rows:
        if not isinstance(name, str):
            raise ValueError(f"{_row(name)}; expected the name of a module beside it")


def _divided(faces: Faces, roles: Mapping[str, str] | None, split: str | None, seed: int) -> Faces:
    if split is not None:
        from . import splits  # which imports this module

        if len(split.split("/")) == 2 and roles:  # of what trains: so it matters what else the splits are for
            faces = _with_roles(faces, {role: one for role, one in roles.items() if one in faces.splits})
        faces = splits.divide(faces, split, seed)
    return _with_roles(faces, roles)


def _with_roles(faces: Faces, roles: Mapping[str, str] | None) -> Faces:
    """A split that is given a role has lost the one that its name, or its data set, gives it."""
    if not roles:
        return faces
    left = {role: split for role, split in faces.roles.items() if split not in roles.values()}
    return replace(faces, roles=left | dict(roles))


_require_names(NAMES)
