"""Labs are made in place of labs, and of nothing else."""

import re
import shutil
import tomllib
from pathlib import Path

import nbformat
import pytest
from packaging.specifiers import SpecifierSet

from fercore import cli
from fercore.labs import make

ROOT = Path(__file__).parents[2]


def test_what_no_lab_is_made_of_is_left_where_it_lies(labs, tmp_path):
    master = labs.parent / "tiny.ipynb"
    (place,) = make.make([master], tmp_path)
    assert {path.name for path in place.iterdir()} == set(make.VERSIONS)
    make.make([master], tmp_path)  # in place of what it has made
    (place / "grades.xlsx").write_bytes(b"1")
    (place / "student/tiny.ipynb").write_text("an answer")
    with pytest.raises(FileExistsError, match=r"tiny holds grades\.xlsx, which no lab is made of"):
        make.make([master], tmp_path)
    assert (place / "grades.xlsx").read_bytes() == b"1" and (place / "student/tiny.ipynb").read_text() == "an answer"


def test_a_lab_whose_script_says_something_else_than_its_notebook_is_not_made(tmp_path, monkeypatch, capsys):
    """Or what was mended in the script alone would never reach students."""
    folder = tmp_path / "notebooks/labs"
    folder.mkdir(parents=True)
    for suffix in ("ipynb", "py"):
        shutil.copy(ROOT / f"notebooks/labs/1_data_set.{suffix}", folder)
    script = folder / "1_data_set.py"
    script.write_text(script.read_text(encoding="utf-8").replace("memory is right on", "memory is wrong on", 1))
    monkeypatch.chdir(tmp_path)
    assert cli.main(["labs"]) == 1 and not (tmp_path / "build").exists()
    said = capsys.readouterr().err
    assert re.search(r"1_data_set.ipynb: cell \d+ differs from 1_data_set.py; .*: make notebooks", said), said


def test_make_notices_an_edit_of_a_script_and_of_what_makes_labs():
    rule = re.search(r"^build/labs/made: (.+)$", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.M)[1]
    made_of = {path for pattern in re.findall(r"[\w/.*\[\]-]+\.\w+", rule) for path in ROOT.glob(pattern)}
    assert made_of >= {*ROOT.glob("notebooks/labs/[0-9]*"), ROOT / "fercore/labs/make.py", make.ADVICE}


def test_students_can_type_their_answers_and_cannot_change_the_checks(labs):
    for version in make.VERSIONS:
        notebook = nbformat.read(labs / f"tiny/{version}/tiny.ipynb", nbformat.NO_CONVERT)
        locked = {cell.source for cell in notebook.cells if cell.metadata.get("editable") is False}
        answers = {cell.source for cell in notebook.cells if cell.cell_type == "code" and "..." in cell.source}
        assert not answers & locked and (answers or version != "student")
        checks = {cell.source for cell in notebook.cells if cell.source.startswith("grader.check(")}
        assert checks and checks <= locked and any(source.startswith("# Initialize Otter") for source in locked)


def test_students_are_told_how_to_work_beside_their_notebook(labs):
    assert {path.name for path in (labs / "tiny/student").iterdir()} == {"tiny.ipynb", "README.md"}
    text = (labs / "tiny/student/README.md").read_text(encoding="utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    taken = SpecifierSet(project["requires-python"])
    first, last = re.search(r"Python 3\.(\d+) to 3\.(\d+) ", text).groups()
    assert [minor for minor in range(30) if f"3.{minor}.1" in taken] == [*range(int(first), int(last) + 1)]
    wheel = f"fercore-{project['version']}-py3-none-any.whl"
    assert f'pip install "{wheel}[labs]"' in text and f"`{wheel}`" in text and "jupyter lab tiny.ipynb" in text
    assert "{" not in text, "something is not filled in"
