"""A folder of submissions graded: each runs in a process and a folder of its own, under a time limit.

There is no container. What is kept apart: the folder, the process and its environment; `guard` watches what it opens,
starts and connects to. What is not: memory, the processor, what native code does, and the tests, which run in the
submission's process, since they need its functions. `otter run` would also load a pickle that the submission has
written; here what comes back is JSON, and points are worked out on this side.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pandas as pd

from . import guard
from .collect import collect

GRADED, NOT_RUN, CRASHED, TIMED_OUT, TAMPERED = ("graded", "not run", "crashed", "timed out", "tampered")
KEPT = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "SYSTEMROOT")  # of the grader's environment
# a process, which `guard` does not let start
INSTALLS = re.compile(r"^([ \t]*)[!%][ \t]*pip3?\b(?:.*\\\n)*.*", re.MULTILINE)


@dataclass(frozen=True)
class Question:
    """One question of a lab: its tests, as the autograder has them."""

    name: str
    points: float
    all_or_nothing: bool
    tests: str

    def earned(self, found: list) -> float:
        """Points for what `guard.check` says of the test cases: None for each that holds."""
        held = sum(message is None for message in found)
        return self.points * (held == len(found) if self.all_or_nothing else held / len(found))


CANARY = Question("no", 0, True, "from otter.test_files import test_case\n@test_case()\ndef no(): assert False")


@dataclass(frozen=True)
class Outcome:
    """What became of one submission: its status, points by question, and why they are not all there.

    hints  what the first failing test of a question says, by question
    """

    status: str
    points: Mapping[str, float]
    detail: str = ""
    hints: Mapping[str, str] | None = None


def questions(autograder: str | Path) -> list[Question]:
    """The questions of a lab in its order, from the notebook that `make` has put into its folder `autograder`."""
    (path,) = Path(autograder).glob("*.ipynb")
    notebook = nbformat.read(path, 4)
    cells = [cell.source for cell in notebook.cells]
    found = []
    for source in notebook.metadata["otter"]["tests"].values():
        test = guard.read(source)
        found.append(Question(test["name"], float(test["points"]), bool(test["all_or_nothing"]), source))
    found.sort(key=lambda question: cells.index(f'grader.check("{question.name}")'))  # JSON has them by name
    return found


def grade_all(
    submissions: str | Path,
    labs: str | Path,
    seconds: float = 180,
    keep: Callable[[pd.DataFrame], object] | None = None,
) -> pd.DataFrame:
    """Every notebook in and below the folder `submissions`: a row each of lab, status, points, out_of, detail, hints,
    and a column a question. Archives are looked into, and who has handed in no notebook has a row that says so.

    submissions  may be an archive itself, as a learning platform gives it
    labs         the folder that `make` has filled
    seconds      the limit of each
    keep         is given the table as it is after each row: a class takes half an hour, and somebody may stop it
    Raises FileNotFoundError where there are no submissions, or no labs.
    """
    submissions, labs = Path(submissions).expanduser().resolve(), Path(labs).expanduser().resolve()
    known = {place.parent.name: questions(place) for place in sorted(labs.glob("*/autograder"))}
    if not known:
        raise FileNotFoundError(f"no labs in {labs}; run make labs at the root of the project to make them")
    rows = []
    with tempfile.TemporaryDirectory(prefix="submissions-") as space:
        space = Path(space).resolve()
        found = collect(submissions, space)
        if not any(isinstance(one, Path) for one in found.values()):
            raise FileNotFoundError(f"no notebook in {submissions}")
        for name, one in found.items():
            if isinstance(one, Path):
                lab, outcome = _outcome(one, known, [submissions, space, labs, *_answers()], seconds)
            else:
                lab, outcome = "", Outcome(NOT_RUN, {}, one)
            rows.append(_row(name, lab, outcome, known.get(lab, [])))
            if keep:
                keep(_table(rows))
            print("{submission}: {status}, {points:g} of {out_of:g}".format(**rows[-1]), file=sys.stderr, flush=True)
    return _table(rows)


def _table(rows: list[dict]) -> pd.DataFrame:
    """The rows with what is longest at the end."""
    table = pd.DataFrame(rows).set_index("submission")
    text = ["detail", "hints"]
    return table[[*(name for name in table if name not in text), *text]]


def _row(name: str, lab: str, outcome: Outcome, asked: list[Question]) -> dict:
    """A row of the table."""
    hints = "; ".join(f"{question}: {hint}" for question, hint in (outcome.hints or {}).items())
    row = {"submission": name, "lab": lab, "status": outcome.status, "points": sum(outcome.points.values())}
    row |= {"out_of": sum(one.points for one in asked), "detail": outcome.detail, "hints": hints}
    return row | dict(outcome.points)


def _answers() -> list[Path]:
    """Folders of this project that hold solutions or tests, where it is a checkout and not only installed."""
    root = Path(__file__).resolve().parents[2]
    return [root / name for name in ("notebooks", "tests", ".git")] if (root / "notebooks/labs").is_dir() else []


def _outcome(
    path: Path, known: Mapping[str, list[Question]], secret: list[Path], seconds: float
) -> tuple[str, Outcome]:
    """The lab that a submission is of, "" where nobody knows, and its outcome."""
    try:
        notebook = nbformat.read(path, 4)
        sources = [INSTALLS.sub(r"\1pass", cell.source) for cell in notebook.cells if cell.cell_type == "code"]
        cells = [nbformat.v4.new_code_cell(source) for source in sources]
        lab = notebook.metadata.get("otter", {}).get("assignment_name") or _said(cells, known) or path.stem
    except Exception as error:  # nbformat, JSON and traitlets have theirs
        return "", Outcome(NOT_RUN, {}, f"is no notebook: {' '.join(str(error).split())[:200]}")
    if lab not in known:
        return "", Outcome(NOT_RUN, {}, f"is of no lab that is known: {lab!r}")
    return lab, run(cells, known[lab], secret, seconds)


def _said(cells: list, known: Iterable[str]) -> str | None:
    """The lab that a student version's first cell names: other editors drop metadata, and platforms rename files."""
    return next((lab for lab in known if any(f'otter.Notebook("{lab}.ipynb")' in cell.source for cell in cells)), None)


