"""Labs are made in place of labs, and of nothing else."""

import pytest

from fercore.labs import make


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
