"""How far a process is can be read by another, and nothing is left of it."""

import json
import os
import shutil
import time

import pytest

from fercore import progress


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(progress.FOLDER, str(tmp_path))
    monkeypatch.setattr(progress, "SECONDS", 0)
    return tmp_path


def test_the_outermost_work_of_a_process_is_noted_while_it_goes_on(folder, capsys):
    assert progress.notes(folder) == []
    with progress.bar(total=10, desc="networks") as outer:
        outer.set_postfix({"loss": 1}, refresh=False)
        outer.update(4)
        with progress.bar(total=3, desc="batches") as inner:
            inner.update()
            assert [note.split(",")[0] for note in progress.notes(folder)] == ["networks 40 %"]
    assert not list(folder.iterdir()) and capsys.readouterr().err == ""


@pytest.mark.parametrize(("seconds", "left"), [(30, "1:10 left"), (3600, "2:20:00 left")])
def test_what_remains_follows_from_what_was_done_here(folder, monkeypatch, seconds, left):
    now = time.time()
    monkeypatch.setattr(progress.time, "time", lambda: now)
    note = {"desc": "x", "total": 100, "initial": 40, "done": 58, "started": now - seconds}
    (folder / "1.json").write_text(json.dumps(note))
    assert progress.notes(folder) == [f"x 58 %, {left}"]


def test_notes_that_are_half_written_or_gone_are_passed_over(folder):
    (folder / "1.json").write_text('{"desc"')
    assert progress.notes(folder) == []


def test_a_note_that_cannot_be_written_ends_no_work(folder):
    with progress.bar(total=2, desc="x") as bar:
        shutil.rmtree(folder)
        bar.update()


def test_what_is_to_be_silent_is_not_noted(folder, capsys):
    with progress.bar(total=2, desc="lanes", disable=True) as bar:
        bar.update()
        assert not list(folder.iterdir())
    assert capsys.readouterr().err == ""


def test_elsewhere_it_is_a_bar(capsys, monkeypatch):
    monkeypatch.delenv(progress.FOLDER, raising=False)
    with progress.bar(total=2, desc="epochs") as bar:
        bar.update(2)
    assert "epochs: 100%" in capsys.readouterr().err
    assert os.environ.get(progress.FOLDER) is None
