"""Every lab: its solution earns all points, the empty student version and plausible wrong answers earn none.

The cells run here, without a kernel, and a training is one epoch of a few images: what the tests of a lab ask about is
what students write, never how well a network has learned. `benchmarks/bench_labs.py` grades the labs as they are.
"""

import ast
import functools
import importlib.util
import inspect
import re
from pathlib import Path

import jupytext
import nbformat
import numpy as np
import pytest
import torch

from fercore import cli, datasets
from fercore.labs import grade, guard, practice

ROOT = Path(__file__).parents[2]
MASTERS = sorted(ROOT.glob("notebooks/labs/[0-9]*.ipynb"))
NAMES = [path.stem for path in MASTERS]
CONSTANTS = (0, 1, 0.5, True, False, None, "none", "random", "subject", np.zeros(3), np.ones((2, 2)), (0.5, 0.5))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The folder in which otter-grader has made both versions of all labs."""
    folder = tmp_path_factory.mktemp("labs")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        assert cli.main(["labs", "--to", str(folder)]) == 0
    return folder


@pytest.fixture(scope="module", autouse=True)
def short():
    """One epoch of 128 images in place of many, and no set is rendered twice."""
    long = practice.train

    def train(images, targets, *given, **more):
        targets = (targets,) if isinstance(targets, torch.Tensor) else targets
        return long(images[:128], [part[:128] for part in targets], *given, **more | {"epochs": 1})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(practice, "train", train)
        patch.setattr(datasets, "load", functools.cache(datasets.load))
        patch.setenv("MPLBACKEND", "Agg")
        yield


def run(notebook, must_hold):
    """The names that the code cells of a notebook leave behind; where a cell raises, the next one goes on."""
    names = {"__name__": "lab"}
    for cell in nbformat.read(notebook, 4).cells:
        if cell.cell_type == "code" and not cell.source.startswith(("# Initialize Otter", "grader.")):
            try:
                exec(compile(cell.source, str(notebook), "exec"), names)
            except Exception:
                if must_hold:
                    raise
    return names


@pytest.fixture(scope="module")
def solved(made):
    """By lab: the names that its solution leaves behind. Each runs once."""
    return functools.cache(lambda lab: run(made / lab / f"autograder/{lab}.ipynb", must_hold=True))


def earned(question, answers):
    return question.earned(guard.failures(question.tests, answers))


def answers_in(folder, lab):
    """By question: the answers of a lab that are kept in a folder, by what is done in them."""
    path = Path(__file__).parent / f"{folder}/{lab}.py"
    if not path.is_file():
        return {}
    spec = importlib.util.spec_from_file_location(folder, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found = {}
    for name, function in inspect.getmembers(module, inspect.isfunction):
        if "__" in name:
            question, how = name.split("__")
            found.setdefault(question, {})[how] = function
    return found


def test_the_readme_says_how_many_questions_and_points_there_are():
    text = (ROOT / "notebooks/labs/README.md").read_text(encoding="utf-8")
    told = dict(re.findall(r"\]\((\w+)\.py\) .*\| (\d+, \d+) \|", text))
    for lab in NAMES:
        points = re.findall(r"^# points: (\d+)$", (ROOT / f"notebooks/labs/{lab}.py").read_text(encoding="utf-8"), re.M)
        assert told[lab] == f"{len(points)}, {sum(map(int, points))}", lab


def test_there_are_six():
    assert [name[0] for name in NAMES] == list("123456")


def test_no_two_questions_share_a_name():
    """Each has a column of its own in the table of points."""
    scripts = [(ROOT / f"notebooks/labs/{lab}.py").read_text(encoding="utf-8") for lab in NAMES]
    names = [name for script in scripts for name in re.findall(r"BEGIN QUESTION\n# name: (\w+)", script)]
    assert len(names) == len(set(names)) >= 30


@pytest.mark.parametrize("lab", NAMES)
def test_the_solution_earns_all_points(lab, made, solved):
    asked = grade.questions(made / lab / "autograder")
    script = (ROOT / f"notebooks/labs/{lab}.py").read_text(encoding="utf-8")
    assert [question.name for question in asked] == re.findall(r"BEGIN QUESTION\n# name: (\w+)", script)
    assert len(asked) >= 5 and sum(question.points for question in asked) >= 12
    for question in asked:
        assert guard.failures(question.tests, solved(lab)).count(None) == len(guard.read(question.tests)["cases"]) >= 1
        assert earned(question, solved(lab)) == question.points > 0


@pytest.mark.parametrize("lab", NAMES)
def test_the_empty_student_version_earns_nothing(lab, made):
    answers = run(made / lab / f"student/{lab}.ipynb", must_hold=False)
    for question in grade.questions(made / lab / "autograder"):
        assert question.name in answers and earned(question, answers) == 0, question.name


@pytest.mark.parametrize("lab", NAMES)
def test_three_plausible_wrong_answers_lose_the_points_of_each_question(lab, made, solved):
    answers = answers_in("wrong", lab)
    asked = {question.name: question for question in grade.questions(made / lab / "autograder")}
    assert set(answers) == set(asked)
    for name, question in asked.items():
        assert len(answers[name]) >= 3, name
        for how, function in answers[name].items():
            assert earned(question, solved(lab) | {name: function}) == 0, f"{name}: {how}"


@pytest.mark.parametrize("lab", [lab for lab in NAMES if answers_in("right", lab)])
def test_other_right_answers_earn_all_points(lab, made, solved):
    answers = answers_in("right", lab)
    asked = {question.name: question for question in grade.questions(made / lab / "autograder")}
    for name, functions in answers.items():
        for how, function in functions.items():
            told = guard.failures(asked[name].tests, solved(lab) | {name: function})
            assert not any(told), f"{name}: {how}: {told}"


@pytest.mark.parametrize("lab", NAMES)
def test_no_constant_earns_anything(lab, made, solved):
    for question in grade.questions(made / lab / "autograder"):
        for value in CONSTANTS:
            assert earned(question, solved(lab) | {question.name: lambda *_, value=value, **__: value}) == 0, value


@pytest.mark.parametrize("lab", NAMES)
def test_every_check_has_a_hint(lab, made):
    for question in grade.questions(made / lab / "autograder"):
        checks = [node for node in ast.walk(ast.parse(question.tests)) if isinstance(node, ast.Assert)]
        assert checks and all(check.msg is not None for check in checks), question.name


@pytest.mark.parametrize("lab", NAMES)
def test_students_get_neither_solutions_nor_hidden_tests(lab, made):
    text = (made / lab / f"student/{lab}.ipynb").read_text(encoding="utf-8")
    assert "SOLUTION" not in text and "hidden=True" not in text
    full = nbformat.read(made / lab / f"autograder/{lab}.ipynb", 4)
    solutions = [cell.source for cell in full.cells if "# BEGIN SOLUTION" in cell.source]
    for lines in (source.split("# BEGIN SOLUTION")[1].split("# END SOLUTION")[0] for source in solutions):
        assert lines.strip().splitlines()[-1].strip() not in text
    assert any("hidden=True" in test for test in full.metadata["otter"]["tests"].values())
    assert list((made / lab / "autograder").glob("*.zip"))  # for Gradescope, and `otter run`


@pytest.mark.parametrize("lab", NAMES)
def test_the_intro_says_that_not_all_tests_are_shown_and_nobody_is_sent_to_what_students_lack(lab, made):
    texts = [cell.source for cell in nbformat.read(made / lab / f"student/{lab}.ipynb", 4).cells]
    (intro,) = (" ".join(text.split()) for text in texts if text.startswith("# Lab "))
    assert "Some questions have a further test that is not shown." in intro
    assert "`notebooks/" not in "".join(texts), "students have the one notebook: say who has the other"


@pytest.mark.parametrize("lab", NAMES)
def test_jupyterlab_puts_no_script_beside_what_students_get(lab, made):
    for version in ("student", "autograder"):
        assert "jupytext" not in nbformat.read(made / lab / version / f"{lab}.ipynb", 4).metadata


@pytest.mark.parametrize("lab", NAMES)
def test_masters_are_kept_without_outputs_and_like_their_scripts(lab):
    master = nbformat.read(ROOT / f"notebooks/labs/{lab}.ipynb", 4)
    assert not [cell for cell in master.cells if cell.get("outputs") or cell.get("execution_count")]
    script = jupytext.read(ROOT / f"notebooks/labs/{lab}.py")
    assert [(cell.cell_type, cell.source) for cell in master.cells] == [
        (cell.cell_type, cell.source) for cell in script.cells
    ]
    assert f"name: {lab}\n" in master.cells[0].source
