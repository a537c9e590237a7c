"""What commands write to is seen to before the work, and what they warn of is told in a line."""

import warnings

import pytest

from fercore.cli import outputs


def test_room_is_made_and_no_file_is(tmp_path):
    outputs.make_room(tmp_path / "new/below/t.csv")
    assert not list((tmp_path / "new/below").iterdir())
    outputs.make_room(None)


def test_a_folder_in_the_place_of_the_file_and_a_folder_that_takes_none_are_told_by_the_files_name(
    tmp_path, monkeypatch
):
    with pytest.raises(IsADirectoryError, match=str(tmp_path)):
        outputs.make_room(tmp_path)

    def full(dir):
        raise OSError(28, "No space left on device", f"{dir}/tmp1")

    monkeypatch.setattr(outputs.tempfile, "TemporaryFile", full)
    with pytest.raises(OSError, match=r"t\.csv"):
        outputs.make_room(tmp_path / "t.csv")


def test_a_file_in_the_place_of_a_folder_is_told(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(NotADirectoryError, match="file is a file; expected a folder"):
        outputs.refuse_file(tmp_path / "file")
    for folder in (tmp_path, tmp_path / "new", None):
        outputs.refuse_file(folder)


def test_warnings_are_notes(capsys):
    with outputs.noted_warnings():
        warnings.warn("the teacher is trained from random weights", stacklevel=1)
    assert capsys.readouterr().err == "note: the teacher is trained from random weights\n"
