"""What commands write: the place of a file, checked before the work whose result it is, and notes of one line."""

from __future__ import annotations

import errno
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def make_room(path: str | Path | None) -> None:
    """Make the folder of a file to be written. Raises OSError where the file cannot be written."""
    if not path:
        return
    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        tempfile.TemporaryFile(dir=path.parent).close()
    except OSError as error:  # which names the temporary file
        raise OSError(error.errno, error.strerror, str(path)) from None


def refuse_file(folder: str | Path | None) -> None:
    """Raise NotADirectoryError where a folder to write into is a file."""
    if folder and Path(folder).is_file():
        raise NotADirectoryError(f"{folder} is a file; expected a folder")


@contextmanager
def noted_warnings() -> Iterator[None]:
    """Warnings as notes on standard error, one line each, instead of with the place in the code."""
    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *_: print(f"note: {message}", file=sys.stderr)
        yield
