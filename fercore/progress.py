"""How far a long piece of work is: a bar for whoever looks on, or a note for who runs the notebook it is in.

Where $FERCORE_PROGRESS names a folder, each process keeps what it does in a file of its own there, and draws no bar.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import time
from contextlib import suppress
from pathlib import Path

FOLDER = "FERCORE_PROGRESS"
SECONDS = 0.5  # between two notes


def bar(total: int, initial: int = 0, desc: str = "", unit: str = "it", disable: bool = False):
    """A context with `update(n=1)` and `set_postfix(**shown)`, as tqdm's. Silent in a process that another started."""
    if (folder := os.environ.get(FOLDER)) and not disable:
        return _Note(Path(folder), total, initial, desc)
    from tqdm.auto import tqdm

    child = multiprocessing.parent_process() is not None
    return tqdm(total=total, initial=initial, desc=desc, unit=unit, disable=disable or child)


def notes(folder: str | Path) -> list[str]:
    """What the processes that note their progress in `folder` are doing: "mobilenet_v2 43 %, 1:20 left" each."""
    found = []
    for path in sorted(Path(folder).glob("*.json")):
        try:
            note = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):  # gone meanwhile, or half written
            continue
        found.append(_text(**note, seconds=time.time() - note["started"]))
    return found


def _text(desc: str, total: int, initial: int, done: int, started: float, seconds: float) -> str:
    share = f"{desc} {100 * done / max(total, 1):.0f} %"
    if done == initial:
        return share
    left = round(seconds / (done - initial) * (total - done))
    hours, minutes = divmod(left // 60, 60)
    clock = f"{hours}:{minutes:02}:{left % 60:02}" if hours else f"{minutes}:{left % 60:02}"
    return f"{share}, {clock} left"


class _Note:
    """Stands where a bar would; a process notes the outermost of those that it has open."""

    open = 0

    def __init__(self, folder: Path, total: int, initial: int, desc: str):
        self.path = folder / f"{os.getpid()}.json"
        self.note = {"desc": desc, "total": total, "initial": initial, "done": initial, "started": time.time()}
        self.written = 0.0

    def __enter__(self):
        self.outermost = not _Note.open
        _Note.open += 1
        self.update(0)
        return self

    def __exit__(self, *_):
        _Note.open -= 1
        if self.outermost:
            self.path.unlink(missing_ok=True)

    def update(self, n: int = 1) -> None:
        self.note["done"] += n
        now = time.monotonic()
        if self.outermost and now - self.written >= SECONDS:
            part = self.path.with_suffix(".part")
            with suppress(OSError):  # a full disk, or a folder that is gone: the work goes on
                part.write_text(json.dumps(self.note), encoding="utf-8")
                part.replace(self.path)
            self.written = now

    def set_postfix(self, *_, **__) -> None:
        pass
