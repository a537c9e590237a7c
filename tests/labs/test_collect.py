"""A folder as a learning platform gives it: every notebook is found, packed or not, and nobody is passed over."""

import io
import shutil
import zipfile
from pathlib import Path

import pytest

from fercore.datasets import DataError
from fercore.labs.collect import collect


@pytest.fixture
def handed_in(tmp_path):
    """Collects files, given by name, of which folders are made."""

    def handed_in(files):
        root = tmp_path / "handed in"
        for name, data in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).mkdir() if data is None else (root / name).write_bytes(data)
        (tmp_path / "space").mkdir()
        return collect(root, tmp_path / "space")

    return handed_in


def packed(files):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return file.getvalue()


def test_notebooks_are_found_in_folders_and_archives_and_archives_in_them(handed_in):
    inner = packed({"work/lab.ipynb": b"2"})
    found = handed_in(
        {"Ada/lab (1).ipynb": b"1", "Zoë Å/work.zip": packed({"work.zip": inner, "__MACOSX/._lab.ipynb": b"x"})}
    )
    assert list(found) == ["Ada/lab (1).ipynb", "Zoë Å/work.zip/work/work/lab.ipynb"]
    assert [path.read_bytes() for path in found.values()] == [b"1", b"2"]


def test_an_archive_that_holds_archives_without_end_is_not_followed(handed_in):
    file = packed({"lab.ipynb": b"1"})
    for _ in range(8):
        file = packed({"work.zip": file})
    assert handed_in({"Ada/lab.ipynb": b"1", "Bob/work.zip": file})["Bob"] == "has no notebook, but work.zip"


def test_what_editors_and_systems_leave_is_nothing_that_was_handed_in(handed_in):
    left = ["Ada/.ipynb_checkpoints/lab-checkpoint.ipynb", "Ada/__MACOSX/._lab.ipynb", "Ada/.OTTER_LOG", ".DS_Store"]
    assert list(handed_in(dict.fromkeys(left, b"x") | {"Ada/lab.ipynb": b"1", "Ada/lab.py": b"1"})) == ["Ada/lab.ipynb"]


def test_who_has_no_notebook_is_told_with_what_there_is(handed_in):
    found = handed_in(
        {
            "a/lab.ipynb": b"1",
            "b/lab.pdf": b"%PDF",
            "c": None,
            "d/lab.zip": packed({"lab.py": b"1"}),
            "e.docx": packed({"document.xml": b"1"}),
            "f/lab.rar": b"Rar!" + bytes(600),
            "g/lab.zip": packed({"lab.ipynb": b"1"})[:40],
            "h/lab.zip": packed({"../lab.ipynb": b"1"}),
            "i/1": b"", "i/2": b"", "i/3": b"", "i/4": b"",
        }
    )  # fmt: skip
    assert list(found) == ["a/lab.ipynb", "b", "c", "d", "e.docx", "f/lab.rar", "g/lab.zip", "h/lab.zip", "i"]
    assert found["b"] == "has no notebook, but lab.pdf"
    assert found["c"] == "is empty"
    assert found["d"] == "has no notebook, but lab.zip"
    assert found["e.docx"] == "is no notebook"
    assert found["f/lab.rar"] == "is a RAR archive, which is not read"
    assert found["g/lab.zip"].startswith("is a damaged archive")
    assert "leads out of the archive" in found["h/lab.zip"]
    assert found["i"] == "has no notebook, but 1, 2, 3 and 1 more"


def test_one_folder_around_all_students_is_no_student(handed_in):
    assert list(handed_in({"course/a/lab.ipynb": b"1", "course/b/lab.pdf": b"x"})) == ["course/a/lab.ipynb", "course/b"]


def test_files_that_a_platform_has_renamed_are_a_student_each_and_not_one_of_them(handed_in):
    files = ["course/ada_1_lab.ipynb", "course/bob_2_lab.ipynb", "course/zoë_3_lab.pdf"]
    assert list(handed_in(dict.fromkeys(files, b"x"))) == files


def test_what_a_single_student_has_beside_a_notebook_is_not_told(handed_in):
    assert list(handed_in({"ada/lab.ipynb": b"1", "ada/plot.png": b"x"})) == ["ada/lab.ipynb"]


def test_the_archive_of_a_whole_course_is_taken_as_it_is(tmp_path):
    (tmp_path / "course.zip").write_bytes(packed({"Ada/lab.ipynb": b"1", "Bob/work.zip": packed({"lab.ipynb": b"2"})}))
    (tmp_path / "course.rar").write_bytes(b"Rar!" + bytes(600))
    (tmp_path / "space").mkdir()
    assert list(collect(tmp_path / "course.zip", tmp_path / "space")) == ["Ada/lab.ipynb", "Bob/work/lab.ipynb"]
    with pytest.raises(DataError, match="RAR"):
        collect(tmp_path / "course.rar", tmp_path / "space")
    with pytest.raises(FileNotFoundError, match="no folder of submissions"):
        collect(tmp_path / "other", tmp_path / "space")


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_a_student_who_has_handed_in_nothing_has_a_row_also_in_an_archive(tmp_path, kind):
    for name in ("course/Ada", "course/Erin", "course/__MACOSX"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "course/Ada/lab.ipynb").write_bytes(b"1")
    form = {"zip": "zip", "tar.gz": "gztar"}[kind]
    path = shutil.make_archive(str(tmp_path / "handed_in"), form, tmp_path, "course")
    (tmp_path / "space").mkdir()
    found = collect(Path(path), tmp_path / "space")
    assert list(found) == ["course/Ada/lab.ipynb", "course/Erin"] and found["course/Erin"] == "is empty"


def test_an_archive_with_a_file_and_a_folder_of_one_name_is_told(tmp_path):
    with zipfile.ZipFile(tmp_path / "course.zip", "w") as archive:
        archive.writestr("Ada/x", b"1")
        archive.writestr("Ada/x/", b"")
    (tmp_path / "space").mkdir()
    with pytest.raises(DataError, match=r"a folder 'Ada/x/', which is a file as well"):
        collect(tmp_path / "course.zip", tmp_path / "space")
