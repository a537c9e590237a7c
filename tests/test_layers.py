"""The packages of fercore are layers: each imports only from those below it in pyproject.toml's list."""

from pathlib import Path

from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

ROOT = Path(__file__).parents[1]


def test_no_package_imports_from_one_above_it(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    found = lint_imports(config_filename="pyproject.toml", no_cache=True)
    assert found == EXIT_STATUS_SUCCESS, capsys.readouterr().out
