"""A folder of submissions: good, bad and hostile ones, each with its own line, and none in the way of the others."""

import zipfile

import nbformat
import pandas as pd
import psutil
import pytest
from otter.test_files import exception_test

from fercore import cli
from fercore.labs import grade, guard

RIGHT = "def double(x):\n    return 2 * x\ndef half(x):\n    return x / 2"


@pytest.fixture
def submit(tmp_path, labs):
    """Grades submissions, given by name as the cells of their notebooks, in the folder `submit.folder`."""
    folder = tmp_path / "submissions"

    def run(seconds=60, **cells):
        for name, sources in cells.items():
            notebook = nbformat.read(labs / "tiny/student/tiny.ipynb", 4)
            notebook.cells = [nbformat.v4.new_code_cell(source) for source in sources]
            (folder / name).mkdir(parents=True, exist_ok=True)
            nbformat.write(notebook, folder / name / "tiny.ipynb")
        table = grade.grade_all(folder, labs, seconds)
        return table.rename(index=lambda path: path.split("/")[0])

    run.folder = folder
    return run


def test_points_are_given_by_question_and_hints_where_they_are_not(submit):
    row = submit(one=["double = 1 / 0", RIGHT.replace("2 * x", "x + 3 if x else x")]).loc["one"]
    assert (row["status"], row["lab"], row["double"], row["half"]) == ("graded", "tiny", 0, 1)
    assert (row["points"], row["out_of"]) == (1, 3)
    assert row["detail"] == "cell 1: ZeroDivisionError: division by zero"
    assert row["hints"].startswith("double: TypeError")  # of the hidden test: the other one holds


@pytest.mark.parametrize(("whole", "found", "points"), [
    (False, [None, "wrong", None, "wrong"], 2), (True, [None, "wrong", None, None], 0), (True, [None] * 4, 4),
])  # fmt: skip
def test_points_are_shared_among_the_tests_of_a_question_unless_it_is_all_or_nothing(whole, found, points):
    assert grade.Question("one", 4, whole, "").earned(found) == points


def test_bad_submissions_are_told_as_such_and_stop_nobody(submit, labs, tmp_path, monkeypatch):
    outside = tmp_path / "outside.txt"
    (solution,) = labs.glob("tiny/autograder/*.ipynb")
    (submit.folder / "e_not_a_notebook").mkdir(parents=True)
    (submit.folder / "e_not_a_notebook/tiny.ipynb").write_text("<html>")
    monkeypatch.setenv("A_PASSWORD", "secret")
    table = submit(
        seconds=5,
        a_loops=["while True: pass", RIGHT],
        b_dies=[RIGHT, "import os; os._exit(0)"],
        c_reads=[f"answer = open({str(solution)!r}).read()", RIGHT],
        d_writes=[RIGHT, f"open({str(outside)!r}, 'w').write('x')"],
        f_good=[RIGHT, "import os; assert 'A_PASSWORD' not in os.environ; open('own.txt', 'w').write('x')"],
    )
    assert table["status"].to_dict() == {
        "a_loops": "timed out",
        "b_dies": "crashed",
        "c_reads": "tampered",
        "d_writes": "tampered",
        "e_not_a_notebook": "not run",
        "f_good": "graded",
    }
    assert table.loc["f_good", "points"] == 3 and table.loc["f_good", "detail"] == ""
    assert (table["points"].drop("f_good") == 0).all()
    assert table.loc["c_reads", "detail"] == f"cell 1: reads {solution}"
    assert table.loc["d_writes", "detail"] == f"cell 2: writes {outside}" and not outside.exists()


def test_who_tampers_is_told_where(submit):
    starts = "import os\ndef half(x):\n    return os.getpid() and os.system('true')"
    check = 'grader = None\ngrader and grader.check("half")'
    table = submit(shell=[RIGHT, "1 / 0", "!ls"], tested=[RIGHT, starts], checked=[RIGHT, starts, check, "!ls"])
    assert set(table["status"]) == {"tampered"}
    assert table["detail"].to_dict() == {
        "shell": "cell 3: starts a process: os.forkpty",
        "tested": "tests of half: starts a process: os.system",
        "checked": "tests of half: starts a process: os.system",
    }


