"""One notebook run as a stage of the pipeline: parameters checked, papermill executes, the terminal says how far."""

from __future__ import annotations

import logging
import os
import re
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .. import files, progress
from ..results.folders import FOLDERS, PROFILES, TIMINGS
from .parameters import check_params, layers

SECONDS_BETWEEN_LINES = 60  # where the terminal is none, such as in the log of a CI


class NotebookError(RuntimeError):
    """A cell that failed: which notebook, which cell, which error."""


def parameters(name: str, profile: str) -> dict:
    """What notebook `name` is run with in a profile. Raises ParameterError, and ValueError for another profile."""
    if profile not in PROFILES:
        raise ValueError(f"no profile {profile!r}; there are {', '.join(PROFILES)}")
    known = check_params(f"notebooks/{name}.ipynb", layers(name, profile))
    folders = {key: path.format(name=name, profile=profile) for key, path in FOLDERS.items()}
    return known | {key: path for key, path in folders.items() if key in known}


def run(name: str, profile: str) -> Path:
    """Execute notebooks/NAME.ipynb for a profile, at the root of the project; returns the executed notebook.

    Raises NotebookError for a cell that fails, or whose process dies; the notebook is then there up to it. BusyError
    where another process runs the same. Where it succeeds, results that an earlier run left and this one has not
    written are removed. However it ends, no process is left behind; where it is killed, its kernel sees that within a
    second.
    """
    given = parameters(name, profile)
    target = Path("reports", profile, "notebooks", f"{name}.ipynb")
    target.parent.mkdir(parents=True, exist_ok=True)
    from nbclient.exceptions import DeadKernelError
    from papermill import execute_notebook  # a second and a half
    from papermill.exceptions import PapermillExecutionError

    _register()
    started = time.monotonic()
    out = Path(FOLDERS["out"].format(name=name, profile=profile))
    locked = files.locked(out, "a notebook")
    with locked, _noting() as folder, _Line(f"{name}, {profile}", folder) as line:
        since = (out / files.LOCK).stat().st_mtime  # by the clock of the disk, which may be another machine's
        try:
            execute_notebook(
                f"notebooks/{name}.ipynb", target, given, engine_name="fercore", kernel_name="python3",
                progress_bar=False, line=line,
            )  # fmt: skip
        except PapermillExecutionError as error:
            cell = next(iter(error.source.strip().splitlines()), "")
            said = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", f"{error.ename}: {error.evalue}")
            raise NotebookError(f"{target}, cell {error.cell_index + 1} ({cell}): {said}") from None
        except DeadKernelError:
            raise NotebookError(f"{target}, {line.cell}: its process was killed; out of memory?") from None
        except KeyboardInterrupt:
            logging.getLogger("asyncio").disabled = True  # which would tell of each task that ends with the kernel
            line.say(f"{name}, {profile}: stopped. What was trained is kept: the same command goes on from there.")
            raise
        for results in (out, out.with_name(TIMINGS) / name):
            _clear(results, since)
    minutes, seconds = divmod(round(time.monotonic() - started), 60)
    print(f"{name}, {profile}: {minutes} min {seconds} s" if minutes else f"{name}, {profile}: {seconds} s", flush=True)
    return target


def _clear(folder: Path, since: float) -> None:
    """Remove what an earlier run left and this one has not written again: it would be read as a result of this one."""
    for path in folder.rglob("*"):
        if path.is_file() and path.stat().st_mtime < since:
            path.unlink()


@contextmanager
def _noting() -> Iterator[Path]:
    """A folder in which the processes of the notebook note how far they are."""
    folder = Path(tempfile.mkdtemp())
    os.environ[progress.FOLDER] = str(folder)
    try:
        yield folder
    finally:
        os.environ.pop(progress.FOLDER)
        shutil.rmtree(folder, ignore_errors=True)


class _Line:
    """One line of the terminal that says which cell runs, and how far the work in it is."""

    def __init__(self, head: str, folder: Path):
        self.head, self.folder, self.cell, self.ended = head, folder, "", threading.Event()
        self.terminal = sys.stderr.isatty()

    def __enter__(self):
        self.thread = threading.Thread(target=self._draw, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()
        self._write("")

    def say(self, text: str) -> None:
        self._write("")
        print(text, file=sys.stderr, flush=True)

    def _draw(self) -> None:
        while not self.ended.wait(progress.SECONDS if self.terminal else SECONDS_BETWEEN_LINES):
            parts = [f"{self.head}: {self.cell}", *progress.notes(self.folder)]
            self._write(" · ".join(parts))

    def _write(self, text: str) -> None:
        if self.terminal:
            width = shutil.get_terminal_size().columns - 1
            print(f"\r\x1b[K{text[:width]}", end="", file=sys.stderr, flush=True)
        elif text:
            print(text, file=sys.stderr, flush=True)


def _register() -> None:
    """Make an engine known to papermill: its own, but quiet, and with no process left behind."""
    from papermill.clientwrap import PapermillNotebookClient
    from papermill.engines import NBClientEngine, papermill_engines

    class Engine(NBClientEngine):
        @classmethod
        def execute_managed_notebook(cls, nb_man, kernel_name, line, **_):
            # only what is critical: a kernel warns of its local sockets, and calls its own end an error
            quiet = ["--log-level=50"]
            client = PapermillNotebookClient(nb_man, kernel_name=kernel_name, timeout=None, extra_arguments=quiet)
            groups, said, count = set(), nb_man.cell_start, len(nb_man.nb.cells)

            def cell_start(cell, cell_index=None, **more):
                line.cell = f"cell {cell_index + 1} of {count}"
                groups.add(getattr(client.km.provisioner, "pgid", None))  # a kernel has a session of its own
                return said(cell, cell_index, **more)

            nb_man.cell_start = cell_start
            try:
                return client.execute()
            finally:
                for group in groups - {None, os.getpgid(0) if hasattr(os, "getpgid") else None}:
                    with suppress(ProcessLookupError, PermissionError):
                        os.killpg(group, signal.SIGKILL)

    papermill_engines.register("fercore", Engine)
