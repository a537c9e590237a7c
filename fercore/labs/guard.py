"""What runs in a submission's process before the submission does: it watches what the submission reaches for.

Python's audit hooks (PEP 578) tell of files, processes and connections before they are opened, and a hook cannot be
taken out again. The first thing that is not allowed is written down, and the process ends. This stops who pastes code
that reads the solution or writes where it should not; it is no sandbox. Native code (ctypes) does not ask Python, and
the tests run in the submission's own process: who sets out to forge points there can.
"""

from __future__ import annotations

import functools
import json
import os
import sys
from collections.abc import Mapping, Sequence
from types import FunctionType, ModuleType
from unittest.mock import patch

TAMPERED = 77  # the status that the process ends with
PACKAGES = (
    "audit", "claims", "cli", "deployment", "evaluation", "models", "pipeline", "reporting", "results", "studies",
)  # fmt: skip
FORBIDDEN = tuple(f"fercore.{package}" for package in (*PACKAGES, "training", "labs.grade", "labs.make"))
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
CHANGES = {  # how many of an event's first arguments are paths that it changes
    "os.remove": 1,
    "os.rename": 2,
    "os.link": 2,  # of a secret, too: by its new name it would be read
    "os.mkdir": 1,
    "os.rmdir": 1,
    "os.truncate": 1,
    "os.chmod": 1,
    "os.chown": 1,
    "os.utime": 1,
    "sqlite3.connect": 1,
}
HARMLESS = (["/sbin/ldconfig", "-p"], ["uname", "-p"])  # how Python looks for libraries, when PyTorch is imported
STARTS = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty")
REACHES = ("socket.connect", "socket.getaddrinfo", "socket.sendto")


def install(own: str, secret: Sequence[str], report: str) -> None:
    """From now on the process may write in the folder `own` alone, and read what is not in one of the folders `secret`.

    It starts no other process and connects to nothing. report  the file that says why the process was ended
    """
    own = os.path.realpath(own)
    secret = [os.path.realpath(folder) for folder in secret]
    line = os.open(report, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def inside(path: str, folder: str) -> bool:
        return path == folder or path.startswith(folder + os.sep)

    def end(reason: str) -> None:
        os.write(line, f"{reason}\n".encode())
        os._exit(TAMPERED)

    def changed(path) -> None:
        if isinstance(path, int):
            return
        path = os.path.realpath(os.fsdecode(path))
        if not inside(path, own) and path != os.devnull:
            end(f"writes {path}")

    def hook(event: str, args: tuple) -> None:
        if event == "open":
            path, _, flags = args
            if isinstance(path, int):
                return
            if flags & WRITES:
                changed(path)
            path = os.path.realpath(os.fsdecode(path))
            if not inside(path, own) and any(inside(path, folder) for folder in secret):
                end(f"reads {path}")
        elif event in CHANGES:
            for path in args[: CHANGES[event]]:
                if event != "os.mkdir" or not os.path.isdir(path):
                    changed(path)
        elif event == "os.symlink":  # what it leads to is seen where it is opened
            changed(args[1])
        elif event in ("os.kill", "os.killpg"):
            end(f"signals a process: {args[0]}")
        elif event == "subprocess.Popen" and list(args[1]) in HARMLESS and args[0] == args[1][0]:
            return
        elif event in STARTS:
            end(f"starts a process: {event}")
        elif event in REACHES:
            end(f"connects: {event}")
        elif event == "import" and any(args[0] == name or args[0].startswith(f"{name}.") for name in FORBIDDEN):
            raise ImportError(f"{args[0]} has the answers: the labs take datasets and labs.practice of fercore alone")

    sys.addaudithook(hook)


class test_case:
    """Stands in for otter's decorator of that name, so that tests run without otter's two seconds of imports."""

    def __init__(self, points=None, hidden=False, success_message=None, failure_message=None, name=None):
        self.points, self.hidden = points, hidden

    def __call__(self, function):
        self.function = function
        return self


class Notebook:
    """Stands in for otter's client: students check themselves at home, and the grader checks by itself."""

    def __init__(self, *args, **more):
        pass

    def check(self, *args, **more):
        pass

    check_all = export = check


def _stand_ins() -> dict[str, ModuleType]:
    """What a lab and its tests import of otter, by name of the module."""
    otter, tests = ModuleType("otter"), ModuleType("otter.test_files")
    otter.Notebook, otter.test_files, tests.test_case = Notebook, tests, test_case
    return {"otter": otter, "otter.test_files": tests}


def stand_in() -> None:
    """Put them in otter's place."""
    sys.modules.update(_stand_ins())


def read(source: str) -> dict:
    """A test file of otter's exception-based format: `name`, `points`, `all_or_nothing`, and its test `cases`."""
    names: dict = {}
    with patch.dict(sys.modules, _stand_ins()):
        exec(compile(source, "<tests>", "exec"), names)
    cases = [value for value in names.values() if isinstance(value, test_case)]
    return {key: names.get(key) for key in ("name", "points", "all_or_nothing")} | {"cases": cases}


def failures(source: str, answers: Mapping[str, object]) -> list[str | None]:
    """For each test case None where it holds of the names in `answers`, and what it says where it does not."""
    found: list[str | None] = []
    for case in read(source)["cases"]:
        code = case.function.__code__
        wanted = code.co_varnames[: code.co_argcount]
        missing = [name for name in wanted if name != "env" and name not in answers]
        returned: list = []
        given = {name: answers if name == "env" else _watched(answers.get(name), returned) for name in wanted}
        try:
            case.function(**given)
            found.append(None)
        except AssertionError as error:
            found.append(str(error))
        except BaseException as error:  # SystemExit, too
            said = f"{type(error).__name__}: {error}"
            nothing = "it returns None, " if returned and returned[-1] is None else ""
            found.append(f"{missing[0]} is not defined" if missing else nothing + said)
    return found


def _watched(answer: object, returned: list) -> object:
    """A function that also notes what it returns, so that a test which trips over None can say so; a class, or an
    object that can be called, is left as it is."""
    if not isinstance(answer, FunctionType):
        return answer

    @functools.wraps(answer)
    def call(*given, **more):
        returned.append(answer(*given, **more))
        return returned[-1]

    return call


def check(mark: str, source: str, answers: Mapping[str, object]) -> None:
    """Print `mark` and, as JSON, the `failures`."""
    print(mark + json.dumps(failures(source, answers)), flush=True)