def run(cells: list, asked: list[Question], secret: list[Path], seconds: float) -> Outcome:
    """Run code cells, and then the tests of the questions `asked`, in a process that may not read the folders `secret`.

    A cell that raises does not stop those after it. Nothing of a submission that tampers counts; of one that crashes
    or runs out of time, the questions that were tested until then: each is tested where it is checked, and at the end.
    """
    from jupyter_client.manager import AsyncKernelManager
    from nbclient import NotebookClient
    from nbclient.exceptions import CellTimeoutError, DeadKernelError

    marks, early = ({question.name: secrets.token_hex(16) for question in asked} for _ in range(2))
    canary, none = secrets.token_hex(16), dict.fromkeys(marks, 0.0)
    for number, cell in enumerate(cells, 1):
        cell.metadata["place"] = f"cell {number}"
    tests = [_test(marks[one.name], one) for one in asked]
    checked = [
        [_test(early[one.name], one) for one in asked if f'grader.check("{one.name}")' in cell.source] for cell in cells
    ]
    inside = [one for cell, after in zip(cells, checked, strict=True) for one in (cell, *after)]
    notebook = nbformat.v4.new_notebook(cells=[*inside, *tests, _test(canary, CANARY)])
    begun = ["before the first cell"]  # what has begun to run, in its order
    end = []  # from when the first cell begins: what starting Python takes is not the submission's

    def left(cell) -> float:
        begun.append(cell.metadata["place"])
        if not end:
            end.append(time.monotonic() + seconds)
        return max(end[0] - time.monotonic(), 0.01)

    with tempfile.TemporaryDirectory(prefix="lab-", ignore_cleanup_errors=True) as folder:
        folder = Path(folder).resolve()
        report, own = folder / "report", folder / "own"
        _prepare(own, report, [folder, *secret])
        manager = AsyncKernelManager(kernel_name="python3", connection_file=str(own / ".kernel.json"))
        client = NotebookClient(
            notebook,
            km=manager,
            allow_errors=True,
            shutdown_kernel="immediate",
            timeout_func=left,
            resources={"metadata": {"path": str(own)}},
        )
        status, detail = GRADED, ""
        try:
            quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
            client.execute(env=_environment(own), cleanup_kc=True, **quiet)  # or its process stays, loops and all
        except CellTimeoutError:
            status, detail = TIMED_OUT, f"still running after {seconds:g} s"
        except (DeadKernelError, RuntimeError) as error:
            status, detail = CRASHED, "its process died" if isinstance(error, DeadKernelError) else str(error)
        tampered = report.read_text(encoding="utf-8") if report.is_file() else ""
    tampered = tampered and f"{begun[-1]}: {tampered}"
    found = {name: _found(notebook.cells, mark) for name, mark in marks.items()}
    if status == GRADED and not tampered and (None in found.values() or _found(notebook.cells, canary) == [None]):
        tampered = "the tests did not run as they are"
    if tampered:
        return Outcome(TAMPERED, none, " ".join(tampered.split()))
    if status == GRADED:
        detail = _raised(cells)
    else:
        found = {name: said or _found(notebook.cells, early[name]) for name, said in found.items()}
    points = {question.name: question.earned(found[question.name] or [""]) for question in asked}
    hints = {name: next(filter(None, said)) for name, said in found.items() if said and any(said)}
    return Outcome(status, points, detail, hints)


