"""Commands for teachers: labs, grade."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from . import numbers
from .outputs import make_room


def add_to(add: Callable[..., argparse.ArgumentParser]) -> None:
    """Add these commands; `add` takes name, function and help."""
    command = add("labs", _labs, "make the student version and the autograder of every lab")
    command.add_argument(
        "--to", metavar="FOLDER", default="build/labs", help="where to put them (default: %(default)s)"
    )

    command = add("grade", _grade, "grade a folder of lab submissions into one table")
    command.add_argument("submissions", help="a folder of notebooks, or an archive of one; notebooks may be zipped")
    command.add_argument(
        "--labs", metavar="FOLDER", default="build/labs", help="what `fercore labs` made (default: %(default)s)"
    )
    command.add_argument(
        "--to", metavar="CSV", default="build/grades.csv", help="the table to write (default: %(default)s)"
    )
    command.add_argument(
        "--seconds", type=numbers.seconds, default=180, help="time limit of each submission (default: %(default)s)"
    )


def _labs(options) -> None:
    from ..labs import make
    from ..pipeline.parameters import check_params

    masters = sorted(Path("notebooks/labs").glob("[0-9]*.ipynb"))
    if not masters:
        raise FileNotFoundError("no lab in notebooks/labs; run this at the root of the project")
    for master in masters:
        check_params(master, ())  # which refuses a notebook that does not say what its script says
    for folder in make.make(masters, options.to):
        print(folder)


def _grade(options) -> None:
    from .. import files
    from ..labs import grade

    path = Path(options.to)
    make_room(path)

    def keep(table) -> None:
        text = table.to_csv().encode("utf-8-sig")  # by whose mark Excel knows that names are in UTF-8
        files.replace(path, lambda file: file.write(text))

    table = grade.grade_all(options.submissions, options.labs, options.seconds, keep)
    print(f"{path}: {len(table)} submissions, {(table['status'] == grade.GRADED).sum()} graded")
