"""What a killed `dvc repro` leaves: locks in .dvc/tmp/rwlock, which DVC releases only when nobody has its number.

In a container whose first process reaps no children a killed process keeps its number for ever, as a zombie, and every
later `dvc repro` would be told that a stage is busy.
"""

from __future__ import annotations

import json
from pathlib import Path

from .. import files

RWLOCK = Path(".dvc/tmp/rwlock")  # {"read": {path: [{"pid", "cmd"}, …]}, "write": {path: {"pid", "cmd"}}}


def release_dead(path: Path = RWLOCK) -> None:
    """Take the entries of processes that have ended, zombies among them, out of DVC's lock. One in another format is
    left as it is."""
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
        read, write = dict(held["read"]), dict(held["write"])
        numbers = {one["pid"] for one in (*write.values(), *(one for each in read.values() for one in each))}
    except (OSError, ValueError, KeyError, TypeError):
        return  # DVC says what is wrong with it
    ended = {number for number in numbers if not _lives(number)}
    if ended:
        read = {name: [one for one in each if one["pid"] not in ended] for name, each in read.items()}
        write = {name: one for name, one in write.items() if one["pid"] not in ended}
        left = {"read": {name: each for name, each in read.items() if each}, "write": write}
        files.replace(path, lambda file: file.write(json.dumps(left).encode()))


def _lives(number: int) -> bool:
    import psutil

    try:
        return psutil.Process(number).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
