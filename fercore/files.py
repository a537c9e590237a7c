"""Files that are whole or not there, and folders that one process at a time writes into."""

from __future__ import annotations

import json
import os
import platform
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

LOCK = ".lock"  # in a folder, while it is written
UNFINISHED = f"{'[0-9a-f]' * 32}.tmp"  # what `replace` writes first


class BusyError(RuntimeError):
    """A folder that another process is writing into: says who that is."""


def refuse_pipe(path: str | Path) -> None:
    """Raise OSError where `path` is a pipe or a device: the one would be waited for, the other has no end."""
    path = Path(path)
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise OSError(f"{path}: a pipe or a device; expected a file")


def replace(path: str | Path, write: Callable[[BinaryIO], object]) -> None:
    """Make or replace the file `path` by what `write` writes; where that fails, the old one stays. Raises OSError, with
    the file's name.

    It is written under another name, forced to disk, then put in place in one step.
    """
    path = Path(path)
    part = path.with_name(f"{uuid.uuid4().hex}.tmp")
    try:
        with open(part, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except OSError as error:  # which names the other file, or in writing none
        if error.errno is None:  # NumPy's own, for a file that is cut short
            raise OSError(f"{path}: {error}") from None
        if error.filename not in (None, str(part)):
            raise
        raise OSError(error.errno, error.strerror, str(path)) from None
    finally:
        with suppress(OSError):  # what went wrong before is to be told
            part.unlink(missing_ok=True)


def write_text(path: str | Path, text: str) -> None:
    """`replace` by `text`, in UTF-8, its line ends as they are."""
    replace(path, lambda file: file.write(text.encode()))


@contextmanager
def locked(folder: str | Path, what: str, wait: float = 0.0) -> Iterator[None]:
    """`folder`, made where it is not there, as one's own while it is written: by `what`, such as "an import".

    Raises BusyError where another process, or another thread, has it and does not let go within `wait` seconds. The
    operating system lets go of the lock of a process that is killed. A thread may lock again what it has locked.
    """
    folder = Path(folder)
    made = not folder.exists()
    lock = _acquired(folder, wait)
    path = Path(lock.lock_file)
    try:
        if lock.lock_counter == 1:
            with open(path, "w", encoding="utf-8") as file:
                json.dump({"what": what, "pid": os.getpid(), "host": platform.node(), "since": time.time()}, file)
        yield
    finally:
        if lock.lock_counter == 1:
            with suppress(OSError):  # whoever has opened it meanwhile sees that it is gone, and opens it anew
                path.unlink()
                if made:
                    folder.rmdir()  # unless something has been put there
        lock.release()


def _acquired(folder: Path, wait: float):
    from filelock import FileLock, Timeout

    while True:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder.resolve() / LOCK
        lock = FileLock(path, is_singleton=True)
        try:
            lock.acquire(timeout=wait)
            return lock
        except FileNotFoundError:  # whoever made the folder has taken it away again
            continue
        except Timeout:
            told = f"{folder} is being written by {_holder(path)}; wait for it, or give another folder"
            raise BusyError(told) from None


def _holder(path: Path) -> str:
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
        since = time.strftime("%H:%M:%S", time.localtime(held["since"]))
        return f"{held['what']}, process {held['pid']} on {held['host']}, since {since}"
    except (OSError, ValueError, KeyError, TypeError):  # it has only just begun, or ended
        return "another process"
