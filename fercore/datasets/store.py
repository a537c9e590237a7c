"""Imported data sets on disk: memory-mapped pixels, and imports that happen whole or not at all.

A set is a folder with `dataset.json`, which names the two files that hold it:

    dataset.json               name, classes, notes, roles, fingerprint and the names of the other two
    pixels-<fingerprint>.npy   uint8 (N, H, W) or (N, H, W, 3)
    table-<fingerprint>.csv    a row an image

Both are complete, read back and compared before `dataset.json` is replaced, and replacing one file is atomic, so
whoever reads finds the old set or the new one. What a killed import leaves behind is not named by any `dataset.json`;
the next import removes it. One process at a time writes into a folder (`files.locked`). A set that refers to another's
files is noted beside them, `refers-<digits>.txt`, so that an import over them leaves them there as long as it does.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import uuid
import weakref
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pandas as pd

from .. import files
from .faces import COLUMNS, DataError, Faces

INDEX = "dataset.json"
PARTS = ("pixels", "table")
HEX = "[0-9a-f]"
OWN = (files.UNFINISHED, f"pixels-{HEX * 16}.npy", f"table-{HEX * 16}.csv")  # as `allocate` and `save` name files
REFERS = f"refers-{HEX * 16}.txt"


def allocate(shape: tuple[int, ...], folder: Path | None = None) -> np.memmap:
    """A writable uint8 array of `shape` in a new file of `folder`, or in a temporary file that goes with the array.

    Raises OSError, with the folder, where the disk has no room for it.
    """
    path = Path(folder or tempfile.gettempdir()) / f"{uuid.uuid4().hex}.tmp"
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        array = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=shape)
        if hasattr(os, "posix_fallocate"):  # the file is all holes: on a full disk, writing to one kills the process
            with open(path, "r+b") as file:
                os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
    except OSError as error:  # which names the file, or none
        path.unlink(missing_ok=True)
        raise OSError(error.errno, error.strerror or str(error), str(path.parent)) from None
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    if folder is None:
        weakref.finalize(array, path.unlink, missing_ok=True)
    return array


def fingerprint(pixels: np.ndarray, table: pd.DataFrame) -> str:
    """SHA-256 of the images, their shape and their table, as 64 hexadecimal digits."""

    def digest(start: int) -> bytes:
        return hashlib.sha256(np.ascontiguousarray(pixels[start : start + 4096])).digest()

    whole = hashlib.sha256(repr(pixels.shape).encode())
    with ThreadPoolExecutor() as pool:  # hashlib lets go of the interpreter lock
        for part in pool.map(digest, range(0, len(pixels), 4096)):
            whole.update(part)
    whole.update(_csv(table))
    return whole.hexdigest()


def images_fingerprint(faces: Faces) -> str:
    """Which images, in which order and of which splits, as 16 hexadecimal digits: what row numbers refer to.

    Labels, votes and names are not in it, so that it is the same with and without the FER+ votes.
    """
    return fingerprint(faces.pixels, faces.table[["split"]])[:16]


def save(faces: Faces, folder: str | Path) -> Path:
    """Put `faces` into `folder`, in place of what was there; returns the path of its `dataset.json`.

    Pixels that `allocate` put into `folder` are renamed, not copied. Raises DataError where what was written does not
    come back as it was, BusyError where another process writes there, OSError; the old set then stays.
    """
    folder = Path(folder)
    with files.locked(folder, "an import"):
        try:
            mark = fingerprint(faces.pixels, faces.table)
            index = {
                "name": faces.name,
                "images": len(faces),
                "shape": list(faces.pixels.shape[1:]),
                "classes": list(faces.classes),
                "synthetic": faces.synthetic,
                "notes": list(faces.notes),
                "roles": dict(faces.roles),
                "fingerprint": mark,
                "pixels": f"pixels-{mark[:16]}.npy",
                "table": f"table-{mark[:16]}.csv",
                "floats": list(faces.table.select_dtypes("float")),
            }
            text = _index(index)
            table = _csv(faces.table)
        except UnicodeEncodeError as error:
            line = error.object[: error.start].rpartition("\n")[2] + error.object[error.start :].partition("\n")[0]
            raise DataError(folder, f"a name that is no text, {line!r}", "names in UTF-8") from None
        pixels = folder / index["pixels"]
        backing = Path(getattr(faces.pixels, "filename", None) or "")
        if backing.parent.resolve() == folder.resolve() and backing.suffix == ".tmp":
            faces.pixels.flush()
            os.replace(backing, pixels)
        else:
            files.replace(pixels, lambda file: np.save(file, faces.pixels))
        files.replace(folder / index["table"], lambda file: file.write(table))
        _compare(faces, folder, text)
        files.replace(folder / INDEX, lambda file: file.write(text))
        sweep(folder)
    return folder / INDEX


def _compare(faces: Faces, folder: Path, text: bytes) -> None:
    """Raise DataError where what was written, and the index that is about to name it, are not `faces`."""
    try:
        index = json.loads(text)
        found = _load(folder, index)
        same = fingerprint(found.pixels, found.table) == index["fingerprint"]
        same &= (found.name, found.classes, found.notes) == (faces.name, tuple(faces.classes), tuple(faces.notes))
        why = "other images, rows or names than were given"
    except Exception as error:  # as for `load`
        same, why = False, str(error)
    if not same:
        sweep(folder)
        raise DataError(folder, f"what was written reads as another ({why})", "what was given; the old set stays")


def refer(store: str | Path, folder: str | Path) -> Path:
    """Make `folder` another name for the set imported into `store`, without copying it; returns its `dataset.json`.

    A note beside the files keeps them there as long as `folder` refers to them, whatever is imported into `store`;
    where nothing may be written there, nobody is told. Raises BusyError.
    """
    store, folder = Path(store), Path(folder)
    load(store)  # whole, or an error
    with files.locked(folder, "an import"), _locked_if_ours(store):
        load(store)
        index = json.loads((store / INDEX).read_text(encoding="utf-8"))
        homes = {(store / index[part]).resolve().parent for part in PARTS}
        there = os.path.relpath(store.resolve(), folder.resolve()).replace(os.sep, "/")
        for part in PARTS:
            index[part] = f"{there}/{index[part]}"
        for home in homes - {folder.resolve()}:
            if os.access(home, os.W_OK):
                back = os.path.relpath(folder.resolve(), home).replace(os.sep, "/")
                name = f"refers-{hashlib.sha256(back.encode()).hexdigest()[:16]}.txt"
                files.replace(home / name, lambda file, back=back: file.write(back.encode()))
        files.replace(folder / INDEX, lambda file: file.write(_index(index)))
        sweep(folder)
    return folder / INDEX


def _locked_if_ours(folder: Path):
    return files.locked(folder, "an import") if os.access(folder, os.W_OK) else nullcontext()


def sweep(folder: str | Path) -> None:
    """Remove from `folder` what replaced and interrupted imports have left behind, and nothing else."""
    folder = Path(folder)
    kept, patterns = _named(folder / INDEX), OWN
    if kept is None:  # a damaged index may have named any of them
        kept, patterns = set(), OWN[:1]
    for note in folder.glob(REFERS):
        named = _named(folder / note.read_text(encoding="utf-8") / INDEX)
        if named is None:  # likewise
            patterns = OWN[:1]
        elif any(path.parent == folder.resolve() for path in named):
            kept |= named
        else:
            note.unlink(missing_ok=True)
    for pattern in patterns:
        for path in folder.glob(pattern):
            if path.resolve() not in kept:
                path.unlink(missing_ok=True)


def _named(index: Path) -> set[Path] | None:
    """The files that an index names, resolved; none where there is no index, None where it is damaged."""
    if not index.is_file():
        return set()
    try:
        found = json.loads(index.read_bytes())
        return {(index.parent / found[part]).resolve() for part in PARTS}
    except (KeyError, TypeError, ValueError):
        return None


def load(folder: str | Path) -> Faces:
    """The set that was imported into `folder`, its pixels memory-mapped. Raises DataError where there is none."""
    folder = Path(folder).expanduser()
    path = folder / INDEX
    while True:
        if not path.is_file():
            raise DataError(path, "no such file", "an imported data set (see fercore import --help)")
        text = path.read_bytes()
        try:
            return _load(folder, json.loads(text))
        except Exception as error:  # whatever json, NumPy and pandas make of damaged files
            if path.read_bytes() == text:  # else an import has replaced the set meanwhile
                raise DataError(path, f"a damaged import ({error})", "the files that fercore import writes") from error


def verify(folder: str | Path) -> Faces:
    """As `load`, and all images are read, so that it is noticed where a file was changed since the import. Raises
    DataError for other images or rows than were imported."""
    faces = load(folder)
    if fingerprint(faces.pixels, faces.table) != faces.fingerprint:
        raise DataError(folder, "other images or rows than were imported", "those: import the set again")
    return faces


def _load(folder: Path, index: dict) -> Faces:
    pixels = np.load(folder / index["pixels"], mmap_mode="r")
    table = pd.read_csv(
        folder / index["table"],
        dtype=dict.fromkeys(COLUMNS[1:], str) | {"label": np.int64},
        keep_default_na=False,
        lineterminator="\n",  # or a carriage return in a name would be one
        converters=dict.fromkeys(
            index.get("floats", ()), lambda word: float(word or "nan")
        ),  # exact, and blanks are NaN
    )
    classes, notes = tuple(index["classes"]), tuple(index["notes"])
    roles = index.get("roles")  # what was imported before there were any goes by the names of its splits
    return Faces(index["name"], pixels, table, classes, index["synthetic"], notes, index["fingerprint"], roles)


def _index(index: dict) -> bytes:
    return (json.dumps(index, indent=1, ensure_ascii=False) + "\n").encode()


def _csv(table: pd.DataFrame) -> bytes:
    return table.to_csv(index=False, lineterminator="\n").encode()
