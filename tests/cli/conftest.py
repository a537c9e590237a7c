"""Commands as somebody types them, in an empty folder."""

from pathlib import Path

import pytest

from fercore.cli import main

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def said(capsys):
    """Runs a command that is to succeed and returns what it printed."""

    def run(*words):
        status = main(list(words))
        output = capsys.readouterr()
        assert status == 0 and output.err == "", output.err
        return output.out

    return run


@pytest.fixture
def refused(capsys):
    """Runs a command that is to fail and returns its one line on standard error."""

    def run(*words):
        status = main(list(words))
        output = capsys.readouterr()
        assert status == 1 and output.err.startswith("fercore: ") and output.err.count("\n") == 1, output.err
        assert "Traceback" not in output.err
        return output.err

    return run


@pytest.fixture
def at_the_root(monkeypatch):
    monkeypatch.chdir(ROOT)
