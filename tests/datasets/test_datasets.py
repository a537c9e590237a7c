"""The package's own functions: load by name, import into a folder, open what was imported."""

import re
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fercore import cli, datasets
from fercore.datasets import DataError, store
from fercore.datasets.faces import Faces, table


def write(root, *paths):
    for level, name in enumerate(paths, start=10):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (6, 5), level).save(root / name)
    return root


def small():
    pixels = np.arange(4 * 30, dtype=np.uint8).reshape(4, 5, 6)
    return Faces("small", pixels, table([0, 1, 0, 1], "x"), ("a", "b"))


def test_an_import_of_another_set_is_not_taken_for_a_named_one(tmp_path):
    path = datasets.import_dataset("folder", write(tmp_path / "some", "a/1.png", "b/2.png"), tmp_path / "set").parent
    with pytest.raises(DataError, match="an import of some; expected fer2013"):
        datasets.load("fer2013", path)
    assert datasets.load("folder", path).name == "some"


def test_names():
    assert set(datasets.REAL) | set(datasets.SYNTHETIC) == set(datasets.NAMES)
    with pytest.raises(ValueError, match=r"no data set 'fer2014'; there are fer2013, ferplus, .*, synthfer"):
        datasets.load("fer2014", "x")


@pytest.mark.parametrize("name", datasets.REAL)
def test_a_real_set_needs_a_source_and_says_where_it_is_missing(tmp_path, name):
    with pytest.raises(ValueError, match=f"{name} needs a source: the file or folder that holds it"):
        datasets.load(name)
    options = {"fer2013": tmp_path / "fer2013.csv"} if name == "ferplus" else {}
    with pytest.raises(DataError, match="found no such f"):
        datasets.load(name, tmp_path / "nowhere", **options)


@pytest.mark.parametrize("name", datasets.SYNTHETIC)
def test_a_rendered_set_takes_no_source(tmp_path, name):
    with pytest.raises(ValueError, match=f"{name} is rendered and takes no source"):
        datasets.load(name, tmp_path)


@pytest.mark.parametrize("name", datasets.REAL)
def test_an_imported_set_is_opened_by_its_name_or_as_a_folder(tmp_path, name):
    store.save(replace(small(), name=name), tmp_path)
    faces = datasets.load(name, str(tmp_path))
    assert faces.name == name == datasets.load("folder", tmp_path).name and isinstance(faces.pixels, np.memmap)
    assert (faces.pixels == small().pixels).all()


def test_bring_in_and_open(tmp_path):
    root = write(tmp_path / "images", "a/1.png", "b/2.png")
    path = datasets.import_dataset("folder", root, tmp_path / "data/set", size=8)
    assert path == tmp_path / "data/set/dataset.json" and path.is_file()
    faces = datasets.load_imported(path.parent)
    assert (
        faces.classes == ("a", "b") and faces.pixels[:, 0, 0].tolist() == [10, 11] and faces.pixels.shape[1:] == (8, 8)
    )
    assert len(list(path.parent.iterdir())) == 3 and not list(tmp_path.glob("**/*.tmp"))


def test_bring_in_puts_pixels_straight_into_the_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(np, "save", None)  # a copy would need it
    datasets.import_dataset("folder", write(tmp_path / "images", "a/1.png", "b/1.png"), tmp_path / "set")
    assert len(datasets.load_imported(tmp_path / "set")) == 2


def test_bring_in_a_rendered_set(tmp_path):
    datasets.import_dataset("synthfer", None, tmp_path, images=200, seed=3)
    faces = datasets.load_imported(tmp_path)
    assert faces.synthetic and len(faces) == 200
    assert (faces.pixels == datasets.load("synthfer", images=200, seed=3).pixels).all()


def test_an_imported_set_may_be_brought_in_elsewhere_and_onto_itself(tmp_path):
    store.save(replace(small(), name="fer2013"), tmp_path / "one")
    for target in ("two", "one"):
        datasets.import_dataset("fer2013", tmp_path / "one", tmp_path / target)
        assert (datasets.load_imported(tmp_path / target).pixels == small().pixels).all()
        assert len(list((tmp_path / target).iterdir())) == 3


def test_an_import_is_not_put_among_the_pictures_it_is_made_of(tmp_path):
    """Or the next one would read it in their place; further down it is passed over."""
    root = write(tmp_path / "own", "a/1.png", "b/2.png")
    for target in ("own", "own/../own"):
        with pytest.raises(ValueError, match=r"is the folder that is read: give another .*--to.*move the download"):
            datasets.import_dataset("folder", root, tmp_path / target)
    assert sorted(path.name for path in root.iterdir()) == ["a", "b"]
    for _ in range(2):
        datasets.import_dataset("folder", root, root / "data/own")
        assert len(datasets.load_imported(root / "data/own")) == 2


