"""The packages of fercore are layers: each imports only from those below it in pyproject.toml's list."""

import ast
import re
from pathlib import Path

import pytest
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

from fercore import datasets, models

ROOT = Path(__file__).parents[1]
PACKAGES = sorted(path.parent for path in ROOT.glob("fercore/*/__init__.py") if path.parent.name != "cli")
FOUND = {
    "datasets": set(datasets.REAL),
    "models": {name for name, module in models._MODULES.items() if hasattr(module, "NETWORKS")},
}


def test_no_package_imports_from_one_above_it(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    found = lint_imports(config_filename="pyproject.toml", no_cache=True)
    assert found == EXIT_STATUS_SUCCESS, capsys.readouterr().out


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_a_package_says_what_each_of_its_modules_is_for(package):
    """But for readers of data sets and networks of papers, which their packages find by themselves, and the command."""
    told = set(re.findall(r"^(\w+) {2,}\S", ast.get_docstring(ast.parse((package / "__init__.py").read_text())), re.M))
    modules = {path.stem for path in package.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()}
    assert told == {name for name in modules if not name.startswith("_")} - FOUND.get(package.name, set())
