"""Data sets of faces, each read into `Faces` by a module of its own.

faces = datasets.load("fer2013", "path/fer2013.csv")   # read where it lies
faces = datasets.load("synthfer", images=2000)         # rendered, needs no download
datasets.import_dataset("fer2013", "path/fer2013.csv", "data/fer2013")
faces = datasets.load_imported("data/fer2013")                  # memory-mapped
"""

from __future__ import annotations

from functools import partial
from importlib import import_module
from pathlib import Path

from .. import files
from . import store
from .faces import FER2013_CLASSES, DataError, Faces

__all__ = ["FER2013_CLASSES", "NAMES", "DataError", "Faces", "import_dataset", "load", "load_imported"]

SYNTHETIC = ("synthfer", "synthck", "synthoulu")
REAL = ("fer2013", "ferplus", "rafdb", "affectnet", "ckplus", "oulucasia", "folder")
NAMES = (*REAL, *SYNTHETIC)

load_imported = store.load


def load(name: str, source: str | Path | None = None, **options) -> Faces:
    """The data set `name` from `source`, a file or folder in the layout that users download, or an imported set.

    Options are those of the data set's `read`. Raises DataError for anything that is not as the set is published, and
    ValueError for a name that is not in NAMES.
    """
    if name not in NAMES:
        raise ValueError(f"no data set {name!r}; there are {', '.join(NAMES)}")
    if name in SYNTHETIC:
        if source is not None:
            raise ValueError(f"{name} is rendered and takes no source")
        return import_module(f"{__name__}.synthetic").read(name, **options)
    if source is None:
        raise ValueError(f"{name} needs a source: the file or folder that holds it")
    if (Path(source) / store.INDEX).is_file():
        if given := sorted(set(options) - {"allocate"}):
            raise ValueError(
                f"{source} is an imported set already; {', '.join(given)} can be given when it is imported"
            )
        return store.load(source)
    return import_module(f"{__name__}.{name}").read(source, **options)


def import_dataset(name: str, source: str | Path | None, folder: str | Path, **options) -> Path:
    """Import `name` from `source` into `folder`, whole or not at all; returns the path of its `dataset.json`.

    Memory use does not grow with the set: readers put pixels straight into the file that `load_imported` maps. Raises
    as `load`, and BusyError where another process writes into `folder`.
    """
    folder = Path(folder)
    with files.locked(folder, "an import"):
        store.sweep(folder)  # what an import that was killed has left
        try:
            return store.save(load(name, source, allocate=partial(store.allocate, folder=folder), **options), folder)
        except BaseException:
            store.sweep(folder)
            raise
