"""Parameter files that do not fit are told before anything runs; data of a profile; failures found again."""

import json
import os

import numpy as np
import pytest

from fercore import datasets, pipeline
from fercore.datasets import store
from fercore.datasets.faces import Faces, table
from fercore.pipeline import ParameterError, check_params, prepare_data, read_params

CELL = """data = ""
seed = 0
rate = 0.5  # of something
deep = True
names = ["a"]
claims = {}
anything = None
"""


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


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
    return write(path, json.dumps({"cells": made, "metadata": metadata or {}, "nbformat": 4, "nbformat_minor": 5}))


@pytest.fixture
def book(tmp_path):
    return notebook(tmp_path / "05_book.ipynb", CELL, "print(seed)")


def refused(call, *parts):
    """What `call` is refused with: one line that has all the parts."""
    with pytest.raises(ParameterError) as caught:
        call()
    text = str(caught.value)
    assert "\n" not in text
    for part in parts:
        assert str(part) in text, text
    return text


# ------------------------------------------------------------------------------------------------------------- reading


def test_later_files_stand_over_earlier_ones(tmp_path):
    first = write(tmp_path / "a.yaml", "seed: 1\nclaims: {x: 1, y: 2}\nrate: 0.1\n")
    second = write(tmp_path / "b.yaml", "claims: {x: 3}\nrate: 0.2\n")
    empty = write(tmp_path / "c.yaml", "{}  # as the papers\n")
    blank = write(tmp_path / "d.yaml", "# nothing\n")
    assert read_params(first, second, empty, blank) == {"seed": 1, "claims": {"x": 3}, "rate": 0.2}
    assert read_params(second, first)["rate"] == 0.1
    assert read_params() == {}


@pytest.mark.parametrize("text", ["seed: 1\nrate: 2\nseed: 1\n", "claims:\n  seed: 1\n  rate: 2\n  seed: 2\n"])
def test_a_key_that_stands_twice(tmp_path, text):
    path = write(tmp_path / "a.yaml", text)
    refused(lambda: read_params(path), path, "'seed'", "twice", "line")


@pytest.mark.parametrize(
    ("text", "kind"), [("- 1\n", "list"), ("[]\n", "list"), ("no\n", "bool"), ("0\n", "int"), ('""\n', "str")]
)
def test_what_is_no_mapping(tmp_path, text, kind):
    path = write(tmp_path / "a.yaml", text)
    refused(lambda: read_params(path), path, kind, "expected a mapping")


@pytest.mark.parametrize(
    "text", ["seed: [1\n", "seed: 1\n rate: 2\n", "a: b: c\n", "\tseed: 1\n", "? [a]\n: 1\n", "a: \x01\n"]
)
def test_what_is_no_yaml(tmp_path, text):
    path = write(tmp_path / "a.yaml", text)
    refused(lambda: read_params(path), path, "not YAML")


def test_files_that_cannot_be_read(tmp_path):
    refused(lambda: read_params(tmp_path / "none.yaml"), tmp_path / "none.yaml", "No such file")
    refused(lambda: read_params(tmp_path), tmp_path, "directory")
    (tmp_path / "latin.yaml").write_bytes("name: süß\n".encode("latin-1"))
    refused(lambda: read_params(tmp_path / "latin.yaml"), tmp_path / "latin.yaml", "UTF-8")


# ------------------------------------------------------------------------------------------------------------ checking


def test_parameters_as_the_files_leave_them(tmp_path, book):
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
def test_a_parameter_that_does_not_fit(tmp_path, book, line, parts):
    good = write(tmp_path / "good.yaml", "seed: 1\n")
    bad = write(tmp_path / "bad.yaml", f"{line}\n")
    refused(lambda: check_params(book, [good, bad]), bad, "05_book.ipynb", *parts)


def pair(folder, *cells):
    """The percent script of a notebook."""
    marks = ['# %% tags=["parameters"]', *["# %%"] * (len(cells) - 1)]
    return write(folder / "05_book.py", "\n\n".join(f"{mark}\n{text}" for mark, text in zip(marks, cells, strict=True)))


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
def test_a_notebook_out_of_step_with_its_script(tmp_path, book, cells, part):
    pair(tmp_path, *cells)
    refused(lambda: check_params(book, []), book, part, "05_book.py", "make notebooks")


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '"x"'])
def test_what_is_no_notebook(tmp_path, text):
    path = write(tmp_path / "x.ipynb", text)
    refused(lambda: check_params(path, []), path, "not a notebook")
    refused(lambda: check_params(tmp_path / "none.ipynb", []), "none.ipynb", "not a notebook")


def test_a_default_that_is_not_plain(tmp_path):
    path = notebook(tmp_path / "x.ipynb", "seed = 0\nrate = float('nan')\n")
    refused(lambda: check_params(path, []), path, "rate")


# ---------------------------------------------------------------------------------------------------------------- data

PAPER = "dataset: fer2013\nstore: data/fer2013\ninstead: synthfer\nimages: 300\nseed: 0\n"


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "paper.yaml", PAPER)
    return tmp_path


def imported(folder, name="fer2013"):
    pixels = np.random.default_rng(0).integers(0, 256, (5, 4, 4), np.uint8)
    store.save(Faces(name, pixels, table([0, 1, 2, 3, 4], "Training"), datasets.FER2013_CLASSES), folder)
    return pixels


