"""The rooms of fercore: each imports only from those that data reach before it, which pyproject.toml lists below it."""

from pathlib import Path

from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

ROOT = Path(__file__).parents[1]


def test_no_room_imports_from_one_that_data_reach_later(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    found = lint_imports(config_filename="pyproject.toml", no_cache=True)
    assert found == EXIT_STATUS_SUCCESS, capsys.readouterr().out
