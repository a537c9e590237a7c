"""A file is whole or the old one, and an error names it, not what is written first."""

import errno
import os

import pytest

from fercore import files


def full(file):
    file.write(b"half")
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def cut(file):
    """As NumPy tells it."""
    raise OSError("18432 requested and 3968 written")


def test_a_full_disk_is_told_with_the_file_and_leaves_the_old_one(tmp_path):
    path = tmp_path / "table.csv"
    path.write_bytes(b"old")
    with pytest.raises(OSError, match="No space left") as caught:
        files.replace(path, full)
    assert caught.value.filename == str(path) and caught.value.errno == errno.ENOSPC
    with pytest.raises(OSError, match=rf"{path.name}: 18432 requested and 3968 written"):
        files.replace(path, cut)
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_not_there_is_told_with_the_file(tmp_path):
    path = tmp_path / "nowhere/table.csv"
    with pytest.raises(FileNotFoundError) as caught:
        files.replace(path, lambda file: file.write(b"new"))
    assert caught.value.filename == str(path) and ".tmp" not in str(caught.value)


def test_what_fails_of_another_file_keeps_its_name(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        files.replace(tmp_path / "copy", lambda file: file.write((tmp_path / "original").read_bytes()))
    assert caught.value.filename == str(tmp_path / "original")
