"""Parameter files that do not fit are told before anything runs."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fercore.pipeline import parameters
from fercore.pipeline.parameters import check_params, layers, read_params

ROOT = Path(__file__).parents[2]
CELL = """data = ""
seed = 0
rate = 0.5  # of something
deep = True
names = ["a"]
claims = {}
anything = None
"""


def notebook(path, *cells, metadata=None):
    """A notebook of code cells, the first of which holds the parameters."""
    made = [
        {
            "cell_type": "code",
            "metadata": {"tags": ["parameters"]} if not place else {},
            "source": text.splitlines(True),
        }
        for place, text in enumerate(cells)
    ]
    content = {"cells": made, "metadata": metadata or {}, "nbformat": 4, "nbformat_minor": 5}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


@pytest.fixture
def book(tmp_path):
    return notebook(tmp_path / "05_book.ipynb", CELL, "print(seed)")


# ------------------------------------------------------------------------------------------------------------- reading


def test_later_files_stand_over_earlier_ones(tmp_path, write):
    first = write(tmp_path / "a.yaml", "seed: 1\nclaims: {x: 1, y: 2}\nrate: 0.1\n")
    second = write(tmp_path / "b.yaml", "claims: {x: 3}\nrate: 0.2\n")
    empty = write(tmp_path / "c.yaml", "{}  # as the papers\n")
    blank = write(tmp_path / "d.yaml", "# nothing\n")
    assert read_params(first, second, empty, blank) == {"seed": 1, "claims": {"x": 3}, "rate": 0.2}
    assert read_params(second, first)["rate"] == 0.1
    assert read_params() == {}


@pytest.mark.parametrize("text", ["seed: 1\nrate: 2\nseed: 1\n", "claims:\n  seed: 1\n  rate: 2\n  seed: 2\n"])
def test_a_key_that_stands_twice(tmp_path, text, write, refused):
    path = write(tmp_path / "a.yaml", text)
    refused(lambda: read_params(path), path, "'seed'", "twice", "line")


@pytest.mark.parametrize(
    ("text", "kind"), [("- 1\n", "list"), ("[]\n", "list"), ("no\n", "bool"), ("0\n", "int"), ('""\n', "str")]
)
def test_what_is_no_mapping(tmp_path, text, kind, write, refused):
    path = write(tmp_path / "a.yaml", text)
    refused(lambda: read_params(path), path, kind, "expected a mapping")


@pytest.mark.parametrize(
    "text", ["seed: [1\n", "seed: 1\n rate: 2\n", "a: b: c\n", "\tseed: 1\n", "? [a]\n: 1\n", "a: \x01\n"]
)
def test_what_is_no_yaml(tmp_path, text, write, refused):
    path = write(tmp_path / "a.yaml", text)
    refused(lambda: read_params(path), path, "not YAML")


def test_files_that_cannot_be_read(tmp_path, refused):
    refused(lambda: read_params(tmp_path / "none.yaml"), tmp_path / "none.yaml", "No such file")
    refused(lambda: read_params(tmp_path), tmp_path, "directory")
    (tmp_path / "latin.yaml").write_bytes("name: süß\n".encode("latin-1"))
    refused(lambda: read_params(tmp_path / "latin.yaml"), tmp_path / "latin.yaml", "UTF-8")


# ------------------------------------------------------------------------------------------------------------ checking


def test_parameters_as_the_files_leave_them(tmp_path, book, write):
    first = write(tmp_path / "a.yaml", "seed: 3\nrate: 1\nanything: [1]\nclaims: {a: {b: 1}}\n")
    second = write(tmp_path / "b.yaml", "seed: 4\ndeep: false\n")
    assert check_params(book, [first, second]) == {
        "data": "",
        "seed": 4,
        "rate": 1,  # a whole number will do for a fraction
        "deep": False,
        "names": ["a"],
        "claims": {"a": {"b": 1}},
        "anything": [1],
    }
    assert check_params(book, [])["rate"] == 0.5


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        ("sede: 1", ["'sede'", "did you mean 'seed'?"]),
        ("xyzzy: 1", ["'xyzzy'", "anything, claims, data, deep, names, rate, seed"]),
        ("yes: 1", ["True"]),  # which YAML reads as true, and which is no name
        ("3: 1", ["3"]),
        ("seed: 1.5", ["seed", "1.5", "float", "expects int"]),
        ("seed: '1'", ["seed", "'1'", "str", "expects int"]),
        ("seed: true", ["seed", "True", "bool", "expects int"]),
        ("seed:", ["seed", "None", "expects int"]),
        ("rate: true", ["rate", "bool", "expects float"]),
        ("deep: 1", ["deep", "int", "expects bool"]),
        ("names: a", ["names", "str", "expects list"]),
        ("claims: [a]", ["claims", "list", "expects dict"]),
    ],
)
def test_a_parameter_that_does_not_fit(tmp_path, book, line, parts, write, refused):
    good = write(tmp_path / "good.yaml", "seed: 1\n")
    bad = write(tmp_path / "bad.yaml", f"{line}\n")
    refused(lambda: check_params(book, [good, bad]), bad, "05_book.ipynb", *parts)


@pytest.mark.parametrize(
    ("default", "wrong", "expected"),
    [
        ("epochs = 2", "epochs: 0", "epochs is 0; expected at least 1"),
        ("folds = 3", "folds: 1", "folds is 1; expected at least 2"),
        ("temperature = 4.0", "temperature: 0", "temperature is 0; expected above 0"),
        ("temperatures = [4.0]", "temperatures: [4.0, -1.0]", "expected above 0"),
        ("weight_decay = 0.1", "weight_decay: -0.1", "expected at least 0"),
        ("alpha = 0.5", "alpha: 1.5", "expected from 0 to 1"),
        ("alpha = 0.5", "alpha: .nan", "expected from 0 to 1"),
        ("sparsities = [0.5]", "sparsities: [0.5, 1.0]", "expected from 0 to below 1"),
        ("seeds = [42]", "seeds: [-1]", "seeds is [-1]; expected from 0 to 4294967295"),
        ("seeds = {'a': [42]}", "seeds: {a: [42, -1], b: []}", "expected from 0 to 4294967295"),
        ("networks = ['a']", "networks: []", "networks is []; expected one or more"),
    ],
)
def test_a_number_out_of_range_is_told_before_anything_runs(tmp_path, default, wrong, expected, write, refused):
    book = notebook(tmp_path / "05_book.ipynb", f"{default}\n")
    bad = write(tmp_path / "bad.yaml", f"{wrong}\n")
    refused(lambda: check_params(book, [bad]), bad, expected)
    assert check_params(book, []), "the default is in range"


def test_ranges_are_of_parameters_that_there_are():
    """Of some notebook; a renamed parameter would lose its range without a word. Their own files are in range."""
    books = sorted(ROOT.glob("notebooks/[0-9]*.ipynb"))
    known = {name for book in books for name in check_params(book, layers(book.stem, "quick", ROOT / "params"))}
    named = {name for _, names in parameters.RANGES.values() for name in names.split()} | set(parameters.SOME.split())
    assert named - known == set()


def numeric(value):
    if isinstance(value, (list, dict)):
        return any(numeric(one) for one in (value.values() if isinstance(value, dict) else value))
    return isinstance(value, (int, float)) and not isinstance(value, bool)


@pytest.mark.parametrize("profile", ["quick", "laptop", "paper"])
def test_every_number_has_a_range(profile):
    """But for what a network is made with, which that network checks."""
    named = {name for _, names in parameters.RANGES.values() for name in names.split()} | {"teacher_options"}
    for book in ROOT.glob("notebooks/[0-9]*.ipynb"):
        found = check_params(book, layers(book.stem, profile, ROOT / "params"))
        assert {name for name, value in found.items() if numeric(value)} <= named, book.stem


def pair(folder, *cells):
    """The percent script of a notebook."""
    script = folder / "05_book.py"
    marks = ['# %% tags=["parameters"]', *["# %%"] * (len(cells) - 1)]
    parts = (f"{mark}\n{text}" for mark, text in zip(marks, cells, strict=True))
    script.write_text("\n\n".join(parts), encoding="utf-8")


def test_a_notebook_in_step_with_its_script(tmp_path, book):
    pair(tmp_path, CELL, "print(seed)\n")
    assert check_params(book, [])["seed"] == 0


@pytest.mark.parametrize(
    ("cells", "part"),
    [
        ([CELL.replace("seed = 0", "seed = 1"), "print(seed)"], "cell 1"),
        ([CELL, "print(seed + 1)"], "cell 2"),
        ([CELL], "2 cells, 05_book.py has 1"),
        ([CELL, "print(seed)", "print()"], "2 cells, 05_book.py has 3"),
    ],
)
def test_a_notebook_out_of_step_with_its_script_names_both_ways_and_the_newer(tmp_path, book, cells, part, refused):
    pair(tmp_path, *cells)
    script = tmp_path / "05_book.py"
    for age, said in ((-60, "the notebook is newer"), (60, "the script is newer"), (0, "both are as old")):
        os.utime(script, (book.stat().st_mtime + age,) * 2)
        refused(lambda: check_params(book, []), book, part, "05_book.py", said, "make notebooks", "make scripts")


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '"x"'])
def test_what_is_no_notebook(tmp_path, text, write, refused):
    path = write(tmp_path / "x.ipynb", text)
    refused(lambda: check_params(path, []), path, "not a notebook")
    refused(lambda: check_params(tmp_path / "none.ipynb", []), "none.ipynb", "not a notebook")


def test_a_default_that_is_not_plain(tmp_path, refused):
    path = notebook(tmp_path / "x.ipynb", "seed = 0\nrate = float('nan')\n")
    refused(lambda: check_params(path, []), path, "rate")


def test_a_profile_says_only_what_it_changes(tmp_path, write, refused):
    for layer in ("paper", "short", "quick"):
        write(tmp_path / layer / "05_book.yaml", "{}\n")
    names = [path.relative_to(tmp_path).as_posix() for path in layers("05_book", "quick", tmp_path)]
    assert names == ["paper/05_book.yaml", "short/05_book.yaml", "quick/05_book.yaml"]
    assert [path.parent.name for path in layers("05_book", "paper", tmp_path)] == ["paper"]
    assert [path.parent.name for path in layers("05_book", "smoke", tmp_path)] == ["paper", "short"]
    refused(lambda: layers("06_other", "quick", tmp_path), "paper/06_other.yaml", "no such file")


def test_what_is_as_it_should_be_is_checked_without_heavy_imports(tmp_path):
    for name in ("notebooks", "params"):
        (tmp_path / name).symlink_to(ROOT / name)
    code = "import sys; from fercore import cli; code = cli.main(['params', 'quick'])\n"
    code += "print(code, {'jupytext', 'pandas'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "0 set()\n", done.stdout + done.stderr