def test_a_synthetic_profile_is_rendered(project):
    quick = write(project / "quick.yaml", "dataset: synthfer\nimages: 250\nseed: 2\n")
    line = prepare_data(["paper.yaml", quick], "data/quick")
    assert "250 rendered faces (synthfer)" in line and "synthetic" in line and "nothing is imported" not in line
    faces = datasets.load_imported(project / "data/quick")
    assert len(faces) == 250 and faces.synthetic and faces.name == "synthfer"
    assert np.array_equal(faces.pixels, datasets.load("synthfer", images=250, seed=2).pixels)


def test_a_real_profile_runs_on_rendered_faces_until_there_are_real_ones(project):
    line = prepare_data(["paper.yaml"], "data/paper")
    assert "nothing is imported in data/fer2013" in line and "300 rendered faces" in line and "synthetic" in line
    assert datasets.load_imported("data/paper").synthetic
    pixels = imported("data/fer2013")
    line = prepare_data(["paper.yaml"], "data/paper")
    assert line == "data/paper: fer2013 as imported in data/fer2013"
    faces = datasets.load_imported("data/paper")
    assert not faces.synthetic and np.array_equal(faces.pixels, pixels)
    assert [path.name for path in (project / "data/paper").iterdir()] == ["dataset.json"], "referred to, not copied"


def test_what_is_referred_to_is_found_from_anywhere(project, monkeypatch):
    pixels = imported("data/fer2013")
    prepare_data(["paper.yaml"], "data/paper")
    (project / "elsewhere").mkdir()
    monkeypatch.chdir(project / "elsewhere")
    assert np.array_equal(datasets.load_imported("../data/paper").pixels, pixels)
    os.rename(project / "data", project / "moved")
    assert np.array_equal(datasets.load_imported(project / "moved/paper").pixels, pixels), "no path of this machine"


def test_an_imported_set_is_never_lost_to_a_reference_to_itself(project):
    pixels = imported("data/fer2013")
    refused(lambda: prepare_data(["paper.yaml"], "data/fer2013"), "store", "data/fer2013")
    refused(lambda: prepare_data(["paper.yaml"], project / "data/../data/fer2013"), "store")
    assert np.array_equal(datasets.load_imported("data/fer2013").pixels, pixels)


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        ("image: 3", ["'image'", "did you mean 'images'?"]),
        ("xyzzy: 3", ["'xyzzy'", "dataset, images, instead, seed, store"]),
        ("dataset: fer2103", ["dataset", "'fer2103'", "fer2013"]),  # not silently rendered instead
        ("instead: fer2013", ["instead", "'fer2013'", "synthfer"]),
        ("images: many", ["images", "'many'", "expects int"]),
        ("images: 300.0", ["images", "300.0", "expects int"]),
        ("store: 3", ["store", "expects str"]),
        ("seed: true", ["seed", "expects int"]),
    ],
)
def test_data_parameters_that_do_not_fit(project, line, parts):
    bad = write(project / "bad.yaml", f"{line}\n")
    # named is the file that holds the key, which need not be the last one
    refused(lambda: prepare_data(["paper.yaml", bad, write(project / "last.yaml", "{}")], "data/x"), bad, *parts)
    assert not (project / "data/x").exists()


def test_data_parameters_that_are_missing(project):
    short = write(project / "short.yaml", "dataset: synthfer\nimages: 300\n")
    refused(lambda: prepare_data([short], "data/x"), short, "instead, seed, store")


def test_another_set_than_the_profile_asks_for(project):
    imported("data/fer2013", name="rafdb")
    refused(lambda: prepare_data(["paper.yaml"], "data/x"), "data/fer2013", "rafdb", "fer2013")


# ------------------------------------------------------------------------------------------------------------ failures


def executed(path, when, *errors):
    """An executed notebook, a cell for each of `errors`, None for one that went well."""
    cells = [{"cell_type": "markdown", "metadata": {}, "source": ["# Title"]}]
    for place, error in enumerate(errors):
        outputs = [{"output_type": "stream", "name": "stdout", "text": ["fine"]}]
        if error:
            outputs.append({"output_type": "error", "ename": error[0], "evalue": error[1], "traceback": ["…"]})
        cells.append({"cell_type": "code", "metadata": {}, "source": [f"\nwork({place})\n", "x"], "outputs": outputs})
    write(path, json.dumps({"cells": cells}))
    os.utime(path, (when, when))
    return path


def test_a_failure_names_notebook_cell_and_error(tmp_path):
    path = executed(tmp_path / "quick/02_x.ipynb", 100, None, ("ValueError", "no such\n\x1b[0;31mclass\x1b[0m"))
    executed(tmp_path / "quick/01_x.ipynb", 200, None)
    assert pipeline.failure(tmp_path) == (
        f"notebook  {path}\ncell      3: work(1)\nerror     ValueError: no such\nclass"
    )


def test_the_newest_failure_is_told(tmp_path):
    for when in (1, 3, 2):
        executed(tmp_path / f"0{when}.ipynb", when, ("KeyError", f"number {when}"))
    (tmp_path / "half.ipynb").write_text('{"cells": [')
    (tmp_path / "list.ipynb").write_text("[]")
    assert "03.ipynb" in pipeline.failure(tmp_path) and "number 3" in pipeline.failure(tmp_path)


def test_no_failure(tmp_path):
    executed(tmp_path / "01.ipynb", 1, None)
    assert pipeline.failure(tmp_path) is None and pipeline.failure(tmp_path / "none") is None