def test_what_a_cell_would_install_is_left_out(submit):
    installs = [
        "!pip install numpy",
        "%pip install numpy",
        "if double(1):\n    ! pip3 install -q numpy",
        "# %pip\n%pip list",
        "!pip install numpy \\\n    pandas",
    ]
    row = submit(one=[RIGHT, *installs]).loc["one"]
    assert (row["status"], row["points"], row["detail"]) == ("graded", 3, "")


def test_who_lets_scikit_learn_or_joblib_work_in_parallel_starts_no_process(submit):
    parallel = "import joblib; found = joblib.Parallel(n_jobs=2)(joblib.delayed(len)([k]) for k in range(3))"
    row = submit(one=[RIGHT, f"{parallel}; assert found == [1, 1, 1]"]).loc["one"]
    assert (row["status"], row["points"], row["detail"]) == ("graded", 3, "")


def test_a_notebook_says_its_lab_where_its_name_and_its_metadata_do_not(submit):
    first = 'import otter\ngrader = otter.Notebook("tiny.ipynb")'
    submit.folder.mkdir()
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in (first, RIGHT)])
    nbformat.write(notebook, submit.folder / "mueller_12345_67890_tiny-2.ipynb")
    notebook.cells = notebook.cells[1:]
    nbformat.write(notebook, submit.folder / "other.ipynb")
    table = submit()
    assert table["status"].tolist() == ["graded", "not run"] and table["points"].tolist() == [3, 0]
    assert table.loc["other.ipynb", "detail"] == "is of no lab that is known: 'other'"


def test_who_packs_a_notebook_is_graded_and_who_sends_another_thing_is_told(submit):
    submit.folder.mkdir()
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(RIGHT)])
    with zipfile.ZipFile(submit.folder / "Zoë.zip", "w") as archive:
        archive.writestr("tiny.ipynb", nbformat.writes(notebook))
    (submit.folder / "Ada.pdf").write_bytes(b"%PDF-1.4")
    table = submit()
    assert table["status"].to_dict() == {"Ada.pdf": "not run", "Zoë.zip": "graded"}
    assert table.loc["Zoë.zip", "points"] == 3 and table.loc["Ada.pdf", "detail"] == "is no notebook"


def test_no_process_is_left_of_a_submission_however_it_ended(submit):
    before = set(psutil.Process().children(recursive=True))
    table = submit(seconds=2, a_loops=["while True: pass"], b_good=[RIGHT], c_raises=["1 / 0"])
    assert table["status"].tolist() == ["timed out", "graded", "graded"]
    assert not set(psutil.Process().children(recursive=True)) - before


def test_what_was_tested_before_the_time_ran_out_counts(submit):
    slow = RIGHT.replace("return x / 2", "while True: pass")
    row = submit(seconds=2, one=[slow]).loc["one"]
    assert (row["status"], row["double"], row["half"]) == ("timed out", 2, 0)


def test_what_a_submission_checked_before_it_loops_or_dies_counts(submit):
    first, second = RIGHT.split("\n")[:2], RIGHT.split("\n")[2:]
    until = ["\n".join(first), 'grader = None\ngrader and grader.check("double")']
    table = submit(
        seconds=5,
        loops=[*until, "while True: pass"],
        dies=[*until, "import os; os._exit(0)"],
        later=[*until, "double = len", "\n".join(second)],  # what is there in the end counts
    )
    assert table["status"].to_dict() == {"dies": "crashed", "later": "graded", "loops": "timed out"}
    assert table["double"].to_dict() == {"dies": 2, "later": 0, "loops": 2}
    assert table["half"].to_dict() == {"dies": 0, "later": 1, "loops": 0}