def _prepare(own: Path, report: Path, secret: list[Path]) -> None:
    """The folder of a submission, with what IPython runs before everything else."""
    startup = own / ".ipython/profile_default/startup"
    startup.mkdir(parents=True)
    given = json.dumps([str(own), [str(place) for place in secret], str(report)])
    lines = ["from fercore.labs import guard", "guard.stand_in()", f"guard.install(*{given})", "del guard"]
    (startup / "00_guard.py").write_text("\n".join(lines), encoding="utf-8")


def _environment(own: Path) -> dict[str, str]:
    """What a submission's process is told: of the grader's environment next to nothing."""
    import matplotlib.font_manager  # makes the list of fonts here, where that may start a process

    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    if "PYTHONPATH" in kept:  # from wherever the submission runs
        kept["PYTHONPATH"] = os.pathsep.join(map(os.path.abspath, kept["PYTHONPATH"].split(os.pathsep)))
    (own / "tmp").mkdir(exist_ok=True)
    homes = {
        "HOME": own,
        "USERPROFILE": own,
        "TMPDIR": own / "tmp",
        "TEMP": own / "tmp",
        "IPYTHONDIR": own / ".ipython",
    }
    more = {"MPLCONFIGDIR": matplotlib.get_cachedir(), "PYTHONDONTWRITEBYTECODE": "1", "CUDA_VISIBLE_DEVICES": ""}
    threads = {"OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "2"), "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
    threads["JOBLIB_MULTIPROCESSING"] = "0"  # scikit-learn's n_jobs then runs here, in turn, and starts no process
    return kept | {name: str(path) for name, path in homes.items()} | more | threads


def _test(mark: str, question: Question):
    call = f"__import__('fercore.labs.guard', fromlist=['check']).check({mark!r}, {question.tests!r}, globals())"
    return nbformat.v4.new_code_cell(call, metadata={"place": f"tests of {question.name}"})


def _found(cells: list, mark: str) -> list | None:
    """What `guard.check` has printed under `mark`, None where it has not."""
    for cell in cells:
        for output in cell.get("outputs", ()):
            for line in output.get("text", "").splitlines():
                if line.startswith(mark):
                    try:
                        return json.loads(line.removeprefix(mark)) or None
                    except ValueError:
                        return None
    return None


def _raised(cells: list) -> str:
    """The cells of a submission that raised, by number and error."""
    errors = [
        f"cell {number}: {output.ename}: {' '.join(output.evalue.split())[:80]}"
        for number, cell in enumerate(cells, 1)
        for output in cell.get("outputs", ())
        if output.output_type == "error"
    ]
    return "; ".join(errors[:3]) + (f"; and {len(errors) - 3} more" if len(errors) > 3 else "")
