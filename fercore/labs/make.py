"""The two versions of a lab, by otter-grader: what students get, and what grades them."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterable
from pathlib import Path

import nbformat

from .. import __version__

VERSIONS = ("student", "autograder")
OTTERS = ("# Initialize Otter", "grader.check")  # cells that otter puts in
ADVICE = Path(__file__).with_name("students.md")  # what students get beside a notebook


def make(masters: Iterable[str | Path], folder: str | Path) -> list[Path]:
    """For each master notebook `folder`/NAME/student and `folder`/NAME/autograder, in place of those that were there.

    student     the notebook without solutions; its tests, but for the hidden ones, are in its metadata. A README.md
                beside it says how to work on it
    autograder  the notebook with solutions and all tests, and the zip file that Gradescope and `otter run` take
    The solutions are not run. Raises ImportError without the extra `labs`, and FileExistsError where a lab's folder
    holds anything else, such as what students have handed in.
    """
    try:
        import otter.assign
    except ImportError as error:
        raise ImportError("labs are made by otter-grader: pip install 'fercore[labs]'") from error

    logging.getLogger("otter").setLevel(logging.WARNING)
    made = []
    for master in map(Path, masters):
        place = Path(folder) / master.stem
        if other := sorted({path.name for path in place.glob("*")} - set(VERSIONS)):
            raise FileExistsError(f"{place} holds {other[0]}, which no lab is made of: give another folder")
        for version in VERSIONS:
            shutil.rmtree(place / version, ignore_errors=True)
        place.mkdir(parents=True, exist_ok=True)
        otter.assign.main(str(master), str(place), no_pdfs=True, no_run_tests=True)
        for path in place.glob("*/*.ipynb"):
            _mend(path)
        advice = ADVICE.read_text(encoding="utf-8").format(notebook=f"{master.stem}.ipynb", version=__version__)
        (place / "student/README.md").write_text(advice, encoding="utf-8")
        made.append(place)
    return made


def _mend(path: Path) -> None:
    """What otter leaves in a notebook that a student cannot use.

    It locks every cell of a question, so that JupyterLab lets nobody type an answer: only its own stay locked. And
    masters are kept with a percent script beside them: JupyterLab would put one beside a student's notebook, too.
    """
    notebook = nbformat.read(path, nbformat.NO_CONVERT)
    notebook.metadata.pop("jupytext", None)
    for cell in notebook.cells:
        if cell.cell_type == "code" and not cell.source.startswith(OTTERS):
            for lock in ("editable", "deletable"):
                cell.metadata.pop(lock, None)
    nbformat.write(notebook, path)