def test_the_command_writes_the_table(submit, labs, tmp_path, capsys, monkeypatch):
    expected = submit(good=[RIGHT], empty=["def double(x):\n    ..."])
    words = ["grade", str(submit.folder), "--labs", str(labs), "--to", str(tmp_path / "grades/all.csv")]
    assert cli.main(words) == 0
    assert "2 submissions, 2 graded" in capsys.readouterr().out
    monkeypatch.setenv("HOME", str(submit.folder.parent))
    words[1] = f"~/{submit.folder.name}"  # which a shell leaves as it is behind SUBMISSIONS=
    assert cli.main(words) == 0 and "2 submissions, 2 graded" in capsys.readouterr().out
    assert (tmp_path / "grades/all.csv").read_bytes().startswith(b"\xef\xbb\xbfsubmission,")  # or Excel misspells names
    written = pd.read_csv(tmp_path / "grades/all.csv", index_col="submission")
    assert list(written["points"]) == list(expected["points"]) == [0, 3]
    assert {"lab", "status", "out_of", "double", "half", "detail", "hints"} == set(written.columns) - {"points"}


def test_what_was_graded_is_kept_when_somebody_stops_it(submit, labs, tmp_path, capsys, monkeypatch):
    """Or a power cut takes the half hour that a class needs."""
    submit(a=[RIGHT], b=[RIGHT])
    outcome = grade._outcome

    def stopped(path, *given):
        if path.parent.name == "b":
            raise KeyboardInterrupt
        return outcome(path, *given)

    monkeypatch.setattr(grade, "_outcome", stopped)
    path = tmp_path / "grades.csv"
    assert cli.main(["grade", str(submit.folder), "--labs", str(labs), "--to", str(path)]) == cli.INTERRUPTED
    written = pd.read_csv(path, index_col="submission")
    assert written["points"].to_dict() == {"a/tiny.ipynb": 3}
    assert list(path.parent.glob("*.tmp")) == []


def test_tests_that_were_tampered_with_do_not_count(submit):
    patched = "from fercore.labs import guard; guard.failures = lambda source, answers: [None]"
    row = submit(one=[patched]).loc["one"]
    assert (row["status"], row["points"]) == ("tampered", 0)
    assert row["detail"] == "the tests did not run as they are"


@pytest.mark.parametrize("double", ["2 * x", "x + x if x == 3 else 0", "None"])
def test_otter_itself_says_the_same(labs, double):
    answers = {"double": eval(f"lambda x: {double}"), "half": lambda x: x / 2}
    for question in grade.questions(labs / "tiny/autograder"):
        file = exception_test.ExceptionTestFile.from_string(question.tests)
        file.run(answers)
        held = [result.passed for result in file.test_case_results]
        assert [message is None for message in guard.failures(question.tests, answers)] == held
        assert question.earned(guard.failures(question.tests, answers)) == file.score


def test_a_folder_without_submissions_or_without_labs_is_told(tmp_path, labs):
    with pytest.raises(FileNotFoundError, match="no notebook"):
        grade.grade_all(tmp_path, labs)
    with pytest.raises(FileNotFoundError, match="make labs"):
        grade.grade_all(tmp_path, tmp_path)


@pytest.fixture
def not_run(monkeypatch):
    """What each submission would have been run with; none is."""
    asked = []
    monkeypatch.setattr(grade, "run", lambda *given: asked.append(given) or grade.Outcome(grade.GRADED, {}))
    return asked


def test_what_a_submission_may_not_read_are_the_others_the_labs_and_the_solutions(submit, labs, not_run):
    submit(one=[RIGHT])
    handed_in, unpacked, made, *answers = not_run[0][2]
    assert (handed_in, made) == (submit.folder, labs) and unpacked.name.startswith("submissions-")
    assert {path.name for path in answers} == {"notebooks", "tests", ".git"}


def test_a_notebook_that_was_renamed_says_its_lab_in_its_metadata(submit, labs, not_run):
    submit.folder.mkdir()
    notebook = nbformat.read(labs / "tiny/student/tiny.ipynb", 4)
    notebook.cells = [nbformat.v4.new_code_cell(RIGHT)]
    nbformat.write(notebook, submit.folder / "mueller.ipynb")
    assert submit().loc["mueller.ipynb", ["lab", "out_of"]].tolist() == ["tiny", 3]