@pytest.mark.parametrize("name", ["c/3.png", "3.jpg"])
def test_an_import_beside_pictures_is_not_read_in_their_place(tmp_path, name):
    store.save(replace(small(), name="fer2013"), tmp_path)
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_bytes(b"")
    told = rf"found an import, and {name.split('/')[0]} beside it; expected one of them: .*remove dataset\.json"
    with pytest.raises(DataError, match=told):
        datasets.load("fer2013", tmp_path)
    with pytest.raises(DataError, match=told):
        datasets.import_dataset("fer2013", tmp_path, tmp_path)
    assert len(datasets.load_imported(tmp_path)) == 4


def test_what_else_lies_beside_an_import_is_no_matter(tmp_path):
    """Such as the file that it was made of, notes, and what a network drive puts everywhere."""
    store.save(replace(small(), name="fer2013"), tmp_path)
    for name in ("fer2013.csv", "notes.txt", "@eaDir/x.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("mine")
    assert len(datasets.load("fer2013", tmp_path)) == 4


@pytest.mark.parametrize("old", [False, True])
def test_a_reader_that_fails_late_leaves_nothing_and_the_old_set_intact(tmp_path, old):
    root = write(tmp_path / "images", *(f"{'ab'[number % 2]}/{number}.png" for number in range(9)))
    (root / "a/8.png").write_bytes(b"half")
    if old:
        store.save(small(), tmp_path / "set")
    before = sorted((tmp_path / "set").iterdir()) if old else []
    with pytest.raises(DataError, match=r"8\.png: found an image that cannot be decoded"):
        datasets.import_dataset("folder", root, tmp_path / "set")
    assert sorted((tmp_path / "set").glob("*")) == before
    if old:
        assert (datasets.load_imported(tmp_path / "set").pixels == small().pixels).all()


def test_an_interrupt_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "fingerprint", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        datasets.import_dataset("folder", write(tmp_path / "images", "a/1.png", "b/1.png"), tmp_path / "set")
    assert list((tmp_path / "set").glob("*")) == []


def test_an_unknown_name_brings_in_nothing(tmp_path):
    with pytest.raises(ValueError, match="no data set"):
        datasets.import_dataset("nope", tmp_path, tmp_path / "set")
    assert not (tmp_path / "set").exists()


def test_options_cannot_be_given_to_what_is_imported_already(tmp_path):
    datasets.import_dataset("synthfer", None, tmp_path / "set", images=200)
    with pytest.raises(ValueError, match="votes can be given when it is imported"):
        datasets.load("fer2013", tmp_path / "set", votes="fer2013new.csv")


def test_an_import_first_removes_what_a_killed_one_has_left(tmp_path, monkeypatch):
    left = Path(store.allocate((2, 2), tmp_path).filename)
    monkeypatch.setattr(datasets, "load", lambda *_, **__: pytest.fail("") if left.exists() else small())
    datasets.import_dataset("fer2013", "x", tmp_path)
    assert not left.exists()


@pytest.mark.parametrize(
    ("module", "told"),
    [
        (None, r"datasets/newset\.py is not there"),
        ("import nowhere_at_all", r"newset\.py cannot be imported: No module named 'nowhere_at_all'"),
        ("def reed(source): ...", r"newset\.py has no read\(source, \*, allocate, \.\.\.\)"),
        ("def read(source): ...", r"newset\.py has no read\(source, \*, allocate, \.\.\.\)"),
    ],
)
def test_a_row_of_the_table_that_names_no_reader_is_told_in_one_line(tmp_path, monkeypatch, capsys, module, told):
    monkeypatch.setattr(datasets, "NAMES", (*datasets.NAMES, "newset"))
    monkeypatch.setattr(datasets, "__path__", [*datasets.__path__, str(tmp_path)])
    monkeypatch.delitem(sys.modules, "fercore.datasets.newset", raising=False)
    if module is not None:
        (tmp_path / "newset.py").write_text(module)
    assert cli.main(["import", "newset", str(tmp_path)]) == 1
    assert re.fullmatch(
        rf"fercore: REAL in .*__init__\.py has the row 'newset', and .*{told}\n", capsys.readouterr().err
    )


def test_a_row_of_the_table_that_is_no_name_is_told():
    with pytest.raises(ValueError, match=r"REAL in .*__init__\.py has the row 3; expected the name of a module"):
        datasets._require_names(("folder", 3))
